"""Quality at one budget: ``python benchmarks/quality.py --seconds 300 --wheels FOLDER --results FILE``.

Every system gets the same training rows, the same wall-clock budget and the same cores, one after the other, each in
a process of its own, and its predictions of the same holdout are scored by the same scorer: roc_auc for two classes,
log_loss for more, rmse for numbers, mase for series. ``--flaml`` and ``--autogluon`` name Pythons that have them (and
pyarrow); without one it is left out. Each cell is appended to FILE at once, and one that is there is not run again.
``--table`` prints the tables.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import quality_report as report
from quality_cases import SETS, load
from quality_cells import run_cell
from quality_wheels import Wheels

if TYPE_CHECKING:
    from collections.abc import Sequence


def wanted(only: Sequence[str]) -> list[tuple[str, str, list[str]]]:
    """Return kinds, sets and their systems that ``only`` leaves: names of kinds, sets or systems; none leaves all.

    A set is named as it is or, where two kinds have one of that name, as ``kind:set``.
    """
    kinds, systems = set(SETS), {name for names in report.SYSTEMS.values() for name in names}
    sets = {name for names in SETS.values() for name in names} | {
        f"{kind}:{name}" for kind in SETS for name in SETS[kind]
    }
    chosen = [{name for name in only if name in known} for known in (kinds, sets, systems)]
    if unknown := set(only) - kinds - sets - systems:
        raise SystemExit(
            f"there is no {', '.join(sorted(unknown))}: choose of {', '.join(sorted(kinds | sets | systems))}"
        )
    found = []
    for kind, names in SETS.items():
        for name in names:
            if chosen[0] and kind not in chosen[0]:
                continue
            if chosen[1] and not {name, f"{kind}:{name}"} & chosen[1]:
                continue
            runs = [one for one in report.SYSTEMS[kind] if (kind, one) not in report.NEVER]
            found.append((kind, name, [one for one in runs if not chosen[2] or one in chosen[2]]))
    return found


def pythons(options: argparse.Namespace) -> dict[str, str]:
    """Return the Python of each system that can run here."""
    own = dict.fromkeys(("autokeras", "stock", "baseline", "tfidf", "ets", "naive"), sys.executable)
    given = {"flaml": options.flaml, "autogluon": options.autogluon}
    return own | {name: python for name, python in given.items() if python}


def todo(options: argparse.Namespace) -> list[tuple[str, str, list[str]]]:
    """Return what is asked for and not yet in the results."""
    cells = report.read(options.results)
    done = {report.key(cell) for cell in cells if not (options.retry and "error" in cell)}
    able = pythons(options)
    left = []
    for kind, name, systems in wanted(options.only):
        runs = [one for one in systems if one in able and (kind, name, one, options.seconds) not in done]
        if runs:
            left.append((kind, name, runs))
    return left


def run(options: argparse.Namespace) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.cores])
    able, left = pythons(options), todo(options)
    count, total = 0, sum(len(systems) for _, _, systems in left)
    for kind, name, systems in left:
        try:
            case = load(kind, name, Wheels(options.wheels))
        except Exception as error:  # noqa: BLE001 - the other sets are run nevertheless
            print(f"{kind} {name} cannot be loaded: {type(error).__name__}: {error}", flush=True)
            count += len(systems)
            continue
        for system in systems:
            count += 1
            cell = run_cell(case, system, able[system], options.seconds, options.cores)
            _append(options.results, cell)
            told = cell.get("error") or f"{cell['metric']} {report.shown(cell)}"
            print(f"{count} of {total}  {kind} {name}  {system}: {told}  ({cell['wall']:.0f} s)", flush=True)


def _append(path: Path, cell: dict[str, Any]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(cell) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, required=True, metavar="FILE", help="JSON lines, one a cell")
    parser.add_argument("--seconds", type=float, default=300.0, help="budget of a fit")
    parser.add_argument("--only", type=lambda text: text.split(","), default=[], help="kinds, sets, systems")
    parser.add_argument("--wheels", default="wheels", metavar="FOLDER", help="wheels of requirements-data.txt")
    parser.add_argument("--flaml", metavar="PYTHON")
    parser.add_argument("--autogluon", metavar="PYTHON")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--retry", action="store_true", help="run cells again that failed")
    parser.add_argument("--table", action="store_true", help="print the tables, and run nothing")
    options = parser.parse_args()
    if options.table:
        kept = {(kind, name, one) for kind, name, systems in wanted(options.only) for one in systems}
        print(report.tables(cell for cell in report.read(options.results) if report.key(cell)[:3] in kept))
        return
    options.results.parent.mkdir(parents=True, exist_ok=True)
    # Whoever ends the benchmark ends the system under way too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    run(options)


if __name__ == "__main__":
    main()
