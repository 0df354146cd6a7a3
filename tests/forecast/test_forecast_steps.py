"""Steps: their arithmetic, how they are found from stamps, and clocks that change."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from series_kit import built

from automl_bridge.data.series_clock import Clock, in_zone, stamp_text, stamps_of
from automl_bridge.data.series_steps import Steps
from automl_bridge.errors import DataError, SchemaError, UsageError

FREQUENCIES = {
    "s": 60,
    "min": 60,
    "15min": 96,
    "h": 24,
    "6h": 4,
    "D": 7,
    "B": 5,
    "W-TUE": 52,
    "MS": 12,
    "ME": 12,
    "QS": 4,
    "QE": 4,
    "YS": 1,
    "YE": 1,
}
"""Each with its usual season."""


def stamped(stamps: pd.DatetimeIndex) -> pd.DataFrame:
    """Return one series with these stamps."""
    return pd.DataFrame({"day": stamps, "sold": np.arange(len(stamps), dtype=float)})


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
@pytest.mark.parametrize("freq", FREQUENCIES)
def test_a_step_is_found_from_stamps_and_continues_them_as_pandas_does(freq: str, zone: str | None) -> None:
    index = pd.date_range("2005-11-30", periods=60, freq=freq, tz=zone)  # Arrow knows no clock changes after 2037
    dataset = built(stamped(index[:50]), series=None, horizon=5)
    assert dataset.forecast is not None
    steps = Steps.parse(dataset.forecast.freq)
    assert dataset.forecast.freq == freq
    assert steps.season == FREQUENCIES[freq]
    kind = str(dataset.parts["train"].schema.field("day").type)
    clock = Clock(kind, steps.is_calendar)
    first = clock.read(pa.chunked_array([dataset.parts["train"]["day"].chunk(0)[:1]]))
    made = clock.write(steps.after(np.repeat(first, 60), np.arange(60)))
    assert pd.DatetimeIndex(made.to_pandas()).equals(index) or list(made.to_pandas()) == list(index)
    assert (steps.positions(clock.read(pa.chunked_array([made])), np.repeat(first, 60)) == np.arange(60)).all()


def test_months_on_another_day_keep_it_and_short_months_end_earlier() -> None:
    steps = Steps.parse("MS")
    first = np.array([pd.Timestamp("2024-01-31 06:00").value // 1000])
    made = pd.to_datetime(steps.after(np.repeat(first, 4), np.arange(4)), unit="us")
    assert [str(stamp) for stamp in made] == [
        "2024-01-31 06:00:00", "2024-02-29 06:00:00", "2024-03-31 06:00:00", "2024-04-30 06:00:00",
    ]  # fmt: skip


def test_a_frequency_that_is_none_is_named() -> None:
    for word in ("fortnight", "0D", "", "D-"):
        with pytest.raises(UsageError, match="is no frequency"):
            Steps.parse(word)
    assert Steps.parse("H").freq == "h"
    assert Steps.parse("M").freq == "ME"


def test_whole_numbers_months_and_quarters_are_stamps_too() -> None:
    def texts(values: list[object]) -> pa.ChunkedArray:
        return stamps_of(pa.chunked_array([pa.array(values)]), "t")

    assert stamp_text(texts(["2024-05", "2024-06"])[1]) == "2024-06-01"
    assert stamp_text(texts(["2024Q1", "2024Q2"])[1]) == "2024-04-01"
    assert stamp_text(texts([20240131, 20240201])[0]) == "2024-01-31"
    assert texts([1, 2]).to_pylist() == [1, 2]
    with pytest.raises(SchemaError, match="row 2 holds 'soon'"):
        texts(["2024-01-01", "soon"])
    years = pd.DataFrame({"year": np.arange(1900, 1960), "sold": np.arange(60.0)})
    dataset = built(years, series=None, time="year", horizon=3, season=10)
    assert dataset.forecast is not None
    assert (dataset.forecast.freq, dataset.forecast.season) == ("1", 10)
    with pytest.raises(UsageError, match="holds whole numbers"):
        built(years, series=None, time="year", freq="D")


def test_stamps_without_any_usual_step_ask_for_one() -> None:
    rng = np.random.default_rng(0)
    stamps = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.cumsum(rng.integers(1, 900, 80)), unit="s")
    with pytest.raises(DataError, match="no usual step"):
        built(stamped(pd.DatetimeIndex(stamps)), series=None, horizon=5)


class TestClockChanges:
    """An hour that is there twice, and one that is missing."""

    hours = pd.date_range("2024-03-25", "2024-11-05", freq="h", tz="Europe/Berlin")

    def test_hours_with_a_zone_are_regular_through_both_changes(self) -> None:
        dataset = built(stamped(self.hours), series=None, horizon=24)
        assert dataset.profile.rows["holdout"] == 24
        assert sum(dataset.profile.rows.values()) == len(self.hours)

    def test_hours_of_the_clock_alone_are_refused_with_the_way_out(self) -> None:
        table = stamped(self.hours.tz_localize(None))
        with pytest.raises(DataError, match="2024-10-27 02:00:00 is there more than once") as caught:
            built(table, series=None, horizon=24)
        assert "2024-03-31 02:00:00 is missing" in caught.value.message
        assert "--zone" in (caught.value.hint or "")
        again = built(table, series=None, horizon=24, zone="Europe/Berlin")
        whole = built(stamped(self.hours), series=None, horizon=24)
        assert again.parts["train"]["day"].to_pandas().tolist() == whole.parts["train"]["day"].to_pandas().tolist()

    def test_days_that_begin_at_local_midnight_are_regular_in_their_zone(self) -> None:
        days = pd.date_range("2024-03-01", periods=60, freq="D", tz="Europe/Berlin")
        table = stamped(days)
        assert built(table, series=None).forecast.freq == "D"  # type: ignore[union-attr]
        table["day"] = days.tz_convert("UTC").strftime("%Y-%m-%dT%H:%M:%S+00:00")
        with pytest.raises(DataError, match="not a whole number of steps") as caught:
            built(table, series=None)
        assert "--zone" in (caught.value.hint or "")
        assert built(table, series=None, zone="Europe/Berlin").profile.rows["train"] == 46

    def test_a_zone_that_is_none_and_a_time_that_no_clock_shows(self) -> None:
        column = pa.chunked_array([pa.array([pd.Timestamp("2024-03-31 02:30")])])
        with pytest.raises(UsageError, match='no time zone "Mars/Base"'):
            in_zone(column, "Mars/Base")
        with pytest.raises(SchemaError, match="never show a time"):
            in_zone(column, "Europe/Berlin")
