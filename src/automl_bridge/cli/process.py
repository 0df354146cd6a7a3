"""What a command may do to its process where the process is its own, and not somebody's interpreter."""

from __future__ import annotations

import sys

from automl_bridge._absent import absent

__all__ = ["claim", "spare_pandas"]

_claimed = False


def claim() -> None:
    """Say that this process does one command and ends."""
    global _claimed  # noqa: PLW0603 - it is the process that this is about
    _claimed = True


def spare_pandas() -> None:
    """Keep pyarrow from loading pandas, in a process that is the command's own; anybody else can still import it.

    Pyarrow loads pandas when it first converts a value of Python's, only to know pandas' values should it meet one,
    and never tries again where there is none (``pyarrow/pandas-shim.pxi``). Loading it takes longer than all the rest
    of a short command. Only for commands that read files and make no dataframes.
    """
    if not _claimed or "pandas" in sys.modules:
        return
    import pyarrow as pa

    with absent("pandas"):
        pa.array([0])
