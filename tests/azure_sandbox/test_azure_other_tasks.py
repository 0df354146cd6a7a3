"""Forecasts, texts and images."""

import io
import json
import pickle
import random
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from azure_sandbox_kit import delimited, limits, to_csv
from PIL import Image

JSONL = json.dumps(
    {
        "paths": [{"file": "./images.jsonl"}],
        "transformations": [
            {"read_json_lines": {"encoding": "utf8", "invalid_lines": "error"}},
            {"convert_column_types": [{"columns": "image_url", "column_type": "stream_info"}]},
        ],
    }
)


def model_of(azure, best, name="model.pkl"):
    blob = azure.storage.get_blob_client("azureml", f"ExperimentRun/dcid.{best}/outputs/mlflow-model/{name}")
    return pickle.loads(blob.download_blob().readall())


def test_a_forecast_has_quantiles_for_each_series(azure):
    from azure.ai.ml import automl
    from azure.ai.ml.automl import ForecastingSettings

    start = date(2026, 1, 1)
    rows = [
        [shop, (start + timedelta(days=day)).isoformat(), 50 * (1 + (shop == "b")) + 20 * (day % 7 == 5)]
        for shop in ("a", "b") for day in range(70)
    ]  # fmt: skip
    uri = azure.put_rows("data/series", rows, ["shop", "day", "sold"])
    job = automl.forecasting(
        training_data=azure.input(uri), target_column_name="sold", compute="cpu-cluster",
        primary_metric="normalized_root_mean_squared_error",
        forecasting_settings=ForecastingSettings(
            time_column_name="day", forecast_horizon=7, time_series_id_column_names=["shop"], frequency="D"
        ),
    )  # fmt: skip
    job.name = "forecast"
    job.set_training(enable_vote_ensemble=False, enable_stack_ensemble=False, enable_model_explainability=False)
    azure.submit(limits(job))
    done = azure.wait("forecast")
    assert done.status == "Completed", azure.error("forecast")
    model = model_of(azure, done.tags["automl_best_child_run_id"])
    days = [(start + timedelta(days=day)).isoformat() for day in range(70, 77)]
    frame = pd.DataFrame({"shop": ["a"] * 7 + ["b"] * 7, "day": days * 2})
    values, shown = model.forecast(frame)
    assert values.shape == (14,)
    assert len(shown) == 14
    assert values[7:].mean() == pytest.approx(2 * values[:7].mean(), rel=0.2)
    model.quantiles = [0.1, 0.5, 0.9]
    found = model.forecast_quantiles(frame)
    assert list(found.columns) == ["day", "shop", 0.1, 0.5, 0.9]
    assert (found[0.1] <= found[0.9]).all()
    assert found["day"].tolist() == [pd.Timestamp(day) for day in days * 2]
    assert list(model.forecast_quantiles(frame, quantiles=[0.25]).columns) == ["day", "shop", 0.25]
    context = pd.DataFrame({"shop": ["a"] * 9, "day": [f"2026-05-0{n}" for n in range(1, 10)]})
    known = np.array([500.0] * 8 + [np.nan])
    assert model.forecast(context, known)[0][-1] > 300


def test_texts_are_classified_and_a_trial_is_a_run_of_the_sweep(azure):
    from azure.ai.ml import automl

    draw = random.Random(3)
    words = {"good": ["great", "love", "fine"], "bad": ["awful", "hate", "poor"]}
    rows = [[f"i {draw.choice(words[label])} this {n}", label] for n in range(60) for label in words]
    uris = [
        azure.put_rows(f"data/text-{n}", part, ["text", "label"]) for n, part in enumerate((rows[:100], rows[100:]))
    ]
    job = automl.text_classification(
        training_data=azure.input(uris[0]), validation_data=azure.input(uris[1]), target_column_name="label",
        primary_metric="accuracy",
    )  # fmt: skip
    job.name = "texts"
    job.set_limits(timeout_minutes=60, max_trials=1)
    azure.submit(job)
    done = azure.wait("texts")
    assert done.status == "Completed", azure.error("texts")
    best = done.tags["automl_best_child_run_id"]
    assert best == "texts_HD_0"
    assert list(azure.children("texts")) == ["texts_HD"]
    assert list(azure.children("texts_HD")) == ["texts_HD_0"]
    run = azure.ml.jobs._runs_operations.get_run(best)
    assert (run.compute.vm_size, run.compute.target, run.compute.gpu_count) == ("STANDARD_NC6S_V3", "serverless", 1)
    model = model_of(azure, best)
    assert model.predict(pd.DataFrame({"text": ["i love it", "i hate it"]})) == ["good", "bad"]


def test_images_are_classified_and_answer_probs_and_labels(azure):
    from azure.ai.ml import automl

    draw, files, lines = random.Random(5), {}, []
    for number in range(24):
        label = ("red", "blue")[number % 2]
        colour = (200, draw.randrange(60), 20) if label == "red" else (20, draw.randrange(60), 200)
        buffer = io.BytesIO()
        Image.new("RGB", (20, 20), colour).save(buffer, "PNG")
        files[f"images/{number}.png"] = buffer.getvalue()
        place = f"azureml://datastores/workspaceblobstore/paths/data/images/images/{number}.png"
        lines.append(json.dumps({"image_url": place, "label": label}))
    files["images.jsonl"] = "\n".join(lines).encode()
    uri = azure.put("data/images", files, JSONL)
    job = automl.image_classification(training_data=azure.input(uri), target_column_name="label",
                                      primary_metric="accuracy", compute="gpu-cluster")  # fmt: skip
    job.name = "images"
    job.set_limits(timeout_minutes=60, max_trials=1)
    body = {"location": "eastus", "properties": {"computeType": "AmlCompute", "properties": {
        "vmSize": "Standard_NC4as_T4_v3", "scaleSettings": {"maxNodeCount": 1, "minNodeCount": 0}}}}  # fmt: skip
    path = f"{azure.ml.workspaces.get().id}/computes/gpu-cluster?api-version=2023-08-01-preview"
    assert azure.request("PUT", path, body)[0] == 201
    azure.submit(job)
    done = azure.wait("images")
    assert done.status == "Completed", azure.error("images")
    model = model_of(azure, done.tags["automl_best_child_run_id"], "python_model.pkl")
    found = model.predict(pd.DataFrame({"image": [files["images/0.png"], files["images/1.png"]]}))
    said = [row.labels[int(np.argmax(row.probs))] for row in found.itertuples()]
    assert said == ["red", "blue"]


def test_images_need_a_gpu(azure):
    from azure.ai.ml import automl

    uri = azure.put("data/no-images", {"images.jsonl": b'{"image_url": "x", "label": "y"}'}, JSONL)
    job = automl.image_classification(training_data=azure.input(uri), target_column_name="label", compute="cpu-cluster")
    job.name = "no-gpu"
    job.set_limits(timeout_minutes=60)
    azure.submit(job)
    assert azure.wait("no-gpu").status == "Failed"
    assert "has no GPU" in azure.error("no-gpu")


def test_a_line_break_within_quotes_needs_the_option_for_it(azure, classification, rows):
    broken = [[a, b, "two\nlines", y] for a, b, _c, y in rows]
    content = to_csv(broken, ["size", "colour", "note", "bought"])
    for name, options, status in (("breaks", {}, "Failed"), ("kept", {"support_multi_line": True}, "Completed")):
        uri = azure.put(f"data/{name}", {"data.csv": content}, delimited("data.csv", **options))
        azure.submit(classification(name, uri=uri, max_trials=1))
        assert azure.wait(name).status == status
