"""From words to an exit code: whatever happens, no traceback, and one document under ``--json``."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from automl_bridge.cli import app as commands
from automl_bridge.cli import entry
from automl_bridge.errors import LimitError, RunFailedError, StorageError, UsageError


@pytest.fixture
def failing(monkeypatch):
    """Return a function that makes every command raise what it is given."""

    def make(error: BaseException) -> None:
        def call(words: list[str]) -> int:
            raise error

        monkeypatch.setattr(entry, "_call", call)

    return make


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("bad"), 2),
        (LimitError("too few", limit="rows.min", source="docs", hint="add rows"), 2),
        (RunFailedError("crashed", kind="crash"), 1),
        (StorageError("disk full"), 1),
        (KeyboardInterrupt(), 130),
        (ZeroDivisionError("division by zero"), 1),
        (RecursionError(), 1),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_each_error_has_its_exit_code_and_one_document(failing, capsys, error, code):
    failing(error)
    assert entry.invoke(["fit", "--json"]) == code
    said = capsys.readouterr()
    content = json.loads(said.out)["error"]
    assert content["exit_code"] == code
    assert content["message"]
    assert "Traceback" not in said.err
    assert entry.invoke(["fit"]) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.strip().startswith("error:")
    assert "Traceback" not in said.err


def test_an_error_carries_limit_source_and_way_out(failing, capsys):
    failing(LimitError("too few", limit="rows.min", source="docs", hint="add rows"))
    entry.invoke(["fit", "--json"])
    content = json.loads(capsys.readouterr().out)["error"]
    assert content == {
        "type": "LimitError",
        "message": "too few",
        "exit_code": 2,
        "source": "docs",
        "limit": "rows.min",
        "hint": "add rows",
    }


def test_the_unexpected_is_kept_in_a_log(failing, capsys, home):
    failing(ZeroDivisionError("division by zero"))
    entry.invoke(["fit"])
    (log,) = (home / "logs").iterdir()
    assert "unexpected ZeroDivisionError: division by zero" in capsys.readouterr().err
    assert log.read_text().startswith("Traceback")


def test_the_unexpected_with_nowhere_to_write_is_still_said(failing, capsys, home):
    home.write_text("a file where the folder would be")
    failing(ZeroDivisionError("division by zero"))
    assert entry.invoke(["fit"]) == 1
    said = capsys.readouterr().err
    assert "division by zero" in said
    assert "log:" not in said


def test_debug_shows_where_it_happened(failing, capsys):
    failing(ZeroDivisionError("division by zero"))
    assert entry.invoke(["fit", "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["fit"],
        ["fit", "d.csv"],
        ["fit", "d.csv", "--target", "y", "--wrong"],
        ["runs"],
        ["runs", "nonsense"],
        ["runs", "list", "--limit", "0"],
        ["runs", "show"],
        ["predict", "a", "b"],
        ["export", "a"],
    ],
    ids=" ".join,
)
def test_words_that_are_not_understood(cli, words):
    done = cli(*words, "--json")
    assert done.code == 2
    assert done.document["error"]["exit_code"] == 2
    assert done.document["error"]["message"]
    plain = cli(*words)
    assert plain.code == 2
    assert "error:" in plain.err
    assert "Traceback" not in plain.err


def test_a_value_after_two_dashes_is_no_flag(cli):
    done = cli("runs", "show", "--", "--json")
    assert done.code == 2
    assert done.out == ""


def test_noise_on_standard_output_goes_to_standard_error():
    program = (
        "import os, sys\n"
        "from automl_bridge.cli import entry\n"
        "from automl_bridge.cli.output import current\n"
        "def call(words):\n"
        "    print('a library prints')\n"
        "    os.write(1, b'native code writes\\n')\n"
        "    os.system('echo a child writes')\n"
        "    current().line('a line of the report')\n"
        "    current().document({'score': float('nan'), 'name': 'é'})\n"
        "    current().document({'never': 'a second'})\n"
        "    return 0\n"
        "entry._call = call\n"
        "sys.exit(entry.invoke(['fit', '--json']))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {"score": None, "name": "é"}
    for words in ("a library prints", "native code writes", "a child writes", "a line of the report"):
        assert words in done.stderr


def test_a_terminal_that_knows_ascii_only_gets_something(cli):
    done = cli("backends", env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert done.code == 0, done.err
    assert "tabular-classification" in done.out


def test_the_app_is_what_the_entry_point_names():
    from importlib.metadata import entry_points

    (found,) = entry_points(group="console_scripts", name="automl-bridge")
    assert found.value == "automl_bridge.cli:main"
    assert callable(found.load())
    assert commands.app.info.name == "automl-bridge"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_nowhere_to_write_predictions(cli, tmp_path):
    tmp_path.chmod(0o500)
    done = cli("predict", "abc", "data.csv", "-o", tmp_path / "out.csv")
    tmp_path.chmod(0o700)
    assert done.code == 1
    assert str(tmp_path) in done.err
