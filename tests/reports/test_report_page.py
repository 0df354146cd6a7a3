"""The report: one file, complete, small, and nothing that stands in the data is markup in it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from report_kit import MARKUP, USUAL, comparison_of, loans

from automl_bridge.errors import MissingExtraError, StorageError
from automl_bridge.reports.page import MOST_BYTES, render_report


class Page(HTMLParser):
    """What is in a page: tags, ids, references, text by tag."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.ids, self.refs, self.plots, self.handlers, self.text, self._in = [], [], [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            elif name == "data-plot":
                self.plots.append(value)
            elif name.startswith("on"):
                self.handlers.append(name)
            if name in {"src", "srcset"} or (tag in {"link", "script"} and name == "href"):
                self.refs.append(value)

    def handle_data(self, data):
        self.text.append(data)

    @property
    def said(self):
        return re.sub(r"\s+", " ", " ".join(self.text))


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    return comparison_of(tmp_path_factory.mktemp("usual"), loans(), "status", USUAL)


@pytest.fixture(scope="module")
def text(usual):
    return render_report(usual)


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


def test_the_verdict_comes_first(usual, page):
    first = page.said.index(usual.verdict.headline)
    assert (
        first < page.said.index("Standings") < page.said.index("What quality costs") < page.said.index("How to repeat")
    )
    assert page.tags.count("h1") == 1


def test_every_part_is_there(page):
    wanted = {"pareto-cost", "pareto-time", "bill", "estimate", "calibration", "confusion-0", "confusion-1"}
    assert wanted <= set(page.plots)
    for said in (
        "SANDBOX",
        "Holm",
        "automl-bridge compare credit.csv --target status",
        "2026-09-24",
        "SHA-256",
        "quota",
    ):
        assert said in page.said


def test_it_needs_nothing_else(page):
    assert "script" not in page.tags
    assert page.handlers == []
    assert [ref for ref in page.refs if not ref.startswith("data:")] == []


def test_no_id_is_there_twice_and_every_reference_has_its_target(text, page):
    assert len(page.ids) == len(set(page.ids))
    wanted = set(re.findall(r'(?:href="#|url\(#)([^")]+)', text))
    assert wanted <= set(page.ids)


def test_every_drawing_uses_the_colours_of_the_page(text):
    for svg in re.findall(r"<svg viewBox.*?</svg>", text, flags=re.DOTALL):
        assert not re.findall(r"#[0-9a-f]{6}\b", svg)


def test_a_failed_backend_is_a_row_with_its_reason_and_is_in_no_plot_of_scores(text):
    assert "failed: quota: none left" in text
    drawn = re.search(r'<svg[^>]*data-plot="pareto-cost".*?</svg>', text, re.DOTALL)[0]
    assert "vertex" in drawn
    assert "azure" not in drawn


@pytest.mark.parametrize(
    "bad",
    [MARKUP, "</title></svg><script>", "$x$ \\frac{1}{2} {{ 7*7 }}", "日本語のラベル " + "a" * 300],
)
def test_what_stands_in_the_data_is_text(tmp_path, bad):
    table = loans(classes=(bad, f"other {bad}"), target=f"target {bad}", column=f"column {bad}")
    made = comparison_of(
        tmp_path, table, f"target {bad}", dict(list(USUAL.items())[:2]), name=f"{bad}.csv", notes=(bad,)
    )
    page = Page(render_report(made))
    assert "script" not in page.tags
    assert "img" not in page.tags
    assert page.handlers == []
    assert page.tags.count("title") == 1 + len(page.plots)
    whole = " ".join(bad.split())
    assert whole in page.said


def test_settings_are_text_too(tmp_path):
    made = comparison_of(
        tmp_path, loans(), "status", dict(list(USUAL.items())[:2]), settings={"autokeras": {"tuner": MARKUP}}
    )
    assert Page(render_report(made)).tags.count("script") == 0


@pytest.mark.slow
def test_a_large_comparison_stays_small(tmp_path):
    classes = tuple(f"class {number:03d} with a long name" for number in range(120))
    backends = {f"backend{number}": (0.5 + number / 40, 0.1 * (number + 1), False) for number in range(12)}
    made = comparison_of(
        tmp_path, loans(4000, classes), "status", {"baseline": (0.4, 0.0, False), **backends}, trials=500, seeds=2
    )
    text = render_report(made)
    assert len(text.encode()) < MOST_BYTES
    assert "others" in text


def test_a_regression_has_residuals(tmp_path):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"x": rng.normal(size=500), "price": rng.normal(size=500) * 3})
    made = comparison_of(tmp_path, table, "price", USUAL, task="tabular-regression")
    page = Page(render_report(made))
    assert {"residual-0-0", "residual-3-0"} <= set(page.plots)
    assert "calibration" not in page.plots
    assert "rmse" in page.said


def test_a_bill_that_is_unknown_is_said_and_not_drawn(tmp_path):
    backends = {"baseline": (0.5, 0.0001, False), "azure": (0.6, None, False)}
    made = comparison_of(tmp_path, loans(), "status", backends)
    page = Page(render_report(made))
    assert "Not drawn, as it is unknown: azure." in page.said
    assert "unknown" in page.said


def test_seeds_are_said(tmp_path):
    made = comparison_of(tmp_path, loans(), "status", dict(list(USUAL.items())[:3]), seeds=3)
    said = Page(render_report(made)).said
    assert "mean over 3 seeds" in said
    assert "autokeras, seed 2" in said


def test_the_same_comparison_is_the_same_page(usual, text):
    first, second = (re.sub(r"on 20[\d-]+ [\d:]+ UTC", "", one) for one in (text, render_report(usual)))
    assert first == second


def test_it_is_written_whole_or_not_at_all(usual, text, tmp_path, monkeypatch):
    monkeypatch.setattr("automl_bridge.reports.page.render_report", lambda _: text)
    path = usual.report(tmp_path / "report.html")
    assert path.read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert path.stat().st_mode & 0o777 == 0o644
    with pytest.raises(StorageError, match="cannot write"):
        usual.report(tmp_path / "nowhere" / "report.html")
    assert [one.name for one in tmp_path.iterdir()] == ["report.html"]


def test_without_matplotlib_the_pip_line_is_named(usual, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match="pip install matplotlib"):
        render_report(usual)


def test_a_notebook_shows_verdict_and_standings_as_text(tmp_path):
    made = comparison_of(tmp_path, loans(), "status", {**dict(list(USUAL.items())[:2]), "azure": (None, 0.2, False)})
    page = Page(made._repr_html_())
    assert made.verdict.headline in page.said
    assert "script" not in page.tags


@pytest.mark.parametrize(
    "backends", [{"baseline": (0.5, 0.1, False)}, {"baseline": (None, 0.1, False), "azure": (None, None, False)}]
)
def test_a_comparison_without_a_comparison_has_a_report_all_the_same(tmp_path, backends):
    made = comparison_of(tmp_path, loans(60), "status", backends)
    page = Page(render_report(made))
    assert made.verdict.headline in page.said
    assert "Which differences are real" not in page.said
