"""The states of a run: the drawing in its docstring is what the code allows."""

from __future__ import annotations

import itertools

import pytest

from automl_bridge.errors import StateError
from automl_bridge.runs.states import RunState

ORDER = [
    RunState.CREATED,
    RunState.STAGING,
    RunState.SUBMITTING,
    RunState.RUNNING,
    RunState.COLLECTING,
    RunState.SCORING,
    RunState.CLEANING,
]
FINAL = {RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED}


def allowed(state: RunState, after: RunState) -> bool:
    try:
        return state.to(after) is after
    except StateError:
        return False


def test_each_state_leads_to_the_next_and_to_cleaning():
    for state, after in itertools.pairwise(ORDER):
        assert allowed(state, after)
        assert allowed(state, RunState.CLEANING)


def test_nothing_else_is_allowed():
    drawn = {*itertools.pairwise(ORDER), *((state, RunState.CLEANING) for state in ORDER[:-1])}
    drawn |= {(RunState.CLEANING, state) for state in FINAL}
    assert {pair for pair in itertools.product(RunState, RunState) if allowed(*pair)} == drawn


def test_only_the_ends_are_final():
    assert {state for state in RunState if state.is_final} == FINAL


def test_a_wrong_transition_names_what_is_right():
    with pytest.raises(StateError, match=r"succeeded cannot become running(.|\n)*nothing: it has ended"):
        RunState.SUCCEEDED.to(RunState.RUNNING)


def test_submitted_means_that_a_job_may_be_waited_for():
    assert [state for state in ORDER if not state.is_submitted] == ORDER[:3]
