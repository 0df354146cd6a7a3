"""CSV files as people have them: read exactly, or refused with the line and the way out."""

from __future__ import annotations

import csv
import gzip
import io
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl_bridge.data.csv_watch import BLOCK
from automl_bridge.data.readers import read_table
from automl_bridge.errors import EncodingError, SchemaError, UnreadableError

if TYPE_CHECKING:
    from pathlib import Path


def write(folder: Path, content: str | bytes, name: str = "d.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def rows_of(path: Path) -> list[dict[str, object]]:
    return read_table(path).to_pylist()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_mark_is_not_part_of_the_first_name(tmp_path, encoding):
    path = write(tmp_path, "zielwert,größe\nja,1\nnein,2\n".encode(encoding))
    assert rows_of(path) == [{"zielwert": "ja", "größe": 1}, {"zielwert": "nein", "größe": 2}]


@pytest.mark.parametrize(
    "text", ["prénom,âge,label\nJosé,31,été\nAnna,4,hiver\n", "name,age,label\nJosé,31,été\nAnna,4,hiver\n"]
)
def test_another_encoding_is_named_with_its_line(tmp_path, text):
    with pytest.raises(EncodingError, match=r"encoding UTF-8.*line [12].*Windows-1252") as caught:
        read_table(write(tmp_path, text.encode("cp1252")))
    assert "iconv -f cp1252" in caught.value.hint


def test_a_wrong_byte_late_in_a_large_file_is_found(tmp_path):
    text = "a,b\n" + "1,plain text here\n" * 90_000
    with pytest.raises(EncodingError, match="line 90002"):
        read_table(write(tmp_path, text.encode() + b"2,caf\xe9\n"))


def test_utf16_without_a_mark_is_an_encoding_error(tmp_path):
    with pytest.raises(EncodingError, match="UTF-16 without a mark"):
        read_table(write(tmp_path, "a,b\n1,2\n".encode("utf-16-le")))


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found(tmp_path, separator):
    lines = ["name;x|y".replace(";", separator), *(f"a{i}{separator}{i}" for i in range(5))]
    lines[0] = f"name{separator}x"
    table = read_table(write(tmp_path, "\n".join(lines) + "\n"))
    assert table.column_names == ["name", "x"]
    assert table["x"].to_pylist() == list(range(5))


def test_decimal_commas_are_numbers(tmp_path):
    path = write(tmp_path, "a;b;c\n1,5;1.234,56;x\n-2,25;7,5;y,z\n;0,5;w\n")
    table = read_table(path)
    assert table["a"].to_pylist() == [1.5, -2.25, None]
    assert table["b"].to_pylist() == [1234.56, 7.5, 0.5]
    assert table["c"].to_pylist() == ["x", "y,z", "w"]


def test_three_digits_behind_a_comma_in_a_comma_file_stay_text(tmp_path):
    table = read_table(write(tmp_path, 'a,b\n"1,234",1\n"12,345",2\n'))
    assert table["a"].to_pylist() == ["1,234", "12,345"]


def test_quoted_cells_hold_anything(tmp_path):
    cell = 'line one\nline two, with; all\tof "it"\r\nend'
    buffer = io.StringIO(newline="")
    out = csv.writer(buffer)
    out.writerow(["a", "t", "b"])
    out.writerows([i, cell, i * 2] for i in range(100))
    table = read_table(write(tmp_path, buffer.getvalue()))
    assert table["t"].to_pylist() == [cell] * 100
    assert table["b"].to_pylist() == [i * 2 for i in range(100)]


@pytest.mark.parametrize("length", [700, 400_000, 3 * BLOCK])
def test_line_breaks_in_quotes_survive_the_ends_of_blocks(tmp_path, length):
    cells = ["x" * (length // 2) + "\n" + "y," * (length // 4) for _ in range(max(6, 2 * BLOCK // length))]
    buffer = io.StringIO(newline="")
    out = csv.writer(buffer)
    out.writerow(["i", "t"])
    out.writerows(enumerate(cells))
    table = read_table(write(tmp_path, buffer.getvalue()))
    assert table["t"].to_pylist() == cells
    assert table["i"].to_pylist() == list(range(len(cells)))


def test_a_stray_quote_shifts_nothing(tmp_path):
    rows = [f'{i},5" pipe,"a\nb",{i}' for i in range(30_000)]
    table = read_table(write(tmp_path, "i,t,q,j\n" + "\n".join(rows) + "\n"))
    assert table["t"].to_pylist() == ['5" pipe'] * 30_000
    assert table["j"].to_pylist() == list(range(30_000))


def test_numbers_are_exact(tmp_path):
    path = write(
        tmp_path, "big,huge,mixed\n9007199254740993,18446744073709551615,1\n9007199254740995,9223372036854775808,\n"
    )
    table = read_table(path)
    assert table["big"].to_pylist() == [9007199254740993, 9007199254740995]
    assert table["huge"].to_pylist() == [18446744073709551615, 9223372036854775808]
    assert table["mixed"].to_pylist() == [1, None]


def test_whole_numbers_beyond_64_bits_stay_as_written(tmp_path):
    table = read_table(write(tmp_path, "a,b\n123456789012345678901234567890,1\n123456789012345678901234567891,2\n"))
    assert table["a"].to_pylist() == ["123456789012345678901234567890", "123456789012345678901234567891"]


@pytest.mark.parametrize("late", [0, 80_000])
def test_leading_zeros_are_kept(tmp_path, late):
    rows = [f"{i + 10},{i},1" for i in range(late)] + ["00123,7,1", "123,8,0", '"007",9,0.5']
    table = read_table(write(tmp_path, "zip,n,f\n" + "\n".join(rows) + "\n"))
    assert table["zip"].to_pylist()[-3:] == ["00123", "123", "007"]
    assert table.schema.field("n").type == pa.int64()
    assert table.schema.field("f").type == pa.float64()


@pytest.mark.parametrize(
    ("early", "late", "kind", "last"),
    [
        ("1", "2.5", pa.float64(), 2.5),
        ("1", "9223372036854775808", pa.uint64(), 9223372036854775808),
        ("1", "x", pa.string(), "x"),
        ("1", "007", pa.string(), "007"),
        ("true", "maybe", pa.string(), "maybe"),
        ("", "7", pa.int64(), 7),
        ("2024-01-01", "2024-01-01 10:00:00", pa.timestamp("s"), None),
        ("1,5", "x", pa.string(), "x"),
    ],
)
def test_the_last_row_of_a_large_file_counts_as_much_as_the_first(tmp_path, early, late, kind, last):
    filler = "a filler of sixty characters so that the file is large enough"
    rows = [f"{early};{filler};1"] * 80_000 + [f"{late};{filler};2"]
    path = write(tmp_path, "a;f;n\n" + "\n".join(rows) + "\n")
    assert path.stat().st_size > 4 * BLOCK
    table = read_table(path)
    assert table.num_rows == 80_001
    assert table["a"].type == kind
    assert last is None or table["a"][-1].as_py() == last
    assert table["n"][-1].as_py() == 2


def test_what_counts_as_missing(tmp_path):
    table = read_table(write(tmp_path, 'n,s\n1,a\nNA,NA\n,\nnan,null\nNULL,""\n2,b\n'))
    assert table["n"].to_pylist() == [1, None, None, None, None, 2]
    assert table["s"].to_pylist() == ["a", None, None, None, None, "b"]


def test_infinity_and_numbers_beyond_doubles_are_read(tmp_path):
    assert read_table(write(tmp_path, "a\ninf\n-inf\n1e300\n1e400\n"))["a"].to_pylist() == [
        float("inf"),
        float("-inf"),
        1e300,
        float("inf"),
    ]


def test_stamps_with_and_without_zones(tmp_path):
    path = write(
        tmp_path, "d,z\n2024-03-31 01:30:00,2024-03-31T01:30:00+01:00\n2024-03-31 03:30:00,2024-03-31T03:30:00+02:00\n"
    )
    schema = read_table(path).schema
    assert pa.types.is_timestamp(schema.field("d").type)
    assert schema.field("z").type.tz == "UTC"


def test_an_empty_line_in_a_single_column_is_a_row(tmp_path):
    assert read_table(write(tmp_path, "text\none\n\nthree\n"))["text"].to_pylist() == ["one", None, "three"]


@pytest.mark.parametrize(
    ("content", "kind", "words"),
    [
        ("", UnreadableError, "d.csv is empty"),
        ("\n\n", UnreadableError, "d.csv is empty"),
        ("a,b\n", UnreadableError, "header but no rows"),
        ("a,b,a\n1,2,3\n", SchemaError, 'more than one column called "a"'),
        (",b\n1,2\n", SchemaError, "column 1 of d.csv has no name"),
        ("a,b,\n1,2,\n", SchemaError, "column 3 of d.csv has no name"),
        ("a,b\n1,2\n3,4,5\n6,7\n", SchemaError, "line 3 of d.csv has 3 cells, its header has 2"),
        ("a,b\n1,2\n3\n6,7\n", SchemaError, "line 3 of d.csv has 1 cells, its header has 2"),
        ('a,b\n1,"x\ny"\n3,4,5\n', SchemaError, "line 4 of d.csv"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, content, kind, words):
    with pytest.raises(kind, match=words):
        read_table(write(tmp_path, content))


def test_a_quote_that_is_never_closed_is_an_error(tmp_path):
    with pytest.raises((SchemaError, UnreadableError), match=r"d\.csv"):
        read_table(write(tmp_path, 'a,b\n1,"x\n2,y\n3,z\n'))


def test_compressed_files_and_spaces_in_paths(tmp_path):
    folder = tmp_path / "my data"
    folder.mkdir()
    path = write(folder, gzip.compress(b"a,b\n1,x\n"), "some file.csv.gz")
    assert rows_of(path) == [{"a": 1, "b": "x"}]


_NAMES = st.lists(st.text("abcdefghij _-[]:äß日", min_size=1).filter(str.strip), min_size=2, max_size=4, unique=True)
_CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0\r", exclude_categories=["Cs"]), max_size=12)


@settings(max_examples=60, deadline=None)
@given(names=_NAMES, data=st.data())
def test_any_text_comes_back_as_many_rows_as_records(tmp_path_factory, names, data):
    # A letter in front keeps cells from looking like numbers or missing ones.
    row = st.tuples(*[_CELL.map(lambda text: "x" + text) for _ in names])
    rows = data.draw(st.lists(row, min_size=1, max_size=8))
    buffer = io.StringIO(newline="")
    out = csv.writer(buffer, quoting=csv.QUOTE_ALL)
    out.writerow(names)
    out.writerows(rows)
    path = write(tmp_path_factory.mktemp("csv"), buffer.getvalue())
    table = read_table(path)
    assert table.column_names == names
    assert [tuple(record[name] for name in names) for record in table.to_pylist()] == rows


BODY = "a;b;c\n1;x;2,5\n2;y;3,5\n"
EXPECTED = [{"a": 1, "b": "x", "c": 2.5}, {"a": 2, "b": "y", "c": 3.5}]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "before",
    [
        "sep=;\n",
        "SEP=;\n",
        '"sep=;"\n',
        "sep=;\n\n",
        "# made by größe, with care\n",
        "#\n# one\n#two; three\n\n",
        "sep=;\n# a comment\n",
        '# an open "quote\n',
        "# x; y; z\n",
    ],
)
def test_lines_before_the_header_are_no_rows(tmp_path, before, end, encoding):
    path = write(tmp_path, (before + BODY).replace("\n", end).encode(encoding))
    assert rows_of(path) == EXPECTED


@pytest.mark.parametrize("separator", [":", "~", "\t", ",", "^", " "])
def test_excels_line_names_any_separator(tmp_path, separator):
    path = write(tmp_path, f"sep={separator}\n" + BODY.replace(",", ".").replace(";", separator))
    assert rows_of(path) == EXPECTED


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("#id,label\n1,x\n2,y\n", ["#id", "label"]),
        ("# id,label\n1,x\n2,y\n", ["# id", "label"]),
        ("#,label\n#1,x\n#2,y\n3,z\n", ["#", "label"]),
        ("# made, by, me\n#id,label\n1,x\n2,y\n", ["#id", "label"]),
        ("#tag\nx\ny\n", ["#tag"]),
        ("# a remark\ntext\none\ntwo\n", ["text"]),
        ("#a,b\n#1,2\n#3,4\n", ["#a", "b"]),
    ],
)
def test_a_header_may_start_like_a_comment(tmp_path, content, names):
    table = read_table(write(tmp_path, content))
    assert table.column_names == names
    assert table.num_rows == len(content[content.index(names[0]) :].splitlines()) - 1


def test_errors_count_the_lines_before_the_header(tmp_path):
    with pytest.raises(SchemaError, match=r"line 5 of d\.csv has 3 cells"):
        read_table(write(tmp_path, "# one\n# two\na,b\n1,2\n1,2,3\n4,5\n"))
    text = "sep=,\na,b\n" + "1,plain text here\n" * 90_000
    with pytest.raises(EncodingError, match="line 90003"):
        read_table(write(tmp_path, text.encode() + b"2,caf\xe9\n"))


@pytest.mark.parametrize("content", ["sep=;\n", "sep=;\n\n", "sep=;", "sep=,\n\na,b\n"])
def test_a_file_of_nothing_but_a_preamble_is_refused(tmp_path, content):
    with pytest.raises(UnreadableError, match="no rows"):
        read_table(write(tmp_path, content))


@pytest.mark.parametrize("blank", ["   ", "\t", "  \r", "   \n \n"])
@pytest.mark.parametrize("filler", [0, 60_000])
@pytest.mark.parametrize("quoted", ["x", '"x\ny"'])
def test_lines_of_spaces_are_no_rows(tmp_path, blank, filler, quoted):
    rows = f"1,{quoted},some more to read\n" * (filler + 2)
    table = read_table(write(tmp_path, f"a,b,c\n{rows}{blank}\n{rows}{blank}"))
    assert table.num_rows == 2 * (filler + 2)
    assert table["a"].null_count == 0


def test_a_line_of_spaces_does_not_hide_a_misfit(tmp_path):
    with pytest.raises(SchemaError, match=r"line 4 of d\.csv has 1 cells"):
        read_table(write(tmp_path, "a,b\n1,2\n   \nx\n3,4\n"))
