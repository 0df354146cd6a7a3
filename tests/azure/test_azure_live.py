"""The live command: it refuses unless asked for twice, and does its whole round, here against the sandbox."""

from __future__ import annotations

import json

import pytest
from az_sandbox import begin, end

from automl_bridge_azure import live


@pytest.mark.parametrize(
    ("variable", "ci", "arguments", "says"),
    [
        ("", "", ["--max-cost", "10"], "AUTOML_BRIDGE_LIVE=1"),
        ("1", "true", ["--max-cost", "10"], "never runs in CI"),
        ("1", "", [], "no dollar cap"),
        ("1", "", ["--max-cost", "-1"], "no dollar cap"),
    ],
)
def test_it_refuses(monkeypatch, capsys, variable, ci, arguments, says):
    monkeypatch.setenv(live.VARIABLE, variable)
    monkeypatch.setenv("CI", ci)
    monkeypatch.setattr(live, "run_task", lambda *_: pytest.fail("nothing may be run"))
    assert live.main(arguments) == 2
    assert says in capsys.readouterr().err


@pytest.mark.slow
def test_its_round_leaves_a_dated_file_and_nothing_else(monkeypatch, tmp_path):
    sandbox = begin(tmp_path / "azure")
    try:
        for name, value in sandbox.env.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv(live.VARIABLE, "1")
        monkeypatch.setenv("CI", "")
        tasks = ["--task", "tabular-regression", "--task", "forecasting"]
        assert live.main(["--max-cost", "5", *tasks, "--out", str(tmp_path)]) == 0
    finally:
        end(tmp_path / "azure")
    (file,) = tmp_path.glob("azure-live-*.json")
    held = json.loads(file.read_text("utf-8"))
    assert held["left"] == []
    for result in held["results"]:
        assert result["state"] == "succeeded", result
        assert result["scores"]
        assert "the job's timeout of" in result["cap"]
