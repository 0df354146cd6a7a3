"""What surrounds the jobs: identity, access, prices, quotas, and the other client."""

import json

import pytest
from botocore.exceptions import ClientError
from sagemaker_sandbox_kit import to_csv

ARN = "arn:aws:sagemaker:us-east-1:123456789012"


def allow(*actions, resource="*", **more):
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}


def test_identity(aws):
    assert aws.client("sts").get_caller_identity()["Account"] == "123456789012"
    assert aws.client("iam").get_role(RoleName=aws.role.rpartition("/")[2])["Role"]["Arn"] == aws.role


def test_a_policy_grants_what_it_says_and_no_more(aws, sagemaker, table_uri, binary):
    control = aws.server.service
    passes = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    statements = [
        allow("sagemaker:CreateAutoMLJobV2", "sagemaker:AddTags", resource=f"{ARN}:automl-job/ours-*"),
        allow("iam:PassRole", resource=aws.role, Condition=passes),
        allow("sagemaker:ListAutoMLJobs"),
        allow("s3:GetObject", "s3:PutObject", resource=f"arn:aws:s3:::{aws.bucket}/data/*"),
    ]
    control.control("policy", {"Version": "2012-10-17", "Statement": statements})
    tags = [{"Key": "a", "Value": "b"}]
    sagemaker.create_auto_ml_job_v2(**aws.request("ours-1", table_uri, binary(), objective="AUC", Tags=tags))
    sagemaker.list_auto_ml_jobs()
    aws.put("data/allowed.csv", b"x")
    refused = [
        lambda: sagemaker.create_auto_ml_job_v2(**aws.request("theirs", table_uri, binary(), objective="AUC")),
        lambda: sagemaker.stop_auto_ml_job(AutoMLJobName="ours-1"),
        lambda: aws.put("elsewhere/x", b"x"),
        lambda: aws.client("s3").list_objects_v2(Bucket=aws.bucket),
        lambda: aws.client("s3").delete_objects(Bucket=aws.bucket, Delete={"Objects": [{"Key": "data/allowed.csv"}]}),
        lambda: aws.client("pricing").get_products(ServiceCode="AmazonSageMaker"),
        lambda: aws.client("iam").get_role(RoleName="automl-bridge-sandbox"),
    ]
    for call in refused:
        with pytest.raises(ClientError, match="not authorized to perform"):
            call()
    aws.client("sts").get_caller_identity()  # needs no permission
    actions = control.control("actions", None)
    assert ("sagemaker:StopAutoMLJob", f"{ARN}:automl-job/ours-1") in actions["refused"]
    assert ("iam:PassRole", aws.role) in actions["used"]


@pytest.mark.parametrize(
    "missing", ["sagemaker:CreateAutoMLJobV2", "sagemaker:AddTags", "iam:PassRole"], ids=["action", "tags", "role"]
)
def test_each_permission_of_a_tagged_job_is_needed(aws, sagemaker, table_uri, binary, missing):
    needed = {"sagemaker:CreateAutoMLJobV2", "sagemaker:AddTags", "iam:PassRole"} - {missing}
    aws.server.service.control("policy", {"Statement": allow(*needed)})
    request = aws.request("tagged", table_uri, binary(), objective="AUC", Tags=[{"Key": "a", "Value": "b"}])
    with pytest.raises(ClientError, match=missing) as caught:
        sagemaker.create_auto_ml_job_v2(**request)
    assert caught.value.response["Error"]["Code"] == "AccessDeniedException"


def test_a_denial_outweighs(aws, sagemaker):
    deny = {"Effect": "Deny", "NotAction": "sagemaker:List*", "Resource": "*"}
    aws.server.service.control("policy", {"Statement": [allow("*"), deny]})
    sagemaker.list_models()
    with pytest.raises(ClientError, match="not authorized"):
        sagemaker.describe_model(ModelName="any")


def test_the_price_list(aws):
    pricing = aws.client("pricing")
    fields = {"instanceName": "ml.m5.4xlarge", "regionCode": "us-east-1", "component": "Training"}
    filters = [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in fields.items()]
    (text,) = pricing.get_products(ServiceCode="AmazonSageMaker", Filters=filters, FormatVersion="aws_v1")["PriceList"]
    product = json.loads(text)
    assert product["product"]["attributes"]["usagetype"] == "USE1-Train:ml.m5.4xlarge"
    (term,) = product["terms"]["OnDemand"].values()
    (dimension,) = term["priceDimensions"].values()
    assert dimension["unit"] == "Hrs"
    assert float(dimension["pricePerUnit"]["USD"]) == 0.922
    first = pricing.get_products(ServiceCode="AmazonSageMaker", MaxResults=10)
    second = pricing.get_products(ServiceCode="AmazonSageMaker", MaxResults=10, NextToken=first["NextToken"])
    assert not set(first["PriceList"]) & set(second["PriceList"])


def test_quotas(aws):
    quotas = aws.client("service-quotas")
    found = quotas.list_service_quotas(ServiceCode="sagemaker")["Quotas"]
    jobs = next(one for one in found if "concurrent AutoML" in one["QuotaName"])
    assert (
        quotas.get_service_quota(ServiceCode="sagemaker", QuotaCode=jobs["QuotaCode"])["Quota"]["Value"]
        == jobs["Value"]
    )


def test_endpoints_are_kept_listed_and_deleted(aws, sagemaker, trained):
    containers = trained()["BestCandidate"]["InferenceContainers"]
    sagemaker.create_model(ModelName="served", ExecutionRoleArn=aws.role, Containers=containers)
    variant = {"VariantName": "v", "ModelName": "served", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName="served", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="served", EndpointConfigName="served")
    assert [one["EndpointName"] for one in sagemaker.list_endpoints(NameContains="serv")["Endpoints"]] == ["served"]
    assert [one["EndpointConfigName"] for one in sagemaker.list_endpoint_configs()["EndpointConfigs"]] == ["served"]
    sagemaker.delete_endpoint(EndpointName="served")
    sagemaker.delete_endpoint_config(EndpointConfigName="served")
    assert sagemaker.list_endpoints()["Endpoints"] == []


def test_multipart_uploads_and_conditional_writes(aws, rows):
    s3 = aws.client("s3")
    upload = s3.create_multipart_upload(Bucket=aws.bucket, Key="parts")["UploadId"]
    part = s3.upload_part(Bucket=aws.bucket, Key="parts", UploadId=upload, PartNumber=1, Body=to_csv(rows))
    done = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    s3.complete_multipart_upload(Bucket=aws.bucket, Key="parts", UploadId=upload, MultipartUpload=done)
    assert aws.get(f"s3://{aws.bucket}/parts") == to_csv(rows)
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket=aws.bucket, Key="parts", Body=b"x", IfNoneMatch="*")
    operations = aws.server.calls.to_json()
    assert {"s3.CreateMultipartUpload", "s3.UploadPart", "s3.CompleteMultipartUpload"} <= set(operations)


def test_the_control_endpoint_says_that_this_is_a_sandbox(aws):
    import urllib.request

    with urllib.request.urlopen(f"{aws.server.url}/sandbox", timeout=10) as answer:
        assert json.loads(answer.read())["sandbox"] == "aws"
    assert aws.server.env["AUTOML_BRIDGE_SANDBOX"] == "aws"
    assert aws.server.env["AWS_ENDPOINT_URL"] == aws.server.url
