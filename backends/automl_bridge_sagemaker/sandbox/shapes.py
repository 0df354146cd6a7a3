"""Checks of a request against AWS's own service model, patterns included (clients leave those to the server)."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from automl_bridge_sagemaker.sandbox.protocol import invalid

__all__ = ["check_request", "operation_model"]


@cache
def operation_model(service: str, operation: str) -> Any:
    """Return AWS's model of an operation, or None if it has no such."""
    import botocore.session

    model = botocore.session.get_session().get_service_model(service)
    return model.operation_model(operation) if operation in model.operation_names else None


def check_request(service: str, operation: str, body: dict[str, Any]) -> None:
    """Raise the error that AWS answers if ``body`` breaks the model of ``operation``."""
    model = operation_model(service, operation)
    if model is None or model.input_shape is None:
        return
    found: list[str] = []
    _check(model.input_shape, body, "", found)
    if found:
        many = "s" if len(found) > 1 else ""
        raise invalid(f"{len(found)} validation error{many} detected: {'; '.join(found)}")


def _check(shape: Any, value: Any, path: str, found: list[str]) -> None:
    name = path or shape.name
    if shape.type_name == "structure":
        _check_structure(shape, value, path, found)
    elif shape.type_name == "list":
        _bounds(shape, len(value), name, found, "length ")
        for position, inner in enumerate(value):
            _check(shape.member, inner, f"{path}.{position + 1}.member", found)
    elif shape.type_name == "map":
        for key, inner in value.items():
            _check(shape.value, inner, f"{path}.{key}.member", found)
    elif shape.type_name == "string":
        _check_text(shape, str(value), name, found)
    elif shape.type_name in {"integer", "long", "float", "double"}:
        _bounds(shape, value, name, found, "value ")


def _check_structure(shape: Any, value: dict[str, Any], path: str, found: list[str]) -> None:
    missing = [member for member in shape.required_members if member not in value]
    found += [_failed("null", _join(path, member), "Member must not be null") for member in missing]
    for member, inner in value.items():
        if member in shape.members:
            _check(shape.members[member], inner, _join(path, member), found)


def _check_text(shape: Any, value: str, name: str, found: list[str]) -> None:
    if shape.enum and value not in shape.enum:
        found.append(_failed(value, name, f"Member must satisfy enum value set: [{', '.join(shape.enum)}]"))
    _bounds(shape, len(value), name, found, "length ", shown=value)
    pattern = shape.metadata.get("pattern")
    if pattern and not _matches(pattern, value):
        found.append(_failed(value, name, f"Member must satisfy regular expression pattern: {pattern}"))


def _matches(pattern: str, value: str) -> bool:
    try:
        return re.fullmatch(pattern.replace(r"\p{L}\p{Z}\p{N}", r"\w\s"), value) is not None
    except re.error:  # the models are written for Java
        return True


def _bounds(shape: Any, size: float, name: str, found: list[str], what: str, shown: Any = None) -> None:
    shown = size if shown is None else shown
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < least:
        found.append(_failed(shown, name, f"Member must have {what}greater than or equal to {least}"))
    if most is not None and size > most:
        found.append(_failed(shown, name, f"Member must have {what}less than or equal to {most}"))


def _failed(value: Any, name: str, rule: str) -> str:
    return f"Value '{value}' at '{name}' failed to satisfy constraint: {rule}"


def _join(path: str, member: str) -> str:
    lowered = member[0].lower() + member[1:]
    return f"{path}.{lowered}" if path else lowered
