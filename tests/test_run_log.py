"""The log holds what was printed; the error log exists only with an error in it."""

import logging
import re
import warnings
from datetime import UTC, datetime

import pytest

from panoptic.failures import ResultNotWritten
from panoptic.reporting.run_log import RunLog

START = datetime(2026, 6, 2, 12, 0, 5, tzinfo=UTC)


@pytest.fixture
def terminal() -> list[str]:
    return []


@pytest.fixture
def make(tmp_path, terminal):
    def make(**changes):
        options = {
            "log_basename": "panoptic_vlms",
            "error_basename": "panoptic_vlms_error",
            "show": terminal.append,
            "show_error": lambda text: terminal.append(f"! {text}"),
            "clock": lambda: START,
        }
        return RunLog(tmp_path / "logs", tmp_path / "errors", **(options | changes))

    return make


def lines(path) -> list[str]:
    """A log's lines without their times."""
    text = path.read_text()
    assert all(re.match(r"\d\d:\d\d:\d\d(  |$)", line) for line in text.splitlines())
    return [line[10:] for line in text.splitlines()]


def test_what_is_printed_is_in_the_log(make, terminal, tmp_path):
    with make() as log:
        log.say("reading")
        log.note("only in the file")
        log.say("a table\n  1  2")
    assert terminal == ["reading", "a table\n  1  2"]
    assert log.path.name == "panoptic_vlms_20260602T120005Z.log"
    assert lines(log.path) == ["reading", "only in the file", "a table", "  1  2"]
    assert list((tmp_path / "errors").iterdir()) == []


def test_an_error_is_in_both_files_its_traceback_not_on_the_terminal(make, terminal):
    with make() as log:
        try:
            raise ZeroDivisionError("by nought")
        except ZeroDivisionError as error:
            log.error("a bug", cause=error)
        log.say("after")
    assert terminal == ["! a bug", "after"]
    assert log.error_path.name == "panoptic_vlms_error_20260602T120005Z.log"
    for path in (log.path, log.error_path):
        assert "ZeroDivisionError: by nought" in path.read_text()
    assert "after" not in log.error_path.read_text()


def test_runs_of_one_second_keep_their_own_files(make):
    names = set()
    for _ in range(3):
        with make() as log:
            log.error("e")
        names |= {log.path, log.error_path}
    assert len(names) == 6
    assert all(lines(path) == ["e"] for path in names)


def test_no_error_log_of_an_earlier_run_is_continued(make, tmp_path):
    (tmp_path / "errors").mkdir()
    earlier = tmp_path / "errors" / "panoptic_vlms_error_20260602T120005Z.log"
    earlier.write_text("earlier")
    with make() as log:
        log.error("e")
    assert earlier.read_text() == "earlier"
    assert log.path.stem.endswith("Z_2")
    assert log.error_path.stem.endswith("Z_2")


def test_one_name_for_both_gives_two_files(tmp_path):
    names = {"log_basename": "x", "error_basename": "x"}
    quiet = {"show": lambda _: None, "show_error": lambda _: None}
    with RunLog(tmp_path, tmp_path, **names, **quiet) as log:
        log.say("s")
        log.error("e")
    assert lines(log.path) == ["s", "e"]
    assert lines(log.error_path) == ["e"]


def test_python_warnings_go_to_the_log_and_nowhere_else(make, terminal, recwarn):
    with make() as log:
        warnings.simplefilter("always")
        warnings.warn("overflow", RuntimeWarning, stacklevel=1)
    assert any("RuntimeWarning: overflow" in line for line in lines(log.path))
    assert terminal == []
    assert len(recwarn) == 0
    with pytest.warns(RuntimeWarning):  # as it was before the run
        warnings.warn("again", RuntimeWarning, stacklevel=1)


def test_logging_at_large_is_left_alone(make):
    before = logging.root.level, list(logging.root.handlers)
    with make() as log:
        log.say("x")
        assert (logging.root.level, list(logging.root.handlers)) == before
        assert "panoptic.run" not in logging.Logger.manager.loggerDict


def test_an_unwritable_log_folder_is_said(make, tmp_path):
    (tmp_path / "logs").write_text("a file")
    with pytest.raises(ResultNotWritten, match="--logdir"), make():
        pass


def test_a_full_disk_ends_the_run_once(make, monkeypatch):
    with make() as log:
        log.say("before")

        class Full:
            def write(self, _):
                raise OSError(28, "No space left on device")

            def flush(self):
                raise OSError(28, "No space left on device")

            def close(self):
                raise OSError(28, "No space left on device")

        for handler in log._logger.handlers:
            if handler.stream:
                handler.stream.close()
            handler.stream = Full()
        with pytest.raises(ResultNotWritten, match="No space"):
            log.say("x")
        log.say("the run may still say why it ends")
