"""The benchmark of quality: its tables and ranks, what is run, how a case travels, and how one that hangs is ended."""

import argparse
import importlib
import json
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
pytestmark = pytest.mark.skipif(not BENCHMARKS.is_dir(), reason="the benchmarks are not in the sdist")


@pytest.fixture
def module(monkeypatch):
    """Return what imports a module of the benchmarks."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


def cell(name, system, score=None, *, kind="table", metric="roc_auc", **more):
    made = {"kind": kind, "set": name, "system": system, "seconds": 60, "metric": metric, "rows": [800, 200]}
    return made | ({} if score is None else {"scores": {metric: score}}) | more


CELLS = [
    cell("oj", "autokeras", 0.9, fit=59.0, peak_mb=900, versions={"autokeras": "3.0"}),
    cell("oj", "stock", error="ended after 120 s"),
    cell("oj", "flaml", 0.90001, fit=61.0, peak_mb=300),
    cell("wage", "autokeras", 33.0, metric="rmse", fit=60.0, peak_mb=1100),
    cell("wage", "stock", 35.0, metric="rmse", fit=80.0, peak_mb=700),
    cell("wage", "flaml", 32.0, metric="rmse", fit=60.0, peak_mb=200),
]


def test_ranks_share_what_prints_alike_and_put_failures_last(module):
    ranks = module("quality_report").ranks({one["system"]: one for one in CELLS[:3]})
    assert ranks == {"autokeras": 1.5, "flaml": 1.5, "stock": 3}


def test_ranks_know_that_less_of_an_error_is_better(module):
    ranks = module("quality_report").ranks({one["system"]: one for one in CELLS[3:]})
    assert ranks == {"flaml": 1, "autokeras": 2, "stock": 3}


def test_a_table_tells_best_ranks_duels_and_failures(module):
    lines = module("quality_report").tables(CELLS).splitlines()
    assert lines[0] == "### table, 60 s"
    assert "| oj | 800 + 200 | roc_auc | **0.9000** | failed | **0.9000** |" in lines
    assert "| wage | 800 + 200 | rmse | 33.0000 | 35.0000 | **32.0000** |" in lines
    assert "| mean rank, 2 sets | | | 1.75 | 3.00 | 1.25 |" in lines
    assert "| ours wins–ties–losses | | | – | 2–0–0 | 0–1–1 |" in lines
    assert "| most memory, MB | | | 1,100 | 700 | 300 |" in lines
    assert "* stock AutoKeras failed on oj: ended after 120 s" in lines


def test_ranks_wait_for_sets_that_all_have_run(module):
    lines = module("quality_report").tables(CELLS[:5])
    assert "| mean rank, 1 sets | | | 1.50 | 3.00 | 1.50 |" in lines
    assert "| wage | 800 + 200 | rmse | **33.0000** | 35.0000 |  |" in lines


def test_stock_has_no_forecaster_and_classes_show_their_accuracy(module):
    report = module("quality_report")
    lines = report.tables([cell("co2", "autokeras", 0.7, kind="series", metric="mase")])
    assert "| co2 | 800 + 200 | mase | **0.7000** | – |" in lines
    scores = {"log_loss": 0.25, "accuracy": 0.925}
    lines = report.tables([cell("r8", "tfidf", kind="text", metric="log_loss") | {"scores": scores}])
    assert "**0.2500** (92.5 %)" in lines


def test_the_last_of_a_cell_counts_and_a_line_cut_short_is_none(module, tmp_path):
    path = tmp_path / "results.jsonl"
    assert module("quality_report").read(path) == []
    again = cell("oj", "stock", 0.8)
    lines = [json.dumps(one) for one in (*CELLS, again)]
    path.write_text("\n".join([*lines, '{"kind": "tab']))
    found = module("quality_report").read(path)
    assert len(found) == len(CELLS)
    assert again in found


def test_only_names_kinds_sets_and_systems(module):
    wanted = module("quality").wanted
    assert len([one for one in wanted([]) if one[0] == "table"]) >= 12
    assert wanted(["series", "co2", "airline", "ets", "stock"]) == [
        ("series", "airline", ["ets"]),
        ("series", "co2", ["ets"]),
    ]
    assert [(kind, name) for kind, name, _ in wanted(["image:digits"])] == [("image", "digits")]
    with pytest.raises(SystemExit, match="there is no titanic: choose of"):
        wanted(["titanic"])


def test_what_is_done_is_not_run_again(module, tmp_path):
    options = argparse.Namespace(
        results=tmp_path / "results.jsonl", only=["oj", "flaml", "stock"], seconds=60.0, retry=False,
        flaml=None, autogluon=None,
    )  # fmt: skip
    todo = module("quality").todo
    assert todo(options) == [("table", "oj", ["stock"])]
    options.results.write_text(json.dumps(CELLS[1]))
    assert todo(options) == []
    options.retry, options.flaml = True, "python"
    assert todo(options) == [("table", "oj", ["stock", "flaml"])]


def test_a_wheel_is_read_without_its_package(module, tmp_path):
    wheels = module("quality_wheels")
    with zipfile.ZipFile(tmp_path / "islp-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("ISLP/data/Wage.csv", "age,wage\n18,75\n")
    assert wheels.Wheels(tmp_path).islp("Wage").to_dict("list") == {"age": [18], "wage": [75]}
    with pytest.raises(wheels.MissingWheelError, match="no wheel of aeon"):
        wheels.Wheels(tmp_path).member("aeon", "x.csv")


def test_patches_do_not_overlap_and_whole_bands_are_held_out(module):
    photograph = np.random.default_rng(0).integers(0, 255, (70, 16 * 32))
    squares, held = module("quality_images").patches(photograph)
    assert squares.shape == (32, 32, 32)
    assert held.reshape(2, 16)[0].tolist() == [*[False] * 6, True, True] * 2
    assert len({square.tobytes() for square in squares}) == 32


def test_a_case_reaches_a_system_as_it_was_cut(module, tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=100), "target": ["yes", "no"] * 50})
    case = module("quality_cases")._table("made", frame)
    assert case.rows == [80, 20]
    assert case.scores(np.tile([0.5, 0.5], (20, 1)))["roc_auc"] == 0.5
    case.save(tmp_path)
    job = module("quality_systems").Job(tmp_path, 60)
    assert job.train["target"].tolist() == case.train["target"].tolist()
    assert job.holdout.columns.tolist() == ["x"]
    assert job.classes == ["no", "yes"]
    assert job.in_order([[0.9, 0.1]], ["yes", "no"]).tolist() == [[0.1, 0.9]]
    assert job.in_order([[1.0]], ["yes"]).tolist() == [[0.0, 1.0]]


def test_forecasts_of_several_series_come_in_the_order_of_the_holdout(module, tmp_path):
    times = pd.date_range("2020-01-01", periods=24, freq="MS")
    frames = [
        pd.DataFrame({"series": name, "time": times, "value": 10.0 * k + np.arange(24)}) for k, name in enumerate("ab")
    ]
    made = module("quality_series").Series(pd.concat(frames), 4, 12)
    case = module("quality_cases")._series("made", made)
    case.save(tmp_path)
    outputs = module("quality_systems").naive(module("quality_systems").Job(tmp_path, 60))
    assert outputs[:, 0].tolist() == [8, 9, 10, 11, 18, 19, 20, 21]
    assert case.scores(outputs)["mase"] == 1.0


def test_a_system_that_hangs_is_ended_and_noted(module, tmp_path, monkeypatch):
    cells = module("quality_cells")
    script = tmp_path / "hangs.py"
    script.write_text("import pathlib, signal, sys\n(pathlib.Path(sys.argv[2]) / 'began').touch()\nsignal.pause()\n")
    monkeypatch.setattr(cells, "SCRIPT", script)
    monkeypatch.setattr(cells, "limit", lambda _seconds: 0.0)
    frame = pd.DataFrame({"x": np.arange(40.0), "target": ["yes", "no"] * 20})
    found = cells.run_cell(module("quality_cases")._table("made", frame), "flaml", sys.executable, 60, 1)
    assert found["error"] == "ended after 0 s"
    assert not [one for one in psutil.Process().children() if str(script) in " ".join(one.cmdline())]


def test_a_system_that_fails_leaves_its_last_word(module, tmp_path, monkeypatch):
    cells = module("quality_cells")
    script = tmp_path / "fails.py"
    script.write_text("import sys\nsys.exit('x.NoModelError: no trial ended\\nwhat you can do: more time')\n")
    monkeypatch.setattr(cells, "SCRIPT", script)
    frame = pd.DataFrame({"x": np.arange(40.0), "target": ["yes", "no"] * 20})
    found = cells.run_cell(module("quality_cases")._table("made", frame), "flaml", sys.executable, 60, 1)
    assert found["error"] == "x.NoModelError: no trial ended"
