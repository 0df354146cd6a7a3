"""What came of a batch prediction job: predictions in the rows' order, joined by the numbers that went with them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from automl_bridge.backend import Failure, JobState, Outcome
from automl_bridge.cloud.layout import split_uri
from automl_bridge.cloud.outputs import keep
from automl_bridge.cloud.plan_file import plan_of
from automl_bridge.errors import BackendError, RejectedError
from automl_bridge.spec import Role
from automl_bridge.task import Task
from automl_bridge_vertex.answers import probabilities, read_answers, values
from automl_bridge_vertex.collecting import failure_of, versions
from automl_bridge_vertex.columns import key_column, series_column
from automl_bridge_vertex.polling import state_of, word_of
from automl_bridge_vertex.submission import job_folder
from automl_bridge_vertex.usage import batch_usage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from automl_bridge.backend import JobRef
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
    state = state_of(word_of(found))
    if not state.is_final:
        raise RejectedError(f"the batch prediction job {job.name} is {word_of(found)}: it has not ended")
    plan = plan_of(job_folder(found.output_config.gcs_destination.output_uri_prefix), objects)
    if plan is None:
        failure = Failure(kind="storage", message=f"the plan of the job {job.name} is not beside its output any more")
        return Outcome(state=JobState.FAILED, failure=failure, versions=versions())
    spec = plan.spec
    usage, said = batch_usage(
        found, settings, forecast=spec.task is Task.FORECASTING, images=spec.task is Task.IMAGE_CLASSIFICATION,
        rows=spec.profile.rows["predict"] if state is JobState.SUCCEEDED else 0, ran=state is JobState.SUCCEEDED,
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
    return Outcome(state=JobState.SUCCEEDED, predictions=keep(outputs, workspace, job.name), **common)


def _outputs(spec: JobSpec, job: Any, objects: Objects) -> NDArray[np.float64]:
    """Read what the job wrote, a file at a time, into the rows that were asked."""
    import numpy as np

    quantiles = spec.forecast.quantiles if spec.forecast is not None else ()
    width = len(spec.profile.classes) if spec.task.is_classification else 1 + len(quantiles)
    rows = _asked(spec, job, objects)
    outputs = np.full((spec.profile.rows["predict"], width), np.nan)
    said = ""
    for name, body in _files(job, objects):
        if "error" in name.rpartition("/")[2].lower():
            said = said or _first_error(name, body)
            continue
        numbers, answers = rows.numbers(read_answers(body, name, _sent(spec)))
        if numbers and not 0 <= min(numbers) <= max(numbers) < len(outputs):
            raise BackendError(f"{name} answers rows {min(numbers)} to {max(numbers)}; {len(outputs):,} were asked")
        if numbers:
            read = probabilities(answers, width) if spec.task.is_classification else values(answers, quantiles)
            outputs[numbers] = read
    missing = np.flatnonzero(np.isnan(outputs[:, 0]))
    if len(missing):
        raise BackendError(
            f"the batch prediction job answered {len(outputs) - len(missing):,} of {len(outputs):,} rows; the first "
            f"without an answer is row {missing[0]}{said}"
        )
    return outputs


def _files(job: Any, objects: Objects) -> Iterator[tuple[str, bytes]]:
    """Yield the files that the job wrote, predictions and errors, in the order of their names."""
    where = job.output_info.gcs_output_directory or job.output_config.gcs_destination.output_uri_prefix
    place = split_uri(where.rstrip("/") + "/")
    for stored in list(objects.listed(place)):
        if stored.key.rpartition("/")[2].startswith(("prediction", "error")):
            body = objects.read(place._replace(key=stored.key))
            if body is not None:
                yield stored.key, body


def _sent(spec: JobSpec) -> list[str]:
    """Return the columns that were sent: what else comes back is the answer."""
    profile = spec.profile
    columns = [column.safe_name for column in profile.columns if column.role is not Role.TARGET or spec.forecast]
    return [*columns, key_column(profile), series_column(profile)]


class _Rows(NamedTuple):
    """Which row an answer belongs to: by the number in a column, or by the address of an image.

    Parameters
    ----------
    key
        The column; empty for images.
    images
        Rows by address; one image may stand for several.
    """

    key: str
    images: dict[str, list[int]]

    def numbers(self, found: Iterator[Answer]) -> tuple[list[int], list[dict[str, Any]]]:
        """Return row numbers and the answers to them; what belongs to no row is left out."""
        numbers: list[int] = []
        answers: list[dict[str, Any]] = []
        for instance, answer in found:
            if self.key:
                given = instance.get(self.key)
                # Without a number it is a row of history, or one whose number was lost: that shows in the count.
                rows = [] if given in (None, "") else [_number(given)]
            else:
                rows = self.images.get(str(instance.get("content")), [])
            numbers += rows
            answers += [answer] * len(rows)
        return numbers, answers


def _number(given: Any) -> int:
    try:
        return int(float(given))
    except (TypeError, ValueError, OverflowError):
        raise BackendError(f"an answer of the job names the row {str(given)[:100]}, which is no number") from None


def _asked(spec: JobSpec, job: Any, objects: Objects) -> _Rows:
    if spec.task is not Task.IMAGE_CLASSIFICATION:
        return _Rows(key_column(spec.profile), {})
    images: dict[str, list[int]] = {}
    number = 0
    for uri in job.input_config.gcs_source.uris:
        body = objects.read(split_uri(uri))
        if body is None:
            raise BackendError(f"the list {uri} of the images that were asked is not there any more")
        for line in body.decode("utf-8").split("\n"):
            if not line.strip():
                continue
            images.setdefault(json.loads(line)["content"], []).append(number)
            number += 1
    return _Rows("", images)


def _first_error(name: str, body: bytes) -> str:
    """Return the first error that the job wrote, for a reader."""
    lines = body.decode("utf-8", "replace").splitlines()
    # The header of a CSV says nothing.
    lines = lines[1:] if name.endswith(".csv") else lines
    return f"; it says: {lines[0][:300]}" if lines else ""
