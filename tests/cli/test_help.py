"""Help: every command has one with examples, and it loads nothing heavy and writes nothing."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from typer.main import get_command

from automl_bridge.cli.app import app

HEAVY = (
    "autokeras",
    "keras",
    "numpy",
    "obstore",
    "pandas",
    "polars",
    "pyarrow",
    "scipy",
    "sklearn",
    "skops",
    "sqlalchemy",
    "tensorflow",
)


def _commands(command, path=()):
    children = getattr(command, "commands", None)
    if children is None:
        return [path]
    return [found for name, child in children.items() for found in _commands(child, (*path, name))]


@pytest.mark.parametrize("words", _commands(get_command(app)), ids=" ".join)
def test_every_command_has_help_with_examples_and_json(cli, words):
    done = cli(*words, "--help")
    assert done.code == 0
    assert "Examples" in done.out
    assert f"automl-bridge {' '.join(words)}" in done.out
    assert "--json" in done.out
    assert "--debug" in done.out


def test_the_commands_of_the_main_job_are_there():
    names = {" ".join(words) for words in _commands(get_command(app))}
    runs = {f"runs {verb}" for verb in ("list", "show", "wait", "cancel", "resume")}
    assert names >= {"fit", "predict", "export", "backends", "doctor", *runs}


@pytest.mark.parametrize("words", [["--help"], ["fit", "--help"], ["--version"]], ids=" ".join)
def test_help_loads_nothing_heavy(words):
    program = (
        "import sys\n"
        "from automl_bridge.cli.entry import invoke\n"
        f"code = invoke({words!r})\n"
        f"print(code, sorted(name for name in {HEAVY!r} if name in sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "0 []"


def test_completion_knows_the_commands(cli):
    env = {"_AUTOML_BRIDGE_COMPLETE": "complete_bash", "COMP_WORDS": "automl-bridge do", "COMP_CWORD": "1"}
    done = cli(env=env)
    assert done.out.split() == ["doctor"]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [("fit --task tabular-", "tabular-regression"), ("fit --metric roc", "roc_auc"), ("fit --backend ba", "baseline")],
)
def test_completion_knows_names(cli, words, wanted):
    env = {
        "_AUTOML_BRIDGE_COMPLETE": "complete_bash",
        "COMP_WORDS": f"automl-bridge {words}",
        "COMP_CWORD": str(len(words.split())),
    }
    assert wanted in cli(env=env).out.split()


@pytest.mark.parametrize(
    "words", [["--help"], ["fit", "--help"], ["--version"], ["backends"], ["nonsense"]], ids=" ".join
)
def test_help_and_lists_write_nothing(cli, tmp_path, home, words):
    before = sorted(tmp_path.rglob("*"))
    cli(*words, env={"HOME": str(tmp_path)})
    assert sorted(tmp_path.rglob("*")) == before
    assert not home.exists()


def test_output_without_colour_for_those_who_ask(cli):
    done = cli("backends", env={"NO_COLOR": "1", "TERM": "dumb"})
    assert done.code == 0
    assert "\x1b" not in done.out


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX pipe")
def test_a_reader_that_goes_away_is_no_traceback():
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "automl_bridge.cli", "backends"],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write)
    assert done.stderr == ""
    assert done.returncode == 141
