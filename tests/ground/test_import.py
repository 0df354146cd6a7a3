"""Importing is cheap: nothing heavy is loaded before it is used."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pyarrow as pa
import pytest

import automl_bridge
from automl_bridge import registry
from automl_bridge._absent import absent
from automl_bridge.backend import Backend
from automl_bridge.cli.process import spare_pandas
from automl_bridge.config import load_config
from automl_bridge.data.build import build_dataset
from automl_bridge.errors import UnknownNameError
from automl_bridge.session import Session

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


COMMAND = """
import atexit, sys
from automl_bridge.cli import main
atexit.register(lambda: print(*sys.modules, file=sys.stderr))
sys.argv = ["automl-bridge", *{words!r}]
main()
"""


def loaded_by_command(*words) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", COMMAND.format(words=[str(word) for word in words])],
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout
    return set(done.stderr.split())


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(
        "x,day,word,y\n" + "".join(f"{i % 7},2024-01-{1 + i % 28:02},w{i % 3},{i % 2}\n" for i in range(90))
    )
    return path


@pytest.mark.parametrize("words", [["--help"], ["backends"], ["doctor", "baseline"], ["runs", "list"]])
def test_a_short_command_loads_nothing_heavy(words):
    assert not loaded_by_command(*words) & HEAVY


def test_an_estimate_loads_neither_pandas_nor_the_store_that_is_not_there(table):
    loaded = loaded_by_command("estimate", table, "--target", "y")
    assert loaded & HEAVY == {"pyarrow", "numpy"}
    assert not loaded & (SDKS | {"matplotlib"})


def test_an_estimate_that_learns_from_a_store_loads_no_more(table):
    with Session(load_config()) as session:
        _, dataset = build_dataset(table, target="y")
        session.create([session.plan(dataset, task="tabular-classification", backend="baseline")], dataset)
    assert loaded_by_command("estimate", table, "--target", "y") & HEAVY == {"pyarrow", "numpy"}


def test_what_is_absent_in_a_block_is_there_after_it(monkeypatch):
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    with absent("colorsys"), pytest.raises(ModuleNotFoundError, match="colorsys"):
        importlib.import_module("colorsys")
    assert importlib.import_module("colorsys").rgb_to_hsv(0, 0, 0) == (0, 0, 0)


def test_pandas_that_is_spared_can_still_be_imported():
    code = "from automl_bridge.cli.process import claim, spare_pandas\nclaim()\nspare_pandas()\n"
    assert "pandas" not in loaded_after(f"{code}import pyarrow as pa\npa.array(['a'])")
    assert "pandas" in loaded_after(f"{code}import pandas\npandas.DataFrame({{'a': [1]}})")


def test_somebody_elses_process_keeps_its_pandas():
    spare_pandas()
    assert pa.table({"a": [1]}).to_pandas()["a"].tolist() == [1]
