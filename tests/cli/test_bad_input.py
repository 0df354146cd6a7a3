"""Bad input: exit code 2, the value and the way out by name, no traceback, nothing left behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from automl_bridge.cli.entry import invoke

GOOD = "a,b,y\n" + "".join(f"{i},{i % 7},{'yes' if i % 3 else 'no'}\n" for i in range(60))


def _with(**changes: str) -> str:
    """Return the good table with a column's every value replaced."""
    header, *rows = GOOD.splitlines()
    names = header.split(",")
    table = [dict(zip(names, row.split(","), strict=True)) | changes for row in rows]
    return "\n".join([header, *(",".join(row[name] for name in names) for row in table)]) + "\n"


FILES = {
    "empty file": ("", "--target y", "d.csv"),
    "header only": ("a,b,y\n", "--target y", "d.csv"),
    "missing target": (GOOD, "--target yy", '"yy"'),
    "one class": (_with(y="yes"), "--target y", "yes"),
    "target all missing": (_with(y=""), "--target y", "y"),
    "column name twice": (GOOD.replace("a,b,y", "a,a,y", 1), "--target y", '"a"'),
    "empty column name": (GOOD.replace("a,b,y", "a,,y", 1), "--target y", "name"),
    "ragged": (GOOD + "1,2\n", "--target y", "d.csv"),
    "ragged, too long": (GOOD + "1,2,yes,4\n", "--target y", "d.csv"),
    "wrong encoding": (GOOD.replace("yes", "oui é").encode("cp1252"), "--target y", "UTF-8"),
    "nul bytes": (b"PK\x03\x04\x00\x00binary\x00\xff\xfe" * 40, "--target y", "d.csv"),
    "unknown backend": (GOOD, "--target y --backend sagemakr", '"sagemakr"'),
    "unknown task": (GOOD, "--target y --task tabular-clasification", '"tabular-clasification"'),
    "unknown metric": (GOOD, "--target y --metric auc_roc", '"auc_roc"'),
    "metric of another task": (GOOD, "--target y --metric rmse", "rmse"),
    "task of another target": (GOOD, "--target y --task tabular-regression", "y"),
    "task without its column": (GOOD, "--target y --task image-classification", "image-classification"),
    "negative time": (GOOD, "--target y --max-time -5m", "-5m"),
    "time that is none": (GOOD, "--target y --max-time soon", '"soon"'),
    "zero trials": (GOOD, "--target y --max-trials 0", "0"),
    "half a trial": (GOOD, "--target y --max-trials 1.5", "1.5"),
    "negative cost": (GOOD, "--target y --max-cost -1", "-1"),
    "cost that is none": (GOOD, "--target y --max-cost much", "much"),
    "no trial fits": (GOOD, "--target y --backend autokeras --max-time 1ms", "max_time"),
    "unknown objective": (GOOD, "--target y --objective best", "best"),
    "unknown cap": (GOOD, "--target y --cap soft", "soft"),
    "seed that is none": (GOOD, "--target y --seed x", "x"),
    "holdout too large": (GOOD, "--target y --holdout 1.5", "1.5"),
    "unknown profile": (GOOD, "--target y --profile prd", '"prd"'),
    "unknown kind": (GOOD, "--target y --type a=number", '"number"'),
    "type without a kind": (GOOD, "--target y --type a", '"a"'),
    "type of no column": (GOOD, "--target y --type zz=numeric", '"zz"'),
    "weight of no column": (GOOD, "--target y --weight zz", '"zz"'),
    "group of no column": (GOOD, "--target y --group zz", '"zz"'),
    "time of no column": (GOOD, "--target y --time zz", '"zz"'),
}


@pytest.fixture
def fit(tmp_path, monkeypatch, capsys):
    """Return a function that fits a file of the given content; gives exit code, standard output and error."""
    monkeypatch.chdir(tmp_path)

    def run(content: str | bytes, words: str, *more: str) -> tuple[int, str, str]:
        raw = content if isinstance(content, bytes) else content.encode()
        Path("d.csv").write_bytes(raw)
        backend = [] if "--backend" in words else ["--backend", "baseline"]
        code = invoke(["fit", "d.csv", *words.split(), *backend, *more])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.mark.parametrize("case", FILES)
def test_bad_input(fit, home, case):
    content, words, named = FILES[case]
    code, out, err = fit(content, words)
    assert code == 2, err
    assert named in " ".join(err.split())
    assert "what you can do:" in err or "Columns: " in err
    assert out == ""
    assert "Traceback" not in err
    assert not home.exists()


@pytest.mark.parametrize("case", FILES)
def test_bad_input_as_json(fit, case):
    content, words, named = FILES[case]
    code, out, err = fit(content, words, "--json")
    error = json.loads(out)["error"]
    assert code == error["exit_code"] == 2, err
    assert named in error["message"] + str(error.get("hint"))
    assert error.get("hint") or "Columns: " in error["message"]


@pytest.mark.parametrize("name", ["nowhere.csv", "folder", "d.xlsx"])
def test_what_cannot_be_read(tmp_path, monkeypatch, capsys, home, name):
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    Path("d.xlsx").write_bytes(b"PK\x03\x04\x00\x00" * 50)
    assert invoke(["fit", name, "-t", "y", "-b", "baseline"]) == 2
    said = capsys.readouterr().err
    assert name in said
    assert "Traceback" not in said
    assert not home.exists()


@pytest.mark.parametrize("words", ["runs show", "runs wait", "runs cancel", "runs resume"])
def test_a_run_that_there_is_not(capsys, words):
    assert invoke([*words.split(), "nosuchrun"]) == 2
    said = capsys.readouterr().err
    assert '"nosuchrun"' in said
    assert "Traceback" not in said


@pytest.mark.parametrize("model", ["nosuchrun", "./no/such/folder", "."])
def test_a_model_that_there_is_not(tmp_path, monkeypatch, capsys, model):
    monkeypatch.chdir(tmp_path)
    Path("d.csv").write_text(GOOD)
    assert invoke(["predict", model, "d.csv", "-o", "out.csv"]) == 2
    assert "Traceback" not in capsys.readouterr().err
    assert not Path("out.csv").exists()


@pytest.mark.parametrize("out", ["out.xlsx", "no/such/folder/out.csv", "out"])
def test_an_output_that_cannot_be(tmp_path, monkeypatch, capsys, out):
    monkeypatch.chdir(tmp_path)
    Path("d.csv").write_text(GOOD)
    assert invoke(["predict", "any", "d.csv", "-o", out]) == 2
    assert "what you can do:" in capsys.readouterr().err


def test_a_column_can_be_left_out_as_the_notes_say(cli, tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("a,b,y\n" + "".join(f"{row},{row % 3},{row % 2}\n" for row in range(60)))
    done = cli("fit", table, "--target", "y", "--type", "b=ignored", "-b", "baseline", "--dry-run", "--json")
    assert done.code == 0
    assert "ignored" not in done.err
    assert cli("fit", table, "--target", "y", "--type", "b=odd", "-b", "baseline", "--dry-run").code == 2
