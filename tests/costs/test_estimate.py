"""``automl-bridge estimate``: all backends in one table, one number everywhere, and what past runs teach."""

from __future__ import annotations

import json

import pytest

from automl_bridge.cli.entry import invoke
from automl_bridge.registry import names

OWN = "provider,service,sku,region,unit,usd,source_url,source_date,confidence\n"


@pytest.fixture
def said(capsys):
    def run(*words: str) -> dict:
        code = invoke([*words, "--json"])
        out = capsys.readouterr().out
        assert code == 0, out
        return json.loads(out)

    return run


def rows_of(document: dict) -> dict[str, dict]:
    return {row["backend"]: row for row in document["estimates"]}


def test_every_declared_backend_has_a_row_with_a_price_or_a_reason(said, credit_csv):
    rows = rows_of(said("estimate", str(credit_csv), "--target", "status", "--max-time", "1h"))
    assert sorted(rows) == names()
    for row in rows.values():
        assert row["able"] == (row["reason"] is None)
        if row["able"] and row["estimate_usd"] is None:
            assert row["estimate"]["unknown"]
        if row["estimate_usd"] is not None and row["worst_usd"] is not None:
            assert row["estimate_usd"] <= row["worst_usd"] * (1 + 1e-9)
    assert rows["baseline"]["cap"]["kind"] == "guaranteed"


def test_a_backend_that_cannot_do_it_is_a_row_with_the_reason(said, credit_csv, capsys):
    words = ("estimate", str(credit_csv), "--target", "status", "--max-cost", "0.000001")
    rows = rows_of(said(*words, "--backends", "autokeras,baseline"))
    assert rows["baseline"]["able"]
    assert not rows["autokeras"]["able"]
    assert "max_cost_usd" in rows["autokeras"]["reason"]
    assert invoke([*words, "--backends", "autokeras"]) == 2
    assert "✘" in capsys.readouterr().out


def test_a_name_that_no_backend_has_is_bad_usage(capsys, credit_csv):
    assert invoke(["estimate", str(credit_csv), "--target", "status", "--backends", "basline"]) == 2
    assert "baseline" in capsys.readouterr().err


def test_one_number_from_one_table_everywhere(said, credit_csv, tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOML_BRIDGE_MACHINE_USD_PER_HOUR", "360")
    job = (str(credit_csv), "--target", "status", "--max-time", "1h")
    estimate = rows_of(said("estimate", *job, "--backends", "baseline"))["baseline"]
    plan = said("fit", *job, "--backend", "baseline", "--dry-run")
    run = said("fit", *job, "--backend", "baseline")
    listed = said("runs", "list")["runs"][0]
    shown = said("runs", "show", run["run_id"])
    expected = {round(one["estimate_usd"], 9) for one in (estimate, plan, run, listed, shown)}
    assert len(expected) == 1
    assert {one["cost_usd"] for one in (run, listed, shown)} == {run["cost_usd"]}
    seconds = sum(line["quantity"] for line in run["cost"]["lines"]) * 3600
    assert run["cost_usd"] == pytest.approx(seconds * 0.1)
    assert "as configured" in run["cost_basis"]


def test_a_cap_is_planned_at_the_configured_rate(said, credit_csv, monkeypatch):
    monkeypatch.setenv("AUTOML_BRIDGE_MACHINE_USD_PER_HOUR", "3600")
    plan = said("fit", str(credit_csv), "--target", "status", "--max-cost", "60", "-b", "autokeras", "--dry-run")
    assert plan["plan"]["request"]["max_time"] == pytest.approx(60)


def test_past_runs_are_told_and_correct_the_next_estimate(said, credit_csv):
    job = (str(credit_csv), "--target", "status", "--holdout", "0.9")
    before = rows_of(said("estimate", *job, "--backends", "baseline"))["baseline"]
    assert before["past"]["runs"] == 0
    for _ in range(3):
        said("fit", *job, "--backend", "baseline")
    after = rows_of(said("estimate", *job, "--backends", "baseline"))["baseline"]
    assert after["past"]["runs"] == 3
    assert after["estimate"]["learned_from"] == 3
    assert after["estimate_usd"] == pytest.approx(before["estimate_usd"] * after["estimate"]["correction"], rel=1e-6)
