"""From a long table to train, validation and holdout: all series are looked at, and none is left out in silence."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest
from series_kit import built, sales

from automl_bridge.data.build import build_dataset
from automl_bridge.data.dataset import Dataset
from automl_bridge.data.series_context import holdout_question, validation_question
from automl_bridge.errors import DataError, SchemaError, TargetError, UsageError
from automl_bridge.spec import Role
from automl_bridge.task import Task


def test_the_last_steps_of_each_series_are_held_out_in_any_order_of_rows(tmp_path) -> None:
    table = sales()
    dataset = built(table, known_future=["promo"])
    assert dataset.profile.rows == {"train": 4 * 106, "validation": 28, "holdout": 28}
    held = dataset.parts["holdout"].to_pandas()
    for shop, rows in table.groupby("shop"):
        assert held[held.shop == shop].sold.tolist() == rows.sold.tail(7).tolist()
        between = dataset.parts["validation"].to_pandas()
        assert between[between.shop == shop].sold.tolist() == rows.sold.iloc[-14:-7].tolist()
    roles = {column.name: column.role for column in dataset.profile.columns}
    assert roles == {"shop": Role.SERIES, "day": Role.TIME, "sold": Role.TARGET, "promo": Role.FEATURE}
    shuffled = built(table.sample(frac=1, random_state=1), known_future=["promo"])
    assert shuffled.key == dataset.key
    again = Dataset.open(dataset.save(tmp_path).path)
    assert again.forecast == dataset.forecast
    assert again.key == dataset.key


def test_the_task_is_found_from_the_horizon_and_options_of_a_forecast_are_refused_elsewhere() -> None:
    table = sales(1)
    assert build_dataset(table, target="sold", time="day", forecast={"horizon": 7})[0] is Task.FORECASTING
    with pytest.raises(UsageError, match="horizon: options of a forecast"):
        build_dataset(table, target="sold", task="tabular-regression", forecast={"horizon": 7})
    with pytest.raises(UsageError, match="needs its number of steps"):
        build_dataset(table, target="sold", time="day", task="forecasting")
    with pytest.raises(UsageError, match="which column is the time"):
        build_dataset(table, target="sold", task="forecasting", forecast={"horizon": 7})
    with pytest.raises(UsageError, match="takes no weights"):
        build_dataset(table, target="sold", time="day", weight="promo", forecast={"horizon": 7})
    with pytest.raises(SchemaError, match=r'no column "shpo".* Did you mean "shop"'):
        built(table, series="shpo")
    with pytest.raises(SchemaError, match='"sold" is the target'):
        built(table, known_future="sold")
    with pytest.raises(TargetError, match="one target"):
        build_dataset(table, target=["sold", "promo"], time="day", forecast={"horizon": 7})
    for wrong in ({"horizon": 0}, {"windows": 0}, {"quantiles": [0.5, 1.5]}, {"gaps": "maybe"}, {"horizon": "x"}):
        with pytest.raises(UsageError):
            built(table, **wrong)


def test_a_table_of_one_series_needs_no_series_column() -> None:
    dataset = built(sales(1).drop(columns=["shop", "promo"]), series=None)
    assert dataset.profile.rows == {"train": 106, "validation": 7, "holdout": 7}
    assert [column.name for column in dataset.profile.columns] == ["day", "sold"]


class TestIrregular:
    """D01: a fault in series 118 of 130, late in the file, is named; or mended as asked."""

    table = sales(130, 40)
    row = 118 * 40 + 33

    @pytest.mark.parametrize(
        ("damage", "words", "note"),
        [
            ("double", 'series "shop 73" 2024-02-03 is there more than once', "1 averaged with others"),
            ("drop", 'series "shop 73" 2024-02-03 is missing', "1 added"),
            ("shift", 'series "shop 73" 2024-02-03 05:00:00 is not a whole number of steps', "1 moved to the step"),
            ("blank", 'series "shop 73" 2024-02-03 has no target', "1 given a target"),
        ],
    )
    def test_it_is_named_or_mended(self, damage: str, words: str, note: str) -> None:
        table = self.table.copy()
        row = int(table.index[(table.shop == "shop 73") & (table.day == "2024-02-03")][0])
        if damage == "double":
            table = pd.concat([table, table.loc[[row]]])
        elif damage == "drop":
            table = table.drop(index=row)
        elif damage == "shift":
            table.loc[row, "day"] += pd.Timedelta(hours=5)
        else:
            table.loc[row, "sold"] = np.nan
        with pytest.raises(DataError) as caught:
            built(table, known_future="promo")
        assert words in caught.value.message
        assert "--gaps fill" in (caught.value.hint or "")
        mended = built(table, known_future="promo", gaps="fill")
        assert any(note in said for said in mended.notes)
        whole = built(self.table, known_future="promo")
        assert mended.profile.rows == whole.profile.rows
        far = np.abs(mended.target_values("train") - whole.target_values("train"))
        assert (far > 1e-9).sum() <= 1

    def test_a_gap_takes_what_lies_between_its_neighbours_within_its_series(self) -> None:
        table = pd.DataFrame(
            {
                "shop": ["a"] * 30 + ["b"] * 30,
                "day": list(pd.date_range("2024-01-01", periods=30)) * 2,
                "sold": [*np.arange(30.0), *np.arange(100.0, 130.0)],
                "colour": ["red"] * 30 + ["blue"] * 30,
            }
        ).drop(index=[5, 6, 31, 32])
        dataset = built(table, gaps="fill")
        train = dataset.parts["train"].to_pandas()
        assert train[train.shop == "a"].sold.tolist() == list(np.arange(16.0))
        assert train[train.shop == "b"].sold.tolist() == list(np.arange(100.0, 116.0))
        assert set(train[train.shop == "b"].colour) == {"blue"}

    def test_rows_before_the_first_and_after_the_last_value_are_left_out_with_a_note(self) -> None:
        table = sales(2, 60)
        table.loc[[0, 1, 59], "sold"] = np.nan
        dataset = built(table)
        assert sum(dataset.profile.rows.values()) == 117
        assert any(note.startswith("3 rows left out") for note in dataset.notes)
        table.loc[table.shop == "shop 1", "sold"] = np.nan
        with pytest.raises(DataError, match='series "shop 1" has no target in any row'):
            built(table)

    def test_many_faults_are_counted(self) -> None:
        with pytest.raises(DataError, match=r"is missing \(and 125 more places like that\)"):
            built(self.table[self.table.day != "2024-01-20"])


class TestShort:
    """D04: series shorter than the horizon needs."""

    def test_short_ones_among_long_ones_are_kept_and_named(self) -> None:
        short = [sales(1, 3).assign(shop="three"), sales(1, 1).assign(shop="one")]
        dataset = built(pd.concat([sales(5, 60), *short]), horizon=14)
        assert dataset.profile.rows == {"train": 5 * 32 + 4, "validation": 70, "holdout": 70}
        said = next(note for note in dataset.notes if "shorter" in note)
        assert "2 of 7 series are shorter than 44 steps" in said
        assert 'series "one" has 1' in said
        assert 'series "three" has 3' in said

    def test_only_short_ones_are_refused_with_lengths_and_the_least(self) -> None:
        table = pd.concat([sales(1, 3).assign(shop="three"), sales(1, 9).assign(shop="nine")])
        with pytest.raises(DataError, match="all 2 series are too short") as caught:
            built(table, horizon=14)
        assert "at least 44" in caught.value.message
        assert 'series "nine" has 9' in caught.value.message

    def test_the_least_length_is_enough(self) -> None:
        assert built(sales(1, 23)).profile.rows == {"train": 9, "validation": 7, "holdout": 7}
        with pytest.raises(DataError):
            built(sales(1, 22))
        assert built(sales(1, 16), holdout=0.0).profile.rows == {"train": 9, "validation": 7}


class TestQuestions:
    """What a model is asked: what was not known at the time is not told."""

    def test_the_holdout_in_its_own_order_without_what_was_not_known(self) -> None:
        table = sales()
        table["weather"] = np.arange(len(table), dtype=float)
        dataset = built(table, known_future=["promo"])
        question = holdout_question(dataset)
        asked, held = question.parts["predict"], dataset.parts["holdout"]
        assert asked.select(["shop", "day", "promo"]).equals(held.select(["shop", "day", "promo"]))
        assert asked["sold"].null_count == asked["weather"].null_count == 28
        assert question.profile.rows == {"context": 4 * 113, "predict": 28}
        assert question.parts["context"]["sold"].null_count == 0
        assert question.question().num_rows == 4 * 120

    def test_each_window_looks_back_at_what_lay_before_it(self) -> None:
        table = sales(2, 120)
        dataset = built(table, windows=3)
        assert dataset.profile.rows == {"train": 2 * 92, "validation": 14, "holdout": 42}
        question = holdout_question(dataset)
        assert (
            question.parts["predict"].select(["shop", "day"]).equals(dataset.parts["holdout"].select(["shop", "day"]))
        )
        context = question.parts["context"].to_pandas()
        ends = context.groupby(["shop", "automl_bridge_window"]).day.max()
        days = sorted(table.day.unique())
        assert ends.loc["shop 0"].tolist() == [days[98], days[105], days[112]]

    def test_validation_is_asked_from_the_training_rows(self) -> None:
        dataset = built(sales())
        rows = validation_question(dataset)
        assert rows.num_rows == dataset.profile.rows["train"] + dataset.profile.rows["validation"]
        assert rows["sold"].null_count == dataset.profile.rows["validation"]


def test_a_thousand_series_of_a_thousand_steps_are_read_and_split_in_seconds() -> None:
    stamps = pd.date_range("2020-01-01", periods=1000)
    table = pd.DataFrame(
        {
            "shop": np.repeat([f"s{each}" for each in range(1000)], 1000),
            "day": np.tile(stamps, 1000),
            "sold": np.random.default_rng(0).normal(size=1_000_000),
        }
    )
    began = time.perf_counter()
    dataset = built(table)
    assert time.perf_counter() - began < 20  # 0.5 s on one quiet core
    assert dataset.profile.rows["holdout"] == 7000
