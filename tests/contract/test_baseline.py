import pytest

from automl_bridge.task import Task
from automl_bridge.testing import BackendContract, TaskContract
from automl_bridge_baseline import BaselineBackend

OTHERS = (Task.IMAGE_REGRESSION, Task.MULTIMODAL_CLASSIFICATION)
"""Both halves of them, what is read and what is learned, are those of other tasks."""


class Baseline:
    @pytest.fixture(scope="class")
    @classmethod
    def backend(cls, tmp_path_factory):
        return BaselineBackend(BaselineBackend.settings_class(), tmp_path_factory.mktemp("baseline"))


class TestBaseline(Baseline, BackendContract):
    pass


class TestTasks(Baseline, TaskContract):
    tasks = tuple(task for task in TaskContract.tasks if task not in OTHERS)


@pytest.mark.slow
class TestOtherTasks(Baseline, TaskContract):
    tasks = OTHERS
