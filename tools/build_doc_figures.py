"""What the documents show of a finished default run: figures, SUMMARY, answers.

python tools/build_doc_figures.py RESULTS

Writes small renders to docs/figures/, the run's page to docs/SUMMARY.txt, and the table
between the two marks of README.md, so that no number there is typed by hand.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import visualization  # noqa: E402
from panoptic import synopsis  # noqa: E402
from panoptic.findings import Results, load_results  # noqa: E402
from panoptic.headlines import headline_numbers  # noqa: E402
from panoptic.reporting.summary import compose_summary  # noqa: E402
from panoptic.statement import NotRun  # noqa: E402

DPI = 110
FIRST, LAST = "<!-- answers: made by tools/build_doc_figures.py -->", "<!-- end -->"
# The headline numbers that stand beside each answer.
NUMBERS = {
    "mixture": ("Delta BIC", "with limits", "no e needed"),
    "eccentricity": ("e, as reported", "e, measured", "e, with limits"),
    "classifier": ("P_binary_like",),
    "migration": ("Migrated", "Criterion"),
}


def answers(results: Results) -> str:
    """Return the table of questions, what the page says of each, and its numbers."""
    head = ["| question | answer | numbers |", "|---|---|---|"]
    return "\n".join([*head, *_rows(results)])


def _rows(results: Results) -> Iterator[str]:
    numbers = {one.label.strip(): one for one in headline_numbers(results)}
    pages = {section.title: section.statements for section in synopsis.page(results)}
    for question, title in synopsis.TITLES.items():
        verdict = synopsis.verdict(results, question)
        said = [f"**{verdict.capitalize()}.**"] if verdict else []
        said += [
            one.reason if isinstance(one, NotRun) else one.text for one in pages[title]
        ]
        beside = [
            f"{label}: {numbers[label].value}; {numbers[label].detail}"
            for label in NUMBERS.get(question, ())
            if label in numbers
        ]
        yield f"| {title} | {' '.join(said)} | {'<br>'.join(beside)} |"


def with_answers(readme: str, table: str) -> str:
    """Return the README with another table between its marks."""
    before, _, rest = readme.partition(FIRST)
    _, _, after = rest.partition(LAST)
    return f"{before}{FIRST}\n{table}\n{LAST}{after}"


def main(folder: Path) -> int:
    results = load_results(folder)
    target = ROOT / "docs" / "figures"
    target.mkdir(exist_ok=True)
    for old in target.glob("*.png"):
        old.unlink()
    for name, drawn in visualization.draw(results).items():
        path = target / f"{name}.png"
        drawn.figure.savefig(path, dpi=DPI, metadata={"Software": None})
        print(path.relative_to(ROOT), f"{path.stat().st_size / 1024:.0f} KiB")
    page = compose_summary(synopsis.header(results), synopsis.page(results))
    (ROOT / "docs" / "SUMMARY.txt").write_text(page, encoding="utf-8")
    readme = ROOT / "README.md"
    text = with_answers(readme.read_text(encoding="utf-8"), answers(results))
    readme.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
