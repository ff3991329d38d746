"""What changed between two finished runs: objects, values, verdicts, numbers."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from panoptic.reporting.artifacts import (
    ResultsFolder,
    read_manifest,
    read_outputs,
    read_table,
)
from panoptic.reporting.summary import Section, compose_summary, sentences_of
from panoptic.runs.values import Value, differs, named_leaves, values_of

Summarise = Callable[[Path], Sequence[Section]]
ValuesOf = dict[str, dict[str, Value]]  # by subject, then by name

# The tables with one row per object, and the column that names it.
OBJECT_TABLES = ("vlms_companions_stacked", "objects_with_probs")
OBJECT = "pl_name"
VERDICT = "verdict"  # the key of a verdict in a JSON result

_SHOWN = 3  # objects named per column in the text; the table has them all


@dataclass(frozen=True, slots=True)
class Move:
    """One value that is not what it was; None where there was or is none."""

    subject: str  # an object, a file, a section
    name: str  # a column, a key
    before: Value
    after: Value

    @property
    def difference(self) -> float | None:
        """after - before, where both are numbers."""
        if isinstance(self.before, float) and isinstance(self.after, float):
            return self.after - self.before
        return None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything in which the second run is not the first.

    how_run : settings, versions and inputs.
    verdicts : all of them, those that stayed too.
    words : what the summaries say; `name` is a sentence that stayed while its evidence
    moved, and empty where the sentence itself changed.
    added, removed : objects; values : their columns.
    numbers : single numbers and words in the JSON results (arrays are left out).
    """

    before: str
    after: str
    how_run: tuple[Move, ...]
    verdicts: tuple[Move, ...]
    words: tuple[Move, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    values: tuple[Move, ...]
    numbers: tuple[Move, ...]


def compare_runs(before: Path, after: Path, *, summarise: Summarise) -> Comparison:
    """Hold two finished runs side by side.

    Parameters
    ----------
    summarise
        returns the sections of a run's summary, from its folder.

    Raises
    ------
    InputUnusable
        where a folder holds no finished run, or lacks a table.
    """
    manifests = read_manifest(before), read_manifest(after)
    added, removed, values = _compare_objects(before, after)
    numbers = _single_values(before, manifests[0]), _single_values(after, manifests[1])
    return Comparison(
        before=str(before),
        after=str(after),
        how_run=tuple(_all_moves(*map(_how_run, manifests))),
        verdicts=tuple(_verdicts(*numbers)),
        words=tuple(_compare_words(summarise(before), summarise(after))),
        added=added,
        removed=removed,
        values=values,
        numbers=tuple(_all_moves(*numbers)),
    )


def compose_comparison(comparison: Comparison) -> str:
    """Return the comparison as plain text, 80 columns wide, what matters first."""
    header = [
        "What changed between two runs",
        f"  before: {comparison.before}",
        f"  after:  {comparison.after}",
    ]
    sections = [
        Section("Verdicts and numbers", lines=tuple(_word_lines(comparison))),
        Section("Objects", lines=tuple(_object_lines(comparison))),
        Section(
            "How they were run", lines=tuple(map(_setting_line, comparison.how_run))
        ),
    ]
    said = [
        section if section.lines else Section(section.title, lines=("No difference.",))
        for section in sections
    ]
    return compose_summary(header, said)


def write_comparison(folder: ResultsFolder, comparison: Comparison) -> None:
    """Write the text, and every change of an object, a number or a sentence."""
    folder.text("COMPARISON.txt", compose_comparison(comparison))
    came = [Move(name, "", None, "added") for name in comparison.added]
    went = [Move(name, "", "removed", None) for name in comparison.removed]
    objects = (*came, *went, *comparison.values)
    for name, moves, subject in (
        ("objects_changed", objects, OBJECT),
        ("numbers_changed", comparison.numbers, "file"),
        ("words_changed", comparison.words, "section"),
        ("settings_changed", comparison.how_run, "of"),
    ):
        folder.table(name, _as_table(moves, subject=subject))


def _as_table(moves: Iterable[Move], *, subject: str) -> pd.DataFrame:
    rows = [
        (move.subject, move.name, _text(move.before), _text(move.after))
        for move in moves
    ]
    frame = pd.DataFrame(rows, columns=[subject, "name", "before", "after"], dtype=str)
    differences = [move.difference for move in moves]
    return frame.assign(difference=pd.Series(differences, dtype=float))


def _how_run(manifest: dict[str, Any]) -> ValuesOf:
    """Return what a run was made with; where it was written to is no part of it."""
    parts = dict(manifest.get("settings", {}))
    parts.pop("outputs", None)
    parts["environment"] = manifest.get("environment", {})
    parts |= {entry["catalogue"]: entry for entry in manifest.get("inputs", [])}
    return {name: dict(named_leaves(part)) for name, part in parts.items()}


def _compare_objects(
    before: Path, after: Path
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[Move, ...]]:
    first, second = _objects(before), _objects(after)
    moved = [
        move
        for name in first
        if name in second
        for move in _moves(name, first[name], second[name])
    ]
    added = tuple(name for name in second if name not in first)
    removed = tuple(name for name in first if name not in second)
    return added, removed, tuple(moved)


def _objects(folder: Path) -> ValuesOf:
    """Return every known value of every object, from all tables of objects."""
    objects: ValuesOf = {}
    for table in OBJECT_TABLES:
        frame = read_table(folder / f"{table}.csv")
        count = frame.groupby(OBJECT).cumcount()
        for index, row in enumerate(frame.to_dict("records")):
            twin = f" ({count[index] + 1})" if count[index] else ""
            values = objects.setdefault(f"{row.pop(OBJECT)}{twin}", {})
            values |= {str(k): _as_value(v) for k, v in row.items()}
    return objects


def _as_value(cell: Any) -> Value:
    if pd.isna(cell) or cell == "":
        return None
    if isinstance(cell, bool | np.bool_):
        return bool(cell)
    return cell if isinstance(cell, str) else float(cell)


def _single_values(folder: Path, manifest: dict[str, Any]) -> ValuesOf:
    """Return the values of each JSON result that stand alone, not in a list."""
    return {
        path: {k: v for k, v in values_of(folder / path).items() if "[" not in k}
        for path in read_outputs(manifest)
        if path.endswith(".json") and not path.endswith(".meta.json")
    }


def _verdicts(before: ValuesOf, after: ValuesOf) -> Iterator[Move]:
    for path in dict.fromkeys([*before, *after]):
        then, now = before.get(path, {}), after.get(path, {})
        for name in dict.fromkeys([*then, *now]):
            if name.rpartition(".")[2] == VERDICT:
                yield Move(path, name, then.get(name), now.get(name))


def _all_moves(before: ValuesOf, after: ValuesOf) -> Iterator[Move]:
    for subject in dict.fromkeys([*before, *after]):
        yield from _moves(subject, before.get(subject, {}), after.get(subject, {}))


def _moves(
    subject: str, before: dict[str, Value], after: dict[str, Value]
) -> Iterator[Move]:
    for name in dict.fromkeys([*before, *after]):
        pair = before.get(name), after.get(name)
        if differs(*pair):
            yield Move(subject, name, *pair)


def _compare_words(
    before: Sequence[Section], after: Sequence[Section]
) -> Iterator[Move]:
    first = {section.title: sentences_of(section) for section in before}
    second = {section.title: sentences_of(section) for section in after}
    for title in dict.fromkeys([*first, *second]):
        then, now = first.get(title, []), second.get(title, [])
        texts = [text for text, _ in then], [text for text, _ in now]
        matcher = SequenceMatcher(None, *texts, autojunk=False)
        for tag, i, j, k, m in matcher.get_opcodes():
            for old, new in zip_longest(then[i:j], now[k:m]):
                if tag != "equal":
                    yield Move(title, "", _sentence(old), _sentence(new))
                elif old[1] != new[1]:
                    yield Move(title, old[0], old[1], new[1])


def _sentence(said: tuple[str, str] | None) -> str | None:
    return f"{said[0]} [{said[1]}]".removesuffix(" []") if said else None


def _word_lines(comparison: Comparison) -> Iterator[str]:
    for move in comparison.verdicts:
        as_before = "" if differs(move.before, move.after) else ", as before"
        yield f"{move.subject} {move.name}: {_change(move)}{as_before}"
    section = None
    for move in comparison.words:
        if move.subject != section:
            section = move.subject
            yield f"{section}"
        if move.name:
            yield f"  {move.name}"
        margin = "    " if move.name else "  "
        for word, said in (("was", move.before), ("now", move.after)):
            yield f"{margin}{word}  {said or 'not said'}"


def _object_lines(comparison: Comparison) -> Iterator[str]:
    for word in ("added", "removed"):
        names = getattr(comparison, word)
        if names:
            yield f"{len(names)} {word}: {', '.join(names)}"
    by_column: dict[str, list[Move]] = {}
    for move in comparison.values:
        by_column.setdefault(move.name, []).append(move)
    for column, moves in sorted(by_column.items(), key=lambda item: len(item[1])):
        largest = sorted(moves, key=lambda move: -abs(move.difference or 0.0))
        shown = [f"{move.subject} {_change(move)}" for move in largest[:_SHOWN]]
        more = f"; {len(moves) - _SHOWN} more" if len(moves) > _SHOWN else ""
        yield f"{column} moved in {len(moves)}: {'; '.join(shown)}{more}"


def _setting_line(move: Move) -> str:
    return f"{move.subject} {move.name}: {_change(move)}"


def _change(move: Move) -> str:
    if not differs(move.before, move.after):
        return _short(move.after)
    return f"{_short(move.before)} -> {_short(move.after)}"


def _short(value: Value) -> str:
    return f"{value:.4g}" if isinstance(value, float) else _text(value) or "none"


def _text(value: Value) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
