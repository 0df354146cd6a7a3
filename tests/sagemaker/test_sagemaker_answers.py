"""What transform jobs answer, and which containers are asked for what."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sm_world import model_ref

from automl_bridge.cloud.wire import class_code
from automl_bridge.errors import BackendError, RejectedError
from automl_bridge_sagemaker.answers import read_probabilities, read_values
from automl_bridge_sagemaker.containers import containers_of, with_probabilities


def line(*cells: object) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue()


@st.composite
def answers(draw):
    classes = draw(st.integers(2, 12))
    order = draw(st.permutations(range(classes)))
    shares = st.lists(st.integers(0, 1000), min_size=classes, max_size=classes).filter(any)
    rows = [[share / sum(row) for share in row] for row in draw(st.lists(shares, min_size=1, max_size=8))]
    columns = draw(st.permutations(["label", "probability", "probabilities", "labels"]))
    return classes, order, rows, columns


@given(answers())
def test_probabilities_come_in_our_order_whatever_theirs(drawn):
    classes, order, rows, columns = drawn
    body = ""
    for row in rows:
        cells = {
            "label": class_code(order[int(np.argmax(row))]),
            "probability": max(row),
            "probabilities": str(row),
            "labels": str([class_code(index) for index in order]),
        }
        body += line(*[cells[name] for name in columns])
    found = read_probabilities(body.encode(), classes)
    expected = np.array(rows)[:, np.argsort(order)]
    np.testing.assert_array_equal(found, expected)


def test_the_documented_form_with_codes_for_labels():
    body = b"""c1,0.1,"[0.9, 0.1]","['c1', 'c0']"\n"""
    np.testing.assert_allclose(read_probabilities(body, 2), [[0.1, 0.9]])


def test_a_class_that_the_model_never_saw_has_no_probability():
    body = b"""c0,"[0.75, 0.25]","['c2', 'c0']"\n"""
    np.testing.assert_allclose(read_probabilities(body, 3), [[0.25, 0.0, 0.75]])


@pytest.mark.parametrize(
    "body",
    [
        b"c1\n",
        b"c1,0.9\n",
        b"""c1,"[0.9, 0.1]"\n""",
        b"""c1,"[0.9, 0.1]","['yes', 'no']"\n""",
        b"""c1,"[0.9, 0.1]","['c0', 'c0']"\n""",
        b"""c1,"[0.9, 0.1]","['c0', 'c7']"\n""",
        b"""c1,"[0.9]","['c0', 'c1']"\n""",
        b"""c1,"[0.9, nonsense]","['c0', 'c1']"\n""",
        b"""c1,"[nan, 0.5]","['c0', 'c1']"\n""",
        b"""c1,"[1.9, -0.9]","['c0', 'c1']"\n""",
        b"""c1,"[0.2, 0.3]","['c0', 'c1']"\n""",
    ],
)
def test_anything_else_is_an_error_and_no_guess(body):
    with pytest.raises(BackendError):
        read_probabilities(body, 2)


def test_values():
    np.testing.assert_allclose(read_values(b"1.5\n-2e3\n[7.0]\n"), [[1.5], [-2000.0], [7.0]])
    with pytest.raises(BackendError, match="line 2"):
        read_values(b"1.5\nnone\n")


def environments(containers):
    return [
        {key.removeprefix("SAGEMAKER_INFERENCE_"): value for key, value in one["Environment"].items()}
        for one in containers
    ]


def test_one_container_is_asked_itself():
    (found,) = environments(with_probabilities(model_ref(1).details["containers"]))
    assert found["OUTPUT"] == "predicted_label,probabilities,labels"
    assert "INPUT" not in found


def test_of_three_the_second_computes_and_the_third_names_the_labels():
    first, second, third = environments(with_probabilities(model_ref(3).details["containers"]))
    assert first == {}
    assert second["OUTPUT"] == "predicted_label,probabilities"
    assert third["INPUT"] == "predicted_label,probabilities"
    assert third["OUTPUT"] == "predicted_label,probabilities,labels"


def test_the_candidate_s_own_containers_stay_as_they_are():
    described = model_ref(3).details["containers"]
    before = environments(described)
    with_probabilities(described)
    assert environments(described) == before


def test_containers_that_give_no_probabilities_are_refused():
    described = model_ref(1).details["containers"]
    described[0]["Environment"]["SAGEMAKER_INFERENCE_SUPPORTED"] = "predicted_label"
    with pytest.raises(RejectedError, match="no probabilities"):
        with_probabilities(described)
    with pytest.raises(RejectedError, match="2 containers"):
        with_probabilities(model_ref(2).details["containers"])


def test_containers_of_texts_are_found_by_processor():
    container = {"Image": "i", "ModelDataUrl": "s3://b/m.tar.gz"}
    assert containers_of({"InferenceContainerDefinitions": {"GPU": [container]}})[0]["Environment"] == {}
    assert containers_of({}) == []
