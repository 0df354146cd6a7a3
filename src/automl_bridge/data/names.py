"""Column names that every service takes."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["safe_names"]

_MAX_LENGTH = 60
_SAFE = re.compile(r"^[A-Za-z][A-Za-z0-9_]*$")
_PROPHET = [
    "trend",
    "additive_terms",
    "daily",
    "weekly",
    "yearly",
    "holidays",
    "zeros",
    "extra_regressors_additive",
    "yhat",
    "extra_regressors_multiplicative",
    "multiplicative_terms",
]
# prophet 1.5.0, forecaster.py, validate_column_name: refused as feature names while Azure's Prophet is enabled.
_RESERVED = frozenset(
    [
        *_PROPHET,
        *(f"{name}_{end}" for name in _PROPHET for end in ("lower", "upper")),
        *("ds", "y", "cap", "floor", "y_scaled", "cap_scaled"),
    ]
)
# BigQuery refuses columns that start like these; Vertex stages tables there.
_RESERVED_STARTS = ("table_", "file_", "partition", "row_timestamp", "colidentifier")


def safe_names(names: Sequence[str]) -> list[str]:
    """Return one name per column that every service takes, in the same order.

    Each matches ``[A-Za-z][A-Za-z0-9_]*``, has at most 60 characters, is unique without regard to case, and is
    none of those that Azure's forecasting refuses. A name that is all that already stays as it is, whatever
    comes before it.

    Parameters
    ----------
    names
        The columns' own names.
    """
    taken: set[str] = set()
    safe: list[str | None] = []
    for name in names:
        fits = _is_safe(name) and name.lower() not in taken
        safe.append(name if fits else None)
        if fits:
            taken.add(name.lower())
    return [chosen or _unique(_cleaned(names[index], index), taken) for index, chosen in enumerate(safe)]


def _is_safe(name: str) -> bool:
    return bool(_SAFE.match(name)) and len(name) <= _MAX_LENGTH and not _is_reserved(name)


def _is_reserved(name: str) -> bool:
    low = name.lower()
    return low in _RESERVED or low.startswith(_RESERVED_STARTS) or "_delim_" in low


def _cleaned(name: str, index: int) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_")[: _MAX_LENGTH - 8].strip("_")
    if not plain:
        return f"column_{index + 1}"
    if not plain[0].isalpha() or _is_reserved(plain):
        plain = f"c_{plain}"
    return plain.replace("_delim_", "_")


def _unique(name: str, taken: set[str]) -> str:
    number, chosen = 1, name
    while chosen.lower() in taken:
        number += 1
        chosen = f"{name}_{number}"
    taken.add(chosen.lower())
    return chosen
