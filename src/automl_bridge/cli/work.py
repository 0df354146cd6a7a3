"""What the commands do with a session: open it, take the measure of a finished run, write it down as JSON."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from automl_bridge.config import Config
    from automl_bridge.costs.prices import PriceBook
    from automl_bridge.reports.view import RunView
    from automl_bridge.runs.record import RunRecord
    from automl_bridge.scoring_intervals import Difference
    from automl_bridge.session import Session

__all__ = ["baseline_of", "configuration", "document", "open_session", "summary"]


def configuration(*, profile: str | None = None, **overrides: Any) -> Config:
    """Read the configuration with the flags laid over it; None says nothing."""
    from automl_bridge.config import load_config

    return load_config(profile=profile, overrides=overrides)


@contextlib.contextmanager
def open_session(config: Config | None = None, *, look: bool = False) -> Iterator[Session]:
    """Open a session and close it, however the command ends.

    Parameters
    ----------
    config
        The configuration; read where None.
    look
        Whether to look first at jobs whose watched cost cap nobody watches any more, and stop those that near it.
    """
    from automl_bridge.session import Session

    session = Session(config or configuration())
    try:
        if look:
            _look_at_caps(session)
        yield session
    finally:
        session.close()


def _look_at_caps(session: Session) -> None:
    from automl_bridge.cli.output import current
    from automl_bridge.reports.words import short_id

    for run, error in session.look_at_caps():
        message = f"the cost cap of run {short_id(run)} could not be looked after: {str(error).partition(chr(10))[0]}"
        current().err.print(f"  note: {message}", style="yellow", markup=False, soft_wrap=True)


def baseline_of(session: Session, record: RunRecord) -> RunRecord | None:
    """Return the baseline's run beside ``record``, if it has one."""
    return session.get(record.baseline_run) if record.baseline_run else None


def difference_of(record: RunRecord, baseline: RunRecord | None) -> Difference | None:
    """Compare both on the same holdout rows; None where one of them has no predictions."""
    if baseline is None or not record.scores or not baseline.scores:
        return None
    paths = (record.predictions_path, baseline.predictions_path, record.dataset_path)
    if any(path is None or not path.exists() for path in paths):
        return None
    import numpy as np

    from automl_bridge.data.dataset import Dataset
    from automl_bridge.scoring import paired_difference

    left, right = (np.load(path, allow_pickle=False) for path in paths[:2] if path is not None)
    assert record.dataset_path is not None
    dataset = Dataset.open(record.dataset_path)
    if dataset.forecast is not None:
        from automl_bridge.scoring_forecast import ForecastScorer

        return ForecastScorer.of(dataset, "holdout").difference(record.spec.metric, left, right)
    classification = record.spec.task.is_classification
    targets = dataset.target_codes("holdout") if classification else dataset.target_values("holdout")
    return paired_difference(record.spec.metric, left, right, targets, dataset.weights("holdout"))


def summary(session: Session, record: RunRecord, config: Config) -> tuple[RunView, dict[str, Any]]:
    """Return what is said about a run, for people and for programs."""
    from automl_bridge.registry import price_book
    from automl_bridge.reports.build import run_view

    baseline = baseline_of(session, record)
    difference = difference_of(record, baseline) if record.state.is_final else None
    book = price_book(record.backend, config)
    view = run_view(record, baseline=baseline, difference=difference, book=book)
    return view, document(record, baseline=baseline, difference=difference, book=book)


def document(
    record: RunRecord,
    *,
    baseline: RunRecord | None = None,
    difference: Difference | None = None,
    book: PriceBook | None = None,
) -> dict[str, Any]:
    """Write a run down for ``--json``; what is not known is null."""
    from automl_bridge.reports.cost_line import book_of
    from automl_bridge.reports.estimate import cost_document, estimate_document

    book = book or book_of(record.backend)
    interval, spec = record.interval, record.spec
    cost, estimate = record.cost(book), record.estimate(book)
    return {
        "run_id": record.id,
        "state": str(record.state),
        "score": record.score,
        "metric": spec.metric,
        "interval": [interval.low, interval.high] if interval else None,
        "scores": record.scores,
        "backend": record.backend,
        "task": str(record.task),
        "target": list(spec.target),
        "classes": list(spec.profile.classes),
        "rows": spec.profile.rows,
        "seed": spec.seed,
        "budget": spec.budget.model_dump(mode="json"),
        "objective": record.plan.objective.model_dump(mode="json") if record.plan.objective else None,
        "cap": record.plan.cap.model_dump(mode="json"),
        "sandbox": record.sandbox,
        "created": record.created.isoformat(),
        "updated": record.updated.isoformat(),
        "seconds": record.elapsed,
        "stopped_by": record.outcome.stopped_by if record.outcome else None,
        "trials": _trials(record),
        "baseline": _beside(baseline),
        "difference": _difference(record, difference),
        "cost_usd": cost.usd,
        "estimate_usd": estimate.likely.usd if estimate else None,
        "cost_basis": cost.basis or None,
        "cost": cost_document(cost),
        "estimate": estimate_document(estimate),
        "bundle": str(record.bundle_path) if record.bundle_path else None,
        "continues": record.continues,
        "versions": record.versions,
        "notes": [*record.plan.notes, *record.notes],
        "failure": record.failure.model_dump(mode="json") if record.failure else None,
    }


def _trials(record: RunRecord) -> list[Mapping[str, Any]]:
    source = record.outcome or record.progress
    return [trial.model_dump(mode="json") for trial in source.trials] if source else []


def _beside(baseline: RunRecord | None) -> dict[str, Any] | None:
    if baseline is None:
        return None
    interval = [baseline.interval.low, baseline.interval.high] if baseline.interval else None
    return {"run_id": baseline.id, "state": str(baseline.state), "score": baseline.score, "interval": interval}


def _difference(record: RunRecord, difference: Difference | None) -> dict[str, Any] | None:
    if difference is None:
        return None
    from automl_bridge.reports.verdict import verdict

    content = difference.model_dump(mode="json", include={"value", "low", "high", "within_noise", "rows_needed"})
    return content | {"verdict": verdict(difference, record.backend, "baseline")}
