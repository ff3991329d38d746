"""The README keeps its word: its Python runs, its tables are those of the code."""

import re
from pathlib import Path

import pytest

from panoptic.failures import ExitCode
from panoptic.findings import load_results
from panoptic.headlines import headline_numbers
from tools.build_doc_figures import FIRST, LAST, NUMBERS, answers, with_answers

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_python_of_the_readme_runs_as_it_stands(results, tmp_path, monkeypatch):
    (tmp_path / "data").symlink_to(ROOT / "data")
    (tmp_path / "results").symlink_to(results)
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
    assert len(blocks) == 4
    assert len(names["sample"].main) == 60
    assert names["mixture"].chosen_k in (1, 2)
    assert "fig1_massmass" in names["figures"]


def test_every_exit_code_is_in_the_readme():
    for code in ExitCode:
        assert f"| {code:d} | {code.meaning} |" in README


ANSWERS = README.partition(FIRST)[2].partition(LAST)[0].strip()
PAGE = " ".join((ROOT / "docs" / "SUMMARY.txt").read_text(encoding="utf-8").split())


@pytest.fixture(scope="module")
def run(results):
    return load_results(results)


def test_the_answers_of_the_readme_are_those_of_the_summary_beside_it():
    assert ANSWERS.count("\n") == 6
    for row in ANSWERS.splitlines()[2:]:
        _, _, said, beside, _ = (cell.strip() for cell in row.split("|"))
        for number in filter(None, beside.split("<br>")):
            assert number.partition(": ")[2] in PAGE
        words = re.sub(r"^\*\*[^*]+\*\* ", "", said)
        for sentence in re.split(r"(?<=[a-z])\. (?=[A-Z])", words):
            assert sentence.rstrip(".") in PAGE


def test_the_numbers_of_the_readme_are_those_of_this_version(run):
    """As far as a quick run has them: what no bootstrap or grid has a hand in."""
    numbers = {one.label.strip(): one for one in headline_numbers(run)}
    for label in ("Delta BIC", "with limits", "no e needed", "P_binary_like"):
        assert f"{label}: {numbers[label].value.split(' ')[0]}" in ANSWERS
    for label in ("Delta BIC", "with limits", "no e needed", "e, as reported"):
        assert numbers[label].detail in ANSWERS
    for label in ("e, as reported", "e, measured"):
        assert f"{label}: {numbers[label].value.partition(' (')[0]}" in ANSWERS
    page_numbers = {label for labels in NUMBERS.values() for label in labels}
    assert page_numbers == set(numbers)


def test_the_table_is_made_and_put_between_its_marks(run):
    table = answers(run)
    assert table.count("\n") == 6
    assert "| One population or two? | **" in table
    made = with_answers(README, table)
    assert table in made
    assert with_answers(made, ANSWERS) == README


def test_every_figure_that_is_shown_is_there():
    for path in re.findall(r"!\[[^]]*\]\(([^)]+)\)", README):
        assert (ROOT / path).is_file()


def test_every_table_that_ships_is_told_of():
    told = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    for path in (ROOT / "data").glob("*.csv"):
        assert f"{path.name}" in told


def test_no_two_headings_of_the_methods_are_the_same():
    methods = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.*)$", methods, re.MULTILINE)
    assert len(headings) == len(set(headings))


def test_no_mark_of_the_making_is_left():
    assert "@@" not in README
