"""Numbers written with signs and thousands: read as numbers where they can mean only one, told where not."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl_bridge.data.build import build_dataset, build_predict_dataset
from automl_bridge.data.written import Way, way_of
from automl_bridge.errors import SchemaError
from automl_bridge.spec import Kind
from automl_bridge.task import Task

if TYPE_CHECKING:
    from pathlib import Path


def column(values: list[str | None]) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, pa.string())])


@pytest.mark.parametrize(
    ("values", "numbers"),
    [
        (["$1,234.50", "$7", "-$0.25", "$-3", "($2.00)", "$ 5", None], [1234.5, 7, -0.25, -3, -2, 5, None]),
        (["$1,234", "$12,345"], [1234, 12345]),
        (["£10", "£1,000,000"], [10, 1e6]),
        (["1.234,50 €", "7 €", "-0,25\u00a0€", "-"], [1234.5, 7, -0.25, None]),
        (["€1,234.50", "€7"], [1234.5, 7]),
        (["€5", "€12"], [5, 12]),
        (["1.234,5 $", "2 $"], [1234.5, 2]),
        (["12.5%", "7 %", "-3%", "n/a", ""], [12.5, 7, -3, None, None]),
        (["12,5%", "7%"], [12.5, 7]),
        (["%5", "%7.5"], [5, 7.5]),
        (["12.345%", "7%"], [12.345, 7]),
        (["1,234,567.89", "12", "-3.5"], [1234567.89, 12, -3.5]),
        (["1,234,567", "12"], [1234567, 12]),
    ],
)
def test_one_way_of_writing_is_read(values, numbers):
    way = way_of(column(values))
    assert way is not None
    assert way.read(column(values), "c").to_pylist() == numbers
    assert Way.parse(str(way)) == way


@pytest.mark.parametrize(
    "values",
    [
        ["1,234 €", "12,345 €"],
        ["1.234 €", "12.345 €"],
        ["12,345%"],
        ["1,234", "12,345"],
        ["$5", "5 €"],
        ["$5", "5"],
        ["5%", "0.05"],
        ["$5", "free"],
        ["$1,23", "$1.5"],
        ["$1,234.5", "$1.234,5"],
        ["5", "6"],
        ["1.5", "2"],
        ["31.12.2024", "1.1.2025"],
        ["$"],
        ["%"],
        ["$$5"],
        ["1,2,3"],
        ["12,34,567"],
        ["(5", "5)"],
        ["-", "?"],
        [None],
    ],
)
def test_anything_else_is_left_as_it_is(values):
    assert way_of(column(values)) is None


_WAYS = st.builds(Way, st.sampled_from(["", "$", "€", "£", "¥", "₹", "%"]), st.booleans())


@settings(max_examples=200, deadline=None)
@given(way=_WAYS, cents=st.lists(st.integers(-(10**11), 10**11), min_size=1, max_size=20), side=st.booleans())
def test_what_is_written_comes_back(way, cents, side):
    written = []
    for value in cents:
        text = f"{abs(value) // 100:,}.{abs(value) % 100:02}"
        if way.decimal_comma:
            text = text.translate(str.maketrans(",.", ".,"))
        text = f"{way.sign} {text}" if side and way.sign != "%" else text + way.sign
        written.append(("-" if value < 0 else "") + text)
    assert way.read(column(written), "c").to_pylist() == [value / 100 for value in cents]
    found = way_of(column(written))
    if found is not None:
        assert found.read(column(written), "c").to_pylist() == [value / 100 for value in cents]
    else:
        # Without a sign there must be a thousand, and decimal commas are read elsewhere.
        assert not way.sign
        assert way.decimal_comma or max(map(abs, cents)) < 100_000


def frame(rows: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    price = rng.integers(100, 10**8, rows) / 100
    return pd.DataFrame({"price": price, "z": np.arange(rows) % 5, "y": np.where(price > np.median(price), "p", "n")})


def dressed(table: pd.DataFrame, form: str) -> pd.DataFrame:
    return table.assign(price=[form.format(value) for value in table["price"]])


def write(path: Path, table: pd.DataFrame, separator: str = ",") -> Path:
    buffer = io.StringIO(newline="")
    out = csv.writer(buffer, delimiter=separator)
    out.writerow(table.columns)
    out.writerows(table.itertuples(index=False))
    path.write_text(buffer.getvalue())
    return path


@pytest.mark.parametrize("form", ["${:,.2f}", "{:,.2f}", "{:.2f}%", "€{:,.2f}"])
@pytest.mark.parametrize("source", ["file", "frame"])
def test_training_and_new_rows_read_alike(tmp_path, form, source):
    table = frame()
    given = dressed(table, form)
    _, dataset = build_dataset(write(tmp_path / "d.csv", given) if source == "file" else given, target="y")
    profile = next(column for column in dataset.profile.columns if column.name == "price")
    assert (profile.kind, profile.arrow_type) == (Kind.NUMERIC, "double")
    assert any('column "price" is read as numbers' in note for note in dataset.notes)
    for number, text in ((1234.0, "1,234"), (5.5, "5.5"), (12345.0, "12,345")):
        new = pd.DataFrame({"price": [text], "z": [1]})
        for separator in ",;":
            read = build_predict_dataset(write(tmp_path / "new.csv", new, separator), dataset.profile)
            assert read.features("predict")["price"].to_pylist() == [number]
        assert build_predict_dataset(new, dataset.profile).features("predict")["price"].to_pylist() == [number]
    again = build_predict_dataset(given, type(dataset.profile).model_validate_json(dataset.profile.model_dump_json()))
    assert again.features("predict")["price"].to_pylist() == pytest.approx(table["price"].tolist(), abs=0.006)
    plain = build_predict_dataset(table, dataset.profile).features("predict")["price"].to_pylist()
    assert plain == table["price"].tolist()


def test_a_new_value_in_another_way_is_an_error_that_names_it():
    _, dataset = build_dataset(dressed(frame(), "${:,.2f}"), target="y")
    with pytest.raises(SchemaError, match=r'"price".*like \$1,234\.50.*row 2 holds \'5,50 €\''):
        build_predict_dataset(pd.DataFrame({"price": ["$5", "5,50 €"], "z": [1, 2]}), dataset.profile)


@pytest.mark.parametrize(
    ("form", "words"),
    [("{:,.0f} €", "may mean more than one number"), ("${:,.2f}", "but for 1 of 60 values like")],
)
def test_what_stays_as_it_is_is_told(form, words):
    table = dressed(frame(), form)
    table.loc[:, "price"] = [f"{1000 + i:,} €" for i in range(60)] if "€" in form else table["price"]
    if "$" in form:
        table.loc[7, "price"] = "free"
    _, dataset = build_dataset(table, target="y", types=None)
    assert any('column "price"' in note and words in note for note in dataset.notes), dataset.notes


@pytest.mark.parametrize("kind", ["categorical", "numeric", "integer"])
def test_a_kind_set_by_hand_counts(kind):
    table = frame().assign(price=[f"${1000 + i:,}" for i in range(60)])
    _, dataset = build_dataset(table, target="y", types={"price": kind})
    found = pa.concat_tables(dataset.parts.values())["price"].to_pylist()
    assert sorted(found) == (sorted(table["price"]) if kind == "categorical" else [1000 + i for i in range(60)])


@pytest.mark.parametrize("asked", [None, "tabular-regression"])
def test_a_target_of_prices_is_a_regression(asked):
    table = frame(300)
    target = [f"${value:,.2f}" for value in table["price"]]
    task, dataset = build_dataset(table[["z"]].assign(x=table["price"]), y=target, task=asked)
    assert task is Task.TABULAR_REGRESSION
    values = np.concatenate([dataset.target_values(part)[:, 0] for part in dataset.parts])
    assert sorted(values) == sorted(table["price"])


def test_a_target_of_few_prices_stays_classes():
    task, dataset = build_dataset(frame()[["z", "price"]], y=["$5", "$10"] * 30)
    assert task is Task.TABULAR_CLASSIFICATION
    assert dataset.profile.classes == ("$10", "$5")
