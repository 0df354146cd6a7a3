"""Series on their way to Autopilot, and forecasts on their way back."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from sm_world import settings, train_spec

from automl_bridge.data.build import build_dataset
from automl_bridge.data.series_context import holdout_question
from automl_bridge.errors import BackendError, LimitError, UnsupportedError
from automl_bridge.spec import Role
from automl_bridge.task import Task
from automl_bridge_sagemaker import series
from automl_bridge_sagemaker.checks import check_train
from automl_bridge_sagemaker.series import forecast_pieces, read_forecasts

NAMES = ["01", "1", "NA", 'a,"b"']


def table(names=NAMES, steps=40, start=date(2024, 1, 1)):
    days = [start + timedelta(days=n) for n in range(steps)]
    rows = [(name, day) for name in names for day in days]
    return pa.table(
        {
            "shop no.": [name for name, _ in rows],
            "the day": [day for _, day in rows],
            "price": [float(n % 5) for n, _ in enumerate(rows)],
            "sold": [float(10 * place + day.day) for place, name in enumerate(names) for day in days],
        }
    )


def built(rows, **options):
    options = {"series": "shop no.", "horizon": 7, "known_future": ["price"], **options}
    options = {name: value for name, value in options.items() if value is not None}
    return build_dataset(rows, target="sold", task=Task.FORECASTING, time="the day", forecast=options)[1]


def asked(dataset):
    """The question that a holdout is: what lies before it, and its steps."""
    return holdout_question(dataset)


def answer(body: bytes, *, stamp=lambda text: text, mean=True, backwards=False) -> bytes:
    """Answer each empty target as AWS's sample does: rows of any order, the mean and the quantiles by name."""
    head, *rows = body.decode().splitlines()
    names = [name.strip('"') for name in head.split(",")]
    lines = []
    for row in csv.DictReader(io.StringIO(body.decode(), newline="")):
        if row["sold"] == "":
            place = float(row["price"]) + len(row["shop_no"])
            cells = [row["shop_no"].replace('"', '""'), stamp(row["the_day"]), place + 1, place + 2, place + 3]
            lines.append(f'"{cells[0]}",' + ",".join(map(str, cells[1:] + ([place] if mean else []))))
    assert len(names) == 4
    assert rows
    columns = "shop_no,the_day,p10,p50,p90" + (",mean" if mean else "")
    return ("\n".join([columns, *(reversed(lines) if backwards else lines)]) + "\n").encode()


def test_a_question_holds_whole_series_and_an_empty_target_asks(monkeypatch):
    monkeypatch.setattr(series, "OBJECT_BYTES", 2_000)
    pieces = forecast_pieces(asked(built(table())))
    assert len(pieces) > 1
    texts = [piece.make().decode() for piece in pieces]
    assert all(text.startswith('"shop_no","the_day","price","sold"') or "shop_no" in text[:40] for text in texts)
    held = [{line.split(",")[0] for line in text.splitlines()[1:]} for text in texts]
    assert sum(map(len, held)) == len(set().union(*held)) == len(NAMES)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize(
    "stamp", [lambda text: text, lambda text: text[:10], lambda text: text.replace(" ", "T") + ".000000"]
)
def test_forecasts_find_their_rows_however_they_come(stamp, backwards):
    dataset = asked(built(table()))
    (piece,) = forecast_pieces(dataset)
    body = piece.make()
    found = read_forecasts(body, answer(body, stamp=stamp, backwards=backwards), dataset.profile, dataset.forecast)
    wanted = dataset.parts["predict"]
    assert found.shape == (wanted.num_rows, 4)
    lengths = np.array([len("v:" + name) for name in wanted["shop no."].to_pylist()])
    np.testing.assert_allclose(found[:, 0], wanted["price"].to_numpy() + lengths)
    assert (np.diff(found[:, 1:], axis=1) >= 0).all()


def test_without_a_mean_the_median_stands_for_it():
    dataset = asked(built(table()))
    body = forecast_pieces(dataset)[0].make()
    found = read_forecasts(body, answer(body, mean=False), dataset.profile, dataset.forecast)
    np.testing.assert_allclose(found[:, 0], found[:, 2])


def test_a_step_without_an_answer_is_named():
    dataset = asked(built(table()))
    body = forecast_pieces(dataset)[0].make()
    cut = b"\n".join(answer(body).splitlines()[:-1])
    with pytest.raises(BackendError, match="no forecast for v:"):
        read_forecasts(body, cut, dataset.profile, dataset.forecast)
    with pytest.raises(BackendError, match="no column p10, p50, p90"):
        read_forecasts(body, b"shop_no,the_day\nx,2024-01-01\n", dataset.profile, dataset.forecast)


def test_one_series_gets_a_column_that_names_it():
    rows = table(names=["only"]).drop_columns("shop no.")
    dataset = asked(built(rows, series=None))
    first = forecast_pieces(dataset)[0].make().decode().splitlines()[:2]
    assert "ab_series" in first[0]
    assert "v:1" in first[1]


def test_a_series_with_too_little_history_is_refused_by_name():
    dataset = asked(built(table()))
    parts = {"context": dataset.parts["context"].slice(0, 3), "predict": dataset.parts["predict"].slice(0, 7)}
    with pytest.raises(LimitError, match=r'at least 4 values of history; series "01" has 3'):
        forecast_pieces(replace(dataset, parts=parts))


def test_what_the_service_cannot_forecast_is_refused_in_the_plan():
    numbered = table(names=["x"])
    numbered = numbered.set_column(1, "the day", pa.array(range(40)))
    with pytest.raises(UnsupportedError, match="needs points in time"):
        check_train(spec_of(built(numbered, freq="1")), settings())
    with pytest.raises(LimitError, match="whole percents"):
        check_train(spec_of(built(table(), quantiles=[0.125, 0.5])), settings())


def spec_of(dataset):
    spec = train_spec(dataset, task=Task.FORECASTING, metric="mase")
    return spec.model_copy(update={"forecast": dataset.forecast, "target": ("sold",)})


def test_zones_go_out_in_utc_and_come_back_to_their_rows():
    hours = [datetime(2024, 3, 30, tzinfo=UTC) + timedelta(hours=n) for n in range(60)]
    stamps = pa.array(hours, pa.timestamp("us", "UTC")).cast(pa.timestamp("us", "Europe/Berlin"))
    rows = pa.table(
        {"shop no.": ["x"] * 60, "the day": stamps, "price": [1.0] * 60, "sold": [float(n) for n in range(60)]}
    )
    dataset = asked(built(rows))
    body = forecast_pieces(dataset)[0].make()
    found = read_forecasts(body, answer(body), dataset.profile, dataset.forecast)
    assert len(found) == dataset.profile.rows["predict"] == 7
    assert dataset.profile.with_role(Role.TIME)[0].arrow_type == "timestamp[us, tz=Europe/Berlin]"


def test_days_of_a_zone_stay_days():
    import zoneinfo

    zone = zoneinfo.ZoneInfo("Europe/Berlin")
    midnights = [datetime(2024, 3, 10, tzinfo=zone) + timedelta(days=n) for n in range(40)]
    stamps = pa.array(midnights, pa.timestamp("us", "Europe/Berlin"))
    rows = pa.table(
        {"shop no.": ["x"] * 40, "the day": stamps, "price": [1.0] * 40, "sold": [float(n) for n in range(40)]}
    )
    body = forecast_pieces(asked(built(rows)))[0].make().decode()
    assert {row["the_day"][11:] for row in csv.DictReader(io.StringIO(body))} == {"00:00:00"}
