"""Blocks of work: same numbers whoever computes them, nothing lost, nothing mixed."""

import os
import signal
import time
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

from panoptic.dynamics.scale_out import Work, Workers, check, compute, compute_all
from panoptic.failures import ExitCode, InputUnusable
from panoptic.reporting.partial_results import PartialResults


@dataclass(frozen=True, slots=True)
class Powers:
    values: NDArray[np.float64]


def powers(block: int) -> Powers:
    time.sleep(0.02)
    return Powers(block ** np.arange(4.0))


def minus(block: int) -> Powers:
    return Powers(-(block ** np.arange(4.0)))


def refuse(block: int) -> Powers:
    raise AssertionError(f"block {block} was computed")


def work(solve=powers, n=12, **settings):
    return Work(
        name="powers",
        settings={"base": 2} | settings,
        solve=solve,
        blocks=range(n),
        result=Powers,
    )


def values(results):
    return np.array([result.values for result in results])


EXPECTED = np.arange(12.0)[:, None] ** np.arange(4.0)


def test_works_done_together_keep_their_own(tmp_path):
    works = [work(n=3), replace(work(minus, n=5), name="minus")]
    first, calls = PartialResults(tmp_path, resume=False), []
    together = compute_all(
        works,
        workers=Workers(threads=2, store=first),
        progress=lambda done, total: calls.append((done, total)),
    )
    assert_array_equal(values(together[0]), EXPECTED[:3])
    assert_array_equal(values(together[1]), -EXPECTED[:5])
    assert calls == [(done, 8) for done in range(9)]
    kept = Workers(store=PartialResults(tmp_path, resume=True))
    refused = [replace(one, solve=refuse) for one in works]
    again = compute_all(refused, workers=kept)
    assert_array_equal(values(again[1]), -EXPECTED[:5])


@pytest.mark.parametrize("threads", [1, 3])
def test_results_come_in_the_order_of_the_blocks(threads):
    calls = []
    results = compute(
        work(),
        workers=Workers(threads=threads),
        progress=lambda done, total: calls.append((done, total)),
    )
    assert_array_equal(values(results), EXPECTED)
    assert calls == [(done, 12) for done in range(13)]


def test_finished_blocks_are_not_computed_again(tmp_path):
    first = PartialResults(tmp_path, resume=False)
    compute(work(), workers=Workers(store=first))
    said = []
    again = PartialResults(tmp_path, resume=True, say=said.append)
    results = compute(work(refuse), workers=Workers(store=again))
    assert_array_equal(values(results), EXPECTED)
    assert "after 12 finished pieces" in said[0]


def test_a_run_that_fails_in_the_middle_goes_on_where_it_stopped(tmp_path):
    def breaks(block):
        if block == 7:
            raise KeyboardInterrupt
        return powers(block)

    with pytest.raises(KeyboardInterrupt):
        compute(
            work(breaks), workers=Workers(store=PartialResults(tmp_path, resume=False))
        )
    computed = []

    def counts(block):
        computed.append(block)
        return powers(block)

    store = PartialResults(tmp_path, resume=True)
    results = compute(work(counts), workers=Workers(store=store))
    assert_array_equal(values(results), EXPECTED)
    assert computed == list(range(7, 12))


def test_without_resume_everything_is_computed(tmp_path):
    store = PartialResults(tmp_path, resume=False)
    compute(work(), workers=Workers(store=store))
    with pytest.raises(AssertionError, match="was computed"):
        compute(
            work(refuse), workers=Workers(store=PartialResults(tmp_path, resume=False))
        )


def test_what_was_kept_under_other_settings_is_refused(tmp_path):
    store = PartialResults(tmp_path, resume=False)
    compute(work(model={"lag": 1.0}), workers=Workers(store=store))
    with pytest.raises(InputUnusable, match=r"model\.lag was 1\.0, is 2\.0") as refused:
        compute(
            work(model={"lag": 2.0}),
            workers=Workers(store=PartialResults(tmp_path, resume=True)),
        )
    assert refused.value.exit_code == ExitCode.INPUT_UNUSABLE
    assert "base" not in str(refused.value)


def test_what_will_be_refused_can_be_refused_at_once(tmp_path):
    compute(work(), workers=Workers(store=PartialResults(tmp_path, resume=False)))
    store = PartialResults(tmp_path, resume=True)
    check([work(), replace(work(), name="another")], workers=Workers(store=store))
    with pytest.raises(InputUnusable, match=r"base was 2, is 3"):
        check([work(base=3)], workers=Workers(store=store))
    assert list(tmp_path.iterdir()) == [tmp_path / "powers"]  # nothing was claimed
    anew = PartialResults(tmp_path, resume=False)
    check([work(base=3)], workers=Workers(store=anew))


def test_blocks_of_another_version_are_refused(tmp_path, monkeypatch):
    compute(work(), workers=Workers(store=PartialResults(tmp_path, resume=False)))
    monkeypatch.setattr("panoptic.dynamics.scale_out.__version__", "99.0")
    with pytest.raises(InputUnusable, match=r"panoptic was .*, is 99\.0"):
        compute(work(), workers=Workers(store=PartialResults(tmp_path, resume=True)))


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[: len(content) // 2],
        lambda content: b"",
        lambda content: content[:100] + bytes([content[100] ^ 1]) + content[101:],
    ],
    ids=["cut", "empty", "bit flipped"],
)
def test_a_damaged_piece_is_computed_again_and_said(tmp_path, damage):
    compute(work(), workers=Workers(store=PartialResults(tmp_path, resume=False)))
    piece = tmp_path / "powers" / "00003.npz"
    piece.write_bytes(damage(piece.read_bytes()))
    said = []
    store = PartialResults(tmp_path, resume=True, say=said.append)
    results = compute(work(), workers=Workers(store=store))
    assert_array_equal(values(results), EXPECTED)
    assert any("piece 3 is computed again" in sentence for sentence in said)


def test_a_piece_with_other_arrays_is_computed_again(tmp_path):
    compute(work(), workers=Workers(store=PartialResults(tmp_path, resume=False)))
    PartialResults(tmp_path, resume=True).save("powers", 5, {"other": np.ones(2)})
    store = PartialResults(tmp_path, resume=True)
    assert_array_equal(values(compute(work(), workers=Workers(store=store))), EXPECTED)


# --- with a real scheduler -----------------------------------------------------------


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as running:
        yield running


def test_dask_gives_the_same_numbers_and_keeps_them(cluster, tmp_path):
    store = PartialResults(tmp_path, resume=False)
    workers = Workers(dask=cluster.scheduler_address, store=store)
    check([], workers=workers)
    assert_array_equal(values(compute(work(), workers=workers)), EXPECTED)
    kept = PartialResults(tmp_path, resume=True)
    again = compute(work(refuse), workers=Workers(store=kept))
    assert_array_equal(values(again), EXPECTED)


def test_a_worker_killed_in_the_middle_loses_nothing(cluster):
    killed = []

    def kill(done, total):
        if done == 5 and not killed:
            victim = next(iter(cluster.workers.values())).pid
            os.kill(victim, signal.SIGKILL)
            killed.append(victim)

    workers = Workers(dask=cluster.scheduler_address)
    results = compute(work(n=40), workers=workers, progress=kill)
    assert killed
    assert_array_equal(values(results), np.arange(40.0)[:, None] ** np.arange(4.0))


def test_nobody_at_the_address_is_said_with_the_exit_code(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("panoptic.dynamics.scale_out._CONNECT_SECONDS", 0.3)
    with pytest.raises(InputUnusable, match="no Dask scheduler answers at tcp://"):
        compute(work(), workers=Workers(dask="tcp://127.0.0.1:9"))
    with pytest.raises(InputUnusable, match="no Dask scheduler answers at tcp://"):
        check([], workers=Workers(dask="tcp://127.0.0.1:9"))


@pytest.mark.parametrize("address", ["local:", "local:0", "local:two"])
def test_a_number_of_processes_is_asked_for(address):
    pytest.importorskip("distributed")
    with pytest.raises(InputUnusable, match="needs a number"):
        compute(work(), workers=Workers(dask=address))
    with pytest.raises(InputUnusable, match="needs a number"):
        check([], workers=Workers(dask=address))
