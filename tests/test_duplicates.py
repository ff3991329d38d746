import numpy as np
import pandas as pd
import pytest

from panoptic.duplicates import merge_duplicates, normalised_host, normalised_name

ROW = {
    "pl_name": "HD 1 b",
    "hostname": "HD 1",
    "source": "PSCompPars",
    "st_mass": 0.1,
    "pl_bmassj": 20.0,
    "pl_orbsmax": 0.5,
    "pl_orbper": 100.0,
    "pl_orbeccen": 0.1,
    "mass_provenance": "mass",
    "ra": np.nan,
    "dec": np.nan,
}


def merge(*rows):
    frame = pd.DataFrame([ROW | row for row in rows])
    return merge_duplicates(frame, of_hosts=frame["hostname"])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("LP 213-68", "lp213-68"),
        ("BD−004475", "BD-004475"),
        ("GJ 1245 B", "GJ 1245"),
        ("2MASS J0746+2000 AB", "2MASS J0746+2000"),
    ],
)
def test_spellings_of_one_host(one, other):
    assert normalised_host(one) == normalised_host(other)


def test_a_letter_that_is_part_of_a_name_stays():
    assert normalised_host("TOI-540") != normalised_host("TOI-540X")
    assert normalised_host("Alpha") == "alpha"


def test_planet_letters_are_kept():
    assert normalised_name("TRAPPIST-1 b") != normalised_name("TRAPPIST-1 c")


def test_real_pairs_are_not_merged():
    # BD+20 2457: two brown dwarfs, periods 379.63 and 621.99 d.
    kept, table = merge(
        {"pl_name": "BD+20 2457 b", "hostname": "BD+20 2457", "pl_orbper": 379.63},
        {"source": "BDcat", "hostname": "BD+202457", "pl_orbper": 621.99},
    )
    assert len(kept) == 2
    assert table.empty


def test_two_planets_in_one_catalogue_are_never_merged():
    kept, _ = merge({}, {"pl_name": "HD 1 c", "pl_orbper": 100.1})
    assert len(kept) == 2


def test_a_name_twice_in_one_catalogue_is_one_companion():
    kept, table = merge({"pl_orbeccen": np.nan}, {"pl_orbper": 300.0})
    assert kept["pl_orbper"].tolist() == [300.0]
    assert "more of" in table["kept_because"].iloc[0]


def test_without_a_period_mass_and_axis_decide():
    other = {"source": "BDcat", "pl_orbper": np.nan}
    assert len(merge({}, other | {"pl_bmassj": 20.5})[0]) == 1
    assert len(merge({}, other | {"pl_bmassj": 25.0})[0]) == 2


def test_another_name_at_the_same_place_and_period():
    kept, table = merge(
        {"ra": 10.0, "dec": 60.0},
        {"source": "BDcat", "hostname": "Gaia 17", "ra": 10.01, "dec": 60.0},
    )
    assert len(kept) == 1
    assert table["rule"].iloc[0] == "host position and period within 5 %"


def test_another_name_elsewhere_is_another_companion():
    kept, _ = merge(
        {"ra": 10.0, "dec": 60.0},
        {"source": "BDcat", "hostname": "Gaia 17", "ra": 11.0, "dec": 60.0},
    )
    assert len(kept) == 2


def test_hosts_that_are_not_asked_for_pass():
    frame = pd.DataFrame([ROW, ROW | {"source": "BDcat"}])
    kept, _ = merge_duplicates(frame, of_hosts=pd.Series(["another"]))
    assert len(kept) == 2


def test_three_rows_of_one_companion_leave_one():
    kept, table = merge({}, {"source": "BDcat"}, {"source": "BDcat"})
    assert len(kept) == 1
    assert len(table) == 2
