"""What stands under a figure: counts, how to read the marks, and where it came from."""

from collections.abc import Iterable
from dataclasses import dataclass

from panoptic.statement import NotRun


@dataclass(frozen=True, slots=True)
class Imprint:
    """Where the rows came from and which seed drew what was drawn."""

    sources: tuple[str, ...]  # each a catalogue with its date
    seed: int

    def __str__(self) -> str:
        return f"Sources: {'; '.join(self.sources) or 'none'}. Seed {self.seed}."


def caption(title: str, sentences: Iterable[str], imprint: Imprint) -> str:
    """Return one paragraph: title, the sentences that say something, the imprint."""
    said = [sentence for sentence in sentences if sentence]
    return " ".join([f"{title}.", *said, str(imprint)])


def caption_not_run(title: str, not_run: NotRun, imprint: Imprint) -> str:
    """Return the caption of a figure whose question was not asked."""
    reason = not_run.reason.rstrip(".")
    return caption(title, [f"Not run: {reason}."], imprint)


def rows_on_hosts(n_rows: int, n_hosts: int) -> str:
    """Return counts in words, '1 row on 1 host'."""
    return f"{counted(n_rows, 'row')} on {counted(n_hosts, 'host')}"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural unless it is one."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


HOW_MASSES_LOOK = (
    "open symbols are minimum masses (Msini), half-grey ones masses inferred from a "
    "radius"
)


def in_words(name: object) -> str:
    """Return a name of the results as a reader would write it."""
    return str(name).replace("_", " ")


def listed(counts: dict[str, int]) -> str:
    """Return 'a 3, b 1' of the entries that are not zero; 'none' if all are."""
    return ", ".join(f"{name} {n}" for name, n in counts.items() if n) or "none"
