"""Comparison: what came of one job at several backends."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automl_bridge.comparison.holdout import judge_of
from automl_bridge.comparison.rows import row_of
from automl_bridge.comparison.standings import Standing, standings_of
from automl_bridge.comparison.statistics import DRAWS, Draws, Pair, compare_pairs, draws_of, spread
from automl_bridge.comparison.verdict import Verdict, verdict_of
from automl_bridge.metrics import METRICS
from automl_bridge.session import BASELINE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from automl_bridge.comparison.holdout import ForecastJudge, Judge
    from automl_bridge.comparison.rows import RunRow
    from automl_bridge.data.dataset import Dataset
    from automl_bridge.runs.experiments import Experiment
    from automl_bridge.runs.record import RunRecord
    from automl_bridge.session import Session
    from automl_bridge.spec import JobSpec

__all__ = ["Comparison", "judged", "result_of"]


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
    wanted = [run for member in experiment.members for run in (member.run, *member.earlier) if run is not None]
    records = session.get_many(wanted)
    rows = [row_of(session, one, records, (blocked or {}).get(one.backend)) for one in experiment.members]
    paths = {
        row.run: path
        for row in rows
        if row.run is not None
        and row.score is not None
        and (path := _predictions(session, records[row.run])) is not None
    }
    return judged(experiment, rows, paths)


def _predictions(session: Session, record: RunRecord) -> Path | None:
    """Return the file of a run's predictions, also if the home has moved since."""
    path = record.predictions_path
    if path is None:
        return None
    places = (path, session.config.home / "runs" / record.id / path.name)
    return next((place for place in places if place.is_file()), None)


def judged(experiment: Experiment, rows: Sequence[RunRow], predictions: Mapping[str, Path]) -> Comparison:
    """Compare runs by their predictions of the holdout.

    Parameters
    ----------
    experiment
        What was compared; its dataset is read.
    rows
        One for each member.
    predictions
        Files of outputs by run, of those that have a score.
    """
    metric, spec = METRICS[experiment.spec.metric], experiment.spec
    holdout = spec.profile.rows.get("holdout", 0)
    intervals: dict[str, tuple[float, float]] = {}
    pairs: tuple[Pair, ...] = ()
    notes, unit = list(experiment.notes), "row"
    scored = [row for row in rows if row.run in predictions and row.score is not None and math.isfinite(row.score)]
    if scored:
        from automl_bridge.data.dataset import Dataset

        judge = judge_of(Dataset.open(experiment.dataset), spec)
        draws = _drawn(judge, scored, predictions, spec.seed)
        pairs = compare_pairs(metric, draws, judge.units)
        intervals = {name: _interval(scored, name, one, judge.units) for name, one in draws.items()}
        unit = judge.unit
        notes += [judge.note] if judge.note else []
    standings = standings_of(metric, rows, intervals, pairs, experiment.latency, baseline=BASELINE, holdout=holdout)
    seeds = len({member.seed for member in experiment.members})
    verdict = verdict_of(metric, standings, pairs, baseline=BASELINE, holdout=holdout, seeds=seeds, unit=unit)
    told = tuple(dict.fromkeys(notes))
    return Comparison(experiment, tuple(rows), standings, pairs, verdict, holdout, told, predictions)


def _drawn(
    judge: Judge | ForecastJudge, scored: Sequence[RunRow], predictions: Mapping[str, Path], seed: int
) -> dict[str, Draws]:
    """Score all runs on the same draws, and put those of one backend together."""
    import numpy as np

    outputs = [np.load(predictions[str(row.run)], allow_pickle=False) for row in scored]
    values, shrink = judge.resampled(outputs, draws=DRAWS, seed=seed)
    draws = {}
    for number, backend in enumerate(dict.fromkeys(row.backend for row in scored)):
        chosen = [place for place, row in enumerate(scored) if row.backend == backend]
        scores = [score for place in chosen if (score := scored[place].score) is not None]
        draws[backend] = draws_of(scores, values[chosen], shrink, np.random.default_rng((seed, number)))
    return draws


def _interval(scored: Sequence[RunRow], backend: str, drawn: Draws, units: int) -> tuple[float, float]:
    """Return the interval of a backend: with one run that of the run, so that there is one number everywhere."""
    own = [row for row in scored if row.backend == backend]
    if len(own) == 1 and own[0].low is not None and own[0].high is not None:
        return own[0].low, own[0].high
    return spread(drawn.point, drawn.both, units)
