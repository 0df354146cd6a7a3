"""Rows as they are sent: one line a row, the same words for training and for predicting, nothing left to guess."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sm_world import dataset, table

from automl_bridge.cloud.wire import csv_bytes, parquet_bytes, wire_rows
from automl_bridge.data.build import build_dataset, build_predict_dataset
from automl_bridge_sagemaker.feature_spec import feature_types


def cells(rows: pa.Table) -> list[list[str]]:
    return list(csv.reader(io.StringIO(csv_bytes(rows, header=False).decode(), newline="")))


@pytest.fixture(scope="module")
def rows():
    built = dataset()[1]
    return built, wire_rows(built.features("train"), built.profile, codes=built.target_codes("train"))


def test_types_are_stated_under_safe_names(rows):
    built, wired = rows
    stated = json.loads(feature_types(built.profile))
    assert stated["FeatureAttributeNames"] == wired.column_names[:-1]
    assert list(stated["FeatureDataTypes"].values()) == ["numeric", "numeric", "numeric", "categorical", "datetime"]


def test_categories_are_never_numbers_nor_nulls_nor_two_lines(rows):
    _, wired = rows
    levels = set(wired["level"].drop_null().to_pylist())
    assert levels == {"v:NA", "v:01", 'v:a,"b"', "v:x\\ny"}


def test_training_and_predicting_write_the_same(rows):
    built, wired = rows
    again = build_predict_dataset(built.parts["train"], built.profile)
    new = wire_rows(again.features("predict"), again.profile)
    assert cells(new) == [row[:-1] for row in cells(wired)]
    from_parquet = pq.read_table(io.BytesIO(parquet_bytes(wired)))
    assert cells(from_parquet) == cells(wired)


def test_one_line_a_row(rows):
    _, wired = rows
    body = csv_bytes(wired, header=True)
    assert body.count(b"\n") == wired.num_rows + 1


def test_stamps_are_in_utc_and_infinity_is_missing():
    whole = table(1200)
    zoned = whole.set_column(4, "when", whole["when"].cast(pa.timestamp("us", "Europe/Berlin")))
    built = build_dataset(zoned, target="target")[1]
    wired = wire_rows(built.features("train"), built.profile)
    plain = dataset()[1]
    assert wired["when"].equals(wire_rows(plain.features("train"), plain.profile)["when"])
    wild = zoned.set_column(0, zoned.column_names[0], pa.array([np.inf, -np.inf, 1e300] * 400))
    found = wire_rows(build_predict_dataset(wild, built.profile).features("predict"), built.profile)
    assert found.column(0).to_pylist()[:3] == [None, None, 1e300]


@given(st.lists(st.one_of(st.none(), st.text(max_size=6)), min_size=1, max_size=30))
def test_a_single_text_column_keeps_its_rows_whatever_is_in_it(texts):
    from automl_bridge.spec import ColumnProfile, Kind, Profile

    column = ColumnProfile(name="t", safe_name="t", kind=Kind.TEXT, arrow_type="string")
    profile = Profile(rows={"predict": len(texts)}, bytes=1, columns=(column,), fingerprint="0")
    body = csv_bytes(wire_rows(pa.table({"t": pa.array(texts, pa.string())}), profile), header=False)
    lines = body.decode().split("\n")
    assert lines.pop() == ""
    assert len(lines) == len(texts)
    assert all(line for line in lines)
