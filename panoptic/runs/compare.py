"""What changed between two finished runs: objects, values, verdicts, numbers."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
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
from panoptic.reporting.summary import Section, columns_of, sentences_of
from panoptic.runs.comparison import Comparison, Move, ValuesOf
from panoptic.runs.comparison_text import compose_comparison
from panoptic.runs.values import Value, differs, named_leaves, values_of

Summarise = Callable[[Path], Sequence[Section]]
Sentence = tuple[str, str]  # with its evidence

# The tables with one row per object, and the column that names it.
OBJECT_TABLES = ("vlms_companions_stacked", "objects_with_probs")
OBJECT = "pl_name"
VERDICT = "verdict"  # the key of a verdict in a JSON result

_ALIKE = 0.6  # of the words of two sentences: from there on one replaces the other


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
    objects = _objects(before), _objects(after)
    added = tuple(name for name in objects[1] if name not in objects[0])
    removed = tuple(name for name in objects[0] if name not in objects[1])
    numbers = _single_values(before, manifests[0]), _single_values(after, manifests[1])
    said = summarise(before), summarise(after)
    return Comparison(
        before=str(before),
        after=str(after),
        how_run=tuple(_all_moves(*map(_how_run, manifests))),
        verdicts=tuple(_verdicts(*numbers)),
        headlines=tuple(_all_moves(*map(_labelled, said))),
        words=tuple(_compare_words(*map(_without_labelled, said))),
        added=added,
        removed=removed,
        facts={name: (objects[0] | objects[1])[name] for name in (*added, *removed)},
        values=tuple(_moved_objects(*objects)),
        numbers=tuple(_all_moves(*numbers)),
    )


def write_comparison(folder: ResultsFolder, comparison: Comparison) -> None:
    """Write the text, and every change of an object, a number or a sentence."""
    folder.text("COMPARISON.txt", compose_comparison(comparison))
    came = [Move(name, "", None, "added") for name in comparison.added]
    went = [Move(name, "", "removed", None) for name in comparison.removed]
    objects = (*came, *went, *comparison.values)
    for name, moves, subject in (
        ("objects_changed", objects, OBJECT),
        ("numbers_changed", comparison.numbers, "file"),
        ("words_changed", (*comparison.headlines, *comparison.words), "section"),
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


def _moved_objects(before: ValuesOf, after: ValuesOf) -> Iterator[Move]:
    for name in before:
        if name in after:
            yield from _moves(name, before[name], after[name])


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


def _labelled(sections: Sequence[Section]) -> ValuesOf:
    """Return the lines in two columns by section and label."""
    return {
        section.title: dict(filter(None, map(columns_of, section.lines)))
        for section in sections
    }


def _without_labelled(sections: Sequence[Section]) -> list[Section]:
    return [
        replace(
            section, lines=tuple(line for line in section.lines if not columns_of(line))
        )
        for section in sections
    ]


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
            if tag != "equal":
                is_lead = i == k == 0 and j > i and m > k
                if is_lead:  # verdict for verdict, in whatever words
                    yield Move(title, "", _sentence(then[0]), _sentence(now[0]))
                yield from _reworded(title, then[i + is_lead : j], now[k + is_lead : m])
                continue
            for old, new in zip(then[i:j], now[k:m], strict=True):
                if old[1] != new[1]:
                    yield Move(title, old[0], old[1], new[1])


def _reworded(
    title: str, then: Sequence[Sentence], now: Sequence[Sentence]
) -> Iterator[Move]:
    """Pair the sentences that say the same in other words; the rest stands alone."""
    new = list(now)
    for old in then:
        alike = [_likeness(old[0], other[0]) for other in new]
        best = max(range(len(new)), key=alike.__getitem__, default=None)
        if best is None or (alike[best] < _ALIKE and (len(then), len(now)) != (1, 1)):
            yield Move(title, "", _sentence(old), None)
        else:
            yield Move(title, "", _sentence(old), _sentence(new.pop(best)))
    for other in new:
        yield Move(title, "", None, _sentence(other))


def _likeness(first: str, second: str) -> float:
    return SequenceMatcher(None, first.split(), second.split(), autojunk=False).ratio()


def _sentence(said: Sentence) -> str:
    return f"{said[0]} [{said[1]}]".removesuffix(" []")


def _text(value: Value) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
