"""Nowhere to write: typed errors with folder, free space and setting; an outcome even on a full disk."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from local_processes import until

from automl_bridge.errors import StorageError
from automl_bridge.local.files import read_json, write_reserved, write_text
from automl_bridge.local.queue import LocalQueue

HERE = Path(__file__).parent


def _can_mount():
    command = ["unshare", "-rm", "mount", "-t", "tmpfs", "x", "/mnt"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def on_small_disk(folder, code, options="size=1m"):
    """Run ``code`` where ``folder`` is a small file system of its own; returns what it prints."""
    folder.mkdir()
    source = f"""
import os, sys, time, subprocess
from pathlib import Path
sys.path.append({str(HERE)!r})
folder = Path({str(folder)!r})
from automl_bridge.local.queue import LocalQueue
from automl_bridge.errors import StorageError
def fill():
    with open(folder / "fill", "ab", buffering=0) as file:
        try:
            while file.write(b"x" * 512): pass
        except OSError: pass
{code}
"""
    command = ["unshare", "-rm", "sh", "-c", f'mount -t tmpfs -o {options} x "$0" && exec "$@"', str(folder)]
    command += [sys.executable, "-c", source]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


needs_mount = pytest.mark.skipif(not _can_mount(), reason="needs user name spaces to mount a small disk")


@needs_mount
def test_submitting_to_a_full_disk(tmp_path):
    said = on_small_disk(
        tmp_path / "disk",
        """
fill()
try:
    LocalQueue(folder / "work", "local_handlers:trivial").submit("job", {})
except StorageError as error:
    print(error)
""",
    )
    assert f"cannot write in {tmp_path / 'disk' / 'work'}" in said
    assert "No space left on device (0 B free)" in said
    assert "AUTOML_BRIDGE_HOME" in said


@needs_mount
def test_submitting_to_a_read_only_disk(tmp_path):
    said = on_small_disk(
        tmp_path / "disk",
        """
try:
    LocalQueue(folder / "work", "local_handlers:trivial").submit("job", {})
except StorageError as error:
    print(error)
""",
        options="ro,size=1m",
    )
    assert "Read-only file system" in said
    assert "AUTOML_BRIDGE_HOME" in said


@needs_mount
def test_a_disk_that_fills_while_a_job_runs(processes, tmp_path):
    said = on_small_disk(
        tmp_path / "disk",
        """
queue = LocalQueue(folder / "work", "local_handlers:perform", linger=0.1)
script = [["checkpoint", "best"], ["wait-for", "full"], ["checkpoint", "x" * 100_000]]
queue.submit("job", {"script": script})
while not (folder / "work/jobs/job/checkpoint.json").exists(): time.sleep(0.005)
(folder / "work/jobs/job/full.part").touch()
fill()
(folder / "work/jobs/job/full.part").rename(folder / "work/jobs/job/full")
while not queue.progress("job").state.is_final: time.sleep(0.005)
print(queue.outcome("job").model_dump_json())
queue.kill()
""",
    )
    outcome = json.loads(said)
    assert outcome["state"] == "failed"
    assert outcome["failure"]["kind"] == "storage"
    assert "No space left on device" in outcome["failure"]["message"]
    assert outcome["model"]["uri"] == "best"
    until(lambda: not processes.all())


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"Not a directory.*free") as caught:
        LocalQueue(tmp_path / "file" / "work", "local_handlers:trivial").submit("job", {})
    assert "AUTOML_BRIDGE_HOME" in caught.value.hint


def test_making_a_queue_and_looking_writes_nothing(tmp_path):
    queue = LocalQueue(tmp_path / "work", "local_handlers:trivial")
    assert queue.progress("job") is None
    assert not queue.exists("job")
    queue.kill()
    assert list(tmp_path.iterdir()) == []


def test_the_reserve_takes_what_the_disk_does_not(tmp_path, monkeypatch):
    reserve = tmp_path / "reserve"
    reserve.write_bytes(b" " * 65536)

    def full(path, text, **_):
        raise StorageError("full")

    monkeypatch.setattr("automl_bridge.local.files.write_text", full)
    write_reserved(tmp_path / "outcome.json", '{"state": "failed"}', reserve)
    assert read_json(tmp_path / "outcome.json") == {"state": "failed"}
    with pytest.raises(StorageError):
        write_reserved(tmp_path / "other.json", "{}", reserve)


def test_a_file_is_whole_or_not_there(tmp_path):
    path = tmp_path / "x.json"
    write_text(path, '{"a": 1}')
    write_text(path, '{"a": 2}')
    assert read_json(path) == {"a": 2}
    path.write_text('{"a": ')
    assert read_json(path) is None
    assert read_json(tmp_path / "none") is None
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.json"]
