"""Where blocks of work are computed: on threads here, or by a Dask cluster elsewhere.

A block is pure (its result depends on nothing but itself) and results are put together
in the order of the blocks, so nobody can tell from the numbers who computed them, in
which order, or in how many attempts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, fields
from types import ModuleType
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from numpy.typing import NDArray

from panoptic import __version__
from panoptic.dynamics.perturbers import Progress
from panoptic.failures import InputUnusable

if TYPE_CHECKING:
    from distributed import Client

B = TypeVar("B")
R = TypeVar("R")
Place = tuple[int, int]  # of a work among works, and of a block in it
Arrivals = Iterator[tuple[Place, Any]]  # results as they come

# Draws of a block: with fewer, the slow ones at its end leave lanes of the kernel idle
# (4 % at 500, 14 % at 250); with few blocks, threads wait for each other.
_MOST_DRAWS, _LEAST_DRAWS = 1000, 400
_BLOCKS = 12  # wanted at least

LOCAL = "local:"
_CONNECT_SECONDS = 10
_ATTEMPTS_AFTER_LOST_WORKERS = 10


class BlockStore(Protocol):
    """Where finished blocks are kept between runs."""

    def check(self, work: str, settings: object) -> None:
        """Refuse what was kept under other settings."""

    def claim(self, work: str, settings: object) -> None:
        """Bind a work to its settings; refuse what was kept under others."""

    def load(self, work: str, piece: int) -> dict[str, NDArray[Any]] | None:
        """Return the arrays of a kept block, None if there is none to use."""

    def discard(self, work: str, piece: int, *, why: str) -> None:
        """Drop a kept block that cannot be used."""

    def save(self, work: str, piece: int, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Keep the arrays of a finished block."""


@dataclass(frozen=True, slots=True)
class Workers:
    """Who computes the blocks, and where finished ones are kept.

    threads : here, when there is no Dask.
    dask : address of a scheduler (tcp://host:port), or local:N for N processes here.
    """

    threads: int = 1
    dask: str | None = None
    store: BlockStore | None = None


@dataclass(frozen=True, slots=True)
class Work(Generic[B, R]):
    """Blocks to compute: `solve` of each is a dataclass `result` of arrays.

    name, settings : under which finished blocks are kept.
    size : what a block counts for in a progress.
    """

    name: str
    settings: object
    solve: Callable[[B], R]
    blocks: Sequence[B]
    result: type[R]
    size: Callable[[B], int] = lambda _: 1


def items_per_block(n_items: int, *, n_draws: int) -> int:
    """Return how many items (cells, companions) of so many draws make a good block."""
    share = n_items * n_draws // _BLOCKS
    return max(1, min(max(share, _LEAST_DRAWS), _MOST_DRAWS) // n_draws)


def check(works: Sequence[Work[Any, Any]], *, workers: Workers) -> None:
    """Refuse at once what `compute` would refuse when its turn comes.

    Raises
    ------
    InputUnusable
        where blocks of other settings were kept, or Dask cannot be used or reached.
    """
    if workers.store is not None:
        for work in works:
            workers.store.check(work.name, _bound_to(work.settings))
    if workers.dask is not None:
        _check_dask(workers.dask)


def compute(
    work: Work[B, R], *, workers: Workers, progress: Progress | None = None
) -> list[R]:
    """Return the result of every block, in the order of the blocks.

    Kept blocks are not computed again; new ones are kept as soon as they are there.
    A worker that dies loses nothing: its blocks go to the others.

    progress : called with sizes of blocks done and in all.

    Raises
    ------
    InputUnusable
        where blocks of other settings were kept, or Dask cannot be used or reached.
    """
    (results,) = compute_all([work], workers=workers, progress=progress)
    return results


def compute_all(
    works: Sequence[Work[Any, Any]],
    *,
    workers: Workers,
    progress: Progress | None = None,
) -> list[list[Any]]:
    """Return the results of several works, as `compute` does of each.

    Together, no worker waits at the end of one work for the others to begin the next.
    """
    found = [_kept(work, workers.store) for work in works]
    sizes = [[work.size(block) for block in work.blocks] for work in works]
    missing = [
        (work, place)
        for work, kept in enumerate(found)
        for place in _places(works[work])
        if place not in kept
    ]
    total = sum(sum(of_work) for of_work in sizes)
    done = total - sum(sizes[work][place] for work, place in missing)
    if progress is not None:
        progress(done, total)
    if missing:
        with _arrivals(works, missing, workers) as arrivals:
            for (work, place), result in arrivals:
                found[work][place] = result
                if workers.store is not None:
                    workers.store.save(works[work].name, place, _as_arrays(result))
                done += sizes[work][place]
                if progress is not None:
                    progress(done, total)
    return [
        [results[place] for place in _places(work)]
        for work, results in zip(works, found, strict=True)
    ]


def _places(work: Work[Any, Any]) -> range:
    return range(len(work.blocks))


def _kept(work: Work[B, R], store: BlockStore | None) -> dict[int, R]:
    """Return the blocks that need not be computed, by place."""
    found: dict[int, R] = {}
    if store is None:
        return found
    store.claim(work.name, _bound_to(work.settings))
    for place in _places(work):
        arrays = store.load(work.name, place)
        if arrays is None:
            continue
        try:
            found[place] = work.result(**arrays)
        except TypeError as other_arrays:
            store.discard(work.name, place, why=str(other_arrays))
    return found


def _bound_to(settings: object) -> dict[str, object]:
    """Return what kept blocks depend on: the settings, and the code."""
    return {"panoptic": __version__, "settings": settings}


def _as_arrays(result: Any) -> dict[str, NDArray[Any]]:
    return {item.name: getattr(result, item.name) for item in fields(result)}


@contextmanager
def _arrivals(
    works: Sequence[Work[Any, Any]], missing: list[Place], workers: Workers
) -> Iterator[Arrivals]:
    if workers.dask is None:
        pool = ThreadPoolExecutor(workers.threads)
        try:
            yield _from_threads(works, missing, pool)
        finally:  # after Ctrl-C too: blocks that have not begun never do
            pool.shutdown(cancel_futures=True)
    else:
        with connect(workers.dask) as client:
            yield _from_dask(works, missing, client)


def _from_threads(
    works: Sequence[Work[Any, Any]], missing: list[Place], pool: ThreadPoolExecutor
) -> Arrivals:
    jobs = {
        pool.submit(works[work].solve, works[work].blocks[place]): (work, place)
        for work, place in missing
    }
    for job in as_completed(jobs):
        yield jobs[job], job.result()


def _from_dask(
    works: Sequence[Work[Any, Any]], missing: list[Place], client: Client
) -> Arrivals:
    from distributed import as_completed as as_dask_completes

    # Not pure for Dask: it shall not answer from what it computed for another run.
    jobs = client.map(
        _solve,
        [(works[work].solve, works[work].blocks[place]) for work, place in missing],
        pure=False,
        retries=_ATTEMPTS_AFTER_LOST_WORKERS,
    )
    place_of = {job.key: place for job, place in zip(jobs, missing, strict=True)}
    for job, result in as_dask_completes(jobs, with_results=True):
        yield place_of[job.key], result
        job.release()  # the scheduler need not hold what is here


def _solve(task: tuple[Callable[[B], R], B]) -> R:
    solve, block = task
    return solve(block)


@contextmanager
def connect(address: str) -> Iterator[Client]:
    """Yield a client of a running scheduler, or of local:N processes started for it.

    Raises
    ------
    InputUnusable
        where Dask is not installed, N is no number, or nobody answers.
    """
    dask, distributed = _dask(address)
    settings = {"distributed.scheduler.allowed-failures": _ATTEMPTS_AFTER_LOST_WORKERS}
    with dask.config.set(settings):
        if not address.startswith(LOCAL):
            with _client(address) as client:
                yield client
            return
        with (
            distributed.LocalCluster(
                n_workers=_n_processes(address),
                threads_per_worker=1,
                dashboard_address=None,
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client


def _check_dask(address: str) -> None:
    _dask(address)
    if address.startswith(LOCAL):
        _n_processes(address)
    else:
        _client(address).close()


def _dask(address: str) -> tuple[ModuleType, ModuleType]:
    """Return the two modules of Dask that are used."""
    try:
        import dask
        import distributed
    except ImportError as absent:
        raise InputUnusable(
            f"--dask {address} needs Dask, which is not installed: "
            "python -m pip install distributed"
        ) from absent
    return dask, distributed


def _client(address: str) -> Client:
    _, distributed = _dask(address)
    try:
        return distributed.Client(address, timeout=_CONNECT_SECONDS)
    except (OSError, ValueError) as silence:
        raise InputUnusable(
            f"no Dask scheduler answers at {address}: {silence}"
        ) from silence


def _n_processes(address: str) -> int:
    text = address.removeprefix(LOCAL)
    if not text.isdigit() or int(text) < 1:
        raise InputUnusable(f"--dask {address}: local:N needs a number N of 1 or more")
    return int(text)
