"""A Vertex AI backend without an account: no variables of the person who runs the tests, no metadata address."""

from __future__ import annotations

import importlib.util
import os

import pytest
from vx_world import dataset, make_backend

# Without the extra there is nothing to test; planning alone is covered where it is installed.
_THERE = importlib.util.find_spec("google.cloud.aiplatform_v1") if importlib.util.find_spec("google.cloud") else None
collect_ignore_glob = [] if _THERE else ["test_*.py"]


@pytest.fixture(autouse=True)
def _google_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("GOOGLE_", "GCLOUD_", "STORAGE_", "CLOUDSDK_"))]:
        monkeypatch.delenv(name)
    # gcloud's login of the person who runs the tests would be no test.
    monkeypatch.setenv("CLOUDSDK_CONFIG", os.devnull)


@pytest.fixture
def backend(tmp_path):
    return make_backend(tmp_path)


@pytest.fixture(scope="session")
def binary():
    return dataset()[1]
