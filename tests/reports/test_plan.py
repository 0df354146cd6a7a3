"""What ``--dry-run`` prints."""

from __future__ import annotations

import io

from rich.console import Console

from automl_bridge.backend import Cap, Objective, PlannedResource
from automl_bridge.budget import Budget
from automl_bridge.reports.plan import plan_document, print_plan


def _printed(plan) -> str:
    buffer = io.StringIO()
    print_plan(Console(file=buffer, width=100, color_system=None, highlight=False), plan)
    return buffer.getvalue()


def test_a_plan_says_what_it_would_do(make_record):
    record = make_record(spec={"budget": Budget(max_cost_usd=5)})
    job = record.spec.model_dump(mode="json")
    plan = record.plan.model_copy(
        update={
            "resources": (
                PlannedResource(kind="AutoML job", name="ab-2f9c"),
                PlannedResource(kind="model", name="ab-2f9c-m", temporary=False),
            ),
            "limits_sent": {"MaxCandidates": 4},
            "objective": Objective(name="AUC", exact=False),
            "cap": Cap(kind="watched", because="hours are bounded, not instances"),
            "duration": (60.0, 3600.0),
            "request": {"Names": ["a", "b"], "Job": job},
            "notes": ("needs a role",),
        }
    )
    text = _printed(plan)
    for said in (
        "would create   AutoML job ab-2f9c   model ab-2f9c-m (kept)",
        "limits sent    MaxCandidates 4",
        "objective      AUC (nearest to roc_auc)",
        "time           1m 00s to 1h 00m",
        "cap            $5.00, watched: hours are bounded, not instances",
        "note           needs a role",
        '"Names": ["a", "b"]',
        '"Job": "(the job above; --json has it)"',
    ):
        assert said in text
    assert plan_document(plan)["plan"]["request"]["Job"] == job


def test_what_is_not_known_is_not_said(make_record):
    text = _printed(make_record().plan)
    for label in ("limits sent", "time  ", "cost", "cap  "):
        assert label not in text
