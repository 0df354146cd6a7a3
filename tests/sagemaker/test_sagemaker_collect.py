"""Outcomes and progress from answers of the documented shapes; botocore's stubber holds each to AWS's own model."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.stub import ANY, Stubber
from sm_world import make_backend, model_ref

from automl_bridge.backend import JobRef, JobState
from automl_bridge.errors import RejectedError
from automl_bridge_sagemaker.candidates import best_candidate, trials_of
from automl_bridge_sagemaker.collecting import failure_kind

START = datetime(2026, 1, 1, tzinfo=UTC)
NAME = "ab-0123456789ab"
ARN = f"arn:aws:sagemaker:us-east-1:123456789012:automl-job/{NAME}"


def child_arn(kind: str, name: str) -> str:
    return f"arn:aws:sagemaker:us-east-1:123456789012:{kind}-job/{name.lower()}"


def candidate(name, value, *, status="Completed", metric="AUC", kind="Maximize", steps=(), **more):
    found = {
        "CandidateName": name,
        "ObjectiveStatus": "Succeeded" if status == "Completed" else "Failed",
        "CandidateStatus": status,
        "CandidateSteps": [
            {
                "CandidateStepType": f"AWS::SageMaker::{step.capitalize()}Job",
                "CandidateStepArn": child_arn(step, child),
                "CandidateStepName": child,
            }
            for step, child in steps
        ],
        "CreationTime": START,
        "LastModifiedTime": START,
        "EndTime": START + timedelta(seconds=90),
        **more,
    }
    if value is not None:
        found["FinalAutoMLJobObjectiveMetric"] = {"Type": kind, "MetricName": metric, "Value": value}
    if status == "Completed":
        found["InferenceContainers"] = model_ref(1).details["containers"]
        found["CandidateProperties"] = {
            "CandidateMetrics": [
                {"MetricName": metric, "StandardMetricName": metric, "Value": 0.5, "Set": "Validation"},
                {"StandardMetricName": "LogLoss", "Value": 0.25, "Set": "Validation"},
            ]
        }
    return found


def job(status="Completed", secondary="Completed", **more):
    return {
        "AutoMLJobName": NAME,
        "AutoMLJobArn": ARN,
        "AutoMLJobInputDataConfig": [{"ChannelType": "training"}],
        "OutputDataConfig": {"S3OutputPath": "s3://b/o/"},
        "RoleArn": "arn:aws:iam::123456789012:role/r",
        "CreationTime": START,
        "LastModifiedTime": START,
        "AutoMLJobStatus": status,
        "AutoMLJobSecondaryStatus": secondary,
        **more,
    }


def training(name, seconds, *, count=1, owner=ARN, status="Completed", **more):
    found = {
        "TrainingJobName": name,
        "TrainingJobArn": child_arn("training", name),
        "ModelArtifacts": {"S3ModelArtifacts": "s3://b/m"},
        "TrainingJobStatus": status,
        "SecondaryStatus": status if status != "InProgress" else "Training",
        "AlgorithmSpecification": {"TrainingInputMode": "File"},
        "ResourceConfig": {"InstanceType": "ml.m5.4xlarge", "InstanceCount": count, "VolumeSizeInGB": 1},
        "StoppingCondition": {},
        "CreationTime": START,
        "AutoMLJobArn": owner,
        **more,
    }
    if seconds is not None:
        found["BillableTimeInSeconds"] = seconds
    return found


def processing(name, seconds):
    cluster = {"InstanceType": "ml.m5.xlarge", "InstanceCount": 2, "VolumeSizeInGB": 1}
    return {
        "ProcessingJobName": name,
        "ProcessingJobArn": child_arn("processing", name),
        "ProcessingResources": {"ClusterConfig": cluster},
        "AppSpecification": {"ImageUri": "i"},
        "ProcessingJobStatus": "Completed",
        "ProcessingStartTime": START,
        "ProcessingEndTime": START + timedelta(seconds=seconds),
        "CreationTime": START,
        "AutoMLJobArn": ARN,
    }


class Service:
    """A client whose answers are given one by one, in the order of the calls."""

    def __init__(self, backend):
        self.client = boto3.client("sagemaker", region_name="us-east-1")
        self.stub = Stubber(self.client)
        self.stub.activate()
        backend._clients.__dict__["sagemaker"] = self.client

    def answers(self, call, answer, **expected):
        self.stub.add_response(call, answer, expected or None)

    def lists(self, training=(), processing=(), transform=()):
        for kind, names in (("Training", training), ("Processing", processing), ("Transform", transform)):
            summaries = [
                {f"{kind}JobName": n, f"{kind}JobArn": child_arn(kind.lower(), n), "CreationTime": START}
                | {f"{kind}JobStatus": "Completed"}
                for n in names
            ]
            expected = {"NameContains": NAME[:10], "CreationTimeAfter": START - timedelta(minutes=1), "MaxResults": 100}
            self.answers(f"list_{kind.lower()}_jobs", {f"{kind}JobSummaries": summaries}, **expected)


@pytest.fixture
def world(tmp_path):
    backend = make_backend(tmp_path)
    return backend, Service(backend)


def finish(service, described, candidates):
    service.answers("describe_auto_ml_job_v2", described, AutoMLJobName=NAME)
    service.answers("list_candidates_for_auto_ml_job", {"Candidates": candidates}, AutoMLJobName=NAME, MaxResults=ANY)


REF = JobRef(backend="sagemaker", name=NAME, remote_id=ARN)


def test_a_finished_job_with_its_leaderboard_and_what_it_was_billed(world):
    backend, service = world
    good = candidate("good", 0.9, steps=[("training", "Tuned-1"), ("processing", "prep")])
    bad = candidate("bad", 0.8)
    failed = candidate("failed", None, status="Failed", FailureReason="boom")
    finish(service, job(BestCandidate=good), [bad, failed, good])
    service.lists(training=["ab-0123456789ab-extra", "ab-0123456-other"])
    service.answers("describe_training_job", training("Tuned-1", 100, count=2), TrainingJobName="Tuned-1")
    service.answers("describe_training_job", training("ab-0123456-other", 999, owner=ARN + "x"), TrainingJobName=ANY)
    service.answers("describe_training_job", training("ab-0123456789ab-extra", 50), TrainingJobName=ANY)
    service.answers("describe_processing_job", processing("prep", 30), ProcessingJobName="prep")
    reorder(service)
    outcome = backend.collect(REF)
    assert outcome.state is JobState.SUCCEEDED
    assert [trial.id for trial in outcome.trials] == ["good", "bad", "failed"]
    assert outcome.trials[0].metrics == {"Validation:AUC": 0.5, "Validation:LogLoss": 0.25}
    assert outcome.trials[0].seconds == 90
    assert outcome.trials[2].message == "boom"
    assert outcome.model.details["candidate"] == "good"
    billed = {item.sku: item.quantity * 3600 for item in outcome.usage.items}
    assert billed == pytest.approx({"Training:ml.m5.4xlarge": 250, "Processing:ml.m5.xlarge": 60})
    assert outcome.usage.known


def test_two_jobs_whose_names_begin_alike_are_billed_their_own_children_only(world):
    """One backend looks at both, each finds both children by name, and each child says whose it is."""
    backend, service = world
    other = NAME[:-1] + "c"
    children = [f"{NAME}-t1", f"{other}-t1"]
    owners = {children[0]: ARN, children[1]: ARN[:-1] + "c"}
    billed = []
    for name, arn in ((NAME, ARN), (other, ARN[:-1] + "c"), (NAME, ARN)):
        described = job(AutoMLJobName=name, AutoMLJobArn=arn)
        service.answers("describe_auto_ml_job_v2", described, AutoMLJobName=name)
        service.answers("list_candidates_for_auto_ml_job", {"Candidates": []}, AutoMLJobName=name, MaxResults=ANY)
        service.lists(training=children)
        if len(billed) < 2:
            for child, seconds in zip(children, (100, 7), strict=True):
                answer = training(child, seconds, owner=owners[child])
                service.answers("describe_training_job", answer, TrainingJobName=child)
            reorder(service)
        ref = JobRef(backend="sagemaker", name=name, remote_id=arn)
        usage = backend.collect(ref).usage
        billed.append((usage.known, round(sum(item.quantity for item in usage.items) * 3600)))
    assert billed == [(True, 100), (True, 7), (True, 100)]


def reorder(service):
    """Put the queued answers into the order in which calls are made: list of a kind, then its descriptions."""
    queue = list(service.stub._queue)

    def rank(entry):
        operation = entry["operation_name"]
        order = [
            "ListAutoMLJobs",
            "DescribeAutoMLJobV2",
            "ListCandidatesForAutoMLJob",
            "ListTrainingJobs",
            "DescribeTrainingJob",
        ]
        order += ["ListProcessingJobs", "DescribeProcessingJob", "ListTransformJobs", "DescribeTransformJob"]
        names = entry["response"][1].get("TrainingJobName", "")
        return order.index(operation), names

    service.stub._queue.clear()
    service.stub._queue.extend(sorted(queue, key=rank))


@pytest.mark.parametrize(
    ("status", "secondary", "stopped_by"),
    [
        ("Completed", "Completed", "done"),
        ("Completed", "MaxAutoMLJobRuntimeReached", "max_time"),
        ("Completed", "MaxCandidatesReached", "max_trials"),
        ("Stopped", "Stopped", "cancel"),
    ],
)
def test_what_ended_it(world, status, secondary, stopped_by):
    backend, service = world
    # No BestCandidate in the answer: the best of those that are finished counts.
    finish(service, job(status, secondary), [candidate("a", 0.7), candidate("b", 0.75)])
    service.lists()
    outcome = backend.collect(REF)
    assert (outcome.state, outcome.stopped_by) == (JobState.SUCCEEDED, stopped_by)
    assert outcome.model.details["candidate"] == "b"


@pytest.mark.parametrize(
    ("status", "secondary", "reason", "state", "kind"),
    [
        ("Completed", "Completed", None, JobState.FAILED, "all-trials-failed"),
        ("Completed", "MaxAutoMLJobRuntimeReached", None, JobState.FAILED, "time-limit"),
        ("Stopped", "Stopped", None, JobState.CANCELLED, None),
        ("Failed", "Failed", "CapacityError: no instances", JobState.FAILED, "quota"),
        ("Failed", "Failed", None, JobState.FAILED, "service"),
    ],
)
def test_no_model_is_said_for_what_it_is(world, status, secondary, reason, state, kind):
    backend, service = world
    more = {"FailureReason": reason} if reason else {}
    finish(service, job(status, secondary, **more), [candidate("a", None, status="Failed")])
    service.lists()
    outcome = backend.collect(REF)
    assert (outcome.state, outcome.model) == (state, None)
    assert (outcome.failure.kind if outcome.failure else None) == kind


def test_a_child_that_outlives_its_job_makes_the_bill_unknown(world):
    backend, service = world
    finish(service, job(), [candidate("a", 0.7, steps=[("training", "t")])])
    service.lists()
    running = training("t", None, status="InProgress", TrainingStartTime=START)
    service.answers("describe_training_job", running, TrainingJobName="t")
    reorder(service)
    outcome = backend.collect(REF)
    assert not outcome.usage.known
    assert "not known in full" in " ".join(outcome.notes)


def test_a_job_that_has_not_ended_is_not_collected(world):
    backend, service = world
    service.answers("describe_auto_ml_job_v2", job("InProgress", "Starting"), AutoMLJobName=NAME)
    with pytest.raises(RejectedError, match="has not ended"):
        backend.collect(REF)


def test_progress_of_a_running_job_has_trials_best_and_usage_so_far(world):
    backend, service = world
    summary = {
        "AutoMLJobName": NAME, "AutoMLJobArn": ARN, "AutoMLJobStatus": "InProgress",
        "AutoMLJobSecondaryStatus": "ModelTuning", "CreationTime": START, "LastModifiedTime": START,
    }  # fmt: skip
    running = training("t", None, status="InProgress", TrainingStartTime=START)
    running["LastModifiedTime"] = START + timedelta(seconds=36)
    service.answers("list_auto_ml_jobs", {"AutoMLJobSummaries": [summary]})
    found = [candidate("a", 0.9), candidate("b", None, status="InProgress", steps=[("training", "t")])]
    found[1]["ObjectiveStatus"] = "Pending"
    service.answers("list_candidates_for_auto_ml_job", {"Candidates": found})
    service.lists()
    service.answers("describe_training_job", running)
    reorder(service)
    progress = backend.poll([REF])[REF]
    assert progress.state is JobState.RUNNING
    assert progress.best == 0.9
    assert progress.message == "ModelTuning"
    assert [trial.state for trial in progress.trials] == [JobState.SUCCEEDED, JobState.RUNNING]
    (item,) = progress.usage.items
    assert item.quantity * 3600 == pytest.approx(36)


def test_an_unknown_state_of_the_service_is_running():
    from automl_bridge_sagemaker.polling import STATES

    assert STATES.get("Paused", JobState.RUNNING) is JobState.RUNNING


def test_smaller_is_better_where_it_is():
    listed = [candidate(name, value, metric="RMSE", kind="Minimize") for name, value in (("a", 3.0), ("b", 1.0))]
    listed.append(candidate("nan", float("nan"), metric="RMSE", kind="Minimize"))
    assert [trial.id for trial in trials_of(listed)] == ["b", "a", "nan"]
    assert [trial.score for trial in trials_of(listed)] == [1.0, 3.0, None]
    assert best_candidate(listed)["CandidateName"] == "b"


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("ClientError: the target column is not in the dataset", "data"),
        ("AlgorithmError: exit code 1", "crash"),
        ("OutOfMemory: the container was killed", "out-of-memory"),
        ("ResourceLimitExceeded: 0 instances of ml.m5.4xlarge", "quota"),
        ("CapacityError: unable to provision", "quota"),
        ("InternalServerError: try again", "service"),
        ("something new", "service"),
    ],
)
def test_kinds_of_failures(words, kind):
    assert failure_kind(words) == kind
