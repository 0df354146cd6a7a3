"""Objects in the workspace's datastores: written once, read, listed, deleted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from automl_bridge.cloud.objects import Stored
from automl_bridge.errors import ConfigError
from automl_bridge_azure.errors import translated
from automl_bridge_azure.layout import aml_uri

if TYPE_CHECKING:
    from collections.abc import Iterator

    from automl_bridge.cloud.layout import Location
    from automl_bridge_azure.clients import Clients

__all__ = ["Objects"]


class Objects:
    """Blobs, by datastore and path; a `Location`'s bucket is the datastore."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def create(self, place: Location, name: str, body: bytes, content_type: str) -> bool:
        """Write a blob unless it is there, in one conditional request; returns whether it was written."""
        from azure.core.exceptions import ResourceExistsError, ResourceModifiedError
        from azure.storage.blob import ContentSettings

        container = self._clients.container(place.bucket)
        with translated(f"writing {aml_uri(place)}{name}"):
            try:
                container.upload_blob(
                    place.file(name), body, overwrite=False, content_settings=ContentSettings(content_type=content_type)
                )
            except (ResourceExistsError, ResourceModifiedError):
                return False
        return True

    def read(self, place: Location, name: str = "") -> bytes | None:
        """Return a blob's bytes; None if it is not there."""
        from azure.core.exceptions import ResourceNotFoundError

        container = self._clients.container(place.bucket)
        with translated(f"reading {aml_uri(place)}{name}"):
            try:
                return bytes(container.download_blob(place.file(name)).readall())
            except ResourceNotFoundError:
                return None

    def read_json(self, place: Location, name: str) -> dict[str, Any] | None:
        """Return a blob that holds a JSON document; None if it is not there."""
        found = self.read(place, name)
        return None if found is None else json.loads(found)

    def chunks(self, datastore: str, key: str) -> Iterator[bytes]:
        """Yield a blob's bytes piece by piece."""
        container = self._clients.container(datastore)
        with translated(f"reading {key}"):
            yield from container.download_blob(key).chunks()

    def listed(self, place: Location) -> Iterator[Stored]:
        """List what is under a folder, in the order of the names."""
        container = self._clients.container(place.bucket)
        with translated(f"listing {aml_uri(place)}"):
            for blob in container.list_blobs(name_starts_with=place.key):
                yield Stored(blob.name, blob.size, blob.last_modified)

    def delete_under(self, place: Location) -> None:
        """Delete everything under a folder; what is gone already is no error."""
        from azure.core.exceptions import ResourceNotFoundError

        if place.key.count("/") < 2:
            raise ConfigError(f"{aml_uri(place)} is no folder of one job or one dataset")
        container = self._clients.container(place.bucket)
        # Deepest first: where the account has a namespace of folders, a folder goes when it is empty.
        for stored in sorted(self.listed(place), key=lambda one: one.key.count("/"), reverse=True):
            with translated(f"deleting {stored.key}"):
                try:
                    container.delete_blob(stored.key)
                except ResourceNotFoundError:
                    continue
