"""A job whose service a sandbox stands in for says so in its first line."""

from __future__ import annotations

import subprocess
import sys

import pytest

CODE = (
    "import sys; from automl_bridge.registry import load_class; load_class('baseline').provider = 'aws'\n"
    "from automl_bridge.cli import main; sys.argv = ['automl-bridge', *sys.argv[1:]]; main()"
)


@pytest.mark.parametrize(("variable", "said"), [("aws", True), ("gcp", False)])
def test_the_first_line_says_sandbox(tmp_path, monkeypatch, variable, said):
    monkeypatch.setenv("AUTOML_BRIDGE_SANDBOX", variable)
    rows = "\n".join(f"{number},{'yes' if number % 2 else 'no'}" for number in range(60))
    (tmp_path / "table.csv").write_text("number,label\n" + rows, encoding="utf-8")
    command = [sys.executable, "-c", CODE, "fit", "table.csv", "--target", "label", "--backend", "baseline"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    first = next(line for line in done.stdout.splitlines() if line.strip())
    assert first.split()[0].startswith("SANDBOX") is said, done.stdout
