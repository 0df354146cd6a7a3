"""Data to a bucket: as many objects of a moderate size, each written once, several at a time.

An object is there whole or not at all, and its name follows from what it holds. So a break costs the objects that
were under way, the next attempt sends only what is missing, and the second staging of the same data sends nothing.
Memory holds as many objects as are sent at a time.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from automl_bridge.errors import RejectedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from automl_bridge.backend import Staged
    from automl_bridge.cloud.layout import Location
    from automl_bridge.cloud.objects import ObjectStore

__all__ = ["AT_ONCE", "Folder", "Piece", "check_staged", "send"]

AT_ONCE = 4
"""Objects under way at a time: enough to keep a connection busy, few enough to hold in memory."""


@dataclass(frozen=True)
class Piece:
    """One object on its way.

    Parameters
    ----------
    name
        In its folder; follows from what the object holds.
    make
        Returns its bytes; called when it is sent, from one of several threads.
    content_type
        MIME type.
    """

    name: str
    make: Callable[[], bytes]
    content_type: str


@dataclass(frozen=True)
class Folder:
    """A folder of pieces, and the marker beside it that says it is whole.

    Parameters
    ----------
    place
        Where; the marker is ``<name>.json`` in the folder above.
    pieces
        What goes there.
    digest
        Of what tells this content from another of the same place: how the rows were split.
    facts
        What else the marker holds: rows, format.
    """

    place: Location
    pieces: Sequence[Piece]
    digest: str
    facts: dict[str, object] = field(default_factory=dict)


def send(folder: Folder, store: ObjectStore, *, at_once: int = AT_ONCE) -> int:
    """Write the objects of a folder that are missing, then its marker; returns the bytes sent.

    Raises
    ------
    RejectedError
        If the place holds the same data in another split.
    """
    marker = _marker(folder.place, store)
    if marker is not None and marker["digest"] != folder.digest:
        raise RejectedError(
            f"{folder.place.uri} holds the same data in another split",
            hint="set another prefix in the backend's settings, or delete that folder",
        )
    there = {stored.key for stored in store.listed(folder.place)}
    missing = [piece for piece in folder.pieces if folder.place.file(piece.name) not in there]
    sent = _send_missing(missing, folder.place, store, at_once)
    if marker is None:
        document = {"digest": folder.digest, "objects": len(folder.pieces), **folder.facts}
        body = json.dumps(document).encode()
        written = store.create(folder.place.above, _marker_name(folder.place), body, "application/json")
        sent += len(body) if written else 0
    return sent


def check_staged(staged: Staged, store: ObjectStore, place: Callable[[str], Location]) -> None:
    """Raise `RejectedError` unless all parts are there, whole: what was staged may have been deleted since.

    Parameters
    ----------
    place
        Returns the folder behind an address of ``staged.uris``.
    """
    for part, uri in staged.uris.items():
        if _marker(place(uri), store) is None:
            raise RejectedError(f"the staged rows of {part} are not in {uri} any more", hint="start a new run")


def _marker_name(place: Location) -> str:
    return place.name + ".json"


def _marker(place: Location, store: ObjectStore) -> dict[str, object] | None:
    found = store.read(place.above, _marker_name(place))
    return None if found is None else json.loads(found)


def _send_missing(missing: Sequence[Piece], place: Location, store: ObjectStore, at_once: int) -> int:
    if not missing:
        return 0

    def write(piece: Piece) -> int:
        body = piece.make()
        return len(body) if store.create(place, piece.name, body, piece.content_type) else 0

    with ThreadPoolExecutor(min(at_once, len(missing)), thread_name_prefix="staging") as pool:
        futures = [pool.submit(write, piece) for piece in missing]
        try:
            return sum(future.result() for future in futures)
        finally:
            # After an error what has not begun is not sent; the next attempt goes on from there.
            pool.shutdown(wait=True, cancel_futures=True)
