import io
import json
import random

import pytest
from google.api_core import exceptions
from google.protobuf import json_format
from PIL import Image
from vertex_sandbox_kit import IMAGE, IMAGE_TASK, SINGLE_LABEL, state_of, value

COLOURS = {"red_one": (200, 30, 30), "blue_one": (30, 30, 200)}


def _png(colour, draw):
    image = Image.new("RGB", (20, 20), tuple(max(0, min(255, one + draw.randint(-25, 25))) for one in colour))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def images(_vertex):
    """Return addresses and labels of 60 images in the bucket."""
    draw = random.Random(1)
    found = []
    for number in range(60):
        label = list(COLOURS)[number % 2]
        found.append((_vertex.put(f"images/{number}.png", _png(COLOURS[label], draw)), label))
    return found


def _records(images, uses=None):
    for number, (uri, label) in enumerate(images):
        record = {"imageGcsUri": uri, "classificationAnnotation": {"displayName": label}}
        if uses:
            record["dataItemResourceLabels"] = {"aiplatform.googleapis.com/ml_use": uses[number % len(uses)]}
        yield json.dumps(record)


def _imported(vertex, name, content, ending="jsonl"):
    dataset = vertex.client("Dataset").create_dataset(
        parent=vertex.parent, dataset={"display_name": name, "metadata_schema_uri": IMAGE}
    )
    dataset = dataset.result(timeout=30)
    uri = vertex.put(f"import/{name}.{ending}", content)
    config = {"gcs_source": {"uris": [uri]}, "import_schema_uri": SINGLE_LABEL}
    operation = vertex.client("Dataset").import_data(name=dataset.name, import_configs=[config])
    operation.result(timeout=30)
    return dataset, operation


@pytest.fixture(scope="module")
def image_dataset(_vertex, images):
    return _imported(_vertex, "pictures", "\n".join(_records(images)))[0]


@pytest.fixture(scope="module")
def image_pipeline(_vertex, image_dataset):
    inputs = {"modelType": "CLOUD", "budgetMilliNodeHours": 8000, "multiLabel": False}
    return _vertex.train("pictures", image_dataset, inputs, task=IMAGE_TASK)


def test_images_are_learned(vertex, image_pipeline, image_dataset):
    assert state_of(image_pipeline) == "SUCCEEDED", image_pipeline.error
    metadata = json_format.MessageToDict(type(image_pipeline).pb(image_pipeline).training_task_metadata)
    assert 0 < int(metadata["costMilliNodeHours"]) <= 8000
    assert metadata["successfulStopReason"] == "BUDGET_REACHED"
    assert vertex.client("Dataset").get_dataset(name=image_dataset.name).data_item_count == 60
    model = vertex.client("Model").get_model(name=image_pipeline.model_to_upload.name)
    assert list(model.supported_output_storage_formats) == ["jsonl"]
    assert not model.supported_export_formats
    (evaluation,) = vertex.client("Model").list_model_evaluations(parent=model.name)
    assert evaluation.metrics["auPrc"] > 0.9


def test_images_are_predicted_with_errors_apart(vertex, image_pipeline, images):
    lines = [json.dumps({"content": uri, "mimeType": "image/png"}) for uri, _label in images[:10]]
    lines += [json.dumps({"content": f"gs://{vertex.bucket}/images/none.png", "mimeType": "image/png"})]
    uri = vertex.put("predict/images.jsonl", "\n".join(lines))
    job = vertex.predict("images", image_pipeline.model_to_upload.name, uri, instances="jsonl")
    assert (job.completion_stats.successful_count, job.completion_stats.failed_count) == (10, 1)
    files = vertex.files(job.output_info.gcs_output_directory)
    assert set(files) == {"predictions_00001.jsonl", "errors_00001.jsonl"}
    labels = dict(images)
    for line in vertex.lines(job):
        said = line["prediction"]
        assert said["displayNames"][0] == labels[line["instance"]["content"]]
        assert said["confidences"] == sorted(said["confidences"], reverse=True)
        assert all(one.isdigit() for one in said["ids"])
    error = json.loads(files["errors_00001.jsonl"])["error"]
    assert set(error) == {"code", "message"}


def test_only_as_many_labels_as_asked_for(vertex, image_pipeline, images):
    uri = vertex.put("predict/one.jsonl", json.dumps({"content": images[0][0], "mimeType": "image/png"}))
    model = image_pipeline.model_to_upload.name
    job = vertex.predict("one", model, uri, instances="jsonl", model_parameters=value({"maxPredictions": 1}))
    (line,) = vertex.lines(job)
    assert len(line["prediction"]["ids"]) == 1
    request = vertex.batch("bad", model, uri, instances="jsonl", model_parameters=value({"maxPrediction": 1}))
    with pytest.raises(exceptions.BadRequest, match="maxPrediction"):
        vertex.client("Job").create_batch_prediction_job(parent=vertex.parent, batch_prediction_job=request)


def test_filters_choose_the_sets(vertex, images):
    content = "\n".join(_records(images, ["training", "training", "validation", "validation", "test", "other"]))
    dataset, _operation = _imported(vertex, "filtered", content)
    filters = {
        f"{use}_filter": f"labels.aiplatform.googleapis.com/ml_use={use}" for use in ("training", "validation", "test")
    }
    inputs = {"budgetMilliNodeHours": 8000}
    pipeline = vertex.train("filtered", dataset, inputs, task=IMAGE_TASK, config={"filter_split": filters})
    assert state_of(pipeline) == "SUCCEEDED", pipeline.error
    stats = vertex.client("Model").get_model(name=pipeline.model_to_upload.name).data_stats
    counts = (stats.training_data_items_count, stats.validation_data_items_count, stats.test_data_items_count)
    assert counts == (20, 20, 10)


def test_mobile_models_are_exported(vertex, image_dataset):
    inputs = {"modelType": "MOBILE_TF_LOW_LATENCY_1", "budgetMilliNodeHours": 1000}
    pipeline = vertex.train("mobile", image_dataset, inputs, task=IMAGE_TASK)
    model = vertex.client("Model").get_model(name=pipeline.model_to_upload.name)
    assert model.supported_export_formats[0].id == "tflite"
    config = {"artifact_destination": {"output_uri_prefix": f"gs://{vertex.bucket}/export"}}
    operation = vertex.client("Model").export_model(name=model.name, output_config=config)
    operation.result(timeout=30)
    folder = operation.metadata.output_info.artifact_output_uri
    assert "model.json" in vertex.files(folder)


def test_a_csv_import_and_what_it_leaves_out(vertex, images):
    rows = [f"TRAINING,{uri},{label}" for uri, label in images]
    rows += [f"{images[0][0].replace('0.png', 'gone.png')},red_one", f"{images[1][0]},1st"]
    dataset, operation = _imported(vertex, "rows", "\n".join(rows), "csv")
    assert vertex.client("Dataset").get_dataset(name=dataset.name).data_item_count == 60
    failures = [one.message for one in operation.metadata.generic_metadata.partial_failures]
    assert len(failures) == 2
    assert "was not found" in failures[0]


@pytest.mark.parametrize(
    ("content", "words"), [('{"imageUri": "gs://x/y.png"}', "import schema"), ("", "no file could be imported")]
)
def test_an_import_of_nothing_fails(vertex, content, words):
    with pytest.raises(exceptions.GoogleAPICallError, match=words):
        _imported(vertex, "nothing", content)


def test_too_few_images_of_a_label_fail_the_pipeline(vertex, images):
    few = [one for one in images if one[1] == "red_one"][:20] + [one for one in images if one[1] == "blue_one"][:5]
    dataset, _operation = _imported(vertex, "few", "\n".join(_records(few)))
    pipeline = vertex.train("few", dataset, {"budgetMilliNodeHours": 8000}, task=IMAGE_TASK)
    assert (state_of(pipeline), pipeline.error.code) == ("FAILED", 3)
    assert "fewer than 10 images: blue_one" in pipeline.error.message
