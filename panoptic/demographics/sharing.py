"""Jobs shared out among as many threads as numba may use.

Threads that let go of the interpreter, not prange, which takes seconds to compile. Each
job writes only its own slots, so the numbers do not depend on the threads.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from numba import get_num_threads

_SPAN = 8  # jobs a thread takes at a time; spans of unequal work even out


def share_out(n_jobs: int, run: Callable[[int, int], None]) -> None:
    """Run every job from 0 to n_jobs - 1; `run` takes those from start to stop - 1.

    It spends its time in nogil kernels.
    """
    n_threads = get_num_threads()
    if n_threads == 1 or n_jobs <= _SPAN:
        run(0, n_jobs)
        return
    with ThreadPoolExecutor(n_threads) as pool:
        spans = [
            pool.submit(run, start, min(start + _SPAN, n_jobs))
            for start in range(0, n_jobs, _SPAN)
        ]
        for span in spans:
            span.result()
