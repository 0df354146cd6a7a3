"""Errors as each of Azure's services words them."""

from __future__ import annotations

import json
from typing import Any
from xml.sax.saxutils import escape

__all__ = ["Answer", "AzureError", "no_content", "not_found", "ok", "render", "user_error"]

Answer = tuple[str, list[tuple[str, str]], bytes]
REASONS = {200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 206: "Partial Content", 304: "Not Modified",
           400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
           409: "Conflict", 411: "Length Required", 412: "Precondition Failed", 416: "Range Not Satisfiable",
           429: "Too Many Requests", 500: "Internal Server Error", 503: "Service Unavailable"}  # fmt: skip


class AzureError(Exception):
    """An error to answer with.

    Parameters
    ----------
    code, message, status
        The service's code, its words, and the HTTP status.
    details
        Further errors, as (code, message) pairs.
    headers
        Besides the usual ones.
    """

    def __init__(
        self,
        code: str,
        message: str,
        status: int = 400,
        *,
        details: list[tuple[str, str]] | None = None,
        headers: list[tuple[str, str]] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.details = details or []
        self.headers = headers or []


def user_error(message: str, *details: str, status: int = 400) -> AzureError:
    """Return Machine Learning's error for a request that is not acceptable."""
    return AzureError("UserError", message, status, details=[("InvalidField", one) for one in details])


def not_found(kind: str, name: str) -> AzureError:
    """Return Machine Learning's error for something that does not exist."""
    return AzureError("UserError", f"The {kind} '{name}' was not found in this workspace.", 404)


def ok(value: Any, status: int = 200, headers: list[tuple[str, str]] | None = None) -> Answer:
    """Answer with JSON."""
    body = json.dumps(value).encode()
    return line(status), [("Content-Type", "application/json; charset=utf-8"), *(headers or [])], body


def no_content(status: int = 204, headers: list[tuple[str, str]] | None = None) -> Answer:
    """Answer with nothing."""
    return line(status), headers or [], b""


def line(status: int) -> str:
    """Return the status line."""
    return f"{status} {REASONS.get(status, 'Error')}"


def render(error: AzureError, family: str) -> Answer:
    """Word an error as ``arm`` (Resource Manager, run history), ``mlflow``, ``entra`` or ``blob`` does."""
    if family == "blob":
        body = (
            '<?xml version="1.0" encoding="utf-8"?>'
            f"<Error><Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message></Error>"
        )
        headers = [("Content-Type", "application/xml"), ("x-ms-error-code", error.code), *error.headers]
        return line(error.status), headers, body.encode()
    if family == "mlflow":
        return ok({"error_code": error.code, "message": error.message}, error.status, error.headers)
    if family == "entra":
        words = {"error": error.code, "error_description": error.message, "error_codes": [error.status]}
        return ok(words, error.status, error.headers)
    content: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.details:
        content["details"] = [{"code": code, "message": message} for code, message in error.details]
    return ok({"error": content}, error.status, error.headers)
