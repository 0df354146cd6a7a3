"""The objects of Cloud Storage as the service itself sees them: without HTTP faults in between."""

from __future__ import annotations

import fnmatch
import json
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from automl_bridge_vertex.sandbox.errors import failed_precondition, invalid

if TYPE_CHECKING:
    from automl_bridge_vertex.sandbox.storage import StorageProxy

__all__ = ["Store", "split_uri"]


def split_uri(uri: str) -> tuple[str, str]:
    """Return bucket and key of ``gs://BUCKET/KEY``.

    Raises
    ------
    ValueError
        If it is no such address.
    """
    bucket, _, key = uri.removeprefix("gs://").partition("/")
    if not uri.startswith("gs://") or not bucket:
        raise ValueError(f"`{uri}` is not a Google Cloud Storage path: gs://bucket/object.")
    return bucket, key


class Store:
    """Reads and writes objects by their address."""

    def __init__(self, proxy: StorageProxy) -> None:
        self._proxy = proxy

    def create_bucket(self, name: str, location: str) -> None:
        """Make a bucket."""
        body = json.dumps({"name": name, "location": location}).encode()
        self._proxy.new_bucket(body)

    def check_bucket(self, uri: str, location: str) -> None:
        """Raise what the service says to a bucket that is not there or in another region."""
        try:
            bucket, _key = split_uri(uri)
        except ValueError as error:
            raise invalid(str(error)) from None
        found = self._proxy.location(bucket)
        if found is None:
            raise invalid(f"The Google Cloud Storage bucket `gs://{bucket}` does not exist.")
        if found.lower() != location:
            raise failed_precondition(
                f"The Cloud Storage bucket of `{uri}` is in location `{found.lower()}`. "
                f"It must be in the same regional location as the service location `{location}`."
            )

    def read(self, uri: str) -> bytes:
        """Return an object; FileNotFoundError if there is none."""
        bucket, key = split_uri(uri)
        path = f"/storage/v1/b/{quote(bucket, safe='')}/o/{quote(key, safe='')}?alt=media"
        status, _headers, content = self._proxy.ask("GET", path)
        if status != 200:
            raise FileNotFoundError(uri)
        return content

    def write(self, uri: str, content: bytes, content_type: str = "text/plain") -> None:
        """Write an object, over one that is there."""
        bucket, key = split_uri(uri)
        query = urlencode({"uploadType": "media", "name": key})
        path = f"/upload/storage/v1/b/{quote(bucket, safe='')}/o?{query}"
        status, _headers, answer = self._proxy.ask("POST", path, content, {"Content-Type": content_type})
        if status != 200:
            raise OSError(f"{uri} could not be written: {answer[:200]!r}")

    def find(self, pattern: str) -> list[tuple[str, int, str]]:
        """Return address, size and generation of every object that ``pattern`` (``*`` for any text) names."""
        bucket, key = split_uri(pattern)
        prefix = key.partition("*")[0]
        found, token = [], ""
        while True:
            query = urlencode({"prefix": prefix, **({"pageToken": token} if token else {})})
            status, _headers, content = self._proxy.ask("GET", f"/storage/v1/b/{quote(bucket, safe='')}/o?{query}")
            answer = json.loads(content) if status == 200 else {}
            found += [
                (f"gs://{bucket}/{item['name']}", int(item["size"]), str(item["generation"]))
                for item in answer.get("items", [])
                if fnmatch.fnmatchcase(item["name"], key)
            ]
            token = answer.get("nextPageToken", "")
            if not token:
                return found
