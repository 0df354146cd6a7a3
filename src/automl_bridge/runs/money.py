"""Money of one session: the prices that hold, what past runs teach, and plans that know both."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from automl_bridge.errors import StateError, StorageError

if TYPE_CHECKING:
    from automl_bridge.backend import Plan
    from automl_bridge.config import Config
    from automl_bridge.costs.learning import Lesson
    from automl_bridge.costs.prices import PriceBook
    from automl_bridge.costs.usage import Usage
    from automl_bridge.runs.store import RunStore

__all__ = ["Money"]


class Money:
    """Everything that names dollars asks this, so that there is one number from one table.

    Parameters
    ----------
    config
        Names the file of prices and the rate of this machine.
    store
        Holds the past runs.
    """

    def __init__(self, config: Config, store: RunStore) -> None:
        self._config = config
        self._store = store
        self._lessons: dict[str, Lesson] = {}

    def book(self, backend: str) -> PriceBook:
        """Return the prices that hold for a backend."""
        from automl_bridge.registry import price_book

        return price_book(backend, self._config)

    def usd(self, backend: str, usage: Usage) -> float | None:
        """Return US dollars of a usage; None if unknown."""
        from automl_bridge.costs.cost import cost_of

        return cost_of(usage, self.book(backend)).usd

    def lesson(self, backend: str) -> Lesson:
        """Return what past runs teach about estimates; nothing where the store cannot be read."""
        from automl_bridge.costs.learning import Lesson, learn
        from automl_bridge.runs.past import past_runs

        if backend not in self._lessons:
            try:
                self._lessons[backend] = learn(past_runs(self._store, backend), partial(self.usd, backend))
            except (StateError, StorageError):
                return Lesson()
        return self._lessons[backend]

    def checked(self, plan: Plan) -> Plan:
        """Return ``plan`` with its expected usage as past runs correct it.

        Raises
        ------
        UnsupportedError
            If a strict cap was asked for, and the plan's is not guaranteed.
        """
        from automl_bridge.costs.cap import require_guaranteed
        from automl_bridge.costs.learning import corrected

        if plan.spec.cap == "strict" and plan.spec.budget.max_cost_usd is not None:
            require_guaranteed(plan.backend, plan.cap.kind, plan.cap.because)
        if plan.usage is None:
            return plan
        usage = corrected(plan.usage, self.lesson(plan.backend), partial(self.usd, plan.backend))
        return plan.model_copy(update={"usage": usage})
