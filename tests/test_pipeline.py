"""The command as a user runs it: promised files, same bytes, clear refusals."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from panoptic.failures import ExitCode
from panoptic.findings import load_results
from panoptic.reporting.artifacts import read_arrays, read_manifest, read_table
from panoptic_vlms_project import main
from tests.runs import SMALL, command, contents

ROOT = Path(__file__).parents[1]
PROMISED = {
    "SUMMARY.txt",
    "beta_e_params.csv",
    "classifier.json",
    "cuts.csv",
    "duplicates.csv",
    "eccentricity.json",
    "feasibility_map.npz",
    "gmm_summary.json",
    "ks_test_e.txt",
    "manifest.json",
    "objects_with_probs.csv",
    "power.json",
    "report.html",
    "robustness.csv",
    "robustness.json",
    "vlms_companions_stacked.csv",
    *(
        f"{name}.{form}"
        for name in ("fig1_massmass", "fig2_ae", "fig3_feasibility")
        for form in ("png", "pdf")
    ),
}


def test_every_promised_file_is_there(results):
    assert {path.name for path in results.iterdir()} >= PROMISED


def test_the_manifest_lists_every_file_with_its_hash(results):
    listed = set(read_manifest(results)["outputs"])
    assert listed == set(contents(results))


def test_the_embedded_tables_are_the_june_2026_sample(results):
    stacked = read_table(results / "vlms_companions_stacked.csv")
    assert stacked["source"].value_counts().to_dict() == {"PSCompPars": 140, "BDcat": 5}
    assert stacked["in_main_sample"].sum() == 60


def test_the_headline_bic_of_the_june_2026_sample(results):
    found = json.loads((results / "gmm_summary.json").read_text())
    assert found["main"]["bic"]["1"] == pytest.approx(320.5, abs=0.05)
    assert found["main"]["bic"]["2"] == pytest.approx(219.7, abs=0.05)
    assert found["with_limits"]["bic"]["1"] == pytest.approx(342.5, abs=0.05)
    assert found["with_limits"]["bic"]["2"] == pytest.approx(243.1, abs=0.05)


def test_the_map_has_the_grids_shape(results):
    arrays = read_arrays(results / "feasibility_map.npz")
    assert arrays["criterion_fraction"].shape == (4, 3)
    assert np.all(arrays["criterion_fraction"] <= 1.0)


def test_every_scored_object_has_a_probability(results):
    scores = read_table(results / "objects_with_probs.csv")
    assert len(scores) == 145
    assert scores["P_binary_like"].between(0.0, 1.0).all()


def test_the_summary_fits_a_terminal_and_says_it_was_quick(results):
    lines = (results / "SUMMARY.txt").read_text().splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("QUICK LOOK") for line in lines)


def test_the_log_mirrors_the_summary_and_there_is_no_error_log(finished, results):
    (log,) = (finished / "logs").iterdir()
    logged = log.read_text()
    for line in (results / "SUMMARY.txt").read_text().splitlines():
        assert line.rstrip() in logged
    assert not (finished / "errors").exists() or not any(
        (finished / "errors").iterdir()
    )


def test_results_read_back_are_the_results(results, tmp_path):
    again = load_results(results)
    assert again.record.seed == read_manifest(results)["settings"]["compute"]["seed"]
    assert len(again.sample.main) == 60


def test_the_same_seed_gives_the_same_bytes_whatever_the_threads(results, tmp_path):
    # As a program of its own, which draws in several processes.
    program = [sys.executable, str(ROOT / "panoptic_vlms_project.py")]
    ended = subprocess.run(
        [*program, *command(tmp_path, *SMALL, "--threads", "2")],
        stdout=subprocess.DEVNULL,
        check=False,
    )
    assert ended.returncode == ExitCode.DONE
    first, second = contents(results), contents(tmp_path / "results")
    assert set(first) == set(second)
    assert [name for name in first if first[name] != second[name]] == []


def test_another_seed_moves_the_numbers(results, tmp_path):
    assert main(command(tmp_path, *SMALL, "--seed", "1")) == ExitCode.DONE
    assert contents(results) != contents(tmp_path / "results")


def test_a_second_run_replaces_the_first_and_spares_foreign_files(results, tmp_path):
    shutil.copytree(results, tmp_path / "results")
    note = tmp_path / "results" / "my_notes.txt"
    note.write_text("keep me")
    options = [*SMALL, "--kl_grid", "2x2", "--toi_mstar", "0.15"]
    assert main(command(tmp_path, *options)) == ExitCode.DONE
    assert note.read_text() == "keep me"
    target = json.loads((tmp_path / "results" / "target.json").read_text())
    assert target["st_mass"] == 0.15
    summary = (tmp_path / "results" / "SUMMARY.txt").read_text()
    assert "TOI-6894 b (modified)" in summary


def test_a_folder_of_somebody_else_is_refused(tmp_path, capsys):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "thesis.tex").write_text("mine")
    assert main(command(tmp_path, *SMALL)) == ExitCode.RESULT_NOT_WRITTEN
    assert "thesis.tex" in capsys.readouterr().err
    assert (tmp_path / "results" / "thesis.tex").read_text() == "mine"


def test_a_file_in_the_way_is_refused(tmp_path, capsys):
    (tmp_path / "results").write_text("a file")
    assert main(command(tmp_path, *SMALL)) == ExitCode.RESULT_NOT_WRITTEN
    assert "not a folder" in capsys.readouterr().err


def test_a_bug_is_one_line_for_the_user_and_a_traceback_in_the_error_log(
    tmp_path, monkeypatch, capsys
):
    def broken(*args, **kwargs):
        raise ZeroDivisionError("made on purpose")

    monkeypatch.setattr("data_processor.build_sample", broken)
    assert main(command(tmp_path, *SMALL)) == ExitCode.BUG
    assert capsys.readouterr().err.count("\n") == 1
    (log,) = (tmp_path / "errors").iterdir()
    assert "Traceback" in log.read_text()
    assert not (tmp_path / "results").exists()


def test_an_interruption_leaves_nothing_half_written(tmp_path, monkeypatch):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("statistical_analysis.classify_origins", interrupted)
    assert main(command(tmp_path, *SMALL)) == ExitCode.INTERRUPTED
    assert not (tmp_path / "results").exists()


def test_an_interruption_spares_the_earlier_results(results, tmp_path, monkeypatch):
    shutil.copytree(results, tmp_path / "results")
    before = contents(tmp_path / "results")

    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("visualization.render", interrupted)
    assert main(command(tmp_path, *SMALL)) == ExitCode.INTERRUPTED
    after = contents(tmp_path / "results")
    kept_for_resuming = {name for name in after if name.startswith(".unfinished/")}
    assert {name: after[name] for name in after.keys() - kept_for_resuming} == before
