"""What came of a job: the leaderboard and the model, or the predictions, with what was metered."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Literal

from automl_bridge.backend import Failure, JobState, Outcome
from automl_bridge.cloud.layout import split_uri
from automl_bridge.cloud.outputs import keep
from automl_bridge.cloud.plan_file import plan_of
from automl_bridge.costs.usage import Usage
from automl_bridge.errors import BackendError, RejectedError
from automl_bridge.spec import ModelRef
from automl_bridge_sagemaker.answers import read_probabilities, read_values
from automl_bridge_sagemaker.candidates import best_candidate, list_candidates, trials_of
from automl_bridge_sagemaker.children import Children, transform_usage
from automl_bridge_sagemaker.clients import UPLOADS
from automl_bridge_sagemaker.containers import containers_of
from automl_bridge_sagemaker.errors import translated
from automl_bridge_sagemaker.layout import output_location
from automl_bridge_sagemaker.polling import STATES
from automl_bridge_sagemaker.series import read_forecasts
from automl_bridge_sagemaker.submission import job_folder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from automl_bridge.cloud.objects import Stored
    from automl_bridge_sagemaker.clients import Clients
    from automl_bridge_sagemaker.objects import Objects

__all__ = ["collect_predict", "collect_train", "failure_kind"]

FailureKind = Literal["crash", "out-of-memory", "time-limit", "all-trials-failed", "quota", "data", "service"]

# Words in FailureReason, most telling first. The service has no codes for them; the words are those of its documents
# and of reports (CapacityError, ResourceLimitExceeded, ClientError, AlgorithmError, InternalServerError).
_KINDS: tuple[tuple[str, FailureKind], ...] = (
    (r"out of memory|outofmemory|memoryerror|\boom\b", "out-of-memory"),
    (r"capacityerror|insufficient capacity|resourcelimitexceeded|limit exceeded|quota", "quota"),
    (r"max.?runtime|time.?limit|timed? ?out", "time-limit"),
    (r"all candidates|no candidates?|did not find any", "all-trials-failed"),
    (r"internalservererror|internal (server )?error|internal failure", "service"),
    (r"clienterror|dataset|column|header|target|rows|label|s3", "data"),
    (r"algorithmerror|exit code|crash", "crash"),
)


def failure_kind(reason: str) -> FailureKind:
    """Return the kind of a failure from the service's words."""
    found = (kind for words, kind in _KINDS if re.search(words, reason, re.IGNORECASE))
    return next(found, "service")


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {"boto3": version("boto3"), "sagemaker api": "2017-07-24 (CreateAutoMLJobV2)"}


def collect_train(name: str, clients: Clients, children: Children, region: str) -> Outcome:
    """Return the outcome of an AutoML job that has ended."""
    with translated(f"reading the AutoML job {name}"):
        answer: dict[str, Any] = clients.sagemaker.describe_auto_ml_job_v2(AutoMLJobName=name)
    state = STATES.get(answer["AutoMLJobStatus"], JobState.RUNNING)
    if not state.is_final:
        raise RejectedError(f"the AutoML job {name} is {answer['AutoMLJobStatus']}: it has not ended")
    candidates = list_candidates(name, clients)
    trials = trials_of(candidates)
    usage = children.usage(name, answer["AutoMLJobArn"], answer["CreationTime"], candidates, final=True)
    chosen = _chosen(answer.get("BestCandidate") or {}, candidates)
    told = [one.get("PartialFailureMessage") for one in answer.get("PartialFailureReasons") or ()]
    notes = tuple(f"SageMaker: {words}" for words in told if words)
    if not usage.known:
        notes += ("what was billed is not known in full: a child job had not ended, or could not be read",)
    if chosen is None or state is JobState.FAILED:
        return _without_model(answer, state, trials, usage, notes)
    model = ModelRef(
        backend="sagemaker",
        uri=f"sagemaker://{region}/{name}/{chosen['CandidateName']}",
        details={
            "job": name,
            "region": region,
            "candidate": chosen["CandidateName"],
            "containers": containers_of(chosen),
        },
    )
    return Outcome(
        state=JobState.SUCCEEDED,
        stopped_by=_stopped_by(answer),
        trials=trials,
        model=model,
        usage=usage,
        versions=_versions(),
        notes=notes,
    )


def _chosen(best: Mapping[str, Any], candidates: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the candidate that the service names as the best, else the best one that has containers."""
    same = [one for one in candidates if best and one["CandidateName"] == best.get("CandidateName")]
    return next((one for one in (best, *same) if containers_of(one)), None) or best_candidate(candidates)


def _stopped_by(answer: Mapping[str, Any]) -> str:
    """Return what ended the search. That the candidates asked for are there is its natural end, unless it was asked."""
    second = answer.get("AutoMLJobSecondaryStatus", "")
    limit = {"MaxAutoMLJobRuntimeReached": "max_time", "MaxCandidatesReached": "max_trials"}.get(second)
    # Whether a job that reached its limit is Completed or Stopped is not documented: the limit says more.
    return limit or ("cancel" if answer["AutoMLJobStatus"] == "Stopped" else "done")


def _without_model(
    answer: Mapping[str, Any], state: JobState, trials: Sequence[Any], usage: Usage, notes: tuple[str, ...]
) -> Outcome:
    """Return the outcome of a job that left no model; a Completed one may have none either."""
    failure = None
    if state is JobState.FAILED:
        reason = answer.get("FailureReason") or "SageMaker did not say why"
        failure = Failure(kind=failure_kind(reason), message=reason)
    elif _stopped_by(answer) == "max_time":
        failure = Failure(kind="time-limit", message="the time limit was reached before a candidate was finished")
    elif state is JobState.SUCCEEDED:
        message = (
            "; ".join(sorted({trial.message for trial in trials if trial.message}))
            or "SageMaker named no best candidate"
        )
        failure = Failure(kind="all-trials-failed", message=message)
    return Outcome(
        state=JobState.CANCELLED if failure is None else JobState.FAILED,
        stopped_by=_stopped_by(answer),
        trials=tuple(trials),
        usage=usage,
        failure=failure,
        versions=_versions(),
        notes=notes,
    )


def collect_predict(name: str, clients: Clients, objects: Objects, region: str, workspace: Path) -> Outcome:
    """Return the outcome of a transform job that has ended: predictions in the rows' order."""
    with translated(f"reading the transform job {name}"):
        answer: dict[str, Any] = clients.sagemaker.describe_transform_job(TransformJobName=name)
    state = STATES.get(answer["TransformJobStatus"], JobState.RUNNING)
    if not state.is_final:
        raise RejectedError(f"the transform job {name} is {answer['TransformJobStatus']}: it has not ended")
    item = transform_usage(answer, region)
    began = state is JobState.SUCCEEDED or "TransformStartTime" in answer
    usage = Usage(items=(item,) if item else (), known=item is not None or not began)
    if state is not JobState.SUCCEEDED:
        reason = answer.get("FailureReason") or f"the transform job ended as {answer['TransformJobStatus']}"
        failure = Failure(kind=failure_kind(reason), message=reason) if state is JobState.FAILED else None
        stopped_by = "done" if state is JobState.FAILED else "cancel"
        return Outcome(state=state, stopped_by=stopped_by, usage=usage, failure=failure, versions=_versions())
    try:
        outputs = _outputs(name, answer, objects)
    except BackendError as error:
        if type(error) is not BackendError:
            raise
        failure = Failure(kind="service", message=error.message)
        return Outcome(state=JobState.FAILED, usage=usage, failure=failure, versions=_versions())
    path = keep(outputs, workspace, name)
    return Outcome(state=JobState.SUCCEEDED, predictions=path, usage=usage, versions=_versions())


def _outputs(name: str, answer: Mapping[str, Any], objects: Objects) -> NDArray[np.float64]:
    """Read the answers of all input objects, in their order, and check that there is one a row."""
    import numpy as np

    # The answer may leave out where it writes; it was told to write there.
    output = (answer.get("TransformOutput") or {}).get("S3OutputPath") or output_location(name, objects.settings).uri
    held = plan_of(job_folder(output), objects)
    if held is None:
        raise BackendError(f"the plan of the job {name} is not beside its output any more")
    spec = held.spec
    source = split_uri(answer["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"])
    answers = split_uri(output.rstrip("/") + "/")

    def answer_to(stored: Stored) -> NDArray[np.float64]:
        file = stored.key.rpartition("/")[2]
        body = objects.read(answers, f"{file}.out")
        if body is None:
            raise BackendError(f"the transform job {name} left no answer for {file}")
        if spec.forecast is not None:
            return read_forecasts(objects.read(source, file) or b"", body, spec.profile, spec.forecast)
        if spec.task.is_classification:
            return read_probabilities(body, len(spec.profile.classes))
        return read_values(body)

    with ThreadPoolExecutor(UPLOADS, thread_name_prefix="answers") as pool:
        blocks = list(pool.map(answer_to, objects.listed(source)))
    rows = sum(len(block) for block in blocks)
    if rows != spec.profile.rows["predict"]:
        raise BackendError(f"the transform job {name} answered {rows:,} rows of {spec.profile.rows['predict']:,}")
    return np.concatenate(blocks)
