"""An azure backend against a scripted server on loopback: the unmodified SDK, TLS, no account."""

from __future__ import annotations

import importlib.util
import os
import socket
from pathlib import Path

import pytest

_THERE = all(importlib.util.find_spec(name) for name in ("azure", "cryptography")) and importlib.util.find_spec(
    "azure.ai"
)
# Without the extra there is nothing to test.
collect_ignore_glob = [] if _THERE else ["test_*.py"]


# azure-ai-ml 1.35 writes its schemas as marshmallow 3 wanted them, and says "experimental" by warnings.
_OF_THE_SDK = ("ignore::DeprecationWarning:marshmallow", "ignore::DeprecationWarning:azure")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the SDK's own warnings be: they are not ours to mend."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            for words in _OF_THE_SDK:
                item.add_marker(pytest.mark.filterwarnings(words))


@pytest.fixture(autouse=True)
def _azure_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """No login, no cloud and no address of the person who runs the tests."""
    for name in [name for name in os.environ if name.startswith(("AZURE_", "AZUREML_", "ARM_", "IDENTITY_", "MSI_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")


@pytest.fixture(scope="module")
def shared_service(tmp_path_factory):
    from az_service import Service

    made = Service(tmp_path_factory.mktemp("azure"))
    yield made
    made.close()


@pytest.fixture
def service(shared_service, monkeypatch):
    """Return the stand-in, empty; the SDK's own variables lead to it."""
    shared_service.reset()
    for name, value in shared_service.env().items():
        monkeypatch.setenv(name, value)
    # The SDK reaches an account by a name of its own: https://ACCOUNT.blob.SUFFIX.
    real = socket.getaddrinfo

    def local(host, *arguments, **options):
        return real("127.0.0.1" if str(host).endswith("localhost") else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", local)
    yield shared_service
    os.environ.pop("AZUREML_CURRENT_CLOUD", None)


@pytest.fixture
def backend(tmp_path):
    from az_world import make_backend

    return make_backend(tmp_path)


@pytest.fixture(scope="session")
def binary():
    from az_world import dataset

    return dataset()[1]
