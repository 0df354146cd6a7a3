"""Between the socket and a stand-in (WSGI): counting, faults, the control endpoint."""

from __future__ import annotations

import json
import socket
import struct
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from automl_bridge.sandbox.faults import CALL_FAULTS, FaultKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from automl_bridge.sandbox.service import Context, Environ, Service

__all__ = ["CONTROL_PATH", "SandboxApp"]

CONTROL_PATH = "/sandbox"
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})


class SandboxApp:
    """Serve ``service``, with the faults of ``context`` and the control endpoint under ``/sandbox``.

    ``GET /sandbox`` says what this is; ``GET|POST|DELETE /sandbox/faults`` shows, adds and clears rules;
    ``GET|DELETE /sandbox/calls`` shows and clears the counts; ``POST /sandbox/clock`` takes ``advance``
    (seconds) and ``factor``; ``POST /sandbox/settings`` changes switches; any other action is the vendor's.
    Only unsigned requests to a loopback host reach it, so a bucket called "sandbox" stays reachable and a
    web page that resolves its own name to this machine does not.
    """

    def __init__(self, service: Service, context: Context) -> None:
        self.service = service
        self.context = context

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Answer a request (WSGI)."""
        if _is_control(environ):
            return self._control(environ, start_response)
        operation = self.service.operation(environ)
        if not operation:
            return self.service(environ, start_response)
        self.context.calls.count(operation)
        fault = self.context.faults.draw(operation, CALL_FAULTS)
        if fault is not None:
            if fault.kind is FaultKind.SLOW:
                time.sleep(fault.seconds)
            elif fault.kind is FaultKind.RESET_BEFORE:
                _reset(environ)
            elif fault.kind is FaultKind.RESET_AFTER:
                for _chunk in self.service(environ, _swallow):
                    pass
                _reset(environ)
            else:
                status, headers, body = self.service.refuse(environ, fault)
                return _send(start_response, headers, status, body)
        return self.service(environ, start_response)

    def _control(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        try:
            length = int(environ.get("CONTENT_LENGTH") or 0)
            body = json.loads(environ["wsgi.input"].read(length)) if length else None
            action = environ["PATH_INFO"].removeprefix(CONTROL_PATH).strip("/")
            answer = self._act(environ["REQUEST_METHOD"], action, body)
        except LookupError as error:
            return _send(start_response, [_JSON], "404 Not Found", _json({"error": str(error)}))
        except (ValueError, TypeError) as error:
            return _send(start_response, [_JSON], "400 Bad Request", _json({"error": str(error)}))
        return _send(start_response, [_JSON], "200 OK", _json(answer))

    def _act(self, method: str, action: str, body: Any) -> Any:  # noqa: C901, PLR0911 (a table, a line for each action)
        context = self.context
        match (method, action):
            case ("GET", ""):
                now = datetime.fromtimestamp(context.clock.time(), tz=UTC).isoformat()
                return {"sandbox": self.service.name, "now": now, "factor": context.clock.factor}
            case ("GET", "faults"):
                return context.faults.to_json()
            case ("POST", "faults"):
                context.faults.load([body] if isinstance(body, dict) else body)
                return context.faults.to_json()
            case ("DELETE", "faults"):
                context.faults.clear()
                return []
            case ("GET", "calls"):
                return context.calls.to_json()
            case ("DELETE", "calls"):
                context.calls.clear()
                return {}
            case ("POST", "clock"):
                if "factor" in body:
                    context.clock.factor = float(body["factor"])
                return {"now": context.clock.advance(float(body.get("advance", 0)))}
            case ("POST", "settings"):
                context.settings.update(body)
                return context.settings
            case ("POST" | "DELETE" | "GET", _):
                return self.service.control(action if method != "DELETE" else f"delete-{action}", body)
        raise LookupError(f"no control action {method} {action}")


_JSON = ("Content-Type", "application/json")


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _send(start_response: Any, headers: list[tuple[str, str]], status: str, body: bytes) -> list[bytes]:
    start_response(status, [*headers, ("Content-Length", str(len(body)))])
    return [body]


def _is_control(environ: Environ) -> bool:
    path = environ.get("PATH_INFO", "")
    if path != CONTROL_PATH and not path.startswith(f"{CONTROL_PATH}/"):
        return False
    host = environ.get("HTTP_HOST", "")
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    return "HTTP_AUTHORIZATION" not in environ and name in LOOPBACK_HOSTS


def _swallow(*_args: Any) -> Any:
    return lambda _data: None


def _reset(environ: Environ) -> None:
    """Break the connection without an answer: with a reset where the socket can be reached."""
    connection = environ.get("werkzeug.socket")
    if isinstance(connection, socket.socket):
        # Linger of zero seconds: closing sends RST instead of a polite end.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise ConnectionResetError("reset on request")
