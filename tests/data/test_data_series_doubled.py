"""Filling does not average several series with each other, unless that was asked for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from automl_bridge.data.build import build_dataset
from automl_bridge.data.series_predict import build_series_predict_dataset
from automl_bridge.errors import DataError

DAYS = pd.date_range("2024-01-01", periods=60)


def shops(*names: str) -> pd.DataFrame:
    tables = [
        pd.DataFrame({"shop": name, "day": DAYS, "sold": level + np.arange(60.0), "row": np.arange(60) + 60 * level})
        for level, name in enumerate(names)
    ]
    return pd.concat(tables, ignore_index=True)


def built(table, gaps="fill", **options):
    return build_dataset(
        table, target="sold", time="day", forecast={"horizon": 5, "gaps": gaps, **options}, name="sales.csv"
    )[1]


def test_a_missing_series_column_is_named_before_anything_is_averaged():
    with pytest.raises(DataError, match=r"sales\.csv: 60 of 60 stamps are there more than once: a column") as caught:
        built(shops("north", "south", "west"))
    assert "--series shop tells them apart" in caught.value.hint
    assert "row" not in caught.value.hint.partition(";")[0]
    assert "--gaps average" in caught.value.hint


def test_two_columns_that_tell_apart_together_are_named_together():
    table = shops("a", "b", "c", "d").assign(region=lambda frame: frame["shop"].isin(["a", "b"]), city="x")
    table["shop"] = table["shop"].replace({"c": "a", "d": "b"})
    with pytest.raises(DataError) as caught:
        built(table)
    assert "--series shop --series region tells them apart" in caught.value.hint
    with pytest.raises(DataError, match=r"60 of 120 stamps .* in their series") as caught:
        built(pd.concat([table[table.region], table[~table.region & (table.shop == "a")]]), series="shop")
    assert "--series shop --series region tells them apart" in caught.value.hint


def test_no_column_that_would_do_is_said():
    with pytest.raises(DataError) as caught:
        built(shops("a", "b")[["day", "sold"]])
    assert "name it: --series COLUMN" in caught.value.hint


def test_asked_for_it_is_averaged_with_a_note():
    dataset = built(shops("a", "b")[["day", "sold"]], gaps="average")
    assert dataset.target_values("train")[:3, 0].tolist() == [0.5, 1.5, 2.5]
    assert any("60 averaged with others of their step" in note for note in dataset.notes)


def test_a_few_doubled_stamps_and_many_in_one_step_are_filled():
    table = shops("a").drop(columns=["shop", "row"])
    assert built(pd.concat([table, table.iloc[[5, 9]]])).profile.rows == built(table).profile.rows
    hours = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=24 * 60, freq="h"), "sold": 1.0})
    assert sum(built(hours, freq="D").profile.rows.values()) == 60


def test_several_series_as_new_history_of_one_are_refused():
    one = built(shops("a").drop(columns=["shop", "row"]))
    late = shops("a", "b").drop(columns=["row"]).assign(day=lambda frame: frame["day"] + pd.Timedelta(days=60))
    with pytest.raises(DataError, match=r"60 of 60 stamps .* more series than the model can tell apart"):
        build_series_predict_dataset(late, one.profile, one.forecast, None)
    few = pd.concat([late[late["shop"] == "a"].iloc[:20], late.iloc[[3, 5, 7]]])
    found = build_series_predict_dataset(few, one.profile, one.forecast, None)
    assert found.profile.rows["predict"] == 5
