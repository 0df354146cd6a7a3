"""One look at every byte of a CSV file, to see what its fast parser must be told."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["BLOCK", "Survey", "survey"]

BLOCK = 1 << 20
"""Bytes that the parser takes at a time; it cuts each block at its first and its last line break."""
_QUOTE, _ZERO, _BREAK = (ord(sign) for sign in '"0\n')


class Survey(NamedTuple):
    """What the bytes show.

    Parameters
    ----------
    breaks
        Whether a block would be cut at a line break that is within quotes (or may be).
    leading_zeros
        Whether there are cells that start with a zero and another digit.
    odd
        Whether the number of quotes is odd: one is stray, or never closed.
    end
        The last bytes of the file.
    """

    breaks: bool
    leading_zeros: bool
    odd: bool
    end: bytes


def survey(opener: Callable[[], BinaryIO], separator: str) -> Survey:
    """Look at the file block by block, as the parser will.

    A line break is within quotes if the number of quotes before it is odd (a doubled quote counts twice). A stray
    quote makes that count wrong from there on, and so nearly every cut: then line breaks are looked for, which is
    slower and always right.
    """
    import numpy as np

    breaks = zeros = False
    quotes, tail, end = 0, b"\n", b""
    with opener() as file:
        while block := file.read(BLOCK):
            values = np.frombuffer(block, np.uint8)
            zeros = zeros or _leading_zero(np.frombuffer(tail + block, np.uint8), ord(separator))
            first, last = _cuts(block)
            before = quotes + _count(values[:first])
            breaks = breaks or bool(before % 2) or bool((before + _count(values[first:last])) % 2)
            quotes = before + _count(values[first:])
            tail, end = block[-2:], (end + block)[-64:]
    return Survey(breaks, zeros, bool(quotes % 2), end)


def _cuts(block: bytes) -> tuple[int, int]:
    found = [block.find(b"\n"), block.find(b"\r")]
    first = min((place for place in found if place >= 0), default=0)
    return first, max(block.rfind(b"\n"), block.rfind(b"\r"), first)


def _count(values: NDArray[np.uint8]) -> int:
    import numpy as np

    return int(np.count_nonzero(values == _QUOTE))


def _leading_zero(values: NDArray[np.uint8], separator: int) -> bool:
    import numpy as np

    # A cell's start, a zero, another digit: three neighbours, compared as whole arrays.
    before, digit = values[:-2], values[2:]
    found = before == separator
    found |= before == _BREAK
    found |= before == _QUOTE
    found &= values[1:-1] == _ZERO
    found &= (digit - np.uint8(_ZERO)) < 10
    return bool(found.any())
