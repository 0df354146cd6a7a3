"""The report in a browser: nothing is fetched, nothing complains, every plot is drawn, axe finds nothing serious."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from report_kit import MARKUP, USUAL, comparison_of, loans

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
WIDTHS = {"phone": 390, "desktop": 1280}
SERIOUS = {"serious", "critical"}


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        if os.environ.get("CI") == "true":
            pytest.fail("there is no chromium: apt-get install chromium")
        pytest.skip("there is no chromium here: apt-get install chromium")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield made
        made.close()


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    rng = np.random.default_rng(0)
    houses = pd.DataFrame({"x": rng.normal(size=500), "price": 3 * rng.normal(size=500)})
    bad = loans(classes=(MARKUP, "other"), target="status", column=MARKUP)
    made = {
        "usual": comparison_of(folder / "a", loans(), "status", USUAL, settings={"autokeras": {"epochs": 50}}),
        "regression": comparison_of(folder / "b", houses, "price", USUAL, task="tabular-regression"),
        "markup": comparison_of(folder / "c", bad, "status", USUAL, name=f"{MARKUP}.csv", notes=(MARKUP,)),
    }
    return {name: one.report(folder / f"{name}.html") for name, one in made.items()}


class Seen:
    """A page, and what it said and asked for while it was opened."""

    def __init__(self, browser, path: Path, **how):
        self.context = browser.new_context(**how)
        self.page = self.context.new_page()
        self.said, self.asked = [], []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("dialog", lambda dialog: (self.said.append(f"dialog {dialog.message}"), dialog.dismiss()))
        self.page.goto(path.as_uri())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()


@pytest.mark.parametrize("name", ["usual", "regression", "markup"])
def test_it_opens_in_silence_and_every_plot_is_drawn(browser, reports, name):
    with Seen(browser, reports[name], viewport={"width": 1280, "height": 900}) as seen:
        assert seen.said == []
        assert [url for url in seen.asked if not url.startswith(("file:", "data:"))] == []
        plots = seen.page.locator("svg.plot")
        assert plots.count() >= 6
        for number in range(plots.count()):
            plot = plots.nth(number)
            box = plot.bounding_box()
            assert box["width"] > 250
            assert box["height"] > 100
            drawn = plot.evaluate(
                "one => [...one.querySelectorAll('path, use')].filter(x => x.getBBox().width > 0).length"
            )
            assert drawn > 5
            assert plot.locator("text").count() > 3
            assert plot.locator("title").first.text_content()


@pytest.mark.parametrize(
    ("device", "scheme"),
    [
        ("desktop", "light"),
        ("phone", "dark"),
        pytest.param("desktop", "dark", marks=pytest.mark.slow),
        pytest.param("phone", "light", marks=pytest.mark.slow),
    ],
)
def test_nothing_hangs_over_the_edge_and_axe_finds_nothing_serious(browser, reports, device, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    how = {"viewport": {"width": WIDTHS[device], "height": 800}, "color_scheme": scheme}
    for name in ("usual", "regression") if device == "desktop" else ("usual",):
        # The page forbids all scripts; axe is one, and comes from outside the page.
        with Seen(browser, reports[name], bypass_csp=True, **how) as seen:
            seen.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
            assert seen.page.evaluate("document.documentElement.scrollWidth") <= WIDTHS[device]
            found = axe.run(seen.page).response
            assert len(found["passes"]) > 15
            wrong = [one for one in found["violations"] if one["impact"] in SERIOUS]
            bad = {one["id"]: [node["html"] for node in one["nodes"]] for one in wrong}
            assert bad == {}


def test_text_of_plots_can_be_read_on_a_phone(browser, reports):
    with Seen(browser, reports["usual"], viewport={"width": WIDTHS["phone"], "height": 800}) as seen:
        heights = seen.page.locator("svg.plot text").evaluate_all(
            "all => all.map(one => one.getBoundingClientRect().height)"
        )
        assert min(heights) >= 8
        scale = "one.getBoundingClientRect().width / one.viewBox.baseVal.width"
        sizes = seen.page.evaluate(f"[...document.querySelectorAll('svg.plot')].map(one => 12 * {scale})")
        assert min(sizes) >= 8.5


def test_in_the_dark_it_is_dark_and_on_paper_it_is_white(browser, reports):
    colour = "getComputedStyle(document.body).backgroundColor"
    drawn = "getComputedStyle(document.querySelector('svg.plot text')).fill"
    with Seen(browser, reports["usual"], color_scheme="dark") as seen:
        assert seen.page.evaluate(colour) == "rgb(18, 20, 23)"
        dark = seen.page.evaluate(drawn)
        seen.page.emulate_media(media="print")
        assert seen.page.evaluate(colour) == "rgb(255, 255, 255)"
        assert seen.page.evaluate(drawn) != dark
        seen.page.set_viewport_size({"width": 680, "height": 1000})  # A4 within margins of 15 mm
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= 680
        assert len(seen.page.pdf()) > 20_000


def test_no_markup_of_the_data_runs(browser, reports):
    with Seen(browser, reports["markup"], bypass_csp=True) as seen:
        assert seen.said == []
        assert seen.page.locator("script, img, iframe").count() == 0
        assert MARKUP in seen.page.locator("body").inner_text()
