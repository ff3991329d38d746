"""What is said of two runs held side by side."""

from dataclasses import dataclass

from panoptic.runs.values import Value

ValuesOf = dict[str, dict[str, Value]]  # by subject, then by name


@dataclass(frozen=True, slots=True)
class Move:
    """One value that is not what it was; None where there was or is none."""

    subject: str  # an object, a file, a section
    name: str  # a column, a key
    before: Value
    after: Value

    @property
    def difference(self) -> float | None:
        """after - before, where both are numbers."""
        if isinstance(self.before, float) and isinstance(self.after, float):
            return self.after - self.before
        return None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything in which the second run is not the first.

    how_run : settings, versions and inputs.
    verdicts : all of them, those that stayed too.
    headlines : the lines of the summaries that have a label, which is `name`.
    words : what else the summaries say; `name` is a sentence that stayed while its
        evidence moved, and empty where the sentence itself changed.
    added, removed : objects; facts : what is known of these; values : of the others.
    numbers : single numbers and words in the JSON results (arrays are left out).
    """

    before: str
    after: str
    how_run: tuple[Move, ...]
    verdicts: tuple[Move, ...]
    headlines: tuple[Move, ...]
    words: tuple[Move, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    facts: ValuesOf
    values: tuple[Move, ...]
    numbers: tuple[Move, ...]
