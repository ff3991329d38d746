"""The command itself, killed and interrupted while an earlier result lies there."""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from panoptic.failures import ExitCode
from panoptic.reporting.artifacts import ResultsFolder, say_what_is_left
from panoptic.reporting.partial_results import PartialResults
from tests.runs import SMALL, command, contents

ROOT = Path(__file__).parent.parent
PATIENCE_S = 120

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")


@pytest.fixture
def earlier(results, tmp_path) -> Path:
    """A folder to run in that holds a complete earlier result."""
    return shutil.copytree(results, tmp_path / "results")


def start(folder: Path, *options: str) -> subprocess.Popen[str]:
    argv = command(folder, *SMALL, "--seed", "7", "--threads", "1", *options)
    return subprocess.Popen(
        [sys.executable, str(ROOT / "panoptic_vlms_project.py"), *argv],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def until(process: subprocess.Popen[str], is_so: Callable[[], bool]) -> None:
    for _ in range(PATIENCE_S * 100):
        if is_so():
            return
        assert process.poll() is None, "it ended before it could be stopped"
        time.sleep(0.01)
    raise AssertionError("never")


def staged(folder: Path, pattern: str) -> Iterator[Path]:
    return (folder / ".unfinished").rglob(pattern)


def visible(folder: Path) -> dict[str, bytes]:
    """Return what lies there in the open."""
    return {k: v for k, v in contents(folder).items() if ".unfinished" not in k}


@pytest.mark.parametrize("moment", ["new", "fig1_massmass.pdf"])
def test_killed_early_or_while_it_writes_the_earlier_result_is_whole(
    earlier, tmp_path, moment
):
    before = contents(earlier)
    with start(tmp_path) as process:
        until(process, lambda: any(staged(earlier, moment)))
        process.kill()
        process.wait()
    assert any(staged(earlier, moment)), "visibly unfinished"
    assert visible(earlier) == before
    with ResultsFolder(earlier) as folder:  # the next run finds it free
        assert folder.outputs == {}
    assert visible(earlier) == before
    left = {path.parent.parent.name for path in staged(earlier, "*.npz")}
    assert left <= {"partial"}, "only what --resume can use"


def test_ctrl_c_ends_with_its_code_and_says_so(earlier, tmp_path):
    before = contents(earlier)
    with start(tmp_path) as process:
        until(process, lambda: any(staged(earlier, "*.npz")))
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == ExitCode.INTERRUPTED
    assert "interrupted" in said
    assert "Traceback" not in said
    assert visible(earlier) == before


class TestWhatIsLeft:
    def test_nothing(self, tmp_path):
        folder = tmp_path / "results"
        assert say_what_is_left(folder) == f"no result was written to {folder}"

    def test_an_earlier_result(self, earlier):
        assert (
            say_what_is_left(earlier) == f"the earlier result in {earlier} is as it was"
        )

    def test_pieces_to_go_on_from(self, tmp_path):
        with pytest.raises(KeyboardInterrupt), ResultsFolder(tmp_path / "r") as folder:
            kept = PartialResults(folder.partial_dir, resume=False)
            kept.claim("map", {"seed": 1})
            kept.save("map", 0, {"x": np.arange(2.0)})
            raise KeyboardInterrupt
        said = say_what_is_left(tmp_path / "r")
        assert "no result was written" in said
        place = tmp_path / "r" / ".unfinished" / "partial"
        assert f"1 finished pieces of the migration map are kept in {place}" in said
        assert "--resume" in said
