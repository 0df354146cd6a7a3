import csv
import io
import math
from datetime import date, timedelta

import pytest
from google.api_core import exceptions
from google.protobuf import json_format
from vertex_sandbox_kit import SERIES_TASK, TIME_SERIES, state_of, to_csv

HEADER = ["store", "day", "promo", "sales"]
DAYS = 200


def _sales(store, day):
    return 100 * (store + 1) + 20 * math.sin(2 * math.pi * day / 7) + day * 0.05


def _rows(stores=6, days=DAYS):
    start = date(2025, 1, 1)
    return [
        [f"s{store}", (start + timedelta(days=day)).isoformat(), str(day % 3), f"{_sales(store, day):.3f}"]
        for store in range(stores)
        for day in range(days)
    ]


def _inputs(**more):
    return {
        "targetColumn": "sales",
        "timeColumn": "day",
        "timeSeriesIdentifierColumn": "store",
        "unavailableAtForecastColumns": ["sales"],
        "availableAtForecastColumns": ["day", "promo"],
        "forecastHorizon": 14,
        "contextWindow": 28,
        "dataGranularity": {"unit": "day", "quantity": 1},
        "transformations": [
            {"timestamp": {"columnName": "day"}},
            {"numeric": {"columnName": "promo"}},
            {"numeric": {"columnName": "sales"}},
        ],
        "trainBudgetMilliNodeHours": 1000,
        **more,
    }


@pytest.fixture(scope="module")
def sales(_vertex):
    return _vertex.dataset("sales", _vertex.put("data/sales.csv", to_csv(_rows(), HEADER)), schema=TIME_SERIES)


@pytest.fixture(scope="module")
def forecaster(_vertex, sales):
    more = {"optimizationObjective": "minimize-quantile-loss", "quantiles": [0.1, 0.5, 0.9], "holidayRegions": ["NA"]}
    return _vertex.train("sales", sales, _inputs(**more), task=SERIES_TASK)


def _future(vertex, name, history=60, *, header=HEADER):
    rows = [row for row in _rows() if (date.fromisoformat(row[1]) - date(2025, 1, 1)).days >= DAYS - history]
    last = date(2025, 1, 1) + timedelta(days=DAYS - 1)
    ahead = [[f"s{s}", (last + timedelta(days=d)).isoformat(), "0", ""] for s in range(6) for d in range(1, 15)]
    return vertex.put(f"predict/{name}.csv", to_csv(rows + ahead, header))


def test_series_are_learned(vertex, forecaster):
    assert state_of(forecaster) == "SUCCEEDED", forecaster.error
    metadata = json_format.MessageToDict(type(forecaster).pb(forecaster).training_task_metadata)
    assert 0 < int(metadata["trainCostMilliNodeHours"]) <= 1000
    model = vertex.client("Model").get_model(name=forecaster.model_to_upload.name)
    assert not model.supported_deployment_resources_types  # no online predictions
    (evaluation,) = vertex.client("Model").list_model_evaluations(parent=model.name)
    metrics = json_format.MessageToDict(type(evaluation).pb(evaluation).metrics)
    assert metrics["weightedAbsolutePercentageError"] < 20
    assert [one["quantile"] for one in metrics["quantileMetrics"]] == [0.1, 0.5, 0.9]


def test_a_forecast_begins_where_the_target_is_missing(vertex, forecaster):
    job = vertex.predict("ahead", forecaster.model_to_upload.name, _future(vertex, "ahead"))
    assert state_of(job) == "SUCCEEDED", job.error
    assert job.completion_stats.successful_forecast_point_count == 6 * 14
    lines = vertex.lines(job)
    assert len(lines) == 6 * 14
    for line in lines:
        said = line["prediction"]
        assert said["quantile_values"] == [0.1, 0.5, 0.9]
        assert said["quantile_predictions"] == sorted(said["quantile_predictions"])
        day = (date.fromisoformat(line["instance"]["day"]) - date(2025, 1, 1)).days
        assert said["value"] == pytest.approx(_sales(int(line["instance"]["store"][1:]), day), rel=0.25)


def test_forecasts_as_csv(vertex, forecaster):
    model = forecaster.model_to_upload.name
    job = vertex.predict("ahead-csv", model, _future(vertex, "ahead-csv"), predictions="csv")
    ((_name, content),) = vertex.files(job.output_info.gcs_output_directory).items()
    header, *rows = csv.reader(io.StringIO(content.decode()))
    assert header[:5] == [*HEADER, "predicted_sales"]
    assert len(rows) == 6 * 14


def test_series_with_gaps_in_the_target_are_errors(vertex, forecaster):
    rows = _rows(2)[-DAYS:]
    rows[-3] = [*rows[-3][:3], ""]
    uri = vertex.put("predict/gaps.csv", to_csv(rows, HEADER))
    job = vertex.predict("gaps", forecaster.model_to_upload.name, uri)
    assert (state_of(job), job.error.code) == ("FAILED", 3)
    assert "contiguous" in job.error.message


def test_a_rolling_origin_by_a_predefined_column(vertex):
    uses = ["training"] * 170 + ["validation"] * 15 + ["test"] * 15
    rows = [[*row, uses[number % DAYS]] for number, row in enumerate(_rows())]
    dataset = vertex.dataset("cut", vertex.put("data/cut.csv", to_csv(rows, [*HEADER, "use"])), schema=TIME_SERIES)
    config = {"predefined_split": {"key": "use"}}
    assert state_of(vertex.train("cut", dataset, _inputs(), task=SERIES_TASK, config=config)) == "SUCCEEDED"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dataGranularity": {"unit": "hour", "quantity": 2}}, "Unsupported granularity"),
        ({"quantiles": [0.1, 0.1]}, "unique quantiles"),
        ({"quantiles": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]}, "Up to 5"),
        ({"optimizationObjective": "minimize-quantile-loss"}, "Required for minimize-quantile-loss"),
        ({"forecastHorizon": 0}, "forecast_horizon; Message: Required"),
        ({"availableAtForecastColumns": ["day"]}, "without a role"),
        ({"horizon": 3}, "horizon"),
        ({"trainBudgetMilliNodeHours": 72_001}, "between 1000 and 72000"),
    ],
)
def test_inputs_that_are_refused(vertex, sales, change, words):
    with pytest.raises(exceptions.BadRequest, match=words):
        vertex.train("refused", sales, _inputs(**change), task=SERIES_TASK)


def test_a_horizon_beyond_the_data_fails_the_pipeline(vertex, sales):
    pipeline = vertex.train("far", sales, _inputs(forecastHorizon=500), task=SERIES_TASK)
    assert (state_of(pipeline), pipeline.error.code) == ("FAILED", 3)
    assert "long enough" in pipeline.error.message


def test_columns_known_ahead_move_the_forecast(vertex):
    def sold(day):
        return 100.0 * (2 if day % 10 == 3 else 1)  # a promotion doubles what is sold

    start = date(2025, 1, 1)
    rows = [
        [f"s{store}", (start + timedelta(days=day)).isoformat(), str(int(day % 10 == 3)), f"{sold(day):.1f}"]
        for store in range(6)
        for day in range(DAYS)
    ]
    dataset = vertex.dataset("promo", vertex.put("data/promo.csv", to_csv(rows, HEADER)), schema=TIME_SERIES)
    pipeline = vertex.train("promo", dataset, _inputs(), task=SERIES_TASK)
    assert state_of(pipeline) == "SUCCEEDED", pipeline.error
    asked = [*rows[DAYS - 60 : DAYS - 14], *([*row[:3], ""] for row in rows[DAYS - 14 : DAYS])]
    uri = vertex.put("predict/promo.csv", to_csv(asked, HEADER))
    job = vertex.predict("promo", pipeline.model_to_upload.name, uri)
    said = {line["instance"]["promo"]: line["prediction"]["value"] for line in vertex.lines(job)}
    assert said["1"] > 1.6 * said["0"]
