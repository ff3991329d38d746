"""The findings about the target, what they say in words, and their arrays."""

import io
import json
from dataclasses import replace

import cattrs
import numpy as np
import pytest
from numpy.testing import assert_allclose

from panoptic.dynamics.feasibility import OuterOrbitPrior, PerturberGrid
from panoptic.dynamics.migration import (
    MigrationFindings,
    ObservedCompanion,
    investigate_migration,
    migration_arrays,
    state_migration,
)
from panoptic.statement import NotRun

TOI_6894_B = ObservedCompanion("TOI-6894 b", 0.207, 0.168, 0.02604, 0.2276, 0.855)
GRID = PerturberGrid.log_spaced((0.01, 0.3), (10.0, 1000.0), n_mass=3, n_axis=4)


def is_array(kind):
    return getattr(kind, "__origin__", None) is np.ndarray


def investigate(target=TOI_6894_B, **settings):
    asked = {
        "grid": GRID,
        "inner_axis_au": (1.0, 1.0),
        "prior": OuterOrbitPrior(),
        "n_draws": 200,
        "horizon_gyr": 1.0,
        "r_crit_rstar": 5.0,
        "seed": 1,
    }
    return investigate_migration(target, **(asked | settings))


@pytest.fixture(scope="module")
def findings():
    return investigate()


def test_the_thresholds_of_the_target(findings):
    limits = findings.thresholds
    assert_allclose(limits.criterion_au, 0.00529, rtol=1e-3)
    assert_allclose(limits.disruption_au, 0.0120, rtol=5e-3)
    assert_allclose(limits.arrival_au, 0.01302)


def test_the_alarm_follows_the_numbers_both_ways(findings):
    inside = state_migration(findings)[1].text
    outside = state_migration(investigate(r_crit_rstar=15.0))[1].text
    assert "lies inside" in inside
    assert "lies outside" in outside


def test_statements_carry_evidence_and_caveat(findings):
    for statement in state_migration(findings):
        assert statement.text.endswith(".")
        assert statement.evidence
        assert statement.caveat


def test_a_strong_tide_is_said_to_be_one():
    near = replace(TOI_6894_B, mass_mjup=60.0, axis_au=0.004)
    assert "within 1 Gyr" in state_migration(investigate(near))[2].text
    assert "star can bring" in state_migration(investigate(near))[2].text
    assert "star cannot bring" in state_migration(investigate())[2].text


def test_radii_come_from_relations_where_they_are_not_given():
    bare = replace(TOI_6894_B, host_radius_rsun=None, radius_rjup=None)
    inner = investigate(bare).inner
    assert_allclose(inner.host_radius_rsun, 0.240, atol=0.001)
    assert inner.companion_radius_rjup == 1.0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"mass_mjup": None}, "no mass"),
        ({"axis_au": None}, "no semi-major axis"),
        ({"host_mass_msun": 1.5, "host_radius_rsun": None}, "1.5 Msun"),
    ],
)
def test_what_is_not_known_is_not_run(change, reason):
    answer = investigate(replace(TOI_6894_B, **change))
    assert isinstance(answer, NotRun)
    assert reason in answer.reason


def test_arrays_need_no_pickle_and_hold_axes_counts_and_parameters(findings):
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **migration_arrays(findings))
    buffer.seek(0)
    with np.load(buffer, allow_pickle=False) as read:
        assert read["criterion_fraction"].shape == (3, 4)
        assert_allclose(
            read["criterion_fraction"],
            read["criterion_n_feasible"] / read["criterion_n_draws"],
        )
        assert read["perturber_mass_msun"].shape == (3,)
        assert read["perturber_axis_au"].shape == (4,)
        assert float(read["horizon_gyr"]) == 1.0
        assert str(read["ecc_out_law"]) == "uniform"


def test_findings_survive_json(findings):
    converter = cattrs.Converter()
    converter.register_unstructure_hook_func(is_array, lambda array: array.tolist())
    converter.register_structure_hook_func(is_array, lambda values, _: np.array(values))
    text = json.dumps(converter.unstructure(findings), allow_nan=False)
    back = converter.structure(json.loads(text), MigrationFindings)
    assert state_migration(back) == state_migration(findings)
