"""``automl-bridge prices`` and ``automl-bridge resources``."""

from __future__ import annotations

import json
from datetime import date
from importlib.metadata import EntryPoint

import pytest
from leftover_backend import LeftoverBackend

from automl_bridge import registry
from automl_bridge.cli.entry import invoke
from automl_bridge.costs.verify import verify_prices

HEAD = "provider,service,sku,region,unit,usd,source_url,source_date,confidence\n"
TODAY = date(2026, 6, 1)


def row(sku: str, usd: float, **changes: str) -> str:
    values = {"source_url": "https://a.example/p", "source_date": "2026-05-01", "confidence": "high", **changes}
    return f"acme,Train,{sku},eu,instance-hour,{usd},{','.join(values.values())}\n"


def found(*rows: str) -> list[tuple[str, str]]:
    return [(one.level, one.message) for one in verify_prices(HEAD + "".join(rows), "p.csv", TODAY)]


@pytest.mark.parametrize(
    "skus",
    [
        ("ml.m5.large", "ml.m5.xlarge", "ml.m5.2xlarge", "ml.m5.12xlarge"),
        ("n1-standard-4", "n1-standard-16"),
        ("Standard_D4s_v3", "Standard_D16s_v3"),
    ],
)
def test_a_larger_size_that_costs_less_is_a_fault(skus):
    assert found(*(row(sku, number + 1) for number, sku in enumerate(skus))) == []
    faults = found(*(row(sku, 10 - number) for number, sku in enumerate(skus)))
    assert len(faults) == len(skus) - 1
    assert all(level == "fault" and "costs less than the smaller" in message for level, message in faults)


def test_families_are_not_compared_with_each_other():
    assert (
        found(row("ml.m5.xlarge", 3), row("ml.c5.2xlarge", 2), row("Standard_DS3_v2", 3), row("Standard_DS11_v2", 2))
        == []
    )


def test_old_rows_and_sources_without_address_are_warnings_and_the_future_is_a_fault():
    assert found(row("a", 1, source_date="2025-12-03")) == []
    assert found(row("a", 1, source_date="2025-12-02")) == [("warning", "a in eu is 181 days old")]
    assert found(row("a", 1, source_date="2026-06-02"))[0][0] == "fault"
    assert found(row("a", 1, source_url="unlinked:1", confidence="medium"))[0][0] == "warning"
    assert found(row("a", 1, source_url="unlinked:1"))[0][0] == "fault"
    assert found(row("a", 1).replace("instance-hour", "moon"))[0][0] == "fault"


def test_the_lists_that_are_shipped_have_no_faults(capsys):
    assert invoke(["prices", "verify", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["ok"]
    assert "machines.csv" in document["files"]


def test_a_faulty_file_of_ones_own_ends_with_1_and_names_the_line(capsys, tmp_path, monkeypatch):
    own = tmp_path / "own.csv"
    own.write_text(HEAD + row("a", 1) + row("a", 0))
    monkeypatch.setenv("AUTOML_BRIDGE_PRICES", str(own))
    assert invoke(["prices", "verify"]) == 1
    assert "own.csv, line 3" in " ".join(capsys.readouterr().out.split())


def test_prices_are_shown_with_their_sources(capsys, tmp_path, monkeypatch):
    own = tmp_path / "own.csv"
    own.write_text(HEAD + row("negotiated", 1))
    monkeypatch.setenv("AUTOML_BRIDGE_PRICES", str(own))
    assert invoke(["prices", "show", "baseline", "--json"]) == 0
    prices = json.loads(capsys.readouterr().out)["prices"]
    assert [(one["sku"], one["source_url"]) for one in prices] == [("negotiated", "https://a.example/p")]
    assert invoke(["prices", "show", "baseline", "--sku", "nothing"]) == 0
    assert "unknown" in capsys.readouterr().out


@pytest.fixture
def leftover(monkeypatch):
    entry = EntryPoint("leftover", "leftover_backend:LeftoverBackend", registry.GROUP)
    monkeypatch.setattr(registry, "_entry_points", lambda: {"leftover": entry})
    monkeypatch.setattr(LeftoverBackend, "gone", set())
    monkeypatch.setenv("AUTOML_BRIDGE_MACHINE_USD_PER_HOUR", "1")


@pytest.mark.usefixtures("leftover")
def test_what_is_left_is_listed_with_dollars_a_day(capsys):
    assert invoke(["resources", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    usd = {one["name"]: one["usd_per_day"] for one in document["resources"]}
    assert usd == {"ab-old": 24, "ab-stuck": 24, "ab-m": 0, "ab-x": None}
    assert (document["usd_per_day"], document["known_usd_per_day"]) == (None, 48)
    assert invoke(["resources"]) == 0
    said = capsys.readouterr().out
    assert "total about $48.00 a day, and 1 resource of unknown cost" in said
    assert "not in this store" in " ".join(said.split())


@pytest.mark.usefixtures("leftover")
def test_nothing_is_deleted_unless_somebody_agrees(capsys):
    assert invoke(["resources", "--delete"]) == 2
    assert "--yes" in capsys.readouterr().err
    assert LeftoverBackend.gone == set()


@pytest.mark.usefixtures("leftover")
def test_what_is_listed_is_deleted_and_what_stays_is_said(capsys):
    assert invoke(["resources", "--kind", "endpoint", "--delete", "--yes", "--json"]) == 1
    rows = {one["name"]: one for one in json.loads(capsys.readouterr().out)["resources"]}
    assert rows["ab-old"]["deleted"]
    assert rows["ab-stuck"]["error"] == "it is protected"
    assert LeftoverBackend.gone == {"ab-old"}


@pytest.mark.usefixtures("leftover")
def test_what_a_run_that_has_not_ended_uses_stays(capsys, monkeypatch):
    from types import SimpleNamespace

    from automl_bridge.session import Session

    run = SimpleNamespace(name="ab-000000000000", state="running")
    monkeypatch.setattr(Session, "list", lambda _: [run])
    monkeypatch.setattr(Session, "look_at_caps", lambda _: [])
    assert invoke(["resources", "--delete", "--yes"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "run 00000000, running" in said
    assert "4 of them are used by runs that have not ended: they stay" in said
    assert LeftoverBackend.gone == set()


def test_commands_that_see_runs_look_at_caps_that_nobody_watches(capsys, monkeypatch):
    from automl_bridge.errors import CredentialsError
    from automl_bridge.session import Session

    monkeypatch.setattr(Session, "look_at_caps", lambda _: [("2f9c31d0a1b2", CredentialsError("expired"))])
    assert invoke(["runs", "list"]) == 0
    assert "cap of run 2f9c31d0 could not be looked after: expired" in capsys.readouterr().err
