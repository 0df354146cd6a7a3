"""Predictions by a job, as the holdout is predicted everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from automl_bridge.backend import JobRef, JobState
from automl_bridge.scoring import score
from automl_bridge.task import Task
from automl_bridge.testing import data, jobs
from automl_bridge.testing.fixtures import Fixtures, need

if TYPE_CHECKING:
    from automl_bridge.backend import Backend
    from automl_bridge.data.dataset import Dataset
    from automl_bridge.testing.jobs import Done

__all__ = ["Predicted"]

_LABELS = tuple(str(label) for label in range(12))


class Predicted(Fixtures):
    """One row of outputs per row of the table, in order, columns in the order of the classes."""

    @pytest.fixture(scope="class")
    @classmethod
    def predicted(cls, backend: Backend, trained: Done, new_rows: Dataset) -> Done:
        """Return one finished predict job a task."""
        return jobs.predict(backend, trained, new_rows, cls.patience)

    def test_there_is_one_output_per_row(self, trained: Done, predicted: Done) -> None:
        """Of the shape that `Outcome.predictions` states."""
        assert predicted.outcome.state is JobState.SUCCEEDED
        found = jobs.outputs(predicted)
        classes = len(trained.plan.spec.profile.classes)
        assert found.dtype == np.float64
        assert found.shape == (23, classes or 1)
        assert np.isfinite(found).all()

    def test_probabilities_sum_to_one(self, trained: Done, predicted: Done) -> None:
        """In every row, and none is negative."""
        if not trained.plan.spec.task.is_classification:
            pytest.skip("no probabilities in a regression")
        found = jobs.outputs(predicted)
        assert (found >= 0).all()
        np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)

    def test_rows_keep_their_order(self, backend: Backend, trained: Done, predicted: Done) -> None:
        """The same rows in reverse get the same outputs in reverse."""
        from automl_bridge.data.build import build_predict_dataset

        backwards = data.table(23, seed=99).take(list(range(22, -1, -1)))
        rows = build_predict_dataset(backwards, trained.plan.spec.profile)
        found = jobs.outputs(jobs.predict(backend, trained, rows, self.patience))
        np.testing.assert_allclose(found[::-1], jobs.outputs(predicted), rtol=1e-4, atol=1e-6)

    def test_one_row_is_enough(self, backend: Backend, trained: Done, predicted: Done) -> None:
        """It gets what it gets among others."""
        from automl_bridge.data.build import build_predict_dataset

        rows = build_predict_dataset(data.table(23, seed=99).slice(7, 1), trained.plan.spec.profile)
        found = jobs.outputs(jobs.predict(backend, trained, rows, self.patience))
        np.testing.assert_allclose(found, jobs.outputs(predicted)[7:8], rtol=1e-4, atol=1e-6)

    def test_columns_belong_to_their_classes(self, backend: Backend) -> None:
        """Twelve labels '0' to '11' as text: their order as text is not that as numbers, and the log loss shows it.

        Labels that are merely predicted right would not: a backend may have the two orders in two places.
        """
        need(backend, Task.TABULAR_CLASSIFICATION)
        built = data.dataset(Task.TABULAR_CLASSIFICATION, 3 * self.rows, classes=_LABELS)
        spec = jobs.train_spec(Task.TABULAR_CLASSIFICATION, built, self.budget)
        trained = jobs.train(backend, spec, built, self.patience)
        from automl_bridge.data.build import build_predict_dataset

        rows = build_predict_dataset(built.parts["train"], built.profile)
        found = jobs.outputs(jobs.predict(backend, trained, rows, self.patience))
        codes = built.target_codes("train")
        loss = score("log_loss", found, codes)
        frequencies = np.bincount(codes, minlength=12) / len(codes)
        known = score("log_loss", np.tile(frequencies, (len(codes), 1)), codes)
        assert loss < known + 0.05, "worse than the class frequencies"
        classes = [str(label) for label in built.profile.classes]
        for other in (sorted(classes), sorted(classes, key=int), sorted(classes, reverse=True)):
            if other != classes:
                swapped = found[:, [other.index(label) for label in classes]]
                assert loss < score("log_loss", swapped, codes), f"the columns seem to be in the order {other}"

    def test_many_jobs_are_polled_at_once(self, backend: Backend, trained: Done, new_rows: Dataset) -> None:
        """Those that exist are in the answer, one that does not is left out, and none is mixed up with another."""
        submitted = []
        for _ in range(5):
            plan, staged = jobs.prepare(
                backend, jobs.predict_spec(trained.plan.spec, trained.model, new_rows), new_rows
            )
            submitted.append(backend.submit(plan, staged))
        assert len(set(submitted)) == 5
        unknown = JobRef(backend=backend.name, name=jobs.name(), kind="train")
        found = jobs.again(backend).poll([*submitted, unknown, trained.ref])
        assert set(found) == {*submitted, trained.ref}
        assert found[trained.ref].state is JobState.SUCCEEDED
        for ref in submitted:
            assert jobs.finish(backend, ref, self.patience).predictions is not None

    def test_nothing_is_polled_for_no_jobs(self, backend: Backend) -> None:
        """An empty question has an empty answer."""
        assert dict(backend.poll([])) == {}
