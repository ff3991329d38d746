"""A results folder is replaced as a whole or not at all, and only by its owner."""

import errno
import hashlib
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from panoptic.failures import InputUnusable, ResultNotWritten
from panoptic.reporting.artifacts import (
    ResultsFolder,
    read_arrays,
    read_manifest,
    read_outputs,
    read_result,
    read_table,
    read_table_meta,
)
from panoptic.reporting.replacement import Staging
from panoptic.statement import NotRun


@dataclass(frozen=True, slots=True)
class Fit:
    alpha: float


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def write(folder: Path, **texts: str) -> None:
    """Make one complete result of these files; __ in a name is a subfolder."""
    with ResultsFolder(folder) as results:
        for name, text in texts.items():
            results.text(name.replace("__", "/"), text)
        results.finish({"seed": 1})


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "results"


def test_everything_written_reads_back(folder):
    frame = pd.DataFrame({"q": [0.1], "host": ["A"]})
    meta = {
        "provenance": ["read today"],
        "columns": {"q": {"unit": "", "meaning": "r"}},
    }
    with ResultsFolder(folder) as results:
        results.result("fit", Fit(0.5))
        results.result("power", NotRun("no rows"))
        results.table("objects", frame, meta=meta)
        results.arrays("maps/feasibility", fraction=np.eye(2))
        results.text("SUMMARY.txt", "done\n")
        results.blob("inputs/ps.csv", b"a,b\n")
        assert not (folder / "fit.json").exists()
        assert read_result(results.staged / "fit.json", Fit) == Fit(0.5)
        results.finish({"seed": 6894})
    assert read_result(folder / "fit.json", Fit | NotRun) == Fit(0.5)
    assert read_result(folder / "power.json", Fit | NotRun) == NotRun("no rows")
    pd.testing.assert_frame_equal(
        read_table(folder / "objects.csv"), frame.astype({"host": object})
    )
    described = read_table_meta(folder / "objects.csv")
    assert described["provenance"] == ["read today"]
    assert described["columns"][0] == {
        "name": "q",
        "type": "float64",
        "unit": "",
        "meaning": "r",
    }
    assert np.array_equal(
        read_arrays(folder / "maps/feasibility.npz")["fraction"], np.eye(2)
    )
    assert read_manifest(folder)["seed"] == 6894


def test_the_manifest_holds_every_file(folder):
    write(folder, SUMMARY="text", inputs__ps="rows")
    listed = read_outputs(read_manifest(folder))
    found = contents(folder)
    assert set(found) == set(listed) | {"manifest.json"}
    for path, output in listed.items():
        assert output.sha256 == hashlib.sha256(found[path]).hexdigest()
        assert output.size_bytes == len(found[path])


def test_a_second_run_replaces_the_first_as_a_whole(folder):
    write(folder, old="1", both="1", deep__down__old="1")
    write(folder, new="2", both="2")
    assert set(contents(folder)) == {"new", "both", "manifest.json"}
    assert (folder / "both").read_text() == "2"
    assert not (folder / "deep").exists()
    assert not (folder / ".unfinished").exists()


def test_foreign_files_are_never_touched(folder):
    write(folder, a="1", sub__b="1")
    (folder / "notes.txt").write_text("mine")
    (folder / "sub" / "notes.txt").write_text("mine too")
    write(folder, c="2")
    assert set(contents(folder)) == {"c", "manifest.json", "notes.txt", "sub/notes.txt"}


@pytest.mark.parametrize("path", ["new", "sub/new", "dir"])
def test_a_foreign_file_in_the_way_of_an_output_is_refused(folder, path):
    write(folder, a="1")
    (folder / "dir").mkdir()
    (folder / "dir" / "notes.txt").write_text("mine")
    (folder / ("sub" if path == "sub/new" else "new")).write_text("mine")
    before = contents(folder)
    with (
        pytest.raises(ResultNotWritten, match="in the way"),
        ResultsFolder(folder) as r,
    ):
        r.text(path, "2")
    assert contents(folder) == before


def test_what_the_earlier_run_listed_may_change_its_kind(folder):
    write(folder, a="1", b__c="1")
    write(folder, a__c="2", b="2")
    assert set(contents(folder)) == {"a/c", "b", "manifest.json"}


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_interrupted_run_leaves_the_earlier_result(folder, error):
    write(folder, a="1")
    before = contents(folder)
    with pytest.raises(error), ResultsFolder(folder) as results:
        results.text("a", "2")
        raise error
    assert contents(folder) == before


def test_an_interrupted_first_run_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), ResultsFolder(tmp_path / "a" / "b") as results:
        results.text("a", "2")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_partial_results_outlive_an_interruption_but_not_the_finish(folder):
    with pytest.raises(RuntimeError), ResultsFolder(folder) as results:
        (results.partial_dir / "cells.npz").write_bytes(b"cells")
        results.text("a", "1")
        raise RuntimeError
    assert set(contents(folder)) == {".unfinished/partial/cells.npz"}
    with ResultsFolder(folder) as results:
        assert (results.partial_dir / "cells.npz").read_bytes() == b"cells"
        results.text("a", "2")
        results.finish({})
    assert set(contents(folder)) == {"a", "manifest.json"}


@pytest.mark.parametrize(
    "files",
    [
        {"thesis.tex": "mine"},
        {"manifest.json": "{}"},
        {"manifest.json": "not json"},
        {"manifest.json": '{"tool": "another"}'},
        {".unfinished/mine": "x"},
    ],
)
def test_a_folder_of_somebody_else_is_refused_and_left_alone(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    with pytest.raises(ResultNotWritten, match="--outdir") as failure:
        ResultsFolder(folder).__enter__()
    assert next(iter(files)).partition("/")[0] in str(failure.value)
    assert contents(folder) == {name: text.encode() for name, text in files.items()}
    assert not (folder / ".lock").exists()


def test_a_file_in_place_of_the_folder_is_refused(folder):
    folder.write_text("x")
    with pytest.raises(ResultNotWritten, match="not a folder"):
        ResultsFolder(folder).__enter__()


def test_two_runs_never_write_to_one_folder(folder):
    with ResultsFolder(folder) as first:
        first.text("a", "1")
        with pytest.raises(ResultNotWritten, match="another run"):
            ResultsFolder(folder).__enter__()
        first.finish({})
    assert set(contents(folder)) == {"a", "manifest.json"}
    write(folder, a="2")  # the lock is free again


@pytest.mark.parametrize("path", ["../x", "/x", "a/../../x", ".x", "", "manifest.json"])
def test_a_path_out_of_the_folder_is_a_mistake(folder, path):
    with ResultsFolder(folder) as results:
        with pytest.raises(ValueError, match="cannot be an output"):
            results.text(path, "x")
        results.text("a", "x")
        with pytest.raises(ValueError, match="already"):
            results.text("a", "x")


def test_an_edited_manifest_removes_nothing_outside(folder, tmp_path):
    write(folder, a="1")
    (tmp_path / "thesis.tex").write_text("mine")
    manifest = json.loads((folder / "manifest.json").read_text())
    for path in ("../thesis.tex", str(tmp_path / "thesis.tex")):
        manifest["outputs"][path] = manifest["outputs"]["a"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    write(folder, b="2")
    assert (tmp_path / "thesis.tex").read_text() == "mine"


class Killed(BaseException):
    """Stands for kill -9: nothing of ours may react to it."""


@pytest.mark.parametrize("had_result", [True, False])
def test_killed_at_any_step_of_the_replacement(
    folder, tmp_path, monkeypatch, had_result
):
    """Whichever step is the last, the folder is the old, the new, or put right."""
    moves = 0
    last_step = 0

    def dying(method):
        def step(*arguments, **options):
            nonlocal moves
            moves += 1
            if moves > last_step:
                raise Killed
            return method(*arguments, **options)

        return step

    outcomes = []
    while not outcomes or outcomes[-1] != "new":
        folder = tmp_path / f"results{last_step}"
        if had_result:
            write(folder, a="old", sub__b="old", gone="old")
        old = contents(folder) if had_result else None
        results = ResultsFolder(folder).__enter__()
        for name in ("a", "sub/b", "added"):
            results.text(name, "new")
        moves = 0
        with monkeypatch.context() as patch:
            for name in ("rename", "replace", "unlink", "rmdir", "mkdir"):
                patch.setattr(Path, name, dying(getattr(Path, name)))
            with suppress(Killed):
                results.finish({"seed": 2})
        results._lock.release()
        outcomes.append(_state(folder, old))
        last_step += 1
    assert "unfinished" in outcomes
    assert last_step > 8


def _state(folder: Path, old: dict[str, bytes] | None) -> str:
    """Check a folder whose run was killed, and say what it holds."""
    visible = {n: c for n, c in contents(folder).items() if ".unfinished" not in n}
    if "manifest.json" in visible:
        is_new = json.loads(visible["manifest.json"])["seed"] == 2
        if is_new:
            assert set(visible) == {"a", "sub/b", "added", "manifest.json"}
            assert visible["a"] == b"new"
            return "new"
        assert visible == old
        return "old"
    with pytest.raises(InputUnusable, match="unfinished"):
        read_manifest(folder)
    with pytest.raises(RuntimeError), ResultsFolder(folder):
        raise RuntimeError
    assert contents(folder) == (old or {})
    return "unfinished"


def test_a_full_disk_is_said_and_leaves_the_earlier_result(folder, monkeypatch):
    write(folder, a="1")
    before = contents(folder)

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with (
        pytest.raises(ResultNotWritten, match=r"No space.*free some"),
        ResultsFolder(folder) as results,
        monkeypatch.context() as patch,
    ):
        patch.setattr(Path, "write_bytes", full)
        results.text("a", "2")
    assert contents(folder) == before


def test_a_failing_replacement_is_undone(folder, monkeypatch):
    write(folder, a="1", b="1")
    before = contents(folder)
    rename = Path.replace

    def failing(self, target):
        if self.parent.name == "new" and self.name == "b":
            raise OSError(errno.EIO, "broken")
        return rename(self, target)

    with pytest.raises(ResultNotWritten, match="broken"), ResultsFolder(folder) as r:
        r.text("a", "2")
        r.text("b", "2")
        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", failing)
            r.finish({})
    assert contents(folder) == before


def test_what_is_no_finished_run_is_named(folder, tmp_path):
    with pytest.raises(InputUnusable, match="no such"):
        read_manifest(folder)
    with pytest.raises(InputUnusable, match=r"no manifest\.json"):
        read_manifest(tmp_path)
    Staging(tmp_path).new.mkdir(parents=True)
    with pytest.raises(InputUnusable, match="interrupted"):
        read_manifest(tmp_path)
    write(folder, a="1")
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"format_version": 0}))
    with pytest.raises(InputUnusable, match="version 0"):
        read_manifest(folder)


@pytest.mark.parametrize("read", [read_table, read_arrays])
def test_a_missing_file_is_named(read, tmp_path):
    with pytest.raises(InputUnusable, match=r"objects\.\S+ is missing"):
        read(tmp_path / "objects.csv")
