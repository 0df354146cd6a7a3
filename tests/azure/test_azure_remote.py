"""The script that predicts in the workspace: every kind of model, order and count checked, run as the job runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from automl_bridge_azure.answers import read_predictions
from automl_bridge_azure.remote import predict


class Classes:
    """Columns in the order of labels as text, as a label encoder has them."""

    classes_ = np.array(["c0", "c1", "c10", "c2"])
    table = np.array([[0.7, 0.1, 0.1, 0.1], [0.1, 0.6, 0.2, 0.1], [0.1, 0.1, 0.7, 0.1], [0.2, 0.2, 0.2, 0.4]])

    def predict_proba(self, frame):
        return self.table[: len(frame)]

    def predict(self, frame):
        return self.classes_[self.predict_proba(frame).argmax(axis=1)]


WANTED = ["c0", "c1", "c2", "c10"]
JOB = {"task": "tabular-classification", "columns": WANTED}
ROWS = pd.DataFrame({"x": range(4)})
IN_OUR_ORDER = [[0.7, 0.1, 0.1, 0.1], [0.1, 0.6, 0.1, 0.2], [0.1, 0.1, 0.1, 0.7], [0.2, 0.2, 0.4, 0.2]]


def ask(monkeypatch, model, job=None):
    monkeypatch.setattr(predict, "load", lambda _: model)
    return predict.probabilities(Path(), ROWS, job or JOB)


def test_columns_follow_our_classes_whatever_the_models_order(monkeypatch):
    assert ask(monkeypatch, Classes()) == IN_OUR_ORDER

    class Unsaid(Classes):
        classes_ = None

        def predict(self, frame):
            return np.array(["c0", "c1", "c10", "c2"])[self.predict_proba(frame).argmax(axis=1)]

    assert ask(monkeypatch, Unsaid()) == IN_OUR_ORDER

    class Framed(Classes):
        def predict_proba(self, frame):
            return pd.DataFrame(self.table[: len(frame), ::-1], columns=["c2", "c10", "c1", "c0"])

        def predict(self, frame):
            return Classes().predict(frame)

    assert ask(monkeypatch, Framed()) == IN_OUR_ORDER


def test_a_class_that_was_not_in_training_has_probability_0(monkeypatch):
    assert [row[-1] for row in ask(monkeypatch, Classes(), {**JOB, "columns": [*WANTED, "c11"]})] == [0.0] * 4


def test_an_order_that_the_predictions_contradict_stops_the_job(monkeypatch):
    class Wrong(Classes):
        def predict(self, frame):
            return np.array(["c10", "c2", "c0", "c1"])[: len(frame)]

    with pytest.raises(SystemExit, match="order of the model's probabilities is not known"):
        ask(monkeypatch, Wrong())


def test_text_models_are_asked_behind_their_function(monkeypatch):
    class Function:
        _model_impl = Classes()

        def predict(self, frame):
            return self._model_impl.predict(frame)

    assert ask(monkeypatch, Function(), {**JOB, "task": "text-classification"}) == IN_OUR_ORDER


def test_image_models_answer_with_lists_of_their_own(monkeypatch):
    class Images:
        def predict(self, frame):
            assert all(isinstance(one, str) for one in frame["image"])
            labels = list(Classes.classes_)
            return pd.DataFrame({"probs": Classes.table.tolist(), "labels": [labels] * 4})

    monkeypatch.setattr(predict, "load", lambda _: Images())
    rows = pd.DataFrame({"image": [b"\x89PNG"] * 4})
    assert predict.probabilities(Path(), rows, {**JOB, "task": "image-classification"}) == IN_OUR_ORDER


def test_labels_alone_and_strange_classes_stop_the_job(monkeypatch):
    class Labels:
        def predict(self, frame):
            return ["c0"] * len(frame)

    with pytest.raises(SystemExit, match="no probabilities"):
        ask(monkeypatch, Labels())
    with pytest.raises(SystemExit, match="not the job's"):
        predict.ordered([[1.0, 0.0]], ["c0", "other"], WANTED)


class Forecaster:
    """Answers in another order, and for rows of the context as well, as the service's own may."""

    quantiles = None

    def forecast(self, features, asked, ignore_data_errors):
        assert ignore_data_errors
        assert np.isnan(asked[-2:]).all()
        table = features.set_index(["day", "store"]).iloc[::-1]
        return np.arange(len(table))[::-1] * 10.0, table

    def forecast_quantiles(self, features, asked, ignore_data_errors):
        assert ignore_data_errors
        assert len(asked) == len(features)
        table = features[["day", "store"]].iloc[::-1].copy()
        for quantile in self.quantiles:
            table[quantile] = np.arange(len(features))[::-1] + quantile
        return table


def test_forecasts_are_found_by_series_and_stamp():
    days = pd.to_datetime(["2024-01-01", "2024-01-02"])
    context = pd.DataFrame({"day": days, "store": "v:a", "sales": [1.0, 2.0]})
    rows = pd.DataFrame({"day": days + pd.Timedelta(days=2), "store": "v:a"})
    job = {"target": "sales", "time": "day", "series": ["store"], "quantiles": [0.1, 0.9]}
    assert predict.forecast(Forecaster(), rows, context, job) == [[20.0, 2.1, 2.9], [30.0, 3.1, 3.9]]
    lost = pd.DataFrame({"day": days, "store": "v:b"})
    with pytest.raises(SystemExit, match="no forecast"):
        predict.matched(lost, [rows.assign(value=1.0)], ["day", "store"])


def run(folder: Path, job: dict, rows: int = 3) -> subprocess.CompletedProcess[str]:
    """Run the script as the job does, with a model that scikit-learn's own pickle holds."""
    import joblib
    from sklearn.linear_model import LinearRegression

    model = LinearRegression().fit(pd.DataFrame({"x": [0.0, 1.0]}), [0.0, 2.0])
    place = folder / "model"
    place.mkdir(parents=True)
    joblib.dump(model, place / "model.pkl")
    (place / "MLmodel").write_text("flavors:\n  sklearn:\n    pickled_model: model.pkl\n")
    for name in ("code", "rows"):
        (folder / name).mkdir()
    (folder / "code" / "job.json").write_text(json.dumps(job))
    (folder / "code" / "predict.py").write_bytes(Path(predict.__file__).read_bytes())
    frame = pd.DataFrame({"x": np.arange(rows, dtype=float)})
    frame.iloc[:2].to_parquet(folder / "rows" / "part-00000.parquet")
    frame.iloc[2:].to_parquet(folder / "rows" / "part-00001.parquet")
    arguments = ["--model", str(place), "--rows", str(folder / "rows"), "--out", str(folder / "out")]
    # Without MLflow's scikit-learn part, which this environment lacks: the flavor names the file.
    script = (
        "import sys; sys.modules['mlflow.sklearn'] = None; sys.argv = sys.argv[1:]; "
        "import runpy; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    return subprocess.run(
        [sys.executable, "-c", script, str(folder / "code" / "predict.py"), *arguments],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_it_runs_as_the_job_runs_it(tmp_path):
    done = run(tmp_path, {"task": "tabular-regression", "rows": 3, "columns": ["value"]})
    assert done.returncode == 0, done.stderr
    body = (tmp_path / "out" / "predictions.csv").read_bytes()
    np.testing.assert_allclose(read_predictions(body, ["value"], 3, False), [[0.0], [2.0], [4.0]], atol=1e-12)


def test_rows_that_are_not_all_there_stop_it(tmp_path):
    done = run(tmp_path, {"task": "tabular-regression", "rows": 4, "columns": ["value"]})
    assert done.returncode == 1
    assert "holds 3 rows, not 4" in done.stderr
    assert not (tmp_path / "out").exists()
