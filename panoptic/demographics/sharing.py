"""Jobs shared out among as many threads as numba may use.

Threads that let go of the interpreter, not prange, and the loop over jobs outside of
the kernels: every level of kernels above a fit takes seconds to compile, prange most of
all. Each job writes only its own slots, so the numbers do not depend on the threads.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from numba import get_num_threads

_SPAN = 8  # jobs a thread takes at a time; spans of unequal work even out


def share_out(n_jobs: int, run: Callable[[int], None]) -> None:
    """Run every job from 0 to n_jobs - 1; `run` spends its time in nogil kernels."""
    n_threads = get_num_threads()
    if n_threads == 1 or n_jobs <= _SPAN:
        _run_span(run, range(n_jobs))
        return
    spans = (range(n_jobs)[first : first + _SPAN] for first in range(0, n_jobs, _SPAN))
    with ThreadPoolExecutor(n_threads) as pool:
        for answer in [pool.submit(_run_span, run, span) for span in spans]:
            answer.result()


def _run_span(run: Callable[[int], None], span: range) -> None:
    for job in span:
        run(job)
