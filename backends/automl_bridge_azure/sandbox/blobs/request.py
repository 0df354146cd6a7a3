"""A storage request, taken apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

from werkzeug.serving import WSGIRequestHandler

if TYPE_CHECKING:
    from automl_bridge.sandbox.service import Environ

__all__ = ["BlobRequest", "RawHeaders", "is_storage", "read_body"]


class RawHeaders(WSGIRequestHandler):
    """Keeps the headers as they were sent: WSGI folds cases, and werkzeug drops names with an underscore."""

    def make_environ(self) -> Environ:
        """Return the request as WSGI has it, with ``sandbox.headers`` besides."""
        environ = super().make_environ()
        environ["sandbox.headers"] = list(self.headers.items())
        return environ


@dataclass
class BlobRequest:
    """Method, names, query, headers (lower case) and metadata (as it was spelled) of a request."""

    method: str
    raw_path: str
    container: str
    name: str
    query: dict[str, str]
    query_string: str
    headers: dict[str, str]
    metadata: dict[str, str]

    @classmethod
    def of(cls, environ: Environ) -> BlobRequest:
        """Take apart a WSGI request."""
        raw = str(environ.get("REQUEST_URI") or environ["PATH_INFO"]).partition("?")[0]
        container, _, name = raw.lstrip("/").partition("/")
        sent: list[tuple[str, str]] = environ["sandbox.headers"]
        headers = {key.lower(): value for key, value in sent}
        metadata = {key[10:]: value for key, value in sent if key.lower().startswith("x-ms-meta-")}
        query_string = environ.get("QUERY_STRING", "")
        return cls(
            environ["REQUEST_METHOD"], raw, unquote(container), unquote(name),
            dict(parse_qsl(query_string, keep_blank_values=True)), query_string, headers, metadata,
        )  # fmt: skip

    @property
    def operation(self) -> str:  # noqa: C901, PLR0911, PLR0912 (a table, a line for each operation)
        """Name the operation, as the REST reference does."""
        comp, method = self.query.get("comp", ""), self.method
        if not self.container:
            return "ListContainers" if comp == "list" else "GetServiceProperties"
        if not self.name:
            match method, comp:
                case "GET", "list":
                    return "ListBlobs"
                case "PUT", _:
                    return "CreateContainer"
                case "DELETE", _:
                    return "DeleteContainer"
                case "POST", "batch":
                    return "SubmitBatch"
            return "GetContainerProperties"
        match method, comp:
            case "PUT", "block":
                return "PutBlock"
            case "PUT", "blocklist":
                return "PutBlockList"
            case "GET", "blocklist":
                return "GetBlockList"
            case "PUT", "metadata":
                return "SetBlobMetadata"
            case "PUT", "properties":
                return "SetBlobProperties"
            case "PUT", "":
                return "CopyBlob" if "x-ms-copy-source" in self.headers else "PutBlob"
            case "GET", ("" | "metadata"):
                return "GetBlob"
            case "HEAD", _:
                return "GetBlobProperties"
            case "DELETE", "":
                return "DeleteBlob"
        return f"{method}-{comp}"


def is_storage(environ: Environ) -> bool:
    """Whether a request is one to the storage: it says a version, or bears a signature."""
    return "HTTP_X_MS_VERSION" in environ or "sig=" in environ.get("QUERY_STRING", "")


def read_body(environ: Environ) -> bytes:
    """Read a body as often as one likes."""
    if "sandbox.body" not in environ:
        stream = environ["wsgi.input"]
        if environ.get("wsgi.input_terminated"):
            environ["sandbox.body"] = stream.read()
        else:
            environ["sandbox.body"] = stream.read(int(environ.get("CONTENT_LENGTH") or 0))
    return bytes(environ["sandbox.body"])
