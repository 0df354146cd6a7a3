"""Submitting again: after an answer that was lost, and after a crash anywhere inside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from automl_bridge.backend import JobState
from automl_bridge.testing import data, jobs
from automl_bridge.testing.crash import Crash, crash_at
from automl_bridge.testing.fixtures import Fixtures
from automl_bridge.testing.jobs import Done

if TYPE_CHECKING:
    from automl_bridge.backend import Backend, JobRef, Plan, Staged
    from automl_bridge.data.dataset import Dataset
    from automl_bridge.task import Task

__all__ = ["Resumed"]

_MOST_STEPS = 200

_KILLED = """
import json, os, signal, sys
from importlib import import_module
from pathlib import Path
from automl_bridge.backend import Plan, Staged
from automl_bridge.testing import crash

given = json.load(sys.stdin)
kind = getattr(import_module(given["module"]), given["class"])
backend = kind(kind.settings_class.model_validate(given["settings"]), Path(given["workspace"]))
plan, staged = Plan.model_validate(given["plan"]), Staged.model_validate(given["staged"])
try:
    with crash.crash_at(given["count"], backend.workspace):
        backend.submit(plan, staged)
except crash.Crash:
    os.kill(os.getpid(), signal.SIGKILL)
"""


class Resumed(Fixtures):
    """One of each, no more, however often and from wherever it is asked."""

    def test_a_job_is_found_once_it_is_submitted_and_not_before(
        self, backend: Backend, task: Task, dataset: Dataset
    ) -> None:
        """By another process, too."""
        plan, staged = jobs.prepare(backend, jobs.train_spec(task, dataset, self.budget), dataset)
        assert backend.find(plan) is None
        ref = backend.submit(plan, staged)
        assert ref.backend == backend.name
        assert ref.name == plan.spec.name
        assert jobs.again(backend).find(plan) == ref
        jobs.finish(backend, ref, self.patience)
        assert jobs.again(backend).find(plan) == ref

    def test_submitting_twice_makes_one_job(self, backend: Backend, trained: Done) -> None:
        """The second call answers with the first one's job, and what came of it stays as it is."""
        assert backend.submit(trained.plan, trained.staged) == trained.ref
        assert jobs.again(backend).submit(trained.plan, trained.staged) == trained.ref
        assert backend.collect(trained.ref) == trained.outcome

    def test_a_crash_anywhere_inside_submit_leaves_one_job_or_none(self, backend: Backend, first_task: Task) -> None:
        """The first attempt dies at its first step, the next one at its second, and so on until one comes through."""
        dataset = data.dataset(first_task, self.rows)
        plan, staged = jobs.prepare(backend, jobs.train_spec(first_task, dataset, self.budget), dataset)
        ref = self._through_crashes(backend, plan, staged)
        self._works(backend, Done(plan, staged, ref, jobs.finish(backend, ref, self.patience)))

    def test_a_crash_inside_a_predict_job_loses_no_row(
        self, backend: Backend, trained: Done, new_rows: Dataset
    ) -> None:
        """What comes of it is what comes of a job that went well."""
        spec = jobs.predict_spec(trained.plan.spec, trained.model, new_rows)
        plan, staged = jobs.prepare(backend, spec, new_rows)
        ref = self._through_crashes(backend, plan, staged)
        broken = Done(plan, staged, ref, jobs.finish(backend, ref, self.patience))
        whole = jobs.predict(backend, trained, new_rows, self.patience)
        np.testing.assert_allclose(jobs.outputs(broken), jobs.outputs(whole), rtol=1e-4, atol=1e-6)

    def test_a_killed_process_leaves_one_job_or_none(self, backend: Backend, first_task: Task) -> None:
        """SIGKILL inside submit, in a process of its own."""
        dataset = data.dataset(first_task, self.rows)
        plan, staged = jobs.prepare(backend, jobs.train_spec(first_task, dataset, self.budget), dataset)
        for step in (2, 5):
            self._kill(backend, plan, staged, step)
            self._truth(backend, plan)
        ref = backend.submit(plan, staged)
        assert jobs.again(backend).find(plan) == ref
        self._works(backend, Done(plan, staged, ref, jobs.finish(backend, ref, self.patience)))

    def _through_crashes(self, backend: Backend, plan: Plan, staged: Staged) -> JobRef:
        """Submit until an attempt comes through; each dies one step later than the one before."""
        for step in range(1, _MOST_STEPS):
            before = jobs.again(backend).find(plan)
            try:
                with crash_at(step, backend.workspace):
                    ref = jobs.again(backend).submit(plan, staged)
            except Crash:
                self._truth(backend, plan)
                continue
            assert before is None or before == ref, "a job that was there was made again"
            return ref
        pytest.fail(f"submit takes more than {_MOST_STEPS} steps")

    def _works(self, backend: Backend, done: Done) -> None:
        """Whether the model is whole: it predicts."""
        assert done.outcome.state is JobState.SUCCEEDED, done.outcome
        rows = jobs.question(done, data.sample(done.plan.spec.task, 5, seed=7))
        assert np.isfinite(jobs.outputs(jobs.predict(backend, done, rows, self.patience))).all()

    @staticmethod
    def _truth(backend: Backend, plan: Plan) -> None:
        """Whether there is a job or not: `find` and `poll` say the same, and neither fails."""
        fresh = jobs.again(backend)
        ref = fresh.find(plan)
        if ref is not None:
            assert set(fresh.poll([ref])) == {ref}

    @staticmethod
    def _kill(backend: Backend, plan: Plan, staged: Staged, step: int) -> None:
        given = {
            "module": type(backend).__module__,
            "class": type(backend).__qualname__,
            "settings": backend.settings.model_dump(mode="json"),
            "workspace": str(backend.workspace),
            "plan": plan.model_dump(mode="json"),
            "staged": staged.model_dump(mode="json"),
            "count": step,
        }
        done = subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", _KILLED],
            input=json.dumps(given),
            text=True,
            capture_output=True,
            check=False,
            # With the variables of this one: a cloud's backend finds service and credentials by them.
            env={**os.environ, "PYTHONPATH": ":".join(filter(None, sys.path))},
        )
        assert done.returncode in {0, -9}, done.stderr
