"""``automl-bridge compare``: it shows the estimate, asks, watches, and says what came of it."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time

import pyarrow.csv
import pyarrow.parquet
import pytest

pytestmark = pytest.mark.usefixtures("backends")

DEADLINE = 120


def job(csv, *more):
    return ("compare", csv, "--target", "label", "--backends", "fair,good", *more)


def test_without_a_terminal_it_does_not_start_unasked(here, signal_csv, home):
    done = here(*job(signal_csv))
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert "can it?" in done.stdout  # the estimate is shown all the same
    assert not (home / "store.sqlite").exists()


def test_it_ends_with_the_table_the_verdict_and_the_files(here, signal_csv, tmp_path):
    done = here(*job(signal_csv, "--yes", "--report", "report.html", "--save", "result.csv"))
    assert done.returncode == 0, done.stderr
    assert "$ per point over baseline" in done.stdout
    assert "verdict" in done.stdout
    assert "$5.01" in done.stdout
    assert (tmp_path / "report.html").read_text().startswith("<!DOCTYPE html>")
    assert pyarrow.csv.read_csv(tmp_path / "result.csv").num_rows == 3


def test_json_is_one_document_with_everything(here, signal_csv, tmp_path):
    done = here(*job(signal_csv, "--yes", "--seeds", 2, "--max-cost", 20, "--json", "--save", "r.parquet"))
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["state"] == "done"
    assert document["seeds"] == [0, 1]
    assert len(document["runs"]) == 6
    assert {"run_id", "state", "score", "cost_usd", "estimate_usd"} <= set(document["runs"][0])
    assert document["best"] == document["standings"][0]["backend"]
    table = pyarrow.parquet.read_table(tmp_path / "r.parquet")
    amlb = ["id", "task", "framework", "constraint", "fold", "type", "result", "metric", "mode", "version", "params",
            "app_version", "utc", "duration", "training_duration", "predict_duration", "models_count", "seed", "info",
            "acc", "auc", "balacc", "logloss", "mae", "r2", "rmse"]  # fmt: skip
    assert table.column_names[: len(amlb)] == amlb
    assert {"backend", "region", "sku", "est_usd", "billed_usd", "price_date"} <= set(table.column_names)
    row = next(one for one in table.to_pylist() if one["backend"] == "good" and one["seed"] == 0)
    run = next(one for one in document["runs"] if one["backend"] == "good" and one["seed"] == 0)
    assert row["result"] == row["auc"] == run["score"]
    assert row["billed_usd"] == run["cost_usd"] == pytest.approx(4.005)
    assert (row["region"], row["sku"], row["price_date"]) == ("here", "thing", "2026-01-02")


def test_a_cap_that_is_too_little_is_refused_with_the_least(here, signal_csv, home):
    done = here(*job(signal_csv, "--yes", "--max-cost", "0.1"))
    assert done.returncode == 2
    assert "the least caps" in done.stderr
    assert "$0.2" in done.stderr
    assert not (home / "store.sqlite").exists()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("compare",), "--resume ID"),
        (("compare", "--resume", "beef"), "no comparison"),
        (("compare", "x.csv", "--target", "y", "--save", "r.xls"), "neither .parquet nor .csv"),
        (("compare", "x.csv", "--target", "y", "--report", "nowhere/r.html"), "no folder"),
        (("compare", "x.csv", "--target", "y", "--backends", "fiar"), 'Did you mean "fair"'),
        (("compare", "x.csv", "--target", "y", "--backends", "fair", "--max-cost", "lots"), "max_cost_usd"),
    ],
)
def test_bad_usage_is_said_in_a_line(here, more, said):
    done = here(*more)
    assert done.returncode == 2
    assert said in done.stderr.replace("\n         ", " ")


def answer(words, cwd, text):
    """Run a command on a terminal, answer its question, and return its exit code and what it showed."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "automl_bridge.cli", *map(str, words)], cwd=cwd, stdin=slave, stdout=slave,
        stderr=slave, env={**os.environ, "COLUMNS": "120", "TERM": "xterm"}, close_fds=True,
    )  # fmt: skip
    os.close(slave)
    shown, answered, end = b"", False, time.monotonic() + DEADLINE
    while time.monotonic() < end:
        if select.select([master], [], [], 0.2)[0]:
            try:
                shown += os.read(master, 65536)
            except OSError:  # the other side is closed
                break
        if not answered and b"Start " in shown:
            os.write(master, text)
            answered = True
        if process.poll() is not None and not select.select([master], [], [], 0)[0]:
            break
    code = process.wait(timeout=DEADLINE)
    os.close(master)
    return code, shown.decode()


@pytest.mark.slow
def test_on_a_terminal_it_asks_and_takes_no_for_an_answer(signal_csv, tmp_path, home):
    code, shown = answer(job(signal_csv), tmp_path, b"n\n")
    assert code == 0
    assert "Start 3 runs?" in shown
    assert "Nothing was started" in shown
    assert not (home / "store.sqlite").exists()
    code, shown = answer(job(signal_csv), tmp_path, b"y\n")
    assert code == 0
    assert "verdict" in shown
