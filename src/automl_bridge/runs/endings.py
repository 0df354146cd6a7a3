"""How a run ends: from errors and outcomes to the record's last fields."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automl_bridge._atomic import atomic_folder
from automl_bridge.backend import Failure, JobState
from automl_bridge.errors import BundleError, RejectedError, RunError, UsageError
from automl_bridge.runs.states import RunState

if TYPE_CHECKING:
    from collections.abc import Callable

    from automl_bridge.backend import Outcome
    from automl_bridge.runs.record import RunRecord

__all__ = ["concluded", "fail", "is_final", "joined", "kept", "signed", "verdict"]


def is_final(run: RunRecord, error: Exception) -> bool:
    """Whether ``error`` ends the run. Once there may be a model, only a clear answer does."""
    if run.state is RunState.CLEANING:
        return False
    if run.state is RunState.COLLECTING:
        return isinstance(error, (UsageError, RejectedError, RunError))
    return True


def fail(run: RunRecord, error: Exception) -> dict[str, Any]:
    """Return the changes that let ``run`` fail by ``error``; a native kind of failure is kept."""
    native = getattr(error, "kind", None)
    kinds = Failure.model_fields["kind"].annotation.__args__  # type: ignore[union-attr]
    kind = native if native in kinds else "data" if isinstance(error, UsageError) else "service"
    run.state.to(RunState.CLEANING)
    return {"state": RunState.CLEANING, "failure": Failure(kind=kind, message=str(error))}


def concluded(run: RunRecord, outcome: Outcome) -> dict[str, Any]:
    """Return what the outcome of the training job changes in the record."""
    if run.capped and not run.cancelling and outcome.stopped_by == "cancel":
        state = JobState.SUCCEEDED if outcome.model is not None else outcome.state
        outcome = outcome.model_copy(update={"stopped_by": "max_cost", "state": state})
    failure = outcome.failure
    if outcome.model is None and failure is None and outcome.state is not JobState.CANCELLED:
        if not run.cancelling:
            message = "the job ended without a model"
            failure = Failure(kind="all-trials-failed" if outcome.trials else "service", message=message)
    elif outcome.model is not None:
        # Whatever ended the search: there is a model, and the reason is in `stopped_by`.
        failure = None
    model = outcome.model
    return {
        "outcome": outcome,
        "failure": failure,
        "bundle_path": Path(model.uri) if model is not None and model.local else None,
        "usage": outcome.usage,
        "versions": outcome.versions,
        "notes": joined(run.notes, outcome.notes),
    }


def kept(outcome: Outcome, folder: Path, context: Callable[[], bytes] | None = None) -> Outcome:
    """Copy the bundle of a local model to ``folder``; return the outcome whose model is there.

    What a backend keeps of a job is its own and may be cleared away; the model is the run's. Called again after a
    crash it finds the copy. A forecaster's copy also gets the end of its data (``context``), to look back at.
    """
    from automl_bridge.bundle import add_file, is_bundle
    from automl_bridge.data.series_context import CONTEXT_FILE

    model = outcome.model
    if model is None or not model.local or not Path(model.uri).is_dir():
        return outcome
    if not folder.is_dir():
        with atomic_folder(folder) as draft:
            shutil.copytree(model.uri, draft, dirs_exist_ok=True)
            if context is not None and is_bundle(draft):
                add_file(draft, CONTEXT_FILE, context())
    return outcome.model_copy(update={"model": model.model_copy(update={"uri": str(folder)})})


def signed(run: RunRecord) -> dict[str, Any]:
    """Write run and scores into the bundle, so that they travel with it; returns what that changes in the record."""
    from automl_bridge.bundle import is_bundle, update_bundle

    if run.bundle_path is None or not is_bundle(run.bundle_path):
        return {}
    try:
        update_bundle(run.bundle_path, run=run.id, scores=run.scores)
    except BundleError as error:
        return {"notes": (*run.notes, f"the bundle does not tell its scores: {error.message}")}
    return {}


def joined(*parts: tuple[str, ...]) -> tuple[str, ...]:
    """Return all notes in order, each once."""
    return tuple(dict.fromkeys(note for part in parts for note in part))


def verdict(run: RunRecord) -> RunState:
    """Return how a run ends."""
    if run.failure is not None:
        return RunState.FAILED
    outcome = run.outcome
    if outcome is None or outcome.stopped_by == "cancel" or outcome.state is JobState.CANCELLED:
        return RunState.CANCELLED
    if outcome.model is None:
        return RunState.CANCELLED
    return RunState.SUCCEEDED
