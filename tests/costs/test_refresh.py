"""``automl-bridge prices refresh``: what a price list says holds from now on, here, and can be told from old rows."""

from __future__ import annotations

import json
from importlib.metadata import EntryPoint

import pytest
from leftover_backend import LeftoverBackend

from automl_bridge import registry
from automl_bridge.cli.entry import invoke
from automl_bridge.config import load_config


@pytest.fixture(autouse=True)
def _installed(monkeypatch):
    entry = EntryPoint("leftover", "leftover_backend:LeftoverBackend", registry.GROUP)
    monkeypatch.setattr(registry, "_entry_points", lambda: {"leftover": entry})
    monkeypatch.setattr(LeftoverBackend, "usd", 2.0)


def price():
    rows = list(registry.price_book("leftover", load_config()))
    return [row.usd for row in rows if row.sku == "big"]


def test_a_price_that_was_read_holds_in_the_next_command_and_its_change_is_said(capsys, monkeypatch):
    assert price() == []
    assert invoke(["prices", "refresh"]) == 0
    assert "big in eu  $2 per hour, not known before" in capsys.readouterr().out
    assert price() == [2.0]
    monkeypatch.setattr(LeftoverBackend, "usd", 3.0)
    assert invoke(["prices", "refresh", "leftover", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["backends"]
    assert [(row["usd"], row["old_usd"]) for row in found["prices"]] == [(3.0, 2.0)]
    assert price() == [3.0]
    assert invoke(["prices", "refresh"]) == 0
    assert "1 prices read, 1 as they were" in capsys.readouterr().out


def test_ones_own_price_wins_over_a_refreshed_one(tmp_path, monkeypatch, capsys):
    own = tmp_path / "own.csv"
    own.write_text(
        "provider,service,sku,region,unit,usd,source_url,source_date,confidence\n"
        "acme,Train,big,eu,hour,1.5,https://a.example/contract,2026-01-01,high\n"
    )
    assert invoke(["prices", "refresh"]) == 0
    monkeypatch.setenv("AUTOML_BRIDGE_PRICES", str(own))
    assert price() == [1.5]


def test_what_a_sandbox_lists_holds_in_the_sandbox_only(monkeypatch, capsys):
    monkeypatch.setenv("AUTOML_BRIDGE_SANDBOX", "acme")
    assert invoke(["prices", "refresh"]) == 0
    assert "SANDBOX" in capsys.readouterr().out
    assert price() == [2.0]
    monkeypatch.delenv("AUTOML_BRIDGE_SANDBOX")
    assert price() == []


def test_a_list_that_cannot_be_read_leaves_what_is_known_and_ends_with_1(monkeypatch, capsys):
    assert invoke(["prices", "refresh"]) == 0
    monkeypatch.setattr(LeftoverBackend, "usd", None)
    assert invoke(["prices", "refresh"]) == 1
    assert "the token has expired" in capsys.readouterr().out
    assert price() == [2.0]
