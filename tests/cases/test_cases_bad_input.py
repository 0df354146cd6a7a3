"""Bad input by the estimator: typed, named, with a way out, and nothing left behind."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from cases_kit import learn, table

from automl_bridge import Estimator
from automl_bridge.errors import AutoMLBridgeError, UsageError

CSV = {
    "empty": b"",
    "only a mark": b"\xef\xbb\xbf",
    "only line breaks": b"\n\n\r\n",
    "only spaces": b"   \n",
    "header only": b"a,b,label\n",
    "header without a line end": b"a,b,label",
    "header only, semicolons, mark": b"\xef\xbb\xbfa;b;label\r\n",
    "too few cells": b"a,b,label\n1,2,x\n3,y\n" * 1 + b"1,2,x\n" * 50,
    "too many cells": b"a,b,label\n1,2,x\n" + b"3,4,y,9\n" + b"1,2,x\n" * 50,
    "too many cells late": b"a,b,label\n" + b"1,2,x\n3,4,y\n" * 2000 + b"3,4,y,9\n",
    "quote never closed": b'a,b,label\n1,2,x\n3,"4,y\n' + b"1,2,x\n" * 50,
    "doubled name": b"a,a,label\n" + b"1,2,x\n3,4,y\n" * 30,
    "empty name": b"a,,label\n" + b"1,2,x\n3,4,y\n" * 30,
    "blank name": b"a,  ,label\n" + b"1,2,x\n3,4,y\n" * 30,
    "trailing separator in the header": b"a,b,label,\n" + b"1,2,x,\n3,4,y,\n" * 30,
    "all one class": b"a,b,label\n" + b"1,2,x\n" * 60,
    "one class and missing": b"a,b,label\n" + b"1,2,x\n3,4,\n" * 30,
    "target empty": b"a,b,label\n" + b"1,2,\n" * 60,
    "target is NaN": b"a,b,label\n" + b"1,2,NaN\n" * 60,
    "only the target": b"label\n" + b"x\ny\n" * 30,
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4,
    "a zip": b"PK\x03\x04" + bytes(200),
    "gzip": b"\x1f\x8b\x08" + bytes(range(256)),
    "web page": b"<!DOCTYPE html><html><body>Not found</body></html>\n",
    "json": b'{"a": [1, 2], "label": ["x", "y"]}',
}  # fmt: skip


@pytest.mark.parametrize("case", CSV)
def test_files(tmp_path, home, case):
    path = tmp_path / "d.csv"
    path.write_bytes(CSV[case])
    with pytest.raises(UsageError) as caught:
        learn(path)
    assert caught.value.exit_code == 2
    assert caught.value.hint or "Columns: " in str(caught.value)
    assert not home.exists()


@pytest.mark.parametrize("path", ["nowhere.csv", "", ".", "folder", "d.xlsx", "s3:/bucket/x.csv", "d.parquet"])
def test_paths(tmp_path, monkeypatch, home, path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "d.xlsx").write_bytes(b"PK\x03\x04" + bytes(100))
    (tmp_path / "d.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(AutoMLBridgeError) as caught:
        learn(path)
    assert caught.value.exit_code == 2
    assert not home.exists()


SETTINGS = {
    "backend": ({"backend": "autokears"}, '"autokears".*autokeras'),
    "empty backend": ({"backend": ""}, "backend"),
    "task": ({"task": "classification "}, "classification"),
    "regression of text": ({"task": "tabular-regression"}, "numbers"),
    "metric": ({"metric": "auc"}, '"auc"'),
    "metric of a regression": ({"metric": "rmse"}, "rmse"),
    "negative time": ({"budget": {"max_time": "-1m"}}, "-1m"),
    "zero time": ({"budget": {"max_time": 0}}, "0"),
    "time in words": ({"budget": {"max_time": "an hour"}}, "an hour"),
    "time without a known unit": ({"budget": {"max_time": "10 fortnights"}}, "10 fortnights"),
    "not a number of seconds": ({"budget": {"max_time": float("nan")}}, "nan"),
    "no trials": ({"budget": {"max_trials": 0}}, "0"),
    "half a trial": ({"budget": {"max_trials": 1.5}}, "1.5"),
    "negative cost": ({"budget": {"max_cost_usd": -3}}, "-3"),
    "unknown limit": ({"budget": {"max_hours": 3}}, "max_hours"),
    "too little for one trial": ({"backend": "autokeras", "budget": {"max_time": "10ms"}}, "max_time"),
    "holdout": ({"holdout": 1.0}, "1.0"),
    "validation": ({"validation": -0.1}, "-0.1"),
    "kind": ({"types": {"city": "words"}}, '"words"'),
    "kind of no column": ({"types": {"town": "categorical"}}, '"town".*city'),
    "kind that does not fit": ({"types": {"city": "numeric"}}, '"city".*(Rome|Oslo|Bern)'),
    "objective": ({"objective": "best"}, "best"),
    "cap": ({"cap": "hard"}, "hard"),
    "seed": ({"random_state": -1}, "-1"),
    "profile": ({"profile": "prod"}, '"prod"'),
    "setting": ({"settings": {"epoch": 3}, "backend": "autokeras"}, "epoch"),
    "setting's value": ({"settings": {"epochs": "many"}, "backend": "autokeras"}, "epochs"),
}


@pytest.mark.parametrize("case", SETTINGS)
def test_settings(home, case):
    words, named = SETTINGS[case]
    with pytest.raises(UsageError, match=f"(?s){named}") as caught:
        learn(table(60), **words)
    assert caught.value.exit_code == 2
    assert not (home / "runs").exists()


TABLES = {
    "no rows": lambda: pd.DataFrame({"a": [], "label": []}),
    "no columns": lambda: pd.DataFrame(index=range(5)),
    "one row": lambda: table(1),
    "all missing target": lambda: table(40).assign(label=None),
    "all NaN target": lambda: table(40).assign(label=np.nan),
    "one class": lambda: table(40).assign(label="x"),
    "a label in every row": lambda: table(80).assign(label=[f"id{index}" for index in range(80)]),
    "infinite target": lambda: table(40).assign(label=np.where(np.arange(40) == 3, np.inf, np.arange(40) + 0.5)),
    "nested target": lambda: table(40).assign(label=[[1]] * 40),
    "no target": lambda: table(40).drop(columns="label"),
    "doubled target": lambda: pd.concat([table(40), table(40)[["label"]]], axis=1),
    "empty name": lambda: table(40).rename(columns={"city": ""}),
    "target alone": lambda: table(40)[["label"]],
}  # fmt: skip


@pytest.mark.parametrize("case", TABLES)
def test_tables(home, case):
    with pytest.raises(UsageError) as caught:
        learn(TABLES[case]())
    assert caught.value.exit_code == 2
    assert not home.exists()


@pytest.mark.parametrize("rows", [3, 5, 8])
def test_very_few_rows_are_learned(rows):
    frame = pd.DataFrame({"x": range(rows), "label": ["a", "b"] * (rows // 2) + ["a"] * (rows % 2)})
    model = learn(frame)
    assert len(model.predict(frame)) == rows
    assert model.classes_.tolist() == ["a", "b"]


def test_y_of_another_length():
    frame = table(40)
    with pytest.raises(ValueError, match=r"40.*39"):
        Estimator(backend="baseline").fit(frame[["number"]], frame["label"][:-1])
