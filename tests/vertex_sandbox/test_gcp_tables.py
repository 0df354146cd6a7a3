import csv
import io

import pytest
from google.protobuf import json_format
from vertex_sandbox_kit import HEADER, state_of, table_inputs, to_csv


def test_a_table_is_learned_from_the_objects_in_the_bucket(vertex, trained):
    assert state_of(trained) == "SUCCEEDED"
    metadata = json_format.MessageToDict(type(trained).pb(trained).training_task_metadata)
    assert 0 < int(metadata["trainCostMilliNodeHours"]) <= 1000
    assert set(metadata) == {"trainCostMilliNodeHours"}
    (evaluation,) = vertex.client("Model").list_model_evaluations(parent=f"{trained.model_to_upload.name}@1")
    metrics = json_format.MessageToDict(type(evaluation).pb(evaluation).metrics)
    assert evaluation.metrics_schema_uri.endswith("classification_metrics_1.0.0.yaml")
    assert metrics["auRoc"] > 0.95


def test_predictions_join_by_key_alone(vertex, trained, loan_rows):
    rows = [[f"k{number}", *row[:3]] for number, row in enumerate(loan_rows[:600])]
    uri = vertex.put("predict/keys.csv", to_csv(rows, ["key", *HEADER[:3]]))
    job = vertex.predict("keys", trained.model_to_upload.name, uri)
    assert state_of(job) == "SUCCEEDED"
    assert job.completion_stats.successful_count == 600
    found = vertex.lines(job)
    keys = [line["instance"]["key"] for line in found]
    assert sorted(keys) == sorted(row[0] for row in rows)
    assert keys != [row[0] for row in rows]
    said = {line["instance"]["key"]: line["prediction"] for line in found}
    right = 0
    for key, row in zip((row[0] for row in rows), loan_rows, strict=False):
        scores = said[key]["scores"]
        assert sum(scores) == pytest.approx(1)
        right += said[key]["classes"][scores.index(max(scores))] == row[3]
    assert right > 550
    assert len(vertex.files(job.output_info.gcs_output_directory)) > 1


def test_csv_has_the_input_and_a_score_for_each_class(vertex, trained, loan_rows):
    uri = vertex.put("predict/plain.csv", to_csv([row[:3] for row in loan_rows[:20]], HEADER[:3]))
    job = vertex.predict("plain", trained.model_to_upload.name, uri, predictions="csv")
    ((name, content),) = vertex.files(job.output_info.gcs_output_directory).items()
    assert name == "prediction.results-00000-of-00001.csv"
    header, *rows = csv.reader(io.StringIO(content.decode()))
    assert header == [*HEADER[:3], "bought_yes_scores", "bought_no_scores"]
    assert len(rows) == 20


def test_regression(vertex, loan_rows):
    rows = [[*row[:3], f"{3 * float(row[0]) + (row[1] == 'red'):.3f}"] for row in loan_rows]
    dataset = vertex.dataset("numbers", vertex.put("data/numbers.csv", to_csv(rows, HEADER)))
    inputs = table_inputs(predictionType="regression", optimizationObjective="minimize-mae", disableEarlyStopping=True)
    pipeline = vertex.train("numbers", dataset, inputs, config={"fraction_split": {"training_fraction": 0.7}})
    assert state_of(pipeline) == "SUCCEEDED", pipeline.error
    metadata = json_format.MessageToDict(type(pipeline).pb(pipeline).training_task_metadata)
    assert metadata["trainCostMilliNodeHours"] == "1000"
    uri = vertex.put("predict/numbers.csv", to_csv([row[:3] for row in rows[:30]], HEADER[:3]))
    job = vertex.predict("numbers", pipeline.model_to_upload.name, uri)
    for line in vertex.lines(job):
        said = line["prediction"]
        assert said["lower_bound"] < said["value"] < said["upper_bound"]
        truth = 3 * float(line["instance"]["size"]) + (line["instance"]["colour"] == "red")
        assert said["value"] == pytest.approx(truth, abs=2)


def test_times_are_read_in_their_own_format(vertex, loan_rows):
    start = 1_735_689_600  # 2025-01-01
    rows = [[str(start + number * 3600), "yes" if number > 600 else "no"] for number in range(1200)]
    dataset = vertex.dataset("unix", vertex.put("data/unix.csv", to_csv(rows, ["at", "bought"])))
    times = [{"timestamp": {"columnName": "at", "timeFormat": "unix-seconds"}}]
    pipeline = vertex.train("unix", dataset, table_inputs(transformations=times))
    assert state_of(pipeline) == "SUCCEEDED", pipeline.error
    (evaluation,) = vertex.client("Model").list_model_evaluations(parent=pipeline.model_to_upload.name)
    assert evaluation.metrics["auRoc"] > 0.95
