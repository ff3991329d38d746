"""How a complete new result takes the place of the earlier one in a folder.

A folder is complete while `manifest.json` lies in it. The new result is staged below
`.unfinished/`; the earlier one moves aside there, manifest first, and the new one moves
in, manifest last. A process killed at any moment leaves either a manifest whose files
are all there, or no manifest and everything needed to put the earlier result back.
(Killed, not cut off from power: nothing here waits for the disk.)
"""

import json
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath

MANIFEST = "manifest.json"
UNFINISHED = ".unfinished"
TOOL = "panoptic"


class Staging:
    """The hidden place of one results folder where an unfinished result lies."""

    PARTIAL = "partial"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._place = folder / UNFINISHED
        self.new = self._place / "new"
        self.previous = self._place / "previous"
        self.partial = self._place / self.PARTIAL
        self.manifest = self._place / MANIFEST

    @property
    def is_ours(self) -> bool:
        """Whether what lies there was left by a run of ours."""
        names = {self.new.name, self.previous.name, self.PARTIAL, MANIFEST}
        known = names | {f"{MANIFEST}.part"}
        return self._place.is_dir() and {p.name for p in self._place.iterdir()} <= known

    def begin(self) -> None:
        """Put back what a killed run had moved, and make room for a new result."""
        self.restore()
        self.clear()
        self.new.mkdir(parents=True)

    def replace(self, manifest: bytes) -> None:
        """Put the staged result, described by `manifest`, in place of the earlier."""
        # Renamed into place, so that a staged manifest is never half written.
        part = self.manifest.with_name(f"{MANIFEST}.part")
        part.write_bytes(manifest)
        part.rename(self.manifest)
        new_paths = listed_outputs(json.loads(manifest))
        current = self._folder / MANIFEST
        if current.exists():
            old_paths = listed_outputs(json.loads(current.read_bytes()))
            _move(current, self.previous / MANIFEST)
            self._move_all(old_paths, self._folder, self.previous)
        self._move_all(new_paths, self.new, self._folder)
        self.manifest.rename(current)

    def restore(self) -> None:
        """Undo a replacement that did not reach its end; else do nothing."""
        if (self._folder / MANIFEST).exists() or not self.manifest.exists():
            return
        for path in listed_outputs(json.loads(self.manifest.read_bytes())):
            if not (self.new / path).exists():  # it had moved in
                (self._folder / path).unlink(missing_ok=True)
                _remove_empty_parents(self._folder, path)
        if (self.previous / MANIFEST).exists():
            old = json.loads((self.previous / MANIFEST).read_bytes())
            self._move_all(listed_outputs(old), self.previous, self._folder)
            _move(self.previous / MANIFEST, self._folder / MANIFEST)

    def clear(self) -> None:
        """Remove what is staged or moved aside; partial results of long work stay."""
        # The staged manifest first: without it `restore` has nothing left to undo.
        self.manifest.unlink(missing_ok=True)
        self.manifest.with_name(f"{MANIFEST}.part").unlink(missing_ok=True)
        for place in (self.new, self.previous):
            if place.exists():
                shutil.rmtree(place)
        for place in (self.partial, self._place):
            with suppress(OSError):  # not empty, or not there
                place.rmdir()

    def clear_everything(self) -> None:
        """Remove the whole place, partial results too."""
        shutil.rmtree(self._place)

    def _move_all(self, paths: Iterable[str], source: Path, target: Path) -> None:
        for path in paths:
            if (source / path).exists():
                _move(source / path, target / path)
                _remove_empty_parents(source, path)


def listed_outputs(manifest: object) -> tuple[str, ...]:
    """Return the files a manifest of ours lists, none for a manifest that is not.

    Paths that lead out of the folder are left out: a manifest may have been edited,
    and what it lists is moved and removed.
    """
    if not isinstance(manifest, dict) or manifest.get("tool") != TOOL:
        return ()
    outputs = manifest.get("outputs")
    paths = outputs if isinstance(outputs, dict) else {}
    return tuple(path for path in paths if stays_inside(path))


def stays_inside(path: str) -> bool:
    """Whether a relative path names a visible file below the folder."""
    parts = PurePosixPath(path).parts
    hidden = any(part.startswith(".") for part in parts)
    return bool(parts) and not path.startswith("/") and not hidden


def _move(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    source.replace(target)


def _remove_empty_parents(folder: Path, path: str) -> None:
    for parent in list(PurePosixPath(path).parents)[:-1]:
        try:
            (folder / parent).rmdir()
        except OSError:  # something else lies in it
            return
