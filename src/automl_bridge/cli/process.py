"""What a command may do to its process where the process is its own, and not somebody's interpreter."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

__all__ = ["claim", "spare_pandas"]

_claimed = False


def claim() -> None:
    """Say that this process does one command and ends."""
    global _claimed  # noqa: PLW0603 - it is the process that this is about
    _claimed = True


class _NoPandas:
    """Finds everything but pandas, which it says is not there."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del path, target
        if name == "pandas":
            raise ModuleNotFoundError(name=name)
        return None


def spare_pandas() -> None:
    """Keep pyarrow from loading pandas, in a process that is the command's own; anybody else can still import it.

    Pyarrow loads pandas when it first converts a value of Python's, only to know pandas' values should it meet one,
    and never tries again where there is none (``pyarrow/pandas-shim.pxi``). Loading it takes longer than all the rest
    of a short command. Only for commands that read files and make no dataframes.
    """
    if not _claimed or "pandas" in sys.modules:
        return
    import pyarrow as pa

    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        pa.array([0])
    finally:
        sys.meta_path.remove(finder)
