"""Object stores behind one small interface: get, put, list, delete, exists.

`storage_clouds` has where endpoints and credentials of ``s3://``, ``gs://`` and ``az://`` come from; ``file:///…`` is a
folder of this machine, ``memory://BOX/`` this process, for tests.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from automl_bridge.errors import CredentialsError, StorageError, TransientError, UnreadableError, UsageError
from automl_bridge.storage_clouds import azure_store, gcs_store, s3_store

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Entry", "ObjectStore", "is_address", "open_store", "read_object", "split_address"]

_ADDRESS = re.compile(r"^(?P<scheme>s3|gs|az|file|memory)://(?P<box>[^/]*)(?:/(?P<key>.*))?$", re.DOTALL)
_MEMORY: dict[str, Any] = {}


class Entry(NamedTuple):
    """One object: its key in the store, and its size in bytes."""

    key: str
    size: int


class ObjectStore:
    """A bucket, a container or a folder; made by `open_store`.

    Parameters
    ----------
    inner
        The obstore store.
    address
        How to speak of it: ``s3://bucket``.
    """

    def __init__(self, inner: Any, address: str) -> None:
        self._inner = inner
        self.address = address

    def get(self, key: str) -> bytes:
        """Return the object's content.

        Raises
        ------
        UnreadableError
            If there is no such object.
        CredentialsError, TransientError, StorageError
            If the store refuses, or does not answer.
        """
        import obstore

        with _translated(f"{self.address}/{key}"):
            return bytes(obstore.get(self._inner, key).bytes())

    def put(self, key: str, data: bytes | Path, *, create: bool = False) -> bool:
        """Write an object, from bytes or from a file of this machine.

        Parameters
        ----------
        create
            Leave an object alone that is there already: of several writers exactly one is first.

        Returns
        -------
        bool
            Whether it was written; False only with ``create``.
        """
        import obstore
        from obstore.exceptions import AlreadyExistsError

        with _translated(f"{self.address}/{key}"):
            try:
                obstore.put(self._inner, key, data, mode="create" if create else "overwrite")
            except AlreadyExistsError:
                return False
            return True

    def list(self, prefix: str = "") -> list[Entry]:
        """Return the objects whose keys lie under the folder ``prefix``, sorted by key."""
        import obstore

        with _translated(f"{self.address}/{prefix}"):
            found = [entry for batch in obstore.list(self._inner, prefix or None) for entry in batch]
        return sorted(Entry(str(entry["path"]), int(entry["size"])) for entry in found)

    def delete(self, key: str) -> None:
        """Delete an object; one that is gone already is no error."""
        import obstore
        from obstore.exceptions import NotFoundError

        with _translated(f"{self.address}/{key}"):
            try:
                obstore.delete(self._inner, key)
            except (NotFoundError, FileNotFoundError):
                return

    def exists(self, key: str) -> bool:
        """Whether there is such an object."""
        import obstore
        from obstore.exceptions import NotFoundError

        with _translated(f"{self.address}/{key}"):
            try:
                obstore.head(self._inner, key)
            except (NotFoundError, FileNotFoundError):
                return False
            return True


def is_address(text: str) -> bool:
    """Whether ``text`` is the address of an object or a store, not a path."""
    return bool(_ADDRESS.match(text))


def split_address(address: str) -> tuple[str, str]:
    """Return the store's address and the key in it: ``s3://bucket``, ``a/b.csv``.

    Raises
    ------
    UsageError
        If it is no address of a store that is known.
    """
    match = _ADDRESS.match(address)
    if not match or (match["scheme"] != "file" and not match["box"]):
        raise UsageError(
            f"not an address that can be opened: {address}",
            hint="use a path, or s3://BUCKET/KEY, gs://BUCKET/KEY, az://CONTAINER/KEY",
        )
    return f"{match['scheme']}://{match['box']}", match["key"] or ""


def open_store(address: str) -> ObjectStore:
    """Open the store of ``address``; what stands behind the bucket's name is ignored, but for ``file://``.

    Nothing is asked of the store yet: whether it is there shows in the first call.

    Raises
    ------
    UsageError
        If it is no address of a store that is known.
    CredentialsError
        If the environment holds no credentials for it, or some that cannot be read.
    """
    root, key = split_address(address)
    scheme, box = root.split("://")
    if scheme == "file":
        from obstore.store import LocalStore

        return ObjectStore(LocalStore(Path("/", box, key), mkdir=True), address.rstrip("/"))
    make = {"s3": s3_store, "gs": gcs_store, "az": azure_store, "memory": _memory}[scheme]
    with _translated(root):
        return ObjectStore(make(box), root)


def read_object(address: str) -> bytes:
    """Return the content of the object at ``address``; `ObjectStore.get` says what it raises."""
    root, key = split_address(address)
    if not key:
        raise UnreadableError(f"{address} names a bucket, not an object in it", hint="add the object's key")
    return open_store(root).get(key)


def _memory(box: str) -> Any:
    from obstore.store import MemoryStore

    return _MEMORY.setdefault(box, MemoryStore())


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """Turn obstore's errors into this package's."""
    from obstore import exceptions as errors

    try:
        yield
    except (errors.NotFoundError, FileNotFoundError) as error:
        raise _absent(what, str(error)) from error
    except (errors.PermissionDeniedError, errors.UnauthenticatedError, PermissionError) as error:
        raise CredentialsError(
            f"not allowed to read or write {what}", hint="check the credentials, and what they may do with the bucket"
        ) from error
    except errors.GenericError as error:
        raise _generic(what, str(error)) from error
    except (errors.BaseError, OSError, ValueError) as error:
        raise StorageError(f"{what}: {_first_line(error)}") from error


def _absent(what: str, text: str) -> UnreadableError:
    # The codes that S3 and Google, and that Azure, answer with.
    if re.search(r"NoSuchBucket|ContainerNotFound", text):
        root, _ = split_address(what)
        kind = "container" if root.startswith("az://") else "bucket"
        return UnreadableError(f"no such {kind}: {root}, of {what}", hint="check its name, and whose account is asked")
    return UnreadableError(f"no such object: {what}", hint="check bucket and key")


def _generic(what: str, text: str) -> CredentialsError | TransientError | StorageError | UnreadableError:
    # Neither the address, whose key may be any words, nor the structure that obstore appends says what went wrong.
    said = re.sub(r"https?://\S+", "", text.split("Debug source:", maxsplit=1)[0])
    first = _first_line(text)
    if re.search(r"credential|token|account|access key|azure cli|InvalidAccessKey|Signature", said, re.IGNORECASE):
        return CredentialsError(f"no credentials for {what}: {first}", hint="log in, or set its variables")
    if re.search(r"error sending request|timed? ?out|connect|\b50[0-9] ", said, re.IGNORECASE):
        return TransientError(f"no answer from the store of {what}: {first}", hint="try again; check the network")
    if re.search(r"status code: 404|NoSuchBucket|ContainerNotFound", said):
        return _absent(what, said)
    return StorageError(f"{what}: {first}")


def _first_line(error: object) -> str:
    return str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
