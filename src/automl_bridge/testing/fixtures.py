"""What the tiers share: the backend, small data, and one trained model a task."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from automl_bridge.backend import JobState
from automl_bridge.budget import Budget
from automl_bridge.task import Task
from automl_bridge.testing import data, jobs

if TYPE_CHECKING:
    from automl_bridge.backend import Backend
    from automl_bridge.capabilities import Feature
    from automl_bridge.data.dataset import Dataset
    from automl_bridge.testing.jobs import Done

__all__ = ["Fixtures", "need"]

_TASKS = (Task.TABULAR_CLASSIFICATION, Task.TABULAR_REGRESSION)


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
        Of the tables: as few as the service takes.
    """

    patience: float = 120.0
    budget: Budget = Budget(max_time=60, max_trials=1)
    rows: int = 240

    @pytest.fixture(scope="class")
    @classmethod
    def backend(cls) -> Backend:
        """Return the backend under test, in a workspace of its own. Override this one, with ``scope="class"``."""
        raise NotImplementedError("override the fixture `backend` in your subclass of BackendContract")

    @pytest.fixture(scope="class", params=_TASKS, ids=str)
    @classmethod
    def task(cls, request: pytest.FixtureRequest, backend: Backend) -> Task:
        """Return each task that the tiers have data for, and that the backend can do."""
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
        return next(task for task in _TASKS if backend.capabilities.supports(task))

    @pytest.fixture(scope="class")
    @classmethod
    def trained(cls, backend: Backend, task: Task, dataset: Dataset) -> Done:
        """Return one finished training job a task; the tests that take it leave it as it is."""
        done = jobs.train(backend, jobs.train_spec(task, dataset, cls.budget), dataset, cls.patience)
        assert done.outcome.state is JobState.SUCCEEDED, done.outcome
        return done

    @pytest.fixture(scope="class")
    @classmethod
    def new_rows(cls, trained: Done) -> Dataset:
        """Return rows to predict, which the model has never seen."""
        from automl_bridge.data.build import build_predict_dataset

        return build_predict_dataset(data.table(23, seed=99), trained.plan.spec.profile)
