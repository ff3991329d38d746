"""Real companions: who is asked, with which draws, and what is counted."""

from dataclasses import replace

import pytest

from panoptic.dynamics.arrivals import (
    ArrivalPrior,
    ObservedCompanion,
    companion_work,
    explain_companions,
)
from panoptic.dynamics.perturbers import OuterOrbitPrior, PerturberGrid
from panoptic.dynamics.scale_out import Workers, compute
from panoptic.dynamics.secular_map import SecularModel
from panoptic.failures import InputUnusable
from panoptic.reporting.partial_results import PartialResults

HOT = ObservedCompanion("hot", 0.2, 0.3, 0.03, 0.23, 1.0)
PRIOR = ArrivalPrior(
    grid=PerturberGrid.log_spaced((0.05, 0.3), (10.0, 60.0), n_mass=2, n_axis=3),
    outer=OuterOrbitPrior(inclination_range_deg=(80.0, 100.0)),
    model=SecularModel(
        horizon_gyr=0.01,
        horizons_gyr=(0.01,),
        time_lag_s=1000.0,
        max_steps=10_000,
    ),
    n_draws=100,
    seed=3,
    first_axis_range_au=(1.0, 3.0),
)


def explain(*companions, prior=PRIOR, workers=None):
    if prior is None:
        return explain_companions(companions, None)
    work = companion_work(companions, prior)
    return explain_companions(
        companions, prior, compute(work, workers=workers or Workers())
    )


@pytest.fixture(scope="module")
def hot():
    return explain(HOT)[0]


def test_every_draw_ends_in_one_way(hot):
    arrival = hot.arrival
    ended = (
        arrival.n_migrated
        + arrival.n_disrupted
        + arrival.n_unchanged
        + arrival.n_unstable
        + arrival.n_undecided
    )
    assert ended == arrival.n_draws == 100
    assert arrival.n_disrupted > 0
    assert arrival.n_arrived <= arrival.n_migrated
    assert arrival.arrived_fraction == arrival.n_arrived / 100
    assert arrival.arrived_low <= arrival.arrived_fraction <= arrival.arrived_high


def test_an_answer_does_not_depend_on_who_else_is_asked(hot):
    far, other = replace(HOT, axis_au=0.4), replace(HOT, name="other")
    together = explain(far, other, HOT)
    assert together[2] == hot
    assert together[1].arrival != hot.arrival


def test_arrival_means_near_today(hot):
    # the orbits are the same; only where they count as arrived has moved
    far = explain(replace(HOT, axis_au=0.4))[0].arrival
    assert far.n_migrated == hot.arrival.n_migrated > 0
    assert far.n_arrived == 0 < hot.arrival.n_arrived


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"axis_au": None}, "no semi-major axis"),
        ({"axis_au": 0.5}, "not close: 0.5 AU"),
        ({"mass_mjup": None}, "no mass"),
    ],
)
def test_who_is_not_asked_says_why(change, reason):
    found = explain(replace(HOT, **change))[0]
    assert reason in found.not_applicable
    assert found.arrival is None


def test_a_wide_companion_still_has_its_disk_and_tide():
    found = explain(replace(HOT, axis_au=2.0))[0]
    assert found.disk is not None
    assert found.stellar_tide is not None


def test_without_a_prior_only_disk_and_tide_are_asked():
    found = explain(HOT, prior=None)[0]
    assert found.arrival is None
    assert not found.not_applicable
    assert found.disk.axis_au == 0.03


def test_radii_and_tides_that_are_not_known():
    bare = replace(HOT, radius_rjup=None, host_radius_rsun=None, mass_mjup=0.0043)
    found = explain(bare, prior=None)[0]
    assert 0.05 < found.radius_rjup < 0.15  # of an Earth, not of a Jupiter
    assert found.stellar_tide.host_radius_rsun == pytest.approx(0.23, abs=0.02)
    big = replace(HOT, host_mass_msun=2.0, host_radius_rsun=None)
    assert explain(big, prior=None)[0].stellar_tide is None


def test_siblings_are_remarked():
    found = explain(replace(HOT, n_siblings=6), prior=None)[0]
    assert found.remark.startswith("6 more known")


def test_nobody_to_ask():
    assert explain() == ()


def test_kept_answers_are_refused_by_what_differs(tmp_path):
    def explain_kept(companion, prior, *, resume):
        store = PartialResults(tmp_path, resume=resume)
        return explain(companion, prior=prior, workers=Workers(store=store))

    few = replace(PRIOR, n_draws=4)
    kept = explain_kept(HOT, few, resume=False)
    assert explain_kept(HOT, few, resume=True) == kept
    with pytest.raises(InputUnusable, match=r"prior\.n_draws was 4, is 5") as refused:
        explain_kept(HOT, replace(PRIOR, n_draws=5), resume=True)
    assert len(str(refused.value)) < 400
    with pytest.raises(InputUnusable, match=r"companions\.hot.*axis_au was 0\.03"):
        explain_kept(replace(HOT, axis_au=0.04), few, resume=True)
