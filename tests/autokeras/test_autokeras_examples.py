"""The examples of this backend, run as a user would run them, with fewer epochs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(*arguments: str) -> str:
    answer = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr[-3000:]
    return answer.stdout


@pytest.mark.slow
def test_mnist(tmp_path):
    said = run(str(EXAMPLES / "mnist.py"), "--epochs", "3")
    ours, plain = re.findall(r"(0\.\d{3})$", said, re.MULTILINE)[-2:]
    assert ours == plain
    assert float(ours) > 0.85


@pytest.mark.slow
def test_a_search_space_of_ones_own(tmp_path):
    said = run(str(EXAMPLES / "custom_search.py"), "--trials", "2", "--epochs", "6")
    assert "conv_block" in said
    assert float(re.findall(r"(0\.\d{3})$", said, re.MULTILINE)[-1]) > 0.6
