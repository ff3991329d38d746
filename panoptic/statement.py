"""How a room says in words what its numbers mean.

SUMMARY and the report arrange these; they never write a scientific sentence.
"""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What a question's numbers allow one to say."""

    SUPPORTED = "supported"
    NOT_SUPPORTED = "not supported"
    DRIVEN_BY_METHOD = "driven by detection method"


@dataclass(frozen=True, slots=True)
class Statement:
    """One plain sentence, the numbers behind it, and what would change it."""

    text: str
    evidence: str = ""
    caveat: str = ""


@dataclass(frozen=True, slots=True)
class NotRun:
    """A question that could not be asked of this sample, and why."""

    reason: str


def percent(share: float) -> str:
    """Return a share as per cent with two digits that mean something: 1.0 %, 16 %."""
    value = 100.0 * share
    whole = value == 0.0 or value >= 9.95
    return f"{value:.0f} %" if whole else f"{value:#.2g} %"
