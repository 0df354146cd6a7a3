"""``automl-bridge sandbox``: local servers that speak the clouds' own protocols and really train small models."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated, Any

import typer

from automl_bridge.cli.options import command, examples
from automl_bridge.cli.output import current

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["app"]

app = typer.Typer(
    help="Start and stop local stand-ins of the clouds: no account, no cost, nothing leaves this machine.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

Providers = Annotated[list[str] | None, typer.Argument(metavar="[PROVIDER]...", help="Which; all where none is named.")]


def _known() -> list[str]:
    from importlib.metadata import entry_points

    return sorted(point.name for point in entry_points(group="automl_bridge.sandboxes"))


def _home() -> Path:
    from automl_bridge.config import load_config

    return load_config().home


def _report(content: dict[str, Any], lines: list[str]) -> None:
    output = current()
    if output.json_mode:
        output.document(content)
    for line in lines if not output.json_mode else ():
        output.line(line)


@app.command("start", epilog=examples("automl-bridge sandbox start aws", 'eval "$(automl-bridge sandbox env)"'))
@command
def start(
    providers: Providers = None,
    *,
    port: Annotated[int, typer.Option("--port", metavar="N", help="Port, for one provider; 0 takes a free one.")] = 0,
) -> None:
    """Start stand-ins; one that runs already stays as it is."""
    from automl_bridge.sandbox import life

    home = _home()
    running = [life.start(name, home=home, port=port) for name in providers or _known()]
    lines = [f"  ✔ {sandbox.provider} sandbox at {sandbox.url} (process {sandbox.pid})" for sandbox in running]
    lines.append('  lead this shell to it:   eval "$(automl-bridge sandbox env)"')
    _report({"sandboxes": [{"provider": s.provider, "url": s.url, "pid": s.pid} for s in running]}, lines)


@app.command("stop", epilog=examples("automl-bridge sandbox stop", "automl-bridge sandbox stop aws"))
@command
def stop(providers: Providers = None) -> None:
    """Stop stand-ins; what was in them is gone."""
    from automl_bridge.sandbox import life

    home = _home()
    names = providers or [sandbox.provider for sandbox in life.status(home=home)]
    stopped = {name: life.stop(name, home=home) for name in names}
    lines = [f"  {name}: {'stopped' if ran else 'was not running'}" for name, ran in stopped.items()]
    _report({"stopped": stopped}, lines or ["  no sandbox is running"])


@app.command("env", epilog=examples('eval "$(automl-bridge sandbox env)"', "automl-bridge sandbox env aws --json"))
@command
def env(providers: Providers = None) -> None:
    """Print the variables that lead a shell, and every SDK in it, to the stand-ins that run."""
    from automl_bridge.errors import UsageError
    from automl_bridge.sandbox import life

    home = _home()
    variables = life.env(home=home)
    running = [sandbox.provider for sandbox in life.status(home=home)]
    missing = sorted(set(providers or []) - set(running)) or ([] if running else ["any"])
    if missing:
        raise UsageError(
            f"no sandbox is running for {', '.join(missing)}",
            hint=f"automl-bridge sandbox start {' '.join(providers or _known())}",
        )
    _report({"env": variables}, [f"export {name}={shlex.quote(value)}" for name, value in variables.items()])
