from importlib.util import find_spec

import pytest

from automl_bridge.testing import BackendContract
from automl_bridge_autokeras import AutoKerasBackend, AutoKerasSettings


@pytest.mark.skipif(find_spec("autokeras") is None, reason="the autokeras extra is not installed")
class TestAutoKeras(BackendContract):
    patience = 300.0

    @pytest.fixture(scope="class")
    @classmethod
    def backend(cls, tmp_path_factory):
        backend = AutoKerasBackend(AutoKerasSettings(epochs=3, threads=1), tmp_path_factory.mktemp("autokeras"))
        yield backend
        backend._queue().kill()
