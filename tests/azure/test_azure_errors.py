"""What the SDKs raise, in the terms of this package; and which cloud is meant."""

from __future__ import annotations

import os

import pytest
from az_world import make_backend, train_spec
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ServiceRequestError

from automl_bridge.backend import JobRef
from automl_bridge.errors import ConfigError, CredentialsError, RejectedError, ThrottledError, TransientError
from automl_bridge_azure import cloud
from automl_bridge_azure.errors import translate, translated


class _Answer:
    def __init__(self, status: int) -> None:
        self.status_code, self.reason, self.headers = status, "no", {}

    def body(self) -> bytes:
        return b""

    def text(self, *_: object) -> str:
        return ""


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, CredentialsError), (403, RejectedError), (404, RejectedError), (408, TransientError),
        (409, RejectedError), (429, ThrottledError), (500, TransientError), (503, TransientError),
    ],
)  # fmt: skip
def test_every_status_has_its_kind(status, kind):
    error = HttpResponseError(message="no", response=_Answer(status))
    found = translate(error, "asking")
    assert type(found) is kind
    assert found.message.startswith("asking: no")
    assert found.hint or kind in {TransientError, ThrottledError, RejectedError}


def test_a_login_service_that_fails_is_no_wrong_login(service, tmp_path):
    for status, body, kind in (
        (500, {}, TransientError),
        (429, {"error": "temporarily_unavailable", "error_description": "slow down"}, TransientError),
        (400, {"error": "invalid_client", "error_description": "AADSTS7000215"}, CredentialsError),
    ):
        service.fail = lambda _, path, answer=(status, body): answer if path.endswith("/token") else None
        with pytest.raises(kind) as caught:
            make_backend(tmp_path).poll([JobRef(backend="azure", name="ab-1")])
        assert type(caught.value) is kind
    wrapped = ClientAuthenticationError("no token")
    wrapped.__cause__ = ServiceRequestError("refused")
    assert type(translate(wrapped, "x")) is TransientError


def test_lost_connections_pass_and_errors_of_ours_stay():
    with pytest.raises(TransientError), translated("x"):
        raise ServiceRequestError("Connection aborted")
    with pytest.raises(ConfigError, match="ours"), translated("x"):
        raise ConfigError("ours")
    with pytest.raises(ZeroDivisionError), translated("x"):
        _ = 1 / 0
    said = "The subscription has a quota of 0 cores"
    assert "quota in the portal" in translate(HttpResponseError(message=said, response=_Answer(400)), "x").hint


def test_the_cloud_of_the_variables_is_taken_or_nothing_is(service, monkeypatch):
    """The SDK goes on with the public cloud where it cannot read what the variable names; here that is an error."""
    assert cloud.current().resource_manager == service.url
    assert cloud.current().metadata["storage_endpoint"] == f"localhost:{service.port}"
    cloud._described.cache_clear()
    service.fail = lambda _, path: (503, {}) if path.startswith("/metadata") else None
    with pytest.raises(TransientError, match="ARM_CLOUD_METADATA_URL"):
        cloud.current()
    monkeypatch.delenv("ARM_CLOUD_METADATA_URL")
    assert cloud.current().resource_manager == "https://management.azure.com"
    monkeypatch.setenv("AZUREML_CURRENT_CLOUD", "AzureChinaCloud")
    assert cloud.current().storage == "core.chinacloudapi.cn"
    monkeypatch.setenv("AZUREML_CURRENT_CLOUD", "Nowhere")
    with pytest.raises(ConfigError, match="Nowhere"):
        cloud.current()


def test_a_clients_cloud_does_not_follow_the_process_around(service, tmp_path, binary, monkeypatch):
    """The SDK writes its cloud's name into the environment; the next client is not led by it."""
    from automl_bridge.backend import Staged

    backend = make_backend(tmp_path)
    backend.submit(backend.plan(train_spec(binary)), Staged(uris={}))
    assert os.environ["AZUREML_CURRENT_CLOUD"].startswith("Test#")
    assert cloud.current().resource_manager == service.url
    monkeypatch.delenv("ARM_CLOUD_METADATA_URL")
    assert cloud.current().resource_manager == "https://management.azure.com"


def test_doctor_names_what_is_wrong(service, tmp_path):
    def said(backend) -> dict[str, tuple]:
        return {check.name: (check.ok, check.detail) for check in backend.check()}

    service.usages = [{"name": {"value": "standardDSv2Family"}, "currentValue": 2, "limit": 4}]
    found = said(make_backend(tmp_path))
    assert found["workspace ws in rg"] == (True, "in eastus")
    assert found["quota of Standard_DS3_v2"][0] is False
    assert "2 of 4 cores of standardDSv2Family are free in eastus; jobs take 4" in found["quota of Standard_DS3_v2"][1]
    assert found["quota of Standard_NC4as_T4_v3"][0] is None
    assert said(make_backend(tmp_path, compute="gone"))["compute gone"][0] is False
    service.fail = lambda _, path: (403, {"error": {"code": "AuthorizationFailed"}}) if "/usages" in path else None
    assert said(make_backend(tmp_path))["quota of Standard_DS3_v2"][0] is None
    service.fail = lambda _, path: (400, {"error": "invalid_client"}) if path.endswith("/token") else None
    assert said(make_backend(tmp_path))["credentials"][0] is False
    bare = make_backend(tmp_path, workspace=None)
    assert "set workspace" in said(bare)["settings"][1]
