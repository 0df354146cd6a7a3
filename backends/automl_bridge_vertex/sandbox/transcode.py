"""HTTP and JSON to protobuf and back, as google.api.http says."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from automl_bridge_vertex.sandbox.errors import Answer, RpcError, invalid
from automl_bridge_vertex.sandbox.routes import Route, request_type, routes

if TYPE_CHECKING:
    from automl_bridge.sandbox.service import Environ

__all__ = ["Call", "build_request", "find_route", "render"]


@dataclass(frozen=True)
class Call:
    """A request over HTTP that a method answers."""

    route: Route
    values: tuple[str, ...]
    query: list[tuple[str, str]]

    @property
    def numeric_enums(self) -> bool:
        """Whether the caller wants enums as numbers."""
        return any(name == "$alt" and "enum-encoding=int" in value for name, value in self.query)


def find_route(environ: Environ) -> Call | None:
    """Return which method a request calls, or None."""
    raw = str(environ.get("RAW_URI") or environ.get("REQUEST_URI") or environ.get("PATH_INFO", "/"))
    path = unquote(raw.partition("?")[0])
    verb = environ["REQUEST_METHOD"]
    for route in routes():
        match = route.pattern.fullmatch(path) if route.verb == verb else None
        if match is not None:
            query = parse_qsl(str(environ.get("QUERY_STRING", "")), keep_blank_values=True)
            return Call(route, match.groups(), query)
    return None


def build_request(call: Call, body: bytes) -> Any:
    """Return the request message.

    Raises
    ------
    RpcError
        INVALID_ARGUMENT for what does not fit the message, worded as the service does.
    """
    from google.protobuf import json_format

    kind = request_type(call.route.method)
    content: dict[str, Any] = {}
    if call.route.body:
        try:
            sent = json.loads(body or b"{}")
        except ValueError:
            raise invalid("Invalid JSON payload received. Unexpected token.") from None
        content = sent if call.route.body == "*" else {call.route.body: sent}
    for name, text in call.query:
        if not name.startswith("$") and name not in {"key", "alt", "prettyPrint"}:
            _place(content, kind.DESCRIPTOR, name, text)
    for name, value in zip(call.route.variables, call.values, strict=True):
        _place(content, kind.DESCRIPTOR, name, value)
    try:
        return json_format.ParseDict(content, kind())
    except json_format.ParseError as error:
        raise invalid(f"Invalid JSON payload received. {error}") from None


def _place(content: dict[str, Any], descriptor: Any, path: str, text: str) -> None:
    """Write a value from the path or the query where a field's dotted name says; unknown ones are refused."""
    *outer, last = path.split(".")
    for name in outer:
        field = _field(descriptor, name, path)
        content = content.setdefault(_present(content, field), {})
        if field.message_type is None:
            raise _unknown(path)
        descriptor = field.message_type
    field = _field(descriptor, last, path)
    value: Any = text
    if field.type == field.TYPE_BOOL:
        value = text.lower() == "true"
    elif field.type == field.TYPE_ENUM and text.isdigit():
        value = int(text)
    if _repeated(field):
        content.setdefault(_present(content, field), []).append(value)
    else:
        content[_present(content, field)] = value


def _repeated(field: Any) -> bool:
    return bool(getattr(field, "is_repeated", False))


def _present(content: dict[str, Any], field: Any) -> str:
    """Return the spelling of a field's name that is there already, so that it is not given twice."""
    return field.name if field.name in content else str(field.json_name)


def _field(descriptor: Any, name: str, path: str) -> Any:
    for field in descriptor.fields:
        if name in {field.name, field.json_name}:
            return field
    raise _unknown(path)


def _unknown(path: str) -> RpcError:
    return invalid(f'Invalid JSON payload received. Unknown name "{path}": Cannot bind query parameter.')


def render(answer: Any, *, numeric_enums: bool) -> Answer:
    """Word an answer as JSON."""
    from google.protobuf import json_format

    text = json_format.MessageToJson(answer, use_integers_for_enums=numeric_enums)
    return "200 OK", [("Content-Type", "application/json; charset=UTF-8")], text.encode()
