"""One fingerprint for one content, whatever the chunks, and another for any other."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from automl_bridge.data.fingerprint import fingerprint

VALUES = st.lists(
    st.tuples(
        st.none() | st.integers(-(2**40), 2**40),
        st.none() | st.text(max_size=5),
        st.none() | st.booleans(),
        st.none() | st.floats(allow_nan=False),
    ),
    min_size=1,
    max_size=40,
)
TYPES = pa.schema({"i": pa.int64(), "s": pa.string(), "b": pa.bool_(), "f": pa.float64()})


def table_of(rows):
    columns = zip(*rows, strict=True)
    return pa.Table.from_arrays([pa.array(c, t) for c, t in zip(columns, TYPES.types, strict=True)], schema=TYPES)


@settings(max_examples=80, deadline=None)
@given(rows=VALUES, size=st.integers(1, 7), start=st.integers(0, 5))
def test_chunks_and_slices_do_not_matter(rows, size, start):
    whole = table_of(rows)
    pieces = pa.Table.from_batches(whole.to_batches(max_chunksize=size), whole.schema)
    assert fingerprint(pieces) == fingerprint(whole)
    shifted = table_of(rows[:1] * start + rows).slice(start)
    assert fingerprint(shifted) == fingerprint(whole)


@settings(max_examples=80, deadline=None)
@given(left=VALUES, right=VALUES)
def test_other_content_has_another_fingerprint(left, right):
    same = [[(type(v), v) for v in row] for row in left] == [[(type(v), v) for v in row] for row in right]
    if same or (not any(repr(a) != repr(b) for a, b in zip(left, right, strict=False)) and len(left) == len(right)):
        return
    assert fingerprint(table_of(left)) != fingerprint(table_of(right))


def test_what_lies_under_missing_values_does_not_count():
    mask = pa.array([True, False]).buffers()[1]
    numbers = [
        pa.Array.from_buffers(pa.int64(), 2, [mask, pa.array([1, under], pa.int64()).buffers()[1]]) for under in (7, 8)
    ]
    assert fingerprint(pa.table({"a": numbers[0]})) == fingerprint(pa.table({"a": numbers[1]}))
    texts = []
    for under in ("xx", "yyy"):
        full = pa.array(["a", under])
        texts.append(pa.Array.from_buffers(pa.string(), 2, [mask, *full.buffers()[1:]]))
    assert fingerprint(pa.table({"a": texts[0]})) == fingerprint(pa.table({"a": texts[1]}))


def test_text_does_not_run_from_row_to_row_nor_from_column_to_column():
    tables = [{"a": ["xy", "z"]}, {"a": ["x", "yz"]}, {"a": ["xyz", ""]}, {"a": ["xyz", None]}, {"b": ["xy", "z"]}]
    assert len({fingerprint(pa.table(each)) for each in tables}) == len(tables)


def test_types_and_order_count():
    tables = [
        pa.table({"a": [1, 2]}),
        pa.table({"a": [2, 1]}),
        pa.table({"a": pa.array([1, 2], pa.int32())}),
        pa.table({"a": [1.0, 2.0]}),
        pa.table({"a": [1, 2], "b": [1, 2]}),
    ]
    assert len({fingerprint(table) for table in tables}) == len(tables)
