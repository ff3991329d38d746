"""The report of a finished run, in a browser: what a colleague gets to see."""

import re

import pytest

from panoptic import synopsis
from panoptic.findings import load_results
from tests.browser import Browser


@pytest.fixture(scope="module")
def shown(browser, results) -> Browser:
    browser.open(results / "report.html", width=1440)
    return browser


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [375, 1440])
def test_no_complaint_no_request_and_nothing_past_the_edge(
    browser, results, width, dark
):
    browser.open(results / "report.html", width=width, dark=dark)
    assert browser.run("document.documentElement.scrollWidth") <= width
    assert browser.complaints == []
    asked = {address.partition(":")[0] for address in browser.requests}
    assert asked <= {"file", "data", "about"}
    files = {address for address in browser.requests if address.startswith("file:")}
    assert files == {(results / "report.html").as_uri()}


def test_the_page_is_one_file(results):
    page = (results / "report.html").read_text()
    assert not re.search(r'(?:src|href)="(?!#|data:)', page)
    assert "http-equiv" in page
    assert "default-src 'none'" in page


def test_every_verdict_leads_with_its_caveat(shown, results):
    run = load_results(results)
    top = shown.run("document.querySelector('#verdicts').innerText")
    for question, title in synopsis.TITLES.items():
        assert title in top
        for said in synopsis.in_short(run, question):
            assert said.text in top
            assert said.caveat in top


def test_headings_descend_one_step_at_a_time(shown):
    levels = shown.run(
        "[...document.querySelectorAll('h1, h2, h3, h4')].map(h => +h.tagName[1])"
    )
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(
        now - before <= 1 for before, now in zip(levels, levels[1:], strict=False)
    )


def test_every_figure_is_an_image_with_words_for_it(shown, results):
    words = shown.run(
        """[...document.querySelectorAll('figure svg')].map(e => [
             e.getAttribute('role'),
             document.getElementById(e.getAttribute('aria-labelledby'))?.textContent])"""
    )
    assert len(words) == len(list(results.glob("fig*.svg"))) == 16
    for role, text in words:
        assert role == "img"
        assert "Seed 6894." in text


def test_a_point_tells_its_name_and_values(shown, results):
    run = load_results(results)
    told = shown.run(
        "[...document.querySelectorAll('.object > title')].map(e => e.textContent)"
    )
    names = {text.partition(":")[0] for text in told}
    drawn = run.sample.frame["pl_bmassj"].notna()
    assert set(run.sample.frame.loc[drawn, "pl_name"]) <= names
    assert any(
        re.match(r"GJ 1214 b: M 0\.0265 MJup, a 0\.015\d* AU, e ", t) for t in told
    )
    assert (
        f"{run.target.label}, the studied object: M 0.168 MJup, a 0.026 AU"
        in " ".join(told)
    )
    assert any("M < 0.0236 MJup" in text for text in told)
    assert any("(Msini)" in text for text in told)
    assert not any("nan" in text for text in told)


def test_tables_sort_with_the_keyboard_alone(shown):
    assert shown.run(
        """(() => {
          const table = [...document.querySelectorAll('table')]
            .find(t => t.caption.textContent.startsWith('Objects'));
          const button = table.tHead.rows[0].cells[7].querySelector('button');
          button.focus();
          return document.activeElement === button
            && getComputedStyle(button, ':focus-visible') !== null;
        })()"""
    )
    for key in ("keyDown", "keyUp"):
        enter = {"type": key, "key": "Enter", "code": "Enter", "text": "\r"}
        shown.ask("Input.dispatchKeyEvent", windowsVirtualKeyCode=13, **enter)
    values = shown.run(
        """[...[...document.querySelectorAll('table')]
             .find(t => t.caption.textContent.startsWith('Objects')).tBodies[0].rows]
             .map(r => r.cells[7].dataset.value).filter(v => v !== '').map(Number)"""
    )
    assert len(values) > 100
    assert values == sorted(values)


def test_the_first_stop_of_the_keyboard_skips_to_the_verdicts(browser, results):
    browser.open(results / "report.html", width=1440)
    for kind in ("keyDown", "keyUp"):
        browser.ask(
            "Input.dispatchKeyEvent",
            type=kind,
            key="Tab",
            code="Tab",
            windowsVirtualKeyCode=9,
        )
    assert browser.run("document.activeElement.getAttribute('href')") == "#verdicts"
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert browser.run(outline) == "solid"


def test_it_prints_every_figure_and_no_control(shown):
    pages = shown.print_pages()
    assert pages.startswith(b"%PDF")
    shown.ask("Emulation.setEmulatedMedia", media="print")
    try:
        hidden = shown.run("getComputedStyle(document.querySelector('nav')).display")
        assert hidden == "none"
        assert shown.run("document.documentElement.scrollWidth") <= 1440
    finally:
        shown.ask("Emulation.setEmulatedMedia", media="")
