"""Decimal commas: new rows are read as training's file wrote its numbers, whatever they look like by themselves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from automl_bridge.cli.entry import invoke
from automl_bridge.data.build import build_dataset, build_predict_dataset
from automl_bridge.errors import SchemaError, TargetError
from automl_bridge.spec import Profile

if TYPE_CHECKING:
    from pathlib import Path

    from automl_bridge.data.dataset import Dataset

ROWS = 60


def german(value: float, digits: int = 2) -> str:
    return f"{value:,.{digits}f}".translate(str.maketrans(",.", ".,"))


def write(path: Path, columns: dict[str, list[Any]], separator: str = ";") -> Path:
    columns = {**columns, "other": ["w"] * len(next(iter(columns.values())))}
    rows = zip(*columns.values(), strict=True)
    quoted = [[f'"{cell}"' if separator in str(cell) else str(cell) for cell in row] for row in rows]
    path.write_text("\n".join(separator.join(row) for row in [list(columns), *quoted]) + "\n")
    return path


def trained(path: Path, separator: str = ";", types: dict[str, str] | None = None, **columns: list[Any]) -> Dataset:
    price = np.random.default_rng(0).integers(100, 10**6, ROWS) / 100
    columns = {"price": [german(value) for value in price], **columns, "y": ["p", "n"] * (ROWS // 2)}
    return build_dataset(
        write(path / "train.csv", columns, separator), target="y", types={"other": "ignored", **(types or {})}
    )[1]


def read(dataset: Dataset, source: Any, name: str = "price") -> list[Any]:
    again = Profile.model_validate_json(dataset.profile.model_dump_json())
    return build_predict_dataset(source, again).features("predict")[name].to_pylist()


@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_whole_thousands_are_thousands(tmp_path, separator):
    dataset = trained(tmp_path, separator)
    new = write(tmp_path / "new.csv", {"price": ["1.234", "12.345", "7", ""]}, separator)
    assert read(dataset, new) == [1234.0, 12345.0, 7.0, None]
    assert read(dataset, pd.DataFrame({"price": ["1.234", "7"]})) == [1234.0, 7.0]
    told = build_predict_dataset(new, dataset.profile).notes
    assert len(told) == 1
    assert 'points of "price" are read as thousands (1.234 is 1234)' in told[0]


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["1,234"], [1.234]),
        (["1.234,5", "-0,25"], [1234.5, -0.25]),
        (["1,5E+3", "2,5e-3"], [1500.0, 0.0025]),
        (["1.234.567"], [1234567.0]),
        (["1234.5", "1.234"], [1234.5, 1.234]),
        (["1234.5678"], [1234.5678]),
        (["1,234.50", "7"], [1234.5, 7.0]),
        (["1 234,50", "12\u202f345"], [1234.5, 12345.0]),
        (["-1e-3"], [-0.001]),
        (["n/a", "3"], [None, 3.0]),
    ],
)
def test_other_cells_say_what_they_are(tmp_path, cells, numbers):
    assert read(trained(tmp_path), write(tmp_path / "new.csv", {"price": cells})) == numbers


def test_numbers_in_memory_are_what_they_are(tmp_path):
    assert read(trained(tmp_path), pd.DataFrame({"price": [1.234, 1234.5]})) == [1.234, 1234.5]


def test_points_in_training_are_for_thousands_where_another_column_has_decimal_commas(tmp_path):
    sold = [german(value, 0) for value in range(900, 900 + ROWS * 10, 10)]
    large = [german(1_000_000 + value, 0) for value in range(ROWS)]
    dataset = trained(tmp_path, sold=sold, large=large, share=[f"0.{i + 100}" for i in range(ROWS)])
    kinds = {column.name: column.arrow_type for column in dataset.profile.columns}
    assert [kinds[name] for name in ("sold", "large", "share")] == ["double"] * 3
    rows = {"price": ["1", "2"], "sold": ["1.200", "1.200,5"], "large": ["2.000.000", "3"], "share": ["0.5", "1.234"]}
    new = write(tmp_path / "new.csv", rows)
    found = {name: max(dataset.features("train")[name].to_pylist()) for name in ("sold", "large", "share")}
    assert found["sold"] > 1000
    assert found["large"] > 1_000_000
    assert found["share"] < 1
    assert read(dataset, new, "sold") == [1200.0, 1200.5]
    assert read(dataset, new, "large") == [2e6, 3.0]
    assert read(dataset, new, "share") == [0.5, 1.234]


def test_whole_numbers_of_the_same_file_may_have_thousands_later(tmp_path):
    dataset = trained(tmp_path, sold=list(range(ROWS)), number=[2**60 + i for i in range(ROWS)])
    new = write(tmp_path / "new.csv", {"price": ["1"], "sold": ["1.234"], "number": [str(2**60 + 1)]})
    assert read(dataset, new, "sold") == [1234]
    assert read(dataset, new, "number") == [2**60 + 1]
    dataset = trained(tmp_path, number=[2**60 + i for i in range(ROWS)], types={"number": "text"})
    assert read(dataset, new, "number") == [str(2**60 + 1)]


@pytest.mark.parametrize("train", [[1.5, 2.25], [5, 7]])
def test_a_comma_that_may_mean_two_things_is_an_error(tmp_path, train):
    frame = pd.DataFrame({"price": train * 30, "z": [0.5, 1.0] * 30, "y": ["p", "n"] * 30})
    _, dataset = build_dataset(frame, target="y")
    for source in (
        write(tmp_path / "new.csv", {"price": ["1,234"], "z": ["1"]}),
        write(tmp_path / "quoted.csv", {"price": ["1,234"], "z": ["1"]}, ","),
        pd.DataFrame({"price": ["1,234"], "z": [1]}),
    ):
        with pytest.raises(SchemaError, match=r'"price" holds \'1,234\', which is 1234 or 1\.234'):
            read(dataset, source)
    # Another column of the file tells.
    assert read(dataset, write(tmp_path / "told.csv", {"price": ["1,234"], "z": ["0,5"]})) == [1.234]
    assert read(dataset, pd.DataFrame({"price": ["1,234,567", "1,234.5"], "z": [1, 1]})) == [1234567, 1234.5]
    assert read(dataset, pd.DataFrame({"price": ["1.234,5"], "z": [1]})) == [1234.5]


def test_doubtful_commas_of_training_are_told(tmp_path):
    columns = {"x": [f"{i},{100 + i}" for i in range(1, ROWS + 1)], "y": ["p", "n"] * (ROWS // 2)}
    _, dataset = build_dataset(write(tmp_path / "train.csv", columns), target="y", types={"other": "ignored"})
    assert any('column "x" is read with decimal commas' in note for note in dataset.notes)
    assert read(dataset, write(tmp_path / "new.csv", {"x": ["1,234"]}), "x") == [1.234]
    assert not any("decimal commas" in note for note in trained(tmp_path).notes)


def test_decimal_commas_of_a_dataframe_are_numbers(tmp_path):
    price = [german(value) for value in np.random.default_rng(0).integers(100, 10**6, ROWS) / 100]
    _, dataset = build_dataset(pd.DataFrame({"price": price, "z": 1.0, "y": ["p", "n"] * 30}), target="y")
    assert {column.name: column.arrow_type for column in dataset.profile.columns}["price"] == "double"
    assert read(dataset, write(tmp_path / "new.csv", {"price": ["1.234"], "z": ["1"]})) == [1234.0]


def test_a_regression_does_not_guess_at_its_target():
    with pytest.raises(TargetError, match=r"which is 1234 or 1\.234"):
        build_dataset(pd.DataFrame({"x": range(60)}), y=["1,234", "2,345"] * 30, task="tabular-regression")


@pytest.mark.parametrize("kind", ["text", "categorical"])
def test_a_kind_set_by_hand_reads_alike(tmp_path, kind):
    dataset = trained(tmp_path, types={"price": kind}, z=list(range(ROWS)))
    new = write(tmp_path / "new.csv", {"price": ["1.234", "5,50"], "z": ["1", "2"]})
    wanted = ["1234", "5.5"] if kind == "text" else [1234.0, 5.5]
    assert read(dataset, new) == wanted


def test_labels_with_missing_rows_keep_the_way_of_a_forecast_target(tmp_path):
    columns = {"day": [f"2024-01-{i:02}" for i in range(1, 31)], "sold": [german(1000.5 + i) for i in range(30)]}
    train = write(tmp_path / "train.csv", columns)
    _, dataset = build_dataset(train, target="sold", time="day", forecast={"horizon": 3}, holdout=0)
    from automl_bridge.data.series_predict import build_series_predict_dataset

    late = {"day": [f"2024-03-{i:02}" for i in range(1, 31)], "sold": ["1.234"] * 30}
    history = write(tmp_path / "history.csv", late)
    assert dataset.forecast is not None
    asked = build_series_predict_dataset(history, dataset.profile, dataset.forecast, None)
    assert set(asked.parts["context"]["sold"].to_pylist()) == {1234.0}


def test_a_profile_of_an_earlier_version_still_loads(tmp_path):
    document = trained(tmp_path).profile.model_dump(mode="json")
    for column in document["columns"]:
        del column["written"]
    old = Profile.model_validate(document)
    found = build_predict_dataset(write(tmp_path / "new.csv", {"price": ["1.234,5", "2"]}), old)
    assert found.features("predict")["price"].to_pylist() == [1234.5, 2.0]


@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.parametrize("other", ["0.5", "1,234,567", "1,234.5"])
def test_commas_are_for_thousands_where_another_column_shows_it(tmp_path, separator, other):
    columns = {"n": [f"{1000 + 10 * i:,}" for i in range(ROWS)], "x": [other] * ROWS, "y": ["p", "n"] * (ROWS // 2)}
    source = write(tmp_path / "train.csv", columns, separator)
    _, dataset = build_dataset(source, target="y", types={"other": "ignored"})
    assert min(dataset.features("train")["n"].to_pylist()) >= 1000
    new = write(tmp_path / "new.csv", {"n": ["1,234"], "x": ["1"]}, separator)
    assert read(dataset, new, "n") == [1234.0]
    _, plain = build_dataset(pd.DataFrame({"n": range(60), "x": 0.5, "y": ["p", "n"] * 30}), target="y")
    assert read(plain, write(tmp_path / "new.csv", {"n": ["1,234"], "x": [other]}, separator), "n") == [1234]


def test_spaces_and_apostrophes_part_thousands(tmp_path):
    for form in ("{:,.2f}", "{:,.0f}"):
        for sign in (" ", "\u00a0", "\u202f", "'", "\u2019"):
            amount = [form.format(1500.5 + 997 * i).replace(",", sign) for i in range(ROWS)]
            columns = {"n": amount, "y": ["p", "n"] * (ROWS // 2)}
            source = write(tmp_path / "train.csv", columns)
            _, dataset = build_dataset(source, target="y", types={"other": "ignored"})
            assert min(dataset.features("train")["n"].to_pylist()) >= 1500
            assert read(dataset, write(tmp_path / "new.csv", {"n": [f"1{sign}234", "7"]}), "n") == [1234.0, 7.0]


def test_columns_under_nearly_their_names_are_told(tmp_path):
    dataset = trained(tmp_path, z=list(range(ROWS)))
    (tmp_path / "new.csv").write_text("price; Z \n1;2\n")
    with pytest.raises(SchemaError) as caught:
        read(dataset, tmp_path / "new.csv")
    assert caught.value.hint == 'call columns what training called them: "z" instead of " Z "'
    (tmp_path / "new.csv").write_text("1,5;2\n3;4\n")
    with pytest.raises(SchemaError) as caught:
        read(dataset, tmp_path / "new.csv")
    assert caught.value.hint == 'the first line must name the columns; it reads "1,5", "2"'


@pytest.mark.parametrize("day", ["{:%m/%d/%Y}", "{:%d-%m-%Y %H:%M}"])
def test_dates_whose_day_and_month_could_change_places_are_told(day):
    days = [day.format(stamp) for stamp in pd.date_range("2024-01-01", periods=ROWS)]
    frame = pd.DataFrame({"day": days, "z": 1.0, "y": ["p", "n"] * 30})
    _, dataset = build_dataset(frame, target="y")
    assert any(f'column "day" holds dates like "{days[0]}"' in note for note in dataset.notes)
    _, dated = build_dataset(frame.assign(day=pd.date_range("2024-01-01", periods=ROWS)), target="y")
    with pytest.raises(SchemaError, match='"day" should hold a date or time'):
        read(dated, pd.DataFrame({"day": ["03/04/2024"], "z": [1.0]}), "day")


def test_by_the_command_line_whole_thousands_are_predicted_as_what_they_are(tmp_path, capsys):
    rng = np.random.default_rng(0)
    price = rng.integers(0, 2_000_000, 300) / 100
    label = np.where(price > 10_000, "dear", "cheap")
    train = write(tmp_path / "train.csv", {"price": [german(value) for value in price], "label": list(label)})
    assert invoke(["fit", str(train), "--target", "label", "--backend", "baseline", "--json"]) == 0
    run = json.loads(capsys.readouterr().out)["run_id"]
    whole = [1_000, 19_000, 3_000, 15_000]
    new = write(tmp_path / "new.csv", {"price": [german(value, 0) for value in whole]})
    assert invoke(["predict", run, str(new), "-o", str(tmp_path / "out.csv")]) == 0
    assert "are read as thousands (1.000 is 1000)" in capsys.readouterr().err
    assert pd.read_csv(tmp_path / "out.csv")["prediction"].tolist() == ["cheap", "dear", "cheap", "dear"]


def test_what_the_new_file_shows_counts_for_more_than_training(tmp_path):
    german_way = trained(tmp_path, z=[german(i + 0.5) for i in range(ROWS)])
    assert read(german_way, write(tmp_path / "new.csv", {"price": ["1.234"], "z": ["0.5"]})) == [1.234]
    told = write(tmp_path / "told.csv", {"price": ["1.234"], "z": ["0,5"]})
    assert read(german_way, told) == [1234.0]
    assert not build_predict_dataset(told, german_way.profile).notes
    for sign in ("", "$"):
        price = [f"{sign}{1000.5 + i:,}" for i in range(ROWS)]
        columns = {"price": price, "z": [i + 0.5 for i in range(ROWS)], "y": ["p", "n"] * (ROWS // 2)}
        _, us_way = build_dataset(write(tmp_path / "us.csv", columns), target="y", types={"other": "ignored"})
        assert read(us_way, told) == [1234.0]
        assert read(us_way, write(tmp_path / "plain.csv", {"price": ["1.234"], "z": ["0.5"]})) == [1.234]
        assert read(us_way, write(tmp_path / "comma.csv", {"price": ["1,234"], "z": ["0.5"]})) == [1234.0]
