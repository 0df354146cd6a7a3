"""What comes back: labels in their own type, scores in their natural sign, the best first, the same twice."""

from __future__ import annotations

import datetime as dt
import decimal
import pickle
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pytest
from cases_kit import learn, notes, share_right, table
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from automl_bridge import Estimator
from automl_bridge.errors import TargetError

FEW = {"max_trials": 1}
BIG = 2**53 + 1
LABELS = {
    "bool": (np.array([False, True]), np.bool_),
    "int8": (np.array([-1, 5], np.int8), np.int8),
    "uint8": (np.array([3, 255], np.uint8), np.uint8),
    "int32": (np.array([10, 9], np.int32), np.int32),
    "int64": (np.array([0, 1]), np.int64),
    "beyond 2^53": (np.array([BIG, BIG + 1]), np.int64),
    "uint64": (np.array([2**64 - 1, 2**64 - 2], np.uint64), np.uint64),
    "whole floats": (np.array([0.0, 1.0]), np.float64),
    "float32": (np.array([0.0, 1.0], np.float32), np.float32),
    "strings": (np.array(["b", "a"]), object),
    "numbers as text": (np.array(["007", "7"]), object),
    "python strings": (np.array(["ja", "nein"], dtype=object), object),
    "empty string": (np.array(["", "x"], dtype=object), object),
    "other scripts": (np.array(["はい", "ไม่"], dtype=object), object),
    "line break and comma": (np.array(['a,\n"b"', "c"], dtype=object), object),
    "python bools": (np.array([True, False], dtype=object), np.bool_),
    "python ints": (np.array([1, 2], dtype=object), np.int64),
    "bytes": (np.array([b"x", b"\xff"], dtype=object), object),
    "mixed int and text": (np.array([1, "a"], dtype=object), object),
    "dates": (np.array([dt.date(2024, 2, 29), dt.date(1969, 12, 31)], dtype=object), object),
    "stamps": (np.array(["2024-02-29T12:00", "1969-12-31"], dtype="M8[us]"), np.dtype("M8[us]")),
    "times of day": (np.array([dt.time(23, 59, 1), dt.time(1)], dtype=object), object),
    "lengths of time": (np.array([5, 70], dtype="m8[s]"), np.dtype("m8[s]")),
    "decimals": (np.array([decimal.Decimal("1.5"), decimal.Decimal("2.25")], dtype=object), object),
    "stamps with a zone": (
        np.array([dt.datetime(2024, 3, 31, 1, tzinfo=ZoneInfo("Asia/Tokyo")), dt.datetime(1969, 1, 1, tzinfo=dt.UTC)]),
        object,
    ),
    "mixed bool and text": (np.array([True, "maybe"], dtype=object), object),
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_come_back_in_their_type(kind):
    labels, dtype = LABELS[kind]
    frame = table(160)
    y = labels[(frame["number"] > 0).astype(int)]
    model = learn(frame[["number"]], y, task="tabular-classification", budget=FEW)
    predicted = model.predict(frame)
    assert predicted.dtype == dtype
    assert model.classes_.dtype == dtype
    assert {type(label) for label in predicted.tolist()} <= {type(label) for label in labels.tolist()}
    assert set(model.classes_.tolist()) == set(labels.tolist())
    assert share_right(model, frame, y) > 0.95
    chosen = model.classes_[model.predict_proba(frame).argmax(axis=1)]
    assert chosen.tolist() == predicted.tolist()
    assert model.score(frame, y) > 0.95


COLUMNS = {
    "categorical": lambda y: pd.Series(pd.Categorical(np.where(y, "high", "low"), categories=["low", "none", "high"])),
    "ordered numbers": lambda y: pd.Series(pd.Categorical(np.where(y, 10, 2), categories=[10, 2], ordered=True)),
    "Int64": lambda y: pd.Series(np.where(y, 3, 1)).astype("Int64"),
    "Int64 with NA": lambda y: pd.Series(np.where(y, 3, 1)).astype("Int64").where(y.index % 11 != 0),
    "boolean with NA": lambda y: y.astype("boolean").where(y.index % 11 != 0),
    "string": lambda y: pd.Series(np.where(y, "b", "a")).astype("string"),
    "string with NA": lambda y: pd.Series(np.where(y, "b", "a")).astype("string").where(y.index % 11 != 0),
    "arrow int": lambda y: pd.Series(np.where(y, BIG, BIG + 1)).astype("int64[pyarrow]"),
    "floats with NaN": lambda y: y.astype(float).where(y.index % 11 != 0),
    "dates": lambda y: pd.Series([dt.date(2024, 1, 1) if one else dt.date(2023, 12, 31) for one in y], dtype=object),
    "stamps": lambda y: pd.Series(np.where(y, pd.Timestamp("2024-01-01"), pd.Timestamp("1969-12-31"))),
    "decimals": lambda y: pd.Series([decimal.Decimal("1.50") if one else decimal.Decimal("2.25") for one in y]),
}


@pytest.mark.parametrize("kind", COLUMNS)
@pytest.mark.parametrize("library", ["pandas", "parquet"])
def test_label_columns_of_any_type(tmp_path, kind, library):
    frame = table(220)
    frame["label"] = COLUMNS[kind](frame["number"] > 0)
    given = frame
    if library == "parquet":
        given = tmp_path / "d.parquet"
        frame.to_parquet(given)
    model = learn(given, task="tabular-classification", budget=FEW)
    known = frame[frame["label"].notna()]
    right = [str(left) == str(right) for left, right in zip(_plain(model.predict(known)), known["label"], strict=True)]
    assert np.mean(right) > 0.95, (model.predict(known)[:3], known["label"][:3].tolist())
    assert len(model.classes_) == 2
    if "NA" in kind or "NaN" in kind:
        assert "left out" in notes(model)
    if kind.startswith("Int64"):
        assert model.classes_.tolist() == [1, 3]


def _plain(values):
    return pd.to_datetime(values) if values.dtype.kind == "M" else values.tolist()


def test_labels_of_a_file_beyond_doubles_are_exact(cli):
    rows = [f"{BIG + (index % 3)},{(index % 3) * 2.5}" for index in range(150)]
    Path("d.csv").write_text("\n".join(["id,x", *rows]) + "\n")
    done = cli("fit", "d.csv", "-t", "id", "-b", "baseline", "--task", "tabular-classification", "--json")
    assert done.document["classes"] == [BIG, BIG + 1, BIG + 2]
    assert cli("predict", done.document["run_id"], "d.csv", "-o", "out.csv").code == 0
    predicted = pl.read_csv("out.csv")
    assert predicted["prediction"].to_list() == [BIG + (index % 3) for index in range(150)]


def test_numbers_as_labels_by_the_command_line(cli, rows):
    rows = rows[rows["label"].isin(["2", "9", "10", "11"])]
    rows.drop(columns=["took"]).to_csv("d.csv", index=False)
    done = cli(
        "fit", "d.csv", "-t", "label", "-b", "baseline", "--type", "label=categorical", "--max-trials", "1", "--json"
    )
    assert done.code == 0, done.err
    classes = done.document["classes"]
    assert cli("predict", done.document["run_id"], "d.csv", "-o", "out.csv").code == 0
    out = pd.read_csv("out.csv", dtype={"prediction": str})
    assert out.columns.tolist() == ["prediction", *(f"probability_{label}" for label in classes)]
    assert Path("out.csv").read_text().startswith(",".join(out.columns) + "\n")  # no quotes where none are needed
    probabilities = out.drop(columns="prediction").to_numpy()
    index = {str(label): place for place, label in enumerate(classes)}
    own = probabilities[np.arange(len(out)), [index[label] for label in rows["label"]]]
    assert -np.log(own).mean() < 0.5


def test_labels_with_commas_and_quotes_are_quoted_in_the_header(cli):
    labels = ['say "x"', "a, b", "line\nbreak"]
    frame = pd.DataFrame({"x": [float(i % 3) for i in range(600)], "label": [labels[i % 3] for i in range(600)]})
    frame.to_csv("d.csv", index=False)
    done = cli("fit", "d.csv", "-t", "label", "-b", "baseline", "--max-trials", "1", "--json")
    assert cli("predict", done.document["run_id"], "d.csv", "-o", "out.csv").code == 0
    out = pd.read_csv("out.csv")
    assert out.columns.tolist() == ["prediction", *(f"probability_{label}" for label in sorted(labels))]
    assert out["prediction"].tolist() == frame["label"].tolist()


@pytest.mark.parametrize("metric", ["rmse", "mae", "r2", "log_loss", "accuracy", "roc_auc", "f1_macro"])
def test_natural_sign_and_best_first(metric):
    from automl_bridge.metrics import METRICS

    frame = table(300)
    if metric in {"rmse", "mae", "r2"}:
        frame["label"] = frame["number"] * 3 + 100
    model = learn(frame, metric=metric)
    scores = [trial.score for trial in model.run_.outcome.trials if trial.score is not None]
    assert len(scores) > 2
    better = METRICS[metric].greater_is_better
    assert scores == sorted(scores, reverse=better)
    assert model.score_ == model.run_.scores[metric]
    assert model.score_ >= 0
    signed = model.score(frame, frame["label"])
    assert signed > 0 if better else signed <= 0
    assert model.leaderboard_[0].score == scores[0]


def test_a_regression_has_no_classes_and_predicts_numbers():
    frame = table(300)
    frame["label"] = (frame["number"] * 1000).astype("int64").astype("Int64")
    model = learn(frame, budget=FEW)
    assert not hasattr(model, "classes_")
    assert not hasattr(model, "predict_proba")
    assert model.predict(frame).dtype == np.float64
    assert model.score(frame, frame["label"]) > 0.9


@pytest.mark.parametrize("target", [0.0, 1e-12, 1e12, -5e15])
def test_a_regression_far_from_one(target):
    frame = table(300)
    frame["label"] = target + frame["number"] * (abs(target) or 1.0)
    assert learn(frame, budget=FEW, task="tabular-regression").score(frame, frame["label"]) > 0.9


def test_the_same_seed_gives_the_same_twice_and_another_another_split():
    frame = table(300)
    frame["label"] = np.where(np.random.default_rng(1).random(300) < 0.2, "yes", frame["label"])
    first, second, third = (learn(frame, random_state=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.predict_proba(frame), second.predict_proba(frame))
    assert first.run_.scores == second.run_.scores
    assert (first.predict_proba(frame) != third.predict_proba(frame)).any()


def test_weights_are_used():
    frame = table(400).drop(columns="label")
    # The same rows twice with opposite labels: only the weights tell them apart.
    both = pd.concat([frame.assign(label="a"), frame.assign(label="b")], ignore_index=True)
    both["weight"] = np.where(both["label"] == "a", 10.0, 0.1)
    heavy = learn(both, fit={"weight": "weight"}, budget=FEW)
    assert "weight" not in heavy.feature_names_in_
    assert (heavy.predict(both) == "a").mean() > 0.95
    beside = learn(both.drop(columns="weight"), fit={"sample_weight": 10.1 - both["weight"].to_numpy()}, budget=FEW)
    assert (beside.predict(both) == "b").mean() > 0.95


@pytest.mark.parametrize("weight", [-1.0, np.nan, np.inf, 0.0])
def test_weights_that_are_none_are_refused(weight):
    frame = table(60).assign(w=weight)
    with pytest.raises(ValueError, match=r'"w"'):
        learn(frame, fit={"weight": "w"})


@pytest.mark.parametrize("kind", ["text", "whole", "with missing", "beside"])
def test_groups_stay_on_one_side(kind):
    rng = np.random.default_rng(0)
    group = rng.integers(0, 40, 400)
    frame = pd.DataFrame({"number": group * 1.0, "noise": rng.normal(size=400)})
    frame["label"] = np.where(rng.integers(0, 2, 40)[group] == 1, "yes", "no")
    names = {"text": [f"g{one}" for one in group], "whole": group, "beside": group}.get(kind, group.astype(float))
    if kind == "with missing":
        names = np.where(group == 0, np.nan, names)
    if kind == "beside":
        model = learn(frame, fit={"group": group})
    else:
        model = learn(frame.assign(site=names), fit={"group": "site"})
        assert "site" not in model.feature_names_in_
    from automl_bridge.data.dataset import Dataset

    parts = Dataset.open(model.run_.dataset_path).parts
    column = "site" if kind != "beside" else "group"
    sides = [set(parts[part][column].drop_null().to_pylist()) for part in ("train", "validation", "holdout")]
    assert sum(map(len, sides)) == len(set.union(*sides))


@pytest.mark.parametrize("kind", ["stamps", "text", "numbers", "dates in zones"])
def test_the_latest_rows_are_held_out(kind):
    frame = table(300)
    stamps = pd.date_range("2024-03-30", periods=300, freq="h", tz="Europe/Berlin")
    when = {
        "stamps": pd.Series(stamps.tz_localize(None)), "text": pd.Series(stamps.strftime("%Y-%m-%d %H:%M")),
        "numbers": pd.Series(range(300)), "dates in zones": pd.Series(stamps),
    }[kind]  # fmt: skip
    if kind == "text":
        when = pd.Series([f"2024-01-{1 + index // 10:02}" for index in range(300)])
    frame["when"] = when
    model = learn(frame.sample(frac=1, random_state=0), fit={"time": "when"}, budget=FEW)
    from automl_bridge.data.dataset import Dataset

    parts = Dataset.open(model.run_.dataset_path).parts
    train, validation, holdout = (parts[part]["when"].to_pylist() for part in ("train", "validation", "holdout"))
    assert max(train) < min(validation)
    assert max(validation) < min(holdout)


LEAKS = {
    "copy of the label": lambda frame: frame["label"],
    "label as code": lambda frame: (frame["label"] == "yes").astype(int),
    "label as flag": lambda frame: frame["label"] == "yes",
    "label in other words": lambda frame: np.where(frame["label"] == "yes", "ano", "ne"),
    "filled for one class only": lambda frame: pd.Series(np.where(frame["label"] == "yes", "closed", None)),
    "filled for one class only, each time another": lambda frame: frame["number"].where(frame["label"] == "yes"),
    "label as a noisy score": lambda frame: (frame["label"] == "yes") + frame["number"] * 1e-5,
}


@pytest.mark.parametrize("kind", LEAKS)
def test_a_column_that_gives_the_target_away_is_named(cli, kind):
    frame = table(200)
    frame["final status"] = LEAKS[kind](frame)
    frame.to_csv("d.csv", index=False)
    said = cli("fit", "d.csv", "-t", "label", "-b", "baseline")
    assert said.code == 0
    assert 'column "final status" holds the same information' in " ".join((said.out + said.err).split())


def test_a_number_that_gives_the_target_away_is_named():
    frame = table(200).drop(columns="label")
    frame["euros"] = frame["number"] * 100 + 5
    frame["cents"] = frame["euros"] * 100
    model = learn(frame.drop(columns="number"), target="euros")
    assert '"cents"' in notes(model)


def test_no_alarm_without_a_leak():
    assert "same information" not in notes(learn(table(300), budget=FEW))


# scikit-learn's own tools, on both local backends.


def test_clone_pickle_and_pipeline(model, rows):
    assert clone(model).get_params() == model.get_params()
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_allclose(again.predict_proba(rows[:20]), model.predict_proba(rows[:20]), atol=1e-6)
    pipeline = make_pipeline(FunctionTransformer(lambda frame: frame), model)
    assert pipeline.predict(rows[:5]).tolist() == model.predict(rows[:5]).tolist()


@pytest.mark.slow
@pytest.mark.parametrize("settings", [{"epochs": 3, "linger": 5.0}])
def test_autokeras_is_cross_validated_in_two_processes(settings):
    frame = table(200)
    model = Estimator(backend="autokeras", budget=FEW, settings=settings, random_state=0)
    scores = cross_val_score(model, frame[["number", "count"]], frame["label"], cv=2, n_jobs=2)
    assert min(scores) > 0.6


def test_labels_unseen_in_training_are_no_score():
    frame = table(200)
    model = learn(frame, budget=FEW)
    with pytest.raises(TargetError, match="perhaps"):
        model.score(frame[:2], ["yes", "perhaps"])
