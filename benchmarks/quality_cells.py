"""One cell of the table: a system in a process of its own, watched, ended when it overruns, and scored."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

if TYPE_CHECKING:
    from quality_cases import Case

SCRIPT = Path(__file__).with_name("quality_systems.py")
START, PREDICT = 300.0, 900.0
"""Seconds that imports before the fit, and predicting after it, may take: neither is part of the budget."""


class OverrunError(Exception):
    """A system did not end in time."""


class FailedError(Exception):
    """A system did not end well."""


def run_cell(case: Case, system: str, python: str, seconds: float, cores: int) -> dict[str, Any]:
    """Run a system on a case; returns what is written down, a failure too."""
    cell: dict[str, Any] = {"kind": case.kind, "set": case.name, "system": system, "seconds": seconds}
    cell |= {"metric": case.metric, "rows": case.rows, "cores": cores}
    with tempfile.TemporaryDirectory(prefix="quality-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        case.save(folder)
        began = time.monotonic()
        try:
            cell["peak_mb"] = _run(folder, [python, str(SCRIPT), system, name, str(seconds)], seconds, cores)
            cell |= {"scores": case.scores(np.load(folder / "outputs.npy"))}
            if not np.isfinite(cell["scores"][case.metric]):
                cell["error"] = "predictions that have no score"
        except Exception as error:  # noqa: BLE001 - a system that fails on a set is a result
            cell["error"] = (
                f"{error}" if isinstance(error, (OverrunError, FailedError)) else f"{type(error).__name__}: {error}"
            )
        finally:
            _end_all(folder)
        cell["wall"] = round(time.monotonic() - began, 1)
        if (folder / "told.json").exists():
            cell |= json.loads((folder / "told.json").read_text())
    return cell


def limit(seconds: float) -> float:
    """Return the seconds after which a fit is ended."""
    return 1.5 * seconds + 30


def _run(folder: Path, command: list[str], seconds: float, cores: int) -> int:
    """Run to the end; returns the most memory that all its processes held, in MB."""
    peak = 0.0
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=_environment(folder, cores))
        try:
            while process.poll() is None:
                peak = max(peak, sum(map(_memory, _family(folder))))
                _check_time(folder, process, seconds)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(0.5)
        finally:
            process.kill()
            process.wait()
    if process.returncode:
        raise FailedError(_last_word(folder / "log") or f"ended with {process.returncode}")
    return round(peak / 1e6)


def _last_word(log: Path) -> str:
    """Return the line that names the error, or the last one: hints may follow the first, threads' words the second."""
    lines = log.read_text(errors="replace").strip().splitlines() or [""]
    named = [line for line in lines if re.match(r"[\w.]*(Error|Exception|Exit)\b", line)]
    return (named or lines)[-1][:300]


def _check_time(folder: Path, process: subprocess.Popen, seconds: float) -> None:
    now = time.time()
    began, told = folder / "began", folder / "told.json"
    if not began.exists():
        over, what = now - psutil.Process(process.pid).create_time() > START, f"did not begin within {START:.0f} s"
    elif not told.exists():
        over, what = now - began.stat().st_mtime > limit(seconds), f"ended after {limit(seconds):.0f} s"
    else:
        over, what = now - told.stat().st_mtime > PREDICT, f"did not predict within {PREDICT:.0f} s"
    if over:
        raise OverrunError(what)


def _environment(folder: Path, cores: int) -> dict[str, str]:
    """Return an environment without settings of the user's, with the same cores for every system, and no GPU."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AUTOML_BRIDGE_")}
    own = {"AUTOML_BRIDGE_HOME": "home", "XDG_CONFIG_HOME": "config", "TMPDIR": "tmp"}
    (folder / "tmp").mkdir()
    pools = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "TF_INTRAOP", "TF_INTEROP")
    threads = {
        f"{pool.replace('TF_', 'TF_NUM_')}{'' if 'TF' in pool else '_NUM'}_THREADS": str(cores) for pool in pools
    }
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "PYTHONWARNINGS": "ignore"}
    return {**kept, **{name: str(folder / place) for name, place in own.items()}, **threads, **quiet}


def _family(folder: Path) -> list[psutil.Process]:
    """Return the processes of a cell: those whose command names its folder, which no other has, and their children."""
    found = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if any(str(folder) in part for part in process.cmdline()):
                found |= {one.pid: one for one in (process, *process.children(recursive=True))}
    return list(found.values())


def _memory(process: psutil.Process) -> float:
    with contextlib.suppress(psutil.Error):
        return process.memory_info().rss
    return 0.0


def _end_all(folder: Path) -> None:
    """End what a cell left behind: a worker that waits for more, or a search that would not stop."""
    for _ in range(5):
        family = _family(folder)
        for process in family:
            with contextlib.suppress(psutil.Error):
                process.kill()
        if not family or not psutil.wait_procs(family, timeout=5)[1]:
            break
