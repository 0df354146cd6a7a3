import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl_bridge_vertex.sandbox.errors import RpcError
from automl_bridge_vertex.sandbox.filters import parse_filter
from automl_bridge_vertex.sandbox.routes import message

FIELDS = frozenset({"display_name", "state", "create_time"})
WORDS = ["AND", "OR", "NOT", "(", ")", "=", "!=", ":", "<", '"a b"', "'x'", "labels.k", "labels:k", "display_name", "*"]


@pytest.fixture
def row():
    made = message("TrainingPipeline")(display_name='a "b"', state=4, labels={"k": "v"})
    made.create_time.FromJsonString("2025-05-18T10:30:00Z")
    return made


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        (r'display_name="a \"b\""', True),
        ("display_name:*b*", True),
        ("displayName:a", True),
        ('state="PIPELINE_STATE_SUCCEEDED"', True),
        ("state!=PIPELINE_STATE_SUCCEEDED", False),
        ("labels.k=v", True),
        ("labels.k!=v", False),
        ("labels.other!=v", True),
        ("labels:k", True),
        ("labels:other", False),
        ("-labels:other", True),
        ("NOT labels:k OR labels.k=v", True),
        ("NOT (labels:k OR labels.k=v)", False),
        ("create_time>=2025-05-18T10:30:00Z", True),
        ('create_time>"2025-05-18T12:30:00+02:00"', False),
    ],
)
def test_filters(row, text, holds):
    assert parse_filter(text, FIELDS)(row) is holds


@given(st.one_of(st.text(max_size=30), st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join)))
@settings(max_examples=150, deadline=None)
def test_any_text_is_a_filter_or_is_refused(text):
    made = message("TrainingPipeline")(display_name="a")
    with contextlib.suppress(RpcError):  # any other error is one too many
        assert parse_filter(text, FIELDS)(made) in {True, False}
