"""Anchors by mass ratio and by table, and the tables that cannot be used."""

import io
from pathlib import Path

import numpy as np
import pytest

from panoptic.constants import MSUN_MJUP
from panoptic.demographics.anchors import (
    BINARY_LIKE,
    PLANET_LIKE,
    UNLABELLED,
    AnchorSource,
    heuristic_anchors,
    label_by_table,
    read_anchor_table,
)
from panoptic.demographics.companions import Companions
from panoptic.failures import InputUnusable

HEADER = "pl_name,label,reason,reference\n"
GOOD = HEADER + "LHS 1140 b,planet-like,why,where\nVHS 1256 b,binary-like,why,where\n"
DATA = Path(__file__).parent.parent / "data"


def companions(names, *, q=None, a_au=None, limit=None):
    n = len(names)
    unknown, no = np.full(n, np.nan), np.zeros(n, dtype=bool)
    q = np.full(n, 0.001) if q is None else np.asarray(q, dtype=float)
    return Companions(
        name=np.array(names),
        host=np.array([name.rsplit(" ", 1)[0] for name in names]),
        method=np.full(n, "Transit"),
        st_mass=np.full(n, 0.1),
        st_mass_err=unknown,
        mass_mjup=q * 0.1 * MSUN_MJUP,
        mass_err_mjup=unknown,
        mass_limit=no if limit is None else np.asarray(limit),
        mass_provenance=np.full(n, "mass"),
        a_au=np.full(n, 0.1) if a_au is None else np.asarray(a_au, dtype=float),
        a_err_au=unknown,
        a_limit=no,
        ecc=unknown,
        ecc_err_upper=unknown,
        ecc_err_lower=unknown,
        ecc_kind=np.full(n, "missing"),
        ecc_bound=unknown,
        metfe=unknown,
    )


def read(text):
    return read_anchor_table(text, location="mine.csv")


def test_mass_ratio_labels_with_a_gap_between():
    sample = companions(
        ["a b", "c b", "d b", "e b", "f b", "g b", "h b"],
        q=[0.001, 0.0031, 0.0099, 0.0101, np.nan, 0.5, 0.5],
        a_au=[1, 1, 1, 1, 1, np.nan, 1],
        limit=[True, False, False, False, False, False, True],
    )
    found = heuristic_anchors(sample, q_planet=0.003, q_binary=0.01)
    assert found.label.tolist() == [PLANET_LIKE, -1, -1, BINARY_LIKE, -1, -1, -1]
    assert [str(s) for s in found.sources] == [
        "heuristic",
        "none",
        "none",
        "heuristic",
        "none",
        "none",
        "none",
    ]
    assert "0.003" in found.rule and "0.01" in found.rule
    with pytest.raises(ValueError, match="q_planet"):
        heuristic_anchors(sample, q_planet=0.02, q_binary=0.01)


def test_a_limit_labels_only_on_the_side_where_it_is_certain():
    sample = companions(
        ["upper b", "upper c", "lower b", "lower c"],
        q=[0.001, 0.5, 0.001, 0.5],
        limit=[1, 1, -1, -1],
    )
    found = heuristic_anchors(sample, q_planet=0.003, q_binary=0.01)
    assert found.label.tolist() == [PLANET_LIKE, -1, -1, BINARY_LIKE]


def test_names_are_matched_whatever_their_case_spaces_and_hyphens():
    table = read(
        HEADER
        + "vhs\u2212j1256 b,binary-like,w,r\n# a remark\n\nLHS1140B,Planet-Like,w,r\n"
    )
    found = label_by_table(
        table,
        companions(["LHS 1140 b", "VHS J1256 b", "other b"]),
        source=AnchorSource.USER,
    )
    assert found.label.tolist() == [PLANET_LIKE, BINARY_LIKE, UNLABELLED]
    assert found.sources[2] is AnchorSource.NONE


def test_a_file_and_its_text_read_the_same():
    assert read(io.StringIO(GOOD)) == read(GOOD) == read("\ufeff" + GOOD)
    assert read(GOOD.replace("\n", "\r\n")) == read(GOOD)


def test_an_object_with_values_of_its_own_joins_the_anchors_but_not_the_sample():
    text = (
        "pl_name,label,reason,reference,st_mass,pl_bmassj,pl_orbsmax,discoverymethod\n"
        "LP 349-25 B,binary-like,w,r,0.08,67,2,Imaging\nLHS 1140 b,planet-like,w,r\n"
    )
    found = label_by_table(
        read(text), companions(["LHS 1140 b"]), source=AnchorSource.USER
    )
    assert found.label.tolist() == [PLANET_LIKE]
    assert found.added.name.tolist() == ["LP 349-25 B"]
    assert found.added_label.tolist() == [BINARY_LIKE]
    assert found.added.q[0] == pytest.approx(67 / (0.08 * MSUN_MJUP))
    assert np.isnan(found.added.ecc[0])


def test_an_unknown_name_is_an_error_that_names_the_nearest():
    table = read(GOOD + "TRAPIST-1 b,planet-like,w,r\n")
    sample = companions(["LHS 1140 b", "VHS 1256 b", "TRAPPIST-1 b"])
    with pytest.raises(InputUnusable, match=r"mine.csv.*pl_name.*line 4.*TRAPPIST-1 b"):
        label_by_table(table, sample, source=AnchorSource.USER)
    found = label_by_table(table, sample, source=AnchorSource.CURATED)
    assert found.not_in_sample == ("TRAPIST-1 b",)


def test_the_target_cannot_be_an_anchor():
    table = read(GOOD + "TOI-6894 b,planet-like,w,r\n")
    sample = companions(["LHS 1140 b", "VHS 1256 b", "TOI-6894 b"])
    with pytest.raises(InputUnusable, match="line 4.*studied object"):
        label_by_table(
            table, sample, source=AnchorSource.USER, target_name="TOI-6894 b"
        )


VALUED = "pl_name,label,reason,reference,st_mass,pl_orbeccen,st_metfe\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "mine.csv: empty"),
        ("# only a remark\n", "mine.csv: empty"),
        ("pl_nam,label,reason,reference\n", "no column pl_name.*'pl_nam'"),
        ("x,y\n", "no column pl_name; it has x, y"),
        (HEADER, "no row"),
        (HEADER + "a b,planet-like,w,r\n", "only planet-like rows"),
        (HEADER + "a b,rogue,w,r\n", "line 2, column label: expected binary-like"),
        (HEADER + ",planet-like,w,r\n", "line 2, column pl_name: empty"),
        (HEADER + "a b,planet-like,,r\n", "line 2, column reason: empty"),
        (HEADER + "a b,planet-like,w\n", "line 2, column reference: empty"),
        (
            GOOD + "# between\nlhs-1140 b,binary-like,w,r\n",
            "line 5, column label: lhs-1140 b is binary-like here and planet-like "
            "in line 2",
        ),
        (VALUED + "a b,planet-like,w,r,heavy\n", "line 2, column st_mass.*'heavy'"),
        (VALUED + "a b,planet-like,w,r,-0.1\n", "column st_mass.*got -0.1"),
        (VALUED + "a b,planet-like,w,r,0.1,1.0\n", "column pl_orbeccen.*value < 1"),
        (VALUED + "a b,planet-like,w,r,nan\n", "column st_mass.*got nan"),
    ],
)
def test_a_table_that_cannot_be_used_says_where_and_why(text, message):
    with pytest.raises(InputUnusable, match=message):
        read(text)


def test_lines_are_counted_through_comments_and_quoted_line_ends():
    text = GOOD + '# remark\nc b,planet-like,"two\nlines",r\nd b,rogue,w,r\n'
    with pytest.raises(InputUnusable, match="line 7, column label"):
        read(text)


def test_the_same_label_twice_counts_once():
    assert len(read(GOOD + "LHS 1140 b,planet-like,again,r\n").rows) == 2


def test_the_curated_table_is_readable_and_says_what_was_checked():
    text = (DATA / "curated_anchors.csv").read_text(encoding="utf-8")
    rows = read(text).rows
    labels = [row.label for row in rows]
    assert min(labels.count(BINARY_LIKE), labels.count(PLANET_LIKE)) >= 10
    # what brings its own values has not been checked in full, and says so
    alone = [row.reference for row in rows if row.stands_alone]
    assert len(alone) >= 4
    assert ["unverified" in reference for reference in alone] == [True] * len(alone)


@pytest.mark.shared
def test_the_curated_table_names_what_the_catalogues_have(shared):
    from tests.snapshots_classifier import window_companions

    text = (DATA / "curated_anchors.csv").read_text(encoding="utf-8")
    table = read(text)
    found = label_by_table(
        table, window_companions(shared), source=AnchorSource.CURATED
    )
    assert found.not_in_sample == ()
    assert len(found.added) == sum(row.stands_alone for row in table.rows)
