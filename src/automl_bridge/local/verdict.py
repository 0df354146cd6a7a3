"""How a job ended, as an Outcome in JSON: what the last checkpoint is worth when the worker could not answer.

Standard library only: the supervisor writes these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from automl_bridge.local.layout import Record

__all__ = ["Verdict", "cancelled", "crashed", "failed", "out_of_memory", "too_long"]

Verdict = dict[str, Any]
"""An `automl_bridge.backend.Outcome` as JSON."""

KINDS = {"crash", "out-of-memory", "time-limit", "all-trials-failed", "quota", "data", "service", "storage"}


def _best_so_far(checkpoint: Verdict | None, *, stopped_by: str, kind: str, message: str, note: str) -> Verdict:
    """Promote a checkpoint that has a model or predictions; else it failed, and keeps its trials."""
    kept = dict(checkpoint or {})
    kept["stopped_by"] = stopped_by
    if kept.get("model") or kept.get("predictions"):
        kept.update(state="succeeded", failure=None, notes=[*kept.get("notes", ()), note])
    else:
        kept.update(state="failed", failure={"kind": kind, "message": message})
    return kept


def too_long(checkpoint: Verdict | None, record: Record) -> Verdict:
    """Judge a job that was killed after deadline and grace."""
    message = (
        f"no model within max_time = {record.max_time:g} s: the worker had no first result when it was stopped\n"
        "what you can do: give it more time, or fewer rows"
    )
    note = f"the worker did not stop at the deadline and was ended {record.grace:g} s after it; best model until then"
    return _best_so_far(checkpoint, stopped_by="max_time", kind="time-limit", message=message, note=note)


def cancelled(checkpoint: Verdict | None) -> Verdict:
    """Judge a job that was cancelled and did not answer, or never began; a model that is there is kept."""
    return {**(checkpoint or {}), "state": "cancelled", "stopped_by": "cancel", "failure": None}


def out_of_memory(checkpoint: Verdict | None, message: str) -> Verdict:
    """Judge a job that used too much memory; ``message`` says how much and what the limit was."""
    return _best_so_far(
        checkpoint,
        stopped_by="memory",
        kind="out-of-memory",
        message=message,
        note=f"{message.splitlines()[0]}; best model until then",
    )


def crashed(checkpoint: Verdict | None, reasons: list[str], log_tail: str) -> Verdict:
    """Judge a job that crashed as often as it may."""
    last = reasons[-1]
    told = last if len(reasons) == 1 else f"{last} (attempt {len(reasons)} of {len(reasons)})"
    message = f"{told}\nlast lines of its log:\n{log_tail}" if log_tail else told
    note = f"the search was ended by a crash: {last}; best model until then"
    return _best_so_far(checkpoint, stopped_by="crash", kind="crash", message=message, note=note)


def failed(checkpoint: Verdict | None, kind: str, message: str) -> Verdict:
    """Judge a job whose handler said that it failed, or that found no room on the disk.

    What the checkpoint holds stays usable beside the failure.
    """
    if kind == "out-of-memory":
        return out_of_memory(checkpoint, message)
    return {
        **(checkpoint or {}),
        "state": "failed",
        "failure": {"kind": kind if kind in KINDS else "crash", "message": message},
    }
