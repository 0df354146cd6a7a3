"""Request bodies checked against the published models (``schema.json``, see `schema_build`)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["Findings", "check", "seconds_of", "spell_duration"]

DURATION = re.compile(
    r"^P(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?$"
)
LENGTHS = {"weeks": 604800, "days": 86400, "hours": 3600, "minutes": 60, "seconds": 1}


@cache
def _schema() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(Path(__file__).with_name("schema.json").read_text(encoding="utf-8"))
    return loaded


@dataclass
class Findings:
    """What a check found: what is wrong, and names that the schema does not know."""

    wrong: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def check(body: Any, root: str) -> Findings:
    """Check ``body`` against the model ``root``: types, required fields, enums, discriminators."""
    findings = Findings()
    _check(body, root, "", findings)
    return findings


def _check(value: Any, spelled: str, path: str, found: Findings) -> None:
    if value is None or spelled == "any":
        return
    if spelled[0] in "[{":
        _check_many(value, spelled, path, found)
    elif spelled in _schema()["types"]:
        _check_model(value, spelled, path, found)
    else:
        _check_simple(value, spelled, path, found)


def _check_many(value: Any, spelled: str, path: str, found: Findings) -> None:
    if spelled[0] == "[" and isinstance(value, list):
        for place, inner in enumerate(value):
            _check(inner, spelled[1:-1], f"{path}[{place}]", found)
    elif spelled[0] == "{" and isinstance(value, dict):
        for key, inner in value.items():
            # The SDK sends hash_version as a number where text is to be: it is read as text.
            if spelled != "{str}" or not isinstance(inner, int | float):
                _check(inner, spelled[1:-1], f"{path}.{key}", found)
    else:
        found.wrong.append(f"{path} is to be {'an array' if spelled[0] == '[' else 'an object'}, not {value!r}")


def _check_model(value: Any, name: str, path: str, found: Findings) -> None:
    if not isinstance(value, dict):
        found.wrong.append(f"{path or 'the body'} is to be an object, not {value!r}")
        return
    entry = _schema()["types"][name]
    key = entry.get("discriminator")
    if key is not None:
        kind = value.get(key)
        if kind not in entry["kinds"]:
            found.wrong.append(f"{path}.{key} is {kind!r}; allowed: {', '.join(sorted(entry['kinds']))}")
            return
        entry = _schema()["types"][entry["kinds"][kind]]
    fields = entry["fields"]
    for wire, about in fields.items():
        if about.get("required") and value.get(wire) is None:
            found.wrong.append(f"{path}.{wire} is required".lstrip("."))
    for wire, inner in value.items():
        place = f"{path}.{wire}".lstrip(".")
        if wire not in fields:
            found.unknown.append(place)
        elif not fields[wire].get("readonly"):
            _check(inner, fields[wire]["type"], place, found)


def _check_simple(value: Any, spelled: str, path: str, found: Findings) -> None:
    if spelled.startswith("enum "):
        allowed = _schema()["enums"][spelled[5:]]
        # Whatever its case: the SDK sends "aadToken" for AADToken.
        if str(value).lower() not in {one.lower() for one in allowed}:
            found.wrong.append(f"{path} is {value!r}; allowed: {', '.join(allowed)}")
        return
    number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = {
        "str": isinstance(value, str),
        "bool": isinstance(value, bool),
        "int": number and float(value).is_integer(),
        "float": number,
        "datetime": isinstance(value, str),
        "duration": isinstance(value, str) and seconds_of(value) is not None,
    }
    if not fits[spelled]:
        found.wrong.append(f"{path} is {value!r}, not of type {spelled}")


def seconds_of(text: str) -> float | None:
    """Return the seconds of an ISO 8601 duration (``PT1H30M``), or None if it is none."""
    match = DURATION.match(text)
    if match is None or text in {"P", "PT"}:
        return None
    return sum(float(value) * LENGTHS[unit] for unit, value in match.groupdict().items() if value)


def spell_duration(seconds: float) -> str:
    """Write seconds as run history does: ``hh:mm:ss.fffffff``, days in front with a dot."""
    whole, ticks = divmod(round(seconds * 10_000_000), 10_000_000)
    days, rest = divmod(whole, 86400)
    text = f"{rest // 3600:02}:{rest % 3600 // 60:02}:{rest % 60:02}.{ticks:07}"
    return f"{days}.{text}" if days else text
