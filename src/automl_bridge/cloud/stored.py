"""What lies in a bucket as resources: a folder each of the datasets and of the jobs, with its size a month."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.backend import Resource
from automl_bridge.costs.usage import Usage, UsageItem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from automl_bridge.cloud.layout import Location
    from automl_bridge.cloud.objects import ObjectStore, Stored

__all__ = ["JOB_FOLDER", "STAGED_DATA", "stored_folders"]

STAGED_DATA, JOB_FOLDER = "staged data", "job files"


def stored_folders(
    objects: ObjectStore,
    root: Location,
    *,
    backend: str,
    sku: str,
    region: str,
    uri: Callable[[Location], str] = lambda place: place.uri,
) -> Iterator[Resource]:
    """List the folders below ``root`` with what they cost a day.

    Parameters
    ----------
    backend, sku, region
        Whose they are, and what a GB-month there is called in its prices.
    uri
        Returns a folder's address as the backend deletes it.
    """
    for kind, name in ((STAGED_DATA, "data"), (JOB_FOLDER, "jobs")):
        base = root / name
        folders: dict[str, list[Stored]] = {}
        for stored in objects.listed(base):
            folder, _, rest = stored.key.removeprefix(base.key).partition("/")
            # An account with folders of its own lists those, too, as objects without a name in them.
            if rest:
                folders.setdefault(folder, []).append(stored)
        for folder, held in folders.items():
            yield Resource(
                backend=backend,
                kind=kind,
                name=uri(base / folder),
                since=min(stored.modified for stored in held).isoformat(),
                usage_per_day=Usage(items=(_a_day(held, sku, region),)),
                run=folder if kind == JOB_FOLDER else None,
                details={"bytes": str(sum(stored.size for stored in held)), "objects": str(len(held))},
            )


def _a_day(held: Sequence[Stored], sku: str, region: str) -> UsageItem:
    # A GB-month is 2**30 bytes over a month at all three; a day is a thirtieth of it.
    quantity = sum(stored.size for stored in held) / 2**30 / 30
    return UsageItem(sku=sku, quantity=quantity, unit="GB-month", part="storage", region=region)
