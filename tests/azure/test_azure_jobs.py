"""One job of each, whatever is repeated; and how far jobs are, in few calls."""

from __future__ import annotations

import pytest
from az_runs import child, finished_job, parent
from az_world import make_backend, predict_spec, train_spec

from automl_bridge.backend import JobRef, JobState, Staged
from automl_bridge.errors import CredentialsError, RejectedError, ThrottledError, TransientError
from automl_bridge_azure.polling import DETAILED

NOTHING = Staged(uris={})


@pytest.fixture
def plan(backend, binary):
    return backend.plan(train_spec(binary))


def puts(service) -> int:
    return sum(method == "PUT" and "/jobs/" in path and "/c/" not in path for method, path, _ in service.calls)


def test_submitting_twice_makes_one_job(service, backend, plan, tmp_path):
    assert backend.find(plan) is None
    ref = backend.submit(plan, NOTHING)
    assert backend.submit(plan, NOTHING) == ref
    assert make_backend(tmp_path).submit(plan, NOTHING) == ref == make_backend(tmp_path).find(plan)
    assert puts(service) == 1
    assert ref.remote_id.endswith(f"/workspaces/ws/jobs/{plan.spec.name}")


def test_an_answer_that_was_lost_leaves_the_job_that_was_made(service, backend, plan):
    """The request took effect, its answer is a 500: the engine asks again, and the job is found."""
    lost = iter([(500, {"error": {"code": "InternalServerError", "message": "lost"}})])
    service.after = lambda method, path: next(lost, None) if method == "PUT" and "/jobs/" in path else None
    with pytest.raises(TransientError):
        backend.submit(plan, NOTHING)
    assert backend.submit(plan, NOTHING).name == plan.spec.name
    assert puts(service) == 1
    assert list(service.jobs) == [plan.spec.name]


def test_a_name_that_is_taken_between_look_and_request_is_ours(service, backend, plan):
    """Two processes go on with one run: the second is told that a job of this name already exists."""
    backend.submit(plan, NOTHING)
    blind = iter([(404, {"error": {"code": "ResourceNotFound"}})])
    service.fail = lambda method, path: next(blind, None) if method == "GET" and "/jobs/" in path else None
    assert backend.submit(plan, NOTHING).name == plan.spec.name
    assert puts(service) == 2


def test_a_taken_name_with_other_content_is_refused(service, backend, plan, binary):
    backend.submit(plan, NOTHING)
    other = backend.plan(train_spec(binary, metric="accuracy"))
    with pytest.raises(RejectedError, match="another job of the name"):
        backend.submit(other, NOTHING)
    with pytest.raises(RejectedError, match="another job of the name"):
        backend.find(other)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "ExpiredAuthenticationToken", CredentialsError),
        (403, "AuthorizationFailed", RejectedError),
        (429, "TooManyRequests", ThrottledError),
        (503, "ServiceUnavailable", TransientError),
        (400, "ValidationError", RejectedError),
    ],
)
def test_refusals_are_typed_and_nothing_is_left(service, backend, plan, status, code, kind):
    service.fail = lambda method, path: (
        (status, {"error": {"code": code, "message": "no"}}) if method == "PUT" and "/jobs/" in path else None
    )
    with pytest.raises(kind) as caught:
        backend.submit(plan, NOTHING)
    assert type(caught.value) is kind
    assert not service.jobs


def test_a_predict_job_keeps_its_plan_before_it_exists(service, backend, binary):
    plan = backend.plan(predict_spec(binary))
    backend.submit(plan, NOTHING)
    made = [path for method, path, _ in service.calls if method == "PUT"]
    assert [path.rpartition("/")[2] for path in made] == ["plan.json", plan.spec.name]


def test_cancelling_is_asked_once_and_only_of_a_job_that_runs(service, backend, plan):
    ref = backend.submit(plan, NOTHING)
    backend.cancel(ref)
    backend.cancel(ref)
    assert sum(path.endswith("/cancel") for _, path, _ in service.calls) == 1
    backend.cancel(ref.model_copy(update={"name": "ab-none"}))
    assert backend.poll([ref])[ref].state is JobState.CANCELLED


def test_what_has_ended_is_told_from_what_runs(service, backend, plan, binary):
    ref = backend.submit(plan, NOTHING)
    assert backend.poll([ref])[ref].state is JobState.PENDING
    service.jobs[ref.name]["properties"]["status"] = "Running"
    service.children[ref.name] = [
        child(f"{ref.name}_setup", "00:02:00"),
        child(f"{ref.name}_0", "00:01:00", score=0.8),
        child(f"{ref.name}_1", "00:00:30", score="nan", status="Running", currentComputeTime="00:00:30"),
    ]
    seen = backend.poll([ref])[ref]
    assert seen.state is JobState.RUNNING
    assert [trial.id for trial in seen.trials] == [f"{ref.name}_0", f"{ref.name}_1"]
    assert seen.best == 0.8
    (item,) = seen.usage.items
    assert item.quantity == pytest.approx((120 + 60 + 30) / 3600)
    service.jobs[ref.name]["properties"]["status"] = "SomethingNew"
    assert backend.poll([ref])[ref].state is JobState.RUNNING
    finished_job(service, ref.name)
    assert backend.poll([ref])[ref].state is JobState.SUCCEEDED


def test_a_job_that_waits_for_a_machine_names_the_quota(service, backend, plan):
    ref = backend.submit(plan, NOTHING)
    service.usages = [
        {"name": {"value": "standardDSv2Family"}, "currentValue": 4, "limit": 4, "unit": "Count"},
        {"name": {"value": "standardDv3Family"}, "currentValue": 0, "limit": 24, "unit": "Count"},
    ]
    service.runs[ref.name] = parent(ref.name, None, status="Queued", queueingInfo={"message": "waiting for nodes"})
    assert backend.poll([ref])[ref].message == "waiting for nodes"
    for _ in range(3):
        seen = backend.poll([ref])[ref]
    assert seen.state is JobState.PENDING
    assert "quota standardDSv2Family in eastus has 4 of 4 cores in use" in seen.message
    service.usages[0]["limit"] = 8
    assert backend.poll([ref])[ref].message == "waiting for nodes"


def test_a_thousand_jobs_are_polled_by_the_pages_of_one_list(service, backend, binary):
    """50 a page: 20 pages, and the details of eight jobs."""
    plan = backend.plan(train_spec(binary))
    ref = backend.submit(plan, NOTHING)
    held = service.jobs[ref.name]
    held["properties"]["status"] = "Running"
    refs = [JobRef(backend="azure", name=f"ab-{n:04d}", kind="train") for n in range(1000)]
    service.jobs = {one.name: {**held, "name": one.name} for one in refs}
    backend.poll(refs[:1])
    for _ in range(3):
        service.calls.clear()
        found = backend.poll(refs)
        assert len(found) == 1000
        assert len(service.calls) <= 20 + DETAILED
    # Each poll looks at others: none is left out for ever.
    looked = {path.split("/runs/")[1].split("/")[0] for _, path, _ in service.calls if "/children" in path}
    service.calls.clear()
    backend.poll(refs)
    assert not looked & {path.split("/runs/")[1].split("/")[0] for _, path, _ in service.calls if "/children" in path}


def test_a_list_is_read_no_further_than_needed(service, backend, plan):
    ref = backend.submit(plan, NOTHING)
    held = service.jobs[ref.name]
    names = [f"ab-{n:04d}" for n in range(500)]
    service.jobs = {name: {**held, "name": name} for name in names}
    service.calls.clear()
    backend.poll([JobRef(backend="azure", name=name, kind="train") for name in names[:10]])
    assert sum(path.endswith("/jobs") for _, path, _ in service.calls) == 1


def test_details_that_fail_in_passing_leave_the_state(service, backend, plan):
    ref = backend.submit(plan, NOTHING)
    service.jobs[ref.name]["properties"]["status"] = "Running"
    service.children[ref.name] = [child(f"{ref.name}_0", score=0.8)]
    assert backend.poll([ref])[ref].best == 0.8
    service.fail = lambda _, path: (503, {"error": {"code": "x"}}) if "/history/" in path else None
    assert backend.poll([ref])[ref].best == 0.8
    service.fail = lambda _, path: (403, {"error": {"code": "x"}}) if "/history/" in path else None
    seen = backend.poll([ref])[ref]
    assert seen.state is JobState.RUNNING
    assert not seen.usage.known
    service.fail = lambda _, path: (401, {"error": {"code": "x"}}) if "/history/" in path else None
    with pytest.raises(CredentialsError) as caught:
        backend.poll([ref])
    assert "log in again" in caught.value.hint
