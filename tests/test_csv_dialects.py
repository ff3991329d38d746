"""Both CSV dialects read alike; what is no table is refused by name and line."""

import gzip

import pytest

from panoptic.catalogues.csv_dialects import (
    parse_table,
    read_bytes,
    what_came_instead,
)
from panoptic.failures import InputUnusable

PLAIN = b"pl_name,st_mass,pl_bmassj\nGJ 1 b,0.1,0.01\nGJ 2 b,0.2,\n"
WANTED = {
    "pl_name": ["GJ 1 b", "GJ 2 b"],
    "st_mass": ["0.1", "0.2"],
    "pl_bmassj": ["0.01", ""],
}


@pytest.mark.parametrize(
    "raw",
    [
        PLAIN,
        PLAIN.replace(b"GJ 1 b", b'"GJ 1 b"'),
        b"# made by\n# Tue Jun  2 18:59:05 2026\n#\n" + PLAIN,
        b"\xef\xbb\xbf" + PLAIN,
        PLAIN.replace(b"\n", b"\r\n"),
        PLAIN.replace(b"\n", b"\r"),
        PLAIN.replace(b",", b"\t"),
        PLAIN.replace(b",", b" , "),
        b"\n" + PLAIN + b"\n\n",
    ],
    ids=["web", "tap", "header", "bom", "crlf", "cr", "tabs", "spaces", "blank lines"],
)
def test_dialects_are_read_alike(raw):
    assert parse_table(raw, name="x.csv").columns == WANTED


def test_gzip_is_read(tmp_path):
    path = tmp_path / "x.csv.gz"
    path.write_bytes(gzip.compress(PLAIN))
    assert read_bytes(path) == PLAIN


def test_columns_without_a_name_are_dropped():
    table = parse_table(b"a,b,,\n1,2,3,4\n", name="x.csv")
    assert table.columns == {"a": ["1"], "b": ["2"]}


def test_lines_are_those_of_the_file():
    table = parse_table(b"# one\n#\na,b\n1,2\n\n3,4\n", name="x.csv")
    assert table.lines == (4, 6)
    assert table.comments == ("one", "")


def test_a_quoted_text_may_hold_a_comma_and_a_line_end():
    table = parse_table(b'a,b\n"1,\n2",3\n', name="x.csv")
    assert table.columns["a"] == ["1,\n2"]


REFUSED = {
    "no bytes": (b"", "empty"),
    "only spaces": (b" \n\n", "empty"),
    "html": (
        b"<!DOCTYPE html><title>Just a\nmoment...</title>",
        'HTML page titled "Ju',
    ),
    "json": (b'{"status": "error", "msg": "ORA-00933: not ended"}', "JSON (ORA-00933"),
    "old api": (b"ERROR\nError type: UserError", "an error message (ERROR Error type"),
    "votable": (
        b'<VOTABLE><INFO name="QUERY_STATUS" value="ERROR">bad query</INFO></VOTABLE>',
        "VOTable error (bad query)",
    ),
    "latin-1": ("a,b\n1,é\n".encode("latin-1"), "line 2 is not UTF-8 (byte 0xe9)"),
    "utf-16": ("a,b\n".encode("utf-16"), "UTF-16"),
    "spreadsheet": (b"PK\x03\x04xxxx", "spreadsheet"),
    "binary": (b"a,b\n\0,1\n", "binary"),
    "too few fields": (b"a,b\n1,2\n3\n", "line 3 has 1 fields where the header has 2"),
    "too many fields": (b"#\na,b\n1,2,3\n", "line 3 has 3 fields"),
    "open quote": (b'a,b\n"1,2\n', "not CSV"),
    "a name twice": (b"a,b,a\n1,2,3\n", "column a is there twice"),
    "semicolons": (b"a;b\n1;2\n", "separated by commas"),
    "cut gzip": (gzip.compress(PLAIN)[:-9], "not whole"),
    "a word": (b"Not found\n", "no header"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_table_is_refused(case, tmp_path):
    raw, message = REFUSED[case]
    path = tmp_path / "table.csv"
    path.write_bytes(raw)
    with pytest.raises(InputUnusable) as caught:
        parse_table(read_bytes(path), name=str(path))
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_missing_file_and_folder_are_refused(tmp_path):
    with pytest.raises(InputUnusable, match="no such file"):
        read_bytes(tmp_path / "none.csv")
    with pytest.raises(InputUnusable, match="folder"):
        read_bytes(tmp_path)


def test_a_gzip_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("panoptic.catalogues.csv_dialects.LARGEST_TABLE_BYTES", 1000)
    path = tmp_path / "x.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n" + 1000 * b"1,2\n"))
    with pytest.raises(InputUnusable, match="decompressed"):
        read_bytes(path)


def test_a_missing_last_line_end_is_seen():
    assert not parse_table(PLAIN[:-1], name="x.csv").ends_in_line_end


@pytest.mark.parametrize("text", ["pl_name,st_mass\n", "errors,b\n", "name,<b>\n"])
def test_tables_are_not_mistaken(text):
    assert what_came_instead(text) is None
