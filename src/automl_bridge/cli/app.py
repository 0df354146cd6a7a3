"""The commands and where they live."""

from __future__ import annotations

from typing import Annotated

import typer

from automl_bridge.cli import backends, compare, estimate, export, fit, predict, prices, resources, runs, sandbox

__all__ = ["app"]

app = typer.Typer(
    name="automl-bridge",
    help="Train on any AutoML with one command, and see the result beside an honest baseline.",
    epilog="Start with:  automl-bridge fit DATA.csv --target COLUMN",
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    pretty_exceptions_enable=False,
)


def _version(value: bool) -> None:  # noqa: FBT001 - the parser calls it so
    if value:
        from importlib.metadata import version

        typer.echo(f"automl-bridge {version('automl-bridge')}")
        raise typer.Exit


@app.callback()
def root(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Train on any AutoML with one command, and see the result beside an honest baseline."""


app.command("fit", epilog=fit.EXAMPLES)(fit.fit)
app.command("estimate", epilog=estimate.EXAMPLES)(estimate.estimate)
app.command("compare", epilog=compare.EXAMPLES)(compare.compare)
app.command("predict", epilog=predict.EXAMPLES)(predict.predict)
app.add_typer(runs.app, name="runs")
app.add_typer(sandbox.app, name="sandbox")
app.command("export", epilog=export.EXAMPLES)(export.export)
app.command("resources", epilog=resources.EXAMPLES)(resources.resources)
app.add_typer(prices.app, name="prices")
app.command("backends", epilog=backends.BACKENDS_EXAMPLES)(backends.backends)
app.command("doctor", epilog=backends.DOCTOR_EXAMPLES)(backends.doctor)
