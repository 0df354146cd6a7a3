"""Unmodified clients of the stand-in, what tests do over and over, and a watch: each answer fits AWS's own model."""

import csv
import io
import threading
import time
from dataclasses import dataclass

import boto3
from botocore.config import Config

from automl_bridge.sandbox.server import SandboxServer


def check_shape(shape, value, path):
    if shape.type_name == "structure":
        missing = [name for name in shape.required_members if name not in value]
        assert not missing, f"{path} lacks {missing}"
        for name, inner in value.items():
            if name in shape.members:
                check_shape(shape.members[name], inner, f"{path}.{name}")
    elif shape.type_name == "list":
        for inner in value:
            check_shape(shape.member, inner, f"{path}[]")
    elif shape.type_name == "string" and shape.enum:
        assert value in shape.enum, f"{path} is {value}"


_clients = {}


@dataclass
class Aws:
    """Clients of the stand-in, and what tests do over and over."""

    server: SandboxServer
    bucket: str
    role: str

    def client(self, service, *, region="us-east-1", attempts=5):
        key = (self.server.url, service, region, attempts)
        if key in _clients:  # making one takes longer than most tests
            return _clients[key]
        made = _clients[key] = boto3.session.Session("sandbox", "sandbox", region_name=region).client(
            service,
            endpoint_url=self.server.url,
            config=Config(retries={"mode": "standard", "total_max_attempts": attempts}, read_timeout=20),
        )
        made.meta.events.register("after-call", self._watch)
        return made

    @staticmethod
    def _watch(model, parsed, http_response, **_):
        if http_response.status_code < 300 and model.output_shape is not None:
            check_shape(model.output_shape, parsed, model.name)

    def put(self, key, content):
        self.client("s3").put_object(Bucket=self.bucket, Key=key, Body=content)
        return f"s3://{self.bucket}/{key}"

    def get(self, uri):
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()

    def request(self, name, uri, config, *, objective=None, content_type="text/csv;header=present", **more):
        uris = uri if isinstance(uri, dict) else {"training": uri}
        found = {
            "AutoMLJobName": name,
            "AutoMLJobInputDataConfig": [
                {
                    "ChannelType": kind,
                    "ContentType": content_type,
                    "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": place}},
                }
                for kind, place in uris.items()
            ],
            "OutputDataConfig": {"S3OutputPath": f"s3://{self.bucket}/out"},
            "AutoMLProblemTypeConfig": config,
            "RoleArn": self.role,
            **more,
        }
        if objective:
            found["AutoMLJobObjective"] = {"MetricName": objective}
        return found

    def train(self, *args, **kwargs):
        request = self.request(*args, **kwargs)
        self.client("sagemaker").create_auto_ml_job_v2(**request)
        return self.wait(request["AutoMLJobName"])

    def wait(self, name, deadline=60):
        sagemaker = self.client("sagemaker")
        return wait_for(
            lambda: sagemaker.describe_auto_ml_job_v2(AutoMLJobName=name),
            lambda job: job["AutoMLJobStatus"] not in {"InProgress", "Stopping"},
            deadline,
        )

    def transform(
        self, name, containers, uri, *, keys=None, deadline=60, input_config=None, output_config=None, **more
    ):
        """Create a model of ``containers`` and transform ``uri``; returns the job's description and its folder."""
        containers = [{**one, "Environment": dict(one.get("Environment", {}))} for one in containers]
        if keys and len(containers) == 1:
            containers[0]["Environment"]["SAGEMAKER_INFERENCE_OUTPUT"] = keys
        sagemaker = self.client("sagemaker")
        sagemaker.create_model(ModelName=name, ExecutionRoleArn=self.role, Containers=containers)
        source = {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}, "ContentType": "text/csv"}
        folder = f"s3://{self.bucket}/predicted/{name}"
        sagemaker.create_transform_job(
            TransformJobName=name,
            ModelName=name,
            TransformInput={**source, **(input_config if input_config is not None else {"SplitType": "Line"})},
            TransformOutput={
                "S3OutputPath": folder,
                **(output_config if output_config is not None else {"AssembleWith": "Line"}),
            },
            TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
            **more,
        )
        return self.wait_transform(name, deadline), folder

    def wait_transform(self, name, deadline=60):
        sagemaker = self.client("sagemaker")
        return wait_for(
            lambda: sagemaker.describe_transform_job(TransformJobName=name),
            lambda job: job["TransformJobStatus"] not in {"InProgress", "Stopping"},
            deadline,
        )


def wait_for(ask, done, deadline=60):
    pause, end = threading.Event(), time.monotonic() + deadline
    while time.monotonic() < end:
        answer = ask()
        if done(answer):
            return answer
        pause.wait(0.02)
    raise AssertionError(f"not within {deadline} s: {answer}")


def to_csv(rows, header=None):
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerows([header, *rows] if header else rows)
    return buffer.getvalue().encode()


HEADER = ["size", "colour", "note", "bought"]
