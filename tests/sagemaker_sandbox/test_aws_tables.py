import csv
import gzip
import io
import json
import tarfile

import pyarrow as pa
import pytest
from pyarrow import parquet
from sagemaker_sandbox_kit import HEADER, to_csv

MODES = ["ENSEMBLING", "HYPERPARAMETER_TUNING"]


@pytest.mark.parametrize("mode", MODES)
def test_a_job_learns_from_the_objects_in_s3(trained, mode):
    job = trained(mode)
    assert job["AutoMLJobStatus"] == "Completed"
    final = job["BestCandidate"]["FinalAutoMLJobObjectiveMetric"]
    assert final["MetricName"] == "AUC"
    assert final["Type"] == "Maximize"
    assert final["Value"] > 0.95


@pytest.mark.parametrize(("mode", "containers", "deciding"), [(MODES[0], 1, 0), (MODES[1], 3, 2)])
def test_containers_and_artefact_are_as_documented(aws, trained, mode, containers, deciding):
    found = trained(mode)["BestCandidate"]["InferenceContainers"]
    assert len(found) == containers
    assert found[deciding]["Environment"]["SAGEMAKER_INFERENCE_OUTPUT"] == "predicted_label"
    assert "labels" in found[deciding]["Environment"]["SAGEMAKER_INFERENCE_SUPPORTED"]
    for one in found:
        with tarfile.open(fileobj=io.BytesIO(aws.get(one["ModelDataUrl"]))) as archive:
            assert archive.getnames()


def test_ensembling_answers_with_the_keys_asked_for(aws, trained, rows):
    uri = aws.put("predict/keys.csv", to_csv([row[:3] for row in rows[:50]]))
    containers = trained()["BestCandidate"]["InferenceContainers"]
    keys = "predicted_label, probability,probabilities,labels"
    job, folder = aws.transform("keys", containers, uri, keys=keys)
    assert job["TransformJobStatus"] == "Completed"
    answers = list(csv.reader(io.StringIO(aws.get(f"{folder}/keys.csv.out").decode())))
    assert len(answers) == 50
    for label, probability, probabilities, labels in answers:
        chances = json.loads(probabilities)
        names = json.loads(labels.replace("'", '"'))
        assert sum(chances) == pytest.approx(1)
        assert label == names[chances.index(max(chances))]
        assert float(probability) == max(chances)
    right = sum(answer[0] == row[3] for answer, row in zip(answers, rows, strict=False))
    assert right >= 45


def test_tuning_hands_keys_from_container_to_container(aws, trained, rows):
    uri = aws.put("predict/pipeline.csv", to_csv([row[:3] for row in rows[:20]]))
    containers = trained(MODES[1])["BestCandidate"]["InferenceContainers"]
    containers[1]["Environment"]["SAGEMAKER_INFERENCE_OUTPUT"] = "predicted_label,probability,probabilities"
    containers[2]["Environment"]["SAGEMAKER_INFERENCE_INPUT"] = "predicted_label,probability,probabilities"
    containers[2]["Environment"]["SAGEMAKER_INFERENCE_OUTPUT"] = "predicted_label,probability,probabilities,labels"
    _job, folder = aws.transform("pipeline", containers, uri)
    for _label, probability, probabilities, labels in csv.reader(
        io.StringIO(aws.get(f"{folder}/pipeline.csv.out").decode())
    ):
        assert labels == "['yes', 'no']"
        assert float(probability) == json.loads(probabilities)[1]  # of the second label, whichever is predicted


@pytest.mark.parametrize(
    ("second", "third"),
    [("labels", "labels"), ("predicted_label", "probabilities")],
    ids=["the algorithm has no labels", "not handed on"],
)
def test_tuning_fails_for_keys_that_do_not_pass(aws, trained, rows, second, third):
    uri = aws.put("predict/one.csv", to_csv([row[:3] for row in rows[:2]]))
    containers = trained(MODES[1])["BestCandidate"]["InferenceContainers"]
    containers[1]["Environment"]["SAGEMAKER_INFERENCE_OUTPUT"] = second
    containers[2]["Environment"]["SAGEMAKER_INFERENCE_INPUT"] = second
    containers[2]["Environment"]["SAGEMAKER_INFERENCE_OUTPUT"] = third
    job, _folder = aws.transform(f"bad-{third[:6]}", containers, uri)
    assert job["TransformJobStatus"] == "Failed"
    assert "FailureReason" in job


def test_parquet_with_a_validation_channel(aws, rows, binary):
    def written(part):
        buffer = io.BytesIO()
        columns = {"size": [float(r[0]) for r in part], "colour": [r[1] for r in part], "bought": [r[3] for r in part]}
        parquet.write_table(pa.table(columns), buffer)
        return buffer.getvalue()

    flipped = [[*row[:3], "no" if row[3] == "yes" else "yes"] for row in rows[500:]]
    uris = {
        "training": aws.put("pq/train/1.parquet", written(rows)),
        "validation": aws.put("pq/val/1.parquet", written(flipped)),
    }
    aws.put("pq/train/2.parquet", written(rows))
    job = aws.train(
        "parquet", {**uris, "training": f"s3://{aws.bucket}/pq/train/"}, binary(), objective="Accuracy",
        content_type="x-application/vnd.amazon+parquet",
    )  # fmt: skip
    final = job["BestCandidate"]["FinalAutoMLJobObjectiveMetric"]
    assert final["Value"] < 0.2  # scored on the validation channel, whose labels are turned round


def test_gzip_and_a_manifest(aws, rows, binary):
    half = to_csv(rows[:300], HEADER), to_csv(rows[300:], HEADER)
    for number, content in enumerate(half):
        aws.put(f"zipped/{number}.csv.gz", gzip.compress(content))
    request = aws.request("zipped", f"s3://{aws.bucket}/zipped/", binary(), objective="F1")
    request["AutoMLJobInputDataConfig"][0]["CompressionType"] = "Gzip"
    aws.client("sagemaker").create_auto_ml_job_v2(**request)
    assert aws.wait("zipped")["AutoMLJobStatus"] == "Completed"
    for number, content in enumerate(half):
        aws.put(f"listed/{number}.csv", content)
    manifest = json.dumps([{"prefix": f"s3://{aws.bucket}/listed/"}, "0.csv", "1.csv"])
    request = aws.request("listed", aws.put("manifest.json", manifest), binary(), objective="F1")
    request["AutoMLJobInputDataConfig"][0]["DataSource"]["S3DataSource"]["S3DataType"] = "ManifestFile"
    aws.client("sagemaker").create_auto_ml_job_v2(**request)
    assert aws.wait("listed")["AutoMLJobStatus"] == "Completed"


def test_multiclass_and_regression(aws, rows):
    def colour(row):
        return "low" if float(row[0]) < -0.5 else "high" if float(row[0]) > 0.5 else "middle"

    uri = aws.put("data/many.csv", to_csv([[*row[:3], colour(row)] for row in rows], HEADER))
    config = {"TargetAttributeName": "bought", "ProblemType": "MulticlassClassification"}
    config = {"TabularJobConfig": {**config, "CompletionCriteria": {"MaxCandidates": 2}}}
    job = aws.train("many", uri, config, objective="BalancedAccuracy")
    names = {m["StandardMetricName"] for m in job["BestCandidate"]["CandidateProperties"]["CandidateMetrics"]}
    assert {"Accuracy", "F1macro", "LogLoss"} <= names
    assert job["BestCandidate"]["FinalAutoMLJobObjectiveMetric"]["Value"] > 0.8
    uri = aws.put("data/number.csv", to_csv([[*row[:3], f"{3 * float(row[0]):.3f}"] for row in rows], HEADER))
    config = {"TargetAttributeName": "bought", "ProblemType": "Regression", "Mode": "HYPERPARAMETER_TUNING"}
    config = {"TabularJobConfig": {**config, "CompletionCriteria": {"MaxCandidates": 2}}}
    job = aws.train("number", uri, config, objective="RMSE")
    final = job["BestCandidate"]["FinalAutoMLJobObjectiveMetric"]
    assert final["Type"] == "Minimize"
    containers = job["BestCandidate"]["InferenceContainers"]
    assert len(containers) == 2
    _job, folder = aws.transform("number", containers, aws.put("predict/n.csv", to_csv([row[:3] for row in rows[:5]])))
    said = [float(line) for line in aws.get(f"{folder}/n.csv.out").decode().splitlines()]
    assert said == pytest.approx([3 * float(row[0]) for row in rows[:5]], abs=1.5)


def test_a_problem_type_is_found_out_when_none_is_given(aws, table_uri):
    config = {"TabularJobConfig": {"TargetAttributeName": "bought", "CompletionCriteria": {"MaxCandidates": 1}}}
    job = aws.train("guessed", table_uri, config)
    resolved = job["ResolvedAttributes"]
    assert resolved["AutoMLProblemTypeResolvedAttributes"]["TabularResolvedAttributes"]["ProblemType"] == (
        "BinaryClassification"
    )
    assert resolved["AutoMLJobObjective"]["MetricName"] == "F1"
