"""What a results folder is worth after kill -9, a full disk and a read-only one."""

import errno
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

from panoptic.failures import InputUnusable, ResultNotWritten
from panoptic.reporting.artifacts import ResultsFolder, read_manifest, read_outputs
from panoptic.reporting.run_log import RunLog

ROOT = Path(__file__).parent.parent
N_FILES = 12
N_KILLS = 30

# A process that forks writers: each makes one result after another until it is killed.
WRITERS = f"""
import os, sys
from pathlib import Path
from panoptic.reporting.artifacts import ResultsFolder
for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        generation = int(line)
        while True:
            with ResultsFolder(Path(sys.argv[1])) as results:
                for number in range({N_FILES}):
                    # Some names change with the run, so that files come and go.
                    change = generation % 3 if number % 2 else "always"
                    name = f"{{number % 2}}/{{number}}_{{change}}.txt"
                    results.text(name, f"generation {{generation}}")
                results.finish({{"generation": generation}})
            generation += 1
    print(pid, flush=True)
    os.waitpid(pid, 0)
    print("gone", flush=True)
"""


@pytest.fixture
def writers(tmp_path) -> Iterator[subprocess.Popen]:
    with subprocess.Popen(
        [sys.executable, "-c", WRITERS, str(tmp_path / "results")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # newer Pythons warn of forks
        text=True,
        cwd=ROOT,
    ) as process:
        yield process
        process.stdin.close()


def state(folder: Path) -> tuple[str, int | None]:
    """Check what a killed writer left, and say what it is."""
    try:
        manifest = read_manifest(folder)
    except InputUnusable as failure:
        assert "unfinished" in str(failure) or "no such" in str(failure)
        return "unfinished", None
    for path, output in read_outputs(manifest).items():
        content = (folder / path).read_bytes()
        assert sha256(content).hexdigest() == output.sha256
        assert content == f"generation {manifest['generation']}".encode()
    staged = (folder / ".unfinished").exists()
    return ("staged beside a result" if staged else "at rest"), manifest["generation"]


def test_killed_at_any_moment(writers, tmp_path):
    """Whenever it comes: the earlier result, the new one, or visibly neither."""
    folder = tmp_path / "results"
    moment = random.Random(6894)
    seen: dict[str, int] = {}
    newest = -1
    for kill in range(N_KILLS):
        writers.stdin.write(f"{newest + 1}\n")
        writers.stdin.flush()
        pid = int(writers.stdout.readline())
        while not kill and not (folder / "manifest.json").exists():
            time.sleep(0.01)  # the first result must be there to be lost
        time.sleep(moment.uniform(0.0, 0.2))
        os.kill(pid, signal.SIGKILL)
        assert writers.stdout.readline() == "gone\n"
        what, _ = state(folder)
        seen[what] = seen.get(what, 0) + 1

        with pytest.raises(ZeroDivisionError), ResultsFolder(folder):
            raise ZeroDivisionError  # a run that finds it puts it right, whatever it is
        rested, generation = state(folder)
        assert rested == "at rest"
        assert generation >= newest  # no finished result was ever lost
        newest = generation
    listed = {folder / path for path in read_outputs(read_manifest(folder))}
    found = {path for path in folder.rglob("*") if path.is_file()}
    assert found == listed | {folder / "manifest.json", folder / ".lock"}
    assert newest > 0
    assert len(seen) > 1, seen  # some kills came in the middle of something


def write(folder: Path, text: str, *, size: int = 1) -> None:
    with ResultsFolder(folder) as results:
        results.text("SUMMARY.txt", text)
        results.text("sub/large.bin", text[:1] * size)
        results.finish({"text": text})


def assert_holds(folder: Path, text: str) -> None:
    assert (folder / "SUMMARY.txt").read_text() == text
    assert read_manifest(folder)["text"] == text
    assert not (folder / ".unfinished").exists()


@contextmanager
def mounted(place: Path, options: str) -> Iterator[None]:
    """A small file system of its own, where this process may make one."""
    place.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as refused:
        pytest.skip(f"no small file system can be mounted here: {refused}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_leaves_the_earlier_result(tmp_path):
    with mounted(tmp_path / "disk", "size=256k"):
        folder = tmp_path / "disk" / "results"
        write(folder, "first", size=50_000)
        with pytest.raises(ResultNotWritten, match="No space left.*free some"):
            write(folder, "second", size=400_000)
        assert_holds(folder, "first")
        write(folder, "third", size=50_000)
        assert_holds(folder, "third")


def test_a_disk_that_fills_up_with_small_files(tmp_path):
    """Inodes run out, wherever that may be; one result or the other stays whole."""
    for spare in range(14):
        with mounted(tmp_path / "disk", f"size=1m,nr_inodes={8 + spare}"):
            folder = tmp_path / "disk" / "results"
            held = None
            for text in ("first", "second"):
                try:
                    write(folder, text)
                    held = text
                except ResultNotWritten as failure:
                    assert "No space left" in str(failure)
            if held:
                assert_holds(folder, held)
    assert held == "second"


def test_a_read_only_disk_is_said(tmp_path):
    with mounted(tmp_path / "disk", "size=1m"):
        folder = tmp_path / "disk" / "results"
        write(folder, "first")
        remount = ["mount", "-o", "remount,ro", str(tmp_path / "disk")]
        subprocess.run(remount, check=True, capture_output=True)
        with pytest.raises(ResultNotWritten, match="Read-only"):
            write(folder, "second")
        assert_holds(folder, "first")
        with pytest.raises(ResultNotWritten, match="Read-only"):
            write(tmp_path / "disk" / "new", "second")


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="no file size limits")
def test_a_quota_leaves_the_earlier_result(tmp_path):
    write(tmp_path, "first")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(ResultNotWritten, match=os.strerror(errno.EFBIG)):
            write(tmp_path, "second", size=200_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert_holds(tmp_path, "first")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is full")
def test_a_full_disk_ends_the_log_with_a_failure(tmp_path):
    names = {"log_basename": "a", "error_basename": "b"}
    quiet = {"show": lambda _: None, "show_error": lambda _: None}
    with RunLog(tmp_path, tmp_path, **names, **quiet) as log:
        log.path.unlink()
        log.path.symlink_to("/dev/full")
        with pytest.raises(ResultNotWritten, match="No space left"):
            log.say("x")
        log.say("y")
