"""The error tree: as drawn, caught as people expect, and whole after a trip between processes."""

from __future__ import annotations

import inspect
import pickle
import re

import pytest

from automl_bridge import errors
from automl_bridge.errors import AutoMLBridgeError, MissingExtraError, RunFailedError, UnknownNameError, UsageError

CLASSES = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, AutoMLBridgeError)]


def test_the_tree_in_the_docstring_is_the_tree():
    depth_of: dict[int, str] = {}
    drawn: dict[str, str] = {}
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"([ │├└─]*)([A-Z]\w+Error)\b", line)
        if found:
            depth = len(found.group(1)) // 4
            depth_of[depth] = found.group(2)
            drawn[found.group(2)] = depth_of.get(depth - 1, "")
    real = {kind.__name__: kind.__bases__[0].__name__ for kind in CLASSES if kind is not AutoMLBridgeError}
    assert {name: base for name, base in drawn.items() if name != "AutoMLBridgeError"} == real


def test_every_error_is_public():
    assert sorted(kind.__name__ for kind in CLASSES) == sorted(errors.__all__)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_bad_input_exits_with_2_and_everything_survives_a_pickle(kind):
    error = kind("what is wrong", hint="the way out")
    assert error.exit_code == (2 if issubclass(kind, UsageError) else 1)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert str(again) == str(error) == "what is wrong\nwhat you can do: the way out"


def test_kinds_survive_too():
    assert pickle.loads(pickle.dumps(RunFailedError("m", kind="crash"))).kind == "crash"


def test_a_near_name_is_offered_and_the_rest_is_listed():
    error = UnknownNameError.of("column", "chrun", ["age", "churn", "plan"], where=" in d.csv")
    assert error.message == 'no column "chrun" in d.csv. Did you mean "churn"?'
    assert "age, churn, plan" in (error.hint or "")
    assert isinstance(error, LookupError | ValueError)


def test_a_missing_extra_names_the_pip_line():
    error = MissingExtraError.of("vertex", "vertex", "google.cloud.aiplatform")
    assert 'pip install "automl-bridge[vertex]"' in error.message
    assert isinstance(error, ImportError)
