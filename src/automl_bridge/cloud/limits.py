"""A service's limits as data (``limits.csv`` in the backend's folder), and the one way to refuse by them."""

from __future__ import annotations

import csv
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from automl_bridge.errors import LimitError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Limit", "LimitTable"]


class Limit(NamedTuple):
    """One rule of the service.

    Parameters
    ----------
    id
        ``<backend>.<task>.<name>``, as errors show it.
    task, what, value, unit
        For which task, what it limits, and to what.
    severity
        ``refuse``: stopped before anything is sent. ``warn``: told in the plan or the docs.
    source, seen
        Where it is documented, and how it was read there (``sdk``, ``page``; ``assumption`` where it is ours).
    """

    id: str
    task: str
    what: str
    value: str
    unit: str
    severity: str
    source: str
    seen: str
    note: str

    @property
    def number(self) -> float:
        """The value, where it is one number."""
        return float(self.value)

    @property
    def choices(self) -> list[str]:
        """The value, where it is a list of names."""
        return self.value.split("|")


class LimitTable:
    """All rules of one service; the file is read when the first is asked for.

    Parameters
    ----------
    path
        A CSV with the fields of `Limit` as columns.
    service
        The service's name, for the page in the docs.
    """

    def __init__(self, path: Path, service: str) -> None:
        self._path = path
        self._service = service

    @cached_property
    def rows(self) -> dict[str, Limit]:
        """All rules by their id."""
        with self._path.open(encoding="utf-8", newline="") as file:
            return {row["id"]: Limit(**row) for row in csv.DictReader(file)}

    def limit(self, name: str) -> Limit:
        """Return the rule ``name``."""
        return self.rows[name]

    def refusal(self, name: str, message: str, hint: str | None = None) -> LimitError:
        """Return the error for what does not keep the rule ``name``; the caller raises it."""
        return LimitError(message, hint=hint, limit=name, source=self.limit(name).source)

    def page(self) -> str:
        """Return all rules as a page for the docs (Markdown)."""
        lines = [
            f"| `{one.id}` | {_cell(one.task)} | {_cell(one.what)} | {_cell(one.value)} {_cell(one.unit)} "
            f"| {one.severity} | {_cell(one.source)} ({one.seen}) | {_cell(one.note)} |"
            for one in sorted(self.rows.values())
        ]
        head = "| limit | task | what | value | | source | note |\n|---|---|---|---|---|---|---|\n"
        intro = (
            "What is marked *refuse* stops a job before anything is sent; *warn* is told. Nothing was checked live.\n\n"
        )
        return f"# Limits of {self._service}\n\n{intro}{head}" + "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("*", "\\*")
