"""The distribution of eccentricities without a formula, limits included."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from panoptic.demographics.eccentricity_fits import Subset
from panoptic.demographics.eccentricity_passes import EccentricityPass, Policy
from panoptic.demographics.host_resampling import bootstrap_weights

Floats = NDArray[np.float64]

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class EccentricityDistribution:
    """Share of companions with an eccentricity up to e, one step per value.

    ecc : (m,) the different values, rising.
    share : (m,) at and above each of them, up to the next.
    share_low, share_high : (m,) band of `level` over host-bootstrap samples.
    share_below : what lies below the smallest value, seen only as limits.
    """

    subset: Subset  # side of the split
    policy: Policy  # how zeros, limits and errors are read
    n: int  # rows, limits included
    n_hosts: int  # their hosts
    ecc: Floats
    share: Floats
    share_low: Floats
    share_high: Floats
    share_below: float
    level: float  # of the band


def distribution_of(
    subset: Subset,
    reading: EccentricityPass,
    host: NDArray[np.str_],
    *,
    n_bootstrap: int,
    rng: np.random.Generator,
) -> EccentricityDistribution | None:
    """Return the distribution of a pass's rows; None where no value is known.

    Rows of which only a lower limit is known are left out.
    """
    usable = ~(reading.low > 0.0)
    reading, host = reading.where(usable), host[usable]
    if not reading.is_value.any():
        return None
    value = np.where(reading.is_value, reading.value, reading.high)
    weights = bootstrap_weights(host, n_bootstrap=n_bootstrap, rng=rng)
    levels, share = reverse_kaplan_meier(
        value, reading.is_value, np.ones((1, len(value)))
    )
    _, drawn = reverse_kaplan_meier(value, reading.is_value, weights)
    tail = 0.5 * (1.0 - LEVEL)
    low, high = np.nanquantile(drawn[:, 1:], [tail, 1.0 - tail], axis=0)
    return EccentricityDistribution(
        subset=subset,
        policy=reading.policy,
        n=len(reading),
        n_hosts=len(np.unique(host)),
        ecc=levels,
        share=share[0, 1:],
        share_low=low,
        share_high=high,
        share_below=float(share[0, 0]),
        level=LEVEL,
    )


def reverse_kaplan_meier(
    value: Floats, seen: NDArray[np.bool_], weights: Floats
) -> tuple[Floats, Floats]:
    """Return the different seen values (m,) and the shares up to them (R, m + 1).

    Kaplan & Meier's product read from the largest value down: an unseen row lies
    somewhere below its limit. Column 0 is the share below the smallest value. Without
    limits this is the empirical distribution.
    """
    levels = np.unique(value[seen])
    events = weights @ ((value[:, None] == levels) & seen[:, None])
    at_risk = weights @ (value[:, None] <= levels)
    with np.errstate(divide="ignore", invalid="ignore"):
        stays = np.where(at_risk > 0.0, 1.0 - events / at_risk, 1.0)
    below = np.cumprod(stays[:, ::-1], axis=1)[:, ::-1]  # strictly below each level
    return levels, np.column_stack([below, np.ones(len(weights))])
