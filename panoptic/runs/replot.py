"""Everything that is drawn or worded, made again from the results alone."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from panoptic.failures import InputUnusable
from panoptic.reporting.artifacts import (
    Output,
    ResultsFolder,
    read_manifest,
    read_outputs,
)

Redraw = Callable[[Path, ResultsFolder], object]

_WRITTEN_ANEW = ("tool", "kind", "format_version", "outputs")


@dataclass(frozen=True, slots=True)
class Redrawn:
    """Which files were made again, by how they compare with those of the run."""

    same: tuple[str, ...]
    changed: tuple[str, ...]
    added: tuple[str, ...]

    @property
    def text(self) -> str:
        """One line for each kind."""
        lines = [f"redrawn, byte for byte the same: {len(self.same)} files"]
        for word, paths in (("changed", self.changed), ("new", self.added)):
            if paths:
                lines.append(f"{word}: {', '.join(paths)}")
        return "\n".join(lines)


def replot(
    folder: Path, *, redraw: Redraw, environment: dict[str, Any] | None = None
) -> Redrawn:
    """Make figures, summary and report of a finished run again, in its folder.

    Whatever `redraw` does not write is kept as it is. Where every file comes out as it
    was and lies there unharmed, the folder is not touched.

    Parameters
    ----------
    redraw
        reads the results in a folder and writes what follows from them alone.
    environment
        what it is redrawn with; noted in the manifest where a file changed.

    Raises
    ------
    InputUnusable
        where a file that cannot be redrawn is missing, changed since the run, or of
        another format version.
    ResultNotWritten
        where the folder cannot be written.
    """
    read_manifest(folder)  # refuses what holds no run, before anything is locked
    with ResultsFolder(folder) as results:
        manifest = read_manifest(folder)
        recorded = read_outputs(manifest)
        redraw(folder, results)
        made = results.outputs
        _carry_over(
            folder, results, {p: o for p, o in recorded.items() if p not in made}
        )
        redrawn = Redrawn(
            same=tuple(path for path in made if recorded.get(path) == made[path]),
            changed=tuple(p for p in made if recorded.get(p, made[p]) != made[p]),
            added=tuple(path for path in made if path not in recorded),
        )
        harmed = any(_is_not(folder / path, made[path]) for path in redrawn.same)
        if redrawn.changed or redrawn.added or harmed:
            kept = {k: v for k, v in manifest.items() if k not in _WRITTEN_ANEW}
            if redrawn.changed or redrawn.added:
                kept["redrawn_with"] = environment
            results.finish(kept)
    return redrawn


def _carry_over(
    folder: Path, results: ResultsFolder, outputs: dict[str, Output]
) -> None:
    missing = [path for path in outputs if not (folder / path).is_file()]
    if missing:
        raise InputUnusable(f"{folder} lacks {', '.join(missing)}: run again")
    changed = [
        path for path, output in outputs.items() if _is_not(folder / path, output)
    ]
    if changed:
        raise InputUnusable(
            f"in {folder}, changed since the run: {', '.join(changed)}. Figures of "
            "changed results would not be this run's: put the files back, or run again"
        )
    for path in outputs:
        results.blob(path, (folder / path).read_bytes())


def _is_not(path: Path, output: Output) -> bool:
    return not path.is_file() or sha256(path.read_bytes()).hexdigest() != output.sha256
