"""Write ``schema.json`` from the REST models that the installed azure-ai-ml carries.

``python -m automl_bridge_azure.sandbox.schema_build`` does it; a test compares. The models are those of
api-version 2025-12-01. `PREVIEW` adds what 2024-01-01-preview, the version that jobs are sent with, has
besides (source: azure-rest-api-specs, machinelearningservices, 2024-01-01-preview).
"""

from __future__ import annotations

import datetime as dt
import enum
import json
import sys
import types
import typing
from pathlib import Path
from typing import Any

__all__ = ["ROOTS", "build", "spell"]

ROOTS = ("JobBase", "ComputeResource", "CodeVersion", "DataVersionBase", "EnvironmentVersion", "ModelVersion",
         "BatchEndpoint", "BatchDeployment")  # fmt: skip
PREVIEW: dict[str, dict[str, str]] = {
    "TableVerticalLimitSettings": {"maxNodes": "int", "sweepConcurrentTrials": "int", "sweepTrials": "int"},
    "NlpVerticalLimitSettings": {"maxNodes": "int", "trialTimeout": "duration"},
    "ForecastingSettings": {"featuresUnknownAtForecastTime": "[str]"},
    "Classification": {"fixedParameters": "any", "searchSpace": "any", "sweepSettings": "any"},
    "Regression": {"fixedParameters": "any", "searchSpace": "any", "sweepSettings": "any"},
    "Forecasting": {"fixedParameters": "any", "searchSpace": "any", "sweepSettings": "any"},
    "TextClassification": {"fixedParameters": "any", "searchSpace": "any", "sweepSettings": "any"},
    "ClassificationTrainingSettings": {"trainingMode": "str"},
    "RegressionTrainingSettings": {"trainingMode": "str"},
    "ForecastingTrainingSettings": {"trainingMode": "str"},
    "JobResourceConfiguration": {"locations": "[str]", "maxInstanceCount": "int"},
    "AutoMLJob": {"secretsConfiguration": "any"},
    "CommandJob": {"secretsConfiguration": "any", "autologgerSettings": "any"},
}
SIMPLE = {str: "str", bool: "bool", int: "int", float: "float", dt.timedelta: "duration",
          dt.datetime: "datetime", dt.time: "str", bytes: "str", Any: "any"}  # fmt: skip


class _Builder:
    def __init__(self, models: types.ModuleType) -> None:
        self.models = models
        self.types: dict[str, dict[str, Any]] = {}
        self.enums: dict[str, list[str]] = {}

    def add(self, cls: Any) -> str:
        name: str = cls.__name__
        if name in self.types:
            return name
        entry: dict[str, Any] = {"fields": {}}
        self.types[name] = entry
        hints = typing.get_type_hints(cls, vars(sys.modules[cls.__module__]) | {"_models": self.models})
        cls.__new__(cls)  # the class learns its wire names when it is first made
        for attribute, field in cls._attr_to_rest_field.items():
            if field._is_discriminator and cls.__mapping__ and "discriminator" not in entry:  # noqa: SLF001
                entry["discriminator"] = field._rest_name  # noqa: SLF001
            spelled, required = self._type(hints[attribute])
            visible = field._visibility or []  # noqa: SLF001
            entry["fields"][field._rest_name] = {  # noqa: SLF001
                "type": spelled,
                **({"required": True} if required and visible != ["read"] else {}),
                **({"readonly": True} if visible == ["read"] else {}),
            }
        for wire, spelled in PREVIEW.get(name, {}).items():
            entry["fields"].setdefault(wire, {"type": spelled})
        if "discriminator" in entry:
            entry["kinds"] = {str(getattr(key, "value", key)): self.add(sub) for key, sub in cls.__mapping__.items()}
        return name

    def _type(self, hint: Any) -> tuple[str, bool]:  # noqa: PLR0911 (a kind of type each)
        """Spell a type; the second value says whether null is no answer."""
        origin, arguments = typing.get_origin(hint), typing.get_args(hint)
        if origin in {typing.Union, types.UnionType}:
            rest = [one for one in arguments if one is not type(None)]
            enums = [one for one in rest if isinstance(one, type) and issubclass(one, enum.Enum)]
            return self._type(enums[0] if enums else rest[0])[0], len(rest) == len(arguments)
        if origin is typing.Literal:
            return "str", True
        if origin in {list, set}:
            return f"[{self._type(arguments[0])[0]}]", True
        if origin is dict:
            return f"{{{self._type(arguments[1])[0]}}}", True
        if isinstance(hint, type) and issubclass(hint, enum.Enum):
            self.enums[hint.__name__] = sorted(str(one.value) for one in hint)
            return f"enum {hint.__name__}", True
        if hint in SIMPLE:
            return SIMPLE[hint], True
        return self.add(hint), True


def build() -> dict[str, Any]:
    """Return the schema: ``types`` (fields with type, required, readonly; kinds by discriminator) and ``enums``."""
    from azure.ai.ml._restclient.arm_ml_service import models

    builder = _Builder(models)
    for root in ROOTS:
        builder.add(getattr(models, root))
    return {"types": dict(sorted(builder.types.items())), "enums": dict(sorted(builder.enums.items()))}


def spell(schema: dict[str, Any]) -> str:
    """Write the schema as JSON, a line for each type and enum."""
    parts = []
    for part, entries in schema.items():
        lines = (f"{json.dumps(name)}: {json.dumps(entry, sort_keys=True)}" for name, entry in entries.items())
        parts.append(f'"{part}": {{\n' + ",\n".join(lines) + "\n}")
    return "{" + ",\n".join(parts) + "}\n"


if __name__ == "__main__":
    Path(__file__).with_name("schema.json").write_text(spell(build()), encoding="utf-8")
