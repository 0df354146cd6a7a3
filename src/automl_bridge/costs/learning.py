"""What past runs teach about the next estimate: by how much bills differ from what was expected."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from automl_bridge.costs.usage import Usage, UsageRange

__all__ = ["LEAST_RUNS", "Lesson", "Past", "corrected", "learn"]

LEAST_RUNS = 3
"""Runs before an estimate is corrected: one alone may have been an accident."""


class Past(NamedTuple):
    """What a run was expected to use and what it used; and whether a sandbox ran it."""

    expected: UsageRange
    actual: Usage
    sandbox: bool = False


class Lesson(NamedTuple):
    """What was learned.

    Parameters
    ----------
    runs
        Past runs that it is learned from.
    factor
        By what the backend's own guess is to be multiplied: the median of actual over guessed.
    error
        Median of the relative differences between bills and the estimates that were shown; None without runs.
    sandbox
        Whether these runs were a sandbox's.
    """

    runs: int = 0
    factor: float = 1.0
    error: float | None = None
    sandbox: bool = False


def learn(past: Iterable[Past], price: Callable[[Usage], float | None]) -> Lesson:
    """Learn from the runs of one backend.

    Parameters
    ----------
    past
        The runs. Those of the live service count alone, where there are any.
    price
        Gives US dollars of a usage, None if unknown; a run that has no price teaches nothing.
    """
    pairs: dict[bool, list[tuple[float, float, float]]] = {True: [], False: []}
    for run in past:
        expected, actual = price(run.expected.likely), price(run.actual)
        if expected and actual:
            pairs[run.sandbox].append((expected, actual, run.expected.correction))
    sandbox = not pairs[False]
    found = pairs[sandbox]
    if not found:
        return Lesson()
    # What was shown had been corrected already: the guess itself is what is to be corrected.
    factor = median(actual / expected * correction for expected, actual, correction in found)
    error = median(abs(actual / expected - 1) for expected, actual, _ in found)
    return Lesson(len(found), factor if len(found) >= LEAST_RUNS else 1.0, error, sandbox)


def corrected(usage: UsageRange, lesson: Lesson, price: Callable[[Usage], float | None]) -> UsageRange:
    """Return ``usage`` as past runs correct it; never more than its worst case, which limits stand behind."""
    if lesson.runs < LEAST_RUNS:
        return usage
    most = price(usage.worst) if usage.worst is not None else None

    def scaled(part: Usage) -> tuple[Usage, float]:
        usd, factor = price(part), lesson.factor
        if usd and most is not None and usd * factor > most:
            factor = max(1.0, most / usd) if factor > 1 else factor
        items = tuple(item.model_copy(update={"quantity": item.quantity * factor}) for item in part.items)
        return part.model_copy(update={"items": items}), factor

    likely, factor = scaled(usage.likely)
    changes = {"low": scaled(usage.low)[0], "likely": likely, "high": scaled(usage.high)[0]}
    return usage.model_copy(update={**changes, "correction": factor, "learned_from": lesson.runs})
