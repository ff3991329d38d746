"""report.html stands alone, says everything in plain HTML, and works in a browser."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from panoptic.reporting import formats
from panoptic.reporting.html_report import (
    Chapter,
    Headline,
    Listing,
    Picture,
    Report,
    compose_report,
    number_text,
)
from panoptic.reporting.inline_svg import inline_svg
from panoptic.statement import NotRun, Statement

OBJECTS = ["TOI-1 b", "<b>Odd</b> & Co", "TRAPPIST-1 b"]


def svg(width_inch: float) -> bytes:
    figure = Figure(figsize=(width_inch, 3))
    axes = figure.subplots()
    for x, name in enumerate(OBJECTS):
        (mark,) = axes.plot([x], [x], "o", clip_on=True)
        mark.set_gid(f"object:{name}")
    return formats.encode_figure(figure, "svg")


def objects() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "pl_name": [*OBJECTS, "none"],
            "q": [2e-5, -0.3, np.nan, np.inf],
            "flag": pd.array([1, None, 10, 2], dtype="Int64"),
            "in_main_sample": [True, False, True, False],
            "remark": ["", "a long remark " * 12, "", "b"],
        }
    )


@pytest.fixture(scope="module")
def report() -> Report:
    return Report(
        title="Planets or binaries?",
        subtitle="panoptic on PSCompPars of 2026-06-02",
        remarks=("A quick run.",),
        headlines=(Headline("Delta BIC", "100.8", "60 rows on 34 hosts"),),
        chapters=(
            Chapter(
                "Mass mixture",
                (Statement("Two groups.", "BIC 320.5, 219.7", "One method only."),),
                "driven by detection method",
                "Gaussian mixtures, chosen by BIC.",
                (
                    Picture("fig1_massmass", svg(7.0), "Masses of 3 rows."),
                    Picture("fig2_ae", svg(3.35), "Orbits of 3 rows."),
                ),
                (Listing("Objects", objects(), {"q": "mass ratio"}, "objects.csv"),),
                (Statement("Two groups.", "BIC 320.5, 219.7", "One method only."),),
            ),
            Chapter("Power", (NotRun("3 h"),), leads=(NotRun("3 hosts, 8 needed"),)),
            Chapter("Appendix", (Statement("No verdict here."),)),
        ),
        provenance=(("Seed", "6894"), ("sha256", "0123456789abcdef" * 12)),
        citations=("Johnson, R.S. 2025",),
        object_notes={"TOI-1 b": "TOI-1 b, q = 2e-5, P(binary-like) < 0.1"},
    )


@pytest.fixture(scope="module")
def page(report) -> str:
    return compose_report(report)


class Outline(HTMLParser):
    """What a reader without styles meets: headings, text, ids, addresses."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.headings: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self._open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            if name in ("href", "src", "xlink:href", "srcset", "action", "data"):
                self.addresses.append(value)
        if re.fullmatch("h[1-3]", tag):
            self.headings.append("")

    def handle_endtag(self, tag):
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data):
        if not {"script", "style"} & set(self._open):
            self.text += data
        if {"h1", "h2", "h3"} & set(self._open):
            self.headings[-1] += data


def test_the_same_results_give_the_same_page(report, page):
    assert compose_report(report) == page


def test_the_verdicts_come_first_with_their_numbers(page):
    outline = Outline(page)
    text = " ".join(outline.text.split())
    in_order = (
        "A quick run.",
        "100.8",
        "Mass mixture driven by detection method Two groups. BIC 320.5, 219.7",
        "But: One method only.",
        "Power not run 3 hosts, 8 needed",
        "Method. Gaussian mixtures",
        "Johnson, R.S. 2025",
    )
    places = [text.index(words) for words in in_order]
    assert places == sorted(places)
    headings = [" ".join(heading.split()) for heading in outline.headings]
    assert headings[:3] == [
        "Planets or binaries?",
        "Verdicts",
        "Mass mixture driven by detection method",
    ]
    assert headings[3:] == [
        "Power not run",
        "Mass mixture",
        "Power",
        "Appendix",
        "Provenance",
        "Citations",
    ]


def test_what_leads_stands_at_the_top_and_the_rest_below_the_figures(report):
    said = tuple(Statement(text) for text in ("First.", "Second.", "Third."))
    chapter = replace(report.chapters[0], statements=said, leads=said[1:2])
    page = compose_report(replace(report, chapters=(chapter,)))
    text = Outline(page).text
    places = [text.index(words) for words in ("Second.", "First.", "Masses of 3 rows.")]
    places += [text.index("In detail"), text.rindex("Second."), text.index("Third.")]
    assert places == sorted(places)


def test_the_page_points_only_into_itself(page):
    outline = Outline(page)
    assert len(outline.ids) == len(set(outline.ids))
    for address in outline.addresses:
        assert address.startswith(("#", "data:"))
        assert not address.startswith("#") or address[1:] in outline.ids
    for reference in re.findall(r"url\(#([^)]+)\)", page):
        assert reference in outline.ids
    for reference in re.findall(r'aria-labelledby="([^"]+)"', page):
        assert reference in outline.ids


def test_names_from_a_catalogue_are_text_not_markup(page):
    assert "<b>Odd</b>" not in page
    assert "&lt;b&gt;Odd&lt;/b&gt; &amp; Co" in page


def test_a_point_tells_its_note_or_its_name():
    drawn = inline_svg(svg(3), prefix="f", notes={"TOI-1 b": "q = 1"})
    titles = re.findall(r'<g class="object">\s*<title>([^<]*)</title>', drawn)
    assert titles == ["q = 1", "&lt;b&gt;Odd&lt;/b&gt; &amp; Co", "TRAPPIST-1 b"]


def test_a_figure_brings_no_style_for_the_whole_page():
    drawn = inline_svg(svg(3), prefix="f", notes={})
    assert "<style" not in drawn
    assert "<metadata" not in drawn
    assert drawn.startswith("<svg ")


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.12345, "0.1235"), (-2.4e-5, "−2.4e−5"), (1e20, "1e20"), (60.0, "60")],
)
def test_numbers_are_short(number, text):
    assert number_text(number) == text


def test_an_empty_table_and_no_figures_are_no_reason_to_fail(report):
    empty = Listing("Nothing", objects().iloc[:0])
    bare = Report("t", "", (), (), (Chapter("Q", listings=(empty,)),), (), ())
    assert "Nothing" in compose_report(bare)


@pytest.fixture(scope="module")
def file(page, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(page, encoding="utf-8")
    return path


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [375, 1440])
def test_it_fits_the_window_in_both_themes(browser, file, width, dark):
    browser.open(file, width=width, dark=dark)
    assert browser.run("document.documentElement.scrollWidth") <= width
    past_the_edge = browser.run(
        """[...document.querySelectorAll('main *')].filter(e =>
             !e.closest('.listing') && e.getBoundingClientRect().right > innerWidth + 1
           ).map(e => e.outerHTML.slice(0, 80))"""
    )
    assert past_the_edge == []
    shown = browser.run("[...document.querySelectorAll('svg')].map(e => e.clientWidth)")
    assert len(shown) == 2
    assert min(shown) > 250
    paper = browser.run("getComputedStyle(document.body).backgroundColor")
    channels = [int(c) for c in re.findall(r"\d+", paper)]
    assert (max(channels) < 60) if dark else (min(channels) > 240)
    assert browser.complaints == []


def test_text_stands_out_in_both_themes(browser, file):
    for dark in (False, True):
        browser.open(file, width=1440, dark=dark)
        ratios = browser.run(_CONTRASTS)
        assert min(ratios.values()) >= 4.5, ratios  # WCAG 2.1, level AA


_CONTRASTS = """(() => {
  const light = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).map(Number)
    .map(c => c / 255).map(c => c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
  const ground = (e) => {
    const colour = getComputedStyle(e).backgroundColor;
    const clear = colour === 'rgba(0, 0, 0, 0)';
    return clear && e.parentElement ? ground(e.parentElement) : colour;
  };
  const ratios = {};
  const texts = 'p, a, td, th, dt, dd, .badge, figcaption';
  for (const e of document.querySelectorAll(texts)) {
    const [a, b] = [light(getComputedStyle(e).color), light(ground(e))];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    const kind = e.tagName + '.' + e.className;
    ratios[kind] = Math.min(ratio, ratios[kind] ?? 99);
  }
  return ratios;
})()"""


def test_tables_sort_by_number_and_keep_the_unknown_last(browser, file):
    browser.open(file, width=1440)

    def after_click(column: int, *, read: int = 0) -> list[str]:
        click = f"document.querySelectorAll('th button')[{column}].click()"
        cells = f"[...document.querySelectorAll('tbody tr')].map(r => r.cells[{read}]"
        return browser.run(f"{click}; {cells}.textContent)")

    assert after_click(1) == ["<b>Odd</b> & Co", "TOI-1 b", "none", "TRAPPIST-1 b"]
    assert after_click(1) == ["none", "TOI-1 b", "<b>Odd</b> & Co", "TRAPPIST-1 b"]
    assert after_click(2, read=2) == ["1", "2", "10", "–"]
    sorted_by = "document.querySelectorAll('th')[2].getAttribute('aria-sort')"
    assert browser.run(sorted_by) == "ascending"
    assert after_click(0)[0] == "<b>Odd</b> & Co"


def test_it_is_readable_without_scripts(browser, file):
    browser.ask("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(file, width=1440)
        assert browser.run("document.querySelectorAll('th button').length") == 0
        assert "TRAPPIST-1 b" in browser.run("document.body.innerText")
    finally:
        browser.ask("Emulation.setScriptExecutionDisabled", value=False)


def test_it_prints(browser, file):
    browser.open(file, width=1440, dark=True)
    assert browser.print_pages().startswith(b"%PDF")


def test_nothing_was_asked_for_but_the_file(browser, file):
    browser.open(file, width=1440)
    assert file.as_uri() in browser.requests
    asked = set(browser.requests) - {file.as_uri(), "about:blank"}
    assert all(address.startswith("data:") for address in asked)
