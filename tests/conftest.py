"""Fixtures that many tests share."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real snapshots, which is not part of the project."""
    if not SHARED.is_dir():
        pytest.skip(f"the real snapshots are not at hand ({SHARED})")
    return SHARED


PS_JUNE_2026 = "catalogues/pscomppars_webui_2026-06-02.csv"
BD_NOVEMBER_2023 = "catalogues/BD_catalogue_20-11-23.csv"
