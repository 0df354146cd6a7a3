"""Importing is cheap: nothing heavy is loaded before it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import automl_bridge
from automl_bridge import registry
from automl_bridge.backend import Backend
from automl_bridge.errors import UnknownNameError

HEAVY = {"tensorflow", "keras", "autokeras", "sklearn", "pandas", "polars", "pyarrow", "numpy", "sqlalchemy", "obstore"}
SDKS = {"boto3", "sagemaker", "google.cloud.aiplatform", "azure.ai.ml", "ray", "moto", "tensorflow", "autokeras"}


def loaded_after(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint(*sys.modules)"], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_the_package_loads_nothing_heavy():
    assert not loaded_after("import automl_bridge; automl_bridge.__version__") & HEAVY


@pytest.mark.parametrize("name", registry.names())
def test_a_backend_class_loads_no_sdk(name):
    assert (
        not loaded_after(f"from automl_bridge import registry; registry.load_class({name!r}, installed=False)") & SDKS
    )


@pytest.mark.parametrize("name", automl_bridge.__all__)
def test_every_public_name_is_there(name):
    assert getattr(automl_bridge, name)


def test_an_unknown_backend_is_named_with_the_nearest():
    with pytest.raises(UnknownNameError, match='Did you mean "autokeras"'):
        registry.load_class("autokers")


@pytest.mark.parametrize("name", registry.names())
def test_a_backend_is_found_by_its_entry_point(name):
    kind = registry.load_class(name, installed=False)
    assert issubclass(kind, Backend)
    assert kind.name == name
