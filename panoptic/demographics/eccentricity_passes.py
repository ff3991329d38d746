"""The readings of a list of eccentricities, half of which were never measured.

A reading (pass) says of each row whether its e is taken as a value, as an interval that
holds it, or not at all. Four of them are the study's passes; the fifth takes the
measured values as spread over their errors. Where a density is needed, a value of 0
is moved to `ZERO_FLOOR`: a Beta density is defined on the open interval.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from panoptic.demographics.beta_likelihood import (
    BetaRows,
    known_with_errors,
    known_within,
)
from panoptic.demographics.companions import Companions
from panoptic.sample import EccKind

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

ZERO_FLOOR = 1e-3


class Policy(StrEnum):
    """What is done with eccentricities that were not measured."""

    AS_REPORTED = "as_reported"  # every value, limits as values
    MEASURED_ONLY = "measured_only"  # limits and assumed zeros dropped
    CENSORED = "censored"  # all but measured ones are limits; the headline
    STRICT = "strict"  # only measured ones
    WITH_ERRORS = "with_errors"  # measured_only, each value spread over its error


HEADLINE = Policy.CENSORED

_TAKEN_AS_VALUE: dict[Policy, tuple[EccKind, ...]] = {
    Policy.AS_REPORTED: tuple(set(EccKind) - {EccKind.MISSING}),
    Policy.MEASURED_ONLY: (EccKind.MEASURED, EccKind.CONSISTENT_WITH_ZERO),
    Policy.CENSORED: (EccKind.MEASURED,),
    Policy.STRICT: (EccKind.MEASURED,),
    Policy.WITH_ERRORS: (EccKind.MEASURED, EccKind.CONSISTENT_WITH_ZERO),
}


@dataclass(frozen=True, slots=True)
class EccentricityPass:
    """The rows that one pass uses, each array (n,).

    row : index into the companions.
    value : e, NaN where only an interval is known; a 0 is kept as 0.
    low, high : the interval, NaN where the value is known.
    error_below, error_above : of the value, NaN where not given.
    """

    policy: Policy
    row: NDArray[np.intp]
    value: Floats
    low: Floats
    high: Floats
    error_below: Floats
    error_above: Floats

    def __len__(self) -> int:
        return len(self.row)

    @property
    def is_value(self) -> Flags:
        return np.isfinite(self.value)

    @property
    def is_floored(self) -> Flags:
        """Where a density takes `ZERO_FLOOR` in place of the value.

        `as_reported` raises every smaller value, so that no 0 passes a measured 1e-4;
        the other passes move 0 alone.
        """
        if self.policy is Policy.AS_REPORTED:
            return self.value < ZERO_FLOOR
        return self.value == 0.0

    @property
    def positive_value(self) -> Floats:
        """The values as a density takes them."""
        return np.where(self.is_floored, ZERO_FLOOR, self.value)

    def where(self, keep: Flags) -> "EccentricityPass":
        """Return the rows that a mask keeps."""
        return EccentricityPass(
            self.policy,
            self.row[keep],
            self.value[keep],
            self.low[keep],
            self.high[keep],
            self.error_below[keep],
            self.error_above[keep],
        )

    def beta_rows(self) -> BetaRows:
        """Return what is known, as the Beta likelihood takes it."""
        if self.policy is Policy.WITH_ERRORS:
            return known_with_errors(
                self.positive_value, self.error_below, self.error_above
            )
        return known_within(self.positive_value, self.low, self.high)


def inside_unit_interval(companions: Companions) -> Flags:
    """Return which rows have an e in [0, 1); a row without e has not."""
    with np.errstate(invalid="ignore"):
        return (companions.ecc >= 0.0) & (companions.ecc < 1.0)


def apply_policy(companions: Companions, policy: Policy) -> EccentricityPass:
    """Read the eccentricities by a policy.

    Rows without e, or with e outside [0, 1), are in no pass. A censored row without a
    usable bound (none, or an upper one of 0 or below) is left out of `censored`.
    """
    usable = inside_unit_interval(companions) & (companions.ecc_kind != EccKind.MISSING)
    is_value = np.isin(companions.ecc_kind, _TAKEN_AS_VALUE[policy]) & usable
    bound = companions.ecc_bound
    lower = companions.ecc_kind == EccKind.LOWER_LIMIT
    low = np.where(lower, bound, 0.0)
    high = np.where(lower, 1.0, np.minimum(bound, 1.0))
    with np.errstate(invalid="ignore"):
        is_interval = usable & ~is_value & (low >= 0.0) & (low < high)
    if policy is not Policy.CENSORED:
        is_interval = np.zeros(len(companions), dtype=np.bool_)
    row = np.flatnonzero(is_value | is_interval)
    known = is_value[row]
    return EccentricityPass(
        policy=policy,
        row=row,
        value=np.where(known, companions.ecc[row], np.nan),
        low=np.where(known, np.nan, low[row]),
        high=np.where(known, np.nan, high[row]),
        error_below=companions.ecc_err_lower[row],
        error_above=companions.ecc_err_upper[row],
    )
