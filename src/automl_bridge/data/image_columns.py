"""Columns of pictures: read, checked all at once, and brought into the one form of `images`."""

from __future__ import annotations

import json
from statistics import median
from typing import TYPE_CHECKING, Literal, NamedTuple

from automl_bridge.data.image_files import BadImageError, read_seen
from automl_bridge.data.image_work import spread
from automl_bridge.data.images import Seen, measured, without_warnings
from automl_bridge.data.spool import Spool
from automl_bridge.data.tidy import IMAGE_HINT, SCALE_HINT, has_hint
from automl_bridge.errors import UnreadableError, UsageError
from automl_bridge.spec import ImageProfile

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

__all__ = ["BAD_IMAGES", "BadImage", "Pictures", "check_bad_images", "listed", "read_pictures", "refuse"]

BAD_IMAGES = ("refuse", "skip")
"""What may be done about pictures that cannot be read."""

_CHUNK = 32 << 20
_NAMED = 1000
"""So many bad pictures are named; nobody reads on."""


class BadImage(NamedTuple):
    """A picture that cannot be read: its row (from 0), what to call it, and why."""

    row: int
    name: str
    why: str


class Pictures(NamedTuple):
    """A column of pictures: field and values (null where missing or bad), what planning may know, and the bad ones."""

    field: pa.Field
    column: pa.ChunkedArray
    profile: ImageProfile | None
    bad: list[BadImage]


def check_bad_images(choice: str) -> Literal["refuse", "skip"]:
    """Read the choice of what to do about bad pictures; raises `UsageError`."""
    if choice == "refuse":
        return "refuse"
    if choice == "skip":
        return "skip"
    raise UsageError(f'bad images can be refused or skipped, not "{choice}"', hint=f"use {' or '.join(BAD_IMAGES)}")


def read_pictures(field: pa.Field, column: pa.ChunkedArray, base: str) -> Pictures:
    """Read all pictures of a column of paths, or of encoded pictures.

    Parameters
    ----------
    field, column
        Strings (paths relative to ``base``, addresses) or bytes; empty strings are missing.
    base
        A folder, or the address of one.
    """
    import pyarrow as pa

    ready = has_hint(field, IMAGE_HINT)
    sizes: list[tuple[int, int]] = []
    channels, largest, formats = 1, 0, set()
    bad: list[BadImage] = []
    spool = Spool(pa.large_binary())
    held: list[bytes | None] = []
    weight = 0
    with without_warnings():
        for row, (source, found) in enumerate(spread(lambda source: _read(source, base, ready=ready), _values(column))):
            if isinstance(found, str):
                bad.append(BadImage(row, source if isinstance(source, str) else f"row {row + 1}", found))
            elif found is not None:
                sizes.append((found.width, found.height))
                channels, largest = max(channels, found.channels), max(largest, len(found.content))
                formats.add(found.format)
                weight += len(found.content)
            held.append(found.content if isinstance(found, Seen) else None)
            if weight > _CHUNK:
                spool.add(pa.array(held, pa.large_binary()))
                held, weight = [], 0
    spool.add(pa.array(held, pa.large_binary()))
    done = pa.field(field.name, pa.large_binary(), metadata={IMAGE_HINT: b"1"})
    profile = None
    if sizes:
        scale = (field.metadata or {}).get(SCALE_HINT)
        black, white = json.loads(scale) if scale else (None, None)
        profile = ImageProfile(
            width=round(median(width for width, _ in sizes)),
            height=round(median(height for _, height in sizes)),
            channels=3 if channels == 3 else 1,
            max_bytes=largest,
            formats=tuple(sorted(formats, reverse=True)),
            black=black,
            white=white,
        )
    return Pictures(done, spool.finish(), profile, bad)


def refuse(bad: list[BadImage], total: int, column: str, where: str, base: str) -> UnreadableError:
    """Return the error that names all pictures that cannot be read, each with what is wrong."""
    if len(bad) == total and all(each.why == "no such file" for each in bad):
        first = ", ".join(each.name for each in bad[:5]) + (", …" if total > 5 else "")
        return UnreadableError(
            f'none of the {total:,} files in the column "{column}" of {where} is there: {first}',
            hint=f"paths are relative to the table's folder ({base}); or set the kind by hand: --type {column}=text",
        )
    return UnreadableError(
        f'{len(bad):,} of {total:,} images of {where} cannot be read (column "{column}"): {listed(bad, _NAMED)}',
        hint="mend or remove them, or leave them out with --bad-images skip (bad_images='skip')",
    )


def listed(bad: list[BadImage], most: int = 12) -> str:
    """Return bad pictures, each with what is wrong, as words."""
    more = f"; and {len(bad) - most:,} more" if len(bad) > most else ""
    return "; ".join(f"{each.name} ({each.why})" for each in bad[:most]) + more


def _values(column: pa.ChunkedArray) -> Iterator[str | bytes | None]:
    for chunk in column.chunks:
        for value in chunk:
            yield value.as_py()


def _read(source: str | bytes | None, base: str, *, ready: bool) -> tuple[str | bytes | None, Seen | str | None]:
    if source is None or (isinstance(source, str) and not source.strip()):
        return source, None
    try:
        return source, measured(source) if ready and isinstance(source, bytes) else read_seen(source, base)
    except BadImageError as error:
        return source, str(error)
