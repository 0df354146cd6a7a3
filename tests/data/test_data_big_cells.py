"""Cells of more than 131,072 characters, which the standard library's CSV reader refuses by itself."""

from __future__ import annotations

import csv
import io
import threading

import pytest

from automl_bridge.data.csv_cells import any_size
from automl_bridge.data.readers import read_table
from automl_bridge.errors import BackendError, SchemaError
from automl_bridge_azure.answers import read_predictions as read_azure
from automl_bridge_sagemaker.answers import read_values
from automl_bridge_sagemaker.series import _records
from automl_bridge_vertex.answers import read_answers, values

LONG = "word, " * 50_000


def written(*rows: list[str]) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue().encode()


def test_a_file_with_long_cells_is_read_from_its_first_line_on(tmp_path):
    path = tmp_path / "texts.csv"
    path.write_bytes(written(["text", "label"], [LONG, "a"], ["short", "b"]))
    assert read_table(path).to_pydict() == {"text": [LONG, "short"], "label": ["a", "b"]}
    path.write_bytes(written(["# " + LONG, "label"], ["x", "a"], ["y", "b"]))
    assert read_table(path).column_names == ["# " + LONG, "label"]
    path.write_bytes(written(["text", "label"], [LONG, "a"], [LONG, "b", "c"]))
    with pytest.raises(SchemaError, match=r"line 3 of texts\.csv has 3 cells"):
        read_table(path)


def test_answers_that_hold_the_text_that_was_asked_are_read():
    body = written(["text", "predicted_y"], [LONG, "1.5"], ["short", "2.5"])
    answers = list(read_answers(body, "predictions.csv", ["text"]))
    assert [asked["text"] for asked, _ in answers] == [LONG, "short"]
    assert values([found for _, found in answers])[:, 0].tolist() == [1.5, 2.5]
    assert [row["text"] for row in _records(body)] == [LONG, "short"]


def test_a_long_cell_where_a_number_belongs_is_a_wrong_answer():
    with pytest.raises(BackendError):
        read_values(written([LONG]))
    with pytest.raises(BackendError):
        read_azure(written(["prediction"], [LONG]), ["prediction"], 1, probabilities=False)


def test_the_limit_is_that_of_before_when_the_last_one_is_done():
    before = csv.field_size_limit()
    begun, done = threading.Event(), threading.Event()

    def other() -> None:
        with any_size():
            begun.set()
            done.wait(10)

    thread = threading.Thread(target=other)
    with any_size():
        thread.start()
        assert begun.wait(10)
    assert len(next(csv.reader([f'"{LONG}"']))[0]) == len(LONG)
    done.set()
    thread.join()
    assert csv.field_size_limit() == before
