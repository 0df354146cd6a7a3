"""A look at every byte of a CSV file while it is parsed, to see whether the fast way of parsing was right."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["BLOCK", "WatchedFile", "breaks_in_quotes"]

BLOCK = 1 << 20
"""Bytes that the parser takes at a time; it cuts each block at its first and its last line break."""
_QUOTE, _ZERO, _BREAK = (ord(sign) for sign in '"0\n')


class WatchedFile(io.RawIOBase):
    """A file that notes what passes through it.

    A line break is within quotes if the number of quotes before it is odd (a doubled quote counts twice). A stray
    quote makes that count wrong from there on, and so nearly every cut: then the file is parsed again in a way that
    looks for line breaks in quotes, which is slower and always right.

    Parameters
    ----------
    file
        What is read.
    separator
        Of the cells.

    Attributes
    ----------
    breaks
        Whether a block was cut at a line break that is within quotes (or may be).
    leading_zeros
        Whether there was a cell that starts with a zero and another digit.
    odd
        Whether the number of quotes is odd: one is stray, or never closed.
    end
        The last 64 bytes.
    """

    def __init__(self, file: BinaryIO, separator: str) -> None:
        self._file, self._separator = file, ord(separator)
        self.breaks = self.leading_zeros = self.odd = False
        self.end = b"\n"

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """Read up to ``size`` bytes, and look at them."""
        block = self._file.read(-1 if size is None else size)
        if block:
            self._look(block)
        return block

    def close(self) -> None:
        """Close the file behind it too."""
        self._file.close()
        super().close()

    def _look(self, block: bytes) -> None:
        import numpy as np

        values = np.frombuffer(block, np.uint8)
        if not self.leading_zeros:
            self.leading_zeros = _leading_zero(np.frombuffer(self.end[-2:] + block, np.uint8), self._separator)
        first, last = _cuts(block)
        at_first = self.odd ^ _is_odd(values[:first])
        at_last = at_first ^ _is_odd(values[first:last])
        self.breaks = self.breaks or at_first or at_last
        self.odd = at_last ^ _is_odd(values[last:])
        self.end = (self.end + block)[-64:] if len(block) < 64 else block[-64:]


def breaks_in_quotes(text: bytes) -> bool:
    """Whether ``text``, from the start of a file, has line breaks within quotes (or a stray quote)."""
    import numpy as np

    if b'"' not in text:
        return False
    values = np.frombuffer(text, np.uint8)
    inside = np.bitwise_xor.accumulate((values == _QUOTE).view(np.uint8))
    return bool(inside[values == _BREAK].any())


def _cuts(block: bytes) -> tuple[int, int]:
    found = [place for place in (block.find(b"\n"), block.find(b"\r")) if place >= 0]
    first = min(found, default=0)
    return first, max(block.rfind(b"\n"), block.rfind(b"\r"), first)


def _is_odd(values: NDArray[np.uint8]) -> bool:
    import numpy as np

    return bool(np.count_nonzero(values == _QUOTE) % 2)


def _leading_zero(values: NDArray[np.uint8], separator: int) -> bool:
    import numpy as np

    # A cell's start and a zero are looked for as one number of two bytes, from even places and from odd ones: half
    # the comparisons of looking for each. Few cells start with a zero, and of these the next byte is looked at.
    wanted = [(sign | _ZERO << 8) for sign in (separator, _BREAK, _QUOTE)]
    for start in (0, 1):
        pairs = values[start : start + (len(values) - start) // 2 * 2].view("<u2")
        found: NDArray[Any] = pairs == wanted[0]
        for other in wanted[1:]:
            found |= pairs == other
        after = np.flatnonzero(found) * 2 + start + 2
        digits = values[after[after < len(values)]] - np.uint8(_ZERO)
        if (digits < 10).any():
            return True
    return False
