"""What keeps a run from going on: tried again later, or left to the caller; the run is not failed by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_bridge.errors import AutoMLBridgeError, StorageError
from automl_bridge.runs.jobs import full_disk

if TYPE_CHECKING:
    from automl_bridge.errors import TransientError
    from automl_bridge.runs.engine import Engine
    from automl_bridge.runs.lease import Owner
    from automl_bridge.runs.steps import Driven

__all__ = ["Troubles"]


class Troubles:
    """Notes troubles of runs whose leases ``owner`` holds."""

    def __init__(self, engine: Engine, owner: Owner) -> None:
        self._clock = engine.clock
        self._home = engine.home
        self._store = engine.store
        self._owner = owner

    def retry(self, driven: Driven, error: TransientError) -> None:
        """Let the step be taken again, later; or give up for this drive."""
        now = self._clock.now()
        again = driven.backoff.failure(error, now)
        with self._store.transaction(now, self._owner) as transaction:
            transaction.event(driven.run.id, "retry" if again else "error", f"{driven.run.state}: {error}")
        if not again:
            driven.backoff.success()
            driven.blocked = error

    def block(self, driven: Driven, error: Exception) -> None:
        """Leave a run as it is, for a cause that its caller can mend; anything else is a bug and goes through."""
        known: Exception | None = None
        if isinstance(error, AutoMLBridgeError):
            known = error
        elif isinstance(error, OSError):
            known = full_disk(error, self._home)
        if known is None:
            raise error
        driven.blocked = known
        if not isinstance(known, StorageError):
            with self._store.transaction(self._clock.now(), self._owner) as transaction:
                transaction.event(driven.run.id, "error", f"{driven.run.state}: {known}")
