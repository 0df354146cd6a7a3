"""A handful of Vertex AI's answers, written from the reference of its API: a project in memory, without a socket.

Only what the tests of single steps need; whole runs are tested against the sandbox.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import requests
from google.api_core import exceptions as core
from google.longrunning import operations_pb2
from google.protobuf import json_format, struct_pb2

PARENT = "projects/proj/locations/us-central1"
NOW = datetime(2026, 11, 1, tzinfo=UTC)


def value(document):
    return json_format.ParseDict(document, struct_pb2.Value())


def over_rest(code: int, body: bytes):
    """Return what Google's client makes of an answer over REST."""
    answer = requests.Response()
    answer.status_code, answer._content = code, body
    answer.request = requests.Request("POST", "https://us-central1-aiplatform.googleapis.com/v1/x").prepare()
    return core.from_http_response(answer)


def conflict(status: str):
    """Return a 409 whose body says which of the two it is: ABORTED or ALREADY_EXISTS."""
    return over_rest(409, json.dumps({"error": {"code": 409, "message": "etag", "status": status}}).encode())


class _Made:
    def __init__(self, operation) -> None:
        self.operation = operation


class Service:
    """The clients of one project, all in one; what is made is in the lists only after ``lag`` looks."""

    def __init__(self, lag: int = 0) -> None:
        self.lag = lag
        self.datasets_made, self.pipelines_made, self.jobs_made = [], [], []
        self.operations = {}
        self.asked: list[str] = []
        self.lost: list[str] = []
        self.imports = 0
        self.cancelled: list[str] = []

    # What `Clients` has.
    @property
    def datasets(self):
        return self

    pipelines = jobs = models = endpoints = datasets
    retry = None

    def tell(self, doing, method, request):
        from automl_bridge_vertex.errors import translated

        self.asked.append(method.__name__)
        with translated(doing):
            answer = method(request=request)
            if method.__name__ in self.lost:
                self.lost.remove(method.__name__)
                raise core.ServiceUnavailable("the answer was lost")
            return answer

    def found(self, _doing, method, name):
        try:
            return method(request={"name": name})
        except core.NotFound:
            return None

    def listed(self, _doing, method, request):
        self.asked.append(method.__name__)
        yield from method(request=request)

    # What the service has.
    def create_dataset(self, *, request):
        from google.cloud.aiplatform_v1.types import Dataset

        name = f"{PARENT}/datasets/{len(self.datasets_made) + 1}"
        raw = Dataset.pb(Dataset())
        raw.CopyFrom(Dataset.pb(request.dataset))
        raw.name = name
        raw.create_time.FromDatetime(NOW + timedelta(seconds=len(self.datasets_made)))
        self.datasets_made.append(Dataset.wrap(raw))
        operation = operations_pb2.Operation(name=f"{name}/operations/1", done=True)
        operation.response.Pack(raw)
        self.operations[operation.name] = operation
        return _Made(operation)

    def import_data(self, *, request):
        self.imports += 1
        operation = operations_pb2.Operation(name=f"{request.name}/operations/9", done=True)
        self.operations[operation.name] = operation
        return _Made(operation)

    def get_operation(self, *, request):
        if request["name"] not in self.operations:
            raise core.NotFound(request["name"])
        return self.operations[request["name"]]

    def create_training_pipeline(self, *, request):
        pipeline = request.training_pipeline
        pipeline.name = f"{PARENT}/trainingPipelines/{len(self.pipelines_made) + 1}"
        pipeline.create_time = NOW + timedelta(seconds=len(self.pipelines_made))
        pipeline.state = 3
        self.pipelines_made.append(pipeline)
        return pipeline

    def create_batch_prediction_job(self, *, request):
        job = request.batch_prediction_job
        job.name = f"{PARENT}/batchPredictionJobs/{len(self.jobs_made) + 1}"
        job.create_time = NOW + timedelta(seconds=len(self.jobs_made))
        job.state = 3
        self.jobs_made.append(job)
        return job

    def _visible(self, made, rule):
        if self.lag > 0:
            self.lag -= 1
            return []
        label = rule.partition('="')[2].rstrip('"')
        return [one for one in made if not label or one.labels["automl_bridge_run"] == label]

    def list_datasets(self, *, request):
        return self._visible(self.datasets_made, request["filter"])

    def list_training_pipelines(self, *, request):
        return self._visible(self.pipelines_made, request["filter"])

    def list_batch_prediction_jobs(self, *, request):
        return self._visible(self.jobs_made, request["filter"])

    def cancel_training_pipeline(self, *, request):
        self.cancelled.append(request["name"])

    def get_training_pipeline(self, *, request):
        return next(one for one in self.pipelines_made if one.name == request["name"])

    def get_batch_prediction_job(self, *, request):
        return next(one for one in self.jobs_made if one.name == request["name"])
