"""What must hold of every table: order means nothing, and a cut is always seen."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panoptic.catalogues.brown_dwarfs import read_brown_dwarfs
from panoptic.catalogues.csv_dialects import TextTable, parse_table
from panoptic.catalogues.embedded import FILES, read_embedded
from panoptic.catalogues.kept import Kept, from_bytes
from panoptic.catalogues.nasa_archive import query, read_pscomppars
from panoptic.catalogues.table import Origin, Provenance
from panoptic.catalogues.tap import accept_table
from panoptic.catalogues.transport import BadAnswer, Body
from panoptic.failures import InputUnusable
from tests.conftest import ROOT
from tests.loopback import tap_answer

READERS = {"PSCompPars": read_pscomppars, "BDcat": read_brown_dwarfs}
SMALL = {
    name: read_embedded(name, ROOT / "data").frame.drop(columns="source").head(12)
    for name in FILES
}
NAMES = ("pl_name", "st_mass", "pl_bmassj", "pl_orbsmax", "discoverymethod")
QUERY = query((0.06, 0.20))
WHOLE = tap_answer(
    QUERY.adql, {name: SMALL["PSCompPars"][name].tolist() for name in NAMES}
)
steady = settings(deadline=None, derandomize=True, max_examples=25)


def read(catalogue, frame):
    raw = frame.to_csv(index=False).encode()
    table = parse_table(raw, name="x.csv")
    provenance = Provenance(catalogue, Origin.FILE, "x.csv", len(table), "")
    return READERS[catalogue](table, provenance=provenance).frame


@pytest.mark.parametrize("catalogue", READERS)
@steady
@given(data=st.data())
def test_the_order_of_rows_and_columns_means_nothing(catalogue, data):
    frame = SMALL[catalogue]
    rows = data.draw(st.permutations(range(len(frame))))
    names = data.draw(st.permutations(list(frame.columns)))
    shuffled = frame.iloc[list(rows)][list(names)]
    pd.testing.assert_frame_equal(
        read(catalogue, shuffled), read(catalogue, frame), check_exact=True
    )


@pytest.mark.parametrize("catalogue", READERS)
@steady
@given(data=st.data())
def test_rows_with_one_name_have_one_order(catalogue, data):
    frame = SMALL[catalogue].assign(pl_name="same b", hostname="same")
    rows = list(data.draw(st.permutations(range(len(frame)))))
    pd.testing.assert_frame_equal(
        read(catalogue, frame.iloc[rows]), read(catalogue, frame), check_exact=True
    )


def test_no_cut_of_an_answer_is_accepted():
    for length in range(len(WHOLE)):
        with pytest.raises(BadAnswer):
            accept_table(Body(WHOLE[:length], "http://x/tap"), QUERY.header, n_rows=12)


@steady
@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 40))
def test_no_answer_with_a_piece_missing_is_accepted(start, n_bytes):
    left = WHOLE[:start] + WHOLE[start + n_bytes :]
    try:
        table = accept_table(Body(left, "http://x/tap"), QUERY.header, n_rows=12)
    except BadAnswer:
        return
    # A hole inside one line that leaves its fields is beyond what a table can show.
    assert b"\n" not in WHOLE[start : start + n_bytes] and len(table) == 12


def test_the_whole_answer_is_accepted():
    table = accept_table(Body(WHOLE, "http://x/tap"), QUERY.header, n_rows=12)
    assert len(table) == 12


@steady
@given(st.integers(0, len(WHOLE) - 1))
def test_a_cut_file_is_refused_or_remarked_on_or_ends_with_a_row(length):
    try:
        table = parse_table(WHOLE[:length], name="x.csv")
        provenance = Provenance("x", Origin.FILE, "x.csv", len(table), "")
        remarks = read_pscomppars(table, provenance=provenance).remarks
    except InputUnusable:
        return
    assert WHOLE[:length].endswith(b"\n") or "cut short" in " ".join(remarks)


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_table_or_are_refused(raw):
    try:
        table = parse_table(raw, name="x.csv")
    except InputUnusable as error:
        assert str(error).startswith("x.csv")
    else:
        assert isinstance(table, TextTable)


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.text(alphabet='ab1,"\n\r#\t;<{ ', max_size=60))
def test_any_text_is_a_table_of_equal_columns_or_is_refused(text):
    try:
        table = parse_table(text.encode(), name="x.csv")
    except InputUnusable:
        return
    assert {len(cells) for cells in table.columns.values()} <= {len(table)}


@steady
@given(st.binary(max_size=100), st.text(max_size=30), st.integers(0, 9))
def test_what_is_kept_is_read_back(content, text, n_rows):
    kept = Kept(content, text, text, "2026-11-21T12:00:00+00:00", n_rows, text)
    assert from_bytes(kept.as_bytes()) == kept


@steady
@given(st.floats(min_value=1e-300, max_value=1e300))
def test_numbers_are_read_to_the_last_bit(value):
    table = parse_table(f"a,b\n{value!r},1\n".encode(), name="x.csv")
    from panoptic.catalogues.columns import numbers

    assert numbers(table, "a")[0] == value
