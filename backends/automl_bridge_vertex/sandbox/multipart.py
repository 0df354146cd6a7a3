"""Multipart uploads of Cloud Storage's XML interface, which the emulator does not have: parts wait here.

Source: the XML API's multipart upload pages (initiate, upload part, complete, abort).
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from automl_bridge_vertex.sandbox.errors import Answer

__all__ = ["Multiparts", "xml_error"]

NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
PART = re.compile(r"<PartNumber>\s*(\d+)\s*</PartNumber>")


class Multiparts:
    """Uploads that have begun.

    Parameters
    ----------
    put
        Writes a whole object: bucket, key, content type, content; returns its ETag, or None if there is no bucket.
    """

    def __init__(self, put: Callable[[str, str, str, bytes], str | None]) -> None:
        self._put = put
        self._uploads: dict[str, tuple[str, dict[int, bytes]]] = {}
        self._made = 0

    def answer(self, method: str, bucket: str, key: str, query: Mapping[str, str], kind: str, body: bytes) -> Answer:
        """Answer a request that has ``uploads`` or ``uploadId`` in its query."""
        if "uploads" in query and method == "POST":
            self._made += 1
            name = hashlib.sha256(f"{bucket}/{key}/{self._made}".encode()).hexdigest()[:40]
            self._uploads[name] = (kind, {})
            return _xml("InitiateMultipartUploadResult", Bucket=bucket, Key=key, UploadId=name)
        name = query.get("uploadId", "")
        if name not in self._uploads:
            return xml_error(404, "NoSuchUpload", "The requested upload was not found.")
        if method == "PUT":
            self._uploads[name][1][int(query["partNumber"])] = body
            return "200 OK", [("ETag", f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"')], b""
        if method == "DELETE":
            del self._uploads[name]
            return "204 No Content", [], b""
        return self._complete(name, bucket, key, body)

    def _complete(self, name: str, bucket: str, key: str, body: bytes) -> Answer:
        kind, parts = self._uploads[name]
        wanted = [int(number) for number in PART.findall(body.decode())]
        if not wanted or not set(wanted) <= set(parts):
            return xml_error(400, "InvalidPart", "One or more of the specified parts could not be found.")
        tag = self._put(bucket, key, kind, b"".join(parts[number] for number in wanted))
        if tag is None:
            return xml_error(404, "NoSuchBucket", "The specified bucket does not exist.")
        del self._uploads[name]
        return _xml("CompleteMultipartUploadResult", Bucket=bucket, Key=key, ETag=f'"{tag}"')


def _xml(root: str, **fields: str) -> Answer:
    inner = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in fields.items())
    body = f"<?xml version='1.0' encoding='UTF-8'?><{root} {NAMESPACE}>{inner}</{root}>"
    return "200 OK", [("Content-Type", "application/xml")], body.encode()


def xml_error(status: int, code: str, message: str) -> Answer:
    """Word an error as the XML interface does."""
    inner = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    body = f"<?xml version='1.0' encoding='UTF-8'?><Error>{inner}</Error>"
    return f"{status} {code}", [("Content-Type", "application/xml")], body.encode()
