"""Asking the vendors' price lists: one backend after the other, and one that cannot be asked stops no other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from automl_bridge.errors import AutoMLBridgeError, UnsupportedError

if TYPE_CHECKING:
    from automl_bridge.config import Config
    from automl_bridge.costs.refreshed import Change

__all__ = ["Refreshed", "refresh_prices"]


@dataclass(frozen=True)
class Refreshed:
    """What came of asking for one backend's prices."""

    backend: str
    changes: list[Change] = field(default_factory=list)
    error: AutoMLBridgeError | None = None
    sandbox: bool = False

    def document(self) -> dict[str, Any]:
        """Return it for ``--json``."""
        rows = [
            {**one.new.model_dump(mode="json"), "old_usd": one.old.usd if one.old else None} for one in self.changes
        ]
        error = None if self.error is None else {"message": self.error.message, "hint": self.error.hint}
        return {"backend": self.backend, "sandbox": self.sandbox, "prices": rows, "error": error}


def refresh_prices(backend: str | None) -> list[Refreshed]:
    """Ask for the prices of one backend, or of all whose prices somebody lists.

    Raises
    ------
    UnknownNameError, UnsupportedError, MissingExtraError
        If the one that is named is none, or cannot be asked.
    """
    from automl_bridge.cli.work import configuration
    from automl_bridge.registry import load_class, missing_module, names

    config = configuration()
    if backend is not None:
        load_class(backend)
        return [_asked(backend, config, alone=True)]
    kinds = {name: load_class(name, installed=False) for name in names()}
    clouds = [name for name, kind in kinds.items() if kind.provider is not None and missing_module(kind) is None]
    return [_asked(name, config) for name in clouds]


def _asked(name: str, config: Config, *, alone: bool = False) -> Refreshed:
    from automl_bridge.costs.refreshed import changes, refreshed_file, write_refreshed
    from automl_bridge.registry import create, price_book

    maker = create(name, config)
    sandbox = maker.in_sandbox()
    try:
        found = list(maker.list_prices())
    except AutoMLBridgeError as error:
        if alone and isinstance(error, UnsupportedError):
            raise
        return Refreshed(name, error=error, sandbox=sandbox)
    compared = changes(found, price_book(name, config))
    if found:
        write_refreshed(refreshed_file(config.home, name, sandbox=sandbox), found)
    return Refreshed(name, compared, sandbox=sandbox)
