"""Run: a handle to a job that outlives the process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.session import Session

if TYPE_CHECKING:
    from automl_bridge.config import Config
    from automl_bridge.runs.record import RunRecord
    from automl_bridge.runs.states import RunState

__all__ = ["Run"]


class Run:
    """A run in the store, by its id.

    Parameters
    ----------
    id
        The id, or the beginning of it.
    config
        Where store and home are.
    """

    def __init__(self, id: str, config: Config) -> None:  # noqa: A002 - what people read: run.id
        self._config = config
        with Session(config) as session:
            self.id = session.get(id).id

    @property
    def record(self) -> RunRecord:
        """What the store knows of it now."""
        with Session(self._config) as session:
            return session.get(self.id)

    @property
    def state(self) -> RunState:
        """Where it stands, by the store."""
        return self.record.state

    def wait(self, *, timeout: float | None = None, progress: bool | None = None) -> RunRecord:
        """Drive it to its end, scored on the holdout, and mirror it where the configuration names a tracking server.

        Parameters
        ----------
        timeout
            Seconds to wait at most; None waits for the end.
        progress
            Whether to show progress; None: in notebooks only.

        Raises
        ------
        RunFailedError, NoModelError
            If it ends without a model.
        StorageError
            If it has ended and cannot be mirrored.
        """
        from automl_bridge.reports.live import watching

        with Session(self._config) as session, watching(progress) as on_progress:
            ended = session.get(self.id).state.is_final
            record = session.wait(self.id, on_progress=on_progress, timeout=timeout)
            if self._config.mlflow_tracking_uri and record.state.is_final and not ended:
                from automl_bridge.reports.mlflow_mirror import mirror_run

                mirror_run(session, record, self._config.mlflow_tracking_uri)
        return record.raise_if_failed()

    def cancel(self) -> RunRecord:
        """Stop it and keep the best model so far."""
        with Session(self._config) as session:
            session.cancel(self.id)
            return session.wait(self.id)

    def __repr__(self) -> str:
        record = self.record
        return f"<Run {self.id} on {record.backend}: {record.state}>"

    def _repr_html_(self) -> str:
        from automl_bridge.reports.notebook import run_html

        return run_html(self.record)
