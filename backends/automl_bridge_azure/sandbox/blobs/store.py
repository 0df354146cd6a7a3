"""Containers and block blobs: contents in files, the rest in memory."""

from __future__ import annotations

import base64
import hashlib
import shutil
import tempfile
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from automl_bridge_azure.sandbox.errors import AzureError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Blob", "BlobStore", "Blobs"]


class Blobs(Protocol):
    """What the rest of the stand-in needs of a blob storage."""

    def read(self, container: str, name: str) -> bytes:
        """Return a blob; FileNotFoundError if there is none."""
        ...

    def write(self, container: str, name: str, content: bytes) -> None:
        """Write a blob."""
        ...

    def names(self, container: str, prefix: str) -> list[tuple[str, int, str]]:
        """Return name, size and tag of each blob under a prefix, in order of names."""
        ...

    def create(self, container: str) -> None:
        """Make a container; one that is there stays."""
        ...

    def close(self) -> None:
        """Remove what was stored."""
        ...


@dataclass
class Blob:
    """A block blob that has been committed."""

    path: Path
    size: int
    md5: str | None
    headers: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    blocks: list[tuple[str, int]] = field(default_factory=list)
    created: float = field(default_factory=time.time)
    modified: float = field(default_factory=time.time)
    etag: str = field(default_factory=lambda: f'"0x{uuid.uuid4().hex[:15].upper()}"')

    def touch(self) -> None:
        """Take note of a change."""
        self.modified = time.time()
        self.etag = f'"0x{uuid.uuid4().hex[:15].upper()}"'


class BlobStore:
    """Every container of the account."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.containers: dict[str, dict[str, Blob]] = {}
        self.blocks: dict[tuple[str, str], dict[str, Path]] = {}
        self._uses: Counter[Path] = Counter()
        self._folder = Path(tempfile.mkdtemp(prefix="automl-bridge-sandbox-blobs-"))

    def close(self) -> None:
        """Remove what was stored."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def create(self, container: str) -> None:
        """Make a container; one that is there stays."""
        with self.lock:
            self.containers.setdefault(container, {})

    def container(self, name: str) -> dict[str, Blob]:
        """Return a container, or raise the service's error."""
        if name not in self.containers:
            raise AzureError("ContainerNotFound", "The specified container does not exist.", 404)
        return self.containers[name]

    def blob(self, container: str, name: str) -> Blob:
        """Return a blob, or raise the service's error."""
        found = self.container(container).get(name)
        if found is None:
            raise AzureError("BlobNotFound", "The specified blob does not exist.", 404)
        return found

    def keep(self, content: bytes) -> Path:
        """Write a content into a file; the same content is one file."""
        path = self._folder / hashlib.sha256(content).hexdigest()
        with self.lock:
            self._uses[path] += 1
            if self._uses[path] == 1:
                path.write_bytes(content)
        return path

    def release(self, path: Path) -> None:
        """Remove a file that nothing else uses."""
        with self.lock:
            self._uses[path] -= 1
            if self._uses[path] <= 0:
                del self._uses[path]
                path.unlink(missing_ok=True)

    def put(
        self, container: str, name: str, content: bytes, headers: Mapping[str, str], metadata: Mapping[str, str]
    ) -> Blob:
        """Write a blob as a whole."""
        path = self.keep(content)
        digest = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
        return self._set(container, name, Blob(path, len(content), digest, dict(headers), dict(metadata)))

    def commit(
        self, container: str, name: str, wanted: Iterable[tuple[str, str]], headers: Mapping[str, str],
        metadata: Mapping[str, str],
    ) -> Blob:  # fmt: skip
        """Make a blob of blocks: pairs of where to look (Committed, Uncommitted, Latest) and the block's name."""
        with self.lock:
            fresh = self.blocks.get((container, name), {})
            old = self.container(container).get(name)
            target = self._folder / uuid.uuid4().hex
            self._uses[target] = 1
            listed: list[tuple[str, int]] = []
            with target.open("wb") as out:
                for where, block in wanted:
                    content = self._block(where, block, fresh, old)
                    out.write(content)
                    listed.append((block, len(content)))
            self._forget(container, name)
            size = sum(length for _block, length in listed)
            return self._set(container, name, Blob(target, size, None, dict(headers), dict(metadata), listed))

    @staticmethod
    def _block(where: str, block: str, fresh: Mapping[str, Path], old: Blob | None) -> bytes:
        if where != "Committed" and block in fresh:
            return fresh[block].read_bytes()
        offset = 0
        for name, length in old.blocks if old is not None and where != "Uncommitted" else ():
            if name == block:
                assert old is not None
                return old.path.read_bytes()[offset : offset + length]
            offset += length
        raise AzureError("InvalidBlockList", "The specified block list is invalid.", 400)

    def _set(self, container: str, name: str, blob: Blob) -> Blob:
        with self.lock:
            place = self.container(container)
            old = place.get(name)
            if old is not None:
                blob.created = old.created
                self.release(old.path)
            place[name] = blob
        return blob

    def delete(self, container: str, name: str) -> None:
        """Remove a blob."""
        with self.lock:
            self.release(self.blob(container, name).path)
            del self.containers[container][name]
            self._forget(container, name)

    def _forget(self, container: str, name: str) -> None:
        for path in self.blocks.pop((container, name), {}).values():
            self.release(path)

    # What the rest of the stand-in uses

    def read(self, container: str, name: str) -> bytes:
        """Return a blob; FileNotFoundError if there is none."""
        with self.lock:
            found = self.containers.get(container, {}).get(name)
            if found is None:
                raise FileNotFoundError(f"{container}/{name}")
            return found.path.read_bytes()

    def write(self, container: str, name: str, content: bytes) -> None:
        """Write a blob."""
        self.put(container, name, content, {"Content-Type": "application/octet-stream"}, {})

    def names(self, container: str, prefix: str) -> list[tuple[str, int, str]]:
        """Return name, size and tag of each blob under a prefix, in order of names."""
        with self.lock:
            blobs = self.containers.get(container, {})
            return [(name, blobs[name].size, blobs[name].etag) for name in sorted(blobs) if name.startswith(prefix)]
