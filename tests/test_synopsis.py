"""The one page: no claim without its caveat, and nothing asked for that is missing."""

from dataclasses import replace
from pathlib import Path

import pytest

from panoptic import synopsis
from panoptic.findings import Results, load_results
from panoptic.headlines import headline_numbers
from panoptic.reporting.summary import compose_summary
from panoptic.statement import NotRun, Statement, Verdict
from panoptic_vlms_project import main
from tests.runs import SMALL, command

LINES_OF_A_PAGE = 90  # those of a quick look, which are named, included


@pytest.fixture(scope="module")
def run(results) -> Results:
    return load_results(results)


def page_of(results: Results) -> str:
    return compose_summary(synopsis.header(results), synopsis.page(results))


def asked(results: Results, question: str, **parts: object) -> Results:
    """Return the run with another answer to a question, or another part of it."""
    found = parts.get("whole") or replace(getattr(results.findings, question), **parts)
    return replace(results, findings=replace(results.findings, **{question: found}))


def test_it_is_one_page_of_80_columns(run):
    lines = page_of(run).splitlines()
    assert len(lines) <= LINES_OF_A_PAGE
    assert max(map(len, lines)) <= 80


def test_the_page_is_the_file_of_the_run(run, results):
    assert (results / "SUMMARY.txt").read_text() == page_of(run)


@pytest.mark.parametrize("question", synopsis.TITLES)
def test_a_claim_stands_with_the_rooms_own_words_and_caveat(run, question):
    title = synopsis.TITLES[question]
    shown = next(s for s in synopsis.page(run) if s.title == title).statements
    said = {one.text: one for one in synopsis.answer(run, question)}
    assert shown[0].text == next(iter(said)), "the verdict comes first"
    for one in shown:
        assert one.caveat == said[one.text].caveat


@pytest.mark.parametrize("question", synopsis.TITLES)
def test_the_verdict_has_evidence_and_what_would_change_it(run, question):
    title = synopsis.TITLES[question]
    first = next(s for s in synopsis.page(run) if s.title == title).statements[0]
    assert first.caveat
    assert first.evidence or question == "robustness"  # whose controls follow


def test_the_range_leads_the_migration_and_the_criterion_is_not_alone(run):
    found = run.findings.migration
    shown = synopsis.page(run)[1 + list(synopsis.TITLES).index("migration")]
    texts = [one.text for one in shown.statements]
    assert texts[0].startswith("Between ")
    assert texts[1].startswith("Followed for ")
    assert "threshold" in texts[2]
    assert len(texts) == 3
    least = min(v.migrated for v in found.secular_variants)
    named = [v.what for v in found.secular_variants if v.migrated == least]
    assert any(f"least with {what}" in shown.statements[0].evidence for what in named)


def test_the_controls_are_on_the_page(run):
    shown = synopsis.page(run)[1 + list(synopsis.TITLES).index("robustness")]
    said = [one.text for one in synopsis.answer(run, "robustness")]
    assert [one.text for one in shown.statements] == [said[0], *said[-2:]]


def test_the_sample_of_the_second_verdict_is_named_where_it_differs(run):
    mixture = run.findings.mixture
    title = synopsis.TITLES["mixture"]

    def shown(verdict: Verdict) -> tuple[Statement, ...]:
        other = replace(mixture.mass_orbit_evidence, verdict=verdict)
        changed = asked(run, "mixture", mass_orbit_evidence=other)
        return next(s for s in synopsis.page(changed) if s.title == title).statements

    same = mixture.main_evidence.verdict
    assert len(shown(same)) == 1
    other = next(v for v in Verdict if v is not same)
    first, second = shown(other)
    assert "all rows" in second.text
    assert "checks" in second.evidence


def test_what_was_not_run_is_named_with_its_reason(run):
    reason = "asked for the criterion alone"
    changed = asked(run, "migration", secular=NotRun(reason), secular_variants=())
    assert "NOT RUN" in page_of(changed)
    assert f"migration, secular: {reason}" in page_of(changed)
    assert f"Migrated        not run; {reason}" in page_of(changed)


@pytest.mark.parametrize("question", synopsis.TITLES)
def test_a_question_that_was_not_asked_says_so(run, question):
    text = page_of(asked(run, question, whole=NotRun("2 hosts, 8 needed")))
    assert "* Not run: 2 hosts, 8 needed" in text


def test_numbers_are_those_of_the_findings(run):
    labels = {number.label.strip(): number for number in headline_numbers(run)}
    assert list(labels) == [
        "Delta BIC",
        "with limits",
        "no e needed",
        "e, as reported",
        "e, measured",
        "e, with limits",
        "P_binary_like",
        "Migrated",
        "Criterion",
    ]
    mixture = run.findings.mixture.main
    assert labels["Delta BIC"].value.startswith(f"{mixture.delta_bic:.1f} (")
    assert labels["e, as reported"].detail == "53 low, 7 high q"
    coverage = 100.0 * run.findings.migration.criterion.coverage
    assert labels["Criterion"].value.startswith(f"{coverage:.2g} %")


def test_what_stands_in_and_what_was_reduced_come_first(run):
    entry = replace(run.record.inputs[0], stands_in_because="the service is down")
    record = replace(run.record, inputs=(entry, *run.record.inputs[1:]))
    lines = page_of(replace(run, record=record)).splitlines()
    assert lines[0].startswith("NOT WHAT WAS ASKED FOR: PSCompPars: the service is")
    assert lines[1].startswith("QUICK LOOK, reduced counts: 20 bootstraps")
    said = " ".join(lines[1:4])
    assert "1 per cell, 1 with each changed setting, 10 per close" in " ".join(
        said.split()
    )


def test_every_row_that_left_is_counted(run):
    text = " ".join(page_of(run).split())
    for cut in run.sample.cuts.itertuples():
        assert f"{cut.reason} {cut.n_rows}" in text


def test_rows_told_twice_are_counted(run):
    assert "told twice" not in page_of(run)
    twice = run.sample.duplicates.reindex([0, 1])
    changed = replace(run, sample=replace(run.sample, duplicates=twice))
    assert "Merged, told twice: 2 rows" in page_of(changed)


def test_a_run_of_the_criterion_alone(tmp_path: Path):
    options = [*SMALL, "--kl_model", "criterion"]
    assert main(command(tmp_path, *options)) == 0
    text = (tmp_path / "results" / "SUMMARY.txt").read_text()
    assert "NOT RUN\nmigration, secular: " in text
