"""Labels of a file that look like missing values: kept by a stated rule, or counted and told with the way out."""

from __future__ import annotations

import csv
import gzip
import io
from typing import TYPE_CHECKING

import pytest

from automl_bridge.data.build import build_dataset
from automl_bridge.errors import TargetError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def write(folder: Path, labels: Sequence[str], name: str = "d.csv") -> Path:
    """Write a table whose target holds ``labels`` as they stand, quotes and all."""
    content = "x,z,y\n" + "".join(f"{i % 7},{i % 5},{label}\n" for i, label in enumerate(labels))
    path = folder / name
    path.write_bytes(gzip.compress(content.encode()) if name.endswith("gz") else content.encode())
    return path


def classes(path: Path, **words: object) -> tuple[dict[object, int], str]:
    _, dataset = build_dataset(path, target="y", **words)
    found = dict(zip(dataset.profile.classes, dataset.profile.class_counts, strict=True))
    return found, "\n".join(dataset.notes)


def times(**counts: int) -> list[str]:
    return [label for label, count in counts.items() for _ in range(count)]


@pytest.mark.parametrize("name", ["d.csv", "d.csv.gz"])
@pytest.mark.parametrize("word", ["NA", "N/A", "n/a"])
@pytest.mark.parametrize(
    ("others", "count", "kept"),
    [
        ({"EU": 40, "APAC": 30}, 30, True),
        ({"EU": 40, "APAC": 30}, 18, True),
        ({"EU": 40, "APAC": 30}, 17, False),
        ({"yes": 10, "no": 10}, 20, True),
        ({"yes": 10, "no": 10}, 80, False),
        ({"yes": 20}, 20, True),
    ],
)
def test_a_word_as_frequent_as_a_label_is_one(tmp_path, word, others, count, kept, name):
    path = write(tmp_path, times(**others) + [word] * count, name)
    found, notes = classes(path)
    assert found == (others | {word: count} if kept else others)
    if kept:
        assert f'"{word}" is read as a label of "y" ({count} rows)' in notes
        assert "left out" not in notes
    else:
        assert f'left out: their target "y" is missing ({count} hold {word})' in notes
        assert "--type y=categorical" in notes


@pytest.mark.parametrize("word", ["NULL", "null", "nan", "NaN", "#N/A"])
def test_other_words_are_missing_however_frequent(tmp_path, word):
    found, notes = classes(write(tmp_path, [*times(yes=20, no=20), *[word] * 20, "", ""]))
    assert found == {"no": 20, "yes": 20}
    assert f"(20 hold {word}, 2 are empty)" in notes


@pytest.mark.parametrize("word", ["NA", "NULL", "null", "nan"])
def test_a_word_that_is_quoted_on_purpose_is_a_label(tmp_path, word):
    found, notes = classes(write(tmp_path, [*times(yes=40, no=40), *[f'"{word}"'] * 3, word, '""', ""]))
    assert found == {"yes": 40, "no": 40, word: 3}
    assert f"1 hold {word}" in notes
    assert "2 are empty" in notes


@pytest.mark.parametrize("word", ["NA", "NULL"])
def test_where_all_is_quoted_quotes_say_nothing(tmp_path, word):
    found, notes = classes(write(tmp_path, [f'"{label}"' for label in times(yes=40, no=40) + [word] * 3]))
    assert found == {"yes": 40, "no": 40}
    assert f"3 hold {word}" in notes


def test_what_r_writes_is_read_as_r_means_it(tmp_path):
    found, _ = classes(write(tmp_path, ['"yes"', '"no"', '"NA"', "NA"] * 20))
    assert found == {"yes": 20, "no": 20, "NA": 20}


@pytest.mark.parametrize("kind", ["categorical", "text"])
def test_by_hand_every_word_is_a_label(tmp_path, kind):
    found, notes = classes(write(tmp_path, [*times(yes=40), "NA", "NA", "null", "null", "", ""]), types={"y": kind})
    assert found == {"yes": 40, "NA": 2, "null": 2}
    assert "2 are empty" in notes


@pytest.mark.parametrize("word", ["NA", "NULL", "null", "nan"])
def test_one_class_left_names_the_word_and_the_way_out(tmp_path, word):
    with pytest.raises(TargetError, match=f"only one class, 'yes'.*5 hold {word}") as caught:
        classes(write(tmp_path, ["yes"] * 40 + [word] * 5))
    assert "--type y=categorical" in str(caught.value.hint)
    found, _ = classes(write(tmp_path, ["yes"] * 40 + [word] * 5), types={"y": "categorical"})
    assert found == {"yes": 40, word: 5}


def test_nothing_but_words_for_missing_names_them(tmp_path):
    with pytest.raises(TargetError, match=r"missing in every row \(40 hold NA, 5 are empty\)") as caught:
        classes(write(tmp_path, ["NA"] * 40 + [""] * 5))
    assert "--type y=categorical" in str(caught.value.hint)
    found, _ = classes(write(tmp_path, ["NA", "NULL"] * 40), types={"y": "categorical"})
    assert found == {"NA": 40, "NULL": 40}


def test_numbers_stay_numbers(tmp_path):
    _, dataset = build_dataset(write(tmp_path, ["1.5", "2.25", "NA"] * 20), target="y")
    assert not dataset.profile.classes
    assert any("(20 hold NA)" in note for note in dataset.notes)


def test_features_are_read_as_before(tmp_path):
    rows = [["NA", str(i), label] for i, label in enumerate(["NA", "EU"] * 20)]
    buffer = io.StringIO()
    csv.writer(buffer).writerows([["region", "x", "y"], *rows])
    (tmp_path / "d.csv").write_text(buffer.getvalue())
    _, dataset = build_dataset(tmp_path / "d.csv", target="y")
    region = next(column for column in dataset.profile.columns if column.name == "region")
    assert region.missing == 40
    assert dataset.profile.classes == ("EU", "NA")
    assert not dataset.parts["train"].schema.field("y").metadata
