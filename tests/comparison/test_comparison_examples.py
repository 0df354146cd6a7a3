"""What the examples promise: the notebook runs from its first cell to its last, and the script says what it does."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # the kernel's own
def test_the_notebook_tells_the_whole_story(tmp_path):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    shutil.copytree(EXAMPLES / "data", tmp_path / "data")
    notebook = nbformat.read(EXAMPLES / "compare.ipynb", as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells)
    nbclient.NotebookClient(notebook, timeout=280, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [str(out) for cell in notebook.cells if cell.cell_type == "code" for out in cell.outputs]
    assert any("baseline" in one and "likely" in one for one in shown)
    assert any("text/html" in one and "holdout roc_auc" in one for one in shown)
    assert (tmp_path / "report.html").stat().st_size > 20_000


def test_the_script_says_how_it_is_used():
    done = subprocess.run(
        [sys.executable, EXAMPLES / "compare.py", "--help"], capture_output=True, text=True, check=True
    )
    assert "--max-cost" in done.stdout
