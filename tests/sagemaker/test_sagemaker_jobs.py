"""Starting and finding jobs against moto's API over a socket: each exists once, and only ours counts as ours."""

from __future__ import annotations

import pytest
from sm_world import BUCKET, make_backend, predict_spec, train_spec

from automl_bridge.backend import JobRef, JobState, Resource
from automl_bridge.data.build import build_predict_dataset
from automl_bridge.errors import CredentialsError, RejectedError
from automl_bridge_sagemaker.planning import JOB_FOLDER, MODEL


@pytest.fixture
def staged(aws, backend, binary):
    plan = backend.plan(train_spec(binary))
    return plan, backend.stage(plan, binary)


def names(aws):
    return [one["AutoMLJobName"] for one in aws("sagemaker").list_auto_ml_jobs()["AutoMLJobSummaries"]]


def test_submitted_twice_from_two_processes_it_is_one_job(aws, backend, staged, tmp_path):
    plan, where = staged
    assert backend.find(plan) is None
    ref = backend.submit(plan, where)
    other = make_backend(tmp_path)
    assert other.submit(plan, where) == ref == other.find(plan)
    assert names(aws) == [plan.spec.name]
    assert ref.remote_id.endswith(plan.spec.name)


def test_what_was_sent_is_the_plan_s_request(aws, backend, staged):
    plan, where = staged
    backend.submit(plan, where)
    found = aws("sagemaker").describe_auto_ml_job_v2(AutoMLJobName=plan.spec.name)
    for key, value in plan.request.items():
        if key not in {"Tags", "AutoMLProblemTypeConfig"}:
            assert found[key] == value


def test_another_job_of_the_name_is_not_ours(aws, backend, staged, binary):
    plan, where = staged
    backend.submit(plan, where)
    other = backend.plan(train_spec(binary, seed=7))
    with pytest.raises(RejectedError, match="another job of the name"):
        backend.find(other)
    with pytest.raises(RejectedError):
        backend.submit(other, backend.stage(other, binary))


def test_rows_that_are_gone_are_missed_before_the_job_is_made(aws, backend, staged):
    plan, where = staged
    backend.delete(Resource(backend="sagemaker", kind="staged data", name=where.uris["train"].removesuffix("train/")))
    with pytest.raises(RejectedError, match="are not in s3://"):
        backend.submit(plan, where)
    assert names(aws) == []


def test_a_predict_job_makes_one_model_and_one_job(aws, backend, binary, tmp_path):
    spec = predict_spec(binary)
    plan, data = backend.plan(spec), build_predict_dataset(binary.parts["holdout"], binary.profile)
    where = backend.stage(plan, data)
    ref = backend.submit(plan, where)
    assert make_backend(tmp_path).submit(plan, where) == ref == backend.find(plan)
    sagemaker = aws("sagemaker")
    assert [one["ModelName"] for one in sagemaker.list_models()["Models"]] == [spec.name]
    assert len(sagemaker.list_transform_jobs()["TransformJobSummaries"]) == 1
    kinds = {one.kind for one in backend.resources()}
    assert {MODEL, JOB_FOLDER} <= kinds
    for one in plan.resources:
        backend.delete(Resource(backend="sagemaker", kind=one.kind, name=one.name))
        backend.delete(Resource(backend="sagemaker", kind=one.kind, name=one.name))
    assert [one for one in backend.resources() if spec.name in one.name] == []


def test_many_jobs_are_polled_by_the_page(aws, backend, staged, monkeypatch):
    plan, _ = staged
    refs = []
    sagemaker = aws("sagemaker")
    for number in range(120):
        name = f"ab-{number:012x}"
        request = {**plan.request, "AutoMLJobName": name}
        arn = sagemaker.create_auto_ml_job_v2(**request)["AutoMLJobArn"]
        refs.append(JobRef(backend="sagemaker", name=name, remote_id=arn))
    from automl_bridge_sagemaker.polling import Polling

    monkeypatch.setattr(Polling, "_look", lambda *_: None)
    unknown = JobRef(backend="sagemaker", name="ab-ffffffffffff")
    calls = []
    client = backend._clients.sagemaker
    client.meta.events.register("before-call.sagemaker", lambda model, **_: calls.append(model.name))
    found = backend.poll([*refs, unknown])
    assert set(found) == set(refs)
    assert {progress.state for progress in found.values()} == {JobState.RUNNING}
    assert set(calls) == {"ListAutoMLJobs"}
    assert len(calls) <= 3


def test_only_what_carries_our_tag_is_listed(aws, backend):
    role = "arn:aws:iam::123456789012:role/r"
    container = {"Image": "i", "ModelDataUrl": "s3://b/m"}
    aws("sagemaker").create_model(ModelName="ab-of-somebody", ExecutionRoleArn=role, PrimaryContainer=container)
    assert list(backend.resources()) == []


def test_an_endpoint_left_up_is_listed_with_its_instances_and_removed(aws, backend):
    sagemaker = aws("sagemaker")
    ours = [{"Key": "automl-bridge:run", "Value": "ab-1"}]
    variant = {"VariantName": "v", "ModelName": "ab-1", "InstanceType": "ml.m5.xlarge", "InitialInstanceCount": 2}
    container = {"Image": "i", "ModelDataUrl": "s3://b/m"}
    role = "arn:aws:iam::123456789012:role/r"
    sagemaker.create_model(ModelName="ab-1", ExecutionRoleArn=role, PrimaryContainer=container, Tags=ours)
    sagemaker.create_endpoint_config(EndpointConfigName="ab-1", ProductionVariants=[variant], Tags=ours)
    sagemaker.create_endpoint(EndpointName="ab-1", EndpointConfigName="ab-1", Tags=ours)
    found = {one.kind: one for one in backend.resources()}
    assert set(found) == {"endpoint", "endpoint config", "model"}
    (item,) = found["endpoint"].usage_per_day.items
    assert (item.sku, item.quantity, item.part) == ("Hosting:ml.m5.xlarge", 48.0, "hosting")
    assert found["endpoint"].since
    assert found["endpoint"].run == "ab-1"
    for resource in found.values():
        backend.delete(resource)
        backend.delete(resource)
    assert list(backend.resources()) == []


def test_staged_rows_say_what_they_cost(aws, backend, staged):
    found = {one.kind: one for one in backend.resources()}["staged data"]
    (item,) = found.usage_per_day.items
    stored = aws("s3").list_objects_v2(Bucket=BUCKET)["Contents"]
    assert item.quantity == pytest.approx(sum(one["Size"] for one in stored) / 2**30 / 30)
    assert item.unit == "GB-month"


def test_no_credentials(aws, backend, staged, monkeypatch, tmp_path):
    plan, _ = staged
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(CredentialsError):
        make_backend(tmp_path).find(plan)


def test_doctor_looks_at_everything_and_makes_nothing(aws, tmp_path):
    import json

    backend = make_backend(tmp_path)
    checks = {check.name.split()[0]: check for check in backend.check()}
    assert list(checks) == ["package", "credentials", "region", "bucket", "role", "quota"]
    assert checks["bucket"].ok
    assert checks["role"].ok is False
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}}]}
    aws("iam").create_role(RoleName="automl-bridge", AssumeRolePolicyDocument=json.dumps(trust))
    checks = {check.name.split()[0]: check for check in backend.check()}
    assert checks["role"].ok
    assert all(check.detail for check in checks.values())
    assert names(aws) == []
