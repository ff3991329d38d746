"""The list of deliberate faults fits the code that they are put into."""

import pytest

from tests.conftest import ROOT
from tools.mutants import main, read_mutants


def test_every_fault_stands_once_and_names_tests_that_exist():
    mutants = read_mutants([])  # which refuses a text that is not there once
    assert len(mutants) > 200
    for mutant in mutants:
        assert mutant.old != mutant.new and mutant.why
        assert mutant.tests
        files = [ROOT / test.split("::")[0] for test in mutant.tests]
        assert [path.exists() for path in files] == [True] * len(files)


def test_a_word_that_names_no_fault_is_an_error(capsys):
    assert {m.file for m in read_mutants(["dip_test"])} == {
        "panoptic/demographics/dip_test.py"
    }
    with pytest.raises(ValueError, match="no_such_room"):
        read_mutants(["dip_test", "no_such_room"])
    assert main(["no_such_room"]) != 0
    assert "no_such_room" in capsys.readouterr().out
