"""Faults on request: of calls, and of jobs as a whole."""

import pytest
from azure_sandbox_kit import wait_for

from automl_bridge_azure.sandbox import account


@pytest.fixture(autouse=True)
def _calm(server):
    yield
    server.faults.clear()
    server.context.settings.clear()


def status(azure, name):
    return azure.ml.jobs.get(name).status


def test_a_throttled_call_says_when_to_come_back_and_the_sdk_does(azure):
    azure.server.context.settings["retry_after"] = 1
    azure.server.faults.add("throttle", "jobs.List", count=1)
    code, headers, answer = azure.request("GET", f"{azure.ml.workspaces.get().id}/jobs?api-version=2024-01-01-preview")
    assert (code, headers["Retry-After"], answer["error"]["code"]) == (429, "1", "TooManyRequests")
    azure.server.faults.clear()
    azure.server.context.settings["retry_after"] = 0
    azure.server.faults.add("throttle", "workspaces.Get", count=1)
    assert azure.ml.workspaces.get().name == "sandbox"


@pytest.mark.parametrize("kind", ["server-error", "reset-before", "reset-after"])
def test_the_sdk_tries_again_and_one_job_exists(azure, classification, kind):
    azure.server.faults.add(kind, "jobs.CreateOrUpdate", count=1)
    name = f"again-{kind}"
    azure.submit(classification(name, max_trials=1))
    assert sum(job.name == name for job in azure.ml.jobs.list()) == 1


def test_an_expired_token_is_told_and_not_tried_again(azure):
    from azure.core.exceptions import ClientAuthenticationError

    azure.server.faults.add("expired", "jobs.Get", count=1)
    with pytest.raises(ClientAuthenticationError, match="ExpiredAuthenticationToken"):
        azure.ml.jobs.get("any")


def test_storage_has_its_own_words(azure):
    from azure.core.exceptions import ClientAuthenticationError
    from azure.storage.blob import BlobClient

    one = BlobClient(azure.storage.url, account.CONTAINER, "words", credential=account.STORAGE_KEY,
                     initial_backoff=0, increment_base=0)  # fmt: skip
    azure.server.faults.add("throttle", "blob.PutBlob", count=1)
    one.upload_blob(b"yes", overwrite=True)
    azure.server.faults.add("expired", "blob.GetBlob", count=1)
    with pytest.raises(ClientAuthenticationError):
        one.download_blob()
    assert one.download_blob().readall() == b"yes"
    azure.server.faults.add("slow", "blob.GetBlob", count=1, seconds=0.01)
    assert one.download_blob().readall() == b"yes"


def test_no_more_of_it_is_worded_as_quota(azure, classification):
    from azure.core.exceptions import HttpResponseError

    azure.server.faults.add("quota", "jobs.CreateOrUpdate")
    with pytest.raises(HttpResponseError, match="exceeding approved quota"):
        azure.submit(classification("no-quota"))


@pytest.mark.parametrize(
    ("kind", "ends", "tagged"),
    [("job-fails", "Failed", False), ("job-stops", "Canceled", False), ("job-no-candidate", "Failed", False),
     ("job-no-best", "Completed", False)],
)  # fmt: skip
def test_a_job_ends_as_the_fault_says(azure, classification, kind, ends, tagged):
    azure.server.faults.add(kind, "jobs.CreateOrUpdate")
    azure.submit(classification(kind, max_trials=2))
    done = azure.wait(kind)
    assert done.status == ends
    assert ("automl_best_child_run_id" in done.tags) is tagged
    if ends == "Failed":
        assert azure.error(kind)


def test_a_job_that_hangs_runs_until_it_is_cancelled(azure, classification):
    azure.server.faults.add("job-hangs", "jobs.CreateOrUpdate")
    azure.submit(classification("hangs", max_trials=2))
    wait_for(lambda: status(azure, "hangs"), lambda state: state == "Running")
    azure.server.clock.advance(86400)
    assert status(azure, "hangs") == "Running"
    azure.ml.jobs.begin_cancel("hangs").wait()
    assert azure.wait("hangs").status == "Canceled"
    assert {child.status for child in azure.children("hangs").values()} == {"Completed", "Canceled"}


@pytest.mark.parametrize("how", ["fault", "quota"])
def test_a_job_without_nodes_stays_queued_for_ever(azure, classification, how):
    name = f"waits-{how}"
    if how == "fault":
        azure.server.faults.add("job-capacity", "jobs.CreateOrUpdate")
    else:
        azure.server.context.settings["quota"] = {"standardDSv2Family": 3}
    azure.submit(classification(name))
    azure.server.clock.advance(86400)
    assert status(azure, name) == "Queued"
    assert azure.children(name) == {}
    azure.ml.jobs.begin_cancel(name).wait()
    assert azure.wait(name).status == "Canceled"
    assert azure.ml.jobs._runs_operations.get_run(name).compute_duration is None
