"""Gaia's two-body orbits are matched to the right hosts, and read from file or TAP."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import data_fetchers
from panoptic.catalogues import embedded
from panoptic.catalogues.csv_dialects import parse_table
from panoptic.catalogues.gaia_nss import (
    HOSTS_PER_QUERY,
    PERTURBER_COLUMNS,
    Host,
    cross_match,
    hosts_to_search,
    queries,
    read_nss,
)
from panoptic.catalogues.table import Origin, Provenance
from panoptic.config import InputOptions
from panoptic.failures import CatalogueUnavailable, InputUnusable
from panoptic.orbits import semi_major_axis_au
from tests import loopback
from tests.conftest import ROOT

DATA = ROOT / "data"
LARGE_ID = "4792774797545800832"  # not a float: its last digits would be lost
FASTEST_PM = (-800.0, 10_360.0)  # mas/yr, about that of Barnard's star

SOLUTION = {
    "source_id": LARGE_ID,
    "nss_solution_type": "Orbital",
    "period": 400.0,
    "period_error": 2.0,
    "eccentricity": 0.2,
    "eccentricity_error": 0.04,
    "significance": 12.0,
    "goodness_of_fit": 1.0,
    "ra": 100.0,
    "dec": 20.0,
    "pmra": 0.0,
    "pmdec": 0.0,
    "parallax": 100.0,
    "phot_g_mean_mag": 15.0,
    "m1": 0.12,
    "m2": 0.05,
    "combination_method": "Orbital+M1",
}
HOST = Host("GJ 1", 0.12, LARGE_ID, 100.0, 20.0, 10.0, (3.0,))
PLACED = HOST._replace(gaia_dr3_id="")


def nss(*rows, name="nss.csv"):
    raw = pd.DataFrame([SOLUTION | row for row in rows]).to_csv(index=False).encode()
    return parse_table(raw, name=name)


def matched(hosts, *rows):
    table = nss(*rows)
    provenance = Provenance("GaiaNSS", Origin.FILE, table.name, len(table), "")
    return read_nss(table, hosts=hosts, provenance=provenance)


def moved(d_ra_arcsec, d_dec_arcsec, **more):
    ra = 100.0 + d_ra_arcsec / 3600.0 / np.cos(np.radians(20.0))
    return {"ra": ra, "dec": 20.0 + d_dec_arcsec / 3600.0} | more


def test_a_host_with_an_id_is_matched_by_it_wherever_it_is():
    (row,) = matched([HOST], {"ra": 5.0}).frame.to_dict("records")
    assert row["match_rule"] == "source_id"
    assert row["gaia_dr3_id"] == LARGE_ID
    assert np.isnan(row["separation_arcsec"])
    assert list(row) == list(PERTURBER_COLUMNS)


def test_no_digit_of_an_id_is_lost():
    other = str(int(LARGE_ID) + 1)
    assert float(other) == float(LARGE_ID)
    assert matched([HOST], {"source_id": other}).frame.empty


@pytest.mark.parametrize(
    ("row", "is_found"),
    [
        (moved(2.0, 0.0), True),
        (moved(0.0, -2.9), True),
        (moved(4.0, 0.0), False),
        (moved(0.0, 10.0, pmdec=1000.0), True),
        (moved(0.0, 10.0, pmdec=-1000.0), False),
        (moved(0.0, 40.0, pmdec=1000.0), False),
        (moved(10.0, 0.0, pmra=np.nan, pmdec=np.nan), False),
        (moved(1.0, 0.0, parallax=70.0), False),
        (moved(1.0, 0.0, parallax=110.0), True),
        (moved(1.0, 0.0, parallax=np.nan), True),
    ],
)
def test_a_host_without_an_id_is_matched_by_its_track(row, is_found):
    assert len(matched([PLACED], row).frame) == is_found


def test_the_fastest_star_is_found_at_its_place_of_2000():
    pmra, pmdec = FASTEST_PM
    row = moved(16e-3 * pmra, 16e-3 * pmdec, pmra=pmra, pmdec=pmdec)
    (found,) = matched([PLACED], row).frame.to_dict("records")
    assert found["match_rule"] == "position"
    assert found["separation_arcsec"] < 0.05


def test_right_ascension_wraps():
    host = PLACED._replace(ra=0.0001)
    row = {"ra": 359.9999, "dec": 20.0}
    assert len(matched([host], row).frame) == 1


def test_the_nearest_source_is_taken():
    rows = [moved(2.5, 0.0, source_id="1"), moved(-0.5, 0.0, source_id="2")]
    frame = matched([PLACED], *rows).frame
    assert frame["gaia_dr3_id"].tolist() == ["2"]


def test_all_solutions_of_a_source_are_given():
    rows = [{}, {"nss_solution_type": "SB1", "period": 3.0}]
    frame = matched([HOST], *rows).frame
    assert frame["n_solutions"].tolist() == [2, 2]
    assert frame["relation"].tolist() == ["outer", "catalogued_companion"]


def test_of_several_masses_the_solutions_own_is_taken():
    rows = [
        {"m2": 0.9, "combination_method": "SB1+M1"},
        {"m2": 0.05, "combination_method": "Orbital+M1"},
        {"m2": np.nan, "combination_method": "Orbital+SB1+M1"},
    ]
    assert matched([HOST], *rows).frame["m2_msun"].tolist() == [0.05]


@pytest.mark.parametrize(
    ("period", "known", "relation"),
    [
        (400.0, (3.0, 10.0), "outer"),
        (2.0, (3.0, 10.0), "inner"),
        (5.0, (3.0, 10.0), "between"),
        (10.4, (3.0, 10.0), "catalogued_companion"),
        (400.0, (), "unknown"),
    ],
)
def test_the_relation_to_known_companions(period, known, relation):
    frame = matched([HOST._replace(periods=known)], {"period": period}).frame
    assert frame["relation"].tolist() == [relation]


def test_axes_say_the_masses_they_come_from():
    def axis(**masses):
        return matched([HOST], masses).frame.iloc[0][["a_au", "a_from"]].tolist()

    assert axis() == [pytest.approx(float(semi_major_axis_au(400.0, 0.17))), "m1 + m2"]
    alone = float(semi_major_axis_au(400.0, 0.12))
    assert axis(m1=np.nan, m2=np.nan) == [pytest.approx(alone), "st_mass"]


@pytest.mark.parametrize(("g_mag", "factor"), [(15.0, 1.3), (13.0, 1.7), (14.0, 1.7)])
def test_errors_carry_their_factor(g_mag, factor):
    frame = matched([HOST], {"phot_g_mean_mag": g_mag}).frame
    assert frame["error_factor"].tolist() == [factor]


def test_the_remark_counts_how_hosts_were_looked_for():
    lost = HOST._replace(hostname="GJ 3", gaia_dr3_id="", ra=np.nan, dec=np.nan)
    got = matched([HOST, PLACED._replace(hostname="GJ 2"), lost], {})
    assert (
        "2 of 3 hosts have one (1 looked for by source_id, 1 by position, 1 "
        in (got.remarks[0])
    )


def test_names_may_be_in_capitals_and_ids_in_the_designation():
    raw = f"DESIGNATION,PERIOD\nGaia DR3 {LARGE_ID},400\nGaia DR2 {LARGE_ID},9\n"
    table = parse_table(raw.encode(), name="x")
    provenance = Provenance("GaiaNSS", Origin.FILE, "x", 2, "")
    frame = read_nss(table, hosts=[HOST], provenance=provenance).frame
    assert frame["period_days"].tolist() == [400.0]


@pytest.mark.parametrize("lacking", ["source_id", "period"])
def test_a_file_without_what_is_needed_is_refused(lacking):
    cells = {name: [cell] for name, cell in SOLUTION.items() if name != lacking}
    table = parse_table(pd.DataFrame(cells).to_csv(index=False).encode(), name="x")
    provenance = Provenance("GaiaNSS", Origin.FILE, "x", 1, "")
    with pytest.raises(InputUnusable, match=f"no column {lacking}"):
        read_nss(table, hosts=[HOST], provenance=provenance)


def test_without_solutions_the_table_is_empty():
    empty = pd.DataFrame([SOLUTION]).iloc[:0]
    assert list(cross_match([HOST, PLACED], empty).columns) == list(PERTURBER_COLUMNS)


def test_hosts_are_gathered_from_all_rows():
    frames = [embedded.read_embedded(name, DATA).frame for name in embedded.FILES]
    hosts = hosts_to_search(frames, (0.06, 0.20))
    assert len(hosts) == 104 + 5
    by_name = {host.hostname: host for host in hosts}
    assert len(by_name["TRAPPIST-1"].periods) == 7
    assert by_name["TRAPPIST-1"].is_placed
    assert not by_name["NLTT 41135"].is_placed
    asked = list(queries(hosts))
    assert len(asked) == -(-104 // HOSTS_PER_QUERY)
    assert max(len(query.adql) for query in asked) < 6000


def test_an_id_is_asked_for_rather_than_a_place():
    (one,) = queries([HOST])
    assert f"n.source_id in ({LARGE_ID})" in one.adql
    (other,) = queries([PLACED])
    assert "circle('ICRS',100.000000,20.000000," in other.adql
    assert list(queries([HOST._replace(gaia_dr3_id="", ra=np.nan)])) == []


@pytest.mark.shared
def test_stars_without_a_solution_are_read(shared):
    path = shared / "catalogues/gaia_nss_no_solution_example.txt"
    got = data_fetchers.fetch(InputOptions(gaia_nss=path), data_dir=DATA)
    assert got.outer_perturbers is not None
    assert got.outer_perturbers.frame.empty
    assert "0 of 109 hosts" in got.outer_perturbers.remarks[0]


# --- through the door

PLANETS = (
    b"pl_name,hostname,st_mass,pl_bmassj,pl_orbsmax,pl_orbper,ra,dec,gaia_dr3_id\n"
    b"GJ 1 b,GJ 1,0.12,0.01,0.02,3.0,100,20,4792774797545800832\n"
    b"GJ 2 b,GJ 2,0.12,0.01,0.02,3.0,200,20,\n"
)
GAIA = {name: [cell] for name, cell in SOLUTION.items()}
NONE = {name: [] for name in SOLUTION}


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    with loopback.serve() as played:
        yield played


@pytest.fixture
def inputs(server, tmp_path):
    (tmp_path / "ps.csv").write_bytes(PLANETS)
    return InputOptions(
        ps=tmp_path / "ps.csv",
        fetch_gaia=True,
        cache_dir=tmp_path / "cache",
        fetch_attempts=1,
        gaia_tap_url=f"{server.url}/gaia",
    )


def test_orbits_are_fetched_in_batches_and_kept_as_one_table(server, inputs, tmp_path):
    server.play(
        "/gaia",
        loopback.tap(GAIA),
        loopback.tap(GAIA),
        loopback.tap(NONE),
        loopback.tap(NONE),
    )
    steps = []
    got = data_fetchers.fetch(
        inputs, data_dir=DATA, progress=lambda *step: steps.append(step)
    )
    orbits = got.outer_perturbers
    assert orbits is not None
    assert steps == [(1, 2), (2, 2)]
    assert server.times_asked("/gaia") == 4
    assert orbits.frame["hostname"].tolist() == ["GJ 1"]
    assert orbits.frame["relation"].tolist() == ["outer"]
    assert orbits.provenance.query.count("select ") == 2
    path = tmp_path / "gaia.csv"
    path.write_bytes(orbits.kept)
    again = data_fetchers.fetch(
        replace(inputs, fetch_gaia=False, gaia_nss=path), data_dir=DATA
    )
    assert again.outer_perturbers is not None
    pd.testing.assert_frame_equal(again.outer_perturbers.frame, orbits.frame)
    cached = data_fetchers.fetch(inputs, data_dir=DATA).outer_perturbers
    assert cached is not None
    assert cached.provenance.origin is Origin.CACHE


def test_a_failing_archive_is_named(server, inputs):
    server.play("/gaia", loopback.status(503))
    with pytest.raises(CatalogueUnavailable) as caught:
        data_fetchers.fetch(inputs, data_dir=DATA)
    assert f"the Gaia archive (ESA) at {server.url}/gaia: HTTP 503" in str(caught.value)
    assert "--gaia_nss FILE" in str(caught.value)
    with pytest.raises(CatalogueUnavailable, match="no such table"):
        data_fetchers.fetch(replace(inputs, on_fetch_failure="embedded"), data_dir=DATA)


def test_hosts_that_cannot_be_looked_for_are_said(inputs, tmp_path):
    (tmp_path / "bd.csv").write_bytes(b"host_star,mass,period,Mstar\nLP 1,50,4,0.12\n")
    with pytest.raises(InputUnusable, match="none of the 1 hosts"):
        data_fetchers.fetch(
            replace(inputs, ps=None, bd=tmp_path / "bd.csv"), data_dir=DATA
        )


def test_orbits_are_not_looked_for_unless_asked():
    assert data_fetchers.fetch(InputOptions(), data_dir=DATA).outer_perturbers is None


def test_the_documented_columns_are_those_written():
    written = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "docs").rglob("*.md")
    )
    assert all(name in written for name in PERTURBER_COLUMNS)
