"""What of the machine a run uses: threads of kernels and BLAS, side processes."""

import importlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, nullcontext
from typing import TypeVar

Item = TypeVar("Item")
Done = TypeVar("Done")

_MOST_SIDE_PROCESSES = 4  # each spends seconds on its imports before it is of use


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

    def __init__(self, executor: Executor | None) -> None:
        self._executor = executor

    def map(
        self, function: Callable[[Item], Done], items: Iterable[Item]
    ) -> Iterator[Done]:
        """Return function(item) of each item, in order, whoever makes it.

        Function and items must be picklable. An error in any of them is raised here; a
        process that dies leaves its items to this one.
        """
        if self._executor is None:
            return map(function, items)
        begun = [(item, _begin(self._executor, function, item)) for item in items]
        return (_result(future, function, item) for item, future in begun)


def _begin(
    executor: Executor, function: Callable[[Item], Done], item: Item
) -> Future[Done] | None:
    try:
        return executor.submit(function, item)
    except BrokenProcessPool:
        return None


def _result(
    future: Future[Done] | None, function: Callable[[Item], Done], item: Item
) -> Done:
    try:
        return function(item) if future is None else future.result()
    except BrokenProcessPool:
        return function(item)


@contextmanager
def side_processes(n: int, *, imports: str) -> Iterator[SideProcesses]:
    """Start processes that import a module at once, while this one is busy.

    They are spawned, not forked: a fork would copy the kernels' threads in whatever
    state they are. With n = 1 there are none: everything is done in this process.
    """
    if n == 1:
        yield SideProcesses(None)
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
        yield SideProcesses(executor)
    finally:
        executor.shutdown(cancel_futures=True)


def _stand_by(imports: str) -> None:
    """Leave Ctrl-C to the run, end when it ends however that is, and get ready."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_run, daemon=True).start()
    importlib.import_module(imports)


def _end_with_the_run() -> None:
    run = multiprocessing.parent_process()
    if run is not None:
        run.join()
        os._exit(1)
