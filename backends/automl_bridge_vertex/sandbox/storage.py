"""Cloud Storage: every request passes through here to the emulator, which does not do all that the service does.

Added to fake-gcs-server: the location of buckets, preconditions of simple and resumable uploads (it honours those of
multipart uploads alone), and PUT of the XML interface, by which obstore writes.
"""

from __future__ import annotations

import json
import threading
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, unquote

from automl_bridge.sandbox.faults import FaultKind
from automl_bridge_vertex.sandbox.multipart import Multiparts, xml_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from automl_bridge.sandbox.faults import Fault
    from automl_bridge.sandbox.service import Environ
    from automl_bridge_vertex.sandbox.errors import Answer
    from automl_bridge_vertex.sandbox.gcs import Emulator

__all__ = ["StorageCall", "StorageProxy", "parse_storage"]

XML_HOST = "storage.googleapis.com"  # the emulator knows its XML interface by this name
JSON_PREFIXES = ("/storage/v1/", "/upload/storage/v1/", "/download/storage/v1/", "/batch/storage/v1", "/resumable/")
HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "te", "upgrade", "host", "content-length"})
CHUNK = 1 << 20
BINARY = "application/octet-stream"
CONDITIONS = ("ifGenerationMatch", "ifGenerationNotMatch", "ifMetagenerationMatch", "ifMetagenerationNotMatch")
FAULTS = {  # kind: status, reason, message
    FaultKind.THROTTLE: (429, "rateLimitExceeded", "The rate of requests exceeds the rate limit. Slow down."),
    FaultKind.SERVER_ERROR: (503, "backendError", "We encountered an internal error. Please try again."),
    FaultKind.EXPIRED: (401, "authError", "Invalid Credentials"),
    FaultKind.QUOTA: (429, "userRateLimitExceeded", "The user has exceeded the quota of requests."),
}


@dataclass(frozen=True)
class StorageCall:
    """A request to Cloud Storage: its method by the JSON interface's name, bucket and object."""

    operation: str
    bucket: str
    key: str
    xml: bool
    query: dict[str, str]
    path: str

    @property
    def name(self) -> str:
        """``storage.objects.insert`` …."""
        return f"storage.{self.operation}"


def parse_storage(environ: Environ) -> StorageCall:
    """Find out what a request asks of Cloud Storage. Reads no body."""
    raw, _, query_string = str(environ.get("RAW_URI") or environ.get("REQUEST_URI") or "/").partition("?")
    if "://" in raw:
        raw = "/" + raw.split("://", 1)[1].partition("/")[2]
    query = {key: values[0] for key, values in parse_qs(query_string, keep_blank_values=True).items()}
    method = environ["REQUEST_METHOD"]
    if not f"{raw}/".startswith(JSON_PREFIXES):
        bucket, _, key = raw.lstrip("/").partition("/")
        verbs = {"GET": "get", "HEAD": "get", "PUT": "insert", "POST": "insert", "DELETE": "delete"}
        verb = verbs.get(method, method.lower())
        operation = f"objects.{verb}" if key else "objects.list" if verb == "get" else f"buckets.{verb}"
        return StorageCall(operation, unquote(bucket), unquote(key), True, query, raw)
    parts = raw.strip("/").split("/")
    while parts and parts[0] in {"upload", "download", "resumable"}:
        parts.pop(0)
    return StorageCall(*_json_operation(parts, method), False, query, raw)


def _json_operation(parts: list[str], method: str) -> tuple[str, str, str]:
    """Name the method of a path like ``storage/v1/b/BUCKET/o/KEY``; the key is one segment, quoted."""
    if parts[0] == "batch":
        return "batch", "", ""
    bucket = unquote(parts[3]) if len(parts) > 3 else ""
    if len(parts) <= 4:
        verbs = {"GET": "get" if bucket else "list", "POST": "insert", "DELETE": "delete", "PATCH": "patch"}
        return f"buckets.{verbs.get(method, 'update')}", bucket, ""
    if parts[4] != "o":
        return f"buckets.{parts[4]}", bucket, ""
    if len(parts) == 5:
        return f"objects.{'list' if method == 'GET' else 'insert'}", bucket, ""
    if len(parts) > 6:
        return f"objects.{parts[6].removesuffix('To')}", bucket, unquote(parts[5])
    verbs = {"GET": "get", "HEAD": "get", "DELETE": "delete", "PATCH": "patch", "PUT": "update"}
    return f"objects.{verbs.get(method, method.lower())}", bucket, unquote(parts[5])


class StorageProxy:
    """Hands requests to the emulator and its answers back.

    Parameters
    ----------
    emulator
        Where the objects are.
    default_location
        Of buckets that are made without one.
    """

    def __init__(self, emulator: Emulator, default_location: str) -> None:
        import urllib3

        self._emulator = emulator
        self._pool = urllib3.HTTPConnectionPool(emulator.host, emulator.port, maxsize=16, retries=False)
        self._default = default_location.upper()
        self.allows: Callable[[str], bool] = lambda _permission: True
        self._locations: dict[str, str] = {}
        self._uploads: dict[str, tuple[str, str, dict[str, str]]] = {}
        self._multiparts = Multiparts(self._tag_of_written)
        self._lock = threading.RLock()

    def close(self) -> None:
        """Close the connections to the emulator."""
        self._pool.close()

    def location(self, bucket: str) -> str | None:
        """Return where a bucket is, in capitals, or None if there is no such bucket."""
        if self.ask("GET", f"/storage/v1/b/{quote(bucket, safe='')}")[0] != 200:
            return None
        return self._locations.get(bucket, self._default)

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Ask the emulator itself; returns status, headers (names in lower case) and body."""
        answer = self._pool.request(method, path, body=body or None, headers=headers or {}, redirect=False)
        return answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.data

    def refuse(self, call: StorageCall, fault: Fault) -> Answer:
        """Word a fault as Cloud Storage does."""
        status, reason, message = FAULTS[fault.kind]
        return _error(status, reason, fault.message or message, xml=call.xml)

    def deny(self, call: StorageCall, who: str, permission: str) -> Answer:
        """Word what Cloud Storage says to a caller who lacks a permission."""
        what = (
            f"{who} does not have {permission} access to the Google Cloud Storage {call.operation.partition('.')[0]}."
        )
        message = f"{what} Permission '{permission}' denied on resource (or it may not exist)."
        return _error(403, "forbidden", message, xml=call.xml)

    def __call__(self, call: StorageCall, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Answer a request (WSGI)."""
        body = _read(environ)
        headers = _headers(environ)
        with nullcontext() if environ["REQUEST_METHOD"] in {"GET", "HEAD"} else self._lock:
            answer = self._own(call, environ, headers, body)
            if answer is None:
                return self._forward(call, environ, headers, body, start_response)
        status, found, content = answer
        start_response(status, [*found, ("Content-Length", str(len(content)))])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [content]

    # What the emulator does not do

    def _own(self, call: StorageCall, environ: Environ, headers: dict[str, str], body: bytes) -> Answer | None:
        if call.operation == "buckets.insert" and not call.xml:
            return self.new_bucket(body)
        if call.operation == "buckets.iam" and call.path.endswith("/testPermissions"):
            held = json.dumps({"kind": "storage#testIamPermissionsResponse", "permissions": self._held(environ)})
            return "200 OK", [("Content-Type", "application/json")], held.encode()
        if call.xml and {"uploads", "uploadId"} & set(call.query):
            kind = headers.get("content-type", BINARY)
            return self._multiparts.answer(environ["REQUEST_METHOD"], call.bucket, call.key, call.query, kind, body)
        if call.xml and call.operation == "objects.insert":
            return self._put(call, headers, body)
        conditions = {name: call.query[name] for name in CONDITIONS if name in call.query}
        key = call.key
        upload = call.query.get("upload_id", "")
        if call.operation == "objects.insert":
            if upload:
                _bucket, key, conditions = self._uploads.get(upload, (call.bucket, "", {}))
            else:
                begun = call.query.get("uploadType") == "resumable"
                key = call.query.get("name") or (_name(body) if begun else "")
        if not conditions or not key or environ["REQUEST_METHOD"] in {"GET", "HEAD"}:
            return None
        return self._precondition(call.bucket, key, conditions, xml=call.xml)

    def _held(self, environ: Environ) -> list[str]:
        """Return which of the permissions that a caller asks about are granted."""
        asked = parse_qs(str(environ.get("QUERY_STRING", ""))).get("permissions", [])
        return [one for one in asked if self.allows(one)]

    def _precondition(self, bucket: str, key: str, conditions: dict[str, str], *, xml: bool) -> Answer | None:
        status, _headers, found = self.ask("GET", _object_path(bucket, key))
        current = json.loads(found) if status == 200 else {}
        for name, wanted in conditions.items():
            held = str(current.get("metageneration" if "Meta" in name else "generation", "0"))
            if (held == wanted) == ("Not" in name):
                message = "At least one of the pre-conditions you specified did not hold."
                return _error(412, "conditionNotMet", message, xml=xml)
        return None

    def new_bucket(self, body: bytes) -> Answer:
        """Make a bucket; ``body`` is its resource as JSON."""
        asked = json.loads(body or b"{}")
        status, headers, found = self.ask("POST", "/storage/v1/b", body, {"Content-Type": "application/json"})
        if status == 200:
            self._locations[asked["name"]] = str(asked.get("location", self._default)).upper()
            found = self._localised(found, "")
        return f"{status} {'OK' if status == 200 else 'Error'}", _kept(headers), found

    def _put(self, call: StorageCall, headers: dict[str, str], body: bytes) -> Answer:
        """Write an object as the XML interface does: PUT, with conditions in headers."""
        names = {
            "ifGenerationMatch": "x-goog-if-generation-match",
            "ifMetagenerationMatch": "x-goog-if-metageneration-match",
        }
        conditions = {name: headers[header] for name, header in names.items() if header in headers}
        refused = self._precondition(call.bucket, call.key, conditions, xml=True) if conditions else None
        if refused is not None:
            return refused
        made = self._write(call.bucket, call.key, headers.get("content-type", BINARY), body)
        if made is None:
            return xml_error(404, "NoSuchBucket", "The specified bucket does not exist.")
        told = [("ETag", f'"{made["etag"]}"'), ("x-goog-generation", made["generation"])]
        return "200 OK", [*told, ("x-goog-metageneration", made["metageneration"])], b""

    def _write(self, bucket: str, key: str, kind: str, body: bytes) -> dict[str, str] | None:
        """Write a whole object and return its resource, or None if there is no such bucket."""
        path = f"/upload/storage/v1/b/{quote(bucket, safe='')}/o?uploadType=media&name={quote(key, safe='')}"
        status, _found, answer = self.ask("POST", path, body, {"Content-Type": kind})
        return dict(json.loads(answer)) if status == 200 else None

    def _tag_of_written(self, bucket: str, key: str, kind: str, body: bytes) -> str | None:
        made = self._write(bucket, key, kind, body)
        return None if made is None else made["etag"]

    def _localised(self, content: bytes, base: str) -> bytes:
        """Write the location that each bucket has, and this server's address, into an answer."""
        found = json.loads(content or b"{}")
        if not isinstance(found, dict):
            return content
        for bucket in found.get("items", [found]):
            if bucket.get("kind") == "storage#bucket":
                bucket["location"] = self._locations.get(bucket["name"], self._default)
                bucket["locationType"] = "region" if "-" in bucket["location"] else "multi-region"
        written = json.dumps(found).encode()
        return written.replace(f"http://{self._emulator.address}".encode(), base.encode()) if base else written

    # What it does

    def _forward(
        self, call: StorageCall, environ: Environ, headers: dict[str, str], body: bytes, start_response: Any
    ) -> Iterable[bytes]:
        host = environ.get("HTTP_HOST", "")
        sent = {**headers, "Host": XML_HOST if call.xml else self._emulator.address}
        query = str(environ.get("QUERY_STRING", ""))
        answer = self._pool.request(
            environ["REQUEST_METHOD"], call.path + (f"?{query}" if query else ""), body=body or None, headers=sent,
            redirect=False, preload_content=False, decode_content=False,
        )  # fmt: skip
        told = {name.lower(): value for name, value in answer.headers.items()}
        base = f"http://{host}"
        if "location" in told:
            told["location"] = told["location"].replace(f"http://{self._emulator.address}", base)
            self._begin_upload(call, told["location"], body)
        status = f"{answer.status} {answer.reason or 'OK'}"
        media = call.query.get("alt") == "media" or call.path.startswith("/download/")
        if told.get("content-type", "").startswith("application/json") and not media and not call.xml:
            content = answer.data
            if environ["REQUEST_METHOD"] == "DELETE" and answer.status == 200:
                status, content = "204 No Content", b""  # the emulator says 200 and null
            elif answer.status < 300 and content:
                content = self._localised(content, base)
            start_response(status, [*_kept(told), ("Content-Length", str(len(content)))])
            return [content]
        if environ["REQUEST_METHOD"] != "HEAD" and "content-length" not in told:
            told["content-length"] = str(len(answer.data))
        length = [("Content-Length", told["content-length"])] if "content-length" in told else []
        start_response(status, [*_kept(told), *length])
        if environ["REQUEST_METHOD"] == "HEAD":
            answer.release_conn()
            return []
        return [answer.data] if answer.closed else _stream(answer)

    def _begin_upload(self, call: StorageCall, location: str, body: bytes) -> None:
        upload = parse_qs(location.partition("?")[2]).get("upload_id", [""])[0]
        conditions = {name: call.query[name] for name in CONDITIONS if name in call.query}
        if upload and conditions:
            self._uploads[upload] = (call.bucket, call.query.get("name") or _name(body), conditions)


def _read(environ: Environ) -> bytes:
    stream = environ["wsgi.input"]
    if environ.get("wsgi.input_terminated"):
        return bytes(stream.read())
    length = int(environ.get("CONTENT_LENGTH") or 0)
    return bytes(stream.read(length)) if length else b""


def _headers(environ: Environ) -> dict[str, str]:
    found = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")}
    if environ.get("CONTENT_TYPE"):
        found["content-type"] = environ["CONTENT_TYPE"]
    return {name: value for name, value in found.items() if name not in HOP_BY_HOP}


def _kept(headers: dict[str, str]) -> list[tuple[str, str]]:
    return [(name.title(), value) for name, value in headers.items() if name not in HOP_BY_HOP and name != "date"]


def _name(body: bytes) -> str:
    try:
        return str(json.loads(body or b"{}").get("name", ""))
    except ValueError:
        return ""


def _object_path(bucket: str, key: str) -> str:
    return f"/storage/v1/b/{quote(bucket, safe='')}/o/{quote(key, safe='')}"


def _stream(answer: Any) -> Iterator[bytes]:
    try:
        yield from answer.stream(CHUNK, decode_content=False)
    finally:
        answer.release_conn()


def _error(status: int, reason: str, message: str, *, xml: bool) -> Answer:
    words = {
        403: "Forbidden",
        412: "Precondition Failed",
        429: "Too Many Requests",
        401: "Unauthorized",
        503: "Service Unavailable",
    }
    if xml:
        codes = {
            403: "AccessDenied",
            412: "PreconditionFailed",
            429: "SlowDown",
            401: "AuthenticationRequired",
            503: "InternalError",
        }
        return xml_error(status, codes.get(status, reason), message)
    error = {"code": status, "message": message, "errors": [{"message": message, "domain": "global", "reason": reason}]}
    line = f"{status} {words.get(status, 'Error')}"
    return line, [("Content-Type", "application/json; charset=UTF-8")], json.dumps({"error": error}).encode()
