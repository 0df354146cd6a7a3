"""What a backend must do, as tests: subclass `BackendContract` and `TaskContract` in your own test suite.

::

    from automl_bridge.testing import BackendContract, TaskContract

    class Mine:
        @pytest.fixture(scope="class")
        @classmethod
        def backend(cls, tmp_path_factory):
            return MyBackend(MySettings(), tmp_path_factory.mktemp("work"))

    class TestMine(Mine, BackendContract):
        pass

    class TestMyTasks(Mine, TaskContract):
        pass

That is all. The first runs every tier on tables, the second those that depend on the data on pictures, texts, series
and mixed rows. What the backend's capabilities say it cannot do is skipped with the reason they give.
"""

import pytest

_TIERS = ("asked", "declared", "jobs", "loaded", "planned", "predicted", "resumed", "scored", "trained")
# The asserts in them explain themselves in the plug-in author's test run, as they do in ours.
pytest.register_assert_rewrite(*(f"automl_bridge.testing.{tier}" for tier in _TIERS))

from automl_bridge.testing.contract import BackendContract, TaskContract  # noqa: E402 - must come after the lines above

__all__ = ["BackendContract", "TaskContract"]
