"""What ``automl-bridge compare`` adds to its slowest backend: ``python benchmarks/compare_overhead.py --seconds 60``.

The command runs in a process of its own, in a fresh home, with a report at its end; its whole time, from the start of
the process to its end, stands beside the time of its slowest run, from the moment when the run is written down to its
end, both from the same command. What is added lies before (starting, reading the data, planning) and after (measuring
how fast the models predict, the intervals, the report). Beside it, in turn, one ``automl-bridge fit`` of the same
backend alone: it has the start and the reading too. Measure on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

CREDIT = Path(__file__).parents[1] / "examples" / "data" / "credit.csv"
AIM = 0.05


def command(home: Path, *words: str) -> tuple[float, float]:
    """Run a command in ``home``; return when it began (seconds since the epoch) and when it ended."""
    began = time.time()
    subprocess.run(
        [sys.executable, "-m", "automl_bridge.cli", *words, "--json"],
        check=True, env={**os.environ, "AUTOML_BRIDGE_HOME": str(home)}, cwd=home, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return began, time.time()


def runs(home: Path) -> dict[str, tuple[float, float]]:
    """Return when each backend's run was written down and when it had ended."""
    shown = subprocess.run(
        [sys.executable, "-m", "automl_bridge.cli", "runs", "list", "--json"],
        check=True, env={**os.environ, "AUTOML_BRIDGE_HOME": str(home)}, capture_output=True, text=True,
    )  # fmt: skip
    listed = json.loads(shown.stdout)["runs"]
    moments = {one["backend"]: (one["created"], one["updated"]) for one in listed}
    return {
        name: (datetime.fromisoformat(first).timestamp(), datetime.fromisoformat(last).timestamp())
        for name, (first, last) in moments.items()
    }


def compared(backend: str, limit: list[str], *, report: bool) -> dict[str, float]:
    """Run one comparison; return its parts in seconds."""
    words = ["compare", str(CREDIT), "--target", "status", "--backends", backend, "--yes", *limit]
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        began, ended = command(home, *words, *(["--report", str(home / "report.html")] if report else []))
        parts = runs(home)
    slowest = max(last - first for first, last in parts.values())
    return {
        "whole": ended - began,
        "slowest": slowest,
        "before": min(first for first, _ in parts.values()) - began,
        "after": ended - max(last for _, last in parts.values()),
        "over": (ended - began) / slowest - 1,
    }


def alone(backend: str, limit: list[str]) -> float:
    """Run one fit without the baseline beside it; return its seconds."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["fit", str(CREDIT), "--target", "status", "--backend", backend, "--no-baseline", *limit]
        began, ended = command(Path(folder), *words)
    return ended - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--backend", default="autokeras")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    limit = ["--max-time", f"{asked.seconds}s"]
    found: dict[str, list[dict[str, float]]] = {"compare": [], "compare --report": []}
    fits: list[float] = []
    for _ in range(asked.rounds):
        for name, own in found.items():
            own.append(compared(asked.backend, limit, report=name.endswith("report")))
        fits.append(alone(asked.backend, limit))
    fit = statistics.median(fits)
    print(f"{asked.backend}, {asked.seconds} s, credit.csv, {asked.rounds} rounds, medians in seconds")
    print(f"{'':<18}{'whole':>8}{'slowest':>9}{'before':>8}{'after':>8}{'over slowest':>14}{'over fit alone':>16}")
    for name, own in found.items():
        part = {key: statistics.median(one[key] for one in own) for key in own[0]}
        verdict = "met" if part["over"] <= AIM else "MISSED"
        print(
            f"{name:<18}{part['whole']:8.2f}{part['slowest']:9.2f}{part['before']:8.2f}{part['after']:8.2f}"
            f"{part['over']:14.1%}{part['whole'] / fit - 1:16.1%}   aim {AIM:.0%} over the slowest: {verdict}"
        )
    print(f"{'fit alone':<18}{fit:8.2f}")


if __name__ == "__main__":
    main()
