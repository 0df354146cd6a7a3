"""What past runs of a backend were expected to use, and what they used."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from automl_bridge.costs.learning import Past
from automl_bridge.costs.usage import Usage, UsageRange
from automl_bridge.runs.states import RunState

if TYPE_CHECKING:
    from automl_bridge.runs.store import RunStore

__all__ = ["RUNS", "past_runs"]

RUNS = 50
"""So many runs are looked at, the latest first: what was true long ago teaches little."""


def past_runs(store: RunStore, backend: str) -> list[Past]:
    """Return the latest runs of ``backend`` that succeeded and were metered; records are not read whole."""
    query = (
        "SELECT plan, detail FROM runs WHERE backend = :backend AND state = :state ORDER BY created DESC LIMIT :most"
    )
    rows = store.database.ask(query, {"backend": backend, "state": str(RunState.SUCCEEDED), "most": RUNS})
    found = []
    for plan, metered in rows:
        expected, detail = json.loads(plan).get("usage"), json.loads(metered)
        if expected and detail.get("usage", {}).get("known"):
            usage = Usage.model_validate(detail["usage"])
            found.append(Past(UsageRange.model_validate(expected), usage, bool(detail.get("sandbox"))))
    return found
