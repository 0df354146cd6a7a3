"""Options of a forecast, which several commands share."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["forecasting"]

_PANEL = "Forecasting"
_Command = TypeVar("_Command", bound="Callable[..., None]")


def _option(*names: str, metavar: str, help: str) -> Any:  # noqa: A002 - as typer calls it
    return typer.Option(*names, metavar=metavar, help=help, rich_help_panel=_PANEL)


_OPTIONS: dict[str, Any] = {
    "series": Annotated[
        list[str] | None, _option("--series", metavar="COL", help="What tells series apart; repeat it for several.")
    ],
    "horizon": Annotated[str | None, _option("--horizon", metavar="N", help="Steps to forecast.")],
    "freq": Annotated[
        str | None, _option("--freq", metavar="F", help="Length of a step (D, h, W, MS, 15min); found from the stamps.")
    ],
    "known_future": Annotated[
        str | None, _option("--known-future", metavar="A,B", help="Columns whose values are known in advance.")
    ],
    "season": Annotated[
        str | None, _option("--season", metavar="N", help="Steps of a season; by the length of a step if not set.")
    ],
    "windows": Annotated[
        str | None, _option("--windows", metavar="N", help="Origins that the holdout is forecast from; 1 if not set.")
    ],
    "quantiles": Annotated[
        str | None, _option("--quantiles", metavar="Q,Q", help="Quantiles to forecast; 0.1,0.5,0.9 if not set.")
    ],
    "gaps": Annotated[
        str | None,
        _option(
            "--gaps",
            metavar="refuse|fill|average",
            help="What to do with steps that are missing, doubled or irregular; average: also where many are doubled.",
        ),
    ],
    "zone": Annotated[str | None, _option("--zone", metavar="ZONE", help="Time zone of the stamps, as Europe/Berlin.")],
}


def forecasting(function: _Command) -> _Command:
    """Give a command the options of a forecast; it gets them as ``forecast``, as `build.build_dataset` takes them."""

    @functools.wraps(function)
    def accepting(**arguments: Any) -> None:
        given = {name: arguments.pop(name, None) for name in _OPTIONS}
        function(**arguments, forecast=_read(given))

    own = inspect.signature(function, eval_str=True)
    kept = [parameter for parameter in own.parameters.values() if parameter.name != "forecast"]
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in _OPTIONS.items()
    ]
    signature = own.replace(parameters=[*kept, *added])
    accepting.__signature__ = signature  # type: ignore[attr-defined] # what `inspect.signature` reads
    accepting.__annotations__ = {name: item.annotation for name, item in signature.parameters.items()}
    return accepting  # type: ignore[return-value] # called by the parser only


def _read(given: dict[str, Any]) -> dict[str, Any]:
    """Return what was given, as numbers and lists.

    Raises
    ------
    UsageError
        If a number is none.
    """
    found = {name: value for name, value in given.items() if value not in (None, [])}
    for name in ("horizon", "season", "windows"):
        if name in found:
            found[name] = _number(f"--{name}", found[name], int, "a whole number")
    if "known_future" in found:
        found["known_future"] = [word.strip() for word in found["known_future"].split(",") if word.strip()]
    if "quantiles" in found:
        words = found["quantiles"].split(",")
        found["quantiles"] = [_number("--quantiles", word, float, "a number between 0 and 1") for word in words]
    return found


def _number(option: str, word: str, read: Callable[[str], Any], what: str) -> Any:
    from automl_bridge.errors import UsageError

    try:
        return read(word)
    except ValueError:
        raise UsageError(f'{option} "{word}" is not {what}') from None
