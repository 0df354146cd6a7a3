"""What a backend must do, as tests: subclass `BackendContract` in your own test suite.

::

    from automl_bridge.testing import BackendContract

    class TestMine(BackendContract):
        @pytest.fixture(scope="class")
        @classmethod
        def backend(cls, tmp_path_factory):
            return MyBackend(MySettings(), tmp_path_factory.mktemp("work"))

That is all. What the backend's capabilities say it cannot do is skipped with the reason they give.
"""

import pytest

_TIERS = ("asked", "declared", "jobs", "loaded", "planned", "predicted", "resumed", "trained")
# The asserts in them explain themselves in the plug-in author's test run, as they do in ours.
pytest.register_assert_rewrite(*(f"automl_bridge.testing.{tier}" for tier in _TIERS))

from automl_bridge.testing.contract import BackendContract  # noqa: E402 - must come after the line above

__all__ = ["BackendContract"]
