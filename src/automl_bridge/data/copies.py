"""Pictures and texts that are there more than once, on both sides of the split."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.data.split import PARTS

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["copies_note"]

_WORTH_SAYING = 0.02
"""Share of the holdout from which copies are told: a few short texts are alike in any set."""


def copies_note(column: pa.ChunkedArray, assigned: NDArray[np.uint8], what: str) -> tuple[str, ...]:
    """Return the warning for holdout rows whose picture or text is in training, too, byte for byte.

    Parameters
    ----------
    column
        Texts or encoded pictures.
    assigned
        Number of each row's part, shape (rows,).
    what
        How to speak of them.
    """
    import numpy as np

    held = assigned == PARTS.index("holdout")
    if not held.any() or held.all():
        return ()
    # Python's own hash of bytes and text: 64 bits, so that among a million rows two differ by chance once in 10^7 runs.
    hashes = np.fromiter((hash(value.as_py()) for chunk in column.chunks for value in chunk), np.int64, len(column))
    present = column.is_valid().to_numpy()
    copies = int(np.isin(hashes[held & present], hashes[~held & present]).sum())
    if copies < max(1.0, _WORTH_SAYING * int(held.sum())):
        return ()
    told = (
        f"{copies:,} of the {int(held.sum()):,} {what} in the holdout are in training, too: "
        "the score looks better than it is (leave copies out, or keep them together with --group)"
    )
    return (told,)
