"""Configuration in layers; a later one wins.

Built-in defaults, the user's config folder, ``[tool.automl-bridge]`` in pyproject.toml, ``automl-bridge.toml``,
``[profiles.NAME]`` in any of these files, ``AUTOML_BRIDGE_*`` variables, and what the caller passes (flags).
It holds no secrets: credentials come from each SDK's own chain.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, ValidationError

from automl_bridge.budget import Budget
from automl_bridge.errors import ConfigError, UnknownNameError
from automl_bridge.spec import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Config", "load_config"]

PREFIX = "AUTOML_BRIDGE_"
_BUDGET = ("max_time", "max_cost_usd", "max_trials")
_ALIASES = {"max_cost": "max_cost_usd"}
# Variables that say where things are or are read elsewhere, not what a job is.
_NOT_SETTINGS = {"profile", "sandbox", "config"}


def _default_home() -> Path:
    from platformdirs import user_data_path

    return user_data_path("automl-bridge", appauthor=False)


class Config(Frozen):
    """What holds for every job unless it says otherwise.

    Parameters
    ----------
    backend
        Name of the backend; ``autokeras`` where nothing is said.
    budget
        Default limits (``max_time``, ``max_cost``, ``max_trials`` stand at the top level of the files).
    metric
        Name of the metric; None lets the task decide.
    objective, cap
        As in `JobSpec`.
    seed
        Seed of splits and searches.
    holdout, validation
        Shares of the rows, in [0, 1), for the holdout, and for validation among the rest.
    home
        Folder for everything that is kept; ``AUTOML_BRIDGE_HOME``, by default the user's data folder.
    store
        SQLAlchemy URL of the run store; None: ``store.sqlite`` in `home`.
    machine_usd_per_hour
        What an hour of this machine costs; None: imputed from the nearest rented machine.
    prices
        CSV file of prices that win over the built-in ones: negotiated rates, or what is missing.
    mlflow_tracking_uri
        MLflow tracking server that finished runs and comparisons are mirrored to; None: none.
    backends
        Settings by backend, read by the backend's own class.
    """

    backend: str = "autokeras"
    budget: Budget = Budget()
    metric: str | None = None
    objective: Literal["nearest", "exact"] = "nearest"
    cap: Literal["any", "strict"] = "any"
    seed: int = 0
    holdout: float = Field(default=0.2, ge=0, lt=1)
    validation: float = Field(default=0.2, ge=0, lt=1)
    home: Path = Field(default_factory=_default_home)
    store: str | None = None
    machine_usd_per_hour: float | None = Field(default=None, gt=0)
    prices: Path | None = None
    mlflow_tracking_uri: str | None = None
    backends: dict[str, dict[str, Any]] = Field(default_factory=dict)

    @property
    def store_url(self) -> str:
        """The SQLAlchemy URL of the run store."""
        return self.store or f"sqlite:///{self.home / 'store.sqlite'}"


def load_config(
    *, profile: str | None = None, overrides: Mapping[str, Any] | None = None, cwd: Path | None = None
) -> Config:
    """Read all layers.

    Parameters
    ----------
    profile
        Name of a ``[profiles.NAME]`` table; ``AUTOML_BRIDGE_PROFILE`` where None.
    overrides
        The last layer, as flags give it; None values do not count.
    cwd
        Where to look for ``pyproject.toml`` and ``automl-bridge.toml``; the working directory where None.

    Raises
    ------
    ConfigError
        If a file cannot be read, a name is unknown or a value does not fit; names file or variable.
    """
    layers = list(_file_layers(cwd or Path.cwd()))
    wanted = profile or os.environ.get(PREFIX + "PROFILE")
    merged: dict[str, Any] = {}
    for _, layer in layers:
        _merge(merged, {key: value for key, value in layer.items() if key != "profiles"})
    if wanted:
        _merge(merged, _profile(wanted, [layer for _, layer in layers]))
    _merge(merged, _environment())
    _merge(merged, {key: value for key, value in (overrides or {}).items() if value is not None})
    return _validate(merged)


def _file_layers(cwd: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    from platformdirs import user_config_path

    user = user_config_path("automl-bridge", appauthor=False) / "automl-bridge.toml"
    for path, keys in (
        (user, ()),
        (cwd / "pyproject.toml", ("tool", "automl-bridge")),
        (cwd / "automl-bridge.toml", ()),
    ):
        table = _read(path)
        for key in keys:
            table = table.get(key, {})
        _check_names(table, path)
        yield path, table


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}", hint="mend that line, or move the file away") from None


def _names() -> list[str]:
    return sorted({*Config.model_fields, *_BUDGET, *_ALIASES} - {"budget"})


def _check_names(table: Mapping[str, Any], path: Path) -> None:
    tables = {"": table, **{f"profiles.{name}.": body for name, body in table.get("profiles", {}).items()}}
    for prefix, body in tables.items():
        for name in body:
            if name not in (*_names(), "profiles"):
                raise UnknownNameError.of("setting", prefix + name, _names(), where=f" in {path}")


def _profile(name: str, layers: list[dict[str, Any]]) -> dict[str, Any]:
    found = [layer["profiles"][name] for layer in layers if name in layer.get("profiles", {})]
    if not found:
        known = sorted({profile for layer in layers for profile in layer.get("profiles", {})})
        raise UnknownNameError.of("profile", name, known)
    merged: dict[str, Any] = {}
    for body in found:
        _merge(merged, body)
    return merged


def _environment() -> dict[str, Any]:
    """Read ``AUTOML_BRIDGE_NAME`` and ``AUTOML_BRIDGE_BACKEND__NAME``; a misspelt name is an error."""
    settings: dict[str, Any] = {}
    for variable, value in os.environ.items():
        if not variable.startswith(PREFIX) or not value:
            continue
        name = variable.removeprefix(PREFIX).lower()
        backend, _, setting = name.partition("__")
        if setting:
            settings.setdefault("backends", {}).setdefault(backend, {})[setting] = value
        elif name in _names() and name != "backends":
            settings[name] = value
        elif name not in _NOT_SETTINGS and difflib.get_close_matches(name, _names(), n=1, cutoff=0.8):
            raise UnknownNameError.of("setting", name, _names(), where=f" (variable {variable})")
    return settings


def _merge(into: dict[str, Any], layer: Mapping[str, Any]) -> None:
    """Lay ``layer`` over ``into``: tables are merged, everything else is replaced."""
    for raw, value in layer.items():
        key = _ALIASES.get(raw, raw)
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = dict(value) if isinstance(value, dict) else value


def _validate(merged: dict[str, Any]) -> Config:
    data = {key: value for key, value in merged.items() if key not in _BUDGET}
    budget = Budget(**{key: merged[key] for key in _BUDGET if merged.get(key) is not None})
    try:
        return Config(**data, budget=budget)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise ConfigError(
            f"setting {name}: {first['msg']} (got {first.get('input')!r})",
            hint=f"set {name} in automl-bridge.toml, by {PREFIX}{name.upper()} or by its flag",
        ) from None
