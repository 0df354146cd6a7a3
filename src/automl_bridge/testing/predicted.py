"""Predictions by a job, as the holdout is predicted everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from automl_bridge.backend import JobRef, JobState
from automl_bridge.scoring import score
from automl_bridge.task import Task
from automl_bridge.testing import data, jobs
from automl_bridge.testing.fixtures import NEW, Fixtures, need

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from automl_bridge.backend import Backend
    from automl_bridge.data.dataset import Dataset
    from automl_bridge.spec import JobSpec
    from automl_bridge.testing.jobs import Done
    from automl_bridge.testing.sample import Sample

__all__ = ["Labelled", "Polled", "Predicted"]

_LABELS = tuple(str(label) for label in range(12))


class Predicted(Fixtures):
    """One row of outputs per row of the table, in order, columns in the order of the classes."""

    def test_there_is_one_output_per_row(self, trained: Done, predicted: Done) -> None:
        """Of the shape that `Outcome.predictions` states."""
        assert predicted.outcome.state is JobState.SUCCEEDED
        found = jobs.outputs(predicted)
        assert found.dtype == np.float64
        assert found.shape == (predicted.plan.spec.profile.rows["predict"], _width(trained.plan.spec))
        assert np.isfinite(found).all()

    def test_probabilities_sum_to_one(self, trained: Done, predicted: Done) -> None:
        """In every row, and none is negative."""
        if not trained.plan.spec.task.is_classification:
            pytest.skip("no probabilities in a regression")
        _check(trained.plan.spec, jobs.outputs(predicted))

    def test_quantiles_do_not_cross(self, trained: Done, predicted: Done) -> None:
        """In every row."""
        if trained.plan.spec.forecast is None:
            pytest.skip("quantiles are a forecast's")
        _check(trained.plan.spec, jobs.outputs(predicted))

    def test_rows_keep_their_order(self, backend: Backend, trained: Done, new: Sample, predicted: Done) -> None:
        """The same rows in reverse get the same outputs in reverse; forecasts are sorted, whatever comes in."""
        rows = jobs.question(trained, new.take(range(NEW)[::-1]))
        found = jobs.outputs(jobs.predict(backend, trained, rows, self.patience))
        if new.ordered:
            found = found[::-1]
        np.testing.assert_allclose(found, jobs.outputs(predicted), rtol=1e-4, atol=1e-6)

    def test_one_row_is_enough(self, backend: Backend, trained: Done, new: Sample, predicted: Done) -> None:
        """It gets what it gets among others."""
        rows = jobs.question(trained, new.take([7]))
        found = jobs.outputs(jobs.predict(backend, trained, rows, self.patience))
        its_own = jobs.outputs(predicted)[7 * new.steps : 8 * new.steps]
        np.testing.assert_allclose(found, its_own, rtol=1e-4, atol=1e-6)

    def test_odd_rows_are_predicted(self, backend: Backend, trained: Done, new: Sample) -> None:
        """New levels and new series, no text at all or very much, pictures of other sizes, gaps."""
        odd = new.odd()
        rows = jobs.question(trained, odd)
        found = jobs.outputs(jobs.predict(backend, trained, rows, self.patience))
        assert len(found) == rows.profile.rows["predict"]
        assert np.isfinite(found).all()
        _check(trained.plan.spec, found)


class Labelled(Fixtures):
    """Labels as services have them."""

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


class Polled(Fixtures):
    """One question about many jobs."""

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


def _width(spec: JobSpec) -> int:
    """Return the number of outputs of a row."""
    if spec.forecast is not None:
        return 1 + len(spec.forecast.quantiles)
    return len(spec.profile.classes) or len(spec.target)


def _check(spec: JobSpec, outputs: NDArray[np.float64]) -> None:
    """Look whether outputs are what they stand for: probabilities, or quantiles."""
    if spec.task.is_classification:
        assert (outputs >= 0).all()
        np.testing.assert_allclose(outputs.sum(axis=1), 1, atol=1e-5)
    if spec.forecast is not None:
        assert (np.diff(outputs[:, 1:], axis=1) >= 0).all()
