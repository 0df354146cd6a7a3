"""Refusals as Google words them: a canonical code, a message; JSON with an HTTP status, or a gRPC status."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "Answer",
    "FieldErrors",
    "RpcError",
    "denied",
    "failed_precondition",
    "invalid",
    "not_found",
    "render_error",
    "unimplemented",
]

Answer = tuple[str, list[tuple[str, str]], bytes]

CODES = {  # google.rpc.Code: number and HTTP status
    "CANCELLED": (1, 499),
    "UNKNOWN": (2, 500),
    "INVALID_ARGUMENT": (3, 400),
    "DEADLINE_EXCEEDED": (4, 504),
    "NOT_FOUND": (5, 404),
    "ALREADY_EXISTS": (6, 409),
    "PERMISSION_DENIED": (7, 403),
    "RESOURCE_EXHAUSTED": (8, 429),
    "FAILED_PRECONDITION": (9, 400),
    "ABORTED": (10, 409),
    "OUT_OF_RANGE": (11, 400),
    "UNIMPLEMENTED": (12, 501),
    "INTERNAL": (13, 500),
    "UNAVAILABLE": (14, 503),
    "UNAUTHENTICATED": (16, 401),
}
REASONS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    429: "Too Many Requests",
    499: "Client Closed Request",
    500: "Internal Server Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


class RpcError(Exception):
    """An error to answer with.

    Parameters
    ----------
    status
        Name of a google.rpc.Code.
    message
        What the caller reads.
    details
        ``google.rpc.Status.details`` as JSON.
    """

    def __init__(self, status: str, message: str, details: list[dict[str, Any]] | None = None) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message
        self.details = details or []

    @property
    def code(self) -> int:
        """The number of the code."""
        return CODES[self.status][0]

    @property
    def http(self) -> int:
        """The HTTP status that stands for it."""
        return CODES[self.status][1]


def invalid(message: str) -> RpcError:
    """Return the error for a request that is not acceptable, whatever the state."""
    return RpcError("INVALID_ARGUMENT", message)


def not_found(kind: str, name: str = "") -> RpcError:
    """Return the error for a resource that is not there."""
    return RpcError("NOT_FOUND", f"The {kind} does not exist.{f' ({name})' if name else ''}")


def failed_precondition(message: str) -> RpcError:
    """Return the error for a request that does not fit the state that things are in."""
    return RpcError("FAILED_PRECONDITION", message)


def denied(message: str) -> RpcError:
    """Return the error for what the caller may not do."""
    return RpcError("PERMISSION_DENIED", message)


def unimplemented(what: str) -> RpcError:
    """Return the error for what the service has and this stand-in has not."""
    return RpcError("UNIMPLEMENTED", f"{what} is not served by the sandbox.")


class FieldErrors:
    """Collects what is wrong with the fields of a request; they are answered together."""

    def __init__(self) -> None:
        self._found: list[tuple[str, str]] = []

    def add(self, field: str, message: str) -> None:
        """Note one."""
        self._found.append((field, message))

    def check(self, field: str, test: Callable[[], object]) -> None:
        """Note what ``test`` refuses by raising ValueError."""
        try:
            test()
        except ValueError as error:
            self.add(field, str(error))

    def raise_if_any(self) -> None:
        """Raise them as one INVALID_ARGUMENT, numbered."""
        if self._found:
            listed = "\t".join(f"{n}.Field: {f}; Message: {m}" for n, (f, m) in enumerate(self._found, start=1))
            raise invalid(f"List of found errors:\t{listed}\t")


def render_error(error: RpcError) -> Answer:
    """Word an error as the REST interface does."""
    body: dict[str, Any] = {"code": error.http, "message": error.message, "status": error.status}
    if error.details:
        body["details"] = error.details
    headers = [("Content-Type", "application/json; charset=UTF-8")]
    return f"{error.http} {REASONS[error.http]}", headers, json.dumps({"error": body}, indent=2).encode()
