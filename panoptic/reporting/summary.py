"""SUMMARY.txt: the verdicts of a run as plain text, 80 columns wide."""

import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass

from panoptic.statement import NotRun, Statement

WIDTH = 80
_LABEL = re.compile(r".*\S {2,}(?=\S)")  # of a line in columns


@dataclass(frozen=True, slots=True)
class Section:
    """One question: what its numbers mean in words, then lines of its own.

    lines : kept as they are where they fit; a longer one is wrapped below its own
        indentation.
    """

    title: str
    statements: tuple[Statement | NotRun, ...] = ()
    lines: tuple[str, ...] = ()


def compose_summary(header_lines: Iterable[str], sections: Iterable[Section]) -> str:
    """Return the summary: what was read, then each section, verdicts first.

    No line is wider than 80 columns, unless one word (a URL) is.
    """
    parts = [_wrapped(line) for line in header_lines]
    for section in sections:
        parts += ["", section.title.upper()] if section.title else [""]
        parts += [_state(statement) for statement in section.statements]
        parts += [_wrapped(line) for line in section.lines]
    return "\n".join(parts) + "\n"


def sentences_of(section: Section) -> list[tuple[str, str]]:
    """Return what a section says, each sentence with its evidence, without layout."""
    said = [
        (f"Not run: {statement.reason}", "")
        if isinstance(statement, NotRun)
        else (statement.text, statement.evidence)
        for statement in section.statements
    ]
    return said + [(" ".join(line.split()), "") for line in section.lines]


def columns_of(line: str) -> tuple[str, str] | None:
    """Return the label of a line in columns and what it labels, None of others."""
    label = _LABEL.match(line)
    return (label.group().strip(), line[label.end() :]) if label else None


def _state(statement: Statement | NotRun) -> str:
    if isinstance(statement, NotRun):
        return _filled(f"Not run: {statement.reason}", first="* ", then="  ")
    but = f"But: {statement.caveat}" if statement.caveat else ""
    if not statement.evidence:
        return _filled(f"{statement.text} {but}".rstrip(), first="* ", then="  ")
    parts = [_filled(statement.text, first="* ", then="  ")]
    parts += [
        _filled(part, first="  ", then="  ")
        for part in (statement.evidence, but)
        if part
    ]
    return "\n".join(parts)


def _wrapped(line: str) -> str:
    if len(line) <= WIDTH:
        return line.rstrip()
    margin = line[: len(line) - len(line.lstrip())]
    label = _LABEL.match(line)
    then = " " * label.end() if label else f"{margin}  "
    return _filled(line.strip(), first=margin, then=then)


def _filled(text: str, *, first: str, then: str) -> str:
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=then,
        break_long_words=False,  # a URL cut in two is no URL
        break_on_hyphens=False,  # nor is a name, or a negative number
    )
