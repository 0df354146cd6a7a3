import csv
import io
import json
import math

import pytest
from PIL import Image
from sagemaker_sandbox_kit import to_csv


def picture(colour):
    buffer = io.BytesIO()
    Image.new("RGB", (24, 24), colour).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("layout", ["folders", "augmented manifest"])
def test_images(aws, layout):
    records = []
    for number in range(24):
        name, colour = ("red", (200 + number, 0, 0)) if number % 2 else ("blue", (0, 0, 200 + number))
        uri = aws.put(f"images/{name}/{number}.png", picture(colour))
        records.append(json.dumps({"source-ref": uri, "label-metadata": {"class-name": name}}))
    name = f"images-{layout[:3]}"
    uri = f"s3://{aws.bucket}/images/" if layout == "folders" else aws.put("images.manifest", "\n".join(records))
    request = aws.request(name, uri, {"ImageClassificationJobConfig": {"CompletionCriteria": {"MaxCandidates": 1}}},
                          content_type="image/*", objective="Accuracy")  # fmt: skip
    if layout != "folders":
        request["AutoMLJobInputDataConfig"][0]["DataSource"]["S3DataSource"]["S3DataType"] = "AugmentedManifestFile"
    aws.client("sagemaker").create_auto_ml_job_v2(**request)
    best = aws.wait(name)["BestCandidate"]
    assert best["FinalAutoMLJobObjectiveMetric"]["Value"] == 1.0
    assert set(best["InferenceContainerDefinitions"]) == {"CPU", "GPU"}
    aws.put(f"look/{name}/1.png", picture((255, 20, 20)))
    aws.put(f"look/{name}/2.png", picture((20, 20, 255)))
    _job, folder = aws.transform(
        name, best["InferenceContainers"], f"s3://{aws.bucket}/look/{name}/",
        keys="predicted_label,probabilities,labels",
        input_config={"ContentType": "image/*"}, output_config={},
    )  # fmt: skip
    said = [next(csv.reader([aws.get(f"{folder}/{number}.png.out").decode()])) for number in (1, 2)]
    assert [row[0] for row in said] == ["red", "blue"]
    assert said[0][2] == "['red', 'blue']"


def test_texts(aws):
    rows = [
        [f"what a good, lovely day {n}", "glad"] if n % 2 else [f"such an awful night {n}", "sad"] for n in range(80)
    ]
    uri = aws.put("texts/train.csv", to_csv(rows, ["words", "mood"]))
    config = {"TextClassificationJobConfig": {"ContentColumn": "words", "TargetLabelColumn": "mood"}}
    best = aws.train("texts", uri, config)["BestCandidate"]
    uri = aws.put("texts/new.csv", to_csv([["lovely, good"], ["awful"]]))
    _job, folder = aws.transform("texts", best["InferenceContainers"], uri)
    assert aws.get(f"{folder}/new.csv.out").decode().split() == ["glad", "sad"]


def test_forecasts(aws):
    days = [f"2024-{1 + day // 28:02d}-{1 + day % 28:02d}" for day in range(84)]
    rows = [
        [item, day, f"{(1 + place) * (20 + 10 * math.sin(2 * math.pi * step / 7)):.3f}"]
        for place, item in enumerate(["milk", "bread"])
        for step, day in enumerate(days)
    ]
    uri = aws.put("series/train.csv", to_csv(rows, ["item", "day", "sold"]))
    series = {"TargetAttributeName": "sold", "TimestampAttributeName": "day", "ItemIdentifierAttributeName": "item"}
    config = {"ForecastFrequency": "1D", "ForecastHorizon": 7, "TimeSeriesConfig": series,
              "ForecastQuantiles": ["p10", "p50", "p90"]}  # fmt: skip
    best = aws.train("series", uri, {"TimeSeriesForecastingJobConfig": config})["BestCandidate"]
    metric = best["FinalAutoMLJobObjectiveMetric"]
    assert (metric["MetricName"], metric["Type"]) == ("AverageWeightedQuantileLoss", "Minimize")
    assert metric["Value"] < 0.2
    job, folder = aws.transform("series", best["InferenceContainers"], uri, input_config={"SplitType": "None"})
    assert job["TransformJobStatus"] == "Completed"
    said = list(csv.DictReader(io.StringIO(aws.get(f"{folder}/train.csv.out").decode())))
    assert list(said[0]) == ["item", "day", "p10", "p50", "p90", "mean"]
    assert len(said) == 14
    assert said[0]["day"] == "2024-03-29 00:00:00"
    assert float(said[0]["p10"]) <= float(said[0]["p50"]) <= float(said[0]["p90"])
    short = aws.put("series/short.csv", to_csv(rows[:3], ["item", "day", "sold"]))
    job, _folder = aws.transform("series-short", best["InferenceContainers"], short, input_config={"SplitType": "None"})
    assert job["TransformJobStatus"] == "Failed"
    assert "at least 4" in job["FailureReason"]
