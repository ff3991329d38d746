"""A comparison of two runs as plain text, 80 columns wide, what matters first."""

from collections.abc import Iterator, Sequence

from panoptic.reporting.summary import Section, compose_summary
from panoptic.runs.comparison import Comparison, Move
from panoptic.runs.values import Value, differs

_MANY = 12  # objects: a column that moved in more is told by column, not by object
_SHOWN = 3  # objects then named, those that moved most
# What is said of an object that came or went.
_FACTS = {
    "pl_bmassj": "{} MJup",
    "pl_orbsmax": "{} AU",
    "pl_orbeccen": "e {}",
    "discoverymethod": "{}",
    "source": "{}",
}
_NOT_FOR_READING = ("sha256",)  # of the inputs: it moves with every byte


def compose_comparison(comparison: Comparison) -> str:
    """Return verdicts, headline numbers, objects, answers in other words, settings."""
    header = [
        "What changed between two runs",
        f"  before: {comparison.before}",
        f"  after:  {comparison.after}",
    ]
    sections = (
        ("Verdicts", _verdict_lines(comparison.verdicts)),
        ("Headline numbers", _headline_lines(comparison.headlines)),
        ("Objects", _object_lines(comparison)),
        ("Answers in other words", _word_lines(comparison.words)),
        ("How they were run", _setting_lines(comparison.how_run)),
    )
    return compose_summary(
        header,
        [
            Section(title, lines=tuple(lines) or ("No difference.",))
            for title, lines in sections
        ],
    )


def _verdict_lines(verdicts: Sequence[Move]) -> Iterator[str]:
    for move in verdicts:
        as_before = "" if differs(move.before, move.after) else ", as before"
        yield f"{move.subject} {move.name}: {_change(move)}{as_before}"


def _headline_lines(headlines: Sequence[Move]) -> Iterator[str]:
    width = max((len(move.name) for move in headlines), default=0)
    for move in headlines:
        yield f"{move.name:<{width}}  was  {_said(move.before)}"
        yield f"{'':<{width}}  now  {_said(move.after)}"


def _object_lines(comparison: Comparison) -> Iterator[str]:
    for word in ("added", "removed"):
        names = getattr(comparison, word)
        if names:
            told = [_described(name, comparison.facts[name]) for name in names]
            yield f"{len(names)} {word}: {'; '.join(told)}"
    by_column: dict[str, list[Move]] = {}
    for move in comparison.values:
        by_column.setdefault(move.name, []).append(move)
    by_object: dict[str, list[str]] = {}
    for moves in by_column.values():
        for move in moves if len(moves) <= _MANY else ():
            changes = by_object.setdefault(move.subject, [])
            changes.append(f"{move.name} {_change(move)}")
    for name, changes in by_object.items():
        yield f"{name}: {'; '.join(changes)}"
    widely = [column for column, moves in by_column.items() if len(moves) > _MANY]
    for column in widely[:1]:
        yield _column_line(column, by_column[column])
    if widely[1:]:
        yield (
            f"Moved in more than {_MANY} objects too: {', '.join(widely[1:])} "
            "(--outdir keeps all in objects_changed.csv)"
        )


def _described(name: str, values: dict[str, Value]) -> str:
    facts = [
        template.format(_short(values[column]))
        for column, template in _FACTS.items()
        if values.get(column) is not None
    ]
    return f"{name} ({', '.join(facts)})" if facts else name


def _column_line(column: str, moves: Sequence[Move]) -> str:
    largest = sorted(moves, key=lambda move: -abs(move.difference or 0.0))[:_SHOWN]
    shown = "; ".join(f"{move.subject} {_change(move)}" for move in largest)
    return f"{column} moved in {len(moves)}, most in {shown}"


def _word_lines(words: Sequence[Move]) -> Iterator[str]:
    section = None
    reworded = [move for move in words if not move.name]
    for move in reworded:
        if move.subject != section:
            section = move.subject
            yield section
        yield f"  was  {_bare(move.before)}"
        yield f"  now  {_bare(move.after)}"
    n_stayed = len(words) - len(reworded)
    if n_stayed:
        yield (
            f"In the same words, with other numbers behind them: {n_stayed} answers "
            "(--outdir keeps all in words_changed.csv)"
        )


def _setting_lines(moves: Sequence[Move]) -> Iterator[str]:
    for move in moves:
        if move.name not in _NOT_FOR_READING:
            yield f"{move.subject} {move.name}: {_change(move)}"


def _bare(sentence: Value) -> str:
    """Return a sentence without the evidence in brackets behind it."""
    return _said(sentence).partition(" [")[0]


def _said(said: Value) -> str:
    return str(said) if said else "not said"


def _change(move: Move) -> str:
    if not differs(move.before, move.after):
        return _short(move.after)
    return f"{_short(move.before)} -> {_short(move.after)}"


def _short(value: Value) -> str:
    if value is None or value == "":
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.4g}" if isinstance(value, float) else value
