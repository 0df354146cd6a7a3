"""PriceBook: rows that are priced, dated and sourced, or none; misses that say what is missing."""

from __future__ import annotations

from datetime import date

import pytest

from automl_bridge.config import load_config
from automl_bridge.costs.prices import Price, PriceBook, parse_prices, price_faults
from automl_bridge.errors import ConfigError, PriceUnknownError, UnknownNameError
from automl_bridge.registry import names, price_book, price_file

HEAD = "provider,service,sku,region,unit,usd,source_url,source_date,confidence,note\n"
GOOD = "acme,Train,big,eu,instance-hour,2,https://a.example/p,2026-01-01,high,\n"


def price(**changes: object) -> Price:
    common = {"provider": "acme", "service": "Train", "sku": "big", "region": "eu", "unit": "instance-hour"}
    return Price.model_validate(
        {**common, "usd": 2.0, "source_url": "u", "source_date": date(2026, 1, 1), "confidence": "high", **changes}
    )


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        (",2,", ",0,", "usd"),
        (",2,", ",-1,", "usd"),
        (",2,", ",inf,", "usd"),
        (",2,", ",,", "usd"),
        ("instance-hour", "fortnight", "fortnight"),
        ("2026-01-01", "once", "source_date"),
        ("2026-01-01", "", "source_date"),
        ("https://a.example/p", "", "source_url"),
        (",big,", ",,", "sku"),
    ],
)
def test_a_row_that_is_not_priced_dated_and_sourced_is_refused_with_its_line(old, new, word):
    with pytest.raises(ConfigError, match=r"own\.csv, line 3") as caught:
        parse_prices(HEAD + GOOD + GOOD.replace(old, new, 1), "own.csv")
    assert word in str(caught.value)


def test_two_prices_of_one_day_are_refused_and_two_of_different_days_are_a_history():
    assert price_faults(HEAD + GOOD + GOOD.replace(",2,", ",3,")) == [(3, "big in eu has two prices of 2026-01-01")]
    later = GOOD.replace(",2,", ",3,").replace("2026-01-01", "2026-06-01")
    book = PriceBook(parse_prices(HEAD + later + GOOD, "own.csv"))
    days = {date(2025, 1, 1): 2, date(2026, 5, 31): 2, date(2026, 6, 1): 3, None: 3}
    assert {day: book.price("big", "eu", "instance-hour", on=day).usd for day in days} == days


def test_a_miss_names_sku_region_and_unit_and_where_it_is_known():
    book = PriceBook([price()])
    with pytest.raises(PriceUnknownError, match=r'"big" per instance-hour in us\b') as caught:
        book.price("big", "us", "instance-hour")
    assert "known in eu" in (caught.value.hint or "")
    assert isinstance(caught.value, UnknownNameError)
    with pytest.raises(PriceUnknownError, match="GB-month"):
        book.price("big", "eu", "GB-month")
    with pytest.raises(PriceUnknownError, match="of Host"):
        book.price("big", "eu", "instance-hour", service="Host")


def test_a_sku_of_two_services_needs_its_service():
    book = PriceBook([price(), price(service="Host", usd=3.0)])
    assert book.price("big", "eu", "instance-hour", service="Host").usd == 3
    with pytest.raises(PriceUnknownError, match="Host, Train"):
        book.price("big", "eu", "instance-hour")


def test_a_negotiated_price_wins_whatever_its_date(tmp_path, monkeypatch):
    book = PriceBook([price()], [price(usd=1.5, source_date=date(2020, 1, 1)), price(sku="new")])
    assert book.price("big", "eu", "instance-hour").usd == 1.5
    assert book.price("new", "eu", "instance-hour").usd == 2
    assert len(book) == 2
    own = tmp_path / "own.csv"
    own.write_text(HEAD + GOOD)
    monkeypatch.setenv("AUTOML_BRIDGE_PRICES", str(own))
    assert price_book("baseline", load_config()).price("big", "eu", "instance-hour").usd == 2
    monkeypatch.setenv("AUTOML_BRIDGE_PRICES", str(tmp_path / "none.csv"))
    with pytest.raises(ConfigError, match=r"none\.csv"):
        price_book("baseline", load_config())


def test_every_file_of_every_backend_can_be_read():
    read = 0
    for name in names():
        file = price_file(name)
        if file is not None:
            assert price_faults(file.read_text(encoding="utf-8")) == []
            read += 1
        assert len(price_book(name, load_config())) > 0
    assert read > 0


def test_a_name_that_no_backend_has_still_prices_this_machine():
    assert price_book("nobody", load_config()).price("local-machine", "local", "machine-hour").usd > 0
