import json
import os
import subprocess
import sys

import pytest

from automl_bridge.bundle import (
    FORMAT,
    BundleMetadata,
    copy_bundle,
    folder_files,
    is_bundle,
    read_bundle,
    read_bytes,
    update_bundle,
    write_bundle,
)
from automl_bridge.bundle_metadata import digest_of
from automl_bridge.errors import BundleError, StorageError
from automl_bridge.spec import ColumnProfile, Kind, Profile, Role
from automl_bridge.task import Task

AWKWARD = ['[a]:,"b"', "größe", "数量", "_x", "class", "a\nb", "a\u0000b", "emoji 🦆", "\\", "..", "{}", ""]


@pytest.fixture
def metadata():
    columns = [
        ColumnProfile(name=name, safe_name=f"c{i}", kind=Kind.NUMERIC, arrow_type="double")
        for i, name in enumerate(AWKWARD)
    ]
    target = ColumnProfile(name="t", safe_name="t", kind=Kind.CATEGORICAL, role=Role.TARGET, arrow_type="string")
    profile = Profile(
        rows={"train": 3},
        bytes=10,
        columns=(*columns, target),
        classes=("0", "1", "10", "2", True, 3, 2**60 + 1),
        target_type="string",
        fingerprint="f" * 64,
    )
    return BundleMetadata(
        backend="toy", task=Task.TABULAR_CLASSIFICATION, target=("t",), metric="roc_auc", profile=profile, score=0.25
    )


@pytest.fixture
def bundle(tmp_path, metadata):
    write_bundle(tmp_path / "bundle", metadata=metadata, files={"model.json": b"{}", "weights/w.npy": b"12345"})
    return tmp_path / "bundle"


def rewrite(bundle, change):
    """Alter the metadata as an attacker who also keeps its digest right would."""
    document = json.loads((bundle / "bundle.json").read_text())
    change(document)
    document.pop("digest")
    document["digest"] = digest_of(document)
    (bundle / "bundle.json").write_text(json.dumps(document))


def test_what_is_written_is_read(bundle, metadata):
    found = read_bundle(bundle)
    assert found.model_copy(update={"files": {}}) == metadata
    assert [column.name for column in found.profile.features] == AWKWARD
    assert [type(label) for label in found.profile.classes] == [type(label) for label in metadata.profile.classes]
    assert set(found.files) == {"model.json", "weights/w.npy"}
    assert found.files["weights/w.npy"].size == 5
    assert read_bytes(bundle, found, "weights/w.npy") == b"12345"
    assert sorted(path.name for path in bundle.parent.iterdir()) == ["bundle"]
    assert "größe" in (bundle / "bundle.json").read_text(encoding="utf-8")


def test_metadata_says_when_and_by_what_it_was_written(bundle):
    found = read_bundle(bundle)
    assert found.format == FORMAT
    assert found.created_by.startswith("automl-bridge ")
    assert found.created_at.endswith("+00:00")


def test_files_can_be_copied_from_a_folder(tmp_path, metadata):
    source = tmp_path / "source"
    (source / "deep").mkdir(parents=True)
    (source / "deep" / "a.json").write_text("1")
    (source / "link.json").symlink_to(source / "deep" / "a.json")
    written = write_bundle(tmp_path / "bundle", metadata=metadata, files=folder_files(source))
    assert set(written.files) == {"deep/a.json"}
    assert read_bundle(tmp_path / "bundle") == written


@pytest.mark.parametrize("name", ["model.json", "weights/w.npy"])
@pytest.mark.parametrize("content", [b"[]", b"54321", b"", b"longer than it was"])
def test_altered_content_is_refused(bundle, name, content):
    metadata = read_bundle(bundle)
    (bundle / name).write_bytes(content)
    with pytest.raises(BundleError, match=f'"{name}" is not the one that was written') as caught:
        read_bundle(bundle)
    assert caught.value.hint
    with pytest.raises(BundleError):
        read_bytes(bundle, metadata, name)


def test_a_missing_file_is_refused(bundle):
    (bundle / "model.json").unlink()
    with pytest.raises(BundleError, match=r'"model\.json" is missing'):
        read_bundle(bundle)


@pytest.mark.parametrize("name", ["extra.txt", "weights/extra.npy", "new/deep.json", ".hidden"])
def test_an_unknown_file_is_refused(bundle, name):
    (bundle / name).parent.mkdir(exist_ok=True)
    (bundle / name).write_text("x")
    with pytest.raises(BundleError, match=f'"{name}" does not belong to it'):
        read_bundle(bundle)


def test_links_are_refused_even_to_the_same_content(bundle, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    (bundle / "model.json").rename(elsewhere)
    (bundle / "model.json").symlink_to(elsewhere)
    with pytest.raises(BundleError, match="is a link"):
        read_bundle(bundle)


def test_a_linked_folder_is_refused(bundle, tmp_path):
    (bundle / "weights").rename(tmp_path / "weights")
    (bundle / "weights").symlink_to(tmp_path / "weights", target_is_directory=True)
    with pytest.raises(BundleError, match="is a link"):
        read_bundle(bundle)


def test_linked_metadata_is_refused(bundle, tmp_path):
    (bundle / "bundle.json").rename(tmp_path / "b.json")
    (bundle / "bundle.json").symlink_to(tmp_path / "b.json")
    with pytest.raises(BundleError, match="not a plain file"):
        read_bundle(bundle)


def test_a_pipe_is_refused_without_waiting_for_it(bundle):
    os.mkfifo(bundle / "pipe")
    with pytest.raises(BundleError, match="not a plain file"):
        read_bundle(bundle)


def test_any_change_of_the_metadata_is_refused(bundle):
    document = json.loads((bundle / "bundle.json").read_text())
    for key in document:
        altered = {**document, key: "other"}
        (bundle / "bundle.json").write_text(json.dumps(altered))
        with pytest.raises(BundleError):
            read_bundle(bundle)
    (bundle / "bundle.json").write_text(json.dumps(document, indent=None))  # layout is not content
    read_bundle(bundle)


def test_a_key_that_stands_twice_is_refused(bundle):
    text = (bundle / "bundle.json").read_text()
    (bundle / "bundle.json").write_text(text.replace("{", '{"backend": "other",', 1))
    with pytest.raises(BundleError, match="stands twice"):
        read_bundle(bundle)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 200_000, b'{"format": true}', b'{"format": "1"}', b"{}"]
)
def test_metadata_that_is_no_metadata_is_refused(bundle, content):
    (bundle / "bundle.json").write_bytes(content)
    with pytest.raises(BundleError, match="refused"):
        read_bundle(bundle)


@pytest.mark.parametrize(
    ("created_by", "command"),
    [
        ("automl-bridge 7.2.1", 'pip install "automl-bridge>=7.2.1"'),
        ('automl-bridge 1"; rm -rf ~; "', "pip install --upgrade automl-bridge"),
        (None, "pip install --upgrade automl-bridge"),
    ],
)
def test_a_newer_format_names_the_version_to_install(bundle, created_by, command):
    newer = {"format": FORMAT + 1, "created_by": created_by, "layout": "not known yet"}
    (bundle / "bundle.json").write_text(json.dumps(newer))
    with pytest.raises(BundleError, match=f"format {FORMAT + 1}.*reads up to {FORMAT}") as caught:
        read_bundle(bundle)
    assert caught.value.hint == command


ESCAPES = [
    "../evil",
    "/etc/passwd",
    "a/../../b",
    "a/./b",
    "a//b",
    "",
    ".",
    "..",
    "C:\\x",
    "C:x",
    "a\\b",
    "a\0b",
    "bundle.json",
]


@pytest.mark.parametrize("name", ESCAPES)
def test_names_that_lead_out_of_the_folder_are_not_written(tmp_path, metadata, name):
    with pytest.raises(BundleError):
        write_bundle(tmp_path / "bundle", metadata=metadata, files={name: b""})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ESCAPES)
def test_names_that_lead_out_of_the_folder_are_not_read(bundle, name):
    (bundle.parent / "evil").write_bytes(b"{}")

    def change(document):
        document["files"][name] = document["files"].pop("model.json")

    rewrite(bundle, change)
    with pytest.raises(BundleError):
        read_bundle(bundle)


@pytest.mark.parametrize("name", ["model.pkl", "a/model.PICKLE", "model.joblib.gz", "hook.py", "native.so"])
def test_files_that_run_code_when_loaded_are_refused(tmp_path, metadata, bundle, name):
    with pytest.raises(BundleError, match="may run code"):
        write_bundle(tmp_path / "other", metadata=metadata, files={name: b""})
    rewrite(bundle, lambda document: document["files"].update({name: document["files"]["model.json"]}))
    with pytest.raises(BundleError, match="may run code"):
        read_bundle(bundle)


def test_no_bundle_says_so(tmp_path):
    for path in (tmp_path, tmp_path / "absent", tmp_path / "file" / "below"):
        (tmp_path / "file").write_text("x")
        assert not is_bundle(path)
        with pytest.raises(BundleError, match="is not a bundle") as caught:
            read_bundle(path)
        assert caught.value.exit_code == 2


def test_a_folder_that_is_there_is_kept(bundle, metadata, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    for replace in (False, True):
        with pytest.raises(BundleError, match="is there already"):
            write_bundle(tmp_path / "mine", metadata=metadata, files={}, replace=replace)
    with pytest.raises(BundleError, match="is there already"):
        write_bundle(bundle, metadata=metadata, files={})
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "x"
    write_bundle(bundle, metadata=metadata, files={"new.json": b"1"}, replace=True)
    assert set(read_bundle(bundle).files) == {"new.json"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle", "mine"]


def test_a_write_that_fails_leaves_nothing(tmp_path, metadata):
    with pytest.raises(StorageError, match="cannot write"):
        write_bundle(tmp_path / "bundle", metadata=metadata, files={"a": b"1", "b": tmp_path / "absent"})
    assert list(tmp_path.iterdir()) == []


def test_a_process_killed_while_it_writes_leaves_no_bundle(tmp_path, bundle):
    script = (
        "import os, sys, shutil; from pathlib import Path; from automl_bridge import bundle as b\n"
        "b._entry = lambda file: os.kill(os.getpid(), 9)\n"
        "source, target = map(Path, sys.argv[1:]); b.copy_bundle(source, target)\n"
    )
    target = tmp_path / "copy"
    done = subprocess.run([sys.executable, "-c", script, bundle, target], check=False)
    assert done.returncode == -9
    assert not target.exists()
    copy_bundle(bundle, target)
    assert read_bundle(target) == read_bundle(bundle)


def test_scores_are_added_later(bundle):
    before = read_bundle(bundle)
    after = update_bundle(bundle, scores={"roc_auc": 0.75, "log_loss": float("nan")}, run="abc")
    found = read_bundle(bundle)
    assert found.run == after.run == "abc"
    assert found.scores["roc_auc"] == 0.75
    assert found.scores["log_loss"] != found.scores["log_loss"]
    assert found.files == before.files
    assert sorted(path.name for path in bundle.parent.iterdir()) == ["bundle"]
    for fixed in ({"files": {}}, {"format": 9}):
        with pytest.raises(BundleError, match="cannot be changed"):
            update_bundle(bundle, **fixed)


def test_a_copy_is_checked(bundle, tmp_path):
    assert read_bundle(copy_bundle(bundle, tmp_path / "deep" / "copy")) == read_bundle(bundle)
    (bundle / "model.json").write_text("altered")
    with pytest.raises(BundleError):
        copy_bundle(bundle, tmp_path / "second")
    assert not (tmp_path / "second").exists()


def test_opening_a_bundle_imports_nothing_heavy(bundle):
    script = (
        "import sys; from pathlib import Path; from automl_bridge.bundle import read_bundle\n"
        "read_bundle(Path(sys.argv[1]))\n"
        "print([m for m in ('numpy', 'sklearn', 'pyarrow', 'pandas', 'pickle') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script, bundle], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
