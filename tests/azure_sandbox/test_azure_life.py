"""Jobs after their submission: lists and their pages, tags, cancelling, deleting, limits, nodes and quotas."""

import pytest
from azure_sandbox_kit import wait_for


@pytest.fixture(autouse=True)
def _calm(server):
    yield
    server.context.settings.clear()


def run_of(azure, name):
    return azure.ml.jobs._runs_operations.get_run(name)


def test_lists_have_pages_newest_first_and_filters(azure, classification):
    azure.server.context.settings["job_page"] = 3
    for number in range(5):
        job = classification(f"list-{number}", max_trials=1)
        job.tags = {"batch": "1"} if number % 2 else {"other": "1"}
        azure.submit(job)
    place = f"{azure.ml.workspaces.get().id}/jobs?api-version=2024-01-01-preview"
    first = azure.request("GET", place)[2]
    second = azure.request("GET", first["nextLink"].removeprefix(azure.server.url))[2]
    assert [job["name"] for job in first["value"] + second["value"]][:5] == [f"list-{n}" for n in (4, 3, 2, 1, 0)]
    azure.server.context.settings["job_page"] = 1
    assert [job.name for job in azure.ml.jobs.list(tag="batch")] == ["list-3", "list-1"]
    assert [job.name for job in azure.ml.jobs.list(tag="batch", job_type="Command")] == []


def test_children_come_in_pages_of_their_own(azure, classification):
    azure.server.context.settings["child_page"] = 2
    azure.submit(classification("paged", max_trials=3))
    azure.wait("paged")
    place = f"/history/v1.0{azure.ml.workspaces.get().id}/runs/paged/children"
    _status, _headers, first = azure.request("GET", place)
    assert [run["runId"] for run in first["value"]] == ["paged_setup", "paged_featurize"]
    _status, _headers, second = azure.request("GET", first["nextLink"].removeprefix(azure.server.url))
    assert [run["runId"] for run in second["value"]] == ["paged_0", "paged_1"]
    assert len(azure.children("paged")) == 5


def test_run_history_is_asked_for_many_runs_at_once(azure, classification):
    for name in ("asked-1", "asked-2"):
        azure.submit(classification(name, max_trials=1))
        azure.wait(name)
    place = f"/history/v1.0{azure.ml.workspaces.get().id}/runs:query"
    body = {"filter": "(RunId eq 'asked-1') or (RunId eq 'asked-2')", "top": 1}
    first = azure.request("POST", place, body)[2]
    second = azure.request("POST", place, {**body, "continuationToken": first["continuationToken"]})[2]
    assert [run["runId"] for run in first["value"] + second["value"]] == ["asked-1", "asked-2"]
    assert azure.request("POST", place, {"filter": "Name eq 'x'"})[0] == 400


def test_tags_are_changed_and_never_vanish(azure, classification):
    azure.submit(classification("tagged", max_trials=1))
    azure.ml.jobs.update("tagged", tags={"new": "1"}, display_name="shown")
    job = azure.ml.jobs.get("tagged")
    assert (job.tags["new"], job.display_name) == ("1", "shown")
    azure.ml.jobs.archive("tagged")
    assert "tagged" not in [job.name for job in azure.ml.jobs.list()]
    assert "tagged" in [job.name for job in azure.ml.jobs.list(list_view_type="All")]


def test_a_job_is_cancelled_with_what_runs_of_it_and_then_deleted(azure, classification):
    from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

    azure.server.clock.factor = 1e-6
    try:
        azure.submit(classification("cancelled", max_trials=4))
        azure.server.clock.advance(600)
        wait_for(lambda: azure.children("cancelled"), lambda found: "cancelled_0" in found)
        place = f"{azure.ml.workspaces.get().id}/jobs/cancelled"
        status, _headers, _body = azure.request("POST", f"{place}/cancel?api-version=2023-04-01-preview")
        assert status == 202
        assert azure.ml.jobs.get("cancelled").status == "CancelRequested"
        with pytest.raises(ResourceExistsError):
            azure.ml.jobs._operation_2023_02_preview.begin_delete("automl-bridge-sandbox", "sandbox", "cancelled")
    finally:
        azure.server.clock.factor = 1_000_000
    assert azure.wait("cancelled").status == "Canceled"
    assert all(child.status in {"Completed", "Canceled"} for child in azure.children("cancelled").values())
    azure.ml.jobs.begin_cancel("cancelled").wait()  # changes nothing
    azure.ml.jobs._operation_2023_02_preview.begin_delete("automl-bridge-sandbox", "sandbox", "cancelled").wait()
    with pytest.raises(ResourceNotFoundError):
        azure.ml.jobs.get("cancelled")


def test_the_timeout_cuts_the_search_and_the_best_so_far_stays(azure, classification):
    azure.server.context.settings["pace"] = {"trial": 400}
    azure.submit(classification("cut", max_trials=6, timeout_minutes=15))
    done = azure.wait("cut")
    assert done.status == "Completed"
    states = {name: child.status for name, child in azure.children("cut").items()}
    assert states == {"cut_setup": "Completed", "cut_featurize": "Completed", "cut_0": "Completed", "cut_1": "Canceled"}
    assert done.tags["automl_best_child_run_id"] == "cut_0"
    assert run_of(azure, "cut").compute_duration == "00:15:15.0000000"


def test_a_timeout_without_any_trial_fails(azure, classification):
    azure.server.context.settings["pace"] = {"trial": 4000}
    azure.submit(classification("none", max_trials=6, timeout_minutes=15))
    assert azure.wait("none").status == "Failed"
    assert "timeout was reached" in azure.error("none")


@pytest.mark.slow
def test_an_hour_or_less_excludes_ensembles(azure, classification):
    azure.submit(classification("hour", max_trials=3, ensembles=True, timeout_minutes=60))
    azure.wait("hour")
    assert "VotingEnsemble" not in {c.properties.get("run_algorithm") for c in azure.children("hour").values()}


def test_nodes_are_up_with_a_job_and_a_while_after_it(azure, classification):
    def nodes():
        place = f"{azure.ml.workspaces.get().id}/computes/small?api-version=2023-08-01-preview"
        return azure.request("GET", place)[2]["properties"]["properties"]["currentNodeCount"]

    from azure.ai.ml.entities import AmlCompute

    cluster = AmlCompute(name="small", size="Standard_DS3_v2", min_instances=0, max_instances=2, tier="low_priority")
    made = azure.ml.compute.begin_create_or_update(cluster).result()
    assert (made.name, made.max_instances, made.provisioning_state) == ("small", 2, "Succeeded")
    assert nodes() == 0
    azure.submit(classification("nodes", max_trials=2, max_concurrent_trials=2, job={"compute": "small"}))
    azure.wait("nodes")
    assert run_of(azure, "nodes_0").compute.priority == "LowPriority"
    assert nodes() == 2
    azure.server.clock.advance(130)
    assert nodes() == 0
    azure.ml.compute.begin_delete("small").wait()
    assert "small" not in [one.name for one in azure.ml.compute.list()]


def test_usages_and_sizes_tell_the_quota(azure):
    azure.server.context.settings["quota"] = {"standardDSv2Family": 8}
    usages = {one.name["value"]: one for one in azure.ml.compute.list_usage(location="eastus")}
    assert usages["standardDSv2Family"].limit == 8
    assert "Standard_DS3_v2" in [size.name for size in azure.ml.compute.list_sizes(location="eastus")]


def test_serverless_takes_the_instance_that_was_asked_for(azure, classification):
    from azure.ai.ml.entities import QueueSettings

    job = classification("serverless", max_trials=1, job={"compute": None})
    job.resources = {"instanceType": "Standard_E4s_v3", "instanceCount": 1}
    job.queue_settings = {"jobTier": "Spot"}
    del QueueSettings
    azure.submit(job)
    azure.wait("serverless")
    run = run_of(azure, "serverless_0")
    assert (run.compute.vm_size, run.compute.target, run.compute.priority) == (
        "STANDARD_E4S_V3",
        "serverless",
        "LowPriority",
    )


def test_a_data_asset_is_made_and_trained_on(azure, classification, table_uri):
    from azure.ai.ml.entities import Data

    made = azure.ml.data.create_or_update(Data(name="table", version="1", path=table_uri, type="uri_folder"))
    assert azure.ml.data.get("table", "1").path.endswith("/paths/data/table/")
    azure.submit(classification("asset", uri=f"azureml:{made.name}:{made.version}", max_trials=1))
    assert azure.wait("asset").status == "Completed"


@pytest.mark.slow
def test_a_model_is_registered_from_a_run(azure, classification):
    from azure.ai.ml.entities import Model

    azure.submit(classification("registered", max_trials=1))
    best = azure.wait("registered").tags["automl_best_child_run_id"]
    path = f"azureml://jobs/{best}/outputs/artifacts/paths/outputs/mlflow-model/"
    made = azure.ml.models.create_or_update(Model(name="best", version="1", path=path, type="mlflow_model"))
    assert azure.ml.models.get("best", "1").path == made.path
