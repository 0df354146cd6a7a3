"""The words of an estimate agree: nothing is guaranteed that nothing bounds, and what is unknown says why."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from automl_bridge.backend import Cap
from automl_bridge.cli.entry import invoke
from automl_bridge.costs.cost import Cost, CostLine
from automl_bridge.costs.estimate import Estimate
from automl_bridge.reports.estimate import print_estimates
from automl_bridge.runs.estimating import BackendEstimate

LINE = {"part": "training", "sku": "m5", "region": "eu", "unit": "h", "quantity": 1.0}
KNOWN = Cost(lines=(CostLine(**LINE, billed=1.0, usd=2.0),))
PRICELESS = Cost(lines=(CostLine(**LINE, unknown="no price of m5 in eu"),))


def printed(row: BackendEstimate) -> str:
    text = io.StringIO()
    print_estimates(Console(file=text, width=200), [row])
    return text.getvalue()


@pytest.fixture
def rows(credit_csv, capsys):
    def run(*words: str) -> tuple[list[dict], str]:
        job = ("estimate", str(credit_csv), "--target", "status", "--backends", "baseline,autokeras", *words)
        assert invoke([*job, "--json"]) == 0
        document = json.loads(capsys.readouterr().out)
        assert invoke([*job]) == 0
        return document["estimates"], capsys.readouterr().out

    return run


def test_no_limit_is_no_guarantee(rows):
    found, said = rows()
    for row in found:
        assert row["worst_usd"] is None
        assert row["cap"] == {
            "kind": "none",
            "because": "no limit is set: --max-time or --max-cost (guaranteed) would be one",
        }
        assert row["bound"] == "nothing but its own end: set --max-time or --max-cost (guaranteed)"
    assert said.count("no bound") == 2
    assert "unknown" not in said


@pytest.mark.parametrize("limit", [("--max-time", "1h"), ("--max-cost", "5")])
def test_a_limit_stands_beside_its_worst_case(rows, limit):
    found, said = rows(*limit)
    for row in found:
        assert row["worst_usd"] > 0
        assert row["cap"]["kind"] == "guaranteed"
    assert "no bound" not in said
    assert "unknown" not in said


@pytest.mark.parametrize(
    ("worst", "words"),
    [(PRICELESS, "worst case: no price of m5 in eu"), (None, "worst case: its plan has none")],
)
def test_an_unknown_worst_case_says_why(worst, words):
    estimate = Estimate(low=KNOWN, likely=KNOWN, high=KNOWN, worst=worst)
    said = printed(BackendEstimate(backend="far", estimate=estimate, cap=Cap(kind="watched", because="")))
    assert "unknown" in said
    assert words in said


def test_a_plan_without_usage_says_so():
    assert "its plan expects no usage" in printed(BackendEstimate(backend="far"))
