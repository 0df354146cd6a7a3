"""Objects: google-cloud-storage reads and writes, obstore too; preconditions hold, whichever way an object is sent."""

import os
import threading

import pytest
from google.api_core import exceptions

from automl_bridge.storage_clouds import gcs_store


@pytest.fixture
def box(vertex):
    return vertex.storage.bucket(vertex.bucket)


@pytest.mark.parametrize("size", [10, 200_000], ids=["multipart", "resumable"])
def test_an_object_is_made_once(vertex, box, size):
    content = os.urandom(size)
    blob = box.blob(f"once/{size}", chunk_size=256 * 1024 if size > 10 else None)
    blob.upload_from_string(content, if_generation_match=0)
    with pytest.raises(exceptions.PreconditionFailed):
        box.blob(f"once/{size}", chunk_size=blob.chunk_size).upload_from_string(b"other", if_generation_match=0)
    assert box.blob(f"once/{size}").download_as_bytes() == content
    held = box.get_blob(f"once/{size}")
    held.upload_from_string(b"newer", if_generation_match=held.generation)
    with pytest.raises(exceptions.PreconditionFailed):
        box.blob(f"once/{size}").delete(if_generation_match=1)
    assert box.blob(f"once/{size}").download_as_bytes() == b"newer"


def test_one_of_many_writers_wins(vertex, box):
    outcomes = []

    def write(number):
        try:
            box.blob("race").upload_from_string(str(number), if_generation_match=0)
            outcomes.append(number)
        except exceptions.PreconditionFailed:
            pass

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = outcomes
    assert box.blob("race").download_as_bytes() == str(winner).encode()


def test_lists_come_in_pages_and_ranges_are_read(vertex, box):
    for number in range(5):
        box.blob(f"pages/{number}.txt").upload_from_string(f"text {number}")
    pages = vertex.storage.list_blobs(vertex.bucket, prefix="pages/", page_size=2).pages
    assert [len(list(page)) for page in pages] == [2, 2, 1]
    folders = vertex.storage.list_blobs(vertex.bucket, delimiter="/")
    list(folders)
    assert "pages/" in folders.prefixes
    assert box.blob("pages/3.txt").download_as_bytes(start=5, end=5) == b"3"
    box.delete_blobs(list(vertex.storage.list_blobs(vertex.bucket, prefix="pages/")))
    assert not list(vertex.storage.list_blobs(vertex.bucket, prefix="pages/"))
    assert not box.blob("pages/3.txt").exists()


def test_buckets_are_where_they_were_made(vertex):
    made = vertex.storage.create_bucket("bucket-in-belgium", location="europe-west1")
    assert made.location == "EUROPE-WEST1"
    assert vertex.storage.get_bucket("bucket-in-belgium").location == "EUROPE-WEST1"
    found = {one.name: one.location for one in vertex.storage.list_buckets()}
    assert found[vertex.bucket] == "US-CENTRAL1"
    with pytest.raises(exceptions.Conflict):
        vertex.storage.create_bucket("bucket-in-belgium", location="us-east1")
    made.delete()
    with pytest.raises(exceptions.NotFound):
        vertex.storage.get_bucket("bucket-in-belgium")


def test_obstore_reads_writes_and_creates_once(vertex, box, monkeypatch):
    import obstore
    from obstore.exceptions import AlreadyExistsError

    monkeypatch.setenv("STORAGE_EMULATOR_HOST", vertex.server.url)
    store = gcs_store(vertex.bucket)
    obstore.put(store, "rust/a b.txt", b"by obstore", mode="create")
    with pytest.raises(AlreadyExistsError):
        obstore.put(store, "rust/a b.txt", b"again", mode="create")
    assert box.blob("rust/a b.txt").download_as_bytes() == b"by obstore"
    box.blob("rust/b.txt").upload_from_string("by Google")
    assert bytes(obstore.get(store, "rust/b.txt").bytes()) == b"by Google"
    assert sorted(one["path"] for one in obstore.list(store, "rust").collect()) == ["rust/a b.txt", "rust/b.txt"]
    assert obstore.head(store, "rust/b.txt")["size"] == 9
    obstore.delete(store, "rust/b.txt")
    assert not box.blob("rust/b.txt").exists()
    large = os.urandom(12_000_000)
    obstore.put(store, "rust/large", large)
    assert box.blob("rust/large").download_as_bytes() == large


def test_variables_alone_lead_the_client_here(vertex, monkeypatch):
    from google.cloud import storage

    for name, content in vertex.server.env.items():
        monkeypatch.setenv(name, content)
    client = storage.Client()
    client.bucket(vertex.bucket).blob("by/variables").upload_from_string("found")
    assert client.bucket(vertex.bucket).blob("by/variables").download_as_text() == "found"


def test_a_missing_program_is_a_typed_error(monkeypatch):
    from automl_bridge.errors import BackendError, MissingExtraError
    from automl_bridge_vertex.sandbox import gcs

    monkeypatch.setattr(gcs, "PACKAGE", "no_such_package_of_ours")
    with pytest.raises(MissingExtraError, match="automl-bridge\\[sandbox\\]"):
        gcs.Emulator()
    monkeypatch.setattr(gcs, "PACKAGE", "json")
    with pytest.raises(BackendError, match="without a program for this platform"):
        gcs.Emulator()
