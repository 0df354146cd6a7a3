"""What came of a training pipeline: the model with its evaluation, and what was metered."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

from automl_bridge.backend import Failure, JobState, Outcome, Trial
from automl_bridge.costs.usage import Usage
from automl_bridge.errors import RejectedError
from automl_bridge.spec import ModelRef
from automl_bridge_vertex.objectives import IMAGE_OBJECTIVE, METRIC_OF, QUANTILE_LOSS
from automl_bridge_vertex.polling import state_of, word_of
from automl_bridge_vertex.usage import as_json, training_usage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from automl_bridge.backend import JobRef
    from automl_bridge_vertex.clients import Clients
    from automl_bridge_vertex.settings import VertexSettings

__all__ = ["collect_train", "failure_of", "versions"]

FailureKind = Literal["crash", "out-of-memory", "time-limit", "all-trials-failed", "quota", "data", "service"]

# Codes of google.rpc.Status, as a failed job carries one.
_KINDS: dict[int, FailureKind] = {
    3: "data", 4: "time-limit", 5: "data", 6: "service", 7: "service", 8: "quota", 9: "data", 11: "data",
    13: "service", 14: "service",
}  # fmt: skip


def versions() -> dict[str, str]:
    """Return what talked to what."""
    from importlib.metadata import version

    return {"google-cloud-aiplatform": version("google-cloud-aiplatform"), "vertex ai api": "v1"}


def failure_of(error: Any) -> Failure:
    """Return the failure behind a job's error."""
    message = error.message or f"Vertex AI did not say why (code {error.code})"
    kind = _KINDS.get(int(error.code), "service")
    if "memory" in message.lower():
        kind = "out-of-memory"
    return Failure(kind=kind, message=message)


def collect_train(job: JobRef, clients: Clients, settings: VertexSettings) -> Outcome:
    """Return the outcome of a training pipeline that has ended."""
    pipeline = clients.found(
        f"reading the training pipeline {job.name}", clients.pipelines.get_training_pipeline, job.remote_id
    )
    if pipeline is None:
        raise RejectedError(f"the project has no training pipeline {job.remote_id} any more")
    state = state_of(word_of(pipeline))
    if not state.is_final:
        raise RejectedError(f"the training pipeline {job.name} is {word_of(pipeline)}: it has not ended")
    usage, notes = _billed(pipeline, state, settings)
    common: dict[str, Any] = {"usage": usage, "versions": versions()}
    if state is JobState.CANCELLED:
        return Outcome(state=state, stopped_by="cancel", notes=notes, **common)
    if state is JobState.FAILED:
        return Outcome(state=state, failure=failure_of(pipeline.error), notes=notes, **common)
    name = pipeline.model_to_upload.name
    model = clients.found(f"reading the model of {job.name}", clients.models.get_model, name) if name else None
    if model is None:
        failure = Failure(kind="all-trials-failed", message="the pipeline ended well, but its model is not there")
        return Outcome(state=JobState.FAILED, failure=failure, notes=notes, **common)
    trial, said = _trial(pipeline, model, clients)
    return Outcome(
        state=JobState.SUCCEEDED, trials=(trial,), model=_reference(job, pipeline, model, settings),
        notes=(*notes, *said), **common,
    )  # fmt: skip


def _billed(pipeline: Any, state: JobState, settings: VertexSettings) -> tuple[Usage, tuple[str, ...]]:
    """Return what training is billed, and what the reader should know of it."""
    if state is JobState.FAILED:
        # "if training fails for any reason other than a user-initiated cancellation, you are not billed for the time"
        return Usage(), ("Google does not bill training that failed",)
    usage = training_usage(pipeline, settings)
    if usage is not None:
        return usage, ()
    inputs = as_json(type(pipeline).pb(pipeline).training_task_inputs) or {}
    milli = inputs.get("trainBudgetMilliNodeHours") or inputs.get("budgetMilliNodeHours")
    most = f", at most {float(milli):,.0f} milli node hours" if milli else ""
    return Usage(known=False), (f"what the training was billed is not known{most}: Vertex AI did not say",)


def _trial(pipeline: Any, model: Any, clients: Clients) -> tuple[Trial, tuple[str, ...]]:
    """Return the one model that the service gives as a leaderboard of one, with all its metrics."""
    inputs = as_json(type(pipeline).pb(pipeline).training_task_inputs) or {}
    objective = str(inputs.get("optimizationObjective") or IMAGE_OBJECTIVE)
    told, notes = _metrics(model, clients)
    metrics = dict(_numbers(told))
    ended = pipeline.end_time and pipeline.start_time
    score = _quantile_loss(told) if objective == QUANTILE_LOSS else metrics.get(METRIC_OF.get(objective, ""))
    return Trial(
        id=model.name.rpartition("/")[2],
        model="AutoML (the service gives one model)",
        score=score,
        metrics=metrics,
        seconds=(pipeline.end_time - pipeline.start_time).total_seconds() if ended else None,
    ), notes


def _quantile_loss(metrics: dict[str, Any]) -> float | None:
    """Return the mean of the scaled pinball losses, which an evaluation tells by quantile; None if it does not."""
    held = metrics.get("quantileMetrics")
    told = [one.get("scaledPinballLoss") for one in held if isinstance(one, dict)] if isinstance(held, list) else []
    losses = [float(loss) for loss in told if isinstance(loss, (int, float)) and math.isfinite(loss)]
    return math.fsum(losses) / len(losses) if losses else None


def _metrics(model: Any, clients: Clients) -> tuple[dict[str, Any], tuple[str, ...]]:
    doing = f"listing the evaluations of {model.name}"
    listed = list(clients.listed(doing, clients.models.list_model_evaluations, {"parent": model.name}))
    if not listed and model.version_id:
        # Under the version, which the service may want by name.
        parent = f"{model.name.partition('@')[0]}@{model.version_id}"
        listed = list(clients.listed(doing, clients.models.list_model_evaluations, {"parent": parent}))
    if not listed:
        return {}, ("Vertex AI gave no evaluation of the model",)
    # The first is that of the training; others were asked for later, over other rows.
    first = min(listed, key=lambda one: (one.create_time.timestamp() if one.create_time else 0.0, one.name))
    told = as_json(type(first).pb(first).metrics)
    return dict(told) if isinstance(told, dict) else {}, ()


def _numbers(metrics: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """Yield the metrics that are one number; curves and matrices are left out."""
    for name, value in metrics.items():
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            continue
        try:
            number = float(value)
        except ValueError:
            continue
        if math.isfinite(number):
            yield name, number


def _reference(job: JobRef, pipeline: Any, model: Any, settings: VertexSettings) -> ModelRef:
    """Return where the model is, with what a later job must know of it: plans are made without asking."""
    return ModelRef(
        backend="vertex",
        uri=f"vertex://{model.name}",
        details={
            "job": job.name,
            "model": model.name,
            "location": settings.location,
            "pipeline": pipeline.name,
            "output_formats": list(model.supported_output_storage_formats),
            "resource_types": [kind.name for kind in model.supported_deployment_resources_types],
            "export_formats": [one.id for one in model.supported_export_formats],
        },
    )
