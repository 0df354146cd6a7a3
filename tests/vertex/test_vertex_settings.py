"""Settings: variables of Google's own, what is an emulator, and that nothing is sent there that should not be."""

from __future__ import annotations

import pytest
from vx_world import settings

from automl_bridge.config import load_config
from automl_bridge.errors import ConfigError
from automl_bridge.registry import create
from automl_bridge_vertex.clients import Clients
from automl_bridge_vertex.settings import VertexSettings


@pytest.mark.parametrize(
    ("endpoint", "emulated", "host"),
    [
        (None, False, "us-central1-aiplatform.googleapis.com"),
        ("http://127.0.0.1:8080/", True, "127.0.0.1:8080"),
        ("127.0.0.1:8080", True, "127.0.0.1:8080"),
        ("localhost:8080", True, "localhost:8080"),
        ("[::1]:8080", True, "[::1]:8080"),
        ("https://localhost:8080", False, "localhost:8080"),
        ("https://proxy.example", False, "proxy.example"),
        ("localhost.example.com", False, "localhost.example.com"),
    ],
)
def test_what_is_an_emulator(endpoint, emulated, host):
    made = settings(api_endpoint=endpoint)
    assert (made.emulated, made.host) == (emulated, host)


@pytest.mark.parametrize("transport", ["rest", "grpc"])
def test_no_credentials_are_looked_for_where_an_emulator_is_named(transport, monkeypatch):
    monkeypatch.setattr("google.auth.default", lambda **_: pytest.fail("an emulator gets no credentials"))
    clients = Clients(settings(api_endpoint="127.0.0.1:9", transport=transport))
    assert clients.pipelines.transport.kind == transport


def test_without_an_emulator_the_chain_of_google_is_asked():
    from automl_bridge.errors import CredentialsError

    with pytest.raises(CredentialsError, match="looking for credentials") as caught:
        Clients(settings()).pipelines.get_training_pipeline(name="x")
    assert "gcloud auth application-default login" in caught.value.hint


def test_project_and_location_of_googles_own_variables(monkeypatch):
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "theirs")
    monkeypatch.setenv("GOOGLE_CLOUD_LOCATION", "europe-west4")
    made = VertexSettings(bucket="gs://box/")
    assert (made.project, made.location, made.bucket) == ("theirs", "europe-west4", "box")
    assert made.parent == "projects/theirs/locations/europe-west4"


def test_labels_from_a_variable(monkeypatch):
    monkeypatch.setenv("AUTOML_BRIDGE_VERTEX__LABELS", "team=risk, stage=dev")
    assert create("vertex", load_config()).settings.labels == {"team": "risk", "stage": "dev"}


@pytest.mark.parametrize(("name", "value"), [("location", "global"), ("transport", "carrier"), ("prefix", "/x")])
def test_values_that_cannot_be(name, value, monkeypatch):
    monkeypatch.setenv(f"AUTOML_BRIDGE_VERTEX__{name.upper()}", value)
    with pytest.raises(ConfigError, match=f"vertex.{name}"):
        create("vertex", load_config())
