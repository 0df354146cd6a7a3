"""The command line on pictures and texts, in processes of their own: fit on files, predict on files."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SECONDS = 120
"""Deadline of one command; it guards against hanging, nothing is measured by it."""


@pytest.fixture
def cli(tmp_path):
    """Return a function that runs ``automl-bridge`` in a folder of its own and gives exit code, output and errors."""
    folder = tmp_path / "somewhere else"
    folder.mkdir()

    def run(*words):
        done = subprocess.run(
            [sys.executable, "-m", "automl_bridge.cli", *map(str, words)],
            capture_output=True, text=True, timeout=SECONDS, cwd=folder, env={**os.environ, "COLUMNS": "120"},
            stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    return run


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


TASKS = {
    "image-classification": ["--target", "kind", "--metric", "accuracy"],
    "image-regression": ["--target", "brightness", "--metric", "r2"],
    "text-classification": ["--target", "mood", "--metric", "accuracy"],
    "text-regression": ["--target", "brightness", "--metric", "r2"],
    "multimodal-classification": ["--target", "kind", "--metric", "accuracy"],
    "multimodal-regression": ["--target", "brightness", "--target", "contrast", "--metric", "r2"],
}
LEAST = {"image-classification": 0.9, "image-regression": 0.5, "text-classification": 0.9, "text-regression": 0.1,
         "multimodal-classification": 0.9, "multimodal-regression": 0.7}  # fmt: skip
"""The signals are easy: damage on the way in shows as a lower score."""


# The others in `make test-all`; each takes three starts of Python.
IN_EVERY_RUN = {"multimodal-regression"}


@pytest.mark.parametrize(
    "task", [task if task in IN_EVERY_RUN else pytest.param(task, marks=pytest.mark.slow) for task in TASKS]
)
def test_fit_and_predict_each_task(cli, photo_table, tmp_path, reviews, task):
    data = photo_table
    if task == "text-classification":
        data = tmp_path / "reviews.jsonl"
        lines = [json.dumps({"text": text, "mood": mood}) for text, mood in zip(*reviews, strict=True)]
        data.write_text("\n".join(lines), encoding="utf-8")
    told = [] if task.startswith(("multimodal", "text-classification")) else ["--task", task]
    code, out, err = cli("fit", data, *TASKS[task], *told, "--backend", "baseline", "--json")
    assert code == 0, err
    document = json.loads(out)
    assert document["task"] == task
    assert document["score"] >= LEAST[task]
    done = tmp_path / "out.csv"
    code, out, err = cli("predict", document["bundle"], data, "-o", done)
    assert code == 0, err
    found = rows_of(done)
    assert len(found) == len(data.read_text(encoding="utf-8").splitlines())
    if task == "multimodal-regression":
        assert set(found[0]) == {"prediction_brightness", "prediction_contrast"}


def test_a_folder_of_classes_and_a_folder_of_new_pictures(cli, photo_folder, tmp_path):
    code, out, err = cli("fit", photo_folder, "--backend", "baseline", "--json")
    assert code == 0, err
    document = json.loads(out)
    assert document["task"] == "image-classification"
    new = tmp_path / "new pictures"
    new.mkdir()
    for number, path in enumerate(sorted(photo_folder.rglob("photo *"))[::8]):
        (new / f"{path.relative_to(photo_folder).parts[0]} {number}{path.suffix}").write_bytes(path.read_bytes())
    (new / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    code, out, err = cli("predict", document["run_id"], new, "-o", tmp_path / "out.csv")
    assert code == 2
    assert "broken.jpg" in err
    code, out, err = cli("predict", document["run_id"], new, "-o", tmp_path / "out.csv", "--bad-images", "skip")
    assert code == 0, err
    assert "1 of 11 images cannot be read" in " ".join(err.split())
    found = rows_of(tmp_path / "out.csv")
    assert [row["file"] for row in found] == sorted(path.name for path in new.iterdir())
    assert [row["prediction"] for row in found if row["file"] == "broken.jpg"] == [""]
    right = [row["file"].startswith(row["prediction"]) for row in found if row["prediction"]]
    assert sum(right) >= 9


def test_a_file_of_lines_is_predicted(cli, tmp_path, reviews):
    data = tmp_path / "reviews.csv"
    with data.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "mood"), *zip(*reviews, strict=True)])
    code, out, err = cli("fit", data, "--target", "mood", "--backend", "baseline", "--json")
    assert code == 0, err
    document = json.loads(out)
    assert document["task"] == "text-classification"
    lines = tmp_path / "new.txt"
    lines.write_text("the room was lovely and warm\n\nthe room was dull and awful\n", encoding="utf-8")
    code, out, err = cli("predict", document["run_id"], lines, "-o", tmp_path / "out.csv")
    assert code == 0, err
    found = [row["prediction"] for row in rows_of(tmp_path / "out.csv")]
    assert len(found) == 3
    assert (found[0], found[2]) == ("good", "bad")


def test_a_folder_is_compared_without_a_target_and_without_what_is_broken(cli, photo_folder, tmp_path):
    folder = tmp_path / "some photos"
    for kind in ("dark", "light"):
        shutil.copytree(photo_folder / kind, folder / kind)
    (folder / "dark" / "no picture.png").write_text("<html></html>")
    asked = ("compare", str(folder), "--backends", "autokeras")
    code, _, said = cli(*asked)
    assert code == 2
    assert "--bad-images skip" in said
    code, shown, said = cli(*asked, "--bad-images", "skip")  # without --yes: the estimate, and no start
    assert code == 2
    assert "target label" in shown
    assert "--yes" in said
