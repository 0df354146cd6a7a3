"""Models in a few words, and AutoKeras' trials as rows of the leaderboard."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

_CLASS_PATH = re.compile(r"^keras_tuner[\w.]*\.\w+: ")

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["in_words", "last_line"]


def in_words(values: Mapping[str, Any]) -> str:
    """Describe hyperparameter values of the table space, as ``dense 2×128, 8 members, piecewise numbers``."""
    get = {name.rpartition("/")[2]: value for name, value in values.items()}.get
    if get("units") is None or get("kind") is None:
        return "AutoKeras model"
    parts = [f"{get('kind')} {get('layers')}×{get('units')}"]
    if (get("members") or 1) > 1:
        parts.append(f"{get('members')} members")
    if get("encoding"):
        parts.append(f"{get('encoding')} numbers")
    return ", ".join(parts)


def last_line(message: str) -> str:
    """Return what a traceback ends with: the error itself."""
    lines = [line for line in message.strip().splitlines() if line.strip()]
    for line in reversed(lines):
        if not line.startswith(" "):
            return _CLASS_PATH.sub("", line.strip())[:500]
    return "it failed without a word"
