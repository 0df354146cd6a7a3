"""From a plan to a model."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from automl_bridge.backend import JobRef, JobState, Outcome
from automl_bridge.errors import AutoMLBridgeError
from automl_bridge.metrics import METRICS
from automl_bridge.testing import jobs
from automl_bridge.testing.fixtures import Fixtures

if TYPE_CHECKING:
    from automl_bridge.backend import Backend
    from automl_bridge.data.dataset import Dataset
    from automl_bridge.task import Task
    from automl_bridge.testing.jobs import Done

__all__ = ["Trained"]


class Trained(Fixtures):
    """Train, poll, collect."""

    def test_it_trains_without_ever_seeing_the_holdout(self, trained: Done) -> None:
        """The fixture gave it none; there is a model all the same."""
        assert trained.outcome.state is JobState.SUCCEEDED
        assert trained.model.backend == trained.plan.backend
        assert trained.outcome.failure is None
        assert "holdout" not in trained.staged.uris

    def test_the_leaderboard_is_best_first(self, trained: Done) -> None:
        """In the natural sign of the objective; what failed or has no score comes last."""
        states = [trial.state is JobState.FAILED for trial in trained.outcome.trials]
        assert states == sorted(states)
        objective = trained.plan.objective
        if objective is not None and objective.exact:
            scores = [trial.score for trial in trained.outcome.trials if trial.state is not JobState.FAILED]
            assert scores == sorted(scores, key=METRICS[trained.plan.spec.metric].sort_key)
        ids = [trial.id for trial in trained.outcome.trials]
        assert len(set(ids)) == len(ids)

    def test_scores_are_numbers_or_missing(self, trained: Done) -> None:
        """A score that is not a number is none."""
        for trial in trained.outcome.trials:
            assert trial.score is None or math.isfinite(trial.score)

    def test_it_says_what_it_used_and_with_which_versions(self, trained: Done) -> None:
        """Unknown usage is not zero usage; results carry their origin."""
        usage = trained.outcome.usage
        assert usage.items or not usage.known
        assert trained.outcome.versions

    def test_outcomes_and_references_survive_json(self, trained: Done) -> None:
        """The run store keeps both."""
        assert Outcome.model_validate_json(trained.outcome.model_dump_json()) == trained.outcome
        again = JobRef.model_validate_json(trained.ref.model_dump_json())
        assert again == trained.ref
        assert hash(again) == hash(trained.ref)

    def test_collecting_twice_gives_the_same(self, backend: Backend, trained: Done) -> None:
        """In this process and in another."""
        assert backend.collect(trained.ref) == trained.outcome
        assert jobs.again(backend).collect(trained.ref) == trained.outcome

    def test_a_job_that_has_ended_stays_ended(self, backend: Backend, trained: Done) -> None:
        """Polling shows the end that was collected."""
        assert jobs.again(backend).poll([trained.ref])[trained.ref].state is trained.outcome.state

    def test_data_is_sent_once(self, backend: Backend, task: Task, dataset: Dataset, trained: Done) -> None:
        """Staging is content-addressed: another job on the same data sends nothing."""
        _, staged = jobs.prepare(jobs.again(backend), jobs.train_spec(task, dataset, self.budget), dataset)
        assert staged.uris == trained.staged.uris
        assert staged.bytes_sent == 0

    def test_data_that_is_gone_is_a_typed_error(self, backend: Backend, task: Task, dataset: Dataset) -> None:
        """It is an error of ours when it is submitted, or a job that failed and says so."""
        plan, staged = jobs.prepare(backend, jobs.train_spec(task, dataset, self.budget), dataset)
        gone = staged.model_copy(update={"uris": {key: f"{uri}-gone" for key, uri in staged.uris.items()}})
        try:
            ref = backend.submit(plan, gone)
        except AutoMLBridgeError:
            return
        outcome = jobs.finish(backend, ref, self.patience)
        assert outcome.state is JobState.FAILED
        assert outcome.failure is not None
        assert outcome.failure.message
