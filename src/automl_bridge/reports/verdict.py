"""Whether one model is better than another beyond noise, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from automl_bridge.scoring_intervals import Difference

__all__ = ["verdict"]


def verdict(difference: Difference, left: str, right: str) -> str:
    """Say what the difference of ``left`` (a) and ``right`` (b) on the same rows shows."""
    if difference.within_noise:
        return "the difference is within noise"
    winner = left if difference.better == "a" else right
    return f"{winner} is better beyond noise"
