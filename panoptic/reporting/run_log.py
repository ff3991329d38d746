"""The log of one run: all it printed, and its errors in a file of their own.

Both files carry the time of the start. The error log exists only once there is an
error. Nothing here writes to the terminal: the entry passes in what does.
"""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from panoptic.failures import ResultNotWritten

_MAX_RUNS_PER_SECOND = 1000


class RunLog:
    """Mirror what a run prints into files, Python's warnings included.

    Parameters
    ----------
    log_dir, error_dir
        made if absent. The files are `<log_basename>_<UTC time>.log` and
        `<error_basename>_<UTC time>.log`; runs that start in one second are told
        apart by a number, and no file is ever overwritten.
    show, show_error
        print a line on the terminal; one that does nothing makes a run quiet.

    Raises
    ------
    ResultNotWritten
        on entering and while writing, where a log cannot be written.
    """

    def __init__(
        self,
        log_dir: Path,
        error_dir: Path,
        *,
        log_basename: str,
        error_basename: str,
        show: Callable[[str], None],
        show_error: Callable[[str], None],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._folders = log_dir, error_dir
        self._basenames = log_basename, error_basename
        self._show, self._show_error = show, show_error
        self.started = clock()
        self.path = Path()  # set on entering
        self.error_path = Path()
        # Not taken from logging's registry, so no logger of anybody else changes.
        self._logger = logging.Logger("panoptic.run", level=logging.DEBUG)
        self._python_warnings = warnings.catch_warnings()

    def __enter__(self) -> Self:
        try:
            for folder in self._folders:
                folder.mkdir(parents=True, exist_ok=True)
            self.path, self.error_path = self._reserve()
            self._write_to(self.path, logging.DEBUG)
            self._write_to(self.error_path, logging.ERROR)
        except OSError as error:
            raise ResultNotWritten(
                f"cannot write the log {error.filename}: {error.strerror}; choose "
                "another folder with --logdir and --errordir"
            ) from error
        self._python_warnings.__enter__()
        warnings.showwarning = self._note_python_warning
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._python_warnings.__exit__(kind, error, trace)
        for handler in list(self._logger.handlers):
            self._logger.removeHandler(handler)
            handler.close()

    def say(self, text: str = "") -> None:
        """Print a text, and write it to the log."""
        self._show(text)
        self._logger.info(text)

    def note(self, text: str) -> None:
        """Write a text to the log only."""
        self._logger.debug(text)

    def error(self, text: str, *, cause: BaseException | None = None) -> None:
        """Print a text as an error; the traceback of `cause` goes to both logs only."""
        self._show_error(text)
        self._logger.error(text, exc_info=cause)

    def _reserve(self) -> tuple[Path, Path]:
        """Make the log file, empty, under a name no earlier run has used."""
        stamp = f"{self.started:%Y%m%dT%H%M%SZ}"
        for count in range(1, _MAX_RUNS_PER_SECOND):
            suffix = stamp if count == 1 else f"{stamp}_{count}"
            log, errors = (
                folder / f"{basename}_{suffix}.log"
                for folder, basename in zip(self._folders, self._basenames, strict=True)
            )
            if log == errors:
                errors = errors.with_stem(f"{errors.stem}_error")
            try:
                log.open("x").close()
            except FileExistsError:
                continue
            if not errors.exists():
                return log, errors
            log.unlink()
        raise FileExistsError(17, "all names of this second are taken", str(log))

    def _write_to(self, path: Path, level: int) -> None:
        handler = _LogFile(path, level)
        handler.setFormatter(_StampedLines("%(message)s"))
        self._logger.addHandler(handler)

    def _note_python_warning(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        place = f"{Path(filename).name}:{lineno}"
        self._logger.warning(f"{category.__name__}: {message} ({place})")


class _LogFile(logging.FileHandler):
    """A file opened at its first line; what cannot be written ends the run, once."""

    def __init__(self, path: Path, level: int) -> None:
        super().__init__(path, mode="a", encoding="utf-8", delay=True)
        self.setLevel(level)
        self._failed = False

    def emit(self, record: logging.LogRecord) -> None:
        if self._failed:  # already said; the run is ending
            return
        try:
            if self.stream is None:
                self.stream = self._open()
            self.stream.write(self.format(record) + "\n")
            self.stream.flush()
        except OSError as error:
            self._failed = True
            raise ResultNotWritten(
                f"cannot write the log {self.baseFilename}: {error.strerror}"
            ) from error

    def close(self) -> None:
        try:
            super().close()
        except OSError:  # what could not be written was said when it happened
            self.stream = None


class _StampedLines(logging.Formatter):
    """The UTC time before each line, so that a mirrored table keeps its columns."""

    def format(self, record: logging.LogRecord) -> str:
        stamp = time.strftime("%H:%M:%S", time.gmtime(record.created))
        lines = super().format(record).split("\n")
        return "\n".join(f"{stamp}  {line}".rstrip() for line in lines)
