"""The other client, and the stand-in as a process of its own."""

import os
import subprocess
import sys

import pytest

from automl_bridge.sandbox import life

CORE = """
import sys, time
from sagemaker.core.resources import AutoMLJobV2
from sagemaker.core.shapes import (AutoMLJobChannel, AutoMLDataSource, AutoMLS3DataSource, AutoMLOutputDataConfig,
    AutoMLProblemTypeConfig, TabularJobConfig, AutoMLJobObjective, AutoMLJobCompletionCriteria)
uri, bucket, role = sys.argv[1:]
source = AutoMLDataSource(s3_data_source=AutoMLS3DataSource(s3_data_type="S3Prefix", s3_uri=uri))
table = TabularJobConfig(target_attribute_name="bought", problem_type="BinaryClassification", mode="ENSEMBLING",
    completion_criteria=AutoMLJobCompletionCriteria(max_candidates=1))
job = AutoMLJobV2.create(auto_ml_job_name="by-core", role_arn=role,
    auto_ml_job_input_data_config=[AutoMLJobChannel(channel_type="training", data_source=source,
        content_type="text/csv;header=present")],
    output_data_config=AutoMLOutputDataConfig(s3_output_path=f"s3://{bucket}/out"),
    auto_ml_job_objective=AutoMLJobObjective(metric_name="AUC"),
    auto_ml_problem_type_config=AutoMLProblemTypeConfig(tabular_job_config=table))
end = time.monotonic() + 60
while job.auto_ml_job_status == "InProgress" and time.monotonic() < end:
    job.refresh()
print(job.auto_ml_job_status, job.best_candidate.inference_containers[0].model_data_url)
"""


def test_sagemaker_core_trains_a_job(aws, table_uri):
    pytest.importorskip("sagemaker.core")
    environment = {**os.environ, **aws.server.env, "SAGEMAKER_CORE_ADMIN_CONFIG_OVERRIDE": os.devnull}
    command = [sys.executable, "-W", "ignore", "-c", CORE, table_uri, aws.bucket, aws.role]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:]
    status, url = ran.stdout.split()[-2:]
    assert status == "Completed"
    assert url.endswith("/sagemaker-automl-candidates/model/by-core-trial-t1-1/model.tar.gz")


def test_a_process_of_its_own_serves_the_clients_variables(tmp_path, monkeypatch):
    import boto3

    provider = "automl_bridge_sagemaker.sandbox.app:create"
    life.start(provider, home=tmp_path)
    try:
        for name, value in life.env(home=tmp_path).items():
            monkeypatch.setenv(name, value)
        assert os.environ["AWS_EC2_METADATA_DISABLED"] == "true"
        assert boto3.session.Session().client("sts").get_caller_identity()["Account"] == "123456789012"
        bucket = os.environ["AUTOML_BRIDGE_SAGEMAKER__BUCKET"]
        boto3.session.Session().client("s3").head_bucket(Bucket=bucket)
    finally:
        assert life.stop(provider, home=tmp_path)
