"""Models in a few words, and AutoKeras' trials as rows of the leaderboard."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

_CLASS_PATH = re.compile(r"^keras_tuner[\w.]*\.\w+: ")

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["in_words", "last_line"]


def in_words(values: Mapping[str, Any]) -> str:
    """Describe hyperparameter values, as ``dense 2×128, 8 members, piecewise numbers`` or by the names of blocks."""
    blocks: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        block, _, own = name.rpartition("/")
        if block:
            blocks.setdefault(block.partition("/")[0], {})[own] = value
    trunk = blocks.get("trunk_block")
    if trunk is None:
        known = ", ".join(name for name in sorted(blocks) if not name.startswith("members_block"))
        return f"AutoKeras model ({known})" if known else "AutoKeras model"
    parts = [part for name, chosen in sorted(blocks.items()) if (part := _block(name, chosen))]
    parts.append(f"{trunk['kind']} {trunk['layers']}×{trunk['units']}" if trunk.get("layers") else "linear")
    if (trunk.get("members") or 1) > 1:
        parts.append(f"{trunk['members']} members")
    if encoding := blocks.get("number_block", {}).get("encoding"):
        parts.append(f"{encoding} numbers")
    if blocks.get("category_block", {}).get("exact"):
        parts.append("exact numbers")
    return ", ".join(parts)


def _block(name: str, chosen: Mapping[str, Any]) -> str | None:
    if name.startswith("image_block"):
        moved = f", pictures moved ({chosen['augment']})" if chosen.get("augment", "none") != "none" else ""
        return f"{chosen.get('kind')} ConvNet {chosen.get('depth')}×{chosen.get('width')}{moved}"
    if name.startswith("text_block"):
        read = {"terms": "terms", "words": "words in order", "both": "terms and words in order"}
        return f"{read.get(str(chosen.get('reads')), 'text')} ×{chosen.get('width')}"
    return None


def last_line(message: str) -> str:
    """Return what a traceback ends with: the error itself."""
    lines = [line for line in message.strip().splitlines() if line.strip()]
    for line in reversed(lines):
        if not line.startswith(" "):
            return _CLASS_PATH.sub("", line.strip())[:500]
    return "it failed without a word"
