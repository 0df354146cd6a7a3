"""Folders, tables and lists of pictures and texts, with all that other people's data brings along."""

from __future__ import annotations

import base64
import os
import struct
import unicodedata
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from automl_bridge.data import image_columns, spool
from automl_bridge.data.build import build_dataset, build_predict_dataset
from automl_bridge.data.dataset import Dataset
from automl_bridge.data.images import decode
from automl_bridge.errors import SchemaError, StorageError, TargetError, UnreadableError, UsageError
from automl_bridge.runs.holdout import holdout_dataset
from automl_bridge.spec import Kind, Role
from automl_bridge.storage import open_store

BROKEN = {
    "empty.png": b"",
    "text.png": "Grüße, this is no picture".encode(),
    "page.jpg": b"<!DOCTYPE html>\n<html><body>404</body></html>",
    "drawing.png": b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"></svg>',
    "zeros.jpg": bytes(5000),
    "noise.png": bytes(range(1, 256)) * 4,
}


@pytest.fixture
def broken(tmp_path):
    """Ten good pictures and eight bad ones in two classes."""
    rng = np.random.default_rng(0)
    for kind in ("a", "b"):
        (tmp_path / "set" / kind).mkdir(parents=True)
        for number in range(5):
            Image.fromarray(rng.integers(0, 255, (40, 40, 3), dtype=np.uint8)).save(
                tmp_path / "set" / kind / f"{number}.jpg"
            )
    good = (tmp_path / "set" / "a" / "0.jpg").read_bytes()
    Image.open(tmp_path / "set" / "a" / "0.jpg").save(tmp_path / "good.png")
    names = BROKEN | {"cut.jpg": good[: len(good) // 2], "cut.png": (tmp_path / "good.png").read_bytes()[:1500]}
    for name, content in names.items():
        (tmp_path / "set" / "a" / name).write_bytes(content)
    return tmp_path / "set", sorted(names)


def test_all_bad_pictures_are_named_at_once_with_what_is_wrong(broken):
    folder, names = broken
    with pytest.raises(UnreadableError) as caught:
        build_dataset(folder)
    told = str(caught.value)
    assert "8 of 18 images" in told
    assert all(f"a/{name}" in told for name in names)
    for word in ("empty, 0 bytes", "text, no picture", "a web page", "SVG", "all zeros", "cut short"):
        assert word in told
    assert "--bad-images skip" in told


def test_bad_pictures_are_left_out_with_a_count_when_asked_to(broken):
    folder, _ = broken
    _, dataset = build_dataset(folder, bad_images="skip")
    assert sum(dataset.profile.rows.values()) == 10
    assert dataset.profile.class_counts == (5, 5)
    assert any("8 of 18 images left out" in note for note in dataset.notes)
    new = build_predict_dataset(folder, dataset.profile, bad_images="skip")
    assert new.profile.rows == {"predict": 18}
    assert new.features("predict")["image"].null_count == 8
    assert "8 of 18" in new.notes[0]
    with pytest.raises(UnreadableError, match="8 of 18"):
        build_predict_dataset(folder, dataset.profile)
    for path in (folder / "b").iterdir():
        path.write_bytes(b"")
    with pytest.raises(TargetError, match="only one class, 'a'"):
        build_dataset(folder, bad_images="skip")
    with pytest.raises(UsageError, match="refused or skipped"):
        build_dataset(folder, bad_images="ignore")


def test_a_decompression_bomb_is_refused_before_it_is_decoded(tmp_path):
    for kind in ("a", "b"):
        (tmp_path / kind).mkdir()
        Image.new("L", (8, 8)).save(tmp_path / kind / "good.png")
    for name, side in (("bomb", 10_001), ("large bomb", 30_000)):
        # What the header says is enough; the body is of one row.
        header = b"IHDR" + struct.pack(">2I5B", side, side, 1, 0, 0, 0, 0)
        chunks = b"".join(
            struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
            for body in (header, b"IDAT" + zlib.compress(bytes(side // 8 + 2)), b"IEND")
        )
        (tmp_path / "a" / f"{name}.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)
    with pytest.raises(UnreadableError, match=r"2 of 4 .*a/bomb.png .*100 megapixels.*more than 100"):
        build_dataset(tmp_path)


def test_a_folder_of_classes_is_read_as_people_keep_it(photo_folder):
    task, dataset = build_dataset(photo_folder)
    assert task == "image-classification"
    assert dataset.profile.classes == ("dark", "light")
    assert dataset.profile.class_counts == (40, 40)
    feature = dataset.profile.features[0]
    assert (feature.name, feature.kind, feature.arrow_type) == ("image", Kind.IMAGE, "large_binary")
    assert (feature.image.width, feature.image.channels, feature.image.formats) == (24, 3, ("PNG", "JPEG"))
    assert dataset.notes == ()
    task, named = build_dataset(str(photo_folder), target="mood")
    assert named.profile.with_role(Role.TARGET)[0].name == "mood"


def test_other_files_in_a_folder_are_counted(tmp_path, photo_folder):
    for kind in ("a", "b", "empty"):
        (tmp_path / kind).mkdir()
    for number in range(3):
        Image.new("L", (4, 4), 50 * number).save(tmp_path / "a" / f"{number}.png")
        Image.new("L", (4, 4), 250 - 50 * number).save(tmp_path / "b" / f"{number}.png")
    (tmp_path / "a" / "readme.txt").write_text("x")
    (tmp_path / "b" / "nameless").write_bytes((tmp_path / "a" / "1.png").read_bytes())
    (tmp_path / "b" / "Makefile").write_text("x")
    _, dataset = build_dataset(tmp_path, holdout=0, validation=0)
    assert dataset.profile.class_counts == (3, 4)
    assert dataset.notes[0].startswith("2 files are no pictures")
    assert "empty" in dataset.notes[1]


@pytest.mark.parametrize(
    ("layout", "words"),
    [
        (["1.png", "2.png"], "no subfolders"),
        (["a/1.png", "b/1.png", "stray.png"], "no class's folder: stray.png"),
        (["train/a/1.png", "train/b/1.png", "test/a/1.png"], "parts of a split"),
        (["notes.txt"], "without pictures and without Parquet"),
        (["only/1.png", "only/2.png"], "only one class"),
    ],
)
def test_folders_that_say_nothing_are_refused_with_a_way_out(tmp_path, layout, words):
    for name in layout:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4)).save(tmp_path / name) if name.endswith("png") else (tmp_path / name).write_text("x")
    with pytest.raises((UnreadableError, ValueError), match=words) as caught:
        build_dataset(tmp_path)
    assert caught.value.hint


def test_copies_on_both_sides_of_the_split_are_said(photo_folder):
    paths = sorted(map(str, photo_folder.rglob("photo *")))
    _, dataset = build_dataset(paths * 2, y=np.arange(2 * len(paths)) / 2)
    assert any("pictures in the holdout are in training, too" in note for note in dataset.notes)
    _, together = build_dataset(paths * 2, y=np.arange(2 * len(paths)) / 2, group=[*range(len(paths))] * 2)
    assert together.notes == ()
    texts = [f"text number {i % 25}" for i in range(100)]
    _, dataset = build_dataset(texts, y=np.arange(100) / 3)
    assert any("20 texts in the holdout are in training" in note for note in dataset.notes)


def test_a_class_of_one_picture_is_kept_and_said(tmp_path):
    for kind, count in (("a", 6), ("b", 6), ("c", 1)):
        (tmp_path / kind).mkdir()
        for number in range(count):
            Image.new("L", (4, 4), 10 * number).save(tmp_path / kind / f"{number}.png")
    _, dataset = build_dataset(tmp_path)
    assert dataset.profile.classes == ("a", "b", "c")
    assert "c" in dataset.parts["train"]["label"].to_pylist()
    assert any("'c'" in note and "single row" in note for note in dataset.notes)


def test_pictures_in_an_object_store(photo_folder, photo_table):
    store = open_store("memory://pictures")
    for path in sorted(photo_folder.rglob("photo *")):
        store.put(path.relative_to(photo_folder.parent).as_posix(), path)
    store.put("my photos/dark/.DS_Store", b"x")
    store.put(photo_table.name, photo_table)
    task, dataset = build_dataset(f"memory://pictures/{photo_table.name}", target="kind", task="image-classification")
    _, local = build_dataset(photo_table, target="kind", task="image-classification")
    assert dataset.profile.fingerprint == local.profile.fingerprint
    task, dataset = build_dataset("memory://pictures/my photos/")
    assert task == "image-classification"
    assert dataset.profile.fingerprint == build_dataset(photo_folder)[1].profile.fingerprint
    assert build_predict_dataset("memory://pictures/my photos/", dataset.profile).profile.rows == {"predict": 80}
    frame = pd.DataFrame({"p": [f"memory://pictures/{i}.png" for i in range(3)], "y": [0.5, 1.5, 2.5]})
    with pytest.raises(UnreadableError, match=r"3 of 3 images.*memory://pictures/0.png"):
        build_dataset(frame, target="y")


def test_names_that_are_not_utf8_are_told(tmp_path):
    for kind in ("a", "b"):
        (tmp_path / kind).mkdir()
        Image.new("L", (4, 4)).save(tmp_path / kind / "1.png")
    Path(os.fsdecode(os.fsencode(tmp_path / "a") + b"/gr\xfcn.png")).write_bytes(b"x")
    with pytest.raises(UnreadableError, match="names of 1 pictures are not in the encoding UTF-8: a/gr"):
        build_dataset(tmp_path)


def test_links_are_followed_once(tmp_path):
    for kind in ("a", "b"):
        (tmp_path / "real" / kind).mkdir(parents=True)
        for number in range(3):
            Image.new("L", (4, 4), 10 * number).save(tmp_path / "real" / kind / f"{number}.png")
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a").symlink_to(tmp_path / "real" / "a")
    (tmp_path / "set" / "b").symlink_to(tmp_path / "real" / "b")
    (tmp_path / "real" / "a" / "loop").symlink_to(tmp_path / "real")
    _, dataset = build_dataset(tmp_path / "set")
    assert dataset.profile.class_counts == (3, 3)


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl", "arrow"])
def test_paths_are_relative_to_the_table_from_anywhere(photo_table, tmp_path, monkeypatch, kind):
    frame = pd.read_json(photo_table, lines=True)[["photo", "kind"]]
    table = photo_table.with_name(f"paths.{kind}")
    write = {
        "csv": lambda: frame.to_csv(table, index=False),
        "parquet": lambda: frame.to_parquet(table),
        "jsonl": lambda: frame.to_json(table, orient="records", lines=True),
        "arrow": lambda: frame.to_feather(table),
    }
    write[kind]()
    monkeypatch.chdir(tmp_path)
    task, dataset = build_dataset(os.path.relpath(table), target="kind")
    assert task == "image-classification"
    assert sum(dataset.profile.rows.values()) == 80
    monkeypatch.chdir(photo_table.parent)
    assert build_dataset(frame, target="kind")[1].profile.fingerprint == dataset.profile.fingerprint


def test_paths_are_found_as_they_are_written(tmp_path):
    (tmp_path / "sub").mkdir()
    Image.new("L", (4, 4)).save(tmp_path / "sub" / "a b.png")
    Image.new("L", (4, 4)).save(tmp_path / "sub" / unicodedata.normalize("NFD", "blüte.png"))
    paths = [
        "sub/a b.png",
        "sub\\a b.png",
        " sub/a b.png ",
        str(tmp_path / "sub/a b.png"),
        f"file://{tmp_path}/sub/a b.png",
        "sub/A B.PNG",
        unicodedata.normalize("NFC", "sub/blüte.png"),
    ]
    pd.DataFrame({"p": paths, "y": np.arange(7) + 0.5}).to_csv(tmp_path / "t.csv", index=False)
    task, dataset = build_dataset(tmp_path / "t.csv", target="y", holdout=0, validation=0)
    assert task == "image-regression"
    assert dataset.profile.rows == {"train": 7}
    one = build_predict_dataset(tmp_path / "sub" / "a b.png", dataset.profile)
    assert one.profile.rows == {"predict": 1}


def test_paths_that_lead_nowhere_are_said_once(tmp_path):
    pd.DataFrame({"p": [f"img/{i}.png" for i in range(30)], "y": range(30)}).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(UnreadableError, match="none of the 30 files") as caught:
        build_dataset(tmp_path / "t.csv", target="y")
    assert str(tmp_path) in caught.value.hint
    odd = ["~nobody/1.png", "a\0b.png", "x" * 300 + ".png", ".", "img/"]
    with pytest.raises(UnreadableError, match=r"5 of 5 images.*no such file.*a folder"):
        build_dataset({"p": odd}, y=[0.5, 1.5, 2.5, 3.5, 4.5], types={"p": "image"})
    web = pd.DataFrame({"p": [f"https://example.org/{i}.png" for i in range(3)], "y": [1.5, 2.5, 3.5]})
    with pytest.raises(UnreadableError, match="a web address"):
        build_dataset(web, target="y")


def test_rows_without_a_picture_are_left_out_of_training_and_kept_at_predict(photo_folder):
    paths = [str(path) for path in sorted(photo_folder.rglob("photo *"))]
    frame = pd.DataFrame({"p": [None, "", *paths], "y": np.arange(len(paths) + 2) / 2})
    _, dataset = build_dataset(frame, target="y", task="image-regression")
    assert sum(dataset.profile.rows.values()) == len(paths)
    assert any("2 of 82 rows left out" in note for note in dataset.notes)
    new = build_predict_dataset(frame.head(4), dataset.profile)
    assert new.features("predict")["p"].is_null().to_pylist() == [True, True, False, False]


def test_pictures_in_a_binary_column_and_saved_parts(photo_folder, tmp_path):
    contents = [path.read_bytes() for path in sorted(photo_folder.rglob("photo *"))]
    pq.write_table(pa.table({"photo": contents, "y": np.arange(len(contents)) / 3}), tmp_path / "t.parquet")
    _, dataset = build_dataset(tmp_path / "t.parquet", target="y")
    saved = dataset.save(tmp_path / "saved")
    assert saved.parts["holdout"]["photo"].type == pa.large_binary()
    assert Dataset.open(saved.path).parts["train"]["photo"].to_pylist()[0] in contents
    held = holdout_dataset(saved)
    assert held.features("predict")["photo"].to_pylist() == saved.parts["holdout"]["photo"].to_pylist()


def test_a_task_takes_the_columns_that_it_reads(photo_table):
    task, dataset = build_dataset(photo_table, target="kind")
    kinds = {column.name: column.kind for column in dataset.profile.features}
    assert task == "multimodal-classification"
    assert kinds["photo"] is Kind.IMAGE
    assert kinds["caption"] is Kind.TEXT
    assert len(kinds) == 6
    _, images = build_dataset(photo_table, target="kind", task="image-classification")
    assert [column.name for column in images.profile.features] == ["photo"]
    assert any("multimodal-classification takes all" in note for note in images.notes)
    _, texts = build_dataset(photo_table, target="brightness", task="text-regression")
    assert [(column.name, column.kind) for column in texts.profile.features] == [("caption", Kind.TEXT)]
    _, both = build_dataset(photo_table, target=["brightness", "contrast"], task="multimodal-regression")
    assert both.target_values("train").shape[1] == 2
    _, plain = build_dataset(photo_table, target="kind", task="tabular-classification")
    assert "photo" not in [column.name for column in plain.profile.features]
    assert any("does not read pictures" in note for note in plain.notes)


def test_a_task_without_its_column_says_which_is_missing():
    frame = pd.DataFrame({"n": range(40), "s": ["a", "b"] * 20, "y": [0.5, 1.5] * 20})
    with pytest.raises(SchemaError, match="needs a column of pictures"):
        build_dataset(frame, target="y", task="image-regression")
    with pytest.raises(SchemaError, match="needs a column of texts"):
        build_dataset(frame[["n", "y"]], target="y", task="text-regression")
    # Short and repeated texts look like categories: of one such column there is no doubt.
    _, dataset = build_dataset(frame, target="y", task="text-regression")
    assert [(column.name, column.kind) for column in dataset.profile.features] == [("s", Kind.TEXT)]
    frame["t"] = [f"some words that are all different {i}" for i in range(40)]
    frame["u"] = frame["t"]
    with pytest.raises(SchemaError, match='2 columns hold texts: "t", "u"'):
        build_dataset(frame, target="y", task="text-regression")


def test_pictures_in_the_forms_of_other_libraries(tmp_path):
    rng = np.random.default_rng(0)
    arrays = [rng.integers(0, 255, (50, 40 + number, 3), dtype=np.uint8) for number in range(6)]
    images = [Image.fromarray(array) for array in arrays]
    files = []
    for number, image in enumerate(images):
        image.save(tmp_path / f"{number}.png")
        files.append((tmp_path / f"{number}.png").read_bytes())
    paths = [str(tmp_path / f"{number}.png") for number in range(6)]
    targets = [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]
    inline = [base64.b64encode(content).decode() for content in files]
    sources = {
        "Pillow in a dataframe": pd.DataFrame({"p": images, "n": range(6)}),
        "arrays in a dict": {"p": arrays, "n": range(6)},
        "Hugging Face": pa.table({"p": [{"bytes": each, "path": None} for each in files], "n": range(6)}),
        "Hugging Face, paths only": pa.table({"p": [{"bytes": None, "path": each} for each in paths], "n": range(6)}),
        "base64": {"p": inline, "n": range(6)},
        "data address": {"p": [f"data:image/png;base64,{each}" for each in inline], "n": range(6)},
    }
    for name, source in sources.items():
        task, dataset = build_dataset(source, y=targets, types={"p": "image"}, holdout=0, validation=0)
        assert task == "multimodal-regression", name
        for row, array in enumerate(arrays):
            pixels = decode(dataset.parts["train"]["p"].slice(row, 1), size=array.shape[:2], channels=3)[0]
            np.testing.assert_array_equal(pixels, array, err_msg=name)
        new = build_predict_dataset(source, dataset.profile)
        assert new.features("predict")["p"].null_count == 0


def test_the_first_of_the_files_may_be_the_broken_one(photo_folder):
    contents = [b"", b"not a picture", *[path.read_bytes() for path in sorted(photo_folder.rglob("photo *"))]]
    with pytest.raises(UnreadableError, match=r"2 of 82 images .* row 1 \(empty, 0 bytes\); row 2 \(text"):
        build_dataset({"p": contents}, y=np.arange(82) / 2)
    array = np.zeros((4, 3, 3), np.uint8)
    assert build_dataset(array, y=[0.5, 1.5, 2.5, 3.5], types={"image": "image"})[0] == "image-regression"
    with pytest.raises(SchemaError, match="bytes that are no picture"):
        build_dataset({"p": [b"abc"] * 4}, y=[0.5, 1.5, 2.5, 3.5])


def test_several_numbers_are_learned_from_pictures():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 255, (30, 6, 6), dtype=np.uint8)
    task, dataset = build_dataset(X, y=np.column_stack([X.mean(axis=(1, 2)), X.std(axis=(1, 2))]))
    assert task == "image-regression"
    assert dataset.target_values("train").shape == (dataset.profile.rows["train"], 2)


def test_pictures_beyond_the_limit_lie_in_a_file_that_nobody_sees(photo_folder, tmp_path, monkeypatch):
    whole = build_dataset(photo_folder)[1]
    monkeypatch.setattr(spool, "LIMIT", 1000)
    monkeypatch.setattr(image_columns, "_CHUNK", 2000)
    monkeypatch.setattr(spool.tempfile, "tempdir", str(tmp_path))
    (tmp_path / "set").mkdir()
    for kind in ("dark", "light"):
        (tmp_path / "set" / kind).symlink_to(photo_folder / kind)
    (tmp_path / "set" / "zero").mkdir()
    (tmp_path / "set" / "zero" / "bad.png").write_bytes(b"")
    spilled = build_dataset(tmp_path / "set", bad_images="skip")[1]
    assert spilled.profile.fingerprint == whole.profile.fingerprint
    assert list(tmp_path.glob("automl-bridge-*")) == []
    saved = spilled.save(tmp_path / "saved")
    for part in ("train", "validation", "holdout"):
        assert saved.parts[part].equals(whole.parts[part])
        assert spilled.parts[part].equals(whole.parts[part])


def test_no_space_for_pictures_is_said(photo_folder, monkeypatch, tmp_path):
    monkeypatch.setattr(spool, "LIMIT", 1000)
    monkeypatch.setattr(image_columns, "_CHUNK", 2000)
    monkeypatch.setattr(spool.tempfile, "tempdir", str(tmp_path / "no such folder"))
    with pytest.raises(StorageError, match="no such folder") as caught:
        build_dataset(photo_folder)
    assert "TMPDIR" in caught.value.hint
