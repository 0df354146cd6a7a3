"""``automl-bridge prices``: what is known of prices, whence and since when, and whether it can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from automl_bridge.cli.options import command, complete_backend, examples
from automl_bridge.cli.output import current

if TYPE_CHECKING:
    from automl_bridge.costs.prices import Price

__all__ = ["app"]

app = typer.Typer(help="Show and refresh the prices behind costs.", no_args_is_help=True, rich_markup_mode="rich")

WIDE = 180
"""Columns from which on sources are shown."""
BRIDGE = "this machine"
"""Whose the rented machines are that local hardware is imputed from."""


@app.command("show", epilog=examples("automl-bridge prices show", "automl-bridge prices show sagemaker --region eu"))
@command
def show(
    *,
    backend: Annotated[
        str | None,
        typer.Argument(metavar="[BACKEND]", help="One backend; all if not given.", autocompletion=complete_backend),
    ] = None,
    sku: Annotated[str | None, typer.Option(metavar="WORD", help="Only what has this in its name.")] = None,
    region: Annotated[str | None, typer.Option(metavar="REGION", help="Only regions that begin so.")] = None,
) -> None:
    """List prices with their sources and dates, as they hold here: a file of your own is laid over them."""
    from automl_bridge.reports.prices import prices_table

    found = [
        (owner, row)
        for owner, row in _rows(backend)
        if (sku is None or sku.lower() in row.sku.lower()) and (region is None or row.region.startswith(region))
    ]
    output = current()
    if output.json_mode:
        output.document({"prices": [{"backend": owner, **row.model_dump(mode="json")} for owner, row in found]})
    elif found:
        wide = output.out.width >= WIDE
        output.out.print(prices_table(found, sources=wide))
        if not wide:
            output.line("  --json, or a wider terminal, shows where each price can be read")
    else:
        output.line("  no such prices: what is not listed is unknown, which is not free")


def _rows(backend: str | None) -> list[tuple[str, Price]]:
    """Return the rows of backends with whose they are; those of this machine once."""
    from automl_bridge.cli.work import configuration
    from automl_bridge.costs.local import machine_rows
    from automl_bridge.registry import load_class, names, price_book

    config = configuration()
    if backend is not None:
        load_class(backend, installed=False)
    found = [
        (name, row)
        for name in ([backend] if backend else names())
        for row in price_book(name, config)
        if row.provider != "local"
    ]
    return found if backend else [*found, *((BRIDGE, row) for row in machine_rows())]


@app.command("refresh", epilog=examples("automl-bridge prices refresh", "automl-bridge prices refresh sagemaker"))
@command
def refresh(
    *,
    backend: Annotated[
        str | None,
        typer.Argument(metavar="[BACKEND]", help="One backend; all clouds if not given.",
                       autocompletion=complete_backend),
    ] = None,
) -> None:  # fmt: skip
    """Ask the vendors' own price lists, and keep the answers on this machine: the newest price holds."""
    from automl_bridge.cli.refreshing import refresh_prices
    from automl_bridge.reports.prices import changes_table

    done = refresh_prices(backend)
    output = current()
    if output.json_mode:
        output.document({"ok": all(one.error is None for one in done), "backends": [one.document() for one in done]})
    else:
        for one in done:
            output.out.print(changes_table(one.backend, one.changes, one.error, sandbox=one.sandbox))
    if any(one.error is not None for one in done):
        raise typer.Exit(1)


@app.command("verify", epilog=examples("automl-bridge prices verify", "automl-bridge prices verify --json"))
@command
def verify() -> None:
    """Look over all price lists. Ends with 1 if a row is faulty; old rows and sources without address are warnings."""
    from datetime import UTC, datetime

    from automl_bridge.costs.verify import verify_prices

    today = datetime.now(UTC).date()
    texts = _texts()
    findings = [one for where, text in texts.items() for one in verify_prices(text, where, today)]
    faults = [one for one in findings if one.level == "fault"]
    output = current()
    if output.json_mode:
        listed: list[dict[str, Any]] = [one.model_dump(mode="json") for one in findings]
        output.document({"ok": not faults, "files": list(texts), "findings": listed})
    else:
        _print(findings, list(texts))
    if faults:
        raise typer.Exit(1)


def _texts() -> dict[str, str]:
    """Return the content of every file of prices by what it is called."""
    from importlib.resources import files

    from automl_bridge.cli.work import configuration
    from automl_bridge.registry import names, price_file

    texts = {"machines.csv": files("automl_bridge.costs").joinpath("machines.csv").read_text(encoding="utf-8")}
    for name in names():
        file = price_file(name)
        if file is not None:
            texts[f"prices.csv of {name}"] = file.read_text(encoding="utf-8")
    own = configuration().prices
    if own is not None:
        from automl_bridge.costs.override import read_text

        texts[str(own)] = read_text(own)
    return texts


def _print(findings: list[Any], names: list[str]) -> None:
    from automl_bridge.reports.terminal import Field

    out = current().out
    for one in findings:
        style = "red" if one.level == "fault" else "yellow"
        out.print(Field(one.level, [f"{one.where}: {one.message}"], style=style))
    faults = sum(one.level == "fault" for one in findings)
    said = f"{len(names)} files, {faults} faults, {len(findings) - faults} warnings"
    out.print(Field("✔" if not faults else "✘", [said], style="red" if faults else "green"))
