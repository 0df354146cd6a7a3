"""The tables of `quality`: a row a set, a column a system; ranks, and wins and losses of ours."""

from __future__ import annotations

import json
import statistics
from typing import TYPE_CHECKING, Any

from automl_bridge.metrics import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

OURS = "autokeras"
SYSTEMS = {
    "table": ("autokeras", "stock", "flaml", "autogluon", "baseline"),
    "image": ("autokeras", "stock", "baseline"),
    "text": ("autokeras", "stock", "tfidf", "baseline"),
    "series": ("autokeras", "stock", "ets", "naive", "baseline"),
}
"""Systems by kind, ours first."""
NEVER = {("series", "stock")}
"""What a system does not have: AutoKeras as it is shipped has no forecaster."""
TITLES = {
    "autokeras": "ours",
    "stock": "stock AutoKeras",
    "flaml": "FLAML",
    "autogluon": "AutoGluon medium",
    "baseline": "our baseline",
    "tfidf": "TF-IDF + logistic",
    "ets": "AutoETS",
    "naive": "seasonal naive",
}

Cell = dict[str, Any]


def read(path: Path) -> list[Cell]:
    """Read the cells; of one that was run again the last counts, and a line cut short by a crash is none."""
    found: dict[tuple, Cell] = {}
    for line in path.read_text().splitlines() if path.exists() else ():
        try:
            cell = json.loads(line)
        except json.JSONDecodeError:
            continue
        found[key(cell)] = cell
    return list(found.values())


def key(cell: Cell) -> tuple[str, str, str, float]:
    return cell["kind"], cell["set"], cell["system"], float(cell["seconds"])


def shown(cell: Cell | None) -> str:
    """Return a score as it is printed: what looks equal counts as equal."""
    if cell is None:
        return ""
    if "error" in cell:
        return "failed"
    value = cell["scores"][cell["metric"]]
    return f"{value:.4f}" if abs(value) < 100 else f"{value:.1f}"


def ranks(cells: dict[str, Cell]) -> dict[str, float]:
    """Rank the systems on one set, 1 the best; equal scores share their places, whoever failed comes last."""
    metric = METRICS[next(iter(cells.values()))["metric"]]
    keys = {
        name: metric.sort_key(None if shown(cell) == "failed" else float(shown(cell))) for name, cell in cells.items()
    }
    return {
        name: 1 + sum(other < own for other in keys.values()) + (sum(other == own for other in keys.values()) - 1) / 2
        for name, own in keys.items()
    }


def tables(cells: Iterable[Cell]) -> str:
    """Return all tables in Markdown, by budget and kind."""
    cells = list(cells)
    blocks = []
    for seconds in sorted({float(cell["seconds"]) for cell in cells}):
        for kind in SYSTEMS:
            held = [cell for cell in cells if cell["kind"] == kind and float(cell["seconds"]) == seconds]
            if held:
                blocks.append("\n".join(_table(kind, seconds, held)))
    return "\n\n".join(blocks)


def _table(kind: str, seconds: float, cells: list[Cell]) -> Iterator[str]:
    by_set: dict[str, dict[str, Cell]] = {}
    for cell in cells:
        by_set.setdefault(cell["set"], {})[cell["system"]] = cell
    there = {cell["system"] for cell in cells}
    systems = [name for name in SYSTEMS[kind] if name in there or (kind, name) in NEVER]
    yield f"### {kind}, {seconds:g} s\n"
    yield f"| set | rows | metric | {' | '.join(TITLES[name] for name in systems)} |"
    yield "|---|---|---|" + "---|" * len(systems)
    for name, row in by_set.items():
        yield _row(kind, name, row, systems)
    whole = [row for row in by_set.values() if there <= row.keys()]
    yield from _summary(systems, there, cells, whole)
    yield from _notes(cells)


def _row(kind: str, name: str, row: dict[str, Cell], systems: list[str]) -> str:
    best = min(ranks(row).values())
    some = next(iter(row.values()))
    found = []
    for system in systems:
        if (kind, system) in NEVER:
            found.append("–")
            continue
        text = shown(row.get(system))
        bold = text not in {"", "failed"} and ranks(row)[system] == best
        accuracy = row.get(system, {}).get("scores", {}).get("accuracy") if kind in {"image", "text"} else None
        found.append((f"**{text}**" if bold else text) + (f" ({100 * accuracy:.1f} %)" if accuracy is not None else ""))
    train, holdout = some["rows"]
    return f"| {name} | {train:,} + {holdout:,} | {some['metric']} | {' | '.join(found)} |"


def _summary(systems: list[str], there: set[str], cells: list[Cell], whole: list[dict[str, Cell]]) -> Iterator[str]:
    """Sum up over the sets that all systems have run on."""
    ranked = [ranks(row) for row in whole]

    def line(title: str, texts: dict[str, str]) -> str:
        return f"| {title} | | | {' | '.join(texts.get(name, '–') for name in systems)} |"

    if ranked:
        means = {name: f"{statistics.mean(row[name] for row in ranked):.2f}" for name in there}
        yield line(f"mean rank, {len(ranked)} sets", means)
        if OURS in there:
            yield line("ours wins–ties–losses", {name: _duel(ranked, name) for name in there - {OURS}})
    for title, field in (("median seconds of fit", "fit"), ("most memory, MB", "peak_mb")):
        middle = statistics.median if field == "fit" else max
        values = {name: [cell[field] for cell in cells if cell["system"] == name and field in cell] for name in there}
        yield line(title, {name: f"{middle(found):,.0f}" for name, found in values.items() if found})


def _duel(ranked: list[dict[str, float]], name: str) -> str:
    pairs = [(row[OURS], row[name]) for row in ranked]
    wins, losses = sum(own < other for own, other in pairs), sum(own > other for own, other in pairs)
    return f"{wins}–{len(pairs) - wins - losses}–{losses}"


def _notes(cells: list[Cell]) -> Iterator[str]:
    """Name what failed, and the versions."""
    failed = [cell for cell in cells if "error" in cell]
    if failed:
        yield ""
    for cell in failed:
        yield f"* {TITLES[cell['system']]} failed on {cell['set']}: {cell['error']}"
    versions = {f"{name} {found}" for cell in cells for name, found in cell.get("versions", {}).items()}
    if versions:
        yield f"\nVersions: {', '.join(sorted(versions))}."
