"""The example beside the map: a triple of the map that ended as the map says."""

import dataclasses
from functools import cache

import numpy as np

from panoptic.dynamics import example_track as rooms
from panoptic.dynamics.example_track import example_track
from panoptic.dynamics.outcomes import Outcome
from panoptic.dynamics.perturbers import InnerOrbit, OuterOrbitPrior, PerturberGrid
from panoptic.dynamics.secular import Track
from panoptic.dynamics.secular_map import SecularModel, SecularRequest, map_secular
from panoptic.statement import NotRun


@cache
def found():
    return map_secular(
        SecularRequest(
            grid=PerturberGrid.log_spaced(
                (0.05, 0.2), (30.0, 90.0), n_mass=2, n_axis=3
            ),
            inner=InnerOrbit(0.2, 0.23, 0.3, 1.0, (1.0, 1.0)),
            prior=OuterOrbitPrior(inclination_range_deg=(80.0, 90.0)),
            model=SecularModel(
                horizon_gyr=0.02, horizons_gyr=(0.02,), time_lag_s=100.0
            ),
            target_axis_au=0.03,
            r_crit_rstar=5.0,
            n_draws=10,
            seed=2,
        )
    )


def test_it_comes_from_the_cell_where_most_migrated():
    example = example_track(found())
    counts = found().count(Outcome.MIGRATED)
    assert counts[example.cell] == counts.max() > 0
    assert example.outcome == "migrated"
    grid = found().request.grid
    assert example.perturber_mass_msun == grid.mass_msun[example.cell[0]]
    assert example.perturber_axis_au == grid.axis_au[example.cell[1]]


def test_it_starts_as_drawn_and_shrinks_below_a_tenth():
    example = example_track(found())
    assert (example.t_yr[0], example.a_au[0]) == (0.0, 1.0)
    np.testing.assert_allclose(
        example.inclination_deg[0], example.first_inclination_deg
    )
    at_decision = np.searchsorted(example.t_yr, example.decided_at_yr)
    assert example.a_au[at_decision:].max() < 0.11
    np.testing.assert_allclose(
        example.pericentre_au, example.a_au * (1.0 - example.ecc), rtol=1e-6
    )


def test_thinning_keeps_the_ends_and_the_turns(monkeypatch):
    monkeypatch.setattr(rooms, "MOST_POINTS", 10**9)
    whole = example_track(found())
    monkeypatch.setattr(rooms, "MOST_POINTS", 240)
    thin = example_track(found())
    assert len(thin.t_yr) <= 240 < len(whole.t_yr) == whole.n_steps + 1
    assert set(thin.t_yr) <= set(whole.t_yr)
    assert thin.t_yr[-1] == whole.t_yr[-1]
    e = whole.ecc
    is_peak = (e[1:-1] > e[:-2]) & (e[1:-1] > e[2:])
    assert is_peak.sum() > 1
    assert set(whole.t_yr[1:-1][is_peak]) <= set(thin.t_yr)


def test_a_wave_with_more_turns_than_points_keeps_its_envelope(monkeypatch):
    monkeypatch.setattr(rooms, "MOST_POINTS", 400)
    t = np.linspace(0.0, 1.0, 50_001)
    one_minus_e = 0.5 - 0.4 * np.sin(2.0 * np.pi * 500.0 * t)
    empty = {field.name: np.zeros((len(t), 3)) for field in dataclasses.fields(Track)}
    known = {"t_yr": t, "a_au": np.ones_like(t), "inclination_rad": np.ones_like(t)}
    known |= {"e": 1.0 - one_minus_e, "one_minus_e": one_minus_e}
    wave = Track(**empty | known)
    kept = rooms._turns_and_ends(wave)
    assert len(kept) <= 400
    np.testing.assert_allclose(one_minus_e[kept].min(), 0.1, atol=1e-4)
    deep = t[kept][one_minus_e[kept] < 0.11]
    assert np.diff(deep).max() < 0.05


def test_nothing_to_show_is_said():
    nothing = dataclasses.replace(found(), counts=np.zeros_like(found().counts))
    assert isinstance(example_track(nothing), NotRun)
