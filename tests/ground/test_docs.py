"""Pages written from code say what the code says now."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


def generated():
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.PAGES


@pytest.mark.parametrize(("name", "page"), generated().items(), ids=generated())
def test_a_page_is_up_to_date(name, page):
    assert (DOCS / name).read_text(encoding="utf-8") == page(), "run `make docs` and commit the pages"
