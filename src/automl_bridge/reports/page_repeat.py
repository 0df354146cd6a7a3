"""What is needed to make a comparison again: command, conditions, versions, prices."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from automl_bridge.reports import words
from automl_bridge.reports.page_tables import Table

if TYPE_CHECKING:
    from automl_bridge.comparison.result import Comparison

__all__ = ["command_of", "conditions", "job_of", "prices", "versions"]


def command_of(comparison: Comparison) -> str:
    """Write the command that makes the comparison; shell words are quoted."""
    spec, budget = comparison.spec, comparison.spec.budget
    names = [name for name in dict.fromkeys(row.backend for row in comparison.rows) if name != "baseline"]
    said: list[tuple[str, str]] = [("--target", name) for name in spec.target]
    said += [("--task", str(spec.task)), ("--backends", ",".join(names)), ("--seeds", str(len(comparison.seeds)))]
    said += [("--metric", spec.metric), ("--seed", str(spec.seed))]
    said += [("--max-time", f"{budget.max_time:g}s")] if budget.max_time is not None else []
    said += [("--max-trials", str(budget.max_trials))] if budget.max_trials is not None else []
    cap = comparison.experiment.max_cost_usd
    said += [("--max-cost", f"{cap:g}")] if cap is not None else []
    said += [("--cap", spec.cap)] if spec.cap != "any" else []
    said += [("--objective", spec.objective)] if spec.objective != "nearest" else []
    forecast = spec.forecast
    if forecast is not None:
        said += [("--time", forecast.time), *(("--series", name) for name in forecast.series)]
        said += [("--horizon", str(forecast.horizon)), ("--freq", forecast.freq)]
        said += [("--known-future", ",".join(forecast.known_future))] if forecast.known_future else []
    words_of = ["automl-bridge", "compare", shlex.quote(words.plain(spec.profile.name))]
    return " ".join(words_of + [f"{flag} {shlex.quote(words.plain(value))}" for flag, value in said])


def conditions(comparison: Comparison) -> Table:
    """Say on what data, by what rule and within which limits it was made."""
    spec, profile = comparison.spec, comparison.spec.profile
    split = ", ".join(f"{part} {count:,}" for part, count in profile.rows.items())
    cap = comparison.experiment.max_cost_usd
    kinds = {row.backend: row.cap for row in comparison.rows if row.cap_usd is not None}
    caps = ", ".join(f"{name} {kind}" for name, kind in kinds.items())
    rows = [
        ("Data", words.plain(profile.name)),
        ("Content", f"SHA-256 {profile.fingerprint}"),
        ("Rows", split),
        ("Columns", f"{len(profile.columns):,}, of which {len(profile.features):,} are learned from"),
        ("Task, target", f"{spec.task}, {words.plain(', '.join(spec.target))}"),
        ("Metric", spec.metric),
        ("Seeds", f"{', '.join(map(str, comparison.seeds))}; split {spec.seed}"),
        ("Limits of a run", str(spec.budget)),
        ("Cap over all runs", "none" if cap is None else f"${cap:,.2f}" + (f" ({caps})" if caps else "")),
        ("Begun", comparison.experiment.created.strftime("%Y-%m-%d %H:%M UTC")),
        ("Comparison", comparison.id),
    ]
    for row in comparison.rows:
        where = "SANDBOX, not the service" if row.sandbox else row.verified or "not said"
        if row.run is not None and row.seed == comparison.seeds[0]:
            rows.append((f"{row.backend}", where))
    return Table("Conditions", ("What", "How"), tuple(rows))


def versions(comparison: Comparison) -> Table:
    """List the packages and services that did it."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in comparison.rows:
        for name, version in row.versions.items():
            users = found.setdefault((name, version), [])
            if row.backend not in users:
                users.append(row.backend)
    rows = tuple((name, version, ", ".join(users)) for (name, version), users in sorted(found.items()))
    return Table("Packages and services", ("What", "Version", "Used by"), rows)


def prices(comparison: Comparison) -> Table:
    """List every price that was used, with its date and source."""
    found: dict[tuple[str, ...], None] = {}
    for row in comparison.rows:
        lines = [*(row.cost.lines if row.cost else ()), *(row.estimate.likely.lines if row.estimate else ())]
        for line in lines:
            if line.usd_per_unit is None:
                found[row.backend, line.sku, line.region, "unknown", "", ""] = None
                continue
            mark = " (imputed)" if line.imputed else ""
            price = f"${line.usd_per_unit:.10g} per {line.unit}{mark}"
            found[row.backend, line.sku, line.region, price, line.price_date or "", line.source_url or ""] = None
    headings = ("Backend", "What", "Where", "Price", "Date", "Source")
    return Table("Prices that were used", headings, tuple(found))


def job_of(comparison: Comparison) -> str:
    """Write the job and the settings as JSON."""
    spec: dict[str, Any] = comparison.spec.model_dump(mode="json", exclude={"name", "profile"})
    profile = comparison.spec.profile
    shown = profile.columns[:200]
    spec["columns"] = {column.name: f"{column.kind}, {column.role}" for column in shown}
    if len(shown) < len(profile.columns):
        spec["columns"]["…"] = f"{len(profile.columns) - len(shown)} more"
    settings = {name: own for name, own in comparison.settings.items() if own}
    return json.dumps({"job": spec, "settings": settings}, indent=2, ensure_ascii=False, default=str)
