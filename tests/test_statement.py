"""Numbers in words."""

import pytest

from panoptic.statement import percent


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.0, "0 %"),
        (0.0102, "1.0 %"),
        (0.0996, "10 %"),
        (0.164, "16 %"),
        (1.0, "100 %"),
    ],
)
def test_shares_are_said_with_two_digits(share, said):
    assert percent(share) == said
