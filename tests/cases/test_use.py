"""On this machine: nowhere to write, Ctrl-C, a full disk, noise on standard output, notebooks."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cases_kit import learn, share_right, table

from automl_bridge.errors import StorageError

SECONDS = 120


def _run(*words, cwd: Path, env: dict[str, str] | None = None, user: bool = False):
    """Run the command line in a process of its own; with `user` as one who owns nothing."""
    command = [sys.executable, "-m", "automl_bridge.cli", *map(str, words)]
    if user:
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=SECONDS, cwd=cwd, env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("words", [["--help"], ["fit", "--help"], ["backends"], ["runs", "list"], ["--version"]])
def test_looking_writes_nothing(tmp_path, words):
    done = _run(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_fit_with_a_file_in_place_of_home_names_folder_and_setting(cli, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("AUTOML_BRIDGE_HOME", str(tmp_path / "file" / "home"))
    table(60).to_csv("d.csv", index=False)
    said = cli("fit", "d.csv", "-t", "label", "-b", "baseline")
    words = " ".join(said.err.split())
    assert said.code != 0
    assert str(tmp_path / "file") in words.replace(" ", "") or "file" in words
    assert "AUTOML_BRIDGE_HOME" in words


def test_predict_by_a_bundle_needs_no_home(tmp_path, monkeypatch):
    frame = table(120)
    model = learn(frame, budget={"max_trials": 1})
    bundle = model.export(tmp_path / "bundle")
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("AUTOML_BRIDGE_HOME", str(tmp_path / "file" / "home"))
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    before = sorted(tmp_path.rglob("*"))
    assert share_right(type(model).load(bundle), frame, frame["label"]) > 0.9
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root to become nobody")
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv")
def test_someone_who_may_write_nowhere(tmp_path):
    readable = os.access(sys.executable, os.X_OK) and subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", sys.executable, "-c", "import automl_bridge"],
        capture_output=True, check=False,
    ).returncode == 0  # fmt: skip
    if not readable:
        pytest.skip("nobody cannot read this Python")
    table(60).to_csv(tmp_path / "d.csv", index=False)
    folder = tmp_path
    while folder != folder.parent and folder.name and "pytest" in str(folder):
        folder.chmod(0o755)
        folder = folder.parent
    env = {"AUTOML_BRIDGE_HOME": str(tmp_path / "home"), "HOME": "/nonexistent"}
    helped = _run("--help", cwd=tmp_path, env=env, user=True)
    assert helped.returncode == 0, helped.stderr
    done = _run("fit", "d.csv", "-t", "label", "-b", "baseline", cwd=tmp_path, env=env, user=True)
    assert done.returncode != 0
    assert "AUTOML_BRIDGE_HOME" in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d.csv"]


def test_a_noisy_library_leaves_one_document(tmp_path):
    table(60).to_csv(tmp_path / "d.csv", index=False)
    script = tmp_path / "noisy.py"
    script.write_text(
        "from automl_bridge.cli.entry import invoke\nimport automl_bridge.cli.work as work, os, sys\n"
        "opened = work.open_session\n"
        "def noisy(*args, **words):\n"
        "    print('noise from Python')\n"
        "    os.write(1, b'noise from native code\\n')\n"
        "    os.system('echo noise from a child')\n"
        "    return opened(*args, **words)\n"
        "work.open_session = noisy\n"
        "sys.exit(invoke(sys.argv[1:]))\n"
    )
    done = subprocess.run(
        [sys.executable, script, "fit", "d.csv", "-t", "label", "-b", "baseline", "--json"],
        capture_output=True, text=True, cwd=tmp_path, check=False, timeout=SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["state"] == "succeeded"
    for noise in ("noise from Python", "noise from native code", "noise from a child"):
        assert noise in done.stderr


def test_tensorflow_leaves_one_document(cli):
    frame = table(120)
    frame.to_csv("d.csv", index=False)
    done = _run("fit", "d.csv", "-t", "label", "-b", "autokeras", "--max-trials", "1", "--json", cwd=Path.cwd(),
                env={"AUTOML_BRIDGE_AUTOKERAS__EPOCHS": "2", "AUTOML_BRIDGE_AUTOKERAS__LINGER": "0",
                     "TF_CPP_MIN_LOG_LEVEL": "0"})  # fmt: skip
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["state"] == "succeeded"
    assert document["baseline"]["score"] is not None
    predicted = _run("predict", document["run_id"], "d.csv", "-o", "-", cwd=Path.cwd())
    lines = list(csv.reader(io.StringIO(predicted.stdout)))
    assert lines[0] == ["prediction", "probability_no", "probability_yes"]
    assert len(lines) == 121


EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>"


@pytest.mark.parametrize("where", ["target", "feature", "labels", "file"])
def test_notebook_tables_run_nothing(tmp_path, where):
    frame = table(60)
    target, given = "label", frame
    if where == "target":
        frame, target = frame.rename(columns={"label": EVIL}), EVIL
        given = frame
    elif where == "feature":
        given = frame.assign(**{EVIL: frame["label"]})
    elif where == "labels":
        frame["label"] = frame["label"].replace({"yes": EVIL})
    else:
        given = tmp_path / "<script>alert(1)<_script>.csv"
        frame.to_csv(given, index=False)
    model = learn(given, target=target)
    for page in (model._repr_html_(), model.leaderboard_._repr_html_()):
        assert "<script>alert" not in page
        assert "<img src=x" not in page
    assert "<table" in model._repr_html_()


def test_an_estimator_that_has_not_learned_shows_itself():
    from automl_bridge import Estimator

    assert "Estimator" in Estimator(backend="baseline")._repr_html_()


def test_a_full_disk_is_said_with_folder_and_free_space(tmp_path, monkeypatch):
    frame = table(60)

    def full(*args, **words):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("automl_bridge.data.dataset.Dataset.save", full)
    with pytest.raises(StorageError) as caught:
        learn(frame)
    words = str(caught.value)
    assert "home" in words
    assert "free" in words
