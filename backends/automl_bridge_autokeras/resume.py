"""Search folders that survive anything: mended after a kill, told of a crash, taken over from an earlier job.

AutoKeras keeps a search as JSON files: ``oracle.json`` and ``trial_*/trial.json``. A kill may leave one half
written. This module works on the files, before AutoKeras reads them.
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

from automl_bridge.local.files import read_json, write_text

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["RESULT", "WORKER", "adopt", "keep_copy", "mend"]

_ORACLE = "oracle.json"
_COPY = "oracle.copy.json"
RESULT = "result.json"
"""What a finished trial leaves in its folder beside AutoKeras' own files."""
WORKER = "worker-"
"""How the oracle's names for trials of worker processes begin; a trial of the search's own process is ``tuner0``."""


def keep_copy(project: Path) -> None:
    """Keep a sound copy of the oracle's state beside it; called after each trial."""
    if (project / _ORACLE).exists():
        write_text(project / _COPY, (project / _ORACLE).read_text(encoding="utf-8"))


def mend(project: Path, *, crashed: bool) -> None:
    """Make the folder one that AutoKeras can go on from; a folder without a sound oracle is emptied.

    Parameters
    ----------
    project
        The search's folder; need not exist.
    crashed
        Whether the worker died by itself while it ran a trial: that trial is marked as failed, not tried again.
    """
    if not project.exists():
        return
    for folder in project.glob("trial_*"):
        if read_json(folder / "trial.json") is None:
            shutil.rmtree(folder)
    oracle = read_json(project / _ORACLE) or read_json(project / _COPY)
    if oracle is None:
        shutil.rmtree(project)
        return
    _forget_missing(oracle, project)
    _remember(oracle, project)
    if crashed:
        _fail_ongoing(oracle, project)
    write_text(project / _ORACLE, json.dumps(oracle))


def adopt(earlier: Path, project: Path) -> bool:
    """Start ``project`` from the finished trials of ``earlier``; False if there is nothing to start from."""
    if project.exists() or not (earlier / _ORACLE).exists():
        return False
    temporary = project.with_name(f".{project.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    shutil.copytree(earlier, temporary)
    temporary.rename(project)
    return True


def _forget_missing(oracle: dict[str, Any], project: Path) -> None:
    """Drop what the oracle remembers of trials whose files are gone."""
    there = {folder.name.removeprefix("trial_") for folder in project.glob("trial_*")}
    oracle["ongoing_trials"] = {k: v for k, v in oracle["ongoing_trials"].items() if v in there}
    for name in ("start_order", "end_order", "retry_queue"):
        oracle[name] = [trial for trial in oracle[name] if trial in there]
    # Trials of worker processes, which are gone with the search: whoever goes on takes them first.
    apart = {k: v for k, v in oracle["ongoing_trials"].items() if k.startswith(WORKER)}
    oracle["ongoing_trials"] = {k: v for k, v in oracle["ongoing_trials"].items() if k not in apart}
    oracle["retry_queue"] += sorted(set(apart.values()) - set(oracle["retry_queue"]), reverse=True)


def _remember(oracle: dict[str, Any], project: Path) -> None:
    """Tell the oracle what its trials' own files know better: a copy of its state may be from before their end."""
    for file in sorted(project.glob("trial_*/trial.json")):
        name, status = file.parent.name.removeprefix("trial_"), (read_json(file) or {}).get("status")
        if name not in oracle["start_order"]:
            oracle["start_order"].append(name)
        if status == "RUNNING":
            # Begun, and in nobody's hands: it would count as a trial, and never be run.
            if name not in [*oracle["ongoing_trials"].values(), *oracle["retry_queue"]]:
                oracle["retry_queue"].append(name)
            continue
        oracle["ongoing_trials"] = {k: v for k, v in oracle["ongoing_trials"].items() if v != name}
        if name not in [*oracle["end_order"], *oracle["retry_queue"]]:
            oracle["end_order"].append(name)


def _fail_ongoing(oracle: dict[str, Any], project: Path) -> None:
    for trial_id in oracle["ongoing_trials"].values():
        path = project / f"trial_{trial_id}" / "trial.json"
        trial = read_json(path)
        if trial is None:
            continue
        trial.update(status="FAILED", message="the worker process died while it ran this trial: a crash, or memory")
        write_text(path, json.dumps(trial))
        oracle["run_times"][trial_id] = oracle["run_times"].get(trial_id, 0) + 1
        if trial_id not in oracle["end_order"]:
            oracle["end_order"].append(trial_id)
    oracle["ongoing_trials"] = {}
