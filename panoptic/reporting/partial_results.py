"""Finished pieces of long work, kept so that an interrupted run can go on."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from panoptic.failures import InputUnusable
from panoptic.reporting import formats

_SETTINGS = "settings.json"


class PartialResults:
    """Arrays by work and piece in a folder, bound to the settings they were made with.

    Parameters
    ----------
    folder
        made when the first piece is kept.
    resume
        whether what lies there is used; otherwise a work that is claimed starts anew.
    say
        told, in a sentence, what a user should know.
    """

    def __init__(
        self,
        folder: Path,
        *,
        resume: bool,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._folder = folder
        self._resume = resume
        self._say = say

    def check(self, work: str, settings: object) -> None:
        """Refuse what `claim` would refuse; nothing is touched.

        Raises
        ------
        InputUnusable
            on resuming, naming every setting in which what was kept differs.
        """
        kept = self._folder / work / _SETTINGS
        if self._resume and kept.is_file():
            _refuse_other_settings(kept, formats.encode_json(settings))

    def claim(self, work: str, settings: object) -> None:
        """Bind a work to its settings (a dataclass or plain values).

        Raises
        ------
        InputUnusable
            on resuming, naming every setting in which what was kept differs.
        """
        place = self._folder / work
        kept = place / _SETTINGS
        self.check(work, settings)
        if self._resume and kept.exists():
            n_pieces = len(list(place.glob("*.npz")))
            self._say(f"{work}: going on after {n_pieces} finished pieces in {place}")
            return
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        _write(kept, formats.encode_json(settings))

    def load(self, work: str, piece: int) -> dict[str, NDArray[Any]] | None:
        """Return a kept piece; None where there is none, or it cannot be read."""
        path = self._path(work, piece)
        if not path.exists():
            return None
        try:
            return formats.decode_arrays(path.read_bytes(), name=str(path))
        except InputUnusable as damage:
            self.discard(work, piece, why=str(damage))
            return None

    def discard(self, work: str, piece: int, *, why: str) -> None:
        """Remove a piece that cannot be used, and say so."""
        self._say(f"{work}: piece {piece} is computed again: {why}")
        self._path(work, piece).unlink(missing_ok=True)

    def save(self, work: str, piece: int, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Keep a finished piece; a kill leaves it whole or not there."""
        _write(self._path(work, piece), formats.encode_arrays(dict(arrays)))

    def _path(self, work: str, piece: int) -> Path:
        return self._folder / work / f"{piece:05d}.npz"


def _write(path: Path, content: bytes) -> None:
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(content)
    part.replace(path)


def _refuse_other_settings(kept: Path, asked: bytes) -> None:
    then = _flat(formats.decode_json(kept.read_bytes(), name=str(kept)))
    now = _flat(formats.decode_json(asked, name="the settings"))
    differing = [
        f"{name} was {then.get(name, 'absent')}, is {now.get(name, 'absent')}"
        for name in sorted(then.keys() | now.keys())
        if then.get(name) != now.get(name)
    ]
    if differing:
        raise InputUnusable(
            f"{kept.parent} holds the unfinished work of another run: "
            f"{'; '.join(differing)}. Use its settings, or run without --resume to "
            "start anew"
        )


def _flat(value: Any, name: str = "") -> dict[str, Any]:
    """Return the leaves of nested dictionaries by their dotted names."""
    if not isinstance(value, dict):
        return {name: value}
    leaves: dict[str, Any] = {}
    for key, item in value.items():
        leaves |= _flat(item, f"{name}.{key}" if name else key)
    return leaves
