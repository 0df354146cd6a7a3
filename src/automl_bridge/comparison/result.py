"""Comparison: what came of one job at several backends."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automl_bridge.comparison.holdout import judge_of
from automl_bridge.comparison.rows import row_of
from automl_bridge.comparison.standings import Standing, standings_of
from automl_bridge.comparison.statistics import DRAWS, Pair, compare_pairs, draws_of, spread
from automl_bridge.comparison.verdict import Verdict, verdict_of
from automl_bridge.metrics import METRICS
from automl_bridge.session import BASELINE

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from automl_bridge.comparison.rows import RunRow
    from automl_bridge.data.dataset import Dataset
    from automl_bridge.runs.experiments import Experiment
    from automl_bridge.runs.record import RunRecord
    from automl_bridge.session import Session
    from automl_bridge.spec import JobSpec

__all__ = ["Comparison", "result_of"]


@dataclass(frozen=True)
class Comparison:
    """What came of one job at several backends, on one dataset, one holdout and by one scorer.

    Parameters
    ----------
    experiment
        What was compared, and how it is found again.
    rows
        One for each backend and seed, the baseline's first.
    standings
        One for each backend, best first, those without a score last.
    pairs
        How every two that have a score differ.
    verdict
        What that can and cannot support.
    holdout_rows
        Rows that everybody was scored on.
    notes
        Sentences for the reader, about the data and the intervals.
    predictions
        Outputs on the holdout by run (``.npy``, as in `Outcome`).
    """

    experiment: Experiment
    rows: tuple[RunRow, ...]
    standings: tuple[Standing, ...]
    pairs: tuple[Pair, ...]
    verdict: Verdict
    holdout_rows: int
    notes: tuple[str, ...] = ()
    predictions: Mapping[str, Path] = field(default_factory=dict, repr=False)

    @property
    def id(self) -> str:
        """Id of the experiment; ``automl-bridge compare --resume`` takes it."""
        return self.experiment.id

    @property
    def spec(self) -> JobSpec:
        """The job."""
        return self.experiment.spec

    @property
    def settings(self) -> dict[str, dict[str, Any]]:
        """Settings of the backends."""
        return self.experiment.settings

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds that each backend had."""
        return tuple(dict.fromkeys(member.seed for member in self.experiment.members))

    @property
    def baseline(self) -> Standing | None:
        """Where the baseline stands."""
        return next((one for one in self.standings if one.backend == BASELINE), None)

    @property
    def best(self) -> Standing | None:
        """Who has the best score, whether or not beyond noise; None if nobody has one."""
        return next((one for one in self.standings if one.score is not None), None)

    @property
    def complete(self) -> bool:
        """Whether every run has ended."""
        ended = {"succeeded", "failed", "cancelled", "refused"}
        return all(row.state in ended for row in self.rows)

    @property
    def sandbox(self) -> bool:
        """Whether a stand-in ran any of it."""
        return any(row.sandbox for row in self.rows)

    @property
    def dataset(self) -> Dataset:
        """The data, read from where it is kept."""
        from automl_bridge.data.dataset import Dataset

        return Dataset.open(self.experiment.dataset)

    def to_table(self) -> pa.Table:
        """Return one row a run as an Arrow table, with the columns of `comparison.frame`."""
        from automl_bridge.comparison.frame import as_table

        return as_table(self)

    def to_frame(self) -> Any:
        """Return the same as a pandas DataFrame.

        Raises
        ------
        MissingExtraError
            If pandas is not installed.
        """
        from automl_bridge.comparison.frame import as_pandas

        return as_pandas(self)

    def save(self, path: str | Path) -> Path:
        """Write the same to a ``.parquet`` or ``.csv`` file; returns it."""
        from automl_bridge.comparison.frame import write_table

        return write_table(self, Path(path))

    def report(self, path: str | Path) -> Path:
        """Write one self-contained HTML file that opens offline; returns it.

        Raises
        ------
        StorageError
            If it cannot be written.
        """
        from automl_bridge.reports.page import write_report

        return write_report(self, Path(path))

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as JSON's types; what is not known is None."""
        from automl_bridge.reports.comparison_document import comparison_document

        return comparison_document(self)

    def __str__(self) -> str:
        """Write the table and the verdict as plain text."""
        from automl_bridge.reports.comparison_text import comparison_text

        return comparison_text(self)

    def _repr_html_(self) -> str:
        from automl_bridge.reports.comparison_html import comparison_html

        return comparison_html(self)


def result_of(session: Session, experiment: Experiment, blocked: Mapping[str, Exception] | None = None) -> Comparison:
    """Put the result together from what is in the store.

    Parameters
    ----------
    session
        Where the runs are.
    experiment
        What was compared.
    blocked
        What keeps the runs of a backend from going on.
    """
    import numpy as np

    from automl_bridge.data.dataset import Dataset

    wanted = [run for member in experiment.members for run in (member.run, *member.earlier) if run is not None]
    records = session.get_many(wanted)
    rows = tuple(row_of(session, one, records, (blocked or {}).get(one.backend)) for one in experiment.members)
    metric, spec = METRICS[experiment.spec.metric], experiment.spec
    scored = {row.run: records[row.run] for row in rows if row.run is not None and row.score is not None}
    paths = {run: path for run, record in scored.items() if (path := _predictions(record)) is not None}
    holdout = spec.profile.rows.get("holdout", 0)
    intervals: dict[str, tuple[float, float]] = {}
    pairs: tuple[Pair, ...] = ()
    notes, unit = list(experiment.notes), "row"
    if paths:
        judge = judge_of(Dataset.open(experiment.dataset), spec)
        outputs = {run: np.load(path, allow_pickle=False) for run, path in paths.items()}
        drawn, shrink = judge.resampled(list(outputs.values()), draws=DRAWS, seed=spec.seed)
        draws = {}
        for number, backend in enumerate(dict.fromkeys(records[run].backend for run in outputs)):
            chosen = [place for place, run in enumerate(outputs) if records[run].backend == backend]
            scores = [score for place in chosen if (score := records[list(outputs)[place]].score) is not None]
            rng = np.random.default_rng((spec.seed, number))
            draws[backend] = draws_of(scores, drawn[chosen], shrink, rng)
            intervals[backend] = _interval(rows, backend, draws[backend].point, draws[backend].both, judge.units)
        pairs = compare_pairs(metric, draws, judge.units)
        unit = judge.unit
        notes += [judge.note] if judge.note else []
    standings = standings_of(metric, rows, intervals, pairs, experiment.latency, baseline=BASELINE, holdout=holdout)
    seeds = len({member.seed for member in experiment.members})
    verdict = verdict_of(metric, standings, pairs, baseline=BASELINE, holdout=holdout, seeds=seeds, unit=unit)
    return Comparison(experiment, rows, standings, pairs, verdict, holdout, tuple(dict.fromkeys(notes)), paths)


def _predictions(record: RunRecord) -> Path | None:
    path = record.predictions_path
    return path if path is not None and path.is_file() else None


def _interval(rows: tuple[RunRow, ...], backend: str, point: float, drawn: Any, units: int) -> tuple[float, float]:
    """Return the interval of a backend: with one run that of the run, so that there is one number everywhere."""
    own = [row for row in rows if row.backend == backend and row.score is not None]
    if len(own) == 1 and own[0].low is not None and own[0].high is not None:
        return own[0].low, own[0].high
    return spread(point, drawn, units)
