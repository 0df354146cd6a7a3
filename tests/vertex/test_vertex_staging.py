"""What is staged: the rows to the letter, once, without the holdout; and a bucket of the right region."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from vx_world import Bucket, dataset, pictures, predict_spec, series, settings, train_spec

from automl_bridge.data.build import build_predict_dataset
from automl_bridge.errors import ConfigError, LimitError, RejectedError
from automl_bridge.task import Task
from automl_bridge_vertex.objects import Objects
from automl_bridge_vertex.planning import plan_predict, plan_train
from automl_bridge_vertex.staging import check_staged, stage


@pytest.fixture
def bucket():
    return Bucket()


def rows_of(bucket, uri, part="part-00000.csv"):
    body = bucket.held[uri.removeprefix("gs://ab-test/") + part]
    return list(csv.DictReader(io.StringIO(body.decode(), newline="")))


def put(spec, built, bucket, **changes):
    plan = plan_train(spec, settings(**changes)) if spec.kind == "train" else plan_predict(spec, settings(**changes))
    return plan, stage(plan, built, bucket, settings(**changes))


def test_rows_of_a_table_without_the_holdout(bucket, binary):
    plan, staged = put(train_spec(binary), binary, bucket)
    assert set(staged.uris) == {"train", "validation"}
    named = plan.request["CreateDataset"]["dataset"]["metadata"]["inputConfig"]["gcsSource"]["uri"]
    assert all(uri.removeprefix("gs://ab-test/") in bucket.held for uri in named)
    assert not any("holdout" in key for key in bucket.held)
    rows = rows_of(bucket, staged.uris["train"])
    assert len(rows) == binary.profile.rows["train"]
    assert set(rows[0]) == {"groe_cm", "count", "flag", "level", "when", "target"}
    assert [row["target"] for row in rows] == [f"c{code}" for code in binary.target_codes("train")]
    assert {row["level"][:2] for row in rows if row["level"]} == {"v:"}
    assert any(row["level"] == "" for row in rows)
    # RFC 3339 with Z, which is what the service reads where it is told no format.
    assert all(row["when"][10] == "T" and row["when"].endswith("Z") and len(row["when"]) == 20 for row in rows)


def test_the_second_time_nothing_is_sent(bucket, binary):
    spec = train_spec(binary)
    _, first = put(spec, binary, bucket)
    _, second = put(spec, binary, bucket)
    assert first.bytes_sent == sum(map(len, bucket.held.values()))
    assert second.bytes_sent == 0
    check_staged(first, bucket)
    key = next(key for key in bucket.held if key.endswith("train.json"))
    del bucket.held[key]
    with pytest.raises(RejectedError, match="are not in gs://"):
        check_staged(first, bucket)


def test_rows_to_predict_have_their_numbers_and_no_target(bucket, binary):
    spec = predict_spec(binary)
    new = build_predict_dataset(binary.parts["holdout"], binary.profile)
    plan, staged = put(spec, new, bucket)
    rows = rows_of(bucket, staged.uris["predict"])
    assert [int(row["ab_row"]) for row in rows] == list(range(spec.profile.rows["predict"]))
    assert "target" not in rows[0]
    (uri,) = plan.request["CreateBatchPredictionJob"]["batchPredictionJob"]["inputConfig"]["gcsSource"]["uris"]
    assert uri == staged.uris["predict"] + "part-00000.csv"


def test_many_objects_are_all_named_in_the_plan_and_numbered_through(bucket, binary, monkeypatch):
    monkeypatch.setattr("automl_bridge.cloud.rows.OBJECT_BYTES", 4096)
    new = build_predict_dataset(binary.parts["holdout"], binary.profile)
    plan, staged = put(predict_spec(binary), new, bucket)
    uris = plan.request["CreateBatchPredictionJob"]["batchPredictionJob"]["inputConfig"]["gcsSource"]["uris"]
    assert len(uris) > 3
    rows = [row for uri in uris for row in rows_of(bucket, staged.uris["predict"], uri.rpartition("/")[2])]
    assert [int(row["ab_row"]) for row in rows] == list(range(new.profile.rows["predict"]))


def test_the_column_of_the_time_goes_along_where_rows_are_split_by_it(bucket):
    timed = dataset(time="when")[1]
    plan, staged = put(train_spec(timed), timed, bucket)
    config = plan.request["CreateTrainingPipeline"]["trainingPipeline"]["inputDataConfig"]
    assert all(row[config["timestampSplit"]["key"]].endswith("Z") for row in rows_of(bucket, staged.uris["train"]))


def test_weights_beside_the_target_and_those_that_the_service_refuses(bucket):
    weighted = dataset(weight=np.arange(2000.0))[1]
    plan, staged = put(train_spec(weighted), weighted, bucket)
    name = plan.request["CreateTrainingPipeline"]["trainingPipeline"]["trainingTaskInputs"]["weightColumnName"]
    given = [float(row[name]) for row in rows_of(bucket, staged.uris["train"])]
    np.testing.assert_array_equal(given, weighted.weights("train"))
    heavy = dataset(weight=np.arange(2000.0) * 10)[1]
    empty = Bucket()
    with pytest.raises(LimitError) as caught:
        put(train_spec(heavy), heavy, empty)
    assert caught.value.limit == "vertex.tabular.max_weight"
    assert empty.held == {}


def test_series_by_one_name_each(bucket):
    built = series()
    _, staged = put(train_spec(built, task=Task.FORECASTING, metric="mase"), built, bucket)
    rows = rows_of(bucket, staged.uris["train"])
    # Two columns tell them apart; a bar in a value is not the bar between two.
    assert {row["ab_series"] for row in rows} == {f"v:s\\p{n}|v:{('Köln', 'Bonn')[n % 2]}" for n in range(8)}
    assert set(rows[0]) == {"ab_series", "shop", "city", "the_day", "target", "sale", "rain"}
    assert len(rows_of(bucket, staged.uris["validation"])) == 8 * 14
    assert len(rows) == 8 * (200 - 28)


def test_a_question_has_history_and_numbered_rows_without_a_target(bucket):
    from automl_bridge.data.series_context import holdout_question

    built = series()
    asked = holdout_question(built)
    spec = predict_spec(built, new=asked, task=Task.FORECASTING, metric="mase")
    _, staged = put(spec, asked, bucket)
    rows = rows_of(bucket, staged.uris["predict"])
    numbered = [row for row in rows if row["ab_row"]]
    assert [int(row["ab_row"]) for row in numbered] == list(range(8 * 14))
    assert all(row["target"] == "" and row["sale"] and not row["rain"] for row in numbered)
    history = [row for row in rows if not row["ab_row"]]
    assert len(history) == asked.profile.rows["context"]
    assert all(row["target"] for row in history)
    # History comes before what is asked, series by series.
    for name in {row["ab_series"] for row in rows}:
        marks = [bool(row["ab_row"]) for row in rows if row["ab_series"] == name]
        assert marks == sorted(marks)


def test_a_series_that_is_too_long_is_named(bucket):
    built = series(shops=1, days=3100)
    with pytest.raises(LimitError, match="has 3,086 steps; Vertex AI takes 3,000") as caught:
        put(train_spec(built, task=Task.FORECASTING, metric="mase"), built, bucket)
    assert caught.value.limit == "vertex.forecasting.max_series_length"
    assert bucket.held == {}


def test_images_by_their_content_and_a_list_of_labels(bucket):
    built = pictures()
    plan, staged = put(train_spec(built, task=Task.IMAGE_CLASSIFICATION, metric="accuracy"), built, bucket)
    (config,) = plan.request["ImportData"]["importConfigs"]
    lines = []
    for uri in config["gcsSource"]["uris"]:
        text = bucket.held[uri.removeprefix("gs://ab-test/")].decode()
        lines += [json.loads(line) for line in text.splitlines()]
    assert len(lines) == built.profile.rows["train"] + built.profile.rows["validation"]
    assert {line["classificationAnnotation"]["displayName"] for line in lines} == {"c0", "c1"}
    images = {line["imageGcsUri"] for line in lines}
    assert {uri.rpartition(".")[2] for uri in images} == {"png", "jpg"}
    for uri in images:
        assert bucket.held[uri.removeprefix("gs://ab-test/")][:3] in {b"\x89PN", b"\xff\xd8\xff"}
    assert set(staged.uris) == {"train", "validation"}


def test_images_to_predict_keep_their_order_and_a_missing_one_has_a_line(bucket):
    built = pictures()
    rows = built.parts["holdout"]
    images = [*rows["picture"].to_pylist()[:3], rows["picture"][0].as_py(), None]
    new = build_predict_dataset(pa.table({"picture": pa.array(images, pa.large_binary())}), built.profile)
    spec = predict_spec(built, new=new, task=Task.IMAGE_CLASSIFICATION, metric="accuracy")
    plan, _ = put(spec, new, bucket)
    (uri,) = plan.request["CreateBatchPredictionJob"]["batchPredictionJob"]["inputConfig"]["gcsSource"]["uris"]
    lines = [json.loads(line) for line in bucket.held[uri.removeprefix("gs://ab-test/")].decode().splitlines()]
    assert len(lines) == 5
    assert lines[0] == lines[3]
    assert len({line["content"] for line in lines}) == 4
    assert all(line["content"].removeprefix("gs://ab-test/") in bucket.held for line in lines)


def test_another_split_of_the_same_data_is_not_taken_for_this_one(bucket, binary):
    put(train_spec(binary), binary, bucket)
    with pytest.raises(RejectedError, match="in another split"):
        put(train_spec(binary), replace(binary, split_digest="other"), bucket)


def test_settings_that_are_missing_or_have_changed_since_the_plan(bucket, binary):
    plan = plan_train(train_spec(binary), settings())
    with pytest.raises(ConfigError, match="needs bucket") as caught:
        stage(plan, binary, bucket, settings(bucket=None))
    assert "AUTOML_BRIDGE_VERTEX__BUCKET" in caught.value.hint
    with pytest.raises(ConfigError, match="planned for another place"):
        stage(plan, binary, bucket, settings(bucket="other"))
    assert bucket.held == {}


class _Storage:
    """A bucket somewhere, or none."""

    def __init__(self, location: str, kind: str) -> None:
        self.location, self.location_type = location, kind

    def get_bucket(self, name, **_):
        from google.api_core.exceptions import NotFound

        if not self.location:
            raise NotFound(name)
        return self


class _Clients:
    retry = None

    def __init__(self, location: str, kind: str = "region") -> None:
        self.storage = _Storage(location, kind)


@pytest.mark.parametrize(
    ("location", "kind", "says"),
    [
        ("EUROPE-WEST4", "region", "is in europe-west4, the jobs would run in us-central1"),
        ("US", "multi-region", "is a multi-region one (us), the jobs would run in us-central1"),
        ("NAM4", "dual-region", "is a dual-region one (nam4), the jobs would run in us-central1"),
    ],
)
def test_a_bucket_that_is_not_in_the_region_of_the_jobs(location, kind, says):
    with pytest.raises(ConfigError) as caught:
        Objects(_Clients(location, kind), settings()).check_region()
    assert says in caught.value.message
    assert caught.value.limit == "vertex.all.bucket_region"
    assert caught.value.source.endswith("/issues/2003")


def test_a_bucket_that_is_right_and_one_that_is_not_there():
    Objects(_Clients("US-CENTRAL1"), settings()).check_region()
    with pytest.raises(ConfigError, match="there is no bucket ab-test"):
        Objects(_Clients(""), settings()).check_region()
