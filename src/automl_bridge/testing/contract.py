"""BackendContract: all tiers together. Each tier is a class of its own and can be read by itself.

=================  =====================================================================================
`Declared`         name, capabilities and signatures; importing it is light
`Planned`          a plan is pure, complete, and the same for the same spec
`Trained`          train, poll, collect: the leaderboard, the usage, the model
`Predicted`        predictions by a job: in order, aligned with the classes; many jobs at once
`Loaded`           (capability: local prediction, export) the same predictions in this process, from a bundle
`Resumed`          submit again, after a crash anywhere inside it: one job
`Stopped`          (capability: cancel) stop and keep the best so far; cancelling what has ended does nothing
`Bounded`          budgets and caps are what the plan says they are
`Asked`            (capabilities: sample weights, reproducible) what a job asks for beyond its task is done
`Cleaned`          nothing is left that bills
=================  =====================================================================================
"""

from __future__ import annotations

from automl_bridge.testing.asked import Asked, Bounded, Cleaned, Stopped
from automl_bridge.testing.declared import Declared
from automl_bridge.testing.loaded import Loaded
from automl_bridge.testing.planned import Planned
from automl_bridge.testing.predicted import Predicted
from automl_bridge.testing.resumed import Resumed
from automl_bridge.testing.trained import Trained

__all__ = ["BackendContract"]


class BackendContract(Declared, Planned, Trained, Predicted, Loaded, Resumed, Stopped, Bounded, Asked, Cleaned):
    """Every tier. Override the fixture `backend`; the attributes of `Fixtures` can be set for slow services."""
