"""Tables in Google's and in Azure's stores, read from an emulator of each; what is missing is told by its address."""

from __future__ import annotations

import os
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from storage_emulators import ACCOUNT, CONNECTION, KEY, new_bucket, new_container, upload

from automl_bridge.data.build import build_dataset, build_predict_dataset
from automl_bridge.data.readers import read_table
from automl_bridge.errors import CredentialsError, TransientError, UnreadableError
from automl_bridge.storage import Entry, open_store


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch, tmp_path):
    """Take away what the machine at hand may have: variables and logins."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "AZURE_", "AZURITE_", "GOOGLE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("HOME", "APPDATA"):
        monkeypatch.setenv(name, str(tmp_path))


@pytest.fixture
def programs(monkeypatch, tmp_path):
    """Return the only folder that programs are looked for in: an empty one, without the Azure CLI."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


class Box(NamedTuple):
    """An empty bucket or container of an emulator: its address, and how to put an object there."""

    address: str
    put: object


@pytest.fixture
def gs(fake_gcs, monkeypatch):
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", fake_gcs)
    name = new_bucket(fake_gcs)
    return Box(f"gs://{name}", lambda key, content: upload(fake_gcs, name, key, content))


def azure_box(url):
    address = f"az://{new_container(url)}"
    return Box(address, lambda key, content: open_store(address).put(key, content))


@pytest.fixture
def az(azurite, monkeypatch):
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", CONNECTION.format(ACCOUNT, KEY, f"{azurite}/{ACCOUNT}"))
    return azure_box(azurite)


@pytest.fixture
def az_variables(azurite, monkeypatch):
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", ACCOUNT)
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", KEY)
    monkeypatch.setenv("AZURE_STORAGE_ENDPOINT", f"{azurite}/{ACCOUNT}")
    return azure_box(azurite)


@pytest.fixture
def az_development(azurite, monkeypatch):
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", "UseDevelopmentStorage=true")
    monkeypatch.setenv("AZURITE_BLOB_STORAGE_URL", azurite)
    return azure_box(azurite)


@pytest.fixture(params=["gs", "az", "az_variables", "az_development"])
def box(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def files(tmp_path_factory, credit_csv):
    folder = tmp_path_factory.mktemp("files")
    table = read_table(credit_csv)
    (folder / "credit.csv").write_bytes(credit_csv.read_bytes())
    pq.write_table(table, folder / "credit.parquet")
    with pa.ipc.new_file(folder / "credit.arrow", table.schema) as writer:
        writer.write_table(table)
    return folder


@pytest.mark.parametrize("name", ["credit.csv", "credit.parquet", "credit.arrow"])
def test_a_dataset_by_address_is_that_of_the_file(box, files, name):
    box.put(f"some folder/{name}", (files / name).read_bytes())
    task, dataset = build_dataset(f"{box.address}/some folder/{name}", target="status")
    local_task, local = build_dataset(files / name, target="status")
    assert task is local_task
    assert dataset.profile == local.profile
    assert sum(part.num_rows for part in dataset.parts.values()) == 4454
    for part, table in local.parts.items():
        assert dataset.parts[part].equals(table)
    again = build_predict_dataset(f"{box.address}/some folder/{name}", dataset.profile)
    assert again.parts["predict"].num_rows == 4454


def test_objects_are_listed_and_deleted(box):
    box.put("a/one file.csv", b"x,y\n1,2\n")
    box.put("a/two", b"12345")
    store = open_store(box.address)
    assert store.list("a") == [Entry("a/one file.csv", 8), Entry("a/two", 5)]
    store.delete("a/two")
    store.delete("a/two")
    assert not store.exists("a/two")
    assert store.exists("a/one file.csv")


def test_a_missing_object(box):
    with pytest.raises(UnreadableError, match=f"no such object: {box.address}/nope.csv") as caught:
        build_dataset(f"{box.address}/nope.csv", target="y")
    assert caught.value.hint == "check bucket and key"


def test_a_missing_container(az):
    with pytest.raises(UnreadableError, match=r"no such container: az://nowhere, of az://nowhere/d\.csv") as caught:
        build_dataset("az://nowhere/d.csv", target="y")
    assert "whose account" in caught.value.hint
    with pytest.raises(UnreadableError, match="no such container: az://nowhere"):
        open_store("az://nowhere").list()


def test_a_missing_bucket_of_google(gs):
    # The emulator does not say which of the two is missing.
    with pytest.raises(UnreadableError, match=r"no such object: gs://nowhere/d\.csv"):
        build_dataset("gs://nowhere/d.csv", target="y")


CASES = {
    "s3": ("s3://bucket", "no credentials for s3://bucket", "AWS_ACCESS_KEY_ID"),
    "gs": ("gs://bucket", "no credentials for gs://bucket", "GOOGLE_APPLICATION_CREDENTIALS"),
    "az": ("az://box", "no storage account for az://box", "AZURE_STORAGE_ACCOUNT_NAME"),
}


@pytest.mark.parametrize("case", CASES)
def test_without_credentials_nobody_is_asked(case):
    address, message, hint = CASES[case]
    # Opening a store asks nothing of anybody: the metadata addresses are not asked either.
    with pytest.raises(CredentialsError, match=message) as caught:
        open_store(address)
    assert hint in caught.value.hint
    with pytest.raises(CredentialsError, match=message):
        build_dataset(f"{address}/d.csv", target="y")


def test_an_azure_account_without_its_key(monkeypatch, programs):
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", ACCOUNT)
    with pytest.raises(CredentialsError, match="no credentials for az://box") as caught:
        open_store("az://box")
    assert "AZURE_STORAGE_ACCOUNT_KEY" in caught.value.hint


def test_the_azure_cli_is_asked_where_there_is_no_key(monkeypatch, programs):
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", ACCOUNT)
    program = programs / "az"
    program.write_text("#!/bin/sh\necho 'Please run az login' >&2\nexit 1\n")
    program.chmod(0o755)
    with pytest.raises(CredentialsError, match="Please run az login"):
        build_dataset("az://box/d.csv", target="y")


def test_a_wrong_key_of_azure(azurite, az, monkeypatch):
    wrong = CONNECTION.format(ACCOUNT, "YWJjZA==", f"{azurite}/{ACCOUNT}")
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", wrong)
    with pytest.raises(CredentialsError, match=f"not allowed to read or write {az.address}/d.csv") as caught:
        build_dataset(f"{az.address}/d.csv", target="y")
    assert "check the credentials" in caught.value.hint
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", wrong.replace("YWJjZA==", "%%%"))
    with pytest.raises(CredentialsError, match=r"az://box: .*Invalid Access Key"):
        open_store("az://box")


def test_a_key_file_of_google_that_is_missing(monkeypatch, tmp_path):
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))
    with pytest.raises(CredentialsError, match=r"gs://bucket: .*key\.json"):
        open_store("gs://bucket")


def test_words_in_a_key_are_not_taken_for_the_cause(monkeypatch):
    # Port 9 is the discard service, which nothing here offers.
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:9")
    with pytest.raises(TransientError, match="gs://bucket/credential/token"):
        open_store("gs://bucket").get("credential/token")
