"""What a job may ask for beyond its task, how it is stopped, and what is left of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

from automl_bridge.backend import Backend, JobState, Resource
from automl_bridge.budget import Budget
from automl_bridge.capabilities import Feature
from automl_bridge.data.build import build_dataset, build_predict_dataset
from automl_bridge.errors import UnsupportedError, UsageError
from automl_bridge.task import Task
from automl_bridge.testing import jobs
from automl_bridge.testing.fixtures import Fixtures, need

if TYPE_CHECKING:
    from automl_bridge.data.dataset import Dataset
    from automl_bridge.testing.jobs import Done

__all__ = ["Asked", "Bounded", "Cleaned", "Stopped"]


class Stopped(Fixtures):
    """Cancelling stops a job and keeps what it has."""

    def test_cancelling_what_has_ended_does_nothing(self, backend: Backend, trained: Done) -> None:
        """Neither once nor twice, in no process."""
        for instance in (backend, jobs.again(backend)):
            instance.cancel(trained.ref)
            assert instance.poll([trained.ref])[trained.ref].state is trained.outcome.state
            assert instance.collect(trained.ref) == trained.outcome

    def test_a_cancelled_job_ends(self, backend: Backend, task: Task, dataset: Dataset) -> None:
        """Soon, as cancelled, or with the best model so far; never as failed."""
        need(backend, Feature.CANCEL)
        spec = jobs.train_spec(task, dataset, Budget(max_time=3600))
        plan, staged = jobs.prepare(backend, spec, dataset)
        ref = backend.submit(plan, staged)
        jobs.again(backend).cancel(ref)
        outcome = jobs.finish(backend, ref, self.patience)
        assert outcome.state in {JobState.CANCELLED, JobState.SUCCEEDED}
        assert outcome.stopped_by == "cancel" or outcome.state is JobState.SUCCEEDED
        assert outcome.failure is None
        if outcome.state is JobState.SUCCEEDED:
            assert outcome.model is not None


class Bounded(Fixtures):
    """Limits are native; a cap says what stands behind it."""

    def test_no_more_trials_than_asked_for(self, backend: Backend, trained: Done) -> None:
        """The failed ones included."""
        need(backend, Feature.MAX_TRIALS)
        limit = trained.plan.spec.budget.max_trials
        assert limit is None or sum(trial.counts for trial in trained.outcome.trials) <= limit

    def test_a_short_time_ends_with_a_model_or_is_refused(self, backend: Backend, task: Task, dataset: Dataset) -> None:
        """Never with nothing; and a search that would go on ends about when it should."""
        need(backend, Feature.MAX_TIME)
        spec = jobs.train_spec(task, dataset, Budget(max_time=5))
        started = time.monotonic()
        try:
            done = jobs.train(backend, spec, dataset, self.patience)
        except UsageError as error:
            assert error.hint  # noqa: PT017 - either answer is right
            return
        assert done.outcome.state is JobState.SUCCEEDED
        assert done.model
        assert time.monotonic() - started < self.patience

    def test_a_cap_says_what_stands_behind_it(self, backend: Backend, task: Task, dataset: Dataset) -> None:
        """Guaranteed where the capabilities say so; where not, a strict one is refused."""
        # The time that its author found short enough: a service may take no shorter one.
        budget = Budget(max_time=self.budget.max_time or 600, max_cost_usd=50)
        spec = jobs.train_spec(task, dataset, budget)
        if backend.capabilities.supports(Feature.GUARANTEED_CAP):
            plan = backend.plan(spec.model_copy(update={"cap": "strict"}))
            assert plan.cap.kind == "guaranteed"
            assert plan.cap.because
            assert plan.usage is None or plan.usage.worst is not None
        else:
            try:
                plan = backend.plan(spec)
            except UsageError:
                return
            assert plan.cap.kind != "guaranteed"
            assert plan.cap.because

    def test_expected_usage_is_in_order(self, backend: Backend, task: Task, dataset: Dataset) -> None:
        """No more at least than likely, no more likely than at most."""
        usage = backend.plan(jobs.train_spec(task, dataset, self.budget)).usage
        if usage is None:
            pytest.skip("the plan does not say what it will use")
        low, likely, high = (
            sum(item.quantity for item in part.items) for part in (usage.low, usage.likely, usage.high)
        )
        assert low <= likely <= high


class Asked(Fixtures):
    """Weights and seeds."""

    def test_weights_count(self, backend: Backend) -> None:
        """Of two classes that look alike, nine times the weight is the greater probability."""
        need(backend, Feature.SAMPLE_WEIGHTS)
        need(backend, Task.TABULAR_CLASSIFICATION)
        rng = np.random.default_rng(0)
        labels = np.array(["a", "b"] * (self.rows // 2))
        table = pa.table({"noise": rng.normal(size=len(labels)), "y": labels})
        weights = np.where(labels == "b", 9.0, 1.0)
        _, built = build_dataset(table, target="y", task=Task.TABULAR_CLASSIFICATION, weight=weights)
        spec = jobs.train_spec(Task.TABULAR_CLASSIFICATION, built, self.budget)
        trained = jobs.train(backend, spec, built, self.patience)
        rows = build_predict_dataset(pa.table({"noise": rng.normal(size=50)}), built.profile)
        found = jobs.outputs(jobs.predict(backend, trained, rows, self.patience))
        assert found[:, list(built.profile.classes).index("b")].mean() > 0.6

    def test_a_seed_gives_the_same_twice(
        self, backend: Backend, trained: Done, dataset: Dataset, new_rows: Dataset
    ) -> None:
        """Another job with the same seed predicts the same."""
        need(backend, Feature.REPRODUCIBLE)
        spec = trained.plan.spec.model_copy(update={"name": jobs.name()})
        second = jobs.train(backend, spec, dataset, self.patience)
        first, again = (
            jobs.outputs(jobs.predict(backend, done, new_rows, self.patience)) for done in (trained, second)
        )
        np.testing.assert_allclose(again, first, rtol=1e-6, atol=1e-9)


class Cleaned(Fixtures):
    """Nothing is left billing."""

    @pytest.mark.usefixtures("trained")
    def test_what_was_planned_can_be_deleted_and_then_nothing_is_left(self, backend: Backend) -> None:
        """Deleting what is gone already is no error."""
        for _ in range(2):
            for resource in list(backend.resources()):
                backend.delete(resource)
                backend.delete(resource)
        assert list(backend.resources()) == []

    @pytest.mark.usefixtures("trained")
    def test_every_resource_says_what_it_is(self, backend: Backend) -> None:
        """It is of this backend, and has a kind and a name."""
        for resource in backend.resources():
            assert resource.backend == backend.name
            assert resource.kind
            assert resource.name

    def test_a_backend_that_keeps_nothing_has_nothing_to_delete(self, backend: Backend) -> None:
        """It says so instead of nodding."""
        if type(backend).delete is not Backend.delete:
            pytest.skip("it deletes resources")
        with pytest.raises(UnsupportedError):
            backend.delete(Resource(backend=backend.name, kind="endpoint", name="none"))
