"""The main job by the command line: train, see it beside the baseline, predict in a new process."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys

import pytest


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_fit_says_what_the_storyboard_says(cli, table):
    done = cli("fit", table, "--target", "label", "--backend", "baseline")
    assert done.code == 0, done.err
    out = done.out
    assert re.search(r"tabular-classification · target label \((yes|no) \d\d %, (yes|no) \d\d %\) · 200 rows", out)
    assert re.search(r"holdout 40 rows, stratified, seed 0, set aside before training", out)
    assert re.search(r"rank +model +validation +time", out)
    assert re.search(r"\n  holdout +baseline 0\.\d{3} \[0\.\d{3}, [01]\.\d{3}\]", out)
    assert re.search(r"\n  cost +.*of this machine \(imputed: ", out)
    assert re.search(r"\n  predict +automl-bridge predict [0-9a-f]{8} NEW\.csv -o out\.csv", out)
    assert "\x1b" not in out


def test_the_document_has_the_keys_that_programs_ask_for(trained):
    assert trained["state"] == "succeeded"
    assert trained["score"] == trained["scores"][trained["metric"]]
    assert trained["interval"][0] <= trained["score"] <= trained["interval"][1]
    assert trained["classes"] == ["no", "yes"]
    assert trained["rows"]["holdout"] == 40
    assert trained["trials"]
    assert trained["baseline"] is None
    assert trained["sandbox"] is False


def test_predict_in_a_new_process_one_row_for_each_in_order(cli, table, trained, tmp_path):
    out = tmp_path / "out.csv"
    done = cli("predict", trained["run_id"][:6], table, "-o", out, "--json")
    assert done.code == 0, done.err
    assert done.document["rows"] == 200
    rows = _rows(out.read_text())
    assert list(rows[0]) == ["prediction", "probability_no", "probability_yes"]
    truth = [row["label"] for row in _rows(table.read_text())]
    right = sum(row["prediction"] == label for row, label in zip(rows, truth, strict=True))
    assert right > 0.8 * len(truth)
    for row in rows:
        assert float(row["probability_no"]) + float(row["probability_yes"]) == pytest.approx(1)


def test_every_format_says_the_same(cli, table, trained, tmp_path):
    import pyarrow as pa
    from pyarrow import ipc, parquet

    written = {}
    for suffix in ("csv", "parquet", "arrow"):
        assert cli("predict", trained["run_id"], table, "-o", tmp_path / f"out.{suffix}").code == 0
    written["csv"] = [row["prediction"] for row in _rows((tmp_path / "out.csv").read_text())]
    written["parquet"] = parquet.read_table(tmp_path / "out.parquet")["prediction"].to_pylist()
    with pa.memory_map(str(tmp_path / "out.arrow")) as source:
        written["arrow"] = ipc.open_file(source).read_all()["prediction"].to_pylist()
    done = cli("predict", trained["run_id"], table, "-o", "-")
    assert written["csv"] == written["parquet"] == written["arrow"] == [row["prediction"] for row in _rows(done.out)]


def test_standard_output_can_be_cut_short(table, trained, tmp_path):
    command = f"{sys.executable} -m automl_bridge.cli predict {trained['run_id']} {table} -o - | head -2"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert len(done.stdout.splitlines()) == 2
    assert done.stderr == ""


def test_export_and_predict_elsewhere_writes_nothing(cli, table, trained, tmp_path):
    bundle = tmp_path / "model"
    exported = cli("export", trained["run_id"], bundle, "--json")
    assert exported.code == 0, exported.err
    assert exported.document["run_id"] == trained["run_id"]
    here = cli("predict", trained["run_id"], table, "-o", "-").out
    elsewhere = tmp_path / "elsewhere"
    before = sorted(tmp_path.rglob("*"))
    done = cli("predict", bundle, table, "-o", "-", env={"AUTOML_BRIDGE_HOME": str(elsewhere)})
    assert done.out == here
    assert not elsewhere.exists()
    assert sorted(tmp_path.rglob("*")) == before


def test_runs_list_and_show(cli, trained):
    listed = cli("runs", "list")
    assert listed.code == 0
    assert re.search(rf"{trained['run_id'][:8]} +succeeded +baseline +table\.csv +label +0\.\d+ roc_auc", listed.out)
    document = cli("runs", "list", "--json").document
    assert [run["run_id"] for run in document["runs"]] == [trained["run_id"]]
    shown = cli("runs", "show", trained["run_id"][:5])
    assert "holdout" in shown.out
    assert cli("runs", "show", trained["run_id"], "--json").document["score"] == trained["score"]


def test_an_empty_store_says_how_to_begin(cli):
    assert "automl-bridge fit" in cli("runs", "list").out
    assert cli("runs", "list", "--json").document == {"runs": [], "total": 0}


def test_wait_for_what_has_ended_shows_it_again(cli, trained):
    waited = cli("runs", "wait", trained["run_id"], "--json")
    assert waited.code == 0
    assert waited.document == trained


def test_detach_and_wait(cli, table, slow):
    started = cli("fit", table, "-t", "label", "-b", "slow", "--max-time", "3s", "--detach", env=slow)
    assert started.code == 0, started.err
    run_id = started.out.strip()
    assert re.fullmatch("[0-9a-f]{12}", run_id)
    waited = cli("runs", "wait", run_id, env=slow)
    assert waited.code == 0, waited.err
    assert "set aside before training" in waited.out
    assert re.search(r"holdout +slow 0\.\d+ .*baseline 0\.\d+ ", waited.out)
    assert "within noise" in waited.out
    document = cli("runs", "wait", run_id, "--json", env=slow).document
    assert document["baseline"]["score"] is not None
    assert document["difference"]["within_noise"] is True


def test_resume_starts_a_new_run_from_the_old_one(cli, table, slow):
    first = cli("fit", table, "-t", "label", "-b", "slow", "--max-time", "2s", "--json", env=slow).document
    resumed = cli("runs", "resume", first["run_id"], "--max-time", "2s", "--json", env=slow)
    assert resumed.code == 0, resumed.err
    assert resumed.document["continues"] == first["run_id"]
    assert resumed.document["run_id"] != first["run_id"]


def test_no_baseline_no_baseline(cli, table, slow):
    words = ("fit", table, "-t", "label", "-b", "slow", "--max-time", "2s", "--no-baseline", "--json")
    assert cli(*words, env=slow).document["baseline"] is None


def test_dry_run_writes_nothing(cli, table, home):
    done = cli("fit", table, "-t", "label", "-b", "autokeras", "--max-time", "5m", "--dry-run")
    assert done.code == 0, done.err
    for label in ("backend", "would create", "objective", "request"):
        assert re.search(rf"\n  {label}  ", done.out)
    document = cli("fit", table, "-t", "label", "--max-time", "5m", "--dry-run", "--json").document
    assert document["state"] == "planned"
    assert document["plan"]["backend"] == "autokeras"
    assert not home.exists()


@pytest.mark.parametrize("how", ["flag", "variable", "profile"])
def test_one_job_another_backend(cli, table, tmp_path, how):
    words = ["fit", table, "-t", "label", "--dry-run", "--json"]
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "automl-bridge.toml").write_text('[profiles.quick]\nbackend = "baseline"\n')
    more = {"flag": ["--backend", "baseline"], "profile": ["--profile", "quick"]}.get(how, [])
    env = {"AUTOML_BRIDGE_BACKEND": "baseline"} if how == "variable" else {}
    assert cli(*words, *more, env=env, cwd=folder).document["backend"] == "baseline"


def test_columns_roles_and_kinds_by_hand(cli, table):
    done = cli(
        *("fit", table, "-t", "label", "-b", "baseline", "--dry-run", "--json"),
        *("--type", "size=categorical", "--weight", "weight"),
    )
    columns = done.document["plan"]["request"]["columns"]
    assert columns == ["size", "colour"]


def test_regression_has_its_own_metric(cli, table):
    document = cli("fit", table, "-t", "size", "-b", "baseline", "--metric", "mae", "--json").document
    assert document["task"] == "tabular-regression"
    assert document["metric"] == "mae"
    assert document["score"] > 0


def test_doctor_looks_at_all_or_at_one(cli):
    done = cli("doctor", "baseline")
    assert done.code == 0, done.err
    assert "✔  package scikit-learn" in done.out
    document = cli("doctor", "--json").document
    assert {"baseline", "autokeras"} <= set(document["checks"])


def test_backends_says_why_not(cli):
    document = cli("backends", "--json").document
    (baseline,) = (one for one in document["backends"] if one["name"] == "baseline")
    assert baseline["tasks"]["tabular-classification"] == {"supported": True, "reason": None}
    reasons = [
        task["reason"] for one in document["backends"] for task in one["tasks"].values() if not task["supported"]
    ]
    assert reasons
    said = " ".join(cli("backends").out.split())
    assert all(reason in said for reason in reasons)


@pytest.mark.parametrize("words", [["backends"], ["doctor", "needy"], ["fit", "d.csv", "-t", "y", "-b", "needy"]])
def test_a_backend_that_is_not_installed_tells_how(cli, tmp_path, slow, words):
    """A plugin whose packages are missing is listed, and asking for it is answered by the pip line."""
    info = tmp_path / "site" / "slow_backend-0.dist-info"
    (info / "entry_points.txt").write_text("[automl_bridge.backends]\nneedy = needy_backend:NeedyBackend\n")
    done = cli(*words, env=slow)
    assert done.code == (0 if words == ["backends"] else 2), done.err
    assert 'pip install "automl-bridge[needy]"' in " ".join((done.out + done.err).split())


@pytest.mark.skipif(os.geteuid() != 0 and not os.access("/proc", os.R_OK), reason="needs a folder nobody can write")
def test_nowhere_to_write_names_folder_and_setting(cli, table):
    done = cli("fit", table, "-t", "label", "-b", "baseline", "--json", env={"AUTOML_BRIDGE_HOME": "/proc/nowhere"})
    assert done.code == 1
    error = json.loads(done.out)["error"]
    assert error["type"] == "StorageError"
    assert "/proc/nowhere" in error["message"]
    assert "AUTOML_BRIDGE_HOME" in error["hint"]
