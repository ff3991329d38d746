"""--replot, --verify and --compare on a run of the command itself."""

import shutil
from pathlib import Path

import pytest

from panoptic.failures import ExitCode
from panoptic_vlms_project import main
from tests.runs import SMALL, command, contents


@pytest.fixture
def copy(results, tmp_path) -> Path:
    return shutil.copytree(results, tmp_path / "copy")


def on_finished(tmp_path: Path, *options: str) -> int:
    logs = ["--logdir", str(tmp_path / "logs"), "--errordir", str(tmp_path / "errors")]
    return main([*options, *logs])


def test_replot_makes_the_same_bytes(copy, tmp_path, capsys):
    before = contents(copy)
    for path in [*copy.glob("fig*"), copy / "SUMMARY.txt", copy / "report.html"]:
        path.unlink()
    assert on_finished(tmp_path, "--replot", str(copy)) == ExitCode.DONE
    assert contents(copy) == before
    assert "byte for byte the same" in capsys.readouterr().out


def test_replot_names_what_is_missing(copy, tmp_path, capsys):
    (copy / "classifier.json").unlink()
    assert on_finished(tmp_path, "--replot", str(copy)) == ExitCode.INPUT_UNUSABLE
    assert "classifier.json" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["migration.json", "robustness.meta.json"])
def test_replot_names_what_is_of_another_version(copy, tmp_path, capsys, name):
    text = (copy / name).read_text()
    (copy / name).write_text(text.replace('"format_version": 1', '"format_version": 2'))
    assert on_finished(tmp_path, "--replot", str(copy)) == ExitCode.INPUT_UNUSABLE
    assert name.partition(".")[0] in capsys.readouterr().err


def test_replot_refuses_a_number_that_was_changed(copy, tmp_path, capsys):
    path = copy / "beta_e_params.csv"
    path.write_text(path.read_text().replace("low_q", "low_x", 1))
    before = contents(copy)
    assert on_finished(tmp_path, "--replot", str(copy)) == ExitCode.INPUT_UNUSABLE
    assert "beta_e_params.csv" in capsys.readouterr().err
    assert contents(copy) == before


def test_verify_runs_again_and_finds_the_same(copy, tmp_path, capsys):
    assert on_finished(tmp_path, "--verify", str(copy)) == ExitCode.DONE
    assert "different" not in capsys.readouterr().out


def test_verify_finds_a_number_that_was_changed(copy, tmp_path, capsys):
    path = copy / "beta_e_params.csv"
    path.write_text(path.read_text().replace("low_q", "low_x", 1))
    code = on_finished(tmp_path, "--verify", str(copy))
    assert code == ExitCode.VERIFICATION_DIFFERS
    assert "beta_e_params.csv" in capsys.readouterr().out


def test_compare_tells_a_heavier_host(results, tmp_path, capsys):
    assert main(command(tmp_path, *SMALL, "--toi_mstar", "0.15")) == ExitCode.DONE
    capsys.readouterr()
    made = tmp_path / "comparison"
    code = on_finished(
        tmp_path,
        *("--compare", str(results), str(tmp_path / "results")),
        *("--outdir", str(made)),
    )
    assert code == ExitCode.DONE
    said = capsys.readouterr().out
    assert "TOI-6894 b (modified)" in said
    assert (made / "COMPARISON.txt").read_text() in said + "\n"
    assert (made / "settings_changed.csv").read_text().count("toi_mstar") == 1


@pytest.mark.parametrize("option", ["--replot", "--verify"])
def test_a_folder_without_a_run_is_said_so(option, tmp_path, capsys):
    code = on_finished(tmp_path, option, str(tmp_path / "nothing"))
    assert code == ExitCode.INPUT_UNUSABLE
    assert "nothing" in capsys.readouterr().err


def test_one_thing_at_a_time(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        on_finished(tmp_path, "--replot", "a", "--verify", "b")
    assert ended.value.code == ExitCode.USAGE
