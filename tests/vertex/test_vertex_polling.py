"""How far jobs are: few calls for many jobs, every state of the service, what has been used so far."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from vx_world import settings

from automl_bridge.backend import JobRef, JobState
from automl_bridge_vertex.polling import Polling, state_of

START = datetime(2026, 11, 1, tzinfo=UTC)
PARENT = "projects/proj/locations/us-central1"


class Calls:
    """A project with pipelines: lists pages, as the service would, and counts what it is asked."""

    def __init__(self, count: int, page: int = 500) -> None:
        from google.cloud.aiplatform_v1.types import TrainingPipeline

        self.count, self.page, self.made = count, page, []
        self.things = {}
        for number in range(count):
            name = f"{PARENT}/trainingPipelines/{number}"
            labels = {"automl_bridge_run": f"ab-{number:012x}"}
            created = START + timedelta(minutes=number)
            # PIPELINE_STATE_RUNNING
            self.things[name] = TrainingPipeline(name=name, state=3, labels=labels, create_time=created)

    @property
    def pipelines(self):
        return self

    def get_training_pipeline(self, *, request, **_):
        from google.api_core.exceptions import NotFound

        self.made.append(("get", request["name"]))
        if request["name"] not in self.things:
            raise NotFound(request["name"])
        return self.things[request["name"]]

    def list_training_pipelines(self, *, request, **_):
        from google.cloud.aiplatform_v1.types import ListTrainingPipelinesRequest

        # The real message takes it, mask and all.
        asked = ListTrainingPipelinesRequest(request)
        assert "training_task_inputs" not in asked.read_mask.paths
        things = list(self.things.values())
        for start in range(0, len(things), self.page):
            self.made.append(("list", asked.filter))
            yield from things[start : start + self.page]

    def found(self, _doing, method, name):
        from google.api_core.exceptions import NotFound

        try:
            return method(request={"name": name})
        except NotFound:
            return None

    def listed(self, _doing, method, request):
        yield from method(request=request)


def refs(count: int, first: int = 0) -> list[JobRef]:
    return [
        JobRef(backend="vertex", name=f"ab-{n:012x}", remote_id=f"{PARENT}/trainingPipelines/{n}")
        for n in range(first, first + count)
    ]


def test_a_thousand_runs_take_a_few_calls():
    calls = Calls(1000)
    polling = Polling(calls, settings())
    unknown = JobRef(backend="vertex", name="ab-ffffffffffff", remote_id=f"{PARENT}/trainingPipelines/none")
    found = polling.poll([*refs(1000), unknown])
    assert set(found) == set(refs(1000))
    assert {progress.state for progress in found.values()} == {JobState.RUNNING}
    # Two pages; and the one that they have not is asked for by its name, since lists may lag.
    assert [kind for kind, _ in calls.made] == ["list", "list", "get"]
    assert all("labels.automl_bridge_run:*" in rule for kind, rule in calls.made if kind == "list")


def test_a_few_jobs_are_asked_for_by_name_however_long_the_list_is():
    calls = Calls(5000)
    found = Polling(calls, settings()).poll(refs(2, 4000))
    assert set(found) == set(refs(2, 4000))
    assert [kind for kind, _ in calls.made] == ["get", "get"]


def test_lists_begin_at_the_oldest_that_is_waited_for_once_it_was_seen():
    calls = Calls(1000)
    polling = Polling(calls, settings())
    polling.poll(refs(50, 900))
    calls.made.clear()
    polling.poll(refs(50, 900))
    oldest = START + timedelta(minutes=900)
    assert {rule for _, rule in calls.made} == {
        f'labels.automl_bridge_run:* AND create_time>="{oldest:%Y-%m-%dT%H:%M:%SZ}"'
    }


def test_a_job_without_a_name_of_the_service_is_left_out():
    calls = Calls(1)
    assert Polling(calls, settings()).poll([JobRef(backend="vertex", name="ab-1")]) == {}
    assert calls.made == []


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("QUEUED", JobState.PENDING), ("PENDING", JobState.PENDING), ("RUNNING", JobState.RUNNING),
        ("SUCCEEDED", JobState.SUCCEEDED), ("FAILED", JobState.FAILED), ("CANCELLING", JobState.RUNNING),
        ("CANCELLED", JobState.CANCELLED), ("PAUSED", JobState.RUNNING), ("SOMETHING_NEW", JobState.RUNNING),
    ],
)  # fmt: skip
def test_states(word, state):
    assert state_of(f"PIPELINE_STATE_{word}") is state
    assert state_of(f"JOB_STATE_{word}") is state


def test_what_has_been_used_so_far_is_told_where_the_service_does():
    from google.protobuf import json_format, struct_pb2

    calls = Calls(1)
    pipeline = next(iter(calls.things.values()))
    assert Polling(calls, settings()).poll(refs(1))[refs(1)[0]].usage is None
    pipeline.training_task_definition = "gs://x/automl_tabular_1.0.0.yaml"
    metadata = json_format.ParseDict({"trainCostMilliNodeHours": "250"}, struct_pb2.Value())
    type(pipeline).pb(pipeline).training_task_metadata.CopyFrom(metadata)
    (item,) = Polling(calls, settings()).poll(refs(1))[refs(1)[0]].usage.items
    assert (item.sku, item.quantity, item.unit, item.region) == ("Training:tabular", 0.25, "node-hour", "us-central1")
