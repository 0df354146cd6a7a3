"""Blobs through the unmodified client: the built-in storage and Azurite behind the same door answer alike."""

from datetime import UTC, datetime, timedelta

import pytest
from azure_sandbox_kit import Azure, led_to, needs_azurite, start

from automl_bridge_azure.sandbox import account


@pytest.fixture(scope="module", params=["builtin", "azurite"])
def azure(request, _elsewhere):
    if request.param == "azurite":
        needs_azurite()
    with start(request.param) as server, led_to(server):
        yield Azure(server)


def blob(azure, name, container=account.CONTAINER):
    return azure.storage.get_blob_client(container, name)


def test_what_is_written_is_read_listed_and_deleted(azure):
    from azure.core.exceptions import ResourceNotFoundError

    for name in ("a/one.txt", "a/b/two words & ü.txt", "c.txt"):
        blob(azure, name).upload_blob(name.encode(), metadata={"Upload_Status": "done"})
    assert [one.name for one in azure.container.list_blobs(name_starts_with="a/")] == [
        "a/b/two words & ü.txt",
        "a/one.txt",
    ]
    assert [one.name for one in azure.container.walk_blobs(delimiter="/")] == ["a/", "c.txt"]
    found = next(azure.container.list_blobs(name_starts_with="c", include=["metadata"]))
    assert (found.size, found.metadata) == (5, {"Upload_Status": "done"})
    assert blob(azure, "a/b/two words & ü.txt").download_blob().readall().decode() == "a/b/two words & ü.txt"
    properties = blob(azure, "c.txt").get_blob_properties()
    assert (properties.size, properties.blob_type, properties.metadata) == (5, "BlockBlob", {"Upload_Status": "done"})
    blob(azure, "c.txt").delete_blob()
    with pytest.raises(ResourceNotFoundError):
        blob(azure, "c.txt").download_blob()
    assert not blob(azure, "c.txt").exists()


def test_pages_of_a_list_follow_each_other(azure):
    for number in range(7):
        blob(azure, f"pages/{number}").upload_blob(b"x")
    pages = list(azure.container.list_blobs(name_starts_with="pages/", results_per_page=3).by_page())
    assert [[one.name[-1] for one in page] for page in pages] == [["0", "1", "2"], ["3", "4", "5"], ["6"]]


def test_a_large_blob_comes_in_blocks_and_is_read_in_ranges(azure):
    content = bytes(range(256)) * 4096 * 3  # 3 MiB
    from azure.storage.blob import BlobClient

    one = BlobClient(
        azure.storage.url, account.CONTAINER, "large", credential=account.STORAGE_KEY, max_single_put_size=1024 * 1024,
        max_block_size=1024 * 1024, max_single_get_size=1024 * 1024, max_chunk_get_size=1024 * 1024,
    )  # fmt: skip
    one.upload_blob(content)
    assert one.download_blob().readall() == content
    assert one.download_blob(offset=10, length=5).readall() == content[10:15]
    assert [part.size for part in one.get_block_list()[0]] == [1024 * 1024] * 3
    blob(azure, "empty").upload_blob(b"")
    assert blob(azure, "empty").download_blob().readall() == b""


def test_conditions_are_kept(azure):
    from azure.core import MatchConditions
    from azure.core.exceptions import ResourceExistsError, ResourceModifiedError

    one = blob(azure, "once")
    first = one.upload_blob(b"1")
    with pytest.raises(ResourceExistsError):
        one.upload_blob(b"2")
    one.upload_blob(b"3", overwrite=True, etag=first["etag"], match_condition=MatchConditions.IfNotModified)
    with pytest.raises(ResourceModifiedError):
        one.upload_blob(b"4", overwrite=True, etag=first["etag"], match_condition=MatchConditions.IfNotModified)
    assert one.download_blob().readall() == b"3"


def test_copies_and_metadata(azure):
    blob(azure, "from").upload_blob(b"content", metadata={"a": "1"})
    target = blob(azure, "to")
    target.start_copy_from_url(blob(azure, "from").url)
    assert target.download_blob().readall() == b"content"
    target.set_blob_metadata({"b": "2"})
    assert target.get_blob_properties().metadata == {"b": "2"}


def test_a_wrong_key_opens_nothing_and_a_signature_opens_what_it_names(azure):
    from azure.core.exceptions import ClientAuthenticationError
    from azure.storage.blob import BlobClient, BlobSasPermissions, generate_blob_sas

    blob(azure, "signed").upload_blob(b"yes")
    wrong = BlobClient(azure.storage.url, account.CONTAINER, "signed", credential="d3Jvbmc=")
    with pytest.raises(ClientAuthenticationError):
        wrong.download_blob()
    for hours, name in ((1, "signed"), (-1, "signed"), (1, "other")):
        sas = generate_blob_sas(
            account.STORAGE_ACCOUNT, account.CONTAINER, name, account_key=account.STORAGE_KEY,
            permission=BlobSasPermissions(read=True), expiry=datetime.now(UTC) + timedelta(hours=hours),
        )  # fmt: skip
        one = BlobClient(azure.storage.url, account.CONTAINER, "signed", credential=sas)
        if (hours, name) == (1, "signed"):
            assert one.download_blob().readall() == b"yes"
        else:
            with pytest.raises(ClientAuthenticationError):
                one.download_blob()


def test_a_token_opens_too_as_the_service_does_for_roles(azure):
    from azure.storage.blob import BlobClient

    blob(azure, "role").upload_blob(b"yes")
    one = BlobClient(azure.storage.url, account.CONTAINER, "role", credential=azure.credential)
    assert one.download_blob().readall() == b"yes"


def test_a_job_trains_on_what_is_stored(azure, classification):
    azure.submit(classification("stored", max_trials=1))
    assert azure.wait("stored").status == "Completed"


@pytest.fixture(scope="module")
def table_uri(azure, rows):
    return azure.put_rows("data/table", rows)


@pytest.fixture(scope="module")
def server(azure):
    return azure.server
