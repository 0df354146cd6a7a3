import pytest

from automl_bridge.testing import BackendContract, TaskContract
from automl_bridge_baseline import BaselineBackend


class Baseline:
    @pytest.fixture(scope="class")
    @classmethod
    def backend(cls, tmp_path_factory):
        return BaselineBackend(BaselineBackend.settings_class(), tmp_path_factory.mktemp("baseline"))


class TestBaseline(Baseline, BackendContract):
    pass


class TestTasks(Baseline, TaskContract):
    pass
