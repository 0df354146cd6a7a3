"""Object stores behind one small interface: get, put, list, delete, exists.

=============  ====================================================================================================
address        endpoint and credentials
=============  ====================================================================================================
s3://BUCKET/…  ``AWS_ENDPOINT_URL_S3``, ``AWS_ENDPOINT_URL``, ``AWS_REGION``, ``AWS_DEFAULT_REGION``,
               ``AWS_ACCESS_KEY_ID`` …; without keys in the environment boto3's chain (profiles, SSO, roles), if it
               is installed
gs://BUCKET/…  ``STORAGE_EMULATOR_HOST`` (then unsigned); else ``GOOGLE_APPLICATION_CREDENTIALS``, gcloud's login
az://BOX/…     container ``BOX`` of ``AZURE_STORAGE_ACCOUNT_NAME``, or of ``AZURE_STORAGE_CONNECTION_STRING``
               (also an emulator's); ``AZURE_STORAGE_ACCOUNT_KEY`` …
file:///…      a folder of this machine
memory://BOX/  this process, for tests
=============  ====================================================================================================

With keys or an emulator in the environment no metadata server is asked for credentials.
"""

from __future__ import annotations

import importlib
import os
import re
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from automl_bridge.errors import CredentialsError, StorageError, TransientError, UnreadableError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Entry", "ObjectStore", "is_address", "open_store", "read_object", "split_address"]

_ADDRESS = re.compile(r"^(?P<scheme>s3|gs|az|file|memory)://(?P<box>[^/]*)(?:/(?P<key>.*))?$", re.DOTALL)
_MEMORY: dict[str, Any] = {}
_RETRIES: Any = {"max_retries": 4, "retry_timeout": timedelta(seconds=30)}


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
    """
    root, key = split_address(address)
    scheme, box = root.split("://")
    if scheme == "file":
        from obstore.store import LocalStore

        return ObjectStore(LocalStore(Path("/", box, key), mkdir=True), address.rstrip("/"))
    make = {"s3": _s3, "gs": _gcs, "az": _azure, "memory": _memory}[scheme]
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


def _s3(bucket: str) -> Any:
    from obstore.store import S3Store

    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    config: Any = {"region": region}
    if endpoint:
        config["endpoint"] = endpoint
    provider = None if os.environ.get("AWS_ACCESS_KEY_ID") else _boto3_credentials()
    return S3Store(
        bucket,
        config=config,
        client_options={"allow_http": bool(endpoint and endpoint.startswith("http://"))},
        retry_config=_RETRIES,
        credential_provider=provider,
    )


def _boto3_credentials() -> Any:
    """Ask boto3's chain, where it is installed; it is no dependency of this package."""
    try:
        session = importlib.import_module("boto3").Session()
        provider = importlib.import_module("obstore.auth.boto3").Boto3CredentialProvider
    except ImportError:
        return None
    return provider(session) if session.get_credentials() else None


def _gcs(bucket: str) -> Any:
    from obstore.store import GCSStore

    host = os.environ.get("STORAGE_EMULATOR_HOST")
    if not host:
        return GCSStore(bucket, retry_config=_RETRIES)
    host = host if "://" in host else f"http://{host}"
    return GCSStore(
        bucket,
        config={"base_url": host.rstrip("/"), "skip_signature": True},
        client_options={"allow_http": host.startswith("http://")},
        retry_config=_RETRIES,
    )


def _azure(container: str) -> Any:
    from obstore.store import AzureStore

    held = os.environ.get("AZURE_STORAGE_CONNECTION_STRING")
    config: Any = {}
    if held:
        # Base64 keys end in "=": only the first one separates.
        pairs = dict(part.split("=", 1) for part in held.strip().split(";") if "=" in part)
        names = {"AccountName": "account_name", "AccountKey": "account_key", "BlobEndpoint": "endpoint"}
        config = {names[key]: value for key, value in pairs.items() if key in names}
    plain = str(config.get("endpoint", "")).startswith("http://")
    return AzureStore(container, config=config, client_options={"allow_http": plain}, retry_config=_RETRIES)


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """Turn obstore's errors into this package's."""
    from obstore import exceptions as errors

    try:
        yield
    except (errors.NotFoundError, FileNotFoundError) as error:
        raise UnreadableError(f"no such object: {what}", hint="check bucket and key") from error
    except (errors.PermissionDeniedError, errors.UnauthenticatedError, PermissionError) as error:
        raise CredentialsError(
            f"not allowed to read or write {what}", hint="check the credentials, and what they may do with the bucket"
        ) from error
    except errors.GenericError as error:
        raise _generic(what, str(error)) from error
    except (errors.BaseError, OSError, ValueError) as error:
        raise StorageError(f"{what}: {_first_line(error)}") from error


def _generic(what: str, text: str) -> CredentialsError | TransientError | StorageError:
    if re.search(r"credential|token|metadata|169\.254|InvalidAccessKey|SignatureDoesNotMatch", text, re.IGNORECASE):
        return CredentialsError(f"no credentials for {what}: {_first_line(text)}", hint="log in, or set its variables")
    if re.search(r"error sending request|timed? ?out|connect|50[0-9] ", text, re.IGNORECASE):
        return TransientError(
            f"no answer from the store of {what}: {_first_line(text)}", hint="try again; check the network"
        )
    return StorageError(f"{what}: {_first_line(text)}")


def _first_line(error: object) -> str:
    return str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
