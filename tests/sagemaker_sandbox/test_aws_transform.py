import pytest
from botocore.exceptions import ClientError
from sagemaker_sandbox_kit import to_csv


@pytest.fixture
def containers(trained):
    return trained()["BestCandidate"]["InferenceContainers"]


def test_every_object_under_a_prefix_has_its_answer(aws, containers, rows):
    aws.put("many/a.csv", to_csv([row[:3] for row in rows[:4]]))
    aws.put("many/deep/b.csv", to_csv([row[:3] for row in rows[4:7]]))
    _job, folder = aws.transform("many-files", containers, f"s3://{aws.bucket}/many/")
    assert len(aws.get(f"{folder}/a.csv.out").splitlines()) == 4
    assert len(aws.get(f"{folder}/deep/b.csv.out").splitlines()) == 3


def test_without_assembling_nothing_stands_between_batches(aws, containers, rows):
    uri = aws.put("predict/glued.csv", to_csv([row[:3] for row in rows[:3]]))
    options = {"output_config": {}, "BatchStrategy": "SingleRecord"}
    _job, folder = aws.transform("glued", containers, uri, **options)
    glued = aws.get(f"{folder}/glued.csv.out").decode()
    assert "\n" not in glued
    assert glued == "".join(row[3] for row in rows[:3])


def test_a_line_is_a_record_whatever_its_quotes(aws, containers):
    uri = aws.put("predict/quoted.csv", b'0.5,red,"two\nlines"\n')
    job, _folder = aws.transform("quoted", containers, uri)
    assert job["TransformJobStatus"] == "Failed"


def test_a_header_is_taken_for_a_record(aws, containers, rows):
    uri = aws.put("predict/headed.csv", to_csv([row[:3] for row in rows[:3]], ["size", "colour", "note"]))
    _job, folder = aws.transform("headed", containers, uri)
    assert len(aws.get(f"{folder}/headed.csv.out").splitlines()) == 4


def test_columns_too_many_fail_but_good_files_are_written(aws, containers, rows):
    aws.put("mixed/bad.csv", to_csv(rows[:3]))
    aws.put("mixed/good.csv", to_csv([row[:3] for row in rows[:3]]))
    job, folder = aws.transform("mixed", containers, f"s3://{aws.bucket}/mixed/")
    assert job["TransformJobStatus"] == "Failed"
    assert "expects 3 columns" in job["FailureReason"]
    assert len(aws.get(f"{folder}/good.csv.out").splitlines()) == 3
    with pytest.raises(ClientError, match="NoSuchKey"):
        aws.get(f"{folder}/bad.csv.out")


def test_input_is_filtered_and_joined(aws, containers, rows):
    uri = aws.put("predict/ids.csv", to_csv([[f"id{n}", *row[:3]] for n, row in enumerate(rows[:3])]))
    processing = {"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"}
    _job, folder = aws.transform(
        "joined", containers, uri, output_config={"AssembleWith": "Line", "Accept": "text/csv"},
        DataProcessing=processing,
    )  # fmt: skip
    assert aws.get(f"{folder}/ids.csv.out").decode().split() == [f"id{n},{row[3]}" for n, row in enumerate(rows[:3])]


def test_joining_needs_lines(aws, containers, rows):
    uri = aws.put("predict/unjoined.csv", to_csv([row[:3] for row in rows[:3]]))
    with pytest.raises(ClientError, match="JoinSource"):
        aws.transform("unjoined", containers, uri, output_config={}, DataProcessing={"JoinSource": "Input"})


def test_payloads_are_bounded(aws, containers, rows):
    uri = aws.put("predict/large.csv", to_csv([row[:3] for row in rows] * 120))
    with pytest.raises(ClientError, match="100 MB"):
        aws.transform("too-large", containers, uri, MaxPayloadInMB=60, MaxConcurrentTransforms=2)
    job, _folder = aws.transform("whole", containers, uri, input_config={}, MaxPayloadInMB=1)
    assert job["TransformJobStatus"] == "Failed"
    _job, folder = aws.transform("batched", containers, uri, MaxPayloadInMB=1)
    assert len(aws.get(f"{folder}/large.csv.out").splitlines()) == 600 * 120


def test_a_stopped_job_writes_nothing_and_names_are_used_once(aws, sagemaker, containers, rows):
    aws.server.clock.factor = 1e-6
    uri = aws.put("predict/stop.csv", to_csv([row[:3] for row in rows[:3]]))
    sagemaker.create_model(ModelName="stop", ExecutionRoleArn=aws.role, Containers=containers)
    request = {
        "TransformJobName": "stop", "ModelName": "stop",
        "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}},
        "TransformOutput": {"S3OutputPath": f"s3://{aws.bucket}/predicted/stop"},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    }  # fmt: skip
    sagemaker.create_transform_job(**request)
    with pytest.raises(ClientError, match="ResourceInUse"):
        sagemaker.create_transform_job(**request)
    sagemaker.stop_transform_job(TransformJobName="stop")
    aws.server.clock.advance(600)
    assert aws.wait_transform("stop")["TransformJobStatus"] == "Stopped"
    found = aws.client("s3").list_objects_v2(Bucket=aws.bucket, Prefix="predicted/stop/")
    assert found["KeyCount"] == 0
    with pytest.raises(ClientError, match="Stopped"):
        sagemaker.stop_transform_job(TransformJobName="stop")


def test_a_model_whose_artefact_is_gone_fails_the_job(aws, sagemaker, containers, rows):
    copied = aws.put("copied/model.tar.gz", aws.get(containers[0]["ModelDataUrl"]))
    sagemaker.create_model(
        ModelName="gone", ExecutionRoleArn=aws.role, Containers=[{**containers[0], "ModelDataUrl": copied}]
    )
    aws.client("s3").delete_object(Bucket=aws.bucket, Key="copied/model.tar.gz")
    uri = aws.put("predict/gone.csv", to_csv([row[:3] for row in rows[:3]]))
    sagemaker.create_transform_job(
        TransformJobName="gone", ModelName="gone",
        TransformInput={"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}},
        TransformOutput={"S3OutputPath": f"s3://{aws.bucket}/predicted/gone"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )  # fmt: skip
    assert "does not exist" in aws.wait_transform("gone")["FailureReason"]
