"""What is left in a project: listed with what it costs a day, stopped or removed, twice without an error."""

from __future__ import annotations

import pytest
from vx_service import PARENT, Service
from vx_world import Bucket, settings

from automl_bridge.costs.cost import cost_of
from automl_bridge.errors import UnsupportedError
from automl_bridge_vertex.inventory import Inventory
from automl_bridge_vertex.planning import BATCH_JOB, DATASET, ENDPOINT, MODEL, PIPELINE
from automl_bridge_vertex.rates import prices

RUN = {"automl_bridge_run": "ab-1"}


class Project(Service):
    """A project with one of each, and somebody else's model."""

    def __init__(self) -> None:
        from google.cloud.aiplatform_v1 import types

        super().__init__()
        machine = {"machine_spec": {"machine_type": "n1-standard-4"}, "min_replica_count": 2}
        self.held = {
            "datasets": [types.Dataset(name=f"{PARENT}/datasets/1", labels=RUN, create_time="2026-11-01T00:00:00Z")],
            "training_pipelines": [
                types.TrainingPipeline(name=f"{PARENT}/trainingPipelines/1", labels=RUN, state=3),
                types.TrainingPipeline(name=f"{PARENT}/trainingPipelines/2", labels=RUN, state=4),
            ],
            "batch_prediction_jobs": [
                types.BatchPredictionJob(name=f"{PARENT}/batchPredictionJobs/1", labels=RUN, state=4)
            ],
            "endpoints": [
                types.Endpoint(
                    name=f"{PARENT}/endpoints/1",
                    labels=RUN,
                    create_time="2026-11-01T00:00:00Z",
                    deployed_models=[{"id": "7", "dedicated_resources": machine}],
                )
            ],
            "models": [types.Model(name=f"{PARENT}/models/1", labels=RUN), types.Model(name=f"{PARENT}/models/2")],
        }

    def __getattr__(self, name):
        verb, _, noun = name.partition("_")
        if verb not in {"list", "get", "delete", "cancel"}:
            raise AttributeError(name)

        def call(*, request):
            from google.api_core.exceptions import NotFound

            if verb == "list":
                return list(self.held[noun])
            things = self.held[f"{noun}s"]
            found = [one for one in things if one.name == request["name"]]
            if not found:
                raise NotFound(request["name"])
            if verb == "delete":
                things.remove(found[0])
            if verb == "cancel":
                found[0].state = 7
            return found[0]

        call.__name__ = name
        return call

    def undeploy_model(self, *, request):  # noqa: ARG002 - by name
        del self.held["endpoints"][0].deployed_models[:]

    # The few answers of `Service` are of no use here.
    list_datasets = property(lambda self: self.__getattr__("list_datasets"))
    list_training_pipelines = property(lambda self: self.__getattr__("list_training_pipelines"))
    list_batch_prediction_jobs = property(lambda self: self.__getattr__("list_batch_prediction_jobs"))
    get_training_pipeline = property(lambda self: self.__getattr__("get_training_pipeline"))
    get_batch_prediction_job = property(lambda self: self.__getattr__("get_batch_prediction_job"))
    cancel_training_pipeline = property(lambda self: self.__getattr__("cancel_training_pipeline"))


@pytest.fixture
def project():
    return Project()


@pytest.fixture
def inventory(project):
    return Inventory(project, Bucket(), settings())


def test_what_is_ours_and_bills_or_may_is_listed(inventory):
    found = {(one.kind, one.name.rpartition("/")[2]) for one in inventory.resources()}
    # A job that has ended bills nothing, and somebody else's model is not ours.
    assert found == {(DATASET, "1"), (PIPELINE, "1"), (ENDPOINT, "1"), (MODEL, "1")}


def test_an_endpoint_says_what_it_costs_a_day_and_is_removed_by_one_command(inventory, project):
    (endpoint,) = [one for one in inventory.resources() if one.kind == ENDPOINT]
    assert (endpoint.run, endpoint.since) == ("ab-1", "2026-11-01T00:00:00+00:00")
    assert cost_of(endpoint.usage_per_day, prices()).usd == pytest.approx(2 * 24 * 0.219)
    for _ in range(2):
        inventory.delete(endpoint.kind, endpoint.name)
    assert project.held["endpoints"] == []


def test_by_its_name_or_by_its_run_and_twice(inventory, project):
    inventory.delete(DATASET, f"{PARENT}/datasets/1")
    inventory.delete(DATASET, f"{PARENT}/datasets/1")
    inventory.delete(MODEL, "ab-1")
    inventory.delete(MODEL, "ab-1")
    assert project.held["datasets"] == []
    assert [one.name for one in project.held["models"]] == [f"{PARENT}/models/2"]


def test_a_job_is_stopped_and_its_record_stays(inventory, project):
    for _ in range(2):
        inventory.delete(PIPELINE, "ab-1")
        inventory.delete(BATCH_JOB, "ab-1")
    assert [one.state.name for one in project.held["training_pipelines"]] == [
        "PIPELINE_STATE_CANCELLED", "PIPELINE_STATE_SUCCEEDED",
    ]  # fmt: skip
    assert not [one for one in inventory.resources() if one.kind == PIPELINE]


def test_nothing_of_another_run_goes_even_where_a_filter_is_not_kept(inventory, project):
    project.held["models"][1].labels["automl_bridge_run"] = "ab-2"
    inventory.delete(MODEL, "ab-1")
    assert [one.name for one in project.held["models"]] == [f"{PARENT}/models/2"]


def test_a_kind_that_it_has_not(inventory):
    with pytest.raises(UnsupportedError, match="no cluster to delete"):
        inventory.delete("cluster", "x")
