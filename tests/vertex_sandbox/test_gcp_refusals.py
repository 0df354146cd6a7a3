import pytest
import requests
from google.api_core import exceptions
from vertex_sandbox_kit import (
    HEADER,
    NOT_RETRIED,
    TABLE_TASK,
    TABULAR,
    TIME_SERIES,
    state_of,
    table_inputs,
    to_csv,
    value,
)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"targetColum": "bought"}, "targetColum"),
        ({"trainBudgetMilliNodeHours": "999"}, "between 1000 and 72000"),
        ({"trainBudgetMilliNodeHours": "72001"}, "between 1000 and 72000"),
        ({"trainBudgetMilliNodeHours": None}, "between 1000 and 72000"),
        ({"predictionType": "ranking"}, "Unsupported prediction type"),
        ({"predictionType": "regression", "optimizationObjective": "maximize-au-roc"}, "Unsupported objective"),
        ({"optimizationObjective": "maximize-precision-at-recall"}, "optimization_objective_recall_value"),
        ({"optimizationObjectiveRecallValue": 0.5}, "Not allowed with this"),
        ({"targetColumn": None}, "target_column; Message: Required"),
        ({"transformations": []}, "At least one transformation"),
        ({"transformations": [{"numeric": {"columnName": "size"}}] * 2}, "more than once"),
        ({"transformations": [{"numeric": {"columName": "size"}}]}, "columName"),
        ({"transformations": [{"auto": {"columnName": "bought"}}]}, "must not be transformed"),
    ],
)
@pytest.mark.parametrize("transport", ["rest", "grpc"])
def test_inputs_that_are_refused(vertex, loans, change, words, transport):
    request = vertex.pipeline("refused", loans, table_inputs(**change))
    with pytest.raises((exceptions.BadRequest, exceptions.InvalidArgument), match=words):
        vertex.client("Pipeline", transport).create_training_pipeline(
            parent=vertex.parent, training_pipeline=request, **NOT_RETRIED
        )


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"display_name": ""}, exceptions.BadRequest, "display_name; Message: Required"),
        ({"display_name": "x" * 129}, exceptions.BadRequest, "128 characters"),
        ({"labels": {"Run": "1"}}, exceptions.BadRequest, "lowercase letters"),
        ({"labels": {"run": "x" * 65}}, exceptions.BadRequest, "64 characters"),
        ({"labels": {"1run": "x"}}, exceptions.BadRequest, "start with a letter"),
        ({"labels": {f"k{n}": "" for n in range(65)}}, exceptions.BadRequest, "no more than 64"),
        ({"model_to_upload": {"display_name": "m", "labels": {"a b": ""}}}, exceptions.BadRequest, "model_to_upload"),
        ({"training_task_definition": TABLE_TASK.replace("tabular", "tabula")}, exceptions.BadRequest, "Unsupported"),
        (
            {"training_task_definition": TABLE_TASK.replace("tabular", "text_classification")},
            exceptions.BadRequest,
            "no longer supported",
        ),
        ({"input_data_config": {"dataset_id": "12345"}}, exceptions.NotFound, "Dataset 12345 does not exist"),
        ({"parent_model": "projects/p-one-two/locations/us-central1/models/1"}, exceptions.NotFound, "Model"),
        ({"model_id": "9lives"}, exceptions.BadRequest, "model_id"),
    ],
)
def test_pipelines_that_are_refused(vertex, loans, change, error, words):
    request = {**vertex.pipeline("refused", loans, table_inputs()), **change}
    with pytest.raises(error, match=words):
        vertex.client("Pipeline").create_training_pipeline(parent=vertex.parent, training_pipeline=request)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"fraction_split": {"training_fraction": 0.9, "test_fraction": 0.2}}, "sum up to at most 1"),
        ({"filter_split": {"training_filter": "-", "validation_filter": "-", "test_filter": "-"}}, "unstructured"),
        ({"predefined_split": {}}, "key is required"),
    ],
)
def test_splits_that_are_refused(vertex, loans, config, words):
    request = vertex.pipeline("split", loans, table_inputs(), config=config)
    with pytest.raises(exceptions.BadRequest, match=words):
        vertex.client("Pipeline").create_training_pipeline(parent=vertex.parent, training_pipeline=request)


def test_the_kind_of_dataset_must_fit(vertex, loan_rows):
    dataset = vertex.dataset("kind", vertex.put("data/kind.csv", to_csv(loan_rows, HEADER)), schema=TIME_SERIES)
    with pytest.raises(exceptions.BadRequest, match="cannot be used with"):
        vertex.train("kind", dataset, table_inputs())


@pytest.mark.parametrize(
    ("parent", "words"),
    [
        ("projects/automl-bridge-sandbox/locations/global", "not a region"),
        ("projects/automl-bridge-sandbox/locations/mars-1", "not a region"),
        ("projects/X/locations/us-central1", "Invalid project"),
    ],
)
def test_locations_that_are_refused(vertex, parent, words):
    with pytest.raises(exceptions.BadRequest, match=words):
        vertex.client("Dataset").list_datasets(parent=parent)


def test_datasets_that_are_refused(vertex):
    vertex.storage.create_bucket("bucket-in-europe", location="europe-west4")

    def create(uri, **more):
        return vertex.dataset("refused", uri, **more)

    with pytest.raises(exceptions.BadRequest, match=r"is in location `europe-west4`\. It must be in the same regional"):
        create("gs://bucket-in-europe/some.csv")
    vertex.storage.create_bucket("bucket-in-all-states", location="US")
    with pytest.raises(exceptions.BadRequest, match="is in location `us`"):
        create("gs://bucket-in-all-states/some.csv")
    with pytest.raises(exceptions.BadRequest, match="does not exist"):
        create("gs://no-such-bucket-here/some.csv")
    with pytest.raises(exceptions.BadRequest, match="not a Google Cloud Storage path"):
        create("s3://bucket/some.csv")
    with pytest.raises(exceptions.BadRequest, match="Unsupported schema"):
        create("gs://some/x.csv", schema=TABULAR.replace("tabular", "tabula"))
    with pytest.raises(exceptions.BadRequest, match="no longer supported"):
        create("gs://some/x.csv", schema=TABULAR.replace("tabular", "text"))
    with pytest.raises(exceptions.BadRequest, match="one source"):
        create("gs://some/x.csv", metadata=value({"inputConfig": {}}))


@pytest.fixture
def failing(vertex, loan_rows):
    """Train on changed rows and return the error."""

    def train(name, rows, header=HEADER, inputs=None, **more):
        dataset = vertex.dataset(name, vertex.put(f"failing/{name}.csv", to_csv(rows, header)))
        pipeline = vertex.train(name, dataset, inputs or table_inputs(), **more)
        assert state_of(pipeline) == "FAILED"
        assert pipeline.error.code == 3
        assert pipeline.error.message.startswith("Training pipeline failed with error message: ")
        assert "training_task_metadata" not in pipeline  # failed training is not billed
        return pipeline.error.message

    return train


def test_data_that_fails_the_pipeline(failing, loan_rows):
    assert "Too few rows: 999. Minimum number is: 1000" in failing("rows", loan_rows[:999])
    wide = [[*row, *("1" for _ in range(997))] for row in loan_rows[:1000]]
    assert "1001 columns" in failing("wide", wide, [*HEADER, *(f"c{n}" for n in range(997))])
    assert "Columns not found in the dataset: colour" in failing("column", loan_rows, ["size", "color", *HEADER[2:]])
    assert "Columns not found in the dataset: bought" in failing("target", loan_rows, [*HEADER[:3], "paid"])
    assert 'Invalid column name "a b"' in failing("names", loan_rows, ["size", "a b", *HEADER[2:]])
    nulls = [[*row[:3], ""] if number < 3 else row for number, row in enumerate(loan_rows)]
    assert "3 missing values" in failing("nulls", nulls)
    assert "1 distinct values" in failing("one", [[*row[:3], "yes"] for row in loan_rows])
    text = [[f"about {row[0]}" if number % 3 else row[0], *row[1:]] for number, row in enumerate(loan_rows)]
    assert "Of 1,200 inputs, 400 were valid. At least 50%" in failing("text", text)


def test_a_weight_out_of_range_fails_the_pipeline(failing, loan_rows):
    rows = [[*row, "20000" if number == 7 else "1"] for number, row in enumerate(loan_rows)]
    inputs = table_inputs(weightColumnName="weight")
    assert "between 0 and 10000" in failing("weight", rows, [*HEADER, "weight"], inputs)


def _counts(vertex, pipeline):
    assert state_of(pipeline) == "SUCCEEDED", pipeline.error
    stats = vertex.client("Model").get_model(name=pipeline.model_to_upload.name).data_stats
    return stats.training_data_items_count, stats.validation_data_items_count, stats.test_data_items_count


def test_a_predefined_split_drops_what_it_does_not_know_without_a_word(vertex, failing, loan_rows):
    def with_use(values):
        return [[*row, values[number % len(values)]] for number, row in enumerate(loan_rows)]

    header = [*HEADER, "use"]
    config = {"predefined_split": {"key": "use"}}
    right = with_use(["training", "training", "training", "test", "validation", "training"])
    dataset = vertex.dataset("use", vertex.put("data/use.csv", to_csv(right, header)))
    assert _counts(vertex, vertex.train("use", dataset, table_inputs(), config=config)) == (800, 200, 200)
    some = with_use(["training"] * 10 + ["test", "VALIDATE"])
    dataset = vertex.dataset("some", vertex.put("data/some.csv", to_csv(some, header)))
    assert _counts(vertex, vertex.train("some", dataset, table_inputs(), config=config)) == (1000, 0, 100)
    page = with_use(["TRAIN", "TRAIN", "VALIDATE", "TEST"])
    assert "Too few rows: 0" in failing("use-page", page, header, config=config)
    vertex.server.context.settings["predefined_split"] = "page"
    dataset = vertex.dataset("page", vertex.put("data/page.csv", to_csv(page, header)))
    assert _counts(vertex, vertex.train("page", dataset, table_inputs(), config=config)) == (600, 300, 300)


def test_the_earliest_rows_train_in_a_timestamp_split(vertex, loan_rows):
    rows = [[*row, f"2025-01-{1 + number // 60:02d}T00:00:{number % 60:02d}Z"] for number, row in enumerate(loan_rows)]
    rows[0][-1], rows[1][-1] = "2025-01-01", "yesterday"  # no RFC 3339 date-time: ignored
    dataset = vertex.dataset("times", vertex.put("data/times.csv", to_csv(rows, [*HEADER, "at"])))
    split = {"key": "at", "training_fraction": 0.5, "validation_fraction": 0.25, "test_fraction": 0.25}
    counts = _counts(vertex, vertex.train("times", dataset, table_inputs(), config={"timestamp_split": split}))
    assert counts == (599, 300, 299)


def test_a_stratified_split_mirrors_the_classes(vertex, loans):
    split = {"key": "bought", "training_fraction": 0.8, "validation_fraction": 0.1, "test_fraction": 0.1}
    counts = _counts(vertex, vertex.train("strata", loans, table_inputs(), config={"stratified_split": split}))
    assert sum(counts) == 1200
    assert counts[0] == pytest.approx(960, abs=2)


def test_batch_jobs_that_are_refused(vertex, trained, loan_rows):
    model = trained.model_to_upload.name
    uri = vertex.put("predict/refused.csv", to_csv([row[:3] for row in loan_rows[:5]], HEADER[:3]))

    def refused(error, words, model=model, **change):
        request = {**vertex.batch("refused", model, uri), **change}
        with pytest.raises(error, match=words):
            vertex.client("Job").create_batch_prediction_job(parent=vertex.parent, batch_prediction_job=request)

    refused(exceptions.NotFound, "The Model does not exist", model=f"{vertex.parent}/models/123")
    refused(exceptions.NotFound, "The Model does not exist", model=f"{model}@7")
    config = {"instances_format": "parquet", "gcs_source": {"uris": [uri]}}
    refused(exceptions.BadRequest, '"parquet" is not supported by the Model', input_config=config)
    vertex.storage.create_bucket("bucket-in-asia", location="asia-east1")
    destination = {"output_uri_prefix": "gs://bucket-in-asia/out"}
    config = {"predictions_format": "csv", "gcs_destination": destination}
    refused(exceptions.BadRequest, "is in location `asia-east1`", output_config=config)
    refused(exceptions.BadRequest, "takes no model_parameters", model_parameters=value({"threshold": 0.5}))


def test_rows_that_cannot_be_predicted_are_errors(vertex, trained, loan_rows):
    lines = to_csv([row[:3] for row in loan_rows[:5]], HEADER[:3]).decode() + "not a number,red,x\n1,red\n"
    job = vertex.predict(
        "mixed", trained.model_to_upload.name, vertex.put("predict/mixed.csv", lines), predictions="csv"
    )
    assert (job.completion_stats.successful_count, job.completion_stats.failed_count) == (5, 2)
    files = vertex.files(job.output_info.gcs_output_directory)
    errors = files["prediction.errors_stats-00000-of-00001.csv"].decode()
    assert errors.splitlines()[0] == "size,colour,note,error"
    uri = vertex.put("predict/lacking.csv", to_csv([row[:2] for row in loan_rows[:5]], HEADER[:2]))
    job = vertex.predict("lacking", trained.model_to_upload.name, uri)
    assert (state_of(job), job.error.code) == ("FAILED", 3)
    assert "Missing struct property: note" in job.error.message


def test_values_in_json_lines_must_be_text(vertex, trained):
    lines = '{"size": "0.1", "colour": "red", "note": ""}\n{"size": 0.1, "colour": "red", "note": ""}\n'
    uri = vertex.put("predict/typed.jsonl", lines)
    job = vertex.predict("typed", trained.model_to_upload.name, uri, instances="jsonl")
    assert (job.completion_stats.successful_count, job.completion_stats.failed_count) == (1, 1)


def test_the_documented_layout_of_predictions(vertex, trained, loan_rows):
    vertex.server.context.settings["prediction_layout"] = "documented"
    uri = vertex.put("predict/layout.csv", to_csv([row[:3] for row in loan_rows[:300]], HEADER[:3]))
    job = vertex.predict("layout", trained.model_to_upload.name, uri, predictions="csv")
    assert set(vertex.files(job.output_info.gcs_output_directory)) == {"predictions_0001.csv", "predictions_0002.csv"}


def test_unknown_fields_and_paths_over_rest(vertex):
    url = f"{vertex.server.url}/v1/{vertex.parent}/datasets"
    answer = requests.post(url, json={"displayNam": "x"}, timeout=10)
    assert answer.status_code == 400
    assert "displayNam" in answer.json()["error"]["message"]
    answer = requests.get(url, params={"pageSiz": 3}, timeout=10)
    assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert requests.get(f"{vertex.server.url}/v1/nothing", timeout=10).status_code == 404
