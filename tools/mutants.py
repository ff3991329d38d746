"""Deliberate one-line faults in the numerics, each of which a test must catch.

Every table in tools/mutants.d/*.toml names a file, the exact text that is replaced
(it must stand there once), the faulty text, the tests that must fail and what the
fault breaks. The faults are put into a copy; the checkout is never touched.

    python tools/mutants.py [WORD ...]     only the faults whose place holds a word
"""

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

ROOT = Path(__file__).parent.parent
LIST = Path(__file__).parent / "mutants.d"
IGNORED = shutil.ignore_patterns(".git", ".venv", "results", "logs", ".*_cache")
TESTS_FAILED = 1  # pytest's exit code; anything else is not a fault that was caught


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault."""

    file: str
    old: str
    new: str
    tests: list[str]
    why: str


def read_mutants(words: list[str]) -> list[Mutant]:
    """Return the listed faults, those of the given words only.

    Raises
    ------
    ValueError
        where the text to replace does not stand in its file exactly once, or where a
        word is in no fault's place.
    """
    mutants = [
        Mutant(**entry)
        for path in sorted(LIST.glob("*.toml"))
        for entry in tomllib.loads(path.read_text(encoding="utf-8"))["mutant"]
    ]
    for mutant in mutants:
        found = (ROOT / mutant.file).read_text(encoding="utf-8").count(mutant.old)
        if found != 1:
            raise ValueError(
                f"{mutant.file}: {mutant.old!r} stands there {found} times"
            )
    for word in words:
        if not any(word in mutant.file for mutant in mutants):
            raise ValueError(f"no fault is listed in a file like {word!r}")
    return [m for m in mutants if not words or any(word in m.file for word in words)]


def tests_end_with(tests: list[str], copy: Path) -> int:
    """Return pytest's exit code for these tests in the copy."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", *tests]
    return subprocess.run(
        command, cwd=copy, capture_output=True, check=False
    ).returncode


def is_caught(mutant: Mutant, copy: Path) -> bool:
    """Put the fault into the copy, run its tests, and take the fault out again."""
    path = copy / mutant.file
    sound = path.read_text(encoding="utf-8")
    path.write_text(sound.replace(mutant.old, mutant.new), encoding="utf-8")
    code = tests_end_with(mutant.tests, copy)
    path.write_text(sound, encoding="utf-8")
    return code == TESTS_FAILED


def main(words: list[str]) -> int:
    try:
        mutants = read_mutants(words)
    except ValueError as error:
        print(error)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        copies = [Path(folder) / f"copy{i}" for i in range(os.cpu_count() or 1)]
        for copy in copies:
            shutil.copytree(ROOT, copy, ignore=IGNORED)
        tests = sorted({test for mutant in mutants for test in mutant.tests})
        if tests and tests_end_with(tests, copies[0]):
            print("the tests fail without any fault: nothing would be shown")
            return 1
        survivors = 0
        for mutant, caught in zip(mutants, try_all(mutants, copies), strict=True):
            survivors += not caught
            verdict = "caught  " if caught else "SURVIVED"
            print(verdict, mutant.file, "-", mutant.why, flush=True)
    print(f"{len(mutants) - survivors} of {len(mutants)} faults caught")
    return 1 if survivors else 0


def try_all(mutants: list[Mutant], copies: list[Path]) -> Iterator[bool]:
    """Say of each fault in order whether it is caught, in as many copies at once."""
    free: SimpleQueue[Path] = SimpleQueue()
    for copy in copies:
        free.put(copy)

    def is_caught_somewhere(mutant: Mutant) -> bool:
        copy = free.get()
        try:
            return is_caught(mutant, copy)
        finally:
            free.put(copy)

    with ThreadPoolExecutor(len(copies)) as pool:
        yield from pool.map(is_caught_somewhere, mutants)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
