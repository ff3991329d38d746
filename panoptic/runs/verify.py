"""Whether a finished run is intact, and whether running it again gives the same."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from panoptic.failures import InputUnusable
from panoptic.reporting.artifacts import Output, read_manifest, read_outputs
from panoptic.runs.values import differs, relative_difference, values_of

# Of the recorded manifest and the recorded folder, into a new folder.
Rerun = Callable[[dict[str, Any], Path, Path], object]

INPUTS = "inputs/"


@dataclass(frozen=True, slots=True)
class Difference:
    """One output that the second run did not make as the first."""

    path: str
    how: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What a results folder is worth as evidence.

    missing, changed : outputs not as recorded, in the folder itself.
    not_rerun : why the run was not repeated; empty if it was.
    same, different : outputs by how the repetition made them.
    """

    missing: tuple[str, ...]
    changed: tuple[str, ...]
    not_rerun: str
    same: tuple[str, ...]
    different: tuple[Difference, ...]
    environment: tuple[str, ...]  # what is not as it was then

    @property
    def holds(self) -> bool:
        """Whether every file is intact and was made again, byte for byte."""
        return not (self.missing or self.changed or self.not_rerun or self.different)

    @property
    def text(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield from (f"missing: {path}" for path in self.missing)
        yield from (f"changed since the run: {path}" for path in self.changed)
        if not (self.missing or self.changed):
            yield "every file of the run is there, as the manifest has it"
        if self.not_rerun:
            yield f"not run again: {self.not_rerun}"
            return
        yield f"run again: {len(self.same)} files byte for byte the same"
        yield from (f"different: {item.path}: {item.how}" for item in self.different)
        if self.different and self.environment:
            yield "this may be why; then and now:"
            yield from (f"  {change}" for change in self.environment)


def verify(folder: Path, *, rerun: Rerun, environment: dict[str, Any]) -> Verification:
    """Check every hash of a finished run, then run it again and compare.

    Parameters
    ----------
    rerun
        repeats the run that a manifest describes, from the inputs kept in its folder,
        into a new folder.
    environment
        of this process, to be held against the recorded one.

    Raises
    ------
    InputUnusable
        where the folder holds no finished run of this format version.
    """
    manifest = read_manifest(folder)
    recorded = read_outputs(manifest)
    missing = tuple(path for path in recorded if not (folder / path).is_file())
    changed = tuple(
        path
        for path, output in recorded.items()
        if path not in missing and _digest(folder / path) != output.sha256
    )
    harmed = [path for path in (*missing, *changed) if path.startswith(INPUTS)]
    same: tuple[str, ...] = ()
    different: tuple[Difference, ...] = ()
    if not harmed:
        with tempfile.TemporaryDirectory(prefix="panoptic_verify_") as scratch:
            again = Path(scratch) / "results"
            rerun(manifest, folder, again)
            same, different = _compare(folder, recorded, again)
    return Verification(
        missing=missing,
        changed=changed,
        not_rerun=f"its inputs are not as recorded ({', '.join(harmed)})"
        if harmed
        else "",
        same=same,
        different=different,
        environment=tuple(_changes(manifest.get("environment", {}), environment)),
    )


def _compare(
    folder: Path, recorded: dict[str, Output], again: Path
) -> tuple[tuple[str, ...], tuple[Difference, ...]]:
    made = read_outputs(read_manifest(again))
    same = tuple(path for path in recorded if made.get(path) == recorded[path])
    different = [
        Difference(path, _how(folder / path, again / path, is_made=path in made))
        for path in recorded
        if path not in same
    ]
    different += [
        Difference(path, "not among the recorded files")
        for path in made
        if path not in recorded
    ]
    return same, tuple(different)


def _how(then: Path, now: Path, *, is_made: bool) -> str:
    """Say in what a file differs, as far as its values have names."""
    if not is_made:
        return "not made again"
    try:
        before, after = values_of(then), values_of(now)
    except InputUnusable:
        return "other bytes"  # the recorded file is gone or harmed, which is said
    if not before:
        return "other bytes"
    moved = [
        name
        for name in before.keys() & after.keys()
        if differs(before[name], after[name])
    ]
    only_once = len(before.keys() ^ after.keys())
    sizes = {name: relative_difference(before[name], after[name]) for name in moved}
    numbers = {name: size for name, size in sizes.items() if size is not None}
    parts = [f"{len(moved)} of {len(before)} values moved"]
    if numbers:
        worst = max(sorted(numbers), key=lambda name: numbers[name])
        parts.append(f"at most by {numbers[worst]:.1e} of their size ({worst})")
    if only_once:
        parts.append(f"{only_once} values only in one of the two")
    return ", ".join(parts)


def _changes(then: Any, now: Any, name: str = "") -> Iterator[str]:
    if isinstance(then, dict) and isinstance(now, dict):
        for key in sorted(then.keys() | now.keys()):
            yield from _changes(then.get(key), now.get(key), f"{name} {key}".strip())
    elif then != now:
        yield f"{name}: {then} -> {now}"


def _digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()
