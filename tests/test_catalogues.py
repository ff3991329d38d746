"""What each catalogue's reader makes of its rows, and what it refuses."""

import hashlib
import re

import numpy as np
import pandas as pd
import pytest

from panoptic.catalogues import columns, embedded
from panoptic.catalogues.brown_dwarfs import read_brown_dwarfs
from panoptic.catalogues.csv_dialects import parse_table
from panoptic.catalogues.nasa_archive import date_in_header, read_pscomppars
from panoptic.catalogues.table import Origin, Provenance
from panoptic.constants import MJUP_MEARTH
from panoptic.failures import InputUnusable
from panoptic.sample import COLUMN_NAMES, SCHEMA, MassProvenance
from tests.conftest import ROOT

DATA = ROOT / "data"
PLANETS = {
    "pl_name": ["GJ 1 b", "GJ 1 c", "GJ 2 b"],
    "hostname": ["GJ 1", "GJ 1", "GJ 2"],
    "st_mass": [0.1, 0.1, 0.2],
    "st_masserr1": [0.01, 0.01, 0.02],
    "st_masserr2": [-0.02, -0.02, -0.02],
    "pl_bmassj": [0.01, 0.02, 1.0],
    "pl_bmassjerr1": [0.001, "", 0.1],
    "pl_bmassjerr2": [-0.002, "", -0.1],
    "pl_bmassjlim": [0, 1, 0],
    "pl_bmassprov": ["Msini", "M-R relationship", "Mass"],
    "pl_orbsmax": [0.02, 0.05, 1.0],
    "pl_orbper": [3.265, 12.91, 814.0],
    "pl_orbeccen": [0.1, 0.0, ""],
    "pl_radj": [0.15, 0.2, 1.1],
    "discoverymethod": ["Radial Velocity", "Transit", "Microlensing"],
    "st_met": [0.1, 0.1, -0.2],
    "st_meterr1": [0.05, 0.05, 0.1],
    "st_metratio": ["[Fe/H]", "[Fe/H]", "[M/H]"],
}
DWARFS = {
    "host_star": ["LP 1", "NGC2423−3", "LP 2", "LP 2"],
    "method": ["Gaia binary_masses", "rv+HG", "rv", "transit"],
    "mass": [50.0, 40.0, "", 60.0],
    "p_mass": [5.0, 4.0, "", 6.0],
    "m_mass": [4.0, 3.0, "", 6.0],
    "msini": ["", 30.0, 20.0, ""],
    "p_msini": ["", 3.0, 2.0, ""],
    "m_msini": ["", 3.0, 1.0, ""],
    "period": [400.0, 700.0, 900.0, 30.0],
    "ecc": [0.2, 0.3, 0.1, 0.01],
    "p_ecc": [0.02, 0.03, 0.1, 0.01],
    "m_ecc": [0.02, 0.03, 0.1, 0.01],
    "Mstar": [0.12, 2.4, 0.9, 0.9],
    "FeH": ["", -0.1, 0.1, 0.1],
    "source": ["binary-masses", "10.1093/mnras/stu134", "", "this work"],
}


def as_table(cells, name="user.csv"):
    return parse_table(pd.DataFrame(cells).to_csv(index=False).encode(), name=name)


def planets(**changes):
    cells = {**PLANETS, **changes}
    return {name: cell for name, cell in cells.items() if cell is not None}


def read(reader, cells, **details):
    table = as_table(cells)
    origin = {"catalogue": "x", "origin": Origin.FILE, "location": table.name}
    provenance = Provenance(
        **(origin | details), n_rows=len(table), sha256=table.sha256
    )
    return reader(table, provenance=provenance)


def test_the_words_are_the_schemas():
    assert {
        columns.MASS,
        columns.MSINI,
        columns.MSINI_CORRECTED,
        columns.MASS_RADIUS,
        columns.UNKNOWN,
    } == set(MassProvenance)
    assert [n for n in COLUMN_NAMES if n in columns.COMPANION_COLUMNS] == list(
        columns.COMPANION_COLUMNS
    )
    texts = {column.name for column in SCHEMA if column.dtype == "string"}
    assert set(columns.TEXT_COLUMNS) == texts & set(columns.COMPANION_COLUMNS)


def test_pscomppars_keeps_the_archives_words_and_signs():
    frame = read(read_pscomppars, PLANETS).frame.set_index("pl_name")
    assert frame.at["GJ 1 b", "mass_provenance"] == "msini"
    assert frame.at["GJ 1 c", "mass_provenance"] == "mass_radius"
    assert frame.at["GJ 1 b", "st_masserr2"] == -0.02
    assert frame.at["GJ 1 c", "pl_bmassjlim"] == 1
    assert frame.at["GJ 1 b", "st_metfe"] == 0.1
    assert np.isnan(frame.at["GJ 2 b", "st_metfe"])
    assert frame.at["GJ 2 b", "st_met"] == -0.2
    assert np.isnan(frame.at["GJ 2 b", "pl_orbeccen"])
    assert frame.at["GJ 2 b", "method_detail"] == "Microlensing"


def test_a_users_own_columns_are_enough():
    own = {
        "pl_name": ["GJ 1 b", "Host C c"],
        "Mstar": [0.1, 0.15],
        "pl_bmasse": [3.0, MJUP_MEARTH],
        "period": [10.0, 20.0],
        "st_metfe": [0.2, ""],
    }
    got = read(read_pscomppars, own)
    frame = got.frame.set_index("pl_name")
    assert frame["pl_bmassj"].tolist() == pytest.approx([3.0 / MJUP_MEARTH, 1.0])
    assert frame["hostname"].tolist() == ["GJ 1", "Host C"]
    assert frame["st_metfe"].tolist()[0] == 0.2
    assert set(frame["mass_provenance"]) == {"unknown"}
    assert set(frame["discoverymethod"]) == {"unknown"}
    assert len(got.remarks) == 1
    assert "eccentricities" in got.remarks[0]


def test_errors_are_signed_however_they_are_written():
    frame = read(read_pscomppars, planets(st_masserr2=[0.02, 0.02, 0.0])).frame
    assert frame["st_masserr2"].tolist() == [-0.02, -0.02, 0.0]
    assert not np.signbit(frame["st_masserr2"].iloc[2])


def test_empty_masses_are_filled_from_earth_masses_with_their_errors():
    cells = planets(
        pl_bmassj=["", 0.02, 1.0],
        pl_bmasse=[3.0, 6.36, 317.8],
        pl_bmasseerr1=[0.3, 9.0, 9.0],
        pl_bmasselim=[1, 0, 0],
    )
    frame = read(read_pscomppars, cells).frame
    assert frame["pl_bmassj"].iloc[0] == pytest.approx(3.0 / MJUP_MEARTH)
    assert frame["pl_bmassjerr1"].iloc[0] == pytest.approx(0.3 / MJUP_MEARTH)
    assert frame["pl_bmassjlim"].tolist() == [1, 1, 0]
    assert frame["pl_bmassj"].iloc[1] == 0.02


def test_gaia_ids_of_another_release_are_not_taken():
    cells = planets(gaia_dr3_id=["Gaia DR3 12345678901234567", "Gaia DR2 99", "77"])
    frame = read(read_pscomppars, cells).frame
    assert frame["gaia_dr3_id"].tolist() == ["12345678901234567", "", "77"]


def test_the_date_of_a_web_download_is_read():
    raw = b"# made\n# Tue Jun  2 18:59:05 2026\n#\npl_name,b\nx,1\n"
    assert date_in_header(parse_table(raw, name="x")) == "2026-06-02"
    assert date_in_header(parse_table(b"a,b\n1,2\n", name="x")) == ""


def test_brown_dwarfs_are_put_into_the_archives_names():
    got = read(read_brown_dwarfs, DWARFS)
    frame = got.frame.set_index("pl_name")
    assert list(frame.index) == ["LP 1 b", "LP 2 b", "LP 2 c", "NGC2423-3 b"]
    assert frame["discoverymethod"].tolist() == [
        "Astrometry",
        "Transit",
        "Radial Velocity",
        "Radial Velocity",
    ]
    assert frame.at["LP 1 b", "method_detail"] == "Gaia binary_masses"
    assert frame["mass_provenance"].tolist() == ["mass", "mass", "msini", "mass"]
    assert frame.at["LP 2 c", "pl_bmassj"] == 20.0
    assert frame.at["LP 2 c", "pl_bmassjerr2"] == -1.0
    assert frame.at["LP 1 b", "pl_bmassjerr1"] == 5.0
    assert frame["pl_orbsmax"].isna().all()
    assert frame["pl_orbeccenlim"].isna().all()
    assert frame.at["NGC2423-3 b", "reference"] == "doi:10.1093/mnras/stu134"
    assert frame.at["NGC2423-3 b", "st_metratio"] == "[Fe/H]"
    assert frame.at["LP 1 b", "st_metratio"] == ""


def test_the_older_layout_of_brown_dwarfs_is_read():
    raw = (
        "object,true_mass,p_true_mass,m_true_mass,msini,p_msini,m_msini,period,ecc,"
        "Mstar,FeH,source,inpaper_ref,updated?,,\n"
        "HD 1,-,-,-,59.3,2,1.9,52.8,0.678,0.83,−0.33,10.1/1,Smith (2011),,,\n"
        "HD 2,0,24.4,,30.1,2,1.9,52.8,0.678,0.83,-,10.1/2,,,,\n"
    )
    table = parse_table(raw.encode(), name="old.csv")
    provenance = Provenance("BDcat", Origin.FILE, "old.csv", 2, "")
    got = read_brown_dwarfs(table, provenance=provenance)
    assert got.frame["pl_bmassj"].tolist() == [59.3, 30.1]
    assert got.frame["mass_provenance"].tolist() == ["msini", "msini"]
    assert got.frame["st_metfe"].iloc[0] == -0.33
    assert set(got.frame["discoverymethod"]) == {"unknown"}
    assert got.frame["reference"].iloc[0] == "Smith (2011)"
    assert any("count up" in remark for remark in got.remarks)


REFUSED_PLANETS = {
    "text in a number": (
        {"st_mass": [0.1, "abc", 0.2]},
        'st_mass: "abc" in line 3 (GJ 1 c) is not a number',
    ),
    "infinity": ({"st_mass": [0.1, "inf", 0.2]}, '"inf" in line 3'),
    "underscores": ({"pl_orbper": ["1_000", 2, 3]}, '"1_000"'),
    "negative mass": ({"pl_bmassj": [0.1, 0.1, -1]}, "-1.0 in line 4 (GJ 2 b)"),
    "zero host": ({"st_mass": [0, 0.1, 0.2]}, "st_mass: 0.0 in line 2"),
    "e of one": ({"pl_orbeccen": [1.0, 0, 0]}, "must be in [0, 1)"),
    "flag of two": ({"pl_bmassjlim": [2, 0, 0]}, "must be 0, 1 or -1"),
    "no host mass": ({"st_mass": None}, "no column st_mass (or Mstar)"),
    "nearest name": ({"st_mass": None, "St_Mas": [1, 1, 1]}, "it has is St_Mas"),
    "no mass": ({"pl_bmassj": None}, "no column pl_bmassj"),
    "no orbit": ({"pl_orbsmax": None, "pl_orbper": None}, "no column pl_orbsmax"),
    "two needs": (
        {"st_mass": None, "pl_bmassj": None},
        "no column st_mass (or Mstar) and pl_bmassj (or pl_bmasse, mass, msini)",
    ),
    "no name": ({"pl_name": ["a", "", "c"]}, "line 3 has no name"),
    "no rows": ({name: [] for name in PLANETS}, "no rows"),
    "all solutions": (
        {"pl_name": ["a b", "a b", "c b"], "default_flag": [1, 0, 1]},
        "one row per planet",
    ),
    "earth masses": ({"pl_bmassj": [3.2, 6.4, 318.0]}, "317.8"),
    "earth masses without radii": (
        {"pl_bmassj": [3.2, 6.4, 318.0], "pl_radj": None},
        "1 of 3 companions are heavier than their host (GJ 2 b)",
    ),
    "both in earth masses": (
        {"pl_bmassj": [3.2, 6.4, 318.0], "pl_bmasse": [3.2, 6.4, 318.0]},
        "pl_bmasse / pl_bmassj is 1 where 317.8",
    ),
    "solar masses": ({"pl_bmassj": [1e-5, 2e-5, 1e-3]}, "1047.6"),
    "hosts in jovian masses": ({"st_mass": [104.8, 104.8, 210.0]}, "1047.6"),
    "hosts too light": ({"st_mass": [1e-4, 1e-4, 1e-4]}, "no star has"),
    "periods in years": ({"pl_orbper": [0.009, 0.035, 2.2]}, "Kepler"),
    "radii in earth's": ({"pl_radj": [1.7, 2.2, 12.0]}, "density"),
}


@pytest.mark.parametrize("case", REFUSED_PLANETS)
def test_unusable_planets_are_refused(case):
    changes, message = REFUSED_PLANETS[case]
    with pytest.raises(InputUnusable) as caught:
        read(read_pscomppars, planets(**changes))
    assert message in str(caught.value)
    assert re.match(r"user\.csv \(\d rows\): ", str(caught.value))


def test_the_catalogues_are_not_taken_for_each_other():
    with pytest.raises(InputUnusable, match="--bd"):
        read(read_pscomppars, DWARFS)
    with pytest.raises(InputUnusable, match="--ps"):
        read(read_brown_dwarfs, PLANETS)


def test_brown_dwarfs_in_solar_masses_are_refused():
    cells = {**DWARFS, "mass": [0.05, 0.04, "", 0.06], "msini": ["", 0.03, 0.02, ""]}
    with pytest.raises(InputUnusable, match=re.escape("1047.6")):
        read(read_brown_dwarfs, cells)


@pytest.mark.parametrize("catalogue", embedded.FILES)
def test_embedded_tables_are_those_of_the_biography(catalogue):
    path = DATA / embedded.FILES[catalogue]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert digest in (DATA / "README.md").read_text(encoding="utf-8")
    got = embedded.read_embedded(catalogue, DATA)
    assert got.provenance.origin is Origin.EMBEDDED
    assert got.provenance.sha256 == digest
    assert got.provenance.retrieved_utc
    assert got.frame["st_mass"].between(*embedded.HOST_MASS_RANGE_MSUN).all()
    assert (got.frame["reference"] != "").all()


def test_embedded_counts():
    planets = embedded.read_embedded("PSCompPars", DATA).frame
    dwarfs = embedded.read_embedded("BDcat", DATA).frame
    assert (len(planets), len(dwarfs)) == (182, 5)
    window = planets[planets["st_mass"].between(0.06, 0.20)]
    assert (len(window), window["hostname"].nunique()) == (140, 104)
    complete = window[["pl_bmassj", "pl_orbsmax", "pl_orbeccen"]].notna().all(axis=1)
    assert complete.sum() == 59
    methods = window["discoverymethod"].value_counts()
    assert methods.tolist() == [53, 42, 37, 7, 1]


def test_a_wider_window_than_the_embedded_tables_is_said():
    assert embedded.remark_on_window((0.06, 0.20)) == ()
    assert "0.5" in embedded.remark_on_window((0.06, 0.5))[0]


@pytest.mark.shared
@pytest.mark.parametrize(
    ("catalogue", "reader", "file"),
    [
        ("PSCompPars", read_pscomppars, "pscomppars_webui_2026-06-02.csv"),
        ("BDcat", read_brown_dwarfs, "BD_catalogue_20-11-23.csv"),
    ],
)
def test_embedded_rows_are_the_snapshots(shared, catalogue, reader, file):
    raw = (shared / "catalogues" / file).read_bytes()
    table = parse_table(raw, name=file)
    date = date_in_header(table)
    provenance = Provenance(
        catalogue, Origin.FILE, file, len(table), "", retrieved_utc=date
    )
    whole = reader(table, provenance=provenance).frame
    rows = whole[whole["st_mass"].between(*embedded.HOST_MASS_RANGE_MSUN)]
    pd.testing.assert_frame_equal(
        rows.reset_index(drop=True),
        embedded.read_embedded(catalogue, DATA).frame,
        check_exact=True,
    )


@pytest.mark.shared
def test_the_snapshots_are_read(shared):
    def get(file, reader):
        table = parse_table((shared / "catalogues" / file).read_bytes(), name=file)
        provenance = Provenance("x", Origin.FILE, file, len(table), "")
        return reader(table, provenance=provenance)

    old = get("BD_catalogue_v3_20230524_old_schema.csv", read_brown_dwarfs)
    assert len(old.frame) == 140
    tap = get("pscomppars_tap_2026-02-18_16col.csv", read_pscomppars)
    assert len(tap.frame) == 6087
    assert tap.frame["pl_name"].is_monotonic_increasing
    with pytest.raises(InputUnusable, match="6336 rows.*no column st_mass"):
        get("pscomppars_webui_2026-08-08_no_mass.csv", read_pscomppars)
    with pytest.raises(InputUnusable, match="pl_name"):
        get("gaia_nss_no_solution_example.txt", read_pscomppars)
