"""SageMaker's JSON protocol, scripted: boto3 sends and parses as ever, and a dictionary answers instead of a socket."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

__all__ = ["Account", "RefusedError"]


class RefusedError(Exception):
    """An error of the service: code, message, status."""

    def __init__(self, code: str, message: str = "", status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


class Account:
    """Answers operations by their names; those that are not set up list nothing, or know nothing.

    A list in an answer is given out in pages of `page`, by tokens.
    """

    def __init__(self, backend: Any, page: int = 1) -> None:
        self.page = page
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {}
        backend._clients.sagemaker.meta.events.register("before-send.sagemaker", self._send)

    def asked(self, operation: str) -> list[dict[str, Any]]:
        return [body for name, body in self.calls if name == operation]

    def _send(self, request: Any, **_: object) -> Any:
        from botocore.awsrequest import AWSResponse

        operation = str(request.headers["X-Amz-Target"], "ascii").partition(".")[2]
        body = json.loads(request.body)
        self.calls.append((operation, body))
        try:
            status, found = 200, self._paged(operation, body)
        except RefusedError as error:
            status, found = error.status, {"__type": error.code, "message": error.message}
        raw = json.dumps(found, default=lambda one: one.timestamp() if isinstance(one, datetime) else str(one)).encode()
        return AWSResponse(request.url, status, {"content-type": "application/x-amz-json-1.1"}, _Raw(raw))

    def _paged(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        if operation not in self.answers:
            if operation.startswith("List"):
                return {"Tags": []} if operation == "ListTags" else {f"{operation[4:-1]}Summaries": []}
            raise RefusedError("ValidationException", "Requested resource not found.")
        found = self.answers[operation](body)
        for key, values in found.items():
            if operation.startswith("List") and isinstance(values, list):
                start = int(body.get("NextToken") or 0)
                step = min(self.page, int(body.get("MaxResults") or self.page))
                page = {key: values[start : start + step]}
                return page | ({"NextToken": str(start + step)} if start + step < len(values) else {})
        return found


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: object) -> Any:
        yield self._body

    def read(self, *_: object) -> bytes:
        body, self._body = self._body, b""
        return body
