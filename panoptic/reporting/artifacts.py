"""The one writer and reader of result files.

A results folder belongs to one run at a time, is replaced as a whole, and says in its
manifest what each file must be.
"""

from __future__ import annotations

import errno
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType, UnionType
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar, overload

from filelock import FileLock, Timeout
from numpy.typing import NDArray

from panoptic.failures import InputUnusable, ResultNotWritten
from panoptic.reporting import formats
from panoptic.reporting.formats import FIGURE_FORMATS, FORMAT_VERSION
from panoptic.reporting.replacement import (
    MANIFEST,
    TOOL,
    UNFINISHED,
    Staging,
    listed_outputs,
    stays_inside,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

T = TypeVar("T")

RUN = "run"
_LOCK = ".lock"
_WAY_OUT = "choose another folder with --outdir, or move it away"
_ADVICE = {
    errno.ENOSPC: "free some space there, or choose another folder with --outdir",
    errno.EDQUOT: "free some of your quota, or choose another folder with --outdir",
    errno.EROFS: "choose a folder that can be written with --outdir",
    errno.EACCES: "choose a folder that can be written with --outdir",
    errno.EPERM: "choose a folder that can be written with --outdir",
}


class Output(NamedTuple):
    """What the manifest says of one file."""

    sha256: str
    size_bytes: int


class ResultsFolder:
    """One results folder, held by one run until its result is complete.

    Everything is staged out of sight; `finish` puts it in place of the earlier result.
    Left without `finish` (an exception, Ctrl-C), the earlier result is as it was.

    Parameters
    ----------
    folder
        absent, empty, or with a (finished or unfinished) result of ours in it. Files
        that are not ours are never touched.
    kind
        what the result is of; a folder that holds another kind is refused, so that
        the comparison of two runs cannot replace a run.

    Raises
    ------
    ResultNotWritten
        on entering, where the folder is somebody else's, in use by another run, or not
        writable; from every method, where the file cannot be written.
    """

    def __init__(self, folder: Path, *, kind: str = RUN) -> None:
        self.path = folder
        self._kind = kind
        self._staging = Staging(folder)
        self._lock = FileLock(folder / _LOCK)
        self._outputs: dict[str, Output] = {}
        self._replaced: frozenset[str] = frozenset()  # files of the earlier result
        self._made_here: tuple[Path, ...] = ()  # folders that were not there before

    def __enter__(self) -> Self:
        _refuse_what_is_not_ours(self.path, self._kind)
        with _as_failure(self.path):
            self._made_here = _make_folders(self.path)
            try:
                self._lock.acquire(timeout=0)
            except Timeout as busy:
                raise ResultNotWritten(
                    f"another run is writing to {self.path}: wait for its end, or "
                    "choose another folder with --outdir"
                ) from busy
            try:
                self._staging.begin()
                self._replaced = frozenset(_listed_in(self.path))
            except BaseException:  # without __enter__ no __exit__ gives the lock back
                self._lock.release()
                raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Undo whatever `finish` did not complete, and let the folder go."""
        try:
            with suppress(OSError):  # then it stays visibly unfinished
                self._staging.restore()
                self._staging.clear()
        finally:
            self._lock.release()
            if not (self.path / MANIFEST).exists():
                self._leave_no_trace()

    @property
    def staged(self) -> Path:
        """The folder where this run's files lie until `finish`; for reading back."""
        return self._staging.new

    @property
    def partial_dir(self) -> Path:
        """A folder for partial results of long work.

        It is kept when a run is interrupted, found again by the next run in the same
        results folder, and removed by `finish`.
        """
        with _as_failure(self._staging.partial):
            self._staging.partial.mkdir(parents=True, exist_ok=True)
        return self._staging.partial

    @property
    def outputs(self) -> dict[str, Output]:
        """The files written so far, by path relative to the folder."""
        return dict(self._outputs)

    def result(self, name: str, result: object) -> None:
        """Write a result dataclass (or `NotRun`) to `<name>.json`."""
        self.blob(f"{name}.json", formats.encode_result(result))

    def table(
        self, name: str, frame: pd.DataFrame, *, meta: dict[str, Any] | None = None
    ) -> None:
        """Write a frame to `<name>.csv`, and what describes it to `<name>.meta.json`.

        Parameters
        ----------
        meta
            anything about the table (provenance lines, units). Under `columns`, a
            dict of column name to a dict of facts, is merged with the types.
        """
        facts = dict(meta or {})
        described = facts.pop("columns", {})
        types = formats.column_types(frame)
        columns = [
            {"name": column, "type": word} | dict(described.get(column, {}))
            for column, word in types.items()
        ]
        facts |= {"columns": columns, "n_rows": len(frame)}
        self.blob(f"{name}.csv", formats.encode_table(frame))
        self.blob(f"{name}.meta.json", formats.encode_result(facts))

    def arrays(self, name: str, **arrays: NDArray[Any]) -> None:
        """Write arrays to `<name>.npz`."""
        self.blob(f"{name}.npz", formats.encode_arrays(arrays))

    def figure(
        self, name: str, figure: Figure, *, forms: tuple[str, ...] = FIGURE_FORMATS
    ) -> dict[str, bytes]:
        """Write a figure to `<name>.png`, `.pdf` and `.svg`; return the bytes."""
        drawn = {form: formats.encode_figure(figure, form) for form in forms}
        for form, content in drawn.items():
            self.blob(f"{name}.{form}", content)
        return drawn

    def text(self, name: str, text: str) -> None:
        """Write a text to the file `name`, as UTF-8."""
        self.blob(name, text.encode())

    def blob(self, path: str, content: bytes) -> None:
        """Write bytes to the file `path`, relative to the folder.

        Raises
        ------
        ValueError
            where the path leads out of the folder or was already written in this run.
        """
        if not stays_inside(path) or path == MANIFEST:
            raise ValueError(f"{path} cannot be an output")
        if path in self._outputs:
            raise ValueError(f"{path} was already written in this run")
        self._refuse_to_overwrite_foreign(path)
        target = self._staging.new / path
        with _as_failure(self.path / path):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        self._outputs[path] = Output(digest, len(content))

    def finish(self, manifest: dict[str, Any]) -> None:
        """Put the staged files in place of the earlier result, manifest last.

        Parameters
        ----------
        manifest
            what the run says of itself; the tool, the format version and each
            output's sha256 and size are added.
        """
        complete = manifest | {
            "tool": TOOL,
            "kind": self._kind,
            "format_version": FORMAT_VERSION,
            "outputs": {path: out._asdict() for path, out in self._outputs.items()},
        }
        content = formats.encode_json(complete)
        with _as_failure(self.path):
            self._staging.replace(content)
            self._staging.clear_everything()

    def _refuse_to_overwrite_foreign(self, path: str) -> None:
        for item in _displaced(self.path, path):
            if item.relative_to(self.path).as_posix() not in self._replaced:
                raise ResultNotWritten(
                    f"{item} is in the way of {path} and not from a run of ours: move "
                    "it away, or choose another folder with --outdir"
                )

    def _leave_no_trace(self) -> None:
        """Remove the folders this run made, as far as nothing lies in them."""
        if not self._made_here or (self.path / UNFINISHED).exists():
            return
        with suppress(OSError):
            (self.path / _LOCK).unlink(missing_ok=True)
            for folder in self._made_here:
                folder.rmdir()


@overload
def read_result(path: Path, cls: type[T]) -> T: ...
@overload
def read_result(path: Path, cls: UnionType) -> Any: ...
def read_result(path: Path, cls: Any) -> Any:
    """Return the result that `ResultsFolder.result` wrote, as the class it was.

    Parameters
    ----------
    cls
        the dataclass, or `Dataclass | NotRun`.

    Raises
    ------
    InputUnusable
        where the file is absent, of another format version, or does not fit.
    """
    return formats.decode_result(_read(path), cls, name=str(path))


def read_table(path: Path) -> pd.DataFrame:
    """Return the frame that `ResultsFolder.table` wrote, with its column types.

    Raises
    ------
    InputUnusable
        where the table or its `.meta.json` is absent or does not fit the other.
    """
    columns = read_table_meta(path)["columns"]
    types = {column["name"]: column["type"] for column in columns}
    return formats.decode_table(_read(path), types, name=str(path))


def read_table_meta(path: Path) -> dict[str, Any]:
    """Return what is said of a table (given its `.csv` path) in its `.meta.json`.

    Raises
    ------
    InputUnusable
        where it is absent, of another format version, or no list of columns.
    """
    companion = path.with_suffix(".meta.json")
    plain = formats.decode_json(_read(companion), name=str(companion))
    meta = formats.check_version(plain, name=str(companion))
    if not isinstance(meta.get("columns"), list):
        raise InputUnusable(f"{companion} does not list the columns of {path.name}")
    return meta


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays that `ResultsFolder.arrays` wrote, by name.

    Raises
    ------
    InputUnusable
        where the file is absent or not an array file.
    """
    return formats.decode_arrays(_read(path), name=str(path))


def read_manifest(folder: Path, *, kind: str = RUN) -> dict[str, Any]:
    """Return the manifest of a finished run (or another kind of result).

    Raises
    ------
    InputUnusable
        where the folder is absent, unfinished, not ours, or of another format version.
    """
    path = folder / MANIFEST
    if not folder.is_dir():
        raise InputUnusable(f"{folder} is not a results folder: there is no such one")
    if not path.exists():
        if (folder / UNFINISHED).exists():
            raise InputUnusable(
                f"{folder} holds an unfinished run: it was interrupted; run again"
            )
        raise InputUnusable(f"{folder} is not a results folder: it has no {MANIFEST}")
    manifest = formats.decode_json(_read(path), name=str(path))
    if not isinstance(manifest, dict) or manifest.get("tool") != TOOL:
        raise InputUnusable(f"{path} is not a manifest of {TOOL}")
    if manifest.get("kind") != kind:
        raise InputUnusable(f"{folder} holds a {manifest.get('kind')}, not a {kind}")
    formats.check_version(manifest, name=str(path))
    return manifest


def read_outputs(manifest: dict[str, Any]) -> dict[str, Output]:
    """Return the files a manifest lists, by path."""
    outputs = manifest["outputs"]
    return {path: Output(**outputs[path]) for path in listed_outputs(manifest)}


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise InputUnusable(f"{path} is missing") from error
    except OSError as error:
        raise InputUnusable(f"{path} cannot be read: {error.strerror}") from error


def say_what_is_left(folder: Path) -> str:
    """Return what an interrupted run has left in its results folder, in words."""
    partial = Staging(folder).partial
    n_pieces = sum(1 for _ in partial.rglob("*.npz"))
    said = (
        f"the earlier result in {folder} is as it was"
        if (folder / MANIFEST).exists()
        else f"no result was written to {folder}"
    )
    if n_pieces:
        said += (
            f"; {n_pieces} finished pieces of the migration map are kept in {partial}: "
            "the same command with --resume goes on from there"
        )
    return said


def _refuse_what_is_not_ours(folder: Path, kind: str) -> None:
    with _as_failure(folder):
        if not folder.exists() and not folder.is_symlink():
            return
        if not folder.is_dir():
            raise ResultNotWritten(f"{folder} is not a folder: {_WAY_OUT}")
        names = sorted(item.name for item in folder.iterdir() if item.name != _LOCK)
        found = _kind_of(folder / MANIFEST) if MANIFEST in names else None
        ours = not names or found or (MANIFEST not in names and Staging(folder).is_ours)
    if not ours:
        shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
        raise ResultNotWritten(
            f"{folder} is not empty and not a results folder of ours (it holds "
            f"{shown}): {_WAY_OUT}"
        )
    if found and found != kind:
        raise ResultNotWritten(f"{folder} holds a {found}, not a {kind}: {_WAY_OUT}")


def _kind_of(path: Path) -> str | None:
    """Return what a manifest of ours is of, None where it is not ours."""
    try:
        manifest = json.loads(path.read_bytes())
    except ValueError:
        return None
    if not isinstance(manifest, dict) or manifest.get("tool") != TOOL:
        return None
    return str(manifest.get("kind", RUN))


def _listed_in(folder: Path) -> tuple[str, ...]:
    manifest = folder / MANIFEST
    return (
        listed_outputs(json.loads(manifest.read_bytes())) if manifest.exists() else ()
    )


def _displaced(folder: Path, path: str) -> Iterator[Path]:
    """Yield the files that cannot stay where they are when `path` becomes a file."""
    target = folder / path
    for place in (target, *target.parents[: len(Path(path).parts) - 1]):
        if place.is_symlink() or place.is_file():
            yield place
    if target.is_dir() and not target.is_symlink():
        yield from (item for item in target.rglob("*") if not item.is_dir())


def _make_folders(folder: Path) -> tuple[Path, ...]:
    """Make a folder and return those that were not there, innermost first."""
    absent = [place for place in (folder, *folder.parents) if not place.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return tuple(absent)


@contextmanager
def _as_failure(path: Path) -> Iterator[None]:
    """Turn what the file system refuses into a failure with a way out."""
    try:
        yield
    except OSError as error:
        advice = _ADVICE.get(error.errno or 0, "choose another folder with --outdir")
        raise ResultNotWritten(
            f"cannot write {path}: {error.strerror or error}; {advice}"
        ) from error
