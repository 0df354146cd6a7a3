"""Object stores behind one interface: a folder, this process, and S3's own protocol."""

from __future__ import annotations

import pytest
from storage_emulators import ACCOUNT, CONNECTION, KEY, new_container

from automl_bridge.data.readers import read_table
from automl_bridge.errors import TransientError, UnreadableError, UsageError
from automl_bridge.storage import Entry, ObjectStore, open_store, split_address


@pytest.fixture
def s3(monkeypatch):
    """Return the address of an empty bucket on a server of this machine that speaks S3's protocol."""
    server_module = pytest.importorskip("moto.server")
    boto3 = pytest.importorskip("boto3")
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "dummy",
        "AWS_SECRET_ACCESS_KEY": "dummy",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
    }.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3", region_name="us-east-1")
    client.create_bucket(Bucket="bucket")
    client.close()
    yield "s3://bucket"
    server.stop()


@pytest.fixture
def az(azurite, monkeypatch):
    """Return the address of an empty container on Azure's emulator."""
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", CONNECTION.format(ACCOUNT, KEY, f"{azurite}/{ACCOUNT}"))
    return f"az://{new_container(azurite)}"


@pytest.fixture(params=["file", "memory", "s3", "az"])
def store(request, tmp_path) -> ObjectStore:
    address = {
        "file": lambda: f"file://{tmp_path}/box",
        "memory": lambda: f"memory://{tmp_path.name}",
        "s3": lambda: request.getfixturevalue("s3"),
        "az": lambda: request.getfixturevalue("az"),
    }[request.param]()
    return open_store(address)


def test_put_get_list_delete(store, tmp_path):
    assert store.put("a/one file.csv", b"x,y\n1,2\n")
    file = tmp_path / "local.bin"
    file.write_bytes(b"12345")
    assert store.put("a/two", file)
    assert store.get("a/one file.csv") == b"x,y\n1,2\n"
    assert store.list("a") == [Entry("a/one file.csv", 8), Entry("a/two", 5)]
    assert store.exists("a/two")
    store.delete("a/two")
    store.delete("a/two")
    assert not store.exists("a/two")
    with pytest.raises(UnreadableError, match=r"no such object: .*a/two"):
        store.get("a/two")


def test_of_several_writers_one_is_first(store):
    assert [store.put("k", text, create=True) for text in (b"1", b"2", b"3")] == [True, False, False]
    assert store.get("k") == b"1"
    assert store.put("k", b"4")
    assert store.get("k") == b"4"


def test_tables_are_read_by_address(s3):
    open_store(s3).put("some folder/d.csv", b"a;b\n1,5;x\n")
    assert read_table(f"{s3}/some folder/d.csv").to_pylist() == [{"a": 1.5, "b": "x"}]
    with pytest.raises(UnreadableError, match="no such object: s3://bucket/nope"):
        read_table(f"{s3}/nope")
    with pytest.raises(UnreadableError, match=r"no such bucket: s3://nowhere, of s3://nowhere/d\.csv"):
        read_table("s3://nowhere/d.csv")
    with pytest.raises(UnreadableError, match="names a bucket"):
        read_table(s3)


def test_a_store_that_does_not_answer(monkeypatch):
    for name, value in {"AWS_ACCESS_KEY_ID": "d", "AWS_SECRET_ACCESS_KEY": "d"}.items():
        monkeypatch.setenv(name, value)
    # Port 9 is the discard service, which nothing here offers.
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(TransientError, match="no answer from the store of s3://bucket/k"):
        open_store("s3://bucket").get("k")


@pytest.mark.parametrize("address", ["ftp://x/y", "s3:///x", "plain/path"])
def test_addresses_that_cannot_be_opened(address):
    with pytest.raises(UsageError, match="not an address"):
        split_address(address)


def test_emulators_are_reached_without_credentials(monkeypatch):
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "127.0.0.1:9")
    with pytest.raises(TransientError, match="gs://bucket/k"):
        open_store("gs://bucket").get("k")
    account = "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=YWJjZA=="
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", f"{account};BlobEndpoint=http://127.0.0.1:9/devstoreaccount1")
    with pytest.raises(TransientError, match="az://box/k"):
        open_store("az://box").get("k")
