"""An interrupted run of the command goes on where it stopped, or says why not."""

import pytest

from panoptic.failures import ExitCode
from panoptic.statement import NotRun
from panoptic_vlms_project import main
from tests.runs import SMALL, command, contents

OTHER_QUESTIONS = (
    "investigate_mass_mixture",
    "investigate_eccentricities",
    "classify_origins",
)


def ask_of_migration_only(patch):
    for question in OTHER_QUESTIONS:
        patch.setattr(
            f"statistical_analysis.{question}", lambda *_, **__: NotRun("not asked")
        )


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory):
    """A folder in which a run was interrupted after its maps were made."""
    folder = tmp_path_factory.mktemp("resume")

    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        ask_of_migration_only(patch)
        patch.setattr("visualization.render", stop)
        assert main(command(folder, *SMALL)) == ExitCode.INTERRUPTED
    return folder


def test_other_settings_are_refused_by_name(interrupted, monkeypatch, capsys):
    def too_late(*_, **__):
        raise AssertionError("a question was asked before the refusal")

    for question in OTHER_QUESTIONS:
        monkeypatch.setattr(f"statistical_analysis.{question}", too_late)
    options = [*SMALL, "--resume", "--kl_lag_s", "5"]
    assert main(command(interrupted, *options)) == ExitCode.INPUT_UNUSABLE
    said = capsys.readouterr().err
    assert "model.time_lag_s was 1.0, is 5.0" in said
    assert "model.love_number" not in said


def test_the_run_goes_on_to_the_same_results(interrupted, results, monkeypatch, capsys):
    (damaged, *_) = (interrupted / "results" / ".unfinished").rglob("map/*.npz")
    damaged.write_bytes(damaged.read_bytes()[:50])
    computed = []
    from panoptic.dynamics import secular_map

    def settle(block, settle_block=secular_map.settle_block):
        computed.append(block.cells)
        return settle_block(block)

    monkeypatch.setattr(secular_map, "settle_block", settle)
    assert main(command(interrupted, *SMALL, "--resume")) == ExitCode.DONE
    assert len(computed) == 1
    assert "is computed again" in capsys.readouterr().out
    assert contents(interrupted / "results") == contents(results)
