"""--compare after an archive update, on runs of the command over real snapshots."""

import re
from pathlib import Path

import pytest

from panoptic.failures import ExitCode
from panoptic.reporting.artifacts import read_table
from panoptic_vlms_project import main
from tests.archive_update import FACTOR, LIMITED, MOVED, REMOVED, with_edits
from tests.runs import SMALL, command

pytestmark = pytest.mark.shared

PS = "pscomppars_webui_2026-06-02.csv"
BD, OLD_BD = "BD_catalogue_20-11-23.csv", "BD_catalogue_v3_20230524_old_schema.csv"


def run_on(folder: Path, ps: Path, bd: Path) -> Path:
    options = [*SMALL, "--ps", str(ps), "--bd", str(bd)]
    assert main(command(folder, *options)) == ExitCode.DONE
    return folder / "results"


@pytest.fixture(scope="module")
def newest(shared, tmp_path_factory) -> Path:
    catalogues = shared / "catalogues"
    folder = tmp_path_factory.mktemp("newest")
    return run_on(folder, catalogues / PS, catalogues / BD)


def compared(before: Path, after: Path, folder: Path, capsys) -> str:
    """Return what --compare prints, its lines joined again."""
    capsys.readouterr()
    options = ["--outdir", str(folder / "comparison"), "--logdir", str(folder / "logs")]
    assert main(["--compare", str(before), str(after), *options]) == ExitCode.DONE
    return re.sub(r"\s+", " ", capsys.readouterr().out)


def test_three_edits_of_a_snapshot_are_told_and_nothing_else(
    newest, shared, tmp_path, capsys
):
    edited = tmp_path / PS
    edited.write_text(with_edits((shared / "catalogues" / PS).read_text()))
    after = run_on(tmp_path, edited, shared / "catalogues" / BD)
    said = compared(newest, after, tmp_path, capsys)
    assert f"1 removed: {REMOVED} (0.461 MJup, 0.3376 AU, e 0.4279, Radial" in said
    assert "added" not in said
    assert f"{MOVED}: pl_bmassj 0.02646 -> 0.03969; pl_bmasse 8.41 -> 12.61" in said
    assert f"{LIMITED}: pl_bmassjlim 0 -> 1; in_main_sample true -> false" in said
    assert "excluded_because none -> mass is a limit" in said
    assert "Delta BIC was 100.7" in said
    assert "gmm_summary.json verdict: " in said
    assert "PSCompPars n_rows: 6291 -> 6290" in said
    moved = read_table(tmp_path / "comparison" / "objects_changed.csv")
    catalogued = moved[~moved["name"].str.startswith(("P_binary_like", "component"))]
    assert set(catalogued["pl_name"]) == {REMOVED, MOVED, LIMITED}
    mass = moved.set_index(["pl_name", "name"]).loc[(MOVED, "pl_bmassj")]
    assert float(mass["after"]) == pytest.approx(FACTOR * float(mass["before"]))


def test_the_two_layouts_of_the_brown_dwarf_catalogue(newest, shared, tmp_path, capsys):
    catalogues = shared / "catalogues"
    before = run_on(tmp_path, catalogues / PS, catalogues / OLD_BD)
    said = compared(before, newest, tmp_path, capsys)
    assert "5 added: 2MASS J04422788+0043376 b (51.61 MJup, 0.6073 AU" in said
    assert "removed" not in said.partition("ANSWERS")[0]
    assert "Delta BIC was 70.2" in said
    assert "now 100.7" in said
    assert "BDcat n_rows: 140 -> 214" in said
