"""Kernel threads and side processes: same answers, no process left behind."""

import gc
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numba
import pytest
from threadpoolctl import threadpool_info

from panoptic.machine import (
    SideProcesses,
    kernel_threads,
    rare_collection,
    side_processes,
)


@pytest.fixture(scope="module")
def side():
    with side_processes(2, imports="fractions") as processes:
        yield processes


def whereabouts(item, pause_s=0.0):
    time.sleep(pause_s)
    return item, os.getpid()


def test_without_side_processes_all_is_done_here():
    with side_processes(0, imports="no_such_module") as side:
        assert side.map(whereabouts, [1, 2]) == [(1, os.getpid()), (2, os.getpid())]


def test_items_come_in_order_and_every_process_works(side):
    steps = []
    side.map(partial(whereabouts, pause_s=0.3), range(6))  # by now they have started
    found = side.map(
        partial(whereabouts, pause_s=0.05),
        range(9),
        progress=lambda *step: steps.append(step),
    )
    assert [item for item, _ in found] == list(range(9))
    pids = {pid for _, pid in found}
    assert len(pids) == 3
    assert os.getpid() in pids
    assert sorted(steps) == [(done, 9) for done in range(1, 10)]


def test_an_error_in_any_item_is_raised_here(side):
    with pytest.raises(ZeroDivisionError):
        side.map(partial(divmod, 1), [1, 2, 0, 4])
    with pytest.raises(ZeroDivisionError):
        side.map(fail_unless, [os.getpid()] * 3)


def fail_unless(pid):
    """Fail in every process but the given one, which lets the others begin."""
    time.sleep(0.2)
    return 1 / (os.getpid() == pid)


def leave_a_trace(item, *, folder, pid):
    """Fail in the given process; in others take some time and leave a file."""
    if os.getpid() == pid:
        raise KeyboardInterrupt
    time.sleep(0.2)
    (folder / str(item)).touch()


def test_after_an_error_here_nobody_begins_another(side, tmp_path):
    side.map(whereabouts, range(3))
    with pytest.raises(KeyboardInterrupt):
        side.map(partial(leave_a_trace, folder=tmp_path, pid=os.getpid()), range(20))
    assert len(list(tmp_path.iterdir())) <= 4  # two processes, what they had begun


def end_unless(pid):
    """Kill the process that this runs in, if it is not the given one."""
    if os.getpid() != pid:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.1)
    return "here"


def test_a_process_that_dies_leaves_its_work_to_this_one():
    with side_processes(1, imports="fractions") as side:
        side.map(partial(whereabouts, pause_s=0.3), range(3))
        for _ in range(2):  # when it dies, and when it is dead
            assert side.map(end_unless, [os.getpid()] * 5) == ["here"] * 5


def test_an_unknown_module_is_no_reason_to_stop():
    with side_processes(2, imports="no_such_module") as side:
        assert [i for i, _ in side.map(whereabouts, [1, 2])] == [1, 2]


def test_what_is_imported_meanwhile_is_there_in_the_end():
    code = (
        "import sys, time; from panoptic.machine import import_meanwhile;"
        "import_meanwhile('wave', 'fractions'); import fractions;"
        "time.sleep(0.2); sys.exit('wave' not in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_garbage_collector_looks_rarely_and_then_as_before():
    before = gc.get_threshold()
    with rare_collection():
        assert gc.get_threshold()[0] > 10 * before[0]
    assert gc.get_threshold() == before


KILLED = """
import os, signal, time
from panoptic.machine import side_processes
from tests.test_machine import whereabouts
if __name__ == "__main__":
    with side_processes(2, imports="fractions") as side:
        side._executor.submit(whereabouts, 0).result()
        print(min(side._executor._processes), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_no_process_outlives_a_killed_run(tmp_path):
    script = tmp_path / "killed.py"
    script.write_text(KILLED, encoding="utf-8")
    run = subprocess.run(
        [sys.executable, str(script)],
        env=os.environ | {"PYTHONPATH": "."},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == -signal.SIGKILL
    pid = int(run.stdout)
    for _ in range(100):
        if not alive(pid):
            break
        time.sleep(0.1)
    assert not alive(pid)


def alive(pid):
    """Say whether a process runs; one that ended and was not yet fetched does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except FileNotFoundError:
        return False
    return state.rpartition(")")[2].split()[0] != "Z"


def test_kernels_and_blas_are_held_and_let_go():
    before = numba.get_num_threads()
    with kernel_threads(1) as n_threads:
        assert n_threads == numba.get_num_threads() == 1
        assert {library["num_threads"] for library in threadpool_info()} <= {1}
    assert numba.get_num_threads() == before


def test_nobody_gets_more_threads_than_numba_was_started_with():
    with kernel_threads(10_000) as n_threads:
        assert n_threads == numba.config.NUMBA_NUM_THREADS


def test_a_pool_is_not_needed_to_share_nothing():
    assert SideProcesses().map(whereabouts, []) == []
