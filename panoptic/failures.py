"""The ways a run can fail that are not a bug, each with the exit code it ends with.

Every message says what was expected, what came, and the way out. Anything else that
is raised is a bug and ends with `ExitCode.BUG` and a traceback in the error log.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the command returns to the shell."""

    DONE = 0
    USAGE = 2
    CATALOGUE_UNAVAILABLE = 3
    INPUT_UNUSABLE = 4
    RESULT_NOT_WRITTEN = 5
    VERIFICATION_DIFFERS = 6
    BUG = 70
    INTERRUPTED = 130

    @property
    def meaning(self) -> str:
        return _MEANING[self]


_MEANING = {
    ExitCode.DONE: "done",
    ExitCode.USAGE: "wrong usage",
    ExitCode.CATALOGUE_UNAVAILABLE: "a catalogue service is unavailable",
    ExitCode.INPUT_UNUSABLE: (
        "an input cannot be used: missing, empty, wrong schema or units, no row in "
        "the window (the anchors file included)"
    ),
    ExitCode.RESULT_NOT_WRITTEN: (
        "a result could not be written, or the output folder is somebody else's"
    ),
    ExitCode.VERIFICATION_DIFFERS: "a verification found differences",
    ExitCode.BUG: "a bug: the traceback is in the error log",
    ExitCode.INTERRUPTED: "interrupted",
}


class RunFailure(Exception):  # noqa: N818 (the noun reads better than ...Error)
    """A failure with a message for the user and an exit code for the shell."""

    exit_code = ExitCode.BUG


class CatalogueUnavailable(RunFailure):
    """The service could not be reached, refused, or did not answer with a table."""

    exit_code = ExitCode.CATALOGUE_UNAVAILABLE


class InputUnusable(RunFailure):
    """A file is missing, empty, not a table, of the wrong schema or units."""

    exit_code = ExitCode.INPUT_UNUSABLE


class ResultNotWritten(RunFailure):
    """A result could not be written, or the folder is not one of ours."""

    exit_code = ExitCode.RESULT_NOT_WRITTEN
