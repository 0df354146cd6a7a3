import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError
from sagemaker_sandbox_kit import to_csv, wait_for


@pytest.fixture
def once(aws):
    """Return a client that asks once, so that faults are seen."""
    return aws.client("sagemaker", attempts=1)


@pytest.mark.parametrize(
    ("kind", "code", "status"),
    [
        ("throttle", "ThrottlingException", 400),
        ("server-error", "InternalFailure", 500),
        ("expired", "ExpiredTokenException", 400),
        ("quota", "ResourceLimitExceeded", 400),
    ],
)
def test_faults_look_like_the_service(aws, once, kind, code, status):
    aws.server.faults.add(kind, "sagemaker.ListModels", count=1)
    with pytest.raises(ClientError) as caught:
        once.list_models()
    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    once.list_models()


@pytest.mark.parametrize(("service", "call", "code"), [("s3", "list_buckets", "SlowDown"),
                                                       ("sts", "get_caller_identity", "Throttling")])  # fmt: skip
def test_other_protocols_have_their_own_words(aws, service, call, code):
    aws.server.faults.add("throttle", f"{service}.*", count=1)
    with pytest.raises(ClientError) as caught:
        getattr(aws.client(service, attempts=1), call)()
    assert caught.value.response["Error"]["Code"] == code


@pytest.mark.parametrize(("kind", "exists"), [("reset-before", False), ("reset-after", True)])
def test_a_broken_connection_may_have_taken_effect(aws, once, table_uri, binary, kind, exists):
    aws.server.faults.add(kind, "CreateAutoMLJobV2", count=1)
    with pytest.raises(ConnectionClosedError):
        once.create_auto_ml_job_v2(**aws.request(kind, table_uri, binary(), objective="AUC"))
    found = once.list_auto_ml_jobs(NameContains=kind)["AutoMLJobSummaries"]
    assert bool(found) is exists


def test_the_clients_own_retry_meets_its_own_job(aws, sagemaker, table_uri, binary):
    aws.server.faults.add("reset-after", "CreateAutoMLJobV2", count=1)
    with pytest.raises(ClientError, match="ResourceInUse"):
        sagemaker.create_auto_ml_job_v2(**aws.request("own-retry", table_uri, binary(), objective="AUC"))


def test_a_slow_answer_meets_the_clients_patience(aws):
    from botocore.config import Config

    aws.server.faults.add("slow", "ListModels", seconds=1.5, count=1)
    client = aws.client("sagemaker").meta.config.merge(Config(read_timeout=0.5, retries={"total_max_attempts": 1}))
    impatient = (
        __import__("boto3")
        .session.Session("a", "b")
        .client("sagemaker", region_name="us-east-1", endpoint_url=aws.server.url, config=client)
    )
    with pytest.raises(ReadTimeoutError):
        impatient.list_models()


@pytest.mark.parametrize(
    ("kind", "status", "words"),
    [
        ("job-fails", "Failed", "InternalServerError"),
        ("job-capacity", "Failed", "CapacityError"),
        ("job-stops", "Stopped", ""),
    ],
)
def test_jobs_that_do_not_end_well(aws, table_uri, binary, rows, trained, kind, status, words):
    aws.server.faults.add(kind, "CreateAutoMLJobV2", count=1)
    job = aws.train(kind, table_uri, binary(), objective="AUC")
    assert job["AutoMLJobStatus"] == status
    assert words in job.get("FailureReason", "")
    aws.server.faults.add(kind, "CreateTransformJob", count=1)
    uri = aws.put("predict/fated.csv", to_csv([row[:3] for row in rows[:2]]))
    transform, _folder = aws.transform(kind, trained()["BestCandidate"]["InferenceContainers"], uri)
    assert transform["TransformJobStatus"] == status


@pytest.mark.parametrize(
    ("kind", "secondary", "candidates"),
    [("job-no-candidate", "MaxAutoMLJobRuntimeReached", 0), ("job-no-best", "Completed", 3)],
)
def test_completed_without_a_best_candidate(aws, sagemaker, table_uri, binary, kind, secondary, candidates):
    aws.server.faults.add(kind, count=1)
    job = aws.train(kind, table_uri, binary(), objective="AUC")
    assert (job["AutoMLJobStatus"], job["AutoMLJobSecondaryStatus"]) == ("Completed", secondary)
    assert "BestCandidate" not in job
    found = sagemaker.list_candidates_for_auto_ml_job(AutoMLJobName=kind, StatusEquals="Completed")["Candidates"]
    assert len(found) == candidates


def test_a_job_that_hangs_bills_until_it_is_stopped(aws, sagemaker, table_uri, binary):
    aws.server.clock.factor = 1e-6
    aws.server.faults.add("job-hangs", count=1)
    sagemaker.create_auto_ml_job_v2(**aws.request("hangs", table_uri, binary(), objective="AUC"))
    aws.server.clock.advance(10 * 86400)
    assert sagemaker.describe_auto_ml_job_v2(AutoMLJobName="hangs")["AutoMLJobStatus"] == "InProgress"
    (child, *_others) = sagemaker.list_training_jobs(NameContains="hangs")["TrainingJobSummaries"]
    running = sagemaker.describe_training_job(TrainingJobName=child["TrainingJobName"])
    assert running["TrainingJobStatus"] == "InProgress"
    assert "BillableTimeInSeconds" not in running
    sagemaker.stop_auto_ml_job(AutoMLJobName="hangs")
    aws.server.clock.advance(120)
    assert sagemaker.describe_auto_ml_job_v2(AutoMLJobName="hangs")["AutoMLJobStatus"] == "Stopped"
    ended = sagemaker.describe_training_job(TrainingJobName=child["TrainingJobName"])
    assert ended["BillableTimeInSeconds"] > 9 * 86400


def test_a_third_of_all_calls_fail_and_the_clients_retries_hide_it(aws, table_uri, binary):
    patient = aws.client("sagemaker", attempts=12)
    patient.create_auto_ml_job_v2(**aws.request("third", table_uri, binary(), objective="AUC"))
    for number, kind in enumerate(("throttle", "server-error", "reset-before")):
        aws.server.faults.add(kind, rate=0.1, seed=number)
    aws.server.calls.clear()
    asked = 0

    def ask():
        nonlocal asked
        asked += 1
        return patient.describe_auto_ml_job_v2(AutoMLJobName="third")

    wait_for(ask, lambda job: job["AutoMLJobStatus"] == "Completed" and asked >= 15)
    aws.server.faults.clear()
    assert aws.server.calls.to_json()["sagemaker.DescribeAutoMLJobV2"] > asked
