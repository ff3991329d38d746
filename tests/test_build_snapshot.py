"""The tables that ship with the project are what the builder makes, and it says so."""

import pytest

from tests.conftest import ROOT
from tools.build_snapshot import changes, main

BEFORE = "# date: 1\npl_name,st_mass,pl_bmassj\nGJ 1 b,0.1,1\nGJ 2 b,0.2,2\n"


def test_what_changed_is_listed():
    after = "# date: 2\npl_name,st_mass,pl_bmassj\nGJ 1 b,0.11,1\nGJ 3 b,0.2,2\n"
    assert changes(BEFORE, after) == [
        "  gone: GJ 2 b",
        "  new: GJ 3 b",
        "  GJ 1 b: st_mass '0.1' -> '0.11'",
    ]


def test_a_column_that_came_or_went_is_listed():
    after = "pl_name,st_mass,ra\nGJ 1 b,0.1,1\nGJ 2 b,0.2,2\n"
    assert changes(BEFORE, after) == ["  column gone: pl_bmassj", "  column new: ra"]


def test_nothing_changed_is_said():
    assert changes(BEFORE, BEFORE) == ["  unchanged"]
    assert changes("", BEFORE) == ["  new"]


@pytest.mark.shared
def test_the_embedded_tables_are_built_from_the_snapshots(shared, tmp_path, capsys):
    planets = shared / "catalogues/pscomppars_webui_2026-06-02.csv"
    dwarfs = shared / "catalogues/BD_catalogue_20-11-23.csv"
    out = str(tmp_path)
    assert main(["--ps", str(planets), "--bd", str(dwarfs), "--out", out]) == 0
    for built in tmp_path.glob("*.csv"):
        assert built.read_bytes() == (ROOT / "data" / built.name).read_bytes()
    printed = capsys.readouterr().out
    biography = (ROOT / "data/README.md").read_text(encoding="utf-8")
    sums = [word for word in printed.split() if len(word) == 64]
    assert len(sums) == 2
    assert all(digest in biography for digest in sums)
