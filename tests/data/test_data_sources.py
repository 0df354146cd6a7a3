"""Everything that holds a table is read into one form, and what cannot be learned from is named."""

from __future__ import annotations

import datetime as dt
import decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
import scipy.sparse as sp

from automl_bridge.data.fingerprint import fingerprint
from automl_bridge.data.readers import read_table
from automl_bridge.errors import DataError, SchemaError, UnreadableError

ROWS = {"i": [1, 2, 3], "f": [0.5, None, 2.5], "s": ["a", None, "c"], "b": [True, False, None]}


def files(folder):
    table = pa.table(ROWS)
    pq.write_table(table, folder / "with space.parquet")
    pyarrow.feather.write_feather(table, folder / "t.feather")
    with pa.OSFile(str(folder / "t.arrows"), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    (folder / "t.csv").write_text("i,f,s,b\n1,0.5,a,true\n2,,,false\n3,2.5,c,\n")
    (folder / "t.tsv").write_text("i\tf\ts\tb\n1\t0.5\ta\ttrue\n2\t\t\tfalse\n3\t2.5\tc\t\n")
    return [folder / name for name in ("with space.parquet", "t.feather", "t.arrows", "t.csv", "t.tsv")]


def sources(folder):
    table = pa.table(ROWS)
    frame = pl.DataFrame(ROWS)
    return [
        *files(folder),
        *[str(path) for path in files(folder)],
        ROWS,
        [dict(zip(ROWS, row, strict=True)) for row in zip(*ROWS.values(), strict=True)],
        table,
        table.to_batches()[0],
        pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=2)),
        table.to_pandas(types_mapper=pd.ArrowDtype),
        pd.DataFrame(ROWS).astype({"b": "boolean"}),
        pd.DataFrame({"i": [1, 2, 3], "f": ROWS["f"], "s": ROWS["s"], "b": pd.Series(ROWS["b"], dtype=object)}),
        frame,
        frame.lazy(),
    ]


def test_all_sources_give_one_table_and_one_fingerprint(tmp_path):
    tables = [read_table(source) for source in sources(tmp_path)]
    for table in tables:
        assert table.to_pydict() == ROWS
    assert len({fingerprint(table) for table in tables}) == 1


def test_a_folder_of_parquet_files_is_one_table(tmp_path):
    folder = tmp_path / "parts"
    folder.mkdir()
    for i in range(3):
        pq.write_table(pa.table({"a": [i]}), folder / f"{i}.parquet")
    assert read_table(folder)["a"].to_pylist() == [0, 1, 2]


def test_the_index_of_pandas_is_no_column(tmp_path):
    frame = pd.DataFrame({"a": [1, 2]}, index=["r", "s"])
    frame.to_parquet(tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet").column_names == ["a"]
    assert read_table(frame).column_names == ["a"]


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(3, 2),
        np.arange(6).reshape(3, 2),
        np.arange(6.0, dtype="float32").reshape(3, 2),
        np.arange(6.0, dtype=">f8").reshape(3, 2),
        np.asfortranarray(np.arange(6.0).reshape(3, 2)),
        np.arange(6).reshape(3, 2).astype(object),
        [[0, 1], [2, 3], [4, 5]],
        [(0.0, 1.0), (2.0, 3.0), (4.0, 5.0)],
        sp.csr_matrix(np.arange(6.0).reshape(3, 2)),
        sp.coo_array(np.arange(6.0).reshape(3, 2)),
    ],
)
def test_arrays_lists_and_sparse_matrices(array):
    table = read_table(array)
    assert table.column_names == ["x0", "x1"]
    assert [list(row.values()) for row in table.to_pylist()] == [[0, 1], [2, 3], [4, 5]]


def test_other_arrays():
    assert read_table(np.array([1.5, np.nan]))["x0"].to_pylist() == [1.5, None]
    structured = np.array([(1, "a"), (2, "b")], dtype=[("n", "i4"), ("s", "U3")])
    assert read_table(structured).to_pydict() == {"n": [1, 2], "s": ["a", "b"]}
    masked = np.ma.masked_array([[1, 2], [3, 4]], mask=[[False, True], [False, False]])
    assert read_table(masked)["x1"].to_pylist() == [None, 4]
    stamps = np.array(["2024-01", "NaT"], dtype="M8[M]")
    assert read_table(stamps)["x0"].to_pylist() == [dt.datetime(2024, 1, 1), None]  # noqa: DTZ001


@pytest.mark.parametrize(
    "texts",
    [["a", "", None, "x" * 300_000], np.array(["a", "", None, "x" * 300_000], dtype=object)],
    ids=["list", "array"],
)
def test_a_list_of_texts_is_a_column(texts):
    assert read_table(texts)["text"].to_pylist() == list(texts)


def test_types_of_pandas():
    frame = pd.DataFrame(
        {
            "Int64": pd.array([1, 2**60 + 1, None], dtype="Int64"),
            "Float64": pd.array([1.5, None, 2], dtype="Float64"),
            "boolean": pd.array([True, None, False], dtype="boolean"),
            "string": pd.array(["a", None, "a"], dtype="string"),
            "category": pd.Categorical(["u", None, "v"], categories=["v", "u", "w"]),
            "numbers": pd.Categorical([3, 1, 3]),
            "zone": pd.to_datetime(["2024-03-31 01:30", None, "2024-10-27 02:30"], utc=True).tz_convert(
                "Europe/Berlin"
            ),
            "period": pd.PeriodIndex(["2024-01", "2024-02", "NaT"], freq="M"),
            "duration": pd.to_timedelta([1, None, 3], unit="s"),
            "half": np.array([1, np.nan, 3], dtype="float16"),
            "sparse": pd.arrays.SparseArray([0.0, 0.0, 1.0]),
            "interval": pd.arrays.IntervalArray.from_breaks([0, 1, 2, 3]),
            "decimal": [decimal.Decimal("1.5"), None, decimal.Decimal(2)],
            "mixed": [1, "a", 2.5],
            "numbers in objects": pd.Series([1, 2.5, None], dtype=object),
            "empty": [None, None, None],
        }
    )
    table = read_table(frame)
    held = {name: table[name].to_pylist() for name in table.column_names}
    assert held["Int64"] == [1, 2**60 + 1, None]
    assert held["Float64"] == [1.5, None, 2]
    assert held["boolean"] == [True, None, False]
    assert held["string"] == ["a", None, "a"]
    assert held["category"] == ["u", None, "v"]
    assert held["numbers"] == [3, 1, 3]
    assert [stamp and stamp.utcoffset() for stamp in held["zone"]] == [
        dt.timedelta(hours=2),
        None,
        dt.timedelta(hours=1),
    ]
    assert held["period"][2] is None
    assert held["duration"] == [dt.timedelta(seconds=1), None, dt.timedelta(seconds=3)]
    assert held["half"] == [1, None, 3]
    assert held["sparse"] == [0, 0, 1]
    assert held["interval"] == ["(0, 1]", "(1, 2]", "(2, 3]"]
    assert held["mixed"] == ["1", "a", "2.5"]
    assert held["numbers in objects"] == [1, 2.5, None]
    assert held["empty"] == [None] * 3


def test_types_of_polars():
    frame = pl.DataFrame(
        {
            "c": pl.Series(["u", None, "v"], dtype=pl.Categorical),
            "e": pl.Series(["u", None, "v"], dtype=pl.Enum(["v", "u"])),
            "d": pl.Series([dt.date(2024, 1, 1)] * 3),
            "t": pl.Series([dt.timedelta(seconds=1)] * 3),
            "n": pl.Series([None] * 3),
        }
    )
    table = read_table(frame)
    assert table["c"].to_pylist() == table["e"].to_pylist() == ["u", None, "v"]
    assert table["c"].type == pa.string()
    assert read_table(frame["d"]).column_names == ["d"]


def test_awkward_names_stay_as_they_are():
    names = ["[a]", "a:b", 'q"uote', "日本", "_x", "class", "a,b", " lead"]
    assert read_table(pd.DataFrame([[1] * 8], columns=names)).column_names == names
    assert read_table(pd.DataFrame([[1, 2]], columns=[0, ("a", "b")])).column_names == ["0", "a.b"]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"a": [[1], [2]]}, 'column "a" holds list'),
        (pd.DataFrame({"n": [{"x": 1}, 3]}), 'column "n" holds a dict'),
        (pl.DataFrame({"n": [{"x": 1}]}), 'column "n" holds struct'),
        (np.array([[1j, 2]]), "Complex data not supported"),
        ({"a": [1], "b": [1, 2]}, "differ in length"),
        ({"a": 1}, 'column "a" is a single int'),
        ([[1, 2], [3]], "row 2 has 1 values, the first has 2"),
        (np.zeros((2, 2, 2, 2, 2)), "5 dimensions"),
        (np.zeros((2, 0)), "0 feature"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), 'more than one column called "a"'),
        (pd.DataFrame([[1, 2]], columns=["a", ""]), "column 2 of data has no name"),
    ],
)
def test_what_no_model_reads_is_named(source, words):
    with pytest.raises(SchemaError, match=words):
        read_table(source)


def test_doubled_names_in_parquet(tmp_path):
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["k", "k"])
    pq.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(SchemaError, match='more than one column called "k"'):
        read_table(tmp_path / "t.parquet")


@pytest.mark.parametrize("content", [b"PAR1 cut short", b"ARROW1 cut", b"PK\x03\x04 a workbook", b"\x1f\x8bno gzip"])
def test_damaged_files_and_other_formats(tmp_path, content):
    path = tmp_path / "f.bin"
    path.write_bytes(content)
    with pytest.raises(UnreadableError, match=r"f\.bin"):
        read_table(path)


def test_no_file_and_no_table(tmp_path):
    with pytest.raises(UnreadableError, match=r"no such file: .*nope\.csv"):
        read_table(tmp_path / "nope.csv")
    with pytest.raises(UnreadableError, match="without Parquet files"):
        read_table(tmp_path)
    with pytest.raises(UnreadableError, match="is not a table"):
        read_table(object())
    with pytest.raises(UnreadableError, match="list is empty"):
        read_table([])


def test_a_sparse_matrix_larger_than_memory_is_refused():
    with pytest.raises(DataError, match="GiB of memory are free"):
        read_table(sp.csr_matrix((10**6, 10**7)))
