"""Around the jobs: who the caller is, the cloud's description, endpoints, environments, the server's life."""

import json
import subprocess
import sys

import pytest
from azure_sandbox_kit import SCOPE

from automl_bridge.sandbox import life
from automl_bridge_azure.sandbox import account


def test_the_default_credential_gets_a_token_by_the_variables_alone(azure):
    from azure.identity import ClientSecretCredential, DefaultAzureCredential

    assert DefaultAzureCredential().get_token(f"{azure.server.url}/.default").token.count(".") == 2
    env = azure.server.env
    other = ClientSecretCredential(
        "a-tenant", env["AZURE_CLIENT_ID"], env["AZURE_CLIENT_SECRET"], authority=env["AZURE_AUTHORITY_HOST"],
        disable_instance_discovery=True,
    )  # fmt: skip
    assert other.get_token(f"{azure.server.url}/.default").token


def test_a_wrong_secret_gets_none(azure):
    from azure.core.exceptions import ClientAuthenticationError
    from azure.identity import ClientSecretCredential

    wrong = ClientSecretCredential("adfs", azure.server.env["AZURE_CLIENT_ID"], "no", authority=azure.server.url)
    with pytest.raises(ClientAuthenticationError, match="Invalid client secret"):
        wrong.get_token(f"{azure.server.url}/.default")


def test_any_static_token_and_explicit_metadata_will_do_as_well(azure):
    from azure.ai.ml import MLClient
    from azure.core.credentials import AccessToken

    class Static:
        def get_token(self, *_scopes, **_options):
            return AccessToken("anything", 4102444800)

    url = azure.server.url
    metadata = {"azure_portal": url, "resource_manager": url, "active_directory": url, "aml_resource_id": url,
                "storage_endpoint": azure.server.service.world.storage, "registry_discovery_endpoint": url}  # fmt: skip
    client = MLClient(Static(), *SCOPE, cloud="TestCloud", cloud_metadata=metadata)
    assert client.workspaces.get().description.startswith("automl-bridge sandbox")


def test_what_starts_alone_is_answered_over_tls_and_gone_afterwards(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOML_BRIDGE_AZURE_SANDBOX_BLOBS", "builtin")
    sandbox = life.start("azure", home=tmp_path)
    try:
        assert sandbox.url.startswith("https://127.0.0.1:")
        assert sandbox.control()["sandbox"] == "azure"
        env = life.env(home=tmp_path)
        assert env["AUTOML_BRIDGE_SANDBOX"] == "azure"
        code = "import os, requests; print(requests.get(os.environ['ARM_CLOUD_METADATA_URL']).text)"
        said = subprocess.run([sys.executable, "-c", code], env={**env, "PATH": ""}, capture_output=True, check=True)
        assert json.loads(said.stdout)[0]["resourceManager"] == sandbox.url
    finally:
        assert life.stop("azure", home=tmp_path)
    assert not (tmp_path / "sandbox" / "azure.json").exists()


def test_batch_endpoints_are_made_listed_and_removed(azure):
    from azure.ai.ml.entities import BatchEndpoint

    made = azure.ml.batch_endpoints.begin_create_or_update(BatchEndpoint(name="predict-1")).result()
    assert made.scoring_uri.startswith(azure.server.url)
    assert [one.name for one in azure.ml.batch_endpoints.list()] == ["predict-1"]
    assert list(azure.ml.online_endpoints.list()) == []
    azure.ml.batch_endpoints.begin_delete("predict-1").wait()
    assert list(azure.ml.batch_endpoints.list()) == []


def test_an_environment_is_made_with_a_job_and_a_curated_one_is_there(azure):
    from azure.ai.ml.entities import Environment

    made = azure.ml.environments.create_or_update(
        Environment(name="own", version="1", image="ubuntu", conda_file={"dependencies": ["python=3.10"]})
    )
    assert azure.ml.environments.get("own", version="1").id == made.id
    assert azure.ml.environments.get("AzureML-AutoML", version="7").image
    assert azure.ml.environments.get("AzureML-AutoML", label="latest").image


def test_a_job_can_be_ended_with_any_status(azure, classification):
    azure.submit(classification("lost"))
    azure.server.service.control("end-job", {"name": "lost", "status": "NotResponding", "message": "no heartbeat"})
    assert azure.ml.jobs.get("lost").status == "NotResponding"
    assert azure.error("lost") == "no heartbeat"


def test_nothing_else_is_there(azure):
    status, _headers, answer = azure.request("GET", f"{account.PREFIX}/schedules?api-version=2024-01-01-preview")
    assert (status, answer["error"]["code"]) == (404, "NotFound")


def test_where_names_under_localhost_lead_here_storage_has_such_a_name(azure, monkeypatch):
    import socket

    from azure.storage.blob import BlobServiceClient

    from automl_bridge_azure.sandbox.app import _storage_suffix

    asked = socket.getaddrinfo
    port = str(azure.server.port)

    def resolve(host, *rest, **options):
        return asked("127.0.0.1" if str(host).endswith(".localhost") else host, *rest, **options)

    assert _storage_suffix(port) in {f"core.sandbox@127.0.0.1:{port}", f"core.localhost:{port}"}
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    suffix = _storage_suffix(port)
    assert suffix == f"core.localhost:{port}"
    storage = BlobServiceClient(f"https://{account.STORAGE_ACCOUNT}.blob.{suffix}", account.STORAGE_KEY)
    assert account.CONTAINER in [one.name for one in storage.list_containers()]
