"""Leaderboard: the trials of a run, best first, failed ones last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

if TYPE_CHECKING:
    import pyarrow as pa

    from automl_bridge.backend import Trial
    from automl_bridge.runs.record import RunRecord

__all__ = ["Leaderboard"]


class Leaderboard(Sequence["Trial"]):
    """Trials, best first by validation score, failed ones last; a table in notebooks.

    Parameters
    ----------
    trials
        In the order to show.
    objective
        What the validation score is, by the backend's name for it.
    """

    def __init__(self, trials: Sequence[Trial], objective: str) -> None:
        self.trials = tuple(trials)
        self.objective = objective

    @classmethod
    def of(cls, record: RunRecord) -> Leaderboard:
        """Return the leaderboard of a run."""
        trials = record.outcome.trials if record.outcome else ()
        objective = record.plan.objective.name if record.plan and record.plan.objective else "score"
        return cls(trials, objective)

    @overload
    def __getitem__(self, index: int) -> Trial: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Trial]: ...
    def __getitem__(self, index: int | slice) -> Trial | Sequence[Trial]:
        return self.trials[index]

    def __len__(self) -> int:
        return len(self.trials)

    def to_table(self) -> pa.Table:
        """Return one row a trial: rank, id, model, state, validation score, epochs, seconds, message."""
        import pyarrow as pa

        return pa.table(
            {
                "rank": pa.array(range(1, len(self) + 1), pa.int64()),
                "id": pa.array([trial.id for trial in self.trials], pa.string()),
                "model": pa.array([trial.model for trial in self.trials], pa.string()),
                "state": pa.array([str(trial.state) for trial in self.trials], pa.string()),
                self.objective: pa.array([trial.score for trial in self.trials], pa.float64()),
                "epochs": pa.array([trial.epochs for trial in self.trials], pa.int64()),
                "seconds": pa.array([trial.seconds for trial in self.trials], pa.float64()),
                "message": pa.array([trial.message for trial in self.trials], pa.string()),
            }
        )

    def __repr__(self) -> str:
        lines = [f"rank  {self.objective:<12}  model"]
        for rank, trial in enumerate(self.trials, 1):
            score = "–" if trial.score is None else f"{trial.score:.4g}"
            lines.append(f"{rank:<4}  {score:<12}  {trial.model or trial.id} {trial.message}".rstrip())
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from automl_bridge.reports.notebook import leaderboard_html

        return leaderboard_html(self.trials, self.objective)
