"""What came of a batch prediction job: predictions in the rows' order, joined by the numbers that went with them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from automl_bridge.backend import Failure, JobState, Outcome
from automl_bridge.cloud.layout import split_uri
from automl_bridge.errors import BackendError, RejectedError
from automl_bridge.spec import Role
from automl_bridge.task import Task
from automl_bridge_vertex.answers import probabilities, read_answers, values
from automl_bridge_vertex.collecting import failure_of, versions
from automl_bridge_vertex.columns import key_column, series_column
from automl_bridge_vertex.polling import state_of
from automl_bridge_vertex.submission import job_folder, plan_of
from automl_bridge_vertex.usage import batch_usage

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from automl_bridge.backend import JobRef
    from automl_bridge.cloud.layout import Location
    from automl_bridge.spec import JobSpec
    from automl_bridge_vertex.answers import Answer
    from automl_bridge_vertex.clients import Clients
    from automl_bridge_vertex.objects import Objects
    from automl_bridge_vertex.settings import VertexSettings

__all__ = ["collect_predict"]


def collect_predict(
    job: JobRef, clients: Clients, objects: Objects, settings: VertexSettings, workspace: Path
) -> Outcome:
    """Return the outcome of a batch prediction job that has ended."""
    found = clients.found(
        f"reading the batch prediction job {job.name}", clients.jobs.get_batch_prediction_job, job.remote_id
    )
    if found is None:
        raise RejectedError(f"the project has no batch prediction job {job.remote_id} any more")
    state = state_of(found.state.name)
    if not state.is_final:
        raise RejectedError(f"the batch prediction job {job.name} is {found.state.name}: it has not ended")
    plan = plan_of(job_folder(found.output_config.gcs_destination.output_uri_prefix), objects)
    if plan is None:
        failure = Failure(kind="storage", message=f"the plan of the job {job.name} is not beside its output any more")
        return Outcome(state=JobState.FAILED, failure=failure, versions=versions())
    spec = plan.spec
    usage, said = batch_usage(
        found, settings, forecast=spec.task is Task.FORECASTING, images=spec.task is Task.IMAGE_CLASSIFICATION,
        rows=spec.profile.rows["predict"] if state is JobState.SUCCEEDED else 0,
    )  # fmt: skip
    common: dict[str, Any] = {"usage": usage, "versions": versions(), "notes": (said,) if said else ()}
    if state is not JobState.SUCCEEDED:
        why = failure_of(found.error) if state is JobState.FAILED else None
        return Outcome(state=state, stopped_by="done" if why else "cancel", failure=why, **common)
    try:
        outputs = _outputs(spec, found, objects)
    except BackendError as error:
        if type(error) is not BackendError:
            raise
        return Outcome(state=JobState.FAILED, failure=Failure(kind="service", message=error.message), **common)
    return Outcome(state=JobState.SUCCEEDED, predictions=_kept(outputs, workspace, job.name), **common)


def _outputs(spec: JobSpec, job: Any, objects: Objects) -> NDArray[np.float64]:
    files = _files(job, objects)
    answers: list[Answer] = []
    for name in sorted(files):
        if "error" not in name.rpartition("/")[2].lower():
            answers += read_answers(files[name], name, _sent(spec))
    if spec.task is Task.IMAGE_CLASSIFICATION:
        found = _by_image(answers, _asked_images(job, objects), files)
    else:
        found = _by_number(answers, key_column(spec.profile), spec.profile.rows["predict"], files)
    if spec.task.is_classification:
        return probabilities(found, len(spec.profile.classes))
    return values(found, spec.forecast.quantiles if spec.forecast is not None else ())


def _files(job: Any, objects: Objects) -> dict[str, bytes]:
    """Read all files that the job wrote, predictions and errors."""
    where = job.output_info.gcs_output_directory or job.output_config.gcs_destination.output_uri_prefix
    place = split_uri(where.rstrip("/") + "/")
    found = {}
    for stored in list(objects.listed(place)):
        name = stored.key.rpartition("/")[2]
        if name.startswith(("prediction", "error")):
            body = objects.read(place._replace(key=stored.key))
            if body is not None:
                found[stored.key] = body
    return found


def _sent(spec: JobSpec) -> list[str]:
    """Return the columns that were sent: what else comes back is the answer."""
    profile = spec.profile
    columns = [column.safe_name for column in profile.columns if column.role is not Role.TARGET or spec.forecast]
    return [*columns, key_column(profile), series_column(profile)]


def _by_number(answers: list[Answer], key: str, rows: int, files: dict[str, bytes]) -> list[dict[str, Any]]:
    """Return the answers in the order of the rows that were asked."""
    found: dict[int, dict[str, Any]] = {}
    for instance, answer in answers:
        given = instance.get(key)
        if given in (None, ""):
            # A row of history; or the service left the number out, which shows in the count.
            continue
        found[int(float(given))] = answer
    missing = [row for row in range(rows) if row not in found]
    if missing:
        raise BackendError(
            f"the batch prediction job answered {rows - len(missing):,} of {rows:,} rows; "
            f"the first without an answer is row {missing[0]}{_why(files)}"
        )
    return [found[row] for row in range(rows)]


def _by_image(answers: list[Answer], asked: list[str], files: dict[str, bytes]) -> list[dict[str, Any]]:
    """Return the answers in the order of the images that were asked; one image may stand for several rows."""
    found = {str(instance.get("content")): answer for instance, answer in answers}
    missing = [uri for uri in asked if uri not in found]
    if missing:
        raise BackendError(
            f"the batch prediction job answered all but {len(missing):,} of {len(asked):,} images; "
            f"the first without an answer is {missing[0]}{_why(files)}"
        )
    return [found[uri] for uri in asked]


def _asked_images(job: Any, objects: Objects) -> list[str]:
    uris: list[str] = []
    for uri in job.input_config.gcs_source.uris:
        place: Location = split_uri(uri)
        body = objects.read(place)
        if body is None:
            raise BackendError(f"the list {uri} of the images that were asked is not there any more")
        uris += [json.loads(line)["content"] for line in body.decode("utf-8").splitlines()]
    return uris


def _why(files: dict[str, bytes]) -> str:
    """Return the first error that the job wrote, for a reader."""
    for name in sorted(files):
        if "error" in name.rpartition("/")[2].lower() and files[name].strip():
            lines = files[name].decode("utf-8", "replace").splitlines()
            # The header of a CSV says nothing.
            text = lines[1] if name.endswith(".csv") and len(lines) > 1 else lines[0]
            return f"; it says: {text[:300]}"
    return ""


def _kept(outputs: NDArray[np.float64], workspace: Path, name: str) -> Path:
    import os

    import numpy as np

    folder = workspace / "predictions"
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{name}.{os.getpid()}.npy"
    np.save(partial, outputs, allow_pickle=False)
    return partial.replace(folder / f"{name}.npy")
