"""Interrupted, killed or twice at once: the same command goes on where it was, and nothing is started twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from automl_bridge import Session, compare, load_config

pytestmark = pytest.mark.usefixtures("backends")

DEADLINE = 120


def words(csv):
    return ["compare", str(csv), "--target", "label", "--backends", "waiting,fair", "--yes", "--json"]


def begin(csv, cwd):
    return subprocess.Popen(
        [sys.executable, "-m", "automl_bridge.cli", *words(csv)], cwd=cwd, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def until(condition):
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.05)


def states():
    with Session(load_config()) as session:
        return {run.backend: str(run.state) for run in session.list()}


def waits_alone():
    found = states()
    return found.get("waiting") == "running" and found.get("fair") == found.get("baseline") == "succeeded"


def started(home, name):
    return (home / "work" / name / "started.log").read_text().split()


@pytest.mark.parametrize(
    "how",
    [pytest.param(signal.SIGKILL, id="kill -9"), pytest.param(signal.SIGINT, marks=pytest.mark.slow, id="Ctrl-C")],
)
def test_it_goes_on_where_it_was(signal_csv, tmp_path, home, gate, here, how):
    process = begin(signal_csv, tmp_path)
    until(waits_alone)
    process.send_signal(how)
    out, err = process.communicate(timeout=DEADLINE)
    if how is signal.SIGINT:
        assert process.returncode == 130
        assert "goes on where it was" in err
        assert "These go on at their services, and bill: waiting" in err
        assert json.loads(out)["state"] == "interrupted"
    (gate / "go").touch()
    done = here(*words(signal_csv))
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert {run["state"] for run in document["runs"]} == {"succeeded"}
    assert "1 of its runs go on" in done.stderr
    assert len(started(home, "waiting")) == len(started(home, "fair")) == 1
    again = here("compare", "--resume", document["comparison"][:6], "--json")
    same = json.loads(again.stdout)
    assert same["standings"] == document["standings"]
    assert "nothing is run again" in again.stderr


@pytest.mark.slow
def test_the_same_command_twice_at_once_is_one_comparison(signal_csv, tmp_path, home, gate):
    both = [begin(signal_csv, tmp_path) for _ in range(2)]
    until(waits_alone)
    (gate / "go").touch()
    documents = []
    for process in both:
        out, err = process.communicate(timeout=DEADLINE)
        assert process.returncode == 0, err
        documents.append(json.loads(out))
    assert documents[0]["comparison"] == documents[1]["comparison"]
    assert [run["run_id"] for run in documents[0]["runs"]] == [run["run_id"] for run in documents[1]["runs"]]
    assert len(started(home, "waiting")) == 1
    assert len(states()) == 3


def test_killed_between_the_experiment_and_its_runs_it_has_lost_nothing(signal_table, monkeypatch):
    def dies(self, plans, dataset):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Session, "create", dies)
        with pytest.raises(KeyboardInterrupt):
            compare(signal_table, target="label", backends=["fair"])
    assert states() == {}
    result = compare(signal_table, target="label", backends=["fair"])
    assert {row.state for row in result.rows} == {"succeeded"}


@pytest.mark.slow
def test_a_home_that_moved_is_found_again(signal_csv, tmp_path, home, command, monkeypatch):
    first = json.loads(
        command("compare", signal_csv, "--target", "label", "--backends", "fair", "--yes", "--json").stdout
    )
    elsewhere = tmp_path / "elsewhere"
    home.rename(elsewhere)
    monkeypatch.setenv("AUTOML_BRIDGE_HOME", str(elsewhere))
    again = command("compare", "--resume", first["comparison"], "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["standings"][0]["backend"] == first["standings"][0]["backend"]
    assert Path(os.environ["AUTOML_BRIDGE_HOME"]) == elsewhere
