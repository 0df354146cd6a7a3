"""What the service does not take, and in which words."""

import urllib.error
import urllib.request

import pytest
from botocore.exceptions import ClientError
from sagemaker_sandbox_kit import HEADER, to_csv


def refused(call, **request):
    with pytest.raises(ClientError) as caught:
        call(**request)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def changed(request, **more):
    config = request["AutoMLProblemTypeConfig"]["TabularJobConfig"]
    return {**request, "AutoMLProblemTypeConfig": {"TabularJobConfig": {**config, **more}}}


@pytest.fixture
def request_of(aws, table_uri, binary):
    def make(name="refused", **more):
        return aws.request(name, table_uri, binary(), objective="AUC", **more)

    return make


@pytest.mark.parametrize("name", ["under_score", "-leading", "trailing-", "dot.ted"])
def test_a_name_outside_of_the_pattern(sagemaker, request_of, name):
    code, words = refused(sagemaker.create_auto_ml_job_v2, **request_of(name))
    assert code == "ValidationException"
    assert "[a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}" in words


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (
            {"Mode": "AUTO", "CandidateGenerationConfig": {"AlgorithmsConfig": [{"AutoMLAlgorithms": ["xgboost"]}]}},
            "AUTO",
        ),
        ({"CandidateGenerationConfig": {"AlgorithmsConfig": [{"AutoMLAlgorithms": ["mlp"]}]}}, "mlp"),
        ({"Mode": "HYPERPARAMETER_TUNING", "SampleWeightAttributeName": "size"}, "ENSEMBLING"),
        ({"ProblemType": "Regression"}, "AUC"),
        ({"CompletionCriteria": {"MaxCandidates": 751}}, "750"),
    ],
)
def test_tabular_rules(sagemaker, request_of, more, words):
    code, said = refused(sagemaker.create_auto_ml_job_v2, **changed(request_of(), **more))
    assert code == "ValidationException"
    assert words in said


def test_problem_type_and_objective_go_together(aws, sagemaker, table_uri, binary):
    code, said = refused(sagemaker.create_auto_ml_job_v2, **aws.request("half", table_uri, binary()))
    assert code == "ValidationException"
    assert "together" in said


def test_more_than_one_candidate_is_for_tables_only(aws, sagemaker, table_uri):
    config = {"ContentColumn": "note", "TargetLabelColumn": "bought", "CompletionCriteria": {"MaxCandidates": 5}}
    request = aws.request("texts-many", table_uri, {"TextClassificationJobConfig": config})
    code, said = refused(sagemaker.create_auto_ml_job_v2, **request)
    assert code == "ValidationException"
    assert "MaxCandidates must be 1" in said


def test_a_fraction_and_a_validation_channel_exclude_each_other(aws, sagemaker, table_uri, binary):
    uris = {"training": table_uri, "validation": table_uri}
    request = aws.request("both", uris, binary(), objective="AUC", DataSplitConfig={"ValidationFraction": 0.2})
    assert refused(sagemaker.create_auto_ml_job_v2, **request)[0] == "ValidationException"


def test_a_name_that_exists_whatever_its_case(sagemaker, request_of, trained):
    name = trained()["AutoMLJobName"]
    for spelled in (name, name.upper()):
        assert refused(sagemaker.create_auto_ml_job_v2, **request_of(spelled))[0] == "ResourceInUse"


def test_a_role_that_is_not_there(sagemaker, request_of):
    arn = "arn:aws:iam::123456789012:role/nobody"
    code, said = refused(sagemaker.create_auto_ml_job_v2, **{**request_of(), "RoleArn": arn})
    assert code == "ValidationException"
    assert f"Could not assume role {arn}" in said


def test_data_that_is_not_there_or_in_another_region(aws, sagemaker, binary):
    request = aws.request("nowhere", f"s3://{aws.bucket}/nothing/", binary(), objective="AUC")
    code, said = refused(sagemaker.create_auto_ml_job_v2, **request)
    assert code == "ValidationException"
    assert "No S3 objects found under S3 URL" in said
    aws.client("s3", region="eu-west-1").create_bucket(
        Bucket="far-away", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    request = aws.request("far", "s3://far-away/x", binary(), objective="AUC")
    assert "The bucket is in this region: eu-west-1" in refused(sagemaker.create_auto_ml_job_v2, **request)[1]
    request["OutputDataConfig"] = {"S3OutputPath": "s3://far-away/out"}
    assert "eu-west-1" in refused(sagemaker.create_auto_ml_job_v2, **request)[1]


def test_a_bucket_of_another_region_redirects(aws):
    far = aws.client("s3", region="eu-central-1")
    far.create_bucket(Bucket="far-bucket", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    far.put_object(Bucket="far-bucket", Key="k", Body=b"v")
    scope = "AWS4-HMAC-SHA256 Credential=sandbox/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"
    request = urllib.request.Request(f"{aws.server.url}/far-bucket/k", headers={"Authorization": scope})
    with pytest.raises(urllib.error.HTTPError, match="301") as caught:
        urllib.request.urlopen(request, timeout=10)
    assert caught.value.headers["x-amz-bucket-region"] == "eu-central-1"
    caught.value.close()
    near = aws.client("s3")  # this client follows by itself
    assert near.get_object(Bucket="far-bucket", Key="k")["Body"].read() == b"v"
    assert near.get_bucket_location(Bucket="far-bucket")["LocationConstraint"] == "eu-central-1"


@pytest.mark.parametrize(
    ("operation", "request_", "code"),
    [
        ("describe_auto_ml_job_v2", {"AutoMLJobName": "nobody"}, "ResourceNotFound"),
        ("list_candidates_for_auto_ml_job", {"AutoMLJobName": "nobody"}, "ResourceNotFound"),
        ("stop_auto_ml_job", {"AutoMLJobName": "nobody"}, "ResourceNotFound"),
        ("describe_transform_job", {"TransformJobName": "nobody"}, "ResourceNotFound"),
        ("describe_training_job", {"TrainingJobName": "nobody"}, "ValidationException"),
        ("describe_processing_job", {"ProcessingJobName": "nobody"}, "ValidationException"),
        ("describe_model", {"ModelName": "nobody"}, "ValidationException"),
        ("delete_model", {"ModelName": "nobody"}, "ValidationException"),
        ("describe_endpoint", {"EndpointName": "nobody"}, "ValidationException"),
    ],
)
def test_what_is_missing(sagemaker, operation, request_, code):
    assert refused(getattr(sagemaker, operation), **request_)[0] == code


def test_models_are_made_once_and_deleted(aws, sagemaker, trained):
    containers = trained()["BestCandidate"]["InferenceContainers"]
    request = {"ModelName": "once", "ExecutionRoleArn": aws.role, "Containers": containers}
    sagemaker.create_model(**request)
    assert "Cannot create already existing model" in refused(sagemaker.create_model, **request)[1]
    assert sagemaker.describe_model(ModelName="once")["Containers"] == containers
    assert "once" in {one["ModelName"] for one in sagemaker.list_models(NameContains="once")["Models"]}
    arn = sagemaker.describe_model(ModelName="once")["ModelArn"]
    for value in ("old", "new"):
        sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "run", "Value": value}])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "run", "Value": "new"}]
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["run"])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == []
    sagemaker.delete_model(ModelName="once")
    assert sagemaker.list_models(NameContains="once")["Models"] == []
    missing = [{**containers[0], "ModelDataUrl": f"s3://{aws.bucket}/gone/model.tar.gz"}]
    assert refused(sagemaker.create_model, **{**request, "Containers": missing})[0] == "ValidationException"


@pytest.mark.parametrize(
    ("name", "make", "target", "words"),
    [
        ("few", lambda rows: (rows[:499], HEADER), "bought", "at least 500"),
        ("typo", lambda rows: (rows, HEADER), "bougth", "not in the data"),
        ("alike", lambda rows: ([[*row[:3], "yes"] for row in rows], HEADER), "bought", "1 classes"),
        ("ragged", lambda rows: ([*rows[:-1], rows[-1][:2]], HEADER), "bought", "fields"),
        ("twice", lambda rows: (rows, ["size", "size", "note", "bought"]), "bought", "twice"),
    ],
)
def test_bad_data_fails_the_job_later(aws, rows, binary, name, make, target, words):
    part, header = make(rows)
    uri = aws.put(f"bad/{name}.csv", to_csv(part, header))
    job = aws.train(f"bad-{name}", uri, binary(TargetAttributeName=target), objective="AUC")
    assert (job["AutoMLJobStatus"], job["AutoMLJobSecondaryStatus"]) == ("Failed", "Failed")
    assert words in job["FailureReason"]
    assert "BestCandidate" not in job


def test_a_limit_on_jobs_at_a_time(aws, sagemaker, request_of):
    aws.server.clock.factor = 1e-6
    sagemaker.create_auto_ml_job_v2(**request_of("first-of-two"))
    aws.server.context.settings["concurrent_jobs"] = 1
    assert refused(sagemaker.create_auto_ml_job_v2, **request_of("second-of-two"))[0] == "ResourceLimitExceeded"
    aws.server.clock.advance(86400)
    aws.wait("first-of-two")
    sagemaker.create_auto_ml_job_v2(**request_of("second-of-two"))
