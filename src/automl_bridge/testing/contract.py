"""BackendContract and TaskContract: the tiers together. Each is a class of its own and can be read by itself.

=================  =====================================================================================
`Declared`         name, capabilities and signatures; importing it is light
`Planned`          a plan is pure, complete, and the same for the same spec
`Trained`          train, poll, collect: the leaderboard, the usage, the model
`Scored`           what the leaderboard says and what the holdout says, by the one scorer
`Predicted`        predictions by a job: in order, aligned with the classes; odd rows
`Labelled`         twelve labels whose order as text is not that as numbers
`Polled`           many jobs at once
`Loaded`           (capability: local prediction, export) the same predictions in this process, from a bundle, and in
                   a fresh process from raw files
`Resumed`          submit again, after a crash anywhere inside it: one job
`Stopped`          (capability: cancel) stop and keep the best so far; cancelling what has ended does nothing
`Bounded`          budgets and caps are what the plan says they are
`Asked`            (capabilities: sample weights, reproducible) what a job asks for beyond its task is done
`Cleaned`          nothing is left that bills
=================  =====================================================================================
"""

from __future__ import annotations

from automl_bridge.task import Task
from automl_bridge.testing.asked import Asked, Bounded, Cleaned, Stopped
from automl_bridge.testing.declared import Declared
from automl_bridge.testing.fixtures import TABULAR
from automl_bridge.testing.loaded import Loaded
from automl_bridge.testing.planned import Planned
from automl_bridge.testing.predicted import Labelled, Polled, Predicted
from automl_bridge.testing.resumed import Resumed
from automl_bridge.testing.scored import Scored
from automl_bridge.testing.trained import Trained

__all__ = ["BackendContract", "TaskContract"]


class TaskContract(Planned, Trained, Scored, Predicted, Loaded, Stopped):
    """The tiers that another kind of data may break, for all tasks but those of tables.

    Override the fixture `backend`; the attributes of `Fixtures` can be set, ``tasks`` among them.
    """

    tasks: tuple[Task, ...] = tuple(task for task in Task if task not in TABULAR)
    rows: int = 120


class BackendContract(
    Declared,
    Planned,
    Trained,
    Scored,
    Predicted,
    Labelled,
    Polled,
    Loaded,
    Resumed,
    Stopped,
    Bounded,
    Asked,
    Cleaned,
):
    """Every tier, for tables. Override the fixture `backend`; attributes of `Fixtures` can be set for slow services.

    A backend that does no tables sets ``tasks`` to what it does.
    """
