"""A plan is made from the spec alone."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, NoReturn

import pytest

from automl_bridge.backend import Plan
from automl_bridge.errors import UnsupportedError, UsageError
from automl_bridge.task import Task
from automl_bridge.testing import data, jobs
from automl_bridge.testing.fixtures import Fixtures

if TYPE_CHECKING:
    from pathlib import Path

    from automl_bridge.backend import Backend
    from automl_bridge.data.dataset import Dataset
    from automl_bridge.testing.jobs import Done

__all__ = ["Planned"]


def _files(folder: Path) -> dict[str, float]:
    return {str(path): path.lstat().st_mtime_ns for path in sorted(folder.rglob("*"))}


class Planned(Fixtures):
    """Plans are pure: no network, no credentials, no files; the same spec, the same plan."""

    @pytest.fixture
    def no_network(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let every attempt to reach the network fail."""

        def refuse(*_: object, **__: object) -> NoReturn:
            raise AssertionError("planning must not use the network")

        for name in ("connect", "connect_ex", "sendto"):
            monkeypatch.setattr(socket.socket, name, refuse)
        monkeypatch.setattr(socket, "getaddrinfo", refuse)

    @pytest.mark.usefixtures("no_network")
    def test_a_plan_is_pure(self, backend: Backend, task: Task, dataset: Dataset) -> None:
        """Made twice, by two instances, without network, it is the same; and it leaves no trace."""
        spec = jobs.train_spec(task, dataset, self.budget)
        before, environment = _files(backend.workspace), dict(os.environ)
        first, second = backend.plan(spec), jobs.again(backend).plan(spec)
        assert first == second
        assert first.spec == spec
        assert first.backend == backend.name
        assert _files(backend.workspace) == before
        assert dict(os.environ) == environment

    def test_a_plan_survives_json(self, backend: Backend, task: Task, dataset: Dataset) -> None:
        """The run store keeps plans as JSON; another process goes on from them."""
        plan = backend.plan(jobs.train_spec(task, dataset, self.budget))
        assert Plan.model_validate_json(plan.model_dump_json()) == plan

    @pytest.mark.usefixtures("no_network")
    def test_a_plan_to_predict_is_pure_too(self, backend: Backend, trained: Done, new_rows: Dataset) -> None:
        """Predicting is planned like training."""
        spec = jobs.predict_spec(trained.plan.spec, trained.model, new_rows)
        before = _files(backend.workspace)
        plan = backend.plan(spec)
        assert plan == jobs.again(backend).plan(spec)
        assert plan.spec == spec
        assert Plan.model_validate_json(plan.model_dump_json()) == plan
        assert _files(backend.workspace) == before

    def test_what_it_cannot_do_is_refused_with_the_reason(self, backend: Backend) -> None:
        """Before anything is sent; with data of that task, so that there is no other reason."""
        for task in Task:
            reason = backend.capabilities.reason(task)
            if reason is not None:
                spec = jobs.train_spec(task, data.dataset(task, 60), self.budget)
                with pytest.raises(UnsupportedError) as caught:
                    backend.plan(spec)
                assert reason in str(caught.value)

    def test_a_metric_of_another_task_is_refused(self, backend: Backend, task: Task, dataset: Dataset) -> None:
        """In the plan, and in words."""
        other = "rmse" if task.is_classification else "accuracy"
        with pytest.raises(UsageError):
            backend.plan(jobs.train_spec(task, dataset, self.budget, metric=other))

    def test_an_objective_is_exact_or_refused_where_it_must_be(
        self, backend: Backend, task: Task, dataset: Dataset
    ) -> None:
        """``objective="exact"`` never gets a nearest one."""
        try:
            plan = backend.plan(jobs.train_spec(task, dataset, self.budget, objective="exact"))
        except UsageError:
            return
        assert plan.objective is None or plan.objective.exact
