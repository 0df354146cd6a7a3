"""Numbers, shares and names as a person would write them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from automl_bridge.spec import Label

__all__ = ["MINUS", "MISSING", "SHORT_ID", "count", "difference", "plain", "plural", "score", "shares", "short_id"]

MINUS = "\N{MINUS SIGN}"
"""What stands before a negative number; a hyphen is too short to be seen."""
MISSING = "–"
"""What stands where there is no value; never a zero."""
SHORT_ID = 8
"""Characters of an id that people get to see: enough for thousands of runs."""


def score(value: float | None) -> str:
    """Write a score with three decimals, or four digits where decimals would say nothing; unknown is a dash."""
    if value is None or math.isnan(value):
        return MISSING
    size = abs(value)
    if size == 0 or 0.001 <= size < 10:
        return f"{value:.3f}"
    if 10 <= size < 1e6:
        return f"{value:,.{max(0, 3 - int(math.log10(size)))}f}"
    return f"{value:.3e}" if math.isfinite(value) else str(value)


def difference(size: float) -> str:
    """Write the size of a difference like a score, and a small one with two digits that say something."""
    return score(size) if size >= 0.001 or not size else f"{size:.2g}"


def plain(text: str) -> str:
    """Write names and messages that came from data on one line, without what would steer a terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()


def count(number: int) -> str:
    """Write a whole number with commas between thousands."""
    return f"{number:,}"


def plural(number: int, noun: str) -> str:
    """Write a number of things: ``1 trial``, ``4,454 rows``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def shares(classes: Sequence[Label], counts: Sequence[int], most: int = 4) -> str:
    """Write class shares, the largest first: ``good 72 %, bad 28 %``; beyond ``most`` the rest is counted."""
    total = sum(counts)
    if not total or len(counts) != len(classes):
        return f"{len(classes)} classes"
    ranked = sorted(zip(classes, counts, _percents(counts), strict=True), key=lambda one: -one[1])
    parts = [f"{_label(label)} {'<1' if number and not part else part} %" for label, number, part in ranked[:most]]
    if len(ranked) > most:
        parts.append(f"{len(ranked) - most} more")
    return ", ".join(parts)


def _label(label: Label) -> str:
    text = plain(str(label))
    return text if len(text) <= 24 else text[:23] + "…"


def _percents(counts: Sequence[int]) -> list[int]:
    """Round to whole percents that sum to 100, the largest remainders up."""
    exact = [100 * number / sum(counts) for number in counts]
    rounded = [int(part) for part in exact]
    by_remainder = sorted(range(len(counts)), key=lambda i: rounded[i] - exact[i])
    for i in by_remainder[: 100 - sum(rounded)]:
        rounded[i] += 1
    return rounded


def short_id(run_id: str) -> str:
    """Write the first characters of an id; every command takes them."""
    return run_id[:SHORT_ID]
