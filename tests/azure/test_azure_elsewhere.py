"""What Azure may answer and our own sandbox does not: pages of one, fields that are left out, times without a zone."""

from __future__ import annotations

import pytest
from az_runs import child, finished_job
from az_service import WORKSPACE_ID
from az_world import make_backend, predict_spec, train_spec

from automl_bridge.backend import JobState, Staged
from automl_bridge.errors import CredentialsError, TransientError
from automl_bridge_azure.metering import seconds_of, usage_of

NOTHING = Staged(uris={})


def bare(document: dict) -> dict:
    """Return a document without the fields that are null or empty, as a service may leave them out."""
    return {
        key: bare(value) if isinstance(value, dict) else value
        for key, value in document.items()
        if value not in (None, {}, [], "")
    }


def test_pages_of_one_child_in_any_order_without_empty_fields_are_the_same_outcome(
    service, backend, binary, tmp_path, monkeypatch
):
    ref = backend.submit(backend.plan(train_spec(binary)), NOTHING)
    finished_job(service, ref.name)
    before = backend.collect(ref)
    monkeypatch.setattr(service, "page", 1)
    service.children[ref.name] = [bare(one) for one in reversed(service.children[ref.name])]
    service.runs[ref.name] = bare(service.runs[ref.name])
    # Sizes come back in capitals, too.
    for run in service.children[ref.name]:
        run["compute"]["vmSize"] = run["compute"]["vmSize"].upper()
    properties = service.jobs[ref.name]["properties"]
    service.jobs[ref.name]["properties"] = bare(properties)
    after = make_backend(tmp_path).collect(ref)
    assert [(one.id, one.score, one.metrics) for one in after.trials] == [
        (one.id, one.score, one.metrics) for one in before.trials
    ]
    assert after.usage.known
    assert [(one.sku, pytest.approx(one.quantity)) for one in after.usage.items] == [
        (one.sku, one.quantity) for one in before.usage.items
    ]
    assert after.model.details["run"] == before.model.details["run"]


def test_a_run_that_did_its_work_and_says_no_time_is_no_bill_of_nothing():
    silent = {"runId": "a_0", "status": "Completed", "compute": {"vmSize": "Standard_DS3_v2"}}
    assert not usage_of([silent], "eastus", "training", final=True).known
    never = {"runId": "a_1", "status": "Canceled"}
    assert usage_of([never], "eastus", "training", final=True).known


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-01-01T00:00:00", "2026-01-01T00:01:00.1234567Z"),
        ("2026-01-01T01:00:00+01:00", "2026-01-01T00:01:00.12"),
        ("2026-01-01T00:00:00.0000000+00:00", "2026-01-01T00:01:00.1"),
    ],
)
def test_times_with_and_without_a_zone(start, end):
    assert seconds_of({"startTimeUtc": start, "endTimeUtc": end}) == pytest.approx(60.1, abs=0.05)


def test_a_job_that_is_there_and_not_shown_yet_is_no_failed_run(service, backend, binary):
    """The PUT says that the name is taken, the GET that there is no such job: it will be there."""
    plan = backend.plan(train_spec(binary))
    service.jobs[plan.spec.name] = {"name": plan.spec.name}
    service.fail = lambda method, path: (
        (404, {"error": {"code": "ResourceNotFound"}}) if method == "GET" and path.endswith(plan.spec.name) else None
    )
    with pytest.raises(TransientError, match="does not show it yet"):
        backend.submit(plan, NOTHING)
    assert len(service.sent("PUT", plan.spec.name)) == 1


def test_a_predict_job_whose_answer_leaves_out_its_outputs_is_read_where_it_was_told_to_write(service, backend, binary):
    spec = predict_spec(binary)
    ref = backend.submit(backend.plan(spec), NOTHING)
    properties = service.jobs[ref.name]["properties"]
    properties["status"] = "Completed"
    properties["outputs"] = None
    lines = ["c0,c1", *["0.25,0.75"] * spec.profile.rows["predict"]]
    folder = f"automl-bridge/jobs/{ref.name}/output/"
    service.blobs |= {
        f"{folder}predictions.csv": ("\r\n".join(lines) + "\r\n").encode(),
        f"{folder}user_logs/std_log.txt": b"",
    }
    service.runs[ref.name] = child(ref.name)
    outcome = backend.collect(ref)
    assert outcome.state is JobState.SUCCEEDED, outcome.failure


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, "ExpiredAuthenticationToken"), (401, "InvalidAuthenticationToken"), (403, "AuthenticationFailed")],
)
def test_credentials_that_expire_while_waiting_are_told_as_such_wherever_they_do(
    service, backend, binary, status, code
):
    ref = backend.submit(backend.plan(train_spec(binary)), NOTHING)
    service.jobs[ref.name]["properties"]["status"] = "Running"
    for where in (f"{WORKSPACE_ID}/jobs/", "/history/v1.0/"):
        service.fail = lambda _method, path, where=where: (
            (status, {"error": {"code": code, "message": "no"}}) if where in path else None
        )
        with pytest.raises(CredentialsError, match=r"."):
            backend.poll([ref])
    service.fail = lambda _method, _path: None
    assert backend.poll([ref])[ref].state is JobState.RUNNING
