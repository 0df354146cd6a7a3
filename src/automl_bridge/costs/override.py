"""A file of prices of one's own: negotiated rates, or what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.costs.prices import Price, parse_prices
from automl_bridge.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_override", "read_text"]


def read_override(path: Path) -> list[Price]:
    """Read the file that the setting ``prices`` names.

    Raises
    ------
    ConfigError
        If it cannot be read, or a row is not priced, dated and sourced.
    """
    return parse_prices(read_text(path), str(path))


def read_text(path: Path) -> str:
    """Return the content of a file of prices.

    Raises
    ------
    ConfigError
        If it cannot be read.
    """
    try:
        return path.expanduser().read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        hint = "the setting prices names a CSV file with the columns that docs/costs.md lists"
        raise ConfigError(f"prices cannot be read from {path}: {error}", hint=hint) from None
