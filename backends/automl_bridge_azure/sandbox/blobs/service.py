"""The built-in blob storage as it answers: block blobs, conditions, ranges, lists."""

from __future__ import annotations

import base64
import hashlib
import re
import xml.etree.ElementTree as ET
from email.utils import formatdate, parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit
from xml.sax.saxutils import escape

from automl_bridge_azure.sandbox.blobs.request import read_body
from automl_bridge_azure.sandbox.errors import AzureError, line

if TYPE_CHECKING:
    from automl_bridge.sandbox.service import Environ
    from automl_bridge_azure.sandbox.blobs.request import BlobRequest
    from automl_bridge_azure.sandbox.blobs.store import Blob, BlobStore
    from automl_bridge_azure.sandbox.errors import Answer

__all__ = ["answer"]

KEPT = ("content-type", "content-encoding", "content-language", "cache-control", "content-disposition", "content-md5")
PAGE = 5000
CONTAINER_NAME = re.compile(r"^(?=.{3,63}$)[a-z0-9]+(?:-[a-z0-9]+)*$|^\$root$|^\$web$")


def answer(store: BlobStore, request: BlobRequest, environ: Environ) -> Answer:
    """Answer a request that is allowed."""
    handler = globals().get(f"_{_snake(request.operation)}")
    if handler is None:
        raise AzureError("NotImplemented", f"{request.operation} is not part of the sandbox.", 501)
    read_body(environ)  # before the lock: a client that sends slowly holds up nobody but itself
    with store.lock:
        found: Answer = handler(store, request, environ)
    return found


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def _done(status: int, blob: Blob | None = None, body: bytes = b"", **more: str) -> Answer:
    headers = [("x-ms-request-server-encrypted", "true")] if status == 201 else []
    if blob is not None:
        headers += [("ETag", blob.etag), ("Last-Modified", formatdate(blob.modified, usegmt=True))]
    return line(status), headers + [(name.replace("_", "-"), value) for name, value in more.items()], body


def _xml(body: str) -> Answer:
    content = f'<?xml version="1.0" encoding="utf-8"?>{body}'.encode()
    return line(200), [("Content-Type", "application/xml")], content


# Containers


def _list_containers(store: BlobStore, request: BlobRequest, _environ: Environ) -> Answer:
    prefix = request.query.get("prefix", "")
    names = [name for name in sorted(store.containers) if name.startswith(prefix)]
    now = formatdate(usegmt=True)
    entries = "".join(
        f"<Container><Name>{escape(name)}</Name><Properties><Last-Modified>{now}</Last-Modified>"
        f'<Etag>"0x1"</Etag></Properties></Container>'
        for name in names
    )
    return _xml(f"<EnumerationResults><Containers>{entries}</Containers><NextMarker/></EnumerationResults>")


def _get_service_properties(_store: BlobStore, _request: BlobRequest, _environ: Environ) -> Answer:
    return _xml("<StorageServiceProperties/>")


def _create_container(store: BlobStore, request: BlobRequest, _environ: Environ) -> Answer:
    if not CONTAINER_NAME.match(request.container):
        raise AzureError("InvalidResourceName", "The specified resource name contains invalid characters.", 400)
    if request.container in store.containers:
        raise AzureError("ContainerAlreadyExists", "The specified container already exists.", 409)
    store.create(request.container)
    return _done(201, ETag='"0x1"', Last_Modified=formatdate(usegmt=True))


def _get_container_properties(store: BlobStore, request: BlobRequest, _environ: Environ) -> Answer:
    store.container(request.container)
    about: Any = {"x_ms_lease_status": "unlocked", "x_ms_lease_state": "available", "x_ms_has_legal_hold": "false",
             "x_ms_has_immutability_policy": "false"}  # fmt: skip
    return _done(200, ETag='"0x1"', Last_Modified=formatdate(usegmt=True), **about)


def _delete_container(store: BlobStore, request: BlobRequest, _environ: Environ) -> Answer:
    for name in list(store.container(request.container)):
        store.delete(request.container, name)
    del store.containers[request.container]
    return _done(202)


def _list_blobs(store: BlobStore, request: BlobRequest, _environ: Environ) -> Answer:
    query, blobs = request.query, store.container(request.container)
    prefix, delimiter, marker = query.get("prefix", ""), query.get("delimiter", ""), query.get("marker", "")
    most = min(int(query.get("maxresults") or PAGE), PAGE)
    entries: dict[str, str] = {}
    following = ""
    for name in sorted(blobs):
        if not name.startswith(prefix):
            continue
        cut = name.find(delimiter, len(prefix)) if delimiter else -1
        shown = name[: cut + len(delimiter)] if cut >= 0 else name
        if shown < marker or shown in entries:
            continue
        if len(entries) >= most:
            following = shown
            break
        folder = f"<BlobPrefix><Name>{escape(shown)}</Name></BlobPrefix>"
        entries[shown] = (
            folder if cut >= 0 else _entry(name, blobs[name], metadata="metadata" in query.get("include", ""))
        )
    named = "".join(
        f"<{tag}>{escape(value)}</{tag}>"
        for tag, value in (("Prefix", prefix), ("Marker", marker), ("Delimiter", delimiter)) if value
    )  # fmt: skip
    body = f"{named}<MaxResults>{most}</MaxResults><Blobs>{''.join(entries.values())}</Blobs>"
    return _xml(
        f'<EnumerationResults ServiceEndpoint="https://sandbox/" ContainerName="{escape(request.container)}">{body}'
        f"<NextMarker>{escape(following)}</NextMarker></EnumerationResults>"
    )


def _entry(name: str, blob: Blob, *, metadata: bool) -> str:
    about = {
        "Creation-Time": formatdate(blob.created, usegmt=True),
        "Last-Modified": formatdate(blob.modified, usegmt=True),
        "Etag": blob.etag.strip('"'),
        "Content-Length": str(blob.size),
        "Content-Type": blob.headers.get("content-type", "application/octet-stream"),
        "Content-Encoding": blob.headers.get("content-encoding", ""),
        "Content-MD5": blob.headers.get("content-md5") or blob.md5 or "",
        "BlobType": "BlockBlob",
        "AccessTier": "Hot",
        "AccessTierInferred": "true",
        "LeaseStatus": "unlocked",
        "LeaseState": "available",
        "ServerEncrypted": "true",
    }
    properties = "".join(f"<{tag}>{escape(value)}</{tag}>" for tag, value in about.items())
    own = "".join(f"<{key}>{escape(value)}</{key}>" for key, value in blob.metadata.items()) if metadata else ""
    extra = f"<Metadata>{own}</Metadata>" if metadata else ""
    return f"<Blob><Name>{escape(name)}</Name><Properties>{properties}</Properties>{extra}</Blob>"


# Writing


def _conditions(request: BlobRequest, blob: Blob | None, *, reading: bool = False) -> None:
    headers = request.headers
    refused = AzureError("ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met.", 412)
    wanted = headers.get("if-match")
    if wanted is not None and (blob is None or wanted not in {"*", blob.etag}):
        raise refused
    unwanted = headers.get("if-none-match")
    if unwanted is not None and blob is not None and unwanted in {"*", blob.etag}:
        if reading:
            raise AzureError(refused.code, refused.message, 304)
        raise AzureError("BlobAlreadyExists", "The specified blob already exists.", 409) if unwanted == "*" else refused
    for name, late in (("if-modified-since", True), ("if-unmodified-since", False)):
        if name in headers and blob is not None:
            changed = int(blob.modified) > parsedate_to_datetime(headers[name]).timestamp()
            if changed is not late:
                raise AzureError(refused.code, refused.message, 304 if reading and late else 412)


def _written(request: BlobRequest, content_type: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the headers and the metadata that a blob is to keep."""
    headers = {name: request.headers[f"x-ms-blob-{name}"] for name in KEPT if f"x-ms-blob-{name}" in request.headers}
    headers.setdefault("content-type", content_type or "application/octet-stream")
    return headers, request.metadata


def _checked(request: BlobRequest, environ: Environ) -> bytes:
    content = read_body(environ)
    wanted = request.headers.get("content-md5")
    if wanted and wanted != base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode():
        raise AzureError("Md5Mismatch", "The MD5 value specified in the request did not match.", 400)
    return content


def _put_blob(store: BlobStore, request: BlobRequest, environ: Environ) -> Answer:
    kind = request.headers.get("x-ms-blob-type", "")
    if kind != "BlockBlob":
        raise AzureError("InvalidHeaderValue", f"The sandbox keeps block blobs only, not {kind!r}.", 400)
    _conditions(request, store.container(request.container).get(request.name))
    content = _checked(request, environ)
    blob = store.put(
        request.container, request.name, content, *_written(request, request.headers.get("content-type", ""))
    )
    return _done(201, blob, Content_MD5=blob.md5 or "")


def _put_block(store: BlobStore, request: BlobRequest, environ: Environ) -> Answer:
    store.container(request.container)
    block = request.query.get("blockid", "")
    fresh = store.blocks.setdefault((request.container, request.name), {})
    if any(len(other) != len(block) for other in fresh):
        raise AzureError("InvalidBlobOrBlock", "The specified blob or block content is invalid.", 400)
    if block in fresh:
        store.release(fresh[block])
    fresh[block] = store.keep(_checked(request, environ))
    return _done(201)


def _put_block_list(store: BlobStore, request: BlobRequest, environ: Environ) -> Answer:
    _conditions(request, store.container(request.container).get(request.name))
    try:
        listed = ET.fromstring(_checked(request, environ))  # noqa: S314 (loopback; entities are not expanded)
    except ET.ParseError:
        raise AzureError("InvalidXmlDocument", "XML specified is not syntactically valid.", 400) from None
    wanted = [(entry.tag, entry.text or "") for entry in listed]
    blob = store.commit(request.container, request.name, wanted, *_written(request, ""))
    return _done(201, blob)


def _get_block_list(store: BlobStore, request: BlobRequest, _environ: Environ) -> Answer:
    blob = store.container(request.container).get(request.name)
    fresh = store.blocks.get((request.container, request.name), {})
    if blob is None and not fresh:
        store.blob(request.container, request.name)
    kinds = request.query.get("blocklisttype", "committed").lower()
    committed = blob.blocks if blob is not None and kinds != "uncommitted" else []
    waiting = [(name, path.stat().st_size) for name, path in fresh.items()] if kinds != "committed" else []
    body = ""
    for tag, blocks in (("CommittedBlocks", committed), ("UncommittedBlocks", waiting)):
        inner = "".join(f"<Block><Name>{escape(n)}</Name><Size>{size}</Size></Block>" for n, size in blocks)
        body += f"<{tag}>{inner}</{tag}>"
    return _xml(f"<BlockList>{body}</BlockList>")


def _copy_blob(store: BlobStore, request: BlobRequest, _environ: Environ) -> Answer:
    source = unquote(urlsplit(request.headers["x-ms-copy-source"]).path).lstrip("/")
    container, _, name = source.partition("/")
    old = store.blob(container, name)
    _conditions(request, store.container(request.container).get(request.name))
    metadata = _written(request, "")[1] or old.metadata
    blob = store.put(request.container, request.name, old.path.read_bytes(), old.headers, metadata)
    return _done(202, blob, x_ms_copy_id=blob.etag.strip('"'), x_ms_copy_status="success")


def _set_blob_metadata(store: BlobStore, request: BlobRequest, _environ: Environ) -> Answer:
    blob = store.blob(request.container, request.name)
    _conditions(request, blob)
    blob.metadata = _written(request, "")[1]
    blob.touch()
    return _done(200, blob)


def _set_blob_properties(store: BlobStore, request: BlobRequest, _environ: Environ) -> Answer:
    blob = store.blob(request.container, request.name)
    _conditions(request, blob)
    blob.headers = _written(request, "")[0]
    blob.touch()
    return _done(200, blob)


def _delete_blob(store: BlobStore, request: BlobRequest, _environ: Environ) -> Answer:
    _conditions(request, store.blob(request.container, request.name))
    store.delete(request.container, request.name)
    return _done(202)


# Reading


def _get_blob_properties(store: BlobStore, request: BlobRequest, _environ: Environ) -> Answer:
    blob = store.blob(request.container, request.name)
    _conditions(request, blob, reading=True)
    status, headers, _body = _done(200, blob)
    return status, [*headers, *_about(blob), ("Content-Length", str(blob.size))], b""


def _get_blob(store: BlobStore, request: BlobRequest, _environ: Environ) -> Answer:
    blob = store.blob(request.container, request.name)
    _conditions(request, blob, reading=True)
    spelled = request.headers.get("x-ms-range") or request.headers.get("range")
    if spelled is None:
        status, headers, body = _done(200, blob, blob.path.read_bytes())
        return status, [*headers, *_about(blob)], body
    match = re.fullmatch(r"bytes=(\d+)-(\d*)", spelled)
    first = int(match[1]) if match else 0
    if match is None or first >= blob.size:
        raise AzureError("InvalidRange", "The range specified is invalid for the current size of the resource.", 416,
                         headers=[("Content-Range", f"bytes */{blob.size}")])  # fmt: skip
    last = min(int(match[2]) if match[2] else blob.size - 1, blob.size - 1)
    with blob.path.open("rb") as content:
        content.seek(first)
        body = content.read(last - first + 1)
    status, headers, _nothing = _done(206, blob, Content_Range=f"bytes {first}-{last}/{blob.size}")
    return status, [*headers, *_about(blob)], body


def _about(blob: Blob) -> list[tuple[str, str]]:
    headers = {name.title().replace("Md5", "MD5"): value for name, value in blob.headers.items()}
    if blob.md5:
        headers.setdefault("Content-MD5", blob.md5)
    own = {f"x-ms-meta-{key}": value for key, value in blob.metadata.items()}
    fixed = {
        "x-ms-blob-type": "BlockBlob",
        "x-ms-creation-time": formatdate(blob.created, usegmt=True),
        "x-ms-lease-status": "unlocked",
        "x-ms-lease-state": "available",
        "x-ms-server-encrypted": "true",
        "x-ms-access-tier": "Hot",
        "Accept-Ranges": "bytes",
    }
    return list({**headers, **own, **fixed}.items())
