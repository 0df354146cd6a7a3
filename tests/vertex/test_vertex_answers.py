"""What a batch prediction job wrote, in every form, as numbers of our rows and classes."""

from __future__ import annotations

import json

import numpy as np
import pytest

from automl_bridge.errors import BackendError
from automl_bridge_vertex.answers import probabilities, read_answers, values

SENT = ["x", "c0", "ab_row"]


def lines(*rows: object) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def both(body: bytes, name: str):
    instances, answers = zip(*read_answers(body, name, SENT), strict=True)
    return list(instances), list(answers)


def test_json_lines_in_the_models_order_of_classes():
    body = lines(
        {"instance": {"x": "1", "ab_row": "1"}, "prediction": {"classes": ["c1", "c0"], "scores": [0.75, 0.25]}},
        {"instance": {"x": "2", "ab_row": "0"}, "prediction": {"classes": ["c0", "c1"], "scores": [0.1, 0.9]}},
    )
    instances, answers = both(body, "predictions_0001.jsonl")
    assert [one["ab_row"] for one in instances] == ["1", "0"]
    np.testing.assert_allclose(probabilities(answers, 2), [[0.25, 0.75], [0.1, 0.9]])


@pytest.mark.parametrize(
    "header",
    ["target_c1_scores,target_c0_scores", "c1_scores,c0_scores", "target.c1,target.c0", "c1_score,predicted_c0_score"],
)
def test_csv_by_the_class_in_the_name(header):
    body = f"x,c0,ab_row,{header}\n5,blue,7,0.75,0.25\n".encode()
    instances, answers = both(body, "predictions_0001.csv")
    # A column of the input that is called like a class is the input's.
    assert instances[0]["c0"] == "blue"
    np.testing.assert_allclose(probabilities(answers, 2), [[0.25, 0.75]])


@pytest.mark.parametrize(
    "cells",
    [
        ("predicted_target", '"{""classes"": [""c1"", ""c0""], ""scores"": [0.75, 0.25]}"'),
        ("predicted_target_classes,predicted_target_scores", '"[""c1"", ""c0""]","[0.75, 0.25]"'),
    ],
)
def test_csv_with_lists_in_cells(cells):
    header, row = cells
    _, answers = both(f"x,ab_row,{header}\n5,7,{row}\n".encode(), "predictions.csv")
    np.testing.assert_allclose(probabilities(answers, 2), [[0.25, 0.75]])


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("predicted_target", "1.5"),
        ("predicted_target.value,predicted_target.lower_bound,predicted_target.upper_bound", "1.5,1,2"),
        ("lower_bound,upper_bound,value", "1,2,1.5"),
        ("predicted_target", '"{""value"": 1.5, ""lower_bound"": 1}"'),
    ],
)
def test_values_in_csv(header, row):
    _, answers = both(f"x,ab_row,{header}\n5,7,{row}\n".encode(), "p.csv")
    np.testing.assert_allclose(values(answers), [[1.5]])


def test_values_and_quantiles_in_lines():
    body = lines(
        {"instance": {"ab_row": "0"}, "prediction": {"value": 2.5, "lower_bound": 1.0}},
        {
            "instance": {"ab_row": "1"},
            "prediction": {"value": 3.0, "quantile_values": [0.9, 0.1], "quantile_predictions": [4.0, 2.0]},
        },
    )
    _, answers = both(body, "p.jsonl")
    np.testing.assert_allclose(values(answers), [[2.5], [3.0]])
    np.testing.assert_allclose(values(answers[1:], (0.1, 0.9)), [[3.0, 2.0, 4.0]])
    with pytest.raises(BackendError, match="not what was asked for"):
        values(answers[:1], (0.1, 0.9))


def test_images_by_display_name_and_a_class_that_is_left_out():
    body = lines(
        {
            "instance": {"content": "gs://b/1.png"},
            "prediction": {"displayNames": ["c2", "c0"], "confidences": [0.6, 0.2]},
        }
    )
    _, answers = both(body, "predictions_00001.jsonl")
    np.testing.assert_allclose(probabilities(answers, 3), [[0.25, 0.0, 0.75]])


@pytest.mark.parametrize(
    "answer",
    [
        {"classes": ["c0"], "scores": [0.5, 0.5]},
        {"classes": ["c0", "c9"], "scores": [0.5, 0.5]},
        {"classes": ["yes", "no"], "scores": [0.5, 0.5]},
        {"classes": ["c0", "c1"], "scores": [0.9, 0.9]},
        {"classes": ["c0", "c1"], "scores": [-0.1, 1.1]},
        {"classes": ["c0", "c1"], "scores": ["NaN", 1.0]},
        {"value": 3},
    ],
)
def test_what_are_no_probabilities(answer):
    with pytest.raises(BackendError):
        probabilities([answer], 2)


@pytest.mark.parametrize("answer", [{}, {"value": None}, {"value": "x"}, {"value": "inf"}])
def test_what_is_no_value(answer):
    with pytest.raises(BackendError):
        values([answer])


def test_a_line_that_is_no_json_is_shown():
    with pytest.raises(BackendError, match=r"line 2 .* is no JSON: oops"):
        list(read_answers(b'{"prediction": {}}\noops\n', "p.jsonl", SENT))
