"""The physical map: bookkeeping against a plain loop, workers, resuming, refusals."""

import os
import signal
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from panoptic.constants import MSUN_MJUP
from panoptic.dynamics.feasibility import draw_orbits, map_feasibility
from panoptic.dynamics.kozai_lidov import mardling_aarseth_ratio
from panoptic.dynamics.outcomes import Outcome
from panoptic.dynamics.perturbers import InnerOrbit, OuterOrbitPrior, PerturberGrid
from panoptic.dynamics.scale_out import Workers
from panoptic.dynamics.secular import evolve
from panoptic.dynamics.secular_map import (
    ARRIVED,
    SecularModel,
    SecularRequest,
    map_secular,
)
from panoptic.dynamics.triples import Triples
from panoptic.failures import InputUnusable
from panoptic.reporting.partial_results import PartialResults

MODEL = SecularModel(
    horizon_gyr=0.01,
    horizons_gyr=(0.003, 0.01),
    disruption_factors=(2.7, 2.0),
    time_lag_s=100.0,
    max_steps=20_000,
)
# Steep orbits of a strong tide, so that a few draws end in every way.
REQUEST = SecularRequest(
    grid=PerturberGrid.log_spaced((0.05, 0.3), (8.0, 40.0), n_mass=2, n_axis=3),
    inner=InnerOrbit(0.207, 0.2276, 0.168, 0.855, (1.0, 1.0)),
    prior=OuterOrbitPrior(inclination_range_deg=(75.0, 105.0)),
    model=MODEL,
    target_axis_au=0.026,
    r_crit_rstar=5.0,
    n_draws=12,
    seed=6894,
)


@pytest.fixture(scope="module")
def found():
    return map_secular(REQUEST)


def follow_one(cell, draw):
    """One draw's triple, alone, by the plainest route."""
    mass, axis_out = (column[cell] for column in REQUEST.grid.per_cell())
    orbit = draw_orbits(
        [cell], REQUEST.prior, axis_range_au=(1.0, 1.0), n_draws=12, seed=6894
    )
    cos_i, e_out = orbit.cos_inclination[0, draw], orbit.ecc_out[0, draw]
    triple = Triples.of(
        host_mass_msun=0.207,
        companion_mass_msun=0.168 / MSUN_MJUP,
        perturber_mass_msun=mass,
        inner_a_au=orbit.axis_au[0, draw],
        inner_e=MODEL.first_ecc,
        outer_a_au=axis_out,
        outer_e=e_out,
        inclination_rad=np.arccos(cos_i),
        pericentre_rad=orbit.pericentre_rad[0, draw],
        node_rad=orbit.node_rad[0, draw],
        companion_radius_rjup=0.855,
        time_lag_s=100.0,
    )
    q = mass / REQUEST.inner.mass_msun
    needed = mardling_aarseth_ratio(q, ecc_out=e_out, cos_inclination=cos_i)
    return evolve(
        triple,
        t_end_yr=1e7,
        disruption_factors=(2.7, 2.0),
        max_steps=20_000,
        unstable=np.array([axis_out <= needed]),
    )


def test_the_map_counts_what_a_plain_loop_counts(found):
    cells = [0, 2, 5]
    for cell in cells:
        counts = np.zeros((2, 2, len(Outcome) + 1), dtype=int)
        for draw in range(12):
            alone = follow_one(cell, draw)
            for h, t_yr in enumerate((3e6, 1e7)):
                for f, factor in enumerate((2.7, 2.0)):
                    (code,) = alone.outcome_at(t_yr=t_yr, disruption_factor=factor)
                    counts[h, f, code] += 1
                    near = 0.013 <= alone.circular_a_au[0] <= 0.052
                    counts[h, f, ARRIVED] += near and code == Outcome.MIGRATED
        got = found.counts.reshape(6, 2, 2, -1)[cell]
        assert_array_equal(got, counts, err_msg=f"cell {cell}")


def test_every_way_to_end_is_seen_and_every_draw_counted(found):
    headline = {code: found.count(code).sum() for code in Outcome}
    assert all(headline[code] > 0 for code in (0, 1, 2, 3))
    assert_array_equal(found.counts[..., :ARRIVED].sum(axis=-1), 12)
    assert sum(found.settled.values()) == found.n_total == 72
    assert found.agreement.sum() == 72
    assert_array_equal(found.agreement.sum(axis=0), list(headline.values()))


def test_the_ladder_is_ordered(found):
    early = {"horizon_gyr": 0.003}
    for outcome in (Outcome.MIGRATED, Outcome.DISRUPTED):
        assert np.all(found.count(outcome, **early) <= found.count(outcome))
    deep = found.count(Outcome.DISRUPTED, disruption_factor=2.0)
    assert np.all(deep <= found.count(Outcome.DISRUPTED))
    assert np.all(found.count(ARRIVED) <= found.count(Outcome.MIGRATED))


def test_the_criterion_beside_it_is_the_criterion_map(found):
    criterion = map_feasibility(
        REQUEST.grid,
        REQUEST.inner,
        n_draws=12,
        horizon_gyr=0.01,
        r_crit_rstar=5.0,
        seed=6894,
        prior=REQUEST.prior,
    )
    assert found.agreement[1].sum() == criterion.n_feasible.sum()


def test_fractions_and_intervals_are_of_the_counts(found):
    share = found.fraction(Outcome.DISRUPTED)
    assert_allclose(share, found.count(Outcome.DISRUPTED) / 12)
    low, high = found.interval(Outcome.DISRUPTED)
    assert np.all((low <= share) & (share <= high))


@pytest.mark.parametrize(
    ("n_draws", "n_blocks"), [(2000, 625), (50, 32), (8, 13), (4, 7), (1, 2)]
)
def test_blocks_are_neither_few_nor_small(n_draws, n_blocks):
    grid = PerturberGrid.log_spaced((0.01, 0.3), (10.0, 1000.0), n_mass=25, n_axis=25)
    asked = replace(REQUEST, grid=grid, n_draws=n_draws)
    assert -(-625 // asked.cells_per_block) == n_blocks


def test_nobody_can_tell_who_computed_it(found, monkeypatch):
    monkeypatch.setattr("panoptic.dynamics.scale_out._MOST_DRAWS", 24)
    calls = []
    again = map_secular(
        REQUEST,
        workers=Workers(threads=2),
        progress=lambda done, total: calls.append((done, total)),
    )
    assert_array_equal(again.counts, found.counts)
    assert_array_equal(again.agreement, found.agreement)
    assert again.steps == found.steps
    assert calls == [(0, 6), (2, 6), (4, 6), (6, 6)]


def test_a_resumed_map_is_the_same_and_other_settings_are_named(found, tmp_path):
    map_secular(REQUEST, workers=Workers(store=PartialResults(tmp_path, resume=False)))
    kept = Workers(store=PartialResults(tmp_path, resume=True))
    assert_array_equal(map_secular(REQUEST, workers=kept).counts, found.counts)
    other = replace(REQUEST, model=replace(MODEL, time_lag_s=10.0), seed=1)
    with pytest.raises(InputUnusable, match=r"model\.time_lag_s was 100\.0, is 10\.0"):
        map_secular(other, workers=kept)


def test_a_dask_cluster_gives_the_same_bytes(found, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("panoptic.dynamics.scale_out._MOST_DRAWS", 24)
    again = map_secular(REQUEST, workers=Workers(dask="local:2"))
    assert again.counts.tobytes() == found.counts.tobytes()
    assert again.settled == found.settled


def test_a_worker_killed_in_the_middle_of_a_map_changes_no_byte(found, monkeypatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr("panoptic.dynamics.scale_out._MOST_DRAWS", 12)
    killed = []
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as cluster:

        def kill(done, total):
            if 0 < done < total and not killed:
                killed.append(next(iter(cluster.workers.values())).pid)
                os.kill(killed[0], signal.SIGKILL)

        workers = Workers(dask=cluster.scheduler_address)
        again = map_secular(REQUEST, workers=workers, progress=kill)
    assert killed
    assert again.counts.tobytes() == found.counts.tobytes()
    assert again.agreement.tobytes() == found.agreement.tobytes()
    assert (again.settled, again.steps) == (found.settled, found.steps)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_draws": 0}, "n_draws must be positive"),
        ({"r_crit_rstar": 0.0}, "r_crit_rstar must be positive"),
        ({"target_axis_au": 0.0}, "target_axis_au must be positive"),
        (
            {"inner": replace(REQUEST.inner, axis_au=(8.0, 9.0))},
            "must lie outside the inner orbit",
        ),
    ],
)
def test_requests_that_make_no_sense_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(REQUEST, **change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"horizon_gyr": 0.0}, "horizon_gyr must be positive"),
        ({"time_lag_s": -1.0}, "time_lag_s must be 0 or more"),
        ({"window_factor": 0.5}, "window_factor at least 1"),
        ({"horizon_gyr": 2.0}, "2.0 Gyr is not in"),
        ({"disruption_factor": 3.0}, "factor 3.0 is not in"),
    ],
)
def test_models_that_make_no_sense_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(MODEL, **change)
