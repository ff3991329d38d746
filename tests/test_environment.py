"""What the manifest says of the machine."""

import numpy as np

from panoptic import __version__
from panoptic.reporting import environment as room
from panoptic.reporting.environment import environment


def test_it_names_the_versions_in_use():
    found = environment()
    assert found.panoptic == __version__
    assert found.packages["numpy"] == np.__version__
    assert any(library.threads >= 1 for library in found.libraries)
    assert found.cpus_usable >= 1


def test_it_is_the_same_twice():
    assert environment() == environment()


def test_outside_a_checkout_there_is_no_commit(tmp_path):
    assert room._commit(tmp_path) is None
    (tmp_path / ".git").mkdir()  # broken
    assert room._commit(tmp_path) is None
