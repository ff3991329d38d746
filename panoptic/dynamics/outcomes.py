"""What became of triples, kept so that shorter times and other radii can be asked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.uint8]


class Outcome(IntEnum):
    """How a triple ended."""

    UNCHANGED = 0  # still wide at the end of the time asked for
    MIGRATED = 1  # tides shrank its inner orbit; then a (1 - e^2) is where it ends
    DISRUPTED = 2  # its pericentre passed inside the disruption radius
    UNSTABLE = 3  # not integrated: the caller said it is no hierarchy
    UNDECIDED = 4  # the cap on steps came first


class Settled(IntEnum):
    """What decided a triple."""

    NOT_ASKED = 0  # unstable, or no time at all
    INTEGRATION = 1  # followed to its end, or to the cap on steps
    STIFFNESS = 2  # not followed: short-range forces keep the pericentre outside
    WINDOW = 3  # not followed: too little inclined for quadrupole and octupole
    PERIODIC = 4  # one quadrupole cycle followed, and all cycles are alike
    STEADY = 5  # followed for long, the pericentre well outside and its record old


@dataclass(frozen=True, slots=True)
class TripleEnsemble:
    """Outcomes of n triples integrated to `t_end_yr` and what led there.

    A triple is followed until it migrates, comes closer than the least of
    `disruption_factors`, reaches the end or the cap. What happened at a larger factor
    or an earlier end is read off by `outcome_at`, without integrating again.

    One that was not followed at all keeps its initial axis, and what only following
    it would tell is NaN; one that was settled on the way shows the state it had then.
    """

    outcome: Codes  # (n,) Outcome, at the end and for the first disruption factor
    settled_by: Codes  # (n,) Settled
    outer_moves: NDArray[np.bool_]  # (n,) the outer orbit was a variable
    t_end_yr: float
    tolerance: float
    disruption_factors: tuple[float, ...]  # of the tidal radius, descending
    t_stop_yr: Floats  # (n,) until then the outcome is known
    t_migrated_yr: Floats  # (n,) inf where it did not
    t_inside_yr: Floats  # (n, n_factors) first passage of the factor; inf: never
    min_pericentre_au: Floats  # (n,)
    max_e: Floats  # (n,)
    min_one_minus_e: Floats  # (n,) 1 - max_e without its rounding
    final_a_au: Floats  # (n,) where the integration stopped
    final_e: Floats  # (n,)
    n_steps: NDArray[np.int64]  # (n,) tried, accepted or not

    def __len__(self) -> int:
        return len(self.outcome)

    @property
    def circular_a_au(self) -> Floats:
        """Where tides bring the companion from here: a (1 - e^2), (n,)."""
        return self.final_a_au * (1.0 - self.final_e) * (1.0 + self.final_e)

    def outcome_at(self, *, t_yr: float, disruption_factor: float) -> Codes:
        """Return the outcomes for an earlier end and one of the disruption factors.

        Raises
        ------
        ValueError
            for a time after `t_end_yr` or a factor that was not recorded.
        """
        if not 0.0 <= t_yr <= self.t_end_yr:
            raise ValueError(f"integrated to {self.t_end_yr} yr, asked for {t_yr} yr")
        if disruption_factor not in self.disruption_factors:
            raise ValueError(
                f"recorded are {self.disruption_factors} tidal radii, asked for "
                f"{disruption_factor}"
            )
        column = self.disruption_factors.index(disruption_factor)
        return decide(
            t_yr,
            t_stop_yr=self.t_stop_yr,
            t_migrated_yr=self.t_migrated_yr,
            t_inside_yr=self.t_inside_yr[:, column],
            unstable=self.outcome == Outcome.UNSTABLE,
        )

    def counts(self) -> dict[str, int]:
        """How many triples ended how."""
        return {
            outcome.name.lower(): int(np.count_nonzero(self.outcome == outcome))
            for outcome in Outcome
        }

    def settled_counts(self) -> dict[str, int]:
        """How many triples were settled by what."""
        return {
            by.name.lower(): int(np.count_nonzero(self.settled_by == by))
            for by in Settled
        }


def decide(
    t_yr: float,
    *,
    t_stop_yr: Floats,
    t_migrated_yr: Floats,
    t_inside_yr: Floats,
    unstable: NDArray[np.bool_],
) -> Codes:
    """Return the outcomes at a time from when things happened, each (n,).

    A triple whose integration stopped before `t_yr` without having migrated or been
    disrupted is undecided.
    """
    outcome = np.where(t_stop_yr < t_yr, Outcome.UNDECIDED, Outcome.UNCHANGED)
    outcome[t_migrated_yr <= t_yr] = Outcome.MIGRATED
    outcome[t_inside_yr <= np.minimum(t_yr, t_migrated_yr)] = Outcome.DISRUPTED
    outcome[unstable] = Outcome.UNSTABLE
    return outcome.astype(np.uint8)
