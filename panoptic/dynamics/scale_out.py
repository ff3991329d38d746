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
Arrivals = Iterator[tuple[int, R]]  # place of a block and its result, as they come

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
    """

    name: str
    settings: object
    solve: Callable[[B], R]
    blocks: Sequence[B]
    result: type[R]


def items_per_block(n_items: int, *, n_draws: int) -> int:
    """Return how many items (cells, companions) of so many draws make a good block."""
    share = n_items * n_draws // _BLOCKS
    return max(1, min(max(share, _LEAST_DRAWS), _MOST_DRAWS) // n_draws)


def check(kept: Mapping[str, object], *, workers: Workers) -> None:
    """Refuse at once what `compute` would refuse when its turn comes.

    kept : settings by the name of the work they belong to.

    Raises
    ------
    InputUnusable
        where blocks of other settings were kept, or Dask cannot be used or reached.
    """
    if workers.store is not None:
        for name, settings in kept.items():
            workers.store.check(name, _bound_to(settings))
    if workers.dask is not None:
        _check_dask(workers.dask)


def compute(
    work: Work[B, R], *, workers: Workers, progress: Progress | None = None
) -> list[R]:
    """Return the result of every block, in the order of the blocks.

    Kept blocks are not computed again; new ones are kept as soon as they are there.
    A worker that dies loses nothing: its blocks go to the others.

    progress : called with blocks done and in all.

    Raises
    ------
    InputUnusable
        where blocks of other settings were kept, or Dask cannot be used or reached.
    """
    found = _kept(work, workers.store)
    missing = [place for place in range(len(work.blocks)) if place not in found]
    if progress is not None:
        progress(len(found), len(work.blocks))
    if missing:
        with _arrivals(work, missing, workers) as arrivals:
            for place, result in arrivals:
                found[place] = result
                if workers.store is not None:
                    workers.store.save(work.name, place, _as_arrays(result))
                if progress is not None:
                    progress(len(found), len(work.blocks))
    return [found[place] for place in range(len(work.blocks))]


def _kept(work: Work[B, R], store: BlockStore | None) -> dict[int, R]:
    """Return the blocks that need not be computed, by place."""
    found: dict[int, R] = {}
    if store is None:
        return found
    store.claim(work.name, _bound_to(work.settings))
    for place in range(len(work.blocks)):
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
    work: Work[B, R], missing: list[int], workers: Workers
) -> Iterator[Arrivals[R]]:
    if workers.dask is None:
        pool = ThreadPoolExecutor(workers.threads)
        try:
            yield _from_threads(work, missing, pool)
        finally:  # after Ctrl-C too: blocks that have not begun never do
            pool.shutdown(cancel_futures=True)
    else:
        with connect(workers.dask) as client:
            yield _from_dask(work, missing, client)


def _from_threads(
    work: Work[B, R], missing: list[int], pool: ThreadPoolExecutor
) -> Arrivals[R]:
    jobs = {pool.submit(work.solve, work.blocks[place]): place for place in missing}
    for job in as_completed(jobs):
        yield jobs[job], job.result()


def _from_dask(work: Work[B, R], missing: list[int], client: Client) -> Arrivals[R]:
    from distributed import as_completed as as_dask_completes

    # Not pure for Dask: it shall not answer from what it computed for another run.
    jobs = client.map(
        work.solve,
        [work.blocks[place] for place in missing],
        pure=False,
        retries=_ATTEMPTS_AFTER_LOST_WORKERS,
    )
    place_of = {job.key: place for job, place in zip(jobs, missing, strict=True)}
    for job, result in as_dask_completes(jobs, with_results=True):
        yield place_of[job.key], result
        job.release()  # the scheduler need not hold what is here


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
