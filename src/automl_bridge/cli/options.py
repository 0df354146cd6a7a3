"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = [
    "DATA_PANEL",
    "BackendName",
    "BadImages",
    "Group",
    "Holdout",
    "MetricName",
    "ProfileName",
    "RunId",
    "TaskName",
    "Types",
    "Weight",
    "command",
    "complete_backend",
    "complete_metric",
    "complete_run",
    "complete_task",
    "examples",
    "parse_types",
]


def examples(*lines: str) -> str:
    """Write the examples under a command's help, a line each."""
    return "\n".join(["[bold]Examples[/bold]", *(line.replace("[", r"\[") for line in lines)])


def complete_backend(incomplete: str) -> list[str]:
    """Complete the name of a backend."""
    from automl_bridge.registry import names

    return _starting(names(), incomplete)


def complete_task(incomplete: str) -> list[str]:
    """Complete the name of a task."""
    from automl_bridge.task import Task

    return _starting((str(task) for task in Task), incomplete)


def complete_metric(incomplete: str) -> list[str]:
    """Complete the name of a metric."""
    from automl_bridge.metrics import METRICS

    return _starting(METRICS, incomplete)


def complete_run(incomplete: str) -> list[str]:
    """Complete the id of a run, newest first; silent where there is no store to ask."""
    from automl_bridge.errors import AutoMLBridgeError

    try:
        from automl_bridge.cli.work import open_session

        with open_session() as session:
            return _starting((record.id for record in session.list()), incomplete)
    except (AutoMLBridgeError, OSError):
        return []


def _starting(words: Iterable[str], incomplete: str) -> list[str]:
    return [word for word in words if word.startswith(incomplete)]


def parse_types(words: list[str]) -> dict[str, str]:
    """Read ``--type COL=KIND``; the column's name may itself contain ``=``."""
    from automl_bridge.errors import UnknownNameError, UsageError
    from automl_bridge.spec import Kind

    kinds = [*(str(kind) for kind in Kind), "ignored"]
    types = {}
    for word in words:
        column, equals, kind = word.rpartition("=")
        if not equals or not column:
            raise UsageError(f'--type "{word}" is not COLUMN=KIND', hint=f"kinds are {', '.join(kinds)}")
        if kind not in kinds:
            raise UnknownNameError.of("kind of column", kind, kinds, where=f' (in --type "{word}")')
        types[column] = kind
    return types


BackendName = Annotated[
    str | None,
    typer.Option(
        "--backend", "-b", metavar="NAME", help="Where to train: see backends.", autocompletion=complete_backend
    ),
]
ProfileName = Annotated[
    str | None, typer.Option("--profile", "-p", metavar="NAME", help="A profile from your configuration.")
]
BadImages = Annotated[
    str | None,
    typer.Option(
        "--bad-images",
        metavar="refuse|skip",
        help="What to do about pictures that cannot be read: name them all and stop, or leave them out.",
    ),
]
RunId = Annotated[
    str,
    typer.Argument(metavar="RUN", help="Id of a run, or its first characters.", autocompletion=complete_run),
]

DATA_PANEL = "Data"
"""Heading in the help over what says how the data are read and split."""
TaskName = Annotated[
    str | None,
    typer.Option(metavar="TASK", help="What to learn; found from the target.", autocompletion=complete_task),
]
MetricName = Annotated[
    str | None, typer.Option(metavar="NAME", help="What to score by.", autocompletion=complete_metric)
]
Types = Annotated[
    list[str] | None,
    typer.Option("--type", metavar="COL=KIND", help="Set a column's kind by hand.", rich_help_panel=DATA_PANEL),
]
Weight = Annotated[
    str | None, typer.Option(metavar="COL", help="Column of sample weights.", rich_help_panel=DATA_PANEL)
]
Group = Annotated[
    str | None,
    typer.Option(metavar="COL", help="Rows of one group stay on one side of the split.", rich_help_panel=DATA_PANEL),
]
Holdout = Annotated[
    str | None,
    typer.Option(metavar="SHARE", help="Share of the rows to set aside; 0.2 if not set.", rich_help_panel=DATA_PANEL),
]

_JSON = typer.Option(
    "--json", metavar="", help="Write one JSON document to standard output, all else to standard error."
)
_DEBUG = typer.Option("--debug", metavar="", help="Show the traceback of an error.")
_Command = TypeVar("_Command", bound="Callable[..., None]")


def command(function: _Command) -> _Command:
    """Give a command ``--json`` and ``--debug``.

    `entry` looks for both before the words are parsed, as errors of the parser obey them too; here they are only
    made known to the parser and to the help.
    """

    @functools.wraps(function)
    def accepting(*, json: bool = False, debug: bool = False, **arguments: Any) -> None:
        del json, debug
        function(**arguments)

    own = inspect.signature(function, eval_str=True)
    flags = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Annotated[bool, option])
        for name, option in (("json", _JSON), ("debug", _DEBUG))
    ]
    signature = own.replace(parameters=[*own.parameters.values(), *flags])
    accepting.__signature__ = signature  # type: ignore[attr-defined] # what `inspect.signature` reads
    accepting.__annotations__ = {name: item.annotation for name, item in signature.parameters.items()}
    return accepting  # type: ignore[return-value] # called by the parser only
