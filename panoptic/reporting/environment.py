"""What a run ran on: the versions and the machine that its numbers may depend on."""

import os
import platform
import subprocess
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from threadpoolctl import threadpool_info

from panoptic import __version__

PACKAGES = (
    "numpy",
    "scipy",
    "pandas",
    "scikit-learn",
    "matplotlib",
    "numba",
    "llvmlite",
    "threadpoolctl",
    "requests",
    "cattrs",
    "jinja2",
    "filelock",
    "platformdirs",
    "tqdm",
    "distributed",
)


@dataclass(frozen=True, slots=True)
class Commit:
    """The commit of a source tree, and whether tracked files differ from it."""

    id: str
    modified: bool


@dataclass(frozen=True, slots=True)
class NumericLibrary:
    """A BLAS or OpenMP library that is loaded, and the threads it may use."""

    name: str
    version: str | None
    threads: int


@dataclass(frozen=True, slots=True)
class Environment:
    """The versions and the machine of a run; nothing here is a time or a path."""

    panoptic: str  # version
    commit: Commit | None  # None outside a git checkout
    python: str  # implementation and version
    packages: dict[str, str]  # versions; those not installed are left out
    libraries: tuple[NumericLibrary, ...]
    platform: str  # system, release and C library
    machine: str  # processor family
    cpus_usable: int  # by this process


def environment() -> Environment:
    """Return what this process runs on.

    Only libraries that are loaded by now are seen: ask after the numerics have run.
    """
    return Environment(
        panoptic=__version__,
        commit=_commit(Path(__file__).parents[2]),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        packages=_package_versions(),
        libraries=_libraries(),
        platform=platform.platform(),
        machine=platform.machine(),
        cpus_usable=_cpus_usable(),
    )


def _commit(root: Path) -> Commit | None:
    if not (root / ".git").exists():
        return None
    try:
        head = _git(root, "rev-parse", "HEAD")
        changes = _git(root, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):  # no git, or not to be trusted
        return None
    return Commit(head, bool(changes))


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(root), *arguments],
        capture_output=True,
        check=True,
        text=True,
        timeout=10,
    ).stdout.strip()


def _package_versions() -> dict[str, str]:
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


def _libraries() -> tuple[NumericLibrary, ...]:
    found = {
        (info["internal_api"], info["version"], info["num_threads"])
        for info in threadpool_info()
    }
    return tuple(NumericLibrary(*each) for each in sorted(found, key=str))


def _cpus_usable() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
