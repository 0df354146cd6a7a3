"""New data for a forecaster: history, rows to come, both or neither; what is missing is named."""

# ruff: noqa: PD011 - the values of a panel are no pandas'

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from series_kit import after, built, sales

from automl_bridge.data.dataset import Dataset
from automl_bridge.data.series import Panel, aligned
from automl_bridge.data.series_context import read_context, tail, write_context
from automl_bridge.data.series_predict import build_series_predict_dataset
from automl_bridge.errors import BackendError, DataError, SchemaError

TABLE = sales()
HORIZON = 7


@pytest.fixture(scope="module")
def promoted() -> Dataset:
    """Return data whose promotion is known in advance."""
    return built(TABLE, known_future=["promo"])


@pytest.fixture(scope="module")
def plain() -> Dataset:
    """Return data of which nothing is known in advance."""
    return built(TABLE)


def asked(dataset: Dataset, source: Any, *, kept: bool = True) -> Dataset:
    """Return the question that new data make."""
    assert dataset.forecast is not None
    stored = read_context(write_context(tail(dataset))) if kept else None
    return build_series_predict_dataset(source, dataset.profile, dataset.forecast, stored)


def steps(question: Dataset) -> list[tuple[str, pd.Timestamp]]:
    """Return series and stamp of each row to forecast."""
    rows = question.parts["predict"].to_pandas()
    return list(zip(rows.shop, rows.day, strict=True))


def expected(table: pd.DataFrame) -> list[tuple[str, pd.Timestamp]]:
    """Return the steps after the end of each series of ``table``."""
    rows = after(table, HORIZON)
    return list(zip(rows.shop, rows.day, strict=True))


class TestKnownInAdvance:
    """D05: values known in advance, but too few."""

    def test_rows_for_all_steps_are_enough_with_what_the_model_keeps(self, promoted: Dataset) -> None:
        question = asked(promoted, after(TABLE, HORIZON, 1.0))
        assert steps(question) == expected(TABLE)
        assert question.parts["predict"]["promo"].to_pylist() == [1.0] * 28
        assert question.parts["predict"]["sold"].null_count == 28
        assert question.profile.rows == {"context": 480, "predict": 28}

    def test_too_few_rows_name_the_column_and_the_first_missing_stamp(self, promoted: Dataset) -> None:
        few = after(TABLE, 5)
        with pytest.raises(DataError) as caught:
            asked(promoted, few)
        assert '"promo", known in advance, for 2024-05-05' in caught.value.message
        assert "8 of the 28 steps" in caught.value.message
        with pytest.raises(DataError, match='series "shop 0" has no row with "promo"'):
            asked(promoted, TABLE)
        with pytest.raises(DataError, match="for 2024-04-30"):
            asked(promoted, None)

    def test_a_missing_column_or_value_is_named(self, promoted: Dataset) -> None:
        rows = after(TABLE, HORIZON)
        with pytest.raises(DataError, match='"promo" is known in advance, and series "shop 0" lacks it for 2024-04-30'):
            asked(promoted, rows.drop(columns="promo"))
        rows.loc[(rows.shop == "shop 2") & (rows.day == "2024-05-02"), "promo"] = np.nan
        with pytest.raises(DataError, match='series "shop 2" lacks it for 2024-05-02'):
            asked(promoted, rows)

    def test_rows_beyond_the_horizon_are_left_out_with_a_note(self, promoted: Dataset) -> None:
        question = asked(promoted, after(TABLE, 10))
        assert steps(question) == expected(TABLE)
        assert "12 rows lie beyond the 7 steps" in question.notes[0]

    def test_rows_that_are_doubled_or_between_the_steps_are_named(self, promoted: Dataset) -> None:
        rows = after(TABLE, HORIZON)
        with pytest.raises(DataError, match='series "shop 0" 2024-05-01 is there more than once'):
            asked(promoted, pd.concat([rows, rows[rows.day == "2024-05-01"]]))
        rows.loc[3, "day"] += pd.Timedelta(hours=1)
        with pytest.raises(DataError, match="2024-05-03 01:00:00 is not a whole number of steps"):
            asked(promoted, rows)


class TestHistory:
    """What a forecast looks back at."""

    def test_without_data_all_series_go_on_where_the_training_data_end(self, plain: Dataset) -> None:
        assert steps(asked(plain, None)) == expected(TABLE)

    def test_newer_history_joins_on_to_what_the_model_keeps(self, plain: Dataset) -> None:
        longer = sales(4, 130)
        newest = longer[longer.day > TABLE.day.max()]
        question = asked(plain, newest)
        assert steps(question) == expected(longer)
        assert question.profile.rows["context"] == 4 * 130
        later = longer[longer.day > TABLE.day.max() + pd.Timedelta(days=1)]
        assert asked(plain, later).profile.rows["context"] == 4 * 9  # there is a gap between: what is given counts

    def test_one_series_of_many_is_forecast_alone(self, plain: Dataset) -> None:
        one = TABLE[TABLE.shop == "shop 2"]
        assert steps(asked(plain, one)) == expected(one)

    def test_a_series_that_is_new_is_forecast_from_its_own_history(self, promoted: Dataset) -> None:
        fresh = TABLE[TABLE.shop == "shop 1"].assign(shop="a new one")
        rows = pd.concat([fresh, after(fresh, HORIZON)])
        question = asked(promoted, rows)
        assert steps(question) == expected(fresh)
        with pytest.raises(DataError, match='series "a new one" has no history to look back at'):
            asked(promoted, after(fresh, HORIZON))

    def test_an_earlier_origin_looks_back_at_what_lay_before_it_only(self, promoted: Dataset) -> None:
        rows = TABLE[(TABLE.shop == "shop 0") & (TABLE.day >= "2024-04-10") & (TABLE.day < "2024-04-17")]
        question = asked(promoted, rows.drop(columns="sold"))
        assert question.parts["context"].to_pandas().day.max() == pd.Timestamp("2024-04-09")
        assert steps(question) == list(zip(rows.shop, rows.day, strict=True))

    def test_rows_to_come_that_do_not_follow_on_the_history_are_refused(self, plain: Dataset) -> None:
        rows = after(TABLE, 9).groupby("shop").tail(7)
        with pytest.raises(DataError, match="has no row for 2024-04-30"):
            asked(plain, rows)

    def test_history_must_be_regular(self, plain: Dataset) -> None:
        with pytest.raises(DataError, match='series "shop 3" 2024-03-01 is missing') as caught:
            asked(plain, TABLE[TABLE.day != "2024-03-01"])
        assert 'series "shop 0" 2024-03-01' in caught.value.message
        question = asked(built(TABLE, gaps="fill"), TABLE[TABLE.day != "2024-03-01"], kept=False)
        assert question.profile.rows["context"] == 480

    def test_a_single_point_is_a_history(self, plain: Dataset) -> None:
        one = TABLE[TABLE.shop == "shop 1"].tail(1).assign(shop="new")
        assert asked(plain, one).profile.rows == {"context": 1, "predict": 7}


def test_columns_come_in_any_order_and_type_and_a_missing_one_is_named(plain: Dataset, tmp_path) -> None:
    path = tmp_path / "new.csv"
    TABLE.assign(more=1, day=TABLE.day.dt.strftime("%Y-%m-%d"))[["more", "sold", "day", "shop"]].to_csv(
        path, index=False
    )
    assert steps(asked(plain, path)) == expected(TABLE)
    for column in ("shop", "day"):
        with pytest.raises(SchemaError, match=f'lacks the column "{column}"'):
            asked(plain, TABLE.drop(columns=column))
    with pytest.raises(DataError, match="keeps no history"):
        asked(plain, None, kept=False)


def test_numbers_of_series_are_found_as_numbers(tmp_path) -> None:
    table = sales(12, 60)
    table["shop"] = table.shop.str.removeprefix("shop ").astype(int)
    question = asked(built(table), table.astype({"shop": str}))
    assert question.parts["predict"]["shop"].to_pylist() == np.repeat(np.arange(12), 7).tolist()


def test_answers_of_a_service_are_put_in_the_order_of_the_rows(plain: Dataset) -> None:
    question = asked(plain, None)
    rows = question.parts["predict"].select(["shop", "day"])
    order = np.random.default_rng(0).permutation(rows.num_rows)
    answers = rows.take(pa.array(order))
    texts = answers.set_column(1, "day", answers["day"].cast(pa.string()))
    found = aligned(question, texts, order[:, None].astype(float))
    assert found[:, 0].tolist() == list(range(28))
    with pytest.raises(BackendError, match='no forecast for series "shop 3" 2024-05-06'):
        aligned(question, rows.slice(0, 27), np.zeros((27, 1)))


def test_a_question_has_each_series_with_its_rows_to_come_last(plain: Dataset) -> None:
    question = asked(plain, None)
    assert question.forecast is not None
    panel = Panel.of(question.question(), question.forecast, "sold")
    assert panel.lengths.tolist() == [127] * 4
    for end in panel.starts[1:]:
        assert np.isnan(panel.values[end - 7 : end]).all()
        assert not np.isnan(panel.values[end - 127 : end - 7]).any()
