from importlib.util import find_spec

import pytest

from automl_bridge.budget import Budget
from automl_bridge.testing import BackendContract, TaskContract
from automl_bridge_autokeras import AutoKerasBackend, AutoKerasSettings

pytestmark = pytest.mark.skipif(find_spec("autokeras") is None, reason="the autokeras extra is not installed")


class AutoKeras:
    patience = 300.0
    epochs = 3

    @pytest.fixture(scope="class")
    @classmethod
    def backend(cls, tmp_path_factory):
        # A network that was trained again on the validation rows, too, has no score on them any more.
        settings = AutoKerasSettings(epochs=cls.epochs, threads=1, refit=False)
        backend = AutoKerasBackend(settings, tmp_path_factory.mktemp("autokeras"))
        yield backend
        backend._queue().kill()


class TestAutoKeras(AutoKeras, BackendContract):
    pass


@pytest.mark.slow
class TestTasks(AutoKeras, TaskContract):
    budget = Budget(max_trials=1)
    epochs = 15
