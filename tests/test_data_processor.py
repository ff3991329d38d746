import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from data_processor import build_sample
from panoptic.catalogues.table import Catalogues, CatalogueTable, Origin, Provenance
from panoptic.constants import MSUN_MJUP
from panoptic.failures import InputUnusable
from panoptic.orbits import period_days
from panoptic.sample import COLUMN_NAMES, EccKind

ROW = {
    "pl_name": "Star b",
    "hostname": "Star",
    "st_mass": 0.1,
    "pl_bmassj": 1.0,
    "pl_orbsmax": 0.5,
    "pl_orbeccen": 0.3,
    "pl_orbeccenerr1": 0.01,
    "pl_orbeccenerr2": -0.01,
    "discoverymethod": "Transit",
    "method_detail": "Transit",
    "mass_provenance": "mass",
    "reference": "made for this test",
}


def table(catalogue, *rows):
    frame = pd.DataFrame([ROW | row for row in rows])
    provenance = Provenance(catalogue, Origin.FILE, "memory", len(frame), "0" * 64)
    return CatalogueTable(frame, provenance, b"")


def sample_of(*tables, **settings):
    defaults = {
        "host_mass_range_msun": (0.06, 0.20),
        "q_split": 0.01,
        "ecc_zero_bound": 0.1,
        "target_name": "TOI-6894 b",
    }
    return build_sample(Catalogues(tables), **defaults | settings)


def one_row(**values):
    return sample_of(table("PSCompPars", values)).frame.iloc[0]


def test_the_frame_has_the_schemas_columns():
    sample = sample_of(table("PSCompPars", {}))
    assert tuple(sample.frame.columns) == COLUMN_NAMES
    assert sample.main["pl_name"].tolist() == ["Star b"]


def test_the_mass_ratio_is_of_equal_units():
    row = one_row()
    assert_allclose(row["q"], 1.0 / (0.1 * MSUN_MJUP))
    assert_allclose(row["logq"], np.log10(row["q"]))


def test_a_missing_axis_comes_from_the_period_and_the_total_mass():
    period = float(period_days(0.5, 0.1 + 40.0 / MSUN_MJUP))
    row = one_row(
        pl_orbsmax=np.nan,
        pl_orbper=period,
        pl_bmassj=40.0,
        pl_orbpererr1=0.2 * period,
        pl_orbpererr2=-0.1 * period,
        st_masserr1=0.03,
        st_masserr2=-0.04,
    )
    assert_allclose(row["pl_orbsmax"], 0.5, rtol=1e-12)
    assert row["a_origin"] == "kepler"
    # a ~ M^(1/3) P^(2/3), the two errors independent
    upper, lower = np.hypot(0.1, 0.4 / 3.0), np.hypot(0.4 / 3.0, 0.2 / 3.0)
    assert_allclose(row["pl_orbsmaxerr1"], 0.5 * upper, rtol=1e-12)
    assert_allclose(row["pl_orbsmaxerr2"], -0.5 * lower, rtol=1e-12)


@pytest.mark.parametrize("method", ["Microlensing", "Imaging"])
def test_an_axis_seen_on_the_sky_is_projected(method):
    assert one_row(discoverymethod=method)["a_origin"] == "projected"


@pytest.mark.parametrize(
    ("values", "kind", "bound"),
    [
        ({}, EccKind.MEASURED, np.nan),
        ({"pl_orbeccen": np.nan}, EccKind.MISSING, np.nan),
        ({"pl_orbeccenlim": 1}, EccKind.UPPER_LIMIT, 0.3),
        ({"pl_orbeccenlim": -1}, EccKind.LOWER_LIMIT, 0.3),
        (
            {
                "pl_orbeccen": 0.0,
                "pl_orbeccenerr1": np.nan,
                "pl_orbeccenerr2": np.nan,
            },
            EccKind.ASSUMED_ZERO,
            0.1,
        ),
        (
            {"pl_orbeccen": 0.0, "pl_orbeccenerr1": 0.0, "pl_orbeccenerr2": 0.0},
            EccKind.ASSUMED_ZERO,
            0.1,
        ),
        # Kepler-42 c: 0 with an upper error only.
        (
            {"pl_orbeccen": 0.0, "pl_orbeccenerr1": 0.1, "pl_orbeccenerr2": 0.0},
            EccKind.CONSISTENT_WITH_ZERO,
            0.2,
        ),
        # NLTT 41135: a published limit of 0.02 that stands as 0.010 +- 0.010.
        (
            {"pl_orbeccen": 0.01, "pl_orbeccenerr1": 0.01, "pl_orbeccenerr2": -0.01},
            EccKind.CONSISTENT_WITH_ZERO,
            0.03,
        ),
        (
            {"pl_orbeccen": 0.246, "pl_orbeccenerr1": 0.1, "pl_orbeccenerr2": -0.1},
            EccKind.MEASURED,
            np.nan,
        ),
        (
            {"pl_orbeccen": 0.244, "pl_orbeccenerr1": 0.1, "pl_orbeccenerr2": -0.1},
            EccKind.CONSISTENT_WITH_ZERO,
            0.444,
        ),
    ],
)
def test_kinds_of_eccentricity(values, kind, bound):
    row = one_row(**values)
    assert row["ecc_kind"] == kind
    assert_allclose(row["ecc_bound"], bound)


def test_the_window_is_inclusive():
    rows = [{"pl_name": f"S{m} b", "hostname": f"S{m}", "st_mass": m} for m in MASSES]
    sample = sample_of(table("PSCompPars", *rows))
    assert sample.frame["st_mass"].tolist() == [0.06, 0.2]
    cut = sample.cuts.query("stage == 'window'").set_index("reason")["n_rows"]
    assert cut.to_dict() == {
        "no host mass": 1,
        "host below 0.06 Msun": 1,
        "host above 0.2 Msun": 1,
    }


MASSES = [0.0599, 0.06, 0.2, 0.2001, np.nan]


@pytest.mark.parametrize(
    ("values", "reason", "in_mass_orbit"),
    [
        ({"pl_bmassj": np.nan}, "no companion mass", False),
        ({"pl_orbsmax": np.nan}, "no semi-major axis", False),
        ({"pl_bmassjlim": 1}, "mass is a limit", False),
        ({"pl_orbsmaxlim": -1}, "semi-major axis is a limit", False),
        ({"pl_orbeccen": np.nan}, "no eccentricity", True),
        ({"pl_orbeccen": 1.0}, "eccentricity outside [0, 1)", True),
        ({"pl_name": "TOI-6894b"}, "the studied target", False),
    ],
)
def test_every_exclusion_has_its_reason(values, reason, in_mass_orbit):
    sample = sample_of(table("PSCompPars", values))
    row = sample.frame.iloc[0]
    assert not row["in_main_sample"]
    assert row["in_mass_orbit_sample"] == in_mass_orbit
    assert row["excluded_because"] == reason
    assert sample.cuts["reason"].tolist() == [reason]


def test_a_row_with_two_faults_says_both_and_is_counted_once():
    sample = sample_of(
        table("PSCompPars", {"pl_bmassj": np.nan, "pl_orbeccen": np.nan})
    )
    said = sample.frame["excluded_because"].iloc[0]
    assert said == "no companion mass; no eccentricity"
    assert sample.cuts["n_rows"].sum() == 1


def test_hosts_near_the_window_are_kept_apart():
    rows = [
        {"pl_name": f"S{m} b", "hostname": f"S{m}", "st_mass": m}
        for m in (0.049, 0.051, 0.1, 0.23, 0.25)
    ]
    sample = sample_of(table("PSCompPars", *rows))
    assert sample.surroundings["st_mass"].tolist() == [0.051, 0.23]
    assert not sample.surroundings["in_mass_orbit_sample"].any()


def test_an_empty_window_says_what_there_was():
    with pytest.raises(InputUnusable, match=r"0\.06 to 0\.2 Msun.*run from 1 to 1"):
        sample_of(table("PSCompPars", {"st_mass": 1.0}))


def test_one_companion_in_two_catalogues_is_one_row():
    sample = sample_of(
        table("PSCompPars", {"pl_orbper": 100.0, "mass_provenance": "msini"}),
        table("BDcat", {"hostname": "STAR", "pl_orbper": 104.0}),
    )
    assert sample.frame["source"].tolist() == ["BDcat"]
    merge = sample.duplicates.iloc[0]
    assert merge["dropped_source"] == "PSCompPars"
    assert merge["rule"] == "host name and period within 5 %"
    assert "true mass" in merge["kept_because"]
    assert sample.cuts["n_rows"].sum() == 1


@pytest.mark.shared
def test_counts_of_the_june_2026_snapshots(real_sample):
    # Measured on these files; the table of counts is in docs/methods.md.
    frame = real_sample.frame
    assert frame["source"].value_counts().to_dict() == {"PSCompPars": 140, "BDcat": 5}
    assert frame.loc[frame["source"] == "PSCompPars", "hostname"].nunique() == 104
    assert (len(real_sample.complete), len(real_sample.main)) == (64, 60)
    assert real_sample.main["hostname"].nunique() == 34
    assert (real_sample.main["q"] > real_sample.q_split).sum() == 7
    # Two rows gain an axis from their period: 132 and 140 without them.
    assert len(real_sample.mass_orbit) == 134
    assert len(real_sample.mass_orbit_with_limits) == 142
    kinds = frame["ecc_kind"].value_counts()
    assert kinds["upper_limit"] == 3
    assert kinds["assumed_zero"] == 17


@pytest.mark.shared
def test_no_row_of_the_window_is_lost(real_sample):
    cuts = real_sample.cuts.query("stage == 'main sample'")
    assert len(real_sample.frame) - cuts["n_rows"].sum() == len(real_sample.main)
