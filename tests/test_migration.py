"""The findings about the target, what they say in words, their arrays and tables."""

import io
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from panoptic.dynamics.migration import (
    ARRAY_FACTS,
    COMPANION_FACTS,
    SENSITIVITY_FACTS,
    MigrationFindings,
    MigrationModel,
    MigrationSettings,
    ObservedCompanion,
    check_migration,
    companion_table,
    investigate_migration,
    migration_arrays,
    sensitivity_table,
    state_migration,
)
from panoptic.dynamics.outcomes import Outcome
from panoptic.dynamics.perturbers import OuterOrbitPrior, PerturberGrid
from panoptic.dynamics.scale_out import Workers
from panoptic.dynamics.secular_map import SecularModel
from panoptic.reporting.formats import decode_result, encode_json, encode_result
from panoptic.stars import radius_rjup
from panoptic.statement import NotRun

TOI_6894_B = ObservedCompanion("TOI-6894 b", 0.207, 0.168, 0.02604, 0.2276, 0.855)
OTHERS = (
    ObservedCompanion("near", 0.12, 1.0, 0.05, None, None, n_siblings=2),
    ObservedCompanion("wide", 0.12, 1.0, 5.0),
    ObservedCompanion("vague", 0.12, None, 0.05),
)
SETTINGS = MigrationSettings(
    grid=PerturberGrid.log_spaced((0.05, 0.3), (8.0, 40.0), n_mass=2, n_axis=3),
    inner_axis_au=(1.0, 1.0),
    prior=OuterOrbitPrior(inclination_range_deg=(75.0, 105.0)),
    secular=SecularModel(
        horizon_gyr=0.01,
        horizons_gyr=(0.003, 0.01),
        time_lag_s=100.0,
        max_steps=10_000,
    ),
    seed=1,
    n_draws=200,
    n_secular_draws=8,
    n_changed_draws=2,
    n_companion_draws=6,
)
QUICK = replace(SETTINGS, model=MigrationModel.CRITERION)


def investigate(target=TOI_6894_B, settings=QUICK):
    return investigate_migration(target, OTHERS, settings=settings)


@pytest.fixture(scope="module")
def findings():
    calls = []
    found = investigate_migration(
        TOI_6894_B,
        OTHERS,
        settings=SETTINGS,
        progress=lambda done, total: calls.append((done, total)),
    )
    assert calls == sorted(calls)
    assert {total for _, total in calls} == {6 * 7 + 1}  # one of three is close
    assert calls[-1] == (43, 43)
    return found


def texts(found):
    return " ".join(statement.text for statement in state_migration(found))


class Noting:
    """A store that keeps nothing and notes what is asked of it."""

    def __init__(self):
        self.noted = {}

    def check(self, work, settings):
        self.noted[work] = encode_json(settings)

    claim = check

    def load(self, work, piece):
        return None

    def save(self, work, piece, arrays):
        """Keep nothing."""


def test_everything_that_will_be_claimed_is_checked_before():
    short = replace(SETTINGS, n_secular_draws=1, n_changed_draws=1, n_companion_draws=1)
    before, then = Noting(), Noting()
    check_migration(TOI_6894_B, OTHERS, settings=short, workers=Workers(store=before))
    investigate_migration(
        TOI_6894_B, OTHERS, settings=short, workers=Workers(store=then)
    )
    assert before.noted == then.noted
    assert len(before.noted) == 8


def test_the_thresholds_of_the_target():
    limits = investigate().thresholds
    assert_allclose(limits.criterion_au, 0.00529, rtol=1e-3)
    assert_allclose(limits.disruption_au, 0.0120, rtol=5e-3)
    assert_allclose(limits.arrival_au, 0.01302)


def test_what_the_answer_hangs_on_leads(findings):
    said = state_migration(findings)
    assert said[0].text.startswith("Between ")
    assert "Followed for 0.01 Gyr" in said[1].text
    share = findings.secular.count(Outcome.MIGRATED).sum() / findings.secular.n_total
    assert f"{100 * share:.2g} %" in said[1].text


def test_statements_carry_evidence_and_caveat(findings):
    said = state_migration(findings)
    assert len(said) == 8
    for statement in said:
        assert statement.text.endswith(".")
        assert statement.evidence
        assert statement.caveat


def test_what_other_closed_forms_change_is_said(findings):
    (said,) = [
        statement.evidence
        for statement in state_migration(findings)
        if "study's criterion" in statement.text
    ]
    share = 100 * findings.closed_forms.feasible_unaveraged
    assert f"would be {share:.2g} % (Grishin et al. 2018)" in said
    assert "unstable by Vynatheya et al. 2022" in said


def test_undecided_draws_of_companions_are_said(findings):
    (near, *rest) = findings.companions
    open_ones = replace(near.arrival, n_undecided=3)  # of 6
    vague = replace(near, arrival=open_ones)
    said = state_migration(replace(findings, companions=(vague, *rest)))[-1]
    assert "undecided 50 % of all draws, at most 50 % (near)" in said.evidence


def test_the_alarm_follows_the_numbers_both_ways():
    assert "lies inside" in texts(investigate())
    assert "lies outside" in texts(
        investigate(settings=replace(QUICK, r_crit_rstar=15))
    )


def test_a_strong_tide_is_said_to_be_one():
    near = replace(TOI_6894_B, mass_mjup=60.0, axis_au=0.004)
    assert "star can take" in texts(investigate(near))
    assert "star cannot take" in texts(investigate())


def test_settings_that_were_not_changed_are_said():
    few = replace(SETTINGS, n_secular_draws=1)
    caveats = [
        state_migration(investigate(settings=replace(few, n_changed_draws=n)))[0].caveat
        for n in (0, 1)
    ]
    assert ["no other tide" in caveat for caveat in caveats] == [True, False]


def test_too_few_draws_to_compare_are_said_to_be():
    none = replace(SETTINGS, secular=replace(SETTINGS.secular, time_lag_s=0.0))
    said = texts(investigate(settings=replace(none, n_changed_draws=1)))
    assert "cannot be compared" in said


@pytest.mark.parametrize("model", MigrationModel)
def test_only_the_maps_that_are_asked_for_are_made(findings, model):
    found = investigate(settings=replace(SETTINGS, model=model, n_secular_draws=1))
    both = model is MigrationModel.BOTH
    criterion = both or model is MigrationModel.CRITERION
    secular = both or model is MigrationModel.SECULAR
    assert isinstance(found.criterion, NotRun) is not criterion
    assert isinstance(found.secular, NotRun) is not secular
    arrays = migration_arrays(found)
    assert ("criterion_fraction" in arrays) is criterion
    assert ("secular_counts" in arrays) is secular
    assert arrays["averaging_ratio"].shape == found.grid.shape  # flags, for any map
    assert state_migration(found)
    assert len(found.companions) == 3


def test_radii_come_from_relations_where_they_are_not_given():
    bare = replace(TOI_6894_B, host_radius_rsun=None, radius_rjup=None)
    inner = investigate(bare).inner
    assert_allclose(inner.host_radius_rsun, 0.240, atol=0.001)
    assert_allclose(inner.companion_radius_rjup, radius_rjup(0.168))
    given = investigate(bare, replace(QUICK, companion_radius_rjup=1.3)).inner
    assert given.companion_radius_rjup == 1.3


def test_one_rule_of_radii_for_the_target_and_the_others():
    unknown = {"host_radius_rsun": None, "radius_rjup": None}
    for change in ({}, unknown, {"mass_mjup": 2000.0, **unknown}):  # no relation there
        alike = replace(TOI_6894_B, **change)
        found = investigate_migration(alike, (alike,), settings=QUICK)
        (other,) = found.companions
        assert found.inner.companion_radius_rjup == other.radius_rjup
        tides = found.stellar_tide, other.stellar_tide
        assert tides[0].host_radius_rsun == tides[1].host_radius_rsun
    assert other.radius_rjup == 1.0


def test_where_the_radius_comes_from_is_said(findings):
    def said(target=TOI_6894_B, radius_rjup=0.855):
        inner = replace(findings.inner, companion_radius_rjup=radius_rjup)
        changed = replace(findings, target=target, inner=inner)
        return " ".join(statement.evidence for statement in state_migration(changed))

    bare = replace(TOI_6894_B, radius_rjup=None)
    assert "radius 0.855 RJup (observed)" in said()
    assert "not observed: from its mass" in said(bare, bare.radius_in_use_rjup)
    assert "radius 1.3 RJup (given for this map)" in said(bare, 1.3)


def test_disk_torques_are_said_by_regime():
    said = texts(investigate())
    assert "of these within 10 Myr); the linear torque (Type I) holds in" in said
    heavy = texts(investigate(replace(TOI_6894_B, mass_mjup=40.0)))
    assert "cavity around both bodies" in heavy
    assert "within 10 Myr" not in heavy


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


def test_a_grid_of_one_cell_is_a_map():
    one = PerturberGrid.log_spaced((0.05, 0.3), (8.0, 40.0), n_mass=1, n_axis=1)
    found = investigate(settings=replace(SETTINGS, grid=one, n_companion_draws=1))
    assert found.secular.counts.shape[:2] == found.criterion.fraction.shape == (1, 1)
    assert migration_arrays(found)["perturber_axis_au"].tolist() == [np.sqrt(320.0)]
    assert len(state_migration(found)) == 8


def test_no_map_is_made_of_a_target_outside_its_start():
    wide = replace(TOI_6894_B, axis_au=2.0)
    for model in MigrationModel:
        settings = replace(SETTINGS, model=model, n_companion_draws=1)
        found = investigate(wide, settings)
        maps = found.secular, found.criterion
        assert all(isinstance(one, NotRun) for one in maps)
        assert any("not inside its start" in one.reason for one in maps)
        assert set(migration_arrays(found)) < set(ARRAY_FACTS)
        assert not len(sensitivity_table(found))
        assert found.disk_today.axis_au == 2.0
        check_migration(wide, OTHERS, settings=settings, workers=Workers())
    assert "No perturber is asked about" in texts(investigate(wide, SETTINGS))
    assert investigate(
        wide, replace(QUICK, inner_axis_au=(1.0, 4.0))
    ).criterion_variants


def test_starts_inside_the_targets_axis_are_said(findings):
    inner = replace(findings.inner, axis_au=(0.5, 8.0))
    target = replace(findings.target, axis_au=2.0)
    caveats = " ".join(
        statement.caveat
        for statement in state_migration(replace(findings, inner=inner, target=target))
    )
    assert "50 % of the starts lie inside 2 AU" in caveats


def test_arrays_need_no_pickle_and_each_has_a_meaning(findings):
    buffer = io.BytesIO()
    arrays = migration_arrays(findings)
    np.savez(buffer, allow_pickle=False, **arrays)
    buffer.seek(0)
    with np.load(buffer, allow_pickle=False) as read:
        assert set(read.files) == set(ARRAY_FACTS)
        assert_allclose(
            read["criterion_fraction"],
            read["criterion_n_feasible"] / read["criterion_n_draws"],
        )
        names = read["secular_outcomes"].tolist()
        assert_allclose(
            read["secular_migrated_fraction"],
            read["secular_counts"][:, :, 1, 0, names.index("migrated")] / 8,
        )
        assert str(read["ecc_out_law"]) == "uniform"


def test_the_table_of_companions(findings):
    table = companion_table(findings)
    assert list(table.columns) == list(COMPANION_FACTS)
    assert list(table["pl_name"]) == ["near", "wide", "vague"]
    assert table["n_draws"].tolist()[0] == 6
    assert table["n_draws"].isna().tolist() == [False, True, True]
    assert table["not_applicable"].str.len().gt(0).tolist() == [False, True, True]
    assert table["disk_time_median_yr"].isna().tolist() == [False, False, True]
    assert table["disk_verdict"].isna().tolist() == [False, False, True]


def test_no_time_is_tabled_for_a_companion_in_a_cavity():
    heavy = ObservedCompanion("heavy", 0.12, 30.0, 0.05)
    found = investigate_migration(TOI_6894_B, (heavy,), settings=QUICK)
    (row,) = companion_table(found).to_dict("records")
    assert row["disk_regime"] == "cavity"
    assert row["disk_verdict"].startswith("open")
    times = [row[name] for name in COMPANION_FACTS if name.startswith("disk_time")]
    assert np.isnan(times).all()
    assert row["spiral_in_strong_yr"] > 0


def test_the_table_of_variants(findings):
    table = sensitivity_table(findings)
    assert list(table.columns) == list(SENSITIVITY_FACTS)
    secular = table[table["model"] == "secular"]
    assert len(secular) == 4 + 6
    assert secular["is_headline"].sum() == 1
    criterion = table[table["model"] == "criterion"]
    assert len(criterion) == 9
    assert criterion["coverage"].notna().all()
    assert (
        table["fraction"].between(table["fraction_low"], table["fraction_high"])
    ).all()


def test_findings_survive_json(findings):
    text = encode_result(findings)
    back = decode_result(text, MigrationFindings, name="migration.json")
    assert state_migration(back) == state_migration(findings)
    assert encode_result(back) == text
