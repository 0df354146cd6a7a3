"""E09: a cloud's job has one price, in the estimate, in the dry run, and in what its own plan comes to."""

from __future__ import annotations

import json

import pytest

from automl_bridge.cli.entry import invoke
from automl_bridge.config import load_config
from automl_bridge.costs.cost import cost_of
from automl_bridge.costs.usage import UsageRange
from automl_bridge.registry import create

SETTINGS = {
    "sagemaker": {"region": "us-east-1", "bucket": "ab-test", "role_arn": "arn:aws:iam::123456789012:role/r"},
    "vertex": {"project": "proj", "location": "us-central1", "bucket": "ab-test"},
    "azure": {
        "subscription_id": "00000000-0000-0000-0000-000000000001", "resource_group": "rg", "workspace": "ws",
        "region": "eastus",
    },
}  # fmt: skip


@pytest.mark.parametrize("backend", sorted(SETTINGS))
def test_one_number_in_the_estimate_the_dry_run_and_the_plan(backend, credit_csv, monkeypatch, capsys):
    for name, value in SETTINGS[backend].items():
        monkeypatch.setenv(f"AUTOML_BRIDGE_{backend.upper()}__{name.upper()}", value)

    def said(*words: str) -> dict:
        code = invoke([*words, "--json"])
        out = capsys.readouterr().out
        assert code == 0, out
        return json.loads(out)

    job = (str(credit_csv), "--target", "status", "--max-time", "2h")
    (row,) = said("estimate", *job, "--backends", backend)["estimates"]
    dry = said("fit", *job, "--backend", backend, "--dry-run")
    assert row["estimate_usd"] == dry["estimate_usd"]
    assert row["estimate"] == dry["estimate"]
    # The same once more from the plan that the backend itself makes, with the table that is its own.
    own = create(backend, load_config())
    usage = UsageRange.model_validate(dry["plan"]["usage"]).likely
    cost = cost_of(usage, own.prices)
    parts = dry["estimate"]["parts"]
    if cost.usd is None:
        # What has no price makes the whole unknown: in all of them, and by the same words.
        assert row["estimate_usd"] is None
        assert dry["estimate"]["unknown"]
        assert None in parts.values()
    else:
        assert row["estimate_usd"] == pytest.approx(cost.usd)
        assert row["estimate_usd"] == pytest.approx(sum(parts.values()))
        assert row["estimate_usd"] > 0
