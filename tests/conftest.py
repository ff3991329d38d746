"""Fixtures that many tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import data_fetchers
import data_processor
from panoptic.config import InputOptions, SampleOptions
from panoptic.failures import ExitCode
from panoptic.sample import CompanionSample
from panoptic.target import TOI_6894_B
from panoptic_vlms_project import main
from tests.browser import Browser, chromium_path
from tests.runs import SMALL, command

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real snapshots, which is not part of the project."""
    if not SHARED.is_dir():
        pytest.skip(f"the real snapshots are not at hand ({SHARED})")
    return SHARED


@pytest.fixture(scope="session")
def real_sample(shared) -> CompanionSample:
    """The sample of the newest snapshots with a mass, made with the defaults."""
    settings = SampleOptions()
    catalogues = data_fetchers.fetch(
        InputOptions(
            ps=shared / "catalogues" / "pscomppars_webui_2026-06-02.csv",
            bd=shared / "catalogues" / "BD_catalogue_20-11-23.csv",
        ),
        data_dir=ROOT / "data",
    )
    return data_processor.build_sample(
        catalogues,
        host_mass_range_msun=settings.host_mass_range_msun,
        q_split=settings.q_split,
        ecc_zero_bound=settings.ecc_zero_bound,
        target_name=TOI_6894_B.pl_name,
    )


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Path:
    """One run on the embedded tables, for the tests that only look at results."""
    folder = tmp_path_factory.mktemp("run")
    assert main(command(folder, *SMALL, "--threads", "1")) == ExitCode.DONE
    return folder


@pytest.fixture(scope="session")
def results(finished) -> Path:
    return finished / "results"


@pytest.fixture(scope="session")
def browser(tmp_path_factory) -> Iterator[Browser]:
    executable = chromium_path()
    if executable is None:
        pytest.skip("no Chromium on this machine")
    with Browser(executable, tmp_path_factory.mktemp("profile")) as browser:
        yield browser
