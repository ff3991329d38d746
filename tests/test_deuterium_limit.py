"""The deuterium limit: exact lines, breaks put in, and what cannot be told."""

import numpy as np
import pytest
from scipy.stats import ks_2samp

from panoptic.demographics import deuterium_limit as room
from panoptic.demographics.deuterium_limit import (
    DeuteriumAnswer,
    examine_deuterium_limit,
    state_deuterium_limit,
)
from panoptic.statement import NotRun
from tests.oracles_mixture import make_companions

HOST_MJUP = 0.15 * 1047.566  # the host of a made catalogue, as its q is scaled


def _companions(offset, *, rng, log_a=None, ecc=None, per_host=1):
    """Make companions at these log10 mass over the limit."""
    n = len(offset)
    log_q = np.asarray(offset) + np.log10(13.0 / HOST_MJUP)
    return make_companions(
        log_q,
        rng.normal(size=n) if log_a is None else log_a,
        host=[f"star {i // per_host}" for i in range(n)],
        method=["Imaging"] * n,
        ecc=ecc,
    )


def _examine(companions, seed=1):
    return examine_deuterium_limit(
        companions, n_bootstrap=300, n_permutations=199, rng=np.random.default_rng(seed)
    )


@pytest.mark.parametrize("bandwidth", [0.35, 0.5, 0.7])
def test_a_density_on_two_lines_is_found_exactly(bandwidth):
    edges, weights = room._edge_weights(bandwidth)
    centres = 0.5 * (edges[1:] + edges[:-1])
    width = edges[1] - edges[0]
    below, above = 2.0 - 1.5 * centres, 5.0 + 3.0 * centres
    counts = width * np.where(centres < 0, below, above)
    assert weights @ counts == pytest.approx([2.0, 5.0])
    assert edges[0] == pytest.approx(-bandwidth)


def test_rows_fall_in_their_bins_and_the_limit_itself_lies_above():
    edges, _ = room._edge_weights(0.5)
    at = room._bin_rows(np.array([-0.51, -0.5, -0.01, 0.0, 0.03, 0.499, 0.5]), edges)
    assert list(at) == [20, 0, 9, 10, 10, 19, 20]


def test_the_step_is_the_difference_of_the_sides():
    rng = np.random.default_rng(2)
    offset = np.concatenate([-rng.random(1500), rng.random(500)])
    step = _examine(_companions(offset, rng=rng)).steps[0]
    assert step.density_below == pytest.approx(0.75, abs=0.1)
    assert step.density_above == pytest.approx(0.25, abs=0.1)
    assert step.step == pytest.approx(step.density_above - step.density_below)
    assert step.log10_ratio == pytest.approx(np.log10(1 / 3), abs=0.15)
    assert step.step_95[0] < step.step < step.step_95[1] < 0


def test_a_break_is_called_one():
    rng = np.random.default_rng(3)
    offset = np.concatenate([-rng.random(400), rng.random(60)])
    found = _examine(_companions(offset, rng=rng))
    assert found.answer is DeuteriumAnswer.BREAK
    assert "breaks" in state_deuterium_limit(found)[0].text


def test_a_smooth_density_with_many_rows_is_called_continuous():
    rng = np.random.default_rng(4)
    found = _examine(_companions(rng.uniform(-1.2, 1.2, 900), rng=rng))
    assert found.answer is DeuteriumAnswer.CONTINUOUS
    assert {p.factor: p.power for p in found.power}[3.0] > 0.8
    assert "without a break" in state_deuterium_limit(found)[0].text


@pytest.mark.parametrize("n", [14, 40])
def test_few_rows_cannot_tell(n):
    rng = np.random.default_rng(5)
    found = _examine(_companions(rng.uniform(-1.0, 1.0, n), rng=rng))
    assert found.answer is DeuteriumAnswer.CANNOT_TELL
    assert "cannot tell" in state_deuterium_limit(found)[0].text


def test_smooth_densities_are_rarely_called_broken():
    rng = np.random.default_rng(6)
    broken = [
        _examine(_companions(rng.normal(-0.2, 0.6, 150), rng=rng), seed).answer
        is DeuteriumAnswer.BREAK
        for seed in range(12)
    ]
    assert sum(broken) <= 2


def test_a_host_counts_once_in_the_errors():
    rng = np.random.default_rng(7)
    single = _companions(rng.uniform(-0.9, 0.9, 60), rng=rng)
    copies = np.repeat(np.arange(60), 4)
    crowded = single.where(copies)
    alone, together = _examine(single).steps[0], _examine(crowded).steps[0]
    assert together.n_below + together.n_above == 4 * (alone.n_below + alone.n_above)
    assert together.n_hosts_below == alone.n_hosts_below
    assert together.step == pytest.approx(alone.step)
    width = [step.step_95[1] - step.step_95[0] for step in (alone, together)]
    assert width[1] == pytest.approx(width[0], rel=0.2)


def test_the_sides_are_compared_as_scipy_does():
    rng = np.random.default_rng(8)
    x = np.round(rng.normal(size=40), 1)  # with ties
    above = rng.random(40) < 0.4
    ours = room._ks(x, above[None])[0]
    assert ours == pytest.approx(ks_2samp(x[above], x[~above]).statistic)


def test_a_shift_between_the_sides_is_seen():
    rng = np.random.default_rng(9)
    offset = rng.uniform(-0.9, 0.9, 60)
    shifted = rng.normal(size=60) + 3.0 * (offset > 0)
    found = _examine(
        _companions(offset, rng=rng, log_a=shifted, ecc=rng.random(60) * 0.9)
    )
    axis, ecc = found.sides
    assert (axis.quantity, ecc.quantity) == ("log10 a", "e")
    assert axis.p == pytest.approx(1 / 200)
    assert ecc.p > 0.05
    assert axis.median_above - axis.median_below > 2
    assert 0.5 < axis.power_one_sigma <= 1.0
    said = [statement.text for statement in state_deuterium_limit(found)]
    assert "differs" in said[1]
    assert "not seen to differ" in said[2]


def test_rows_beyond_a_factor_of_ten_are_not_neighbours():
    rng = np.random.default_rng(10)
    offset = np.concatenate([rng.uniform(-0.9, 0.9, 40), np.full(30, -2.5)])
    axis = _examine(_companions(offset, rng=rng)).sides[0]
    assert axis.n_below + axis.n_above == 40


@pytest.mark.parametrize("n", [0, 1, 9])
def test_too_few_hosts_are_said(n):
    rng = np.random.default_rng(11)
    found = _examine(_companions(rng.uniform(-1, 1, n), rng=rng))
    assert isinstance(found, NotRun)
    assert f"{n} hosts" in found.reason
    assert state_deuterium_limit(found)[0].evidence == found.reason


def test_one_sided_samples_and_absent_eccentricities_do_not_fail():
    rng = np.random.default_rng(12)
    found = _examine(_companions(rng.uniform(-1, -0.1, 30), rng=rng))
    assert found.answer is DeuteriumAnswer.CANNOT_TELL
    assert found.steps[0].log10_ratio is None
    assert found.sides[1].ks is None
    assert "could not be compared" in state_deuterium_limit(found)[2].text
