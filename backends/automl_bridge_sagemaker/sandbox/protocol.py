"""Requests and errors as AWS words them: which service and operation, and how each protocol says no."""

from __future__ import annotations

import io
import json
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from automl_bridge_sagemaker.sandbox import s3

if TYPE_CHECKING:
    from automl_bridge.sandbox.service import Environ

__all__ = ["Answer", "AwsError", "Call", "invalid", "parse", "read_body", "render_error", "render_json"]

Answer = tuple[str, list[tuple[str, str]], bytes]
REASONS = {400: "Bad Request", 403: "Forbidden", 404: "Not Found", 500: "Internal Server Error", 503: "Slow Down"}
SERVICES = {"tagging": "tag"}  # signing name to IAM prefix, where they differ
DEFAULT_REGION = "us-east-1"


class AwsError(Exception):
    """An error to answer with: AWS's code, its message, and the HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


def invalid(message: str) -> AwsError:
    """Return the error for a request that is not acceptable."""
    return AwsError("ValidationException", message)


@dataclass
class Call:
    """A request: service (as in IAM actions), operation, region it was signed for, and how it is answered."""

    service: str
    operation: str
    region: str
    protocol: str
    bucket: str = ""
    key: str = ""

    @property
    def name(self) -> str:
        """``service.Operation``."""
        return f"{self.service}.{self.operation}"


def parse(environ: Environ) -> Call:
    """Find out what a request asks for. The body stays readable."""
    service, region = _scope(environ)
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        return Call(service, target.rpartition(".")[2], region, "json")
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        form = parse_qs(read_body(environ).decode("utf-8", "replace"))
        return Call(service, form.get("Action", ["Unknown"])[0], region, "query")
    if service == "s3":
        operation, bucket, key = s3.operation_of(environ)
        return Call(service, operation, region, "s3", bucket, key)
    return Call(service, environ.get("REQUEST_METHOD", "GET"), region, "json")


def read_body(environ: Environ) -> bytes:
    """Return the body, and leave it to be read again."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(length) if length else b""
    environ["wsgi.input"] = io.BytesIO(body)
    return bytes(body)


def _scope(environ: Environ) -> tuple[str, str]:
    """Service and region of the signature (SigV4 credential scope); S3 if unsigned."""
    header = environ.get("HTTP_AUTHORIZATION", "")
    if "Credential=" in header:
        parts = header.split("Credential=")[1].split(",")[0].split("/")
    else:
        query = parse_qs(environ.get("QUERY_STRING", ""))
        parts = query.get("X-Amz-Credential", [""])[0].split("/")
    if len(parts) < 5:
        return "s3", DEFAULT_REGION
    return SERVICES.get(parts[3], parts[3]), parts[2]


def render_json(answer: Any) -> Answer:
    """Word an answer in the JSON protocol."""
    body = json.dumps(answer).encode()
    return "200 OK", [("Content-Type", "application/x-amz-json-1.1"), ("x-amzn-RequestId", str(uuid.uuid4()))], body


def render_error(call: Call, error: AwsError) -> Answer:
    """Word an error in the protocol of ``call``."""
    request = str(uuid.uuid4())
    status = f"{error.status} {REASONS.get(error.status, 'Error')}"
    headers = [("x-amzn-RequestId", request)]
    code, message = error.code, error.message
    if call.protocol == "json":
        headers += [("Content-Type", "application/x-amz-json-1.1"), ("x-amzn-ErrorType", code)]
        return status, headers, json.dumps({"__type": code, "message": message}).encode()
    headers.append(("Content-Type", "text/xml"))
    inner = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    if call.protocol == "s3":
        headers.append(("x-amz-request-id", request))
        body = f"<?xml version='1.0' encoding='UTF-8'?><Error>{inner}<RequestId>{request}</RequestId></Error>"
    else:
        body = (
            f"<ErrorResponse><Error><Type>Sender</Type>{inner}</Error><RequestId>{request}</RequestId></ErrorResponse>"
        )
    return status, headers, body.encode()
