"""What the tiers share: the backend, small data, and one trained model a task."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from automl_bridge.backend import JobState
from automl_bridge.budget import Budget
from automl_bridge.capabilities import Feature
from automl_bridge.task import Task
from automl_bridge.testing import data, jobs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from automl_bridge.backend import Backend, Predictor
    from automl_bridge.data.dataset import Dataset
    from automl_bridge.testing.jobs import Done
    from automl_bridge.testing.sample import Sample

__all__ = ["NEW", "TABULAR", "Fixtures", "need"]

TABULAR = (Task.TABULAR_CLASSIFICATION, Task.TABULAR_REGRESSION)
NEW = 23
"""Items that the tiers predict."""


def need(backend: Backend, wanted: Task | Feature) -> None:
    """Skip the test, with the backend's own reason, if it cannot do what is wanted."""
    reason = backend.capabilities.reason(wanted)
    if reason is not None:
        pytest.skip(f"{wanted}: {reason}")


class Fixtures:
    """What a backend's author may set.

    Attributes
    ----------
    patience
        Seconds after which a job that has not ended is a failed test.
    budget
        Of each training job: as small as it may be.
    rows
        Of the data: as few as the service takes.
    tasks
        What the tiers are run for; a task that the backend does not have is skipped, with the backend's reason.
    own_validation
        Whether the leaderboard's scores come of other rows than the validation part (folds or a split of its own), or
        the model was trained on that part, too, after it was scored.
    """

    tasks: tuple[Task, ...] = TABULAR
    own_validation: bool = False

    patience: float = 120.0
    budget: Budget = Budget(max_time=60, max_trials=1)
    rows: int = 240

    @pytest.fixture(scope="class")
    @classmethod
    def backend(cls) -> Backend:
        """Return the backend under test, in a workspace of its own. Override this one, with ``scope="class"``."""
        raise NotImplementedError("override the fixture `backend` in your subclass of BackendContract")

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run what asks for a task once for each of `tasks`."""
        if "task" in metafunc.fixturenames:
            metafunc.parametrize("task", self.tasks, ids=str, indirect=True, scope="class")

    @pytest.fixture(scope="class")
    @classmethod
    def task(cls, request: pytest.FixtureRequest, backend: Backend) -> Task:
        """Return each of `tasks` that the backend can do."""
        task: Task = request.param
        need(backend, task)
        return task

    @pytest.fixture(scope="class")
    @classmethod
    def dataset(cls, task: Task) -> Dataset:
        """Return the data to train on."""
        return data.dataset(task, cls.rows)

    @pytest.fixture(scope="class")
    @classmethod
    def first_task(cls, backend: Backend) -> Task:
        """Return one task that the backend can do, for what does not depend on the task."""
        able = [task for task in cls.tasks if backend.capabilities.supports(task)]
        if not able:
            pytest.skip(f"{backend.name} does none of {', '.join(cls.tasks)}")
        return able[0]

    @pytest.fixture(scope="class")
    @classmethod
    def trained(cls, backend: Backend, task: Task, dataset: Dataset) -> Done:
        """Return one finished training job a task; the tests that take it leave it as it is."""
        done = jobs.train(backend, jobs.train_spec(task, dataset, cls.budget), dataset, cls.patience)
        assert done.outcome.state is JobState.SUCCEEDED, done.outcome
        return done

    @pytest.fixture(scope="class")
    @classmethod
    def new(cls, task: Task) -> Sample:
        """Return raw data to predict, which the model has never seen."""
        return data.sample(task, NEW, seed=99)

    @pytest.fixture(scope="class")
    @classmethod
    def new_rows(cls, trained: Done, new: Sample) -> Dataset:
        """Return the same as a dataset."""
        return jobs.question(trained, new)

    @pytest.fixture(scope="class")
    @classmethod
    def predicted(cls, backend: Backend, trained: Done, new_rows: Dataset) -> Done:
        """Return one finished predict job a task."""
        return jobs.predict(backend, trained, new_rows, cls.patience)

    @pytest.fixture(scope="class")
    @classmethod
    def predictor(cls, backend: Backend, trained: Done) -> Iterator[Predictor]:
        """Return the model, loaded into this process, where the backend does that."""
        need(backend, Feature.LOCAL_PREDICTION)
        loaded = backend.load(trained.model)
        yield loaded
        loaded.close()
        loaded.close()
