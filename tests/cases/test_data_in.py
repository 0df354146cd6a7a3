"""Files and tables as people have them: read exactly, or refused by name."""

from __future__ import annotations

import csv
import decimal
import io
import uuid
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from cases_kit import AWKWARD_NAMES, learn, notes, share_right, table
from pyarrow import parquet

from automl_bridge.data.build import build_dataset
from automl_bridge.errors import DataError, EncodingError, SchemaError, UsageError
from automl_bridge.spec import Kind, Role
from automl_bridge.task import Task

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16")
SEPARATORS = (",", ";", "\t", "|")
LINE_ENDS = ("\n", "\r\n")


def _csv(frame: pd.DataFrame, *, separator: str = ",", end: str = "\n", **words) -> str:
    out = io.StringIO()
    frame.to_csv(out, index=False, sep=separator, lineterminator=end, **words)
    return out.getvalue()


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("separator", SEPARATORS)
def test_one_table_in_any_dress_is_the_same_table(tmp_path, encoding, separator):
    frame = table(60)
    frame["city"] = frame["city"].replace({"Oslo": "Málaga", "Rome": "北京市"})
    end = LINE_ENDS[(ENCODINGS.index(encoding) + SEPARATORS.index(separator)) % 2]
    path = tmp_path / "a table.csv"
    path.write_bytes(_csv(frame, separator=separator, end=end).encode(encoding))
    model = learn(path, holdout=0, budget={"max_trials": 1})
    assert model.feature_names_in_.tolist() == ["number", "count", "city"]
    assert model.run_.spec.profile.fingerprint == _fingerprint(frame)
    assert len(model.predict(path)) == len(frame)


def _fingerprint(frame):
    """Return the fingerprint of a table that never was in a file."""
    from automl_bridge.data.build import build_dataset

    return build_dataset(frame, target="label")[1].profile.fingerprint


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "iso8859-15", "cp1250", "mac_roman"])
@pytest.mark.parametrize("where", ["name", "feature", "label", "last row"])
def test_a_western_file_is_refused_with_encoding_line_and_way_out(cli, encoding, where):
    frame = table(60, labels=("non", "oui"))
    if where == "name":
        frame = frame.rename(columns={"number": "numéro"})
    elif where == "last row":
        frame.loc[len(frame) - 1, "city"] = "Zürich"
    else:
        column = "city" if where == "feature" else "label"
        frame[column] = frame[column].replace({"Rome": "Orléans", "oui": "é"})
    with Path("d.csv").open("wb") as file:
        file.write(_csv(frame).encode(encoding))
    said = cli("fit", "d.csv", "--target", "label", "--backend", "baseline")
    words = " ".join(said.err.split())
    assert said.code == 2
    assert "encoding UTF-8" in words
    assert "line" in words
    assert "iconv" in words


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "cp932", "gb18030", "cp1251", "koi8-r"])
def test_other_encodings_are_refused(tmp_path, encoding):
    frame = table(60).rename(columns={"number": "数"} if encoding in {"cp932", "gb18030"} else {})
    if encoding in {"cp1251", "koi8-r"}:
        frame = frame.rename(columns={"number": "число"})
    path = tmp_path / "d.csv"
    path.write_bytes(_csv(frame).encode(encoding))
    with pytest.raises(EncodingError, match=r"UTF-8|UTF-16"):
        learn(path)


@pytest.mark.parametrize("separator", SEPARATORS)
@pytest.mark.parametrize("end", LINE_ENDS)
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, pytest.param(csv.QUOTE_ALL, marks=pytest.mark.slow)])
def test_quoted_cells_shift_nothing(tmp_path, separator, end, quoting):
    frame = table(90)
    evil = ['say ""', "a,b;c\td|e", f"two{end}lines", f'"quoted"{end}{end}and more', ' ends with a quote"', "'"]
    frame.insert(1, "remark", np.resize(np.asarray(evil, dtype=object), len(frame)))
    path = tmp_path / "d.csv"
    path.write_bytes(_csv(frame, separator=separator, end=end, quoting=quoting).encode())
    model = learn(path, holdout=0, budget={"max_trials": 1})
    assert sum(model.run_.spec.profile.rows.values()) == len(frame)
    assert model.run_.spec.profile.fingerprint == _fingerprint(frame)
    assert len(model.predict(path)) == len(frame)


def test_utf_32(tmp_path):
    (tmp_path / "d.csv").write_text(_csv(table(60)), encoding="utf-32")
    assert learn(tmp_path / "d.csv", budget={"max_trials": 1}).feature_names_in_[0] == "number"


def test_a_table_with_line_breaks_is_learned_and_predicted_in_order(tmp_path):
    frame = table(300)
    frame["remark"] = np.where(frame["label"] == "yes", 'x,"\ny', "x\n\ny")
    (tmp_path / "d.csv").write_text(_csv(frame))
    model = learn(tmp_path / "d.csv")
    assert share_right(model, tmp_path / "d.csv", frame["label"]) == 1.0


@pytest.mark.parametrize("separator", [";", "\t", "|"])
@pytest.mark.parametrize("thousands", ["", "."])
def test_decimal_commas(tmp_path, separator, thousands):
    frame = table(300)
    frame["amount"] = frame["number"] * 10_000
    frame = frame.drop(columns=["number"])
    written = frame.assign(amount=[_german(value, thousands) for value in frame["amount"]])
    (tmp_path / "d.csv").write_text(_csv(written, separator=separator))
    model = learn(tmp_path / "d.csv")
    assert str(_column(model, "amount").kind) == "numeric"
    assert share_right(model, tmp_path / "d.csv", frame["label"]) > 0.95
    # The same model reads the same numbers from another kind of file.
    np.testing.assert_array_equal(model.predict(frame.round({"amount": 2})), model.predict(tmp_path / "d.csv"))


def _column(model, name):
    return next(column for column in model.run_.spec.profile.columns if column.name == name)


def _german(value: float, thousands: str) -> str:
    return f"{value:,.2f}".replace(",", "_").replace(".", ",").replace("_", thousands)


def test_a_regression_with_decimal_commas_in_the_target(tmp_path):
    frame = table(300).drop(columns="label")
    frame["price"] = frame["number"] * 1000 + frame["count"]
    written = frame.assign(price=[_german(value, ".") for value in frame["price"]])
    (tmp_path / "d.csv").write_text(_csv(written, separator=";"))
    model = learn(tmp_path / "d.csv", target="price")
    assert model.score(frame, frame["price"].round(2)) > 0.9


@pytest.mark.parametrize(
    "source", ["csv", "pandas", *(pytest.param(name, marks=pytest.mark.slow) for name in ("parquet", "polars"))]
)
def test_awkward_names_keep_their_names(tmp_path, source):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(200, len(AWKWARD_NAMES))), columns=list(AWKWARD_NAMES))
    target = "Ziel [ja/nein]: 'y', \"z\""
    frame[target] = np.where(frame["日本語の列名"] + frame["a=b"] > 0, "ja", "nein")
    given = frame
    if source == "csv":
        given = tmp_path / "d.csv"
        frame.to_csv(given, index=False)
    elif source == "parquet":
        given = tmp_path / "d.parquet"
        frame.to_parquet(given)
    elif source == "polars":
        given = pl.from_pandas(frame)
    model = learn(given, target=target)
    assert model.feature_names_in_.tolist() == list(AWKWARD_NAMES)
    assert share_right(model, given, frame[target]) > 0.9
    np.testing.assert_array_equal(model.predict_proba(frame[frame.columns[::-1]]), model.predict_proba(frame))
    bundle = model.export(tmp_path / "bundle")
    loaded = type(model).load(bundle)
    assert loaded.feature_names_in_.tolist() == list(AWKWARD_NAMES)
    np.testing.assert_array_equal(loaded.predict(given), model.predict(given))


@pytest.mark.parametrize("source", ["csv", "csv with a mark", "parquet", "pandas", "arrow", "numpy records"])
def test_one_name_twice_is_refused_by_name(tmp_path, source):
    frame = table(60)
    frame["customer id"] = range(len(frame))
    doubled = frame.set_axis(["label", "number", "customer id", "city", "customer id"], axis=1)
    if source.startswith("csv"):
        doubled.to_csv(tmp_path / "d.csv", index=False, encoding="utf-8-sig" if "mark" in source else "utf-8")
        given = tmp_path / "d.csv"
    elif source == "pandas":
        given = doubled
    else:
        given = pa.Table.from_arrays([pa.array(frame[name]) for name in frame], names=list(doubled.columns))
        if source == "parquet":
            parquet.write_table(given, tmp_path / "d.parquet")
            given = tmp_path / "d.parquet"
        elif source == "numpy records":
            given = given.to_batches()[0]
    with pytest.raises(SchemaError, match="customer id") as caught:
        learn(given)
    assert caught.value.hint


NULLABLE = {
    "Int64": lambda frame: frame["count"].astype("Int64").where(frame["count"] % 17 != 0),
    "Int8": lambda frame: frame["count"].astype("Int8").where(frame["count"] % 17 != 0),
    "UInt16": lambda frame: frame["count"].astype("UInt16").where(frame["count"] % 17 != 0),
    "Float64": lambda frame: frame["count"].astype("Float64").where(frame["count"] % 17 != 0),
    "Float32": lambda frame: frame["count"].astype("Float32").where(frame["count"] % 17 != 0),
    "boolean": lambda frame: (frame["count"] > 50).astype("boolean").where(frame["count"] % 17 != 0),
    "string": lambda frame: (frame["count"] // 10).astype("string").where(frame["count"] % 17 != 0),
    "string[pyarrow]": lambda frame: (frame["count"] // 10).astype("string[pyarrow]").where(frame["count"] % 17 != 0),
    "int64[pyarrow]": lambda frame: frame["count"].astype("int64[pyarrow]").where(frame["count"] % 17 != 0),
    "bool[pyarrow]": lambda frame: (frame["count"] > 50).astype("bool[pyarrow]"),
    "one value and NA": lambda frame: pd.Series(np.where(frame["count"] > 50, "x", None)).astype("string"),
    "True and NA": lambda frame: pd.Series(np.where(frame["count"] > 50, True, pd.NA)).astype("boolean"),
    "category": lambda frame: (frame["count"] // 10).astype("category"),
    "object of bool and None": lambda frame: pd.Series(
        [None if count % 17 == 0 else bool(count > 50) for count in frame["count"]], dtype=object
    ),
    "object of int and None": lambda frame: pd.Series(
        [None if count % 17 == 0 else int(count) for count in frame["count"]], dtype=object
    ),
    "object of decimals": lambda frame: pd.Series([decimal.Decimal(int(count)) / 8 for count in frame["count"]]),
    "float16": lambda frame: frame["count"].astype("float16"),
    "Sparse": lambda frame: frame["count"].astype("Sparse[int64]"),
}


@pytest.mark.parametrize("kind", NULLABLE)
@pytest.mark.parametrize("source", ["pandas", pytest.param("parquet", marks=pytest.mark.slow)])
def test_nullable_types_are_as_good_as_plain_ones(tmp_path, kind, source):
    frame = table(300)
    frame["label"] = np.where(frame["count"] > 50, "yes", "no")
    frame["count"] = NULLABLE[kind](frame)
    given = frame
    if source == "parquet":
        given = tmp_path / "d.parquet"
        if kind == "Sparse":
            frame["count"] = frame["count"].sparse.to_dense()
        frame.to_parquet(given)
    model = learn(given)
    assert share_right(model, given, frame["label"]) > 0.9
    assert share_right(model, frame.iloc[:1], frame["label"][:1]) in {0.0, 1.0}


def test_a_class_with_one_row_stays_and_is_warned_of(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=203)})
    frame["label"] = ["common" if x > 0 else "other" for x in frame["x"][:200]] + ["lonely", "pair", "pair"]
    for given in (frame, frame.sample(frac=1, random_state=1)):
        model = learn(given, budget={"max_trials": 1}, metric="accuracy")
        assert set(model.classes_) == {"common", "other", "lonely", "pair"}
        assert "lonely" in notes(model)
        assert model.predict_proba(given).shape == (203, 4)


def test_ten_thousand_columns():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 10_000)).astype(np.float32)
    y = np.where(X[:, 7] > 0, 1, 0)
    X[:, 7] *= 100
    model = learn(X, y, budget={"max_trials": 1}, holdout=0)
    assert model.n_features_in_ == 10_000
    assert len(model.predict(X)) == 60


@pytest.mark.parametrize("kind", ["csr_matrix", "csc_matrix", "coo_array"])
def test_sparse_matrices(kind):
    sparse = pytest.importorskip("scipy.sparse")
    X = sparse.random(300, 200, density=0.05, random_state=0, format="lil")
    X[:, 3] = np.random.default_rng(0).integers(0, 2, (300, 1))
    X = X.tocsr()
    y = np.asarray(X[:, [3]].todense()).ravel().astype(int)
    given = getattr(sparse, kind)(X)
    model = learn(given, y)
    assert share_right(model, given, y) == 1.0
    assert model.predict(sparse.csr_matrix(X[:1])).tolist() == [y[0]]


def test_integers_beyond_doubles_stay_what_they_are(tmp_path):
    base = 2**53
    frame = table(200)
    frame["account"] = [base + 2 * index + 1 for index in range(200)]
    frame.to_csv(tmp_path / "d.csv", index=False)
    model = learn(tmp_path / "d.csv", types={"account": "categorical"})
    assert _column(model, "account").distinct == 200


def test_paths_with_spaces_and_other_scripts(cli, tmp_path):
    folder = tmp_path / "my data [2024] – 東京"
    folder.mkdir()
    table(60).to_csv(folder / "a file; (copy).csv", index=False)
    said = cli("fit", folder / "a file; (copy).csv", "-t", "label", "-b", "baseline", "--json")
    assert said.code == 0, said.err
    done = cli("predict", said.document["run_id"], folder / "a file; (copy).csv", "-o", folder / "out put.csv")
    assert done.code == 0, done.err
    assert len(pd.read_csv(folder / "out put.csv")) == 60


@pytest.mark.parametrize("text", ["unspaced", "thai", "spaced"])
def test_values_in_unspaced_languages(text):
    said = {
        "unspaced": ("とても美味しかったですまた行きたいと思います", "二度と行きませんとても残念な体験でした"),
        "thai": ("อาหารอร่อยมากอยากกลับไปอีก", "ไม่อร่อยเลยจะไม่กลับไปอีก"),
        "spaced": ("it was very good and we come back", "it was very bad and we never return"),
    }[text]
    rng = np.random.default_rng(0)
    frame = table(200)
    frame["評価"] = [said[int(label == "no")] for label in frame["label"]]
    frame["都市"] = rng.choice(["東京都", "大阪府"], 200)
    model = learn(frame.drop(columns=["number", "count", "city"]))
    assert share_right(model, frame, frame["label"]) == 1.0


@pytest.mark.parametrize(
    "words",
    [
        "非常好看 浪费时间 不太好笑 精彩极了",
        "อร่อยมาก ไม่อร่อย ราคาถูก จะกลับมา",
        "とても良い 二度と行かない 楽しかった まあまあ",
    ],
)
def test_sentences_without_spaces_are_texts_and_names_are_not(words):
    rng = np.random.default_rng(0)
    parts = words.split()
    said = ["".join(rng.choice(parts, 6)) for _ in range(200)]
    frame = pd.DataFrame({"said": said, "名": [f"王{chr(0x4E00 + number)}" for number in range(200)]})
    frame["label"] = [parts[0] in one for one in said]
    task, dataset = build_dataset(frame, target="label")
    kinds = {column.name: (column.kind, column.role) for column in dataset.profile.columns}
    assert task is Task.TEXT_CLASSIFICATION
    assert kinds["said"] == (Kind.TEXT, Role.FEATURE)
    assert kinds["名"] == (Kind.CATEGORICAL, Role.IGNORED)


def test_a_class_sorted_file_still_validates_on_all_classes(tmp_path):
    frame = table(300, labels=("a", "b")).sort_values("label")
    frame.to_csv(tmp_path / "d.csv", index=False)
    model = learn(tmp_path / "d.csv")
    assert model.score_ > 0.95
    assert model.classes_.tolist() == ["a", "b"]
    assert share_right(model, frame, frame["label"]) > 0.95


def test_empty_and_constant_columns_do_no_harm():
    frame = table(300)
    frame["nothing"] = np.nan
    frame["none"] = None
    frame["same"] = 7
    frame["word"] = "same"
    frame["never"] = pd.NaT
    assert share_right(learn(frame), frame, frame["label"]) > 0.95


@pytest.mark.parametrize("wrong", ["lists", "dicts", "complex", "objects"])
def test_what_no_model_reads_is_named(wrong):
    frame = table(40)
    values = {"lists": [1, 2], "dicts": {"a": 1}, "complex": 1 + 2j, "objects": object()}[wrong]
    frame["my column"] = pd.Series([values] * 40, dtype=object)
    with pytest.raises(UsageError, match="my column"):
        learn(frame)


KINDS = {
    "intervals": lambda frame: pd.cut(frame["count"], [-1, 25, 50, 75, 100]),
    "intervals as objects": lambda frame: pd.Series(list(pd.cut(frame["count"], [-1, 25, 50, 75, 100])), dtype=object),
    "periods": lambda frame: pd.PeriodIndex(["2020-01", "2024-06"], freq="M")[
        (frame["count"] > 50).astype(int).to_numpy()
    ],
    "text durations": lambda frame: pd.Series(pd.to_timedelta(frame["count"], unit="h").astype(str)),
    "clock": lambda frame: [f"{count}:30:00" for count in frame["count"]],
    "records": None,
}


@pytest.mark.parametrize("kind", KINDS)
def test_other_kinds_of_column_keep_what_they_say(kind):
    frame = table(240)
    frame["label"] = np.where(frame["count"] > 50, "yes", "no")
    if kind == "records":
        given = frame[["count", "number"]].to_records(index=False)
        model = learn(given, frame["label"])
    else:
        given = frame.assign(count=KINDS[kind](frame))
        model = learn(given)
    assert share_right(model, given, frame["label"]) > 0.97


def test_identifiers_of_any_type_are_left_out_with_a_word():
    frame = table(80)
    frame["key"] = [uuid.UUID(int=index) for index in range(80)]
    model = learn(frame, budget={"max_trials": 1})
    assert 'column "key" left out' in notes(model)


@pytest.mark.parametrize("word", ["?", "unknown", "n.a.", "-999 (bad)"])
def test_numbers_spoiled_by_a_few_words_are_told(tmp_path, word):
    frame = table(240)
    frame["count"] = [word if index % 9 == 0 else count for index, count in enumerate(frame["count"])]
    frame.to_csv(tmp_path / "d.csv", index=False)
    said = notes(learn(tmp_path / "d.csv", budget={"max_trials": 1}))
    assert f'column "count" holds numbers, but for 27 of 240 values like "{word}"' in said


def test_several_series_without_a_name_for_them_are_asked_about_before_filling():
    days = pd.date_range("2024-01-01", periods=40)
    frame = pd.concat([pd.DataFrame({"shop": shop, "day": days, "sold": np.arange(40.0)}) for shop in "ab"])
    asked = {"target": "sold", "time": "day", "forecast": {"horizon": 3}}
    with pytest.raises(DataError, match="is there more than once") as caught:
        build_dataset(frame, **asked)
    hint = caught.value.hint
    assert hint.index("--series") < hint.index("--gaps fill")
