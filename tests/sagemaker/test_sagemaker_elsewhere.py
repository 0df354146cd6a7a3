"""What AWS may answer and our own sandbox does not: pages of one, optional fields left out, other names and words."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sm_elsewhere import Account, RefusedError
from sm_world import BUCKET, make_backend, predict_spec, train_spec
from test_sagemaker_collect import ARN, NAME, REF, START, candidate, job, training

from automl_bridge.backend import JobRef, JobState, Resource, Staged
from automl_bridge.errors import BackendError, CredentialsError, RejectedError, TransientError
from automl_bridge_sagemaker.answers import read_values

MINUTE = timedelta(minutes=1)


@pytest.fixture
def world(tmp_path):
    backend = make_backend(tmp_path)
    return backend, Account(backend)


def bare(document):
    """Return a document without what the API marks optional and a job may lack."""
    optional = {"FinalAutoMLJobObjectiveMetric", "CandidateProperties", "EndTime", "InferenceContainers"}
    return {key: value for key, value in document.items() if key not in optional}


def lists(account, *trainings):
    """Let the account have training jobs: found by what their names contain, described by their names."""
    held = {one["TrainingJobName"]: one for one in trainings}

    def listed(body):
        names = [name for name in held if body["NameContains"].lower() in name.lower()]
        keys = ("TrainingJobName", "TrainingJobArn", "CreationTime", "TrainingJobStatus")
        return {"TrainingJobSummaries": [{key: held[name][key] for key in keys} for name in names]}

    def described(body):
        if body["TrainingJobName"] not in held:
            raise RefusedError("ValidationException", "Requested resource not found.")
        return held[body["TrainingJobName"]]

    account.answers |= {"ListTrainingJobs": listed, "DescribeTrainingJob": described}


def ended(account, candidates, **changes):
    found = {**job(), "EndTime": START + MINUTE, **changes}
    account.answers["DescribeAutoMLJobV2"] = lambda _: found
    account.answers["ListCandidatesForAutoMLJob"] = lambda _: {"Candidates": candidates}


def test_training_jobs_of_a_search_are_billed_though_no_candidate_names_them(world):
    """A tuning job calls its training jobs after itself, which is not after the AutoML job."""
    backend, account = world
    tuning = "arn:aws:sagemaker:us-east-1:123456789012:hyper-parameter-tuning-job/tuning-job-1-0123456789abcdef01"
    names = [f"tuning-job-1-0123456789abcdef01-00{n}-aaaaaaaa" for n in (1, 2)]
    stranger = "tuning-job-1-0123456789abcdef01x-001-aaaaaaaa"
    ended(account, [candidate(names[0], 0.9, steps=[("training", names[0])])])
    lists(
        account,
        *(training(name, 3600, TuningJobArn=tuning, status=status)
          for name, status in zip(names, ("Completed", "Stopped"), strict=True)),
        training(stranger, 3600, owner="arn:aws:sagemaker:us-east-1:123456789012:automl-job/theirs"),
    )  # fmt: skip
    usage = backend.collect(REF).usage
    assert (usage.known, usage.items[0].quantity) == (True, 2.0)


def test_a_child_without_its_owner_s_arn_is_billed_if_it_is_called_after_the_job(world):
    backend, account = world
    ended(account, [candidate("a", 0.9)])
    mine = training(f"{NAME.upper()}-dpp0-1", 1800)
    theirs = training(f"{NAME[:10]}ff-dpp0-1", 1800)
    for one in (mine, theirs):
        del one["AutoMLJobArn"]
    lists(account, mine, theirs)
    (item,) = backend.collect(REF).usage.items
    assert item.quantity == 0.5


def test_a_child_that_ended_without_saying_when_is_not_billed_by_the_clock(world):
    backend, account = world
    ended(account, [candidate("a", 0.9)])
    silent = training(f"{NAME}-a", None, TrainingStartTime=START)
    changed = training(f"{NAME}-b", None, TrainingStartTime=START, LastModifiedTime=START + 2 * MINUTE)
    lists(account, silent, changed)
    usage = backend.collect(REF).usage
    assert not usage.known
    assert [item.quantity * 3600 for item in usage.items] == [120]


def test_the_best_candidate_without_its_containers_is_the_one_of_that_name(world):
    backend, account = world
    worse, better = candidate("z-named", 0.7), candidate("a", 0.9)
    ended(account, [better, worse], BestCandidate=bare(worse), PartialFailureReasons=[{}])
    outcome = backend.collect(REF)
    assert outcome.model.details["candidate"] == "z-named"
    assert outcome.notes == ()


def test_candidates_without_metrics_are_trials_without_a_score(world):
    backend, account = world
    ended(account, [bare(candidate(name, 0.7)) for name in "ba"], AutoMLJobSecondaryStatus="Completed")
    outcome = backend.collect(REF)
    assert [(one.id, one.score, one.metrics) for one in outcome.trials] == [("a", None, {}), ("b", None, {})]
    assert (outcome.state, outcome.failure.kind) == (JobState.FAILED, "all-trials-failed")


@pytest.mark.parametrize("status", ["Completed", "Stopped"])
@pytest.mark.parametrize("candidates", [0, 1])
def test_a_limit_that_was_reached_is_one_whatever_the_job_is_called_then(world, status, candidates):
    backend, account = world
    limit = {"AutoMLJobStatus": status, "AutoMLJobSecondaryStatus": "MaxAutoMLJobRuntimeReached"}
    ended(account, [candidate("a", 0.9)][:candidates], **limit)
    outcome = backend.collect(REF)
    assert outcome.stopped_by == "max_time"
    assert outcome.state is (JobState.SUCCEEDED if candidates else JobState.FAILED)
    assert candidates or outcome.failure.kind == "time-limit"


def test_jobs_come_a_page_each_in_capitals_among_others_with_states_that_are_new(world):
    backend, account = world
    refs = [JobRef(backend="sagemaker", name=f"{NAME[:-1]}{n}", remote_id=ARN) for n in range(3)]
    summaries = [{**job(), "AutoMLJobName": one.name.upper(), "AutoMLJobStatus": "Resting"} for one in refs]
    account.answers["ListAutoMLJobs"] = lambda _: {"AutoMLJobSummaries": [job(), *summaries]}
    account.answers["ListCandidatesForAutoMLJob"] = lambda _: {"Candidates": []}
    found = backend.poll(refs)
    assert {ref: one.state for ref, one in found.items()} == dict.fromkeys(refs, JobState.RUNNING)


def test_a_name_that_is_taken_and_not_shown_yet_is_asked_again(world, binary, monkeypatch):
    """The SDK's own second try makes the service say so of our own job; what is not seen then may be seen later."""
    backend, account = world
    plan = backend.plan(train_spec(binary))
    monkeypatch.setattr(type(backend._objects), "create", lambda *_: True)

    def taken(_):
        raise RefusedError("ResourceInUse", "it is there")

    def missing(_):
        raise RefusedError("ResourceNotFound", "no such job")

    account.answers |= {"CreateAutoMLJobV2": taken, "DescribeAutoMLJobV2": missing}
    with pytest.raises(TransientError, match="does not show it yet"):
        backend.submit(plan, Staged(uris={}))
    # Shown, but without tags: it is somebody else's.
    account.answers["DescribeAutoMLJobV2"] = lambda _: job()
    account.answers["ListTags"] = lambda _: {}
    with pytest.raises(RejectedError, match="another job of the name"):
        backend.submit(plan, Staged(uris={}))
    tags = [{"Key": f"theirs-{n}", "Value": ""} for n in range(3)]
    ours = [{"Key": key["Key"], "Value": key["Value"]} for key in plan.request["Tags"]]
    account.answers["ListTags"] = lambda _: {"Tags": [*tags, *ours]}
    assert backend.submit(plan, Staged(uris={})).remote_id == ARN


@pytest.mark.parametrize("words", ["Requested resource not found.", "Could not find requested job with name: x"])
def test_a_transform_job_that_is_not_there_has_several_words_for_it(world, binary, words):
    backend, account = world
    plan = backend.plan(predict_spec(binary))

    def missing(_):
        raise RefusedError("ValidationException", words)

    account.answers["DescribeTransformJob"] = missing
    assert backend.find(plan) is None


def test_an_endpoint_that_comes_up_is_no_deleted_one(world):
    """What cannot be deleted yet bills on: nobody is told that it is gone."""
    backend, account = world

    def busy(_):
        raise RefusedError("ValidationException", 'Cannot update in-progress endpoint "arn:aws:sagemaker:x".')

    account.answers["DeleteEndpoint"] = busy
    with pytest.raises(TransientError, match="in-progress"):
        backend.delete(Resource(backend="sagemaker", kind="endpoint", name="ab-1"))
    del account.answers["DeleteEndpoint"]
    backend.delete(Resource(backend="sagemaker", kind="endpoint", name="ab-1"))


def test_an_endpoint_bills_the_instances_that_it_has_now_or_an_unknown_sum(world):
    backend, account = world
    variant = {"VariantName": "v", "InstanceType": "ml.m5.xlarge", "InitialInstanceCount": 1}
    endpoint = {"EndpointName": "ab-1", "EndpointArn": "arn", "EndpointConfigName": "c"}
    account.answers |= {
        "DescribeEndpoint": lambda _: {
            **endpoint,
            "ProductionVariants": [{"VariantName": "v", "CurrentInstanceCount": 3}],
        },
        "DescribeEndpointConfig": lambda _: {"ProductionVariants": [variant]},
    }
    assert backend._inventory._endpoint_usage("ab-1").items[0].quantity == 72
    account.answers["DescribeEndpoint"] = lambda _: {"EndpointName": "ab-1", "EndpointStatus": "Failed"}
    assert not backend._inventory._endpoint_usage("ab-1").known
    del account.answers["DescribeEndpoint"]
    assert not backend._inventory._endpoint_usage("ab-1").known


@pytest.mark.parametrize(
    ("code", "status"), [("ExpiredTokenException", 400), ("ExpiredToken", 403), ("UnrecognizedClientException", 400)]
)
def test_credentials_that_expire_while_waiting_are_told_as_such(world, code, status):
    backend, account = world

    def expired(_):
        raise RefusedError(code, "The security token included in the request is expired", status)

    account.answers["ListAutoMLJobs"] = expired
    with pytest.raises(CredentialsError, match="expired"):
        backend.poll([REF])


def test_an_expired_token_at_the_bucket_is_no_bucket_that_is_refused(tmp_path, monkeypatch):
    """HEAD has no body to name the error in: it is 400 alone."""
    from botocore.awsrequest import AWSResponse

    backend = make_backend(tmp_path)

    class Raw:
        def __init__(self, body):
            self.body = body

        def stream(self, **_):
            yield self.body

    def send(request, **_):
        body = b"" if request.method == "HEAD" else b"<Error><Code>ExpiredToken</Code><Message>it has</Message></Error>"
        return AWSResponse(request.url, 400, {}, Raw(body))

    backend._clients.s3.meta.events.register("before-send.s3", send)
    with pytest.raises(CredentialsError, match="it has"):
        backend._objects.region_of(BUCKET)


def test_a_transform_job_may_not_say_where_it_writes_nor_when_it_ran(world, binary, monkeypatch):
    backend, account = world
    spec = predict_spec(binary)
    plan = backend.plan(spec)
    source = plan.request["CreateTransformJob"]["TransformInput"]
    account.answers["DescribeTransformJob"] = lambda _: {
        "TransformJobName": spec.name, "TransformJobArn": "arn", "TransformJobStatus": "Completed",
        "TransformInput": source, "TransformResources": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1},
    }  # fmt: skip
    objects = type(backend._objects)
    rows = spec.profile.rows["predict"]
    body = b"""c1,"[0.25, 0.75]","['c0', 'c1']"\n""" * rows
    held = {f"automl-bridge/jobs/{spec.name}/plan.json": plan.model_dump_json().encode()}
    held[f"automl-bridge/jobs/{spec.name}/output/part-00000.csv.out"] = body
    held[f"automl-bridge/jobs/{spec.name}/output/part-00000.csv.out.tmp"] = b"?"
    monkeypatch.setattr(objects, "read", lambda _, place, name="": held.get(place.file(name)))
    from automl_bridge.cloud.objects import Stored

    monkeypatch.setattr(objects, "listed", lambda _, place: [Stored(f"{place.key}part-00000.csv", 1, START)])
    outcome = backend.collect(JobRef(backend="sagemaker", name=spec.name, kind="predict"))
    assert outcome.state is JobState.SUCCEEDED, outcome.failure
    assert not outcome.usage.known


@pytest.mark.parametrize("line", ["nan", "inf", "[NaN]"])
def test_what_is_no_number_is_no_prediction(line):
    with pytest.raises(BackendError, match="line 2"):
        read_values(f"1.5\n{line}\n".encode())


def test_two_writers_of_one_object_at_a_time_are_asked_to_try_again():
    from botocore.exceptions import ClientError

    from automl_bridge_sagemaker.errors import translate

    answer = {"Error": {"Code": "ConditionalRequestConflict"}, "ResponseMetadata": {"HTTPStatusCode": 409}}
    assert isinstance(translate(ClientError(json.loads(json.dumps(answer)), "PutObject"), "x"), TransientError)
