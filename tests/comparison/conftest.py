"""A table whose signal is known, backends whose quality is known, and prices for them."""

from __future__ import annotations

import importlib
import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

PLUGIN = Path(__file__).parent / "plugin"
TOY = Path(__file__).parents[1] / "plugins" / "toy"
NAMES = (
    "good", "fair", "watched", "capless", "broken", "away", "waiting", "left", "right", "flat", "loaded", "timed",
    "last",
)  # fmt: skip
PRICES = """provider,service,sku,region,unit,usd,source_url,source_date,confidence
tests,things,thing,here,hour,2.0,https://example.com/prices,2026-01-02,high
"""
SECONDS = 120


@pytest.fixture(scope="session")
def backends_site(tmp_path_factory):
    """The folders that make the backends of the tests known, to this process and to others."""
    site = tmp_path_factory.mktemp("comparison-site")
    info = site / "comparison_backends-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: comparison-backends\nVersion: 1.0\n")
    lines = [f"{name} = comparison_backends:{name.capitalize()}Backend" for name in NAMES]
    (info / "entry_points.txt").write_text("\n".join(["[automl_bridge.backends]", *lines]))
    return [str(site), str(PLUGIN), str(TOY)]


@pytest.fixture
def backends(backends_site, monkeypatch, tmp_path):
    """The backends of the tests, their prices, and the gate that some of them wait at."""
    for folder in backends_site:
        monkeypatch.syspath_prepend(folder)
    importlib.invalidate_caches()
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([*backends_site, os.environ.get("PYTHONPATH", "")]))
    prices = tmp_path / "prices.csv"
    prices.write_text(PRICES)
    monkeypatch.setenv("AUTOML_BRIDGE_PRICES", str(prices))
    gate = tmp_path / "gate"
    gate.mkdir()
    monkeypatch.setenv("COMPARISON_GATE", str(gate))
    return NAMES


@pytest.fixture
def gate(tmp_path):
    """Return the folder where ``go`` lets waiting jobs end."""
    return tmp_path / "gate"


def signals(rows=600, seed=0, noise=1.0):
    """Return a table: ``label`` follows from ``signal`` and ``more``, so that who sees both does better."""
    rng = np.random.default_rng(seed)
    signal, more = rng.normal(size=(2, rows))
    label = np.where(signal + more + noise * rng.normal(size=rows) > 0, "yes", "no")
    return pd.DataFrame({"signal": signal, "more": more, "label": label})


@pytest.fixture(scope="session")
def signal_table():
    """Return 600 rows of `signals`."""
    return signals()


@pytest.fixture
def signal_csv(signal_table, tmp_path):
    """Return the same as a file."""
    path = tmp_path / "signals.csv"
    signal_table.to_csv(path, index=False)
    return path


@pytest.fixture
def command(tmp_path):
    """Return a function that runs ``automl-bridge`` with the given words."""

    def run(*words, stdin=subprocess.DEVNULL):
        return subprocess.run(
            [sys.executable, "-m", "automl_bridge.cli", *map(str, words)], capture_output=True, text=True,
            timeout=SECONDS, cwd=tmp_path, stdin=stdin, check=False, env={**os.environ, "COLUMNS": "120"},
        )  # fmt: skip

    return run


@pytest.fixture
def here(tmp_path, monkeypatch, capsys):
    """Return a function that does the same within this process, which spares it the imports."""
    from automl_bridge.cli.entry import invoke

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr("sys.stdin", io.StringIO())

    def run(*words):
        code = invoke([str(word) for word in words])
        shown = capsys.readouterr()
        return subprocess.CompletedProcess(words, code, shown.out, shown.err)

    return run
