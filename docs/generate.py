"""Writes the pages that come from code; a test fails when they are not what this would write."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from automl_bridge import registry
from automl_bridge.capabilities import Feature
from automl_bridge.metrics import METRICS, metric_names
from automl_bridge.task import Task

if TYPE_CHECKING:
    from automl_bridge.cloud.limits import LimitTable

HERE = Path(__file__).parent
NOTE = "<!-- Written by docs/generate.py from the code. Change the code, then run `make docs`. -->\n\n"


def capabilities() -> str:
    """Return the matrix of tasks and features by backend, and every reason."""
    kinds = {name: registry.load_class(name, installed=False) for name in registry.names()}
    head = f"| | {' | '.join(kinds)} |\n|---|{'---|' * len(kinds)}\n"
    lines: list[str] = []
    reasons: dict[tuple[str, str], list[str]] = {}
    for wanted in (*Task, *Feature):
        why = {name: kind.capabilities.reason(wanted) for name, kind in kinds.items()}
        lines.append(f"| {wanted} | {' | '.join('–' if reason else '✔' for reason in why.values())} |")
        for name, reason in why.items():
            if reason:
                reasons.setdefault((name, reason), []).append(str(wanted))
    verified = "\n".join(f"- **{name}**: {kind.verified}" for name, kind in kinds.items())
    return (
        f"{NOTE}# What each backend can do\n\n{head}" + "\n".join(lines) + f"\n\n## How each was verified\n{verified}\n"
        "\n## Why not\n"
        + "\n".join(f"- **{name}**, {', '.join(what)}: {reason}" for (name, reason), what in reasons.items())
        + "\n"
    )


def metrics() -> str:
    """Return the table of metrics."""
    lines = []
    for metric in METRICS.values():
        tasks = ", ".join(str(task) for task in Task if metric.name in metric_names(task))
        better = "greater" if metric.greater_is_better else "smaller"
        lines.append(f"| `{metric.name}` | {better} | {metric.title} | {tasks} |")
    return f"{NOTE}# Metrics\n\n| name | better | what it is | tasks |\n|---|---|---|---|\n" + "\n".join(lines) + "\n"


def limit_tables() -> dict[str, LimitTable]:
    """Return the tables of limits of the backends that have one, by backend."""
    modules = [registry.load_class(name, installed=False).__module__.partition(".")[0] for name in registry.names()]
    found = {module: find_spec(f"{module}.limits") for module in modules}
    return {module: import_module(f"{module}.limits").TABLE for module, spec in found.items() if spec}


PAGES = {"capabilities.md": capabilities, "metrics.md": metrics}
PAGES |= {
    f"{module.removeprefix('automl_bridge_')}-limits.md": (lambda table=table: NOTE + table.page())
    for module, table in limit_tables().items()
}


def main() -> None:
    """Write every page."""
    for name, page in PAGES.items():
        (HERE / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
