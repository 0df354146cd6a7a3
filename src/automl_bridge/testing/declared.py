"""What a backend says about itself."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from typing import TYPE_CHECKING

from pydantic import BaseModel

from automl_bridge.backend import Backend, Check
from automl_bridge.capabilities import Feature
from automl_bridge.task import Task
from automl_bridge.testing.fixtures import Fixtures

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Declared"]

_HEAVY = (
    *(
        "autokeras",
        "azure.ai.ml",
        "boto3",
        "botocore",
        "google.api_core",
        "google.auth",
        "jax",
        "keras",
        "keras_tuner",
        "pandas",
    ),
    *("polars", "pyarrow", "sagemaker", "scipy", "sklearn", "skops", "sqlalchemy", "tensorflow", "torch"),
)


def _methods(kind: type) -> Iterator[str]:
    for name, member in inspect.getmembers(kind, inspect.isfunction):
        if not name.startswith("_"):
            yield name
            assert member is not None


class Declared(Fixtures):
    """Name, capabilities and signatures."""

    def test_its_name_can_be_typed(self, backend: Backend) -> None:
        """It is what people write after ``--backend``."""
        assert re.fullmatch(r"[a-z][a-z0-9_-]*", backend.name)

    def test_its_settings_are_a_model(self, backend: Backend) -> None:
        """Settings are validated, and the instance is of the class that is declared."""
        assert issubclass(backend.settings_class, BaseModel)
        assert isinstance(backend.settings, backend.settings_class)

    def test_it_has_the_signatures_of_the_base_class(self, backend: Backend) -> None:
        """The engine calls all backends alike: same parameters, same order, same defaults."""
        for name in _methods(Backend):
            expected = inspect.signature(getattr(Backend, name)).parameters
            found = inspect.signature(getattr(type(backend), name)).parameters
            assert [(p.name, p.kind, p.default) for p in found.values()] == [
                (p.name, p.kind, p.default) for p in expected.values()
            ], f"{type(backend).__name__}.{name}"

    def test_what_it_cannot_do_has_a_reason(self, backend: Backend) -> None:
        """Every task and feature is supported, or says in words why it is not."""
        for wanted in (*Task, *Feature):
            reason = backend.capabilities.reason(wanted)
            assert reason is None or len(reason.strip()) > 3, wanted

    def test_it_can_do_something(self, backend: Backend) -> None:
        """There is a task it supports."""
        assert any(backend.capabilities.supports(task) for task in Task)

    def test_importing_it_is_light(self, backend: Backend) -> None:
        """Listing the backends imports them all: no SDK, no framework, nothing that it `requires`."""
        heavy = [*_HEAVY, *type(backend).requires]
        script = f"import sys, {type(backend).__module__}\nprint([m for m in {heavy!r} if m in sys.modules])"
        done = subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", script],
            check=True,
            capture_output=True,
            text=True,
            env={"PYTHONPATH": ":".join(filter(None, sys.path)), "PATH": ""},
        )
        assert done.stdout.strip() == "[]"

    def test_its_checks_can_be_printed(self, backend: Backend) -> None:
        """``automl-bridge doctor`` gets lines, and one that failed says what is wrong."""
        checks = list(backend.check())
        assert checks
        for check in checks:
            assert isinstance(check, Check)
            assert check.name
            assert check.ok or check.detail
