"""Objects in the bucket: written once, read, listed, deleted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from automl_bridge.cloud.objects import Stored
from automl_bridge.errors import ConfigError
from automl_bridge_vertex.clients import TIMEOUT
from automl_bridge_vertex.errors import is_missing, is_taken, translated
from automl_bridge_vertex.limits import limit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from automl_bridge.cloud.layout import Location
    from automl_bridge_vertex.clients import Clients
    from automl_bridge_vertex.settings import VertexSettings

__all__ = ["Objects"]

_UPLOAD_TIMEOUT = 300.0


class Objects:
    """The objects of the bucket that the settings name."""

    def __init__(self, clients: Clients, settings: VertexSettings) -> None:
        self._clients = clients
        self._settings = settings
        self._region_checked = False

    def _blob(self, place: Location, name: str, **options: Any) -> Any:
        return self._clients.storage.bucket(place.bucket).blob(place.file(name), **options)

    def check_region(self) -> None:
        """Raise `ConfigError` unless the bucket is there and in the location of the jobs; asked once.

        Buckets of several regions are refused like those of another one: jobs on them have failed, or never begun.
        """
        if self._region_checked:
            return
        name, wanted = self._settings.bucket or "", self._settings.location
        with translated(f"looking for the bucket {name}"):
            try:
                bucket = self._clients.storage.get_bucket(name, timeout=TIMEOUT, retry=self._clients.retry)
            except Exception as error:
                if not is_missing(error):
                    raise
                raise ConfigError(f"there is no bucket {name}", hint=f"make it in {wanted}") from error
        region = str(bucket.location or "").lower()
        kind = str(getattr(bucket, "location_type", None) or "region")
        if region != wanted.lower():
            what = f"in {region}" if kind == "region" else f"a {kind} one ({region})"
            raise ConfigError(
                f"the bucket {name} is {what}, the jobs would run in {wanted}: Vertex AI needs one region",
                hint=f"set a bucket that is in {wanted}" + (f", or location to {region}" if kind == "region" else ""),
                limit="vertex.all.bucket_region",
                source=limit("vertex.all.bucket_region").source,
            )
        self._region_checked = True

    def create(self, place: Location, name: str, body: bytes, content_type: str) -> bool:
        """Write an object unless it is there; returns whether it was written."""
        options = {"kms_key_name": self._settings.kms_key} if self._settings.kms_key else {}
        blob = self._blob(place, name, **options)
        with translated(f"writing {place.uri}{name}"):
            try:
                # Conditional, so that a second try of one that got through changes nothing.
                blob.upload_from_string(
                    body, content_type=content_type, if_generation_match=0, timeout=_UPLOAD_TIMEOUT,
                    retry=self._clients.retry,
                )  # fmt: skip
            except Exception as error:
                if is_taken(error):
                    return False
                raise
        return True

    def read(self, place: Location, name: str = "") -> bytes | None:
        """Return an object's bytes; None if it is not there."""
        with translated(f"reading {place.uri}{name}"):
            try:
                body = self._blob(place, name).download_as_bytes(timeout=_UPLOAD_TIMEOUT, retry=self._clients.retry)
                return bytes(body)
            except Exception as error:
                if is_missing(error):
                    return None
                raise

    def read_json(self, place: Location, name: str) -> dict[str, Any] | None:
        """Return an object that holds a JSON document; None if it is not there."""
        found = self.read(place, name)
        return None if found is None else json.loads(found)

    def listed(self, place: Location) -> Iterator[Stored]:
        """List what is under a folder, in the order of the keys."""
        with translated(f"listing {place.uri}"):
            for blob in self._clients.storage.list_blobs(
                place.bucket, prefix=place.key, timeout=TIMEOUT, retry=self._clients.retry
            ):
                yield Stored(blob.name, int(blob.size or 0), blob.updated)

    def delete_under(self, place: Location) -> None:
        """Delete everything under a folder; what is gone already is no error."""
        if place.key.count("/") < 2:
            raise ConfigError(f"{place.uri} is no folder of one job or one dataset")
        bucket = self._clients.storage.bucket(place.bucket)
        for stored in list(self.listed(place)):
            with translated(f"deleting gs://{place.bucket}/{stored.key}"):
                try:
                    bucket.blob(stored.key).delete(timeout=TIMEOUT, retry=self._clients.retry)
                except Exception as error:
                    if not is_missing(error):
                        raise
