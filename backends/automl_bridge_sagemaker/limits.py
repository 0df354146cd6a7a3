"""The service's limits as data (``limits.csv``), and the one way to refuse by them."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import NamedTuple

from automl_bridge.errors import LimitError

__all__ = ["Limit", "limit", "limits", "page", "refusal"]


class Limit(NamedTuple):
    """One rule of the service.

    Parameters
    ----------
    id
        ``sagemaker.<task>.<name>``, as errors show it.
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


@cache
def limits() -> dict[str, Limit]:
    """Return all rules by their id."""
    with Path(__file__).with_name("limits.csv").open(encoding="utf-8", newline="") as file:
        rows = [Limit(**row) for row in csv.DictReader(file)]
    return {row.id: row for row in rows}


def limit(name: str) -> Limit:
    """Return the rule ``name``."""
    return limits()[name]


def refusal(name: str, message: str, hint: str | None = None) -> LimitError:
    """Return the error for what does not keep the rule ``name``; the caller raises it."""
    return LimitError(message, hint=hint, limit=name, source=limit(name).source)


def page() -> str:
    """Return all rules as a page for the docs (Markdown)."""
    lines = [
        f"| `{one.id}` | {_cell(one.task)} | {_cell(one.what)} | {_cell(one.value)} {_cell(one.unit)} | {one.severity} "
        f"| {_cell(one.source)} ({one.seen}) | {_cell(one.note)} |"
        for one in sorted(limits().values())
    ]
    head = "| limit | task | what | value | | source | note |\n|---|---|---|---|---|---|---|\n"
    intro = "What is marked *refuse* stops a job before anything is sent; *warn* is told. Nothing was checked live.\n\n"
    return f"# Limits of SageMaker Autopilot\n\n{intro}{head}" + "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("*", "\\*")
