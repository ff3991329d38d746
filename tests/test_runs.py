"""A finished run can be redrawn, verified and compared, and says where it cannot."""

import json
import math
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from panoptic.failures import InputUnusable
from panoptic.reporting.artifacts import (
    ResultsFolder,
    read_manifest,
    read_result,
    read_table,
)
from panoptic.reporting.summary import Section, compose_summary
from panoptic.runs.compare import compare_runs, write_comparison
from panoptic.runs.comparison_text import compose_comparison
from panoptic.runs.replot import replot
from panoptic.runs.values import differs, relative_difference, values_of
from panoptic.runs.verify import verify
from panoptic.statement import NotRun, Statement, Verdict

ENVIRONMENT = {"packages": {"numpy": "2.4"}, "python": "3.11"}


@dataclass(frozen=True, slots=True)
class Answer:
    verdict: Verdict
    mean_q: float
    largest_q: float
    labels: tuple[int, ...]


def objects() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "pl_name": ["A b", "A c", "B b"],
            "pl_bmassj": [1.0, 2.0, np.nan],
            "pl_bmassjlim": pd.array([0, None, 1], dtype="Int64"),
            "in_main_sample": [True, True, False],
        }
    )


def redraw(source: Path, folder: ResultsFolder) -> None:
    answer = read_result(source / "answer.json", Answer)
    folder.text("SUMMARY.txt", compose_summary([], sections_of(answer)))
    folder.text("fig.caption.txt", f"mean {answer.mean_q}")


def sections_of(answer: Answer) -> tuple[Section, ...]:
    said = Statement(f"It is {answer.verdict}.", f"mean {answer.mean_q:.2f}", "But.")
    return (Section("Mixture", (said,), ("n = 3", f"Largest q  {answer.largest_q:g}")),)


def summarise(folder: Path) -> tuple[Section, ...]:
    return sections_of(read_result(folder / "answer.json", Answer))


def make_run(folder: Path, *, frame: pd.DataFrame | None = None, seed: int = 1) -> None:
    """A run in miniature: input, table, answer, arrays, and what is drawn of them."""
    frame = objects() if frame is None else frame
    mean = float(frame["pl_bmassj"].mean()) + 1e-9 * (seed - 1)
    verdict = Verdict.SUPPORTED if mean < 5 else Verdict.NOT_SUPPORTED
    with ResultsFolder(folder) as results:
        results.blob("inputs/ps.csv", frame.to_csv(index=False).encode())
        results.table("vlms_companions_stacked", frame)
        results.table(
            "objects_with_probs",
            frame.assign(P=np.resize([0.1, 0.2, np.nan], len(frame))),
        )
        results.arrays("map", fraction=np.arange(3.0))
        largest = float(frame["pl_bmassj"].max())
        results.result("answer", Answer(verdict, mean, largest, (0, 1)))
        redraw(results.staged, results)
        results.finish(
            {
                "settings": {
                    "compute": {"seed": seed},
                    "outputs": {"outdir": str(folder)},
                },
                "inputs": [{"catalogue": "PSCompPars", "n_rows": len(frame)}],
                "environment": ENVIRONMENT,
                "started_utc": "2026-06-02",
            }
        )


@pytest.fixture
def run(tmp_path) -> Path:
    make_run(tmp_path / "run")
    return tmp_path / "run"


def contents(folder: Path) -> dict[str, bytes]:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


class TestReplot:
    def test_the_same_results_are_redrawn_the_same_and_nothing_is_touched(self, run):
        before = contents(run)
        redrawn = replot(run, redraw=redraw)
        assert redrawn.same == ("SUMMARY.txt", "fig.caption.txt")
        assert redrawn.changed == redrawn.added == ()
        assert contents(run) == before

    @pytest.mark.parametrize("harm", [Path.unlink, lambda p: p.write_text("x")])
    def test_a_lost_drawing_comes_back(self, run, harm):
        before = contents(run)
        harm(run / "SUMMARY.txt")
        replot(run, redraw=redraw)
        assert contents(run) == before

    def test_what_is_drawn_otherwise_is_named_and_listed(self, run):
        def otherwise(source, folder):
            folder.text("SUMMARY.txt", "new words")
            folder.text("fig.caption.txt", "mean 1.5")
            folder.text("report.html", "<p>")

        before = read_manifest(run)
        redrawn = replot(run, redraw=otherwise, environment={"numpy": "3"})
        assert redrawn.changed == ("SUMMARY.txt",)
        assert redrawn.added == ("report.html",)
        assert "changed: SUMMARY.txt" in redrawn.text
        after = read_manifest(run)
        assert after["started_utc"] == before["started_utc"]
        assert after["environment"] == before["environment"]
        assert after["redrawn_with"] == {"numpy": "3"}
        assert set(after["outputs"]) == {*before["outputs"], "report.html"}
        assert set(contents(run)) == {*after["outputs"], "manifest.json", ".lock"}

    def test_a_missing_result_is_named(self, run):
        (run / "answer.json").unlink()
        before = contents(run)
        with pytest.raises(InputUnusable, match=r"answer\.json is missing"):
            replot(run, redraw=redraw)
        assert contents(run) == before

    def test_a_result_of_another_version_is_named(self, run):
        plain = json.loads((run / "answer.json").read_text())
        (run / "answer.json").write_text(json.dumps(plain | {"format_version": 7}))
        with pytest.raises(InputUnusable, match=r"answer\.json is of format version 7"):
            replot(run, redraw=redraw)

    def test_a_changed_result_is_not_drawn_as_if_it_were_the_run_s(self, run):
        text = (run / "answer.json").read_text().replace("1.5", "1.6")
        (run / "answer.json").write_text(text)
        before = contents(run)
        with pytest.raises(InputUnusable, match=r"changed since the run: answer\.json"):
            replot(run, redraw=redraw)
        assert contents(run) == before

    def test_only_a_finished_run_is_redrawn(self, tmp_path):
        with pytest.raises(InputUnusable, match="no such"):
            replot(tmp_path / "nowhere", redraw=redraw)
        assert list(tmp_path.iterdir()) == []


def rerun(manifest, recorded, outdir):
    frame = read_table(recorded / "vlms_companions_stacked.csv")
    make_run(outdir, frame=frame, seed=manifest["settings"]["compute"]["seed"])


class TestVerify:
    def test_an_intact_run_that_repeats_itself_holds(self, run):
        before = contents(run)
        found = verify(run, rerun=rerun, environment=ENVIRONMENT)
        assert found.holds
        assert len(found.same) == len(read_manifest(run)["outputs"])
        assert "byte for byte the same" in found.text
        assert contents(run) == before

    def test_the_repetition_leaves_nothing_behind(self, run, tmp_path, monkeypatch):
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        verify(run, rerun=rerun, environment=ENVIRONMENT)
        assert [path.name for path in tmp_path.iterdir()] == ["run"]

    def test_what_changed_or_is_gone_is_named(self, run):
        (run / "SUMMARY.txt").write_text("better words")
        (run / "map.npz").unlink()
        found = verify(run, rerun=rerun, environment=ENVIRONMENT)
        assert not found.holds
        assert found.changed == ("SUMMARY.txt",)
        assert found.missing == ("map.npz",)
        assert not found.different  # the run itself repeats
        assert "changed since the run: SUMMARY.txt" in found.text
        assert "missing: map.npz" in found.text

    @pytest.mark.parametrize("harm", [Path.unlink, lambda p: p.write_text("x")])
    def test_one_harmed_file_is_enough(self, run, harm):
        harm(run / "SUMMARY.txt")
        assert not verify(run, rerun=rerun, environment=ENVIRONMENT).holds

    def test_harmed_inputs_are_not_run_again(self, run):
        (run / "inputs" / "ps.csv").write_text("x")

        def never(*_):
            raise AssertionError

        found = verify(run, rerun=never, environment=ENVIRONMENT)
        assert not found.holds
        assert "inputs/ps.csv" in found.not_rerun

    def test_a_difference_says_how_large_and_what_else_is_not_as_it_was(self, run):
        def otherwise(manifest, recorded, outdir):
            make_run(outdir, seed=2)

        now = {"packages": {"numpy": "2.5"}, "python": "3.11"}
        found = verify(run, rerun=otherwise, environment=now)
        how = {item.path: item.how for item in found.different}
        assert set(how) == {"answer.json", "fig.caption.txt"}
        assert "1 of 5 values moved" in how["answer.json"]
        assert "7e-10" in how["answer.json"]
        assert "(mean_q)" in how["answer.json"]
        assert how["fig.caption.txt"] == "other bytes"
        assert found.environment == ("packages numpy: 2.4 -> 2.5",)
        assert "packages numpy: 2.4 -> 2.5" in found.text
        assert not found.holds

    def test_a_file_made_once_only_is_named(self, run):
        def otherwise(manifest, recorded, outdir):
            with ResultsFolder(outdir) as results:
                results.text("other.txt", "x")
                results.finish({})

        found = verify(run, rerun=otherwise, environment=ENVIRONMENT)
        how = {item.path: item.how for item in found.different}
        assert how["map.npz"] == "not made again"
        assert how["other.txt"] == "not among the recorded files"


class TestCompare:
    def test_a_run_is_like_itself(self, run):
        found = compare_runs(run, run, summarise=summarise)
        assert not (found.added or found.removed or found.values)
        assert not (found.words or found.numbers or found.how_run)
        assert compose_comparison(found).count("No difference.") == 4
        assert "answer.json verdict: supported, as before" in compose_comparison(found)

    @pytest.fixture
    def changed(self, tmp_path) -> Path:
        """An archive update: A c removed, a mass moved, a limit flag set, C b new."""
        frame = objects().iloc[[0, 2]]
        new = objects().iloc[[0]].assign(pl_name="C b", pl_bmassj=30.0)
        frame = pd.concat([frame, new], ignore_index=True)
        frame.loc[0, "pl_bmassj"] = 1.5
        frame.loc[0, "pl_bmassjlim"] = 1
        frame.loc[0, "in_main_sample"] = False
        make_run(tmp_path / "changed", frame=frame, seed=2)
        return tmp_path / "changed"

    def test_every_change_is_found(self, run, changed):
        found = compare_runs(run, changed, summarise=summarise)
        assert found.added == ("C b",)
        assert found.removed == ("A c",)
        moved = {(m.subject, m.name): (m.before, m.after) for m in found.values}
        assert moved == {
            ("A b", "pl_bmassj"): (1.0, 1.5),
            ("A b", "pl_bmassjlim"): (0.0, 1.0),
            ("A b", "in_main_sample"): (True, False),
            ("B b", "P"): (None, 0.2),
        }
        numbers = {(m.subject, m.name): m for m in found.numbers}
        assert numbers["answer.json", "mean_q"].difference == pytest.approx(14.25)
        assert numbers["answer.json", "verdict"].after == "not supported"
        assert len(numbers) == 3
        assert [(m.name, m.before, m.after) for m in found.words] == [
            ("", "It is supported. [mean 1.50]", "It is not supported. [mean 15.75]")
        ]
        assert [(m.subject, m.before, m.after) for m in found.verdicts] == [
            ("answer.json", "supported", "not supported")
        ]
        assert [(m.subject, m.name) for m in found.how_run] == [("compute", "seed")]

    def test_the_text_says_it_with_the_verdicts_first(self, run, changed):
        text = compose_comparison(compare_runs(run, changed, summarise=summarise))
        assert max(map(len, text.splitlines())) <= 80 or str(run) in text
        places = [
            text.index("answer.json verdict: supported -> not supported"),
            text.index("Largest q  was  2\n           now  30\n"),
            text.index("1 added: C b (30 MJup)"),
            text.index("1 removed: A c (2 MJup)"),
            text.index("A b: pl_bmassj 1 -> 1.5; pl_bmassjlim 0 -> 1; in_main_sample"),
            text.index("was  It is supported.\n"),
            text.index("now  It is not supported.\n"),
            text.index("compute seed: 1 -> 2"),
        ]
        assert places == sorted(places)

    def test_the_files_hold_every_change(self, run, changed, tmp_path):
        found = compare_runs(run, changed, summarise=summarise)
        with ResultsFolder(tmp_path / "comparison", kind="comparison") as folder:
            write_comparison(folder, found)
            folder.finish({})
        table = read_table(tmp_path / "comparison" / "objects_changed.csv")
        assert len(table) == 6
        assert table.iloc[0].to_list()[:4] == ["C b", "", "", "added"]
        moved = table.set_index(["pl_name", "name"])
        assert moved.loc[("A b", "pl_bmassj"), "difference"] == 0.5
        assert len(read_table(tmp_path / "comparison" / "numbers_changed.csv")) == 3

    def test_a_sentence_that_stayed_shows_its_old_and_new_evidence(self, run, tmp_path):
        make_run(tmp_path / "other", frame=objects().assign(pl_bmassj=[1.0, 2.5, 2.5]))
        found = compare_runs(run, tmp_path / "other", summarise=summarise)
        assert [(m.name, m.before, m.after) for m in found.words] == [
            ("It is supported.", "mean 1.50", "mean 2.00")
        ]
        text = compose_comparison(found)
        assert "with other numbers behind them: 1 answers" in text

    def test_a_column_that_moved_in_many_objects_is_told_once(self, tmp_path):
        many = pd.DataFrame({"pl_name": [f"A {i}" for i in range(13)]})
        for name, factor in (("before", 1.0), ("after", 2.0)):
            masses = factor * np.arange(1.0, 14.0)
            make_run(tmp_path / name, frame=many.assign(pl_bmassj=masses, q=masses))
        found = compare_runs(
            tmp_path / "before", tmp_path / "after", summarise=summarise
        )
        text = compose_comparison(found)
        assert "pl_bmassj moved in 13, most in A 12 13 -> 26; A 11 12 -> 24" in text
        assert "Moved in more than 12 objects too: q (--outdir keeps all in" in text
        assert "objects_changed.csv" in text

    def test_sentences_are_paired_by_what_they_say(self, run):
        lead = Statement("It is supported.")
        first = Statement("Of 10 tests 5 find a difference at 5 %.")
        again = Statement("Of 10 tests 6 find a difference at 5 %.")
        other = Statement("One host decides the fit of the high side.")
        new = Statement("Measured values rise with the axis.")
        answers = iter([(lead, first, other), (lead, new, again)])

        def said(folder):
            return (Section("Mixture", next(answers)),)

        words = compare_runs(run, run, summarise=said).words
        assert [(m.before, m.after) for m in words] == [
            (first.text, again.text),
            (other.text, None),
            (None, new.text),
        ]

    def test_two_rows_of_one_name_are_two_objects(self, tmp_path, run):
        frame = objects().assign(pl_name=["A b", "A b", "B b"])
        make_run(tmp_path / "twins", frame=frame)
        found = compare_runs(run, tmp_path / "twins", summarise=summarise)
        assert found.added == ("A b (2)",)
        assert found.removed == ("A c",)

    def test_an_incomplete_run_is_named(self, run, tmp_path):
        shutil.copytree(run, tmp_path / "copy")
        (tmp_path / "copy" / "objects_with_probs.csv").unlink()
        with pytest.raises(InputUnusable, match=r"objects_with_probs\.csv is missing"):
            compare_runs(run, tmp_path / "copy", summarise=summarise)


def test_a_question_that_was_not_run_is_a_sentence_like_any_other(run):
    def not_asked(folder):
        return (Section("Mixture", (NotRun("3 rows"),)),)

    answers = iter([summarise, not_asked])
    found = compare_runs(run, run, summarise=lambda folder: next(answers)(folder))
    assert found.words[0].after == "Not run: 3 rows"
    assert found.words[1].before == "n = 3"
    assert found.words[1].after is None
    assert found.headlines[0].after is None


def test_a_comparison_never_replaces_a_run(run):
    from panoptic.failures import ResultNotWritten

    with pytest.raises(ResultNotWritten, match="holds a run, not a comparison"):
        ResultsFolder(run, kind="comparison").__enter__()


def test_values_have_names_that_say_where_they_are(run):
    assert values_of(run / "answer.json") == {
        "verdict": "supported",
        "mean_q": 1.5,
        "largest_q": 2.0,
        "labels[0]": 0.0,
        "labels[1]": 1.0,
    }
    assert values_of(run / "map.npz")["fraction[2]"] == 2.0
    assert values_of(run / "vlms_companions_stacked.csv")["pl_name[1]"] == "A c"
    assert values_of(run / "SUMMARY.txt") == {}


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (1.0, 1.0, False),
        (math.nan, math.nan, False),
        (None, None, False),
        (None, math.nan, True),
        (1.0, True, True),
        (0.0, 1e-300, True),
        ("a", "b", True),
    ],
)
def test_what_differs(first, second, expected):
    assert differs(first, second) is expected


def test_relative_differences():
    assert relative_difference(1.0, 2.0) == 0.5
    assert relative_difference(0.0, 0.0) == 0.0
    assert relative_difference(0.0, math.inf) is None
    assert relative_difference("a", 1.0) is None
