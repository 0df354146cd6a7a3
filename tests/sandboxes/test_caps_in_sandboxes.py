"""Caps over many jobs at stand-ins that bill: with the caller alive, with it dead, and when the next command comes."""

from __future__ import annotations

import random

import pytest
from sandboxes_kit import CLOUDS, dataset, running

from automl_bridge.budget import Budget
from automl_bridge.errors import BudgetError
from automl_bridge.runs.states import RunState

for extra in ("moto", "google.cloud.aiplatform_v1", "azure.ai.ml"):
    pytest.importorskip(extra)

# azure-ai-ml defines its schemas in a way that its own version of marshmallow warns of.
pytestmark = pytest.mark.filterwarnings("ignore:The `ordered`")

WEEK = 7 * 86_400
JOBS = 4


@pytest.fixture(scope="module", params=sorted(CLOUDS))
def stand_in(request, tmp_path_factory):
    with running(request.param, tmp_path_factory.mktemp("cloud"), factor=100) as made:
        yield made


@pytest.fixture
def place(stand_in, monkeypatch):
    for name, value in stand_in.sandbox.env.items():
        monkeypatch.setenv(name, value)
    return stand_in


def caps(session, built, task, backend, seed):
    """Caps from the least that the backend takes up to some times it, and trials; drawn by ``seed``."""
    with pytest.raises(BudgetError) as refused:
        session.plan(built, task=task, backend=backend, budget=Budget(max_cost_usd=0.01))
    least = float(refused.value.hint.partition("$")[2].split()[0].replace(",", ""))
    drawn = random.Random(seed)
    return [round(least * drawn.uniform(1.0, 4.0) + 0.01, 2) for _ in range(JOBS)]


def billed(session, run) -> float:
    cost = session.get(run.id).cost(session.price_book(run.backend))
    return cost.usd if cost.usd is not None else cost.known_usd


def test_a_job_whose_caller_died_bills_no_more_than_a_guaranteed_cap(place):
    task, built = dataset()
    with place.session() as session:
        plan = session.plan(built, task=task, backend=place.backend, budget=Budget(max_cost_usd=500))
        if plan.cap.kind != "guaranteed":
            pytest.skip("its caps are watched")
        wanted = caps(session, built, task, place.backend, seed=1)
        runs = [
            session.submit(built, task=task, backend=place.backend, budget=Budget(max_cost_usd=usd), seed=number)
            for number, usd in enumerate(wanted)
        ]
    place.sandbox.control("clock", {"advance": WEEK})
    with place.session() as later:
        ended = [later.wait(run.id) for run in runs]
        for run, usd in zip(ended, wanted, strict=True):
            assert run.state is RunState.SUCCEEDED, run.failure
            assert 0 < billed(later, run) <= usd


@pytest.fixture
def underestimated(place, monkeypatch):
    """A service that works with four machines at a time where the plan, and so the native limit, assumed one."""
    if place.backend != "sagemaker":
        pytest.skip("its caps are guaranteed")
    monkeypatch.setenv("AUTOML_BRIDGE_SAGEMAKER__ASSUMED_PARALLELISM", "1")
    return place


def test_with_the_caller_alive_no_watched_job_bills_more_than_its_cap(underestimated):
    task, built = dataset()
    with underestimated.session() as session:
        wanted = [3 * usd for usd in caps(session, built, task, "sagemaker", seed=2)]
        plans = [session.plan(built, task=task, backend="sagemaker", budget=Budget(max_cost_usd=usd)) for usd in wanted]
        assert {plan.cap.kind for plan in plans} == {"watched"}
        runs = session.create(plans, built)
        ended = session.drive([run.id for run in runs])
        stopped = [run.outcome.stopped_by for run in ended]
        assert "max_cost" in stopped
        for run, usd in zip(ended, wanted, strict=True):
            # One that had to be stopped before its first model was ready has none.
            assert run.state is RunState.SUCCEEDED or run.outcome.stopped_by == "max_cost", run.failure
            assert 0 < billed(session, run) <= usd


def test_a_watched_job_whose_caller_died_is_stopped_by_the_next_command(underestimated):
    task, built = dataset()
    cap = Budget(max_cost_usd=1.5)
    with underestimated.session() as session:
        run = session.submit(built, task=task, backend="sagemaker", budget=cap)
    # By then the first four candidates are trained, on four machines: more than was to be spent.
    underestimated.sandbox.control("clock", {"advance": 3000})
    with underestimated.session() as later:
        assert later.look_at_caps() == []
        assert later.get(run.id).capped
        ended = later.wait(run.id)
        assert ended.outcome.stopped_by == "max_cost"
        assert billed(later, ended) > 1.5
        assert any("keeps its cost cap" in note for note in ended.notes)
