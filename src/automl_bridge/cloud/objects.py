"""What staging needs of an object store; each adapter gives it its own SDK's client."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from automl_bridge.cloud.layout import Location

__all__ = ["ObjectStore", "Stored"]


class Stored(NamedTuple):
    """An object that is there: its key in the bucket, its size in bytes, when it was written."""

    key: str
    size: int
    modified: datetime


class ObjectStore(Protocol):
    """Objects of a bucket; errors are those of `automl_bridge.errors`."""

    def create(self, place: Location, name: str, body: bytes, content_type: str) -> bool:
        """Write an object unless it is there, in one conditional request; returns whether it was written."""
        ...

    def read(self, place: Location, name: str = "") -> bytes | None:
        """Return an object's bytes; None if it is not there."""
        ...

    def listed(self, place: Location) -> Iterator[Stored]:
        """List what is under a folder, in the order of the keys."""
        ...
