"""Which source wins."""

import pytest

import data_fetchers
from panoptic.catalogues.table import Origin
from panoptic.config import InputOptions
from panoptic.failures import ExitCode, InputUnusable
from tests.conftest import ROOT

DATA = ROOT / "data"
PLANETS = b"pl_name,st_mass,pl_bmassj,pl_orbsmax\nGJ 1 b,0.1,0.01,0.05\n"
DWARFS = b"host_star,mass,period,Mstar\nLP 1,50,400,0.12\n"


@pytest.fixture
def files(tmp_path):
    (tmp_path / "ps.csv").write_bytes(PLANETS)
    (tmp_path / "bd.csv").write_bytes(DWARFS)
    return tmp_path


def named(catalogues):
    return {
        table.provenance.catalogue: table.provenance.origin
        for table in catalogues.tables
    }


def test_without_options_the_embedded_tables_are_read():
    done = []
    got = data_fetchers.fetch(
        InputOptions(), data_dir=DATA, progress=lambda *step: done.append(step)
    )
    assert named(got) == {"PSCompPars": Origin.EMBEDDED, "BDcat": Origin.EMBEDDED}
    assert done == [(1, 2), (2, 2)]
    assert [set(table.frame["source"]) for table in got.tables] == [
        {"PSCompPars"},
        {"BDcat"},
    ]


def test_files_are_the_whole_input(files):
    one = data_fetchers.fetch(InputOptions(ps=files / "ps.csv"), data_dir=DATA)
    assert named(one) == {"PSCompPars": Origin.FILE}
    other = data_fetchers.fetch(InputOptions(bd=files / "bd.csv"), data_dir=DATA)
    assert named(other) == {"BDcat": Origin.FILE}
    both = data_fetchers.fetch(
        InputOptions(ps=files / "ps.csv", bd=files / "bd.csv"), data_dir=DATA
    )
    assert list(named(both)) == ["PSCompPars", "BDcat"]
    assert both.tables[0].raw == PLANETS
    assert both.tables[0].provenance.location == str(files / "ps.csv")


def test_a_bad_file_ends_with_exit_code_4(tmp_path):
    with pytest.raises(InputUnusable) as caught:
        data_fetchers.fetch(InputOptions(ps=tmp_path / "none.csv"), data_dir=DATA)
    assert caught.value.exit_code is ExitCode.INPUT_UNUSABLE


def test_the_embedded_tables_say_where_the_window_is_wider():
    got = data_fetchers.fetch(
        InputOptions(), data_dir=DATA, host_mass_range_msun=(0.06, 0.5)
    )
    assert "0.5" in got.tables[0].remarks[0]
    assert got.tables[1].remarks == ()
