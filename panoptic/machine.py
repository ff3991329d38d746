"""What of the machine a run uses: threads of kernels and BLAS, side processes."""

import atexit
import gc
import importlib
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, nullcontext, suppress
from typing import TypeVar

Item = TypeVar("Item")
Done = TypeVar("Done")

_MOST_SIDE_PROCESSES = 4  # each spends a second on its imports before it is of use
_ALLOCATIONS = 100_000  # between looks of the garbage collector; Python's own: 700


@contextmanager
def kernel_threads(wanted: int) -> Iterator[int]:
    """Hold numba to so many threads (at most those it was started with), BLAS to one.

    BLAS's own threads are of no use on matrices this small, and fight the kernels'.
    """
    import numba  # here: --help needs none of it
    from threadpoolctl import threadpool_limits

    before = numba.get_num_threads()
    n_threads = min(wanted, numba.config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]
    numba.set_num_threads(n_threads)
    try:
        with threadpool_limits(limits=1):
            yield n_threads
    finally:
        numba.set_num_threads(before)


class SideProcesses:
    """Processes beside this one, for Python code that threads cannot share."""

    def __init__(self, executor: Executor | None = None, *, n: int = 0) -> None:
        self._executor = executor
        self._n = n

    def map(
        self,
        function: Callable[[Item], Done],
        items: Sequence[Item],
        *,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[Done]:
        """Return function(item) of each item, in order, whoever makes it.

        This process makes its share: whoever is free takes the next item. Function and
        items must be picklable. An error in any of them is raised here; a process that
        dies leaves its item to this one.
        """
        waiting, orphans = deque(range(len(items))), deque[int]()
        made: dict[int, Done] = {}

        def keep(place: int, done: Done) -> None:
            made[place] = done
            if progress is not None:
                progress(len(made), len(items))

        def make_beside(executor: Executor) -> None:
            for place in _each_once(waiting):
                try:
                    keep(place, executor.submit(function, items[place]).result())
                except BrokenProcessPool:
                    orphans.append(place)
                    return

        with ThreadPoolExecutor(max(self._n, 1)) as pool:  # threads that only wait
            beside = [
                pool.submit(make_beside, self._executor)
                for _ in range(self._n)
                if self._executor is not None
            ]
            try:
                for place in _each_once(waiting):
                    keep(place, function(items[place]))
            finally:
                waiting.clear()  # after an error nobody begins another
        for answer in beside:
            answer.result()
        for place in orphans:
            keep(place, function(items[place]))
        return [made[place] for place in range(len(items))]


def _each_once(waiting: deque[int]) -> Iterator[int]:
    """Hand out what waits, to several threads if need be."""
    with suppress(IndexError):
        while True:
            yield waiting.popleft()


@contextmanager
def side_processes(n: int, *, imports: str) -> Iterator[SideProcesses]:
    """Start processes that import a module at once, while this one is busy.

    They are spawned, not forked: a fork would copy the kernels' threads in whatever
    state they are. With n = 0 everything is done in this process.
    """
    if n == 0:
        yield SideProcesses()
        return
    n = min(n, _MOST_SIDE_PROCESSES)
    executor = ProcessPoolExecutor(
        n,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_stand_by,
        initargs=(imports,),
    )
    try:
        for _ in range(n):
            executor.submit(nullcontext)  # a process is started when it is asked for
        yield SideProcesses(executor, n=n)
    finally:
        executor.shutdown(cancel_futures=True)


def import_meanwhile(*names: str) -> None:
    """Import modules on a thread: kernels leave it the interpreter, and a core.

    Who needs one of them before it is there waits for it, as for any import.
    """
    threading.Thread(target=_import_all, args=(names,), daemon=True).start()


def _import_all(names: Sequence[str]) -> None:
    for name in names:
        importlib.import_module(name)


@contextmanager
def rare_collection() -> Iterator[None]:
    """Let the garbage collector look rarely: importing and drawing make much to see.

    A tenth of the time of both goes into looking at what lives on.
    """
    before = gc.get_threshold()
    gc.set_threshold(_ALLOCATIONS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _stand_by(imports: str) -> None:
    """Leave Ctrl-C to the run, end when it ends however that is, and get ready."""
    gc.set_threshold(_ALLOCATIONS, *gc.get_threshold()[1:])
    atexit.register(gc.freeze)  # who ends need not look through what is left
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_run, daemon=True).start()
    importlib.import_module(imports)


def _end_with_the_run() -> None:
    run = multiprocessing.parent_process()
    if run is not None:
        run.join()
        os._exit(1)
