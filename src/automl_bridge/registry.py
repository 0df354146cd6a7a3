"""The backends that are installed, found by their entry points and imported only when asked for."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

from automl_bridge.errors import ConfigError, MissingExtraError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.resources.abc import Traversable
    from pathlib import Path

    from automl_bridge.backend import Backend
    from automl_bridge.config import Config
    from automl_bridge.costs.prices import PriceBook

__all__ = ["GROUP", "create", "load_class", "missing_module", "names", "price_book", "price_file"]

GROUP = "automl_bridge.backends"
"""The entry-point group: ``name = "package:BackendClass"``."""


def _entry_points() -> Mapping[str, EntryPoint]:
    return _entry_points_on(tuple(sys.path))


@cache
def _entry_points_on(_path: tuple[str, ...]) -> Mapping[str, EntryPoint]:
    # Looking through all that is installed takes tens of milliseconds; another path is looked through anew.
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def names() -> list[str]:
    """Return the names of all backends that are declared, installed extras or not, in alphabetical order."""
    return sorted(_entry_points())


def load_class(name: str, *, installed: bool = True) -> type[Backend]:
    """Import the class of the backend ``name``.

    Parameters
    ----------
    installed
        Whether its extra must be installed. False suffices to plan, and to say what it could do.

    Raises
    ------
    UnknownNameError
        If no backend has that name.
    MissingExtraError
        If its packages are not installed; names the pip line.
    """
    found = _entry_points()
    if name not in found:
        raise UnknownNameError.of("backend", name, sorted(found))
    kind: type[Backend] = found[name].load()
    missing = missing_module(kind) if installed else None
    if missing is not None:
        raise MissingExtraError.of(name, kind.extra or name, missing)
    return kind


def missing_module(kind: type[Backend]) -> str | None:
    """Return the first module that the backend needs and that is not installed; nothing is imported."""
    return next((module for module in kind.requires if not _is_installed(module)), None)


@cache
def _is_installed(module: str) -> bool:
    # find_spec("a.b") would import a; looking for the parts one by one imports nothing but a's parents.
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def create(name: str, config: Config, *, installed: bool = True) -> Backend:
    """Make the backend ``name`` with its settings from ``config``.

    Raises
    ------
    ConfigError
        If a setting is unknown or cannot be read; names the setting and where it may come from.
    """
    from pydantic import ValidationError

    kind = load_class(name, installed=installed)
    raw = config.backends.get(name, {})
    try:
        settings = kind.settings_class(**raw)
    except ValidationError as error:
        first = error.errors()[0]
        setting = ".".join(str(part) for part in first["loc"])
        known = ", ".join(kind.settings_class.model_fields)
        raise ConfigError(
            f"setting {name}.{setting}: {first['msg']} (got {first.get('input')!r})",
            hint=f"settings of {name}: {known}; set them in [backends.{name}] or AUTOML_BRIDGE_{name.upper()}__NAME",
        ) from None
    backend = kind(settings, config.home / "work" / name)
    backend.prices = price_book(name, config)
    return backend


def price_file(name: str) -> Traversable | None:
    """Return the ``prices.csv`` in the package of a backend, or in a package around it; None if it has none.

    Raises
    ------
    UnknownNameError
        If no backend has that name.
    """
    from importlib.resources import files

    module = sys.modules[load_class(name, installed=False).__module__]
    package = module.__package__ or ""
    while package:
        found = files(package).joinpath("prices.csv")
        if found.is_file():
            return found
        package = package.rpartition(".")[0]
    return None


def price_book(name: str, config: Config) -> PriceBook:
    """Return the prices that hold for a backend: its own, those of the configuration's file, and this machine's.

    Of its own, what `automl-bridge prices refresh` was told last is the newest. A name that no backend has gets a
    book without rows of its own.

    Raises
    ------
    ConfigError
        If a file of prices cannot be read; names file and line.
    """
    from automl_bridge.costs.refreshed import refreshed_file

    sandbox = name in names() and load_class(name, installed=False).in_sandbox()
    file = refreshed_file(config.home, name, sandbox=sandbox)
    # Its time is a part of the key, so that a process that runs on sees prices that were refreshed beside it.
    refreshed = (file, file.stat().st_mtime_ns) if file.is_file() else None
    return _price_book(name, config.prices, config.machine_usd_per_hour, refreshed)


@cache
def _price_book(
    name: str, override: Path | None, usd_per_hour: float | None, refreshed: tuple[Path, int] | None
) -> PriceBook:
    from automl_bridge.costs.local import local_price
    from automl_bridge.costs.override import read_override
    from automl_bridge.costs.prices import PriceBook, parse_prices

    try:
        file = price_file(name)
    except UnknownNameError:
        file = None
    rows = parse_prices(file.read_text(encoding="utf-8"), f"prices.csv of {name}") if file is not None else []
    if refreshed is not None:
        rows += read_override(refreshed[0])
    own = read_override(override) if override is not None else []
    return PriceBook([*rows, local_price(usd_per_hour)], own)
