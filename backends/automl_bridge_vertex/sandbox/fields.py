"""Rules for fields that many messages have."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from automl_bridge_vertex.sandbox.errors import FieldErrors

__all__ = ["check_common", "check_labels", "stamp", "struct_of"]

LONGEST_NAME = 128
LONGEST_LABEL = 64
MOST_LABELS = 64


def check_common(errors: FieldErrors, field: str, body: Any) -> None:
    """Check display name and labels of a resource to be made."""
    if not body.display_name:
        errors.add(f"{field}.display_name", "Required field is not set.")
    elif len(body.display_name) > LONGEST_NAME:
        errors.add(f"{field}.display_name", f"The display name must be {LONGEST_NAME} characters or less.")
    check_labels(errors, f"{field}.labels", body.labels)


def check_labels(errors: FieldErrors, field: str, labels: Mapping[str, str]) -> None:
    """Check labels: at most 64, of at most 64 lower-case letters, digits, underscores and dashes."""
    if len(labels) > MOST_LABELS:
        errors.add(field, f"There can be no more than {MOST_LABELS} labels attached to a single resource.")
    for key, value in labels.items():
        right = bool(key) and unicodedata.category(key[0]) in {"Ll", "Lo"}
        if not right or not all(len(text) <= LONGEST_LABEL and all(map(_allowed, text)) for text in (key, value)):
            errors.add(
                field,
                "Label keys and values can be no longer than 64 characters, can only contain lowercase letters, "
                "numeric characters, underscores and dashes. International characters are allowed. "
                f"Keys must start with a letter. Found: {key}={value}",
            )


def _allowed(sign: str) -> bool:
    return sign in "_-" or unicodedata.category(sign) in {"Ll", "Lo", "Lm", "Mn", "Mc", "Nd"}


def stamp(target: Any, moment: float) -> None:
    """Set a Timestamp to epoch seconds."""
    target.FromMicroseconds(round(moment * 1e6))


def struct_of(value: Any) -> Any:
    """Return a JSON value as ``google.protobuf.Value``."""
    from google.protobuf import json_format, struct_pb2

    return json_format.ParseDict(value, struct_pb2.Value())
