"""Configuration: every layer, and which one wins."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from automl_bridge.budget import Budget
from automl_bridge.config import load_config
from automl_bridge.errors import BudgetError, ConfigError, UnknownNameError


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_each_layer_wins_over_the_one_before(tmp_path, monkeypatch):
    def backend(**arguments):
        return load_config(cwd=tmp_path, **arguments).backend

    assert backend() == "autokeras"
    write(tmp_path / "config" / "automl-bridge" / "automl-bridge.toml", 'backend = "user"')
    assert backend() == "user"
    write(tmp_path / "pyproject.toml", '[tool.automl-bridge]\nbackend = "pyproject"')
    assert backend() == "pyproject"
    write(tmp_path / "automl-bridge.toml", 'backend = "file"\n[profiles.cloud]\nbackend = "profile"')
    assert backend() == "file"
    assert backend(profile="cloud") == "profile"
    monkeypatch.setenv("AUTOML_BRIDGE_BACKEND", "variable")
    assert backend(profile="cloud") == "variable"
    assert backend(profile="cloud", overrides={"backend": "flag"}) == "flag"
    assert backend(profile="cloud", overrides={"backend": None}) == "variable"


def test_a_profile_by_variable_and_settings_merged_key_by_key(tmp_path, monkeypatch):
    text = '[backends.sagemaker]\nregion = "a"\nbucket = "b"\n[profiles.eu.backends.sagemaker]\nregion = "eu"'
    write(tmp_path / "automl-bridge.toml", text)
    monkeypatch.setenv("AUTOML_BRIDGE_PROFILE", "eu")
    monkeypatch.setenv("AUTOML_BRIDGE_SAGEMAKER__ROLE_ARN", "arn")
    settings = load_config(cwd=tmp_path).backends["sagemaker"]
    assert settings == {"region": "eu", "bucket": "b", "role_arn": "arn"}


def test_budget_is_read_from_every_layer(tmp_path, monkeypatch):
    write(tmp_path / "automl-bridge.toml", 'max_time = "10m"\nmax_cost = 5')
    monkeypatch.setenv("AUTOML_BRIDGE_MAX_TRIALS", "3")
    assert load_config(cwd=tmp_path).budget == Budget(max_time=600, max_cost_usd=5, max_trials=3)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('bakend = "x"', ["bakend", "backend"]),
        ("[profiles.p]\nmetrik = 'x'", ["profiles.p.metrik"]),
        ("holdout = 2", ["holdout", "2"]),
        ("cap = 'lax'", ["cap", "lax"]),
        ("max_time = 'soon'", ["soon"]),
        ("backend = ", ["automl-bridge.toml", "TOML"]),
    ],
)
def test_what_cannot_be_understood_is_named(tmp_path, text, words):
    write(tmp_path / "automl-bridge.toml", text)
    with pytest.raises((ConfigError, UnknownNameError, BudgetError)) as caught:
        load_config(cwd=tmp_path)
    assert all(word in str(caught.value) for word in words)
    assert caught.value.exit_code == 2


def test_a_misspelt_variable_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOML_BRIDGE_BAKEND", "vertex")
    with pytest.raises(UnknownNameError, match='Did you mean "backend"'):
        load_config(cwd=tmp_path)


def test_an_unknown_profile_lists_those_there_are(tmp_path):
    write(tmp_path / "automl-bridge.toml", "[profiles.cloud]\nseed = 1")
    with pytest.raises(UnknownNameError, match='Did you mean "cloud"'):
        load_config(cwd=tmp_path, profile="clod")


def test_one_unchanged_script_moves_by_flag_profile_and_variable(tmp_path):
    """The script says nothing of a backend; a flag, a profile and a variable each move it."""
    script = Path(__file__).parents[2] / "examples" / "train.py"
    write(tmp_path / "automl-bridge.toml", 'backend = "nowhere"\n[profiles.here]\nbackend = "baseline"')

    def moved(*flags, **variables):
        done = subprocess.run(
            [sys.executable, str(script), *flags],
            cwd=tmp_path,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        return (done.stdout or done.stderr).strip().splitlines()[-1].partition(":")[0]

    assert "UnknownNameError" in moved() or "what you can do" in moved()
    assert moved("--backend", "baseline") == "baseline"
    assert moved("--profile", "here") == "baseline"
    assert moved(AUTOML_BRIDGE_BACKEND="baseline") == "baseline"
