"""Hartigan's dip: how far a sample is from the nearest distribution with one mode.

Hartigan & Hartigan (1985, Annals of Statistics 13, 70-84). The dip is the least
distance D at which a distribution function with one mode stays within D of the
empirical one everywhere. It is found here by bisection: inside the tube of radius D
the taut string has the fewest modes of all (Davies & Kovac 2001, unverified), so D is
wide enough when that string bends upwards first and downwards after, never up again.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from panoptic.statement import NotRun

Floats = NDArray[np.float64]

_MIN_VALUES = 4
_CHUNK = 1000  # uniform samples held at a time
_SLACK = 1e-9  # of dips that are found by bisection


@dataclass(frozen=True, slots=True)
class DipTest:
    """The dip of one axis and its p under the uniform distribution."""

    n_values: int
    dip: float  # at least 1 / (2 n)
    p: float  # (1 + count) / (1 + draws)
    n_draws: int


def dip_statistic(values: ArrayLike) -> float:
    """Return the dip of the values; NaN are left out; 0 of no values."""
    x = np.asarray(values, dtype=np.float64)
    x = np.sort(x[np.isfinite(x)])
    return float(_dip(x)) if len(x) else 0.0


def run_dip_test(
    values: ArrayLike, *, n_draws: int, rng: np.random.Generator
) -> DipTest | NotRun:
    """Return the dip and how often a uniform sample of this size has a larger one.

    The uniform distribution is the hardest with one mode, so p is conservative.
    """
    x = np.asarray(values, dtype=np.float64)
    n = int(np.isfinite(x).sum())
    n_distinct = len(np.unique(x[np.isfinite(x)]))
    if n_distinct < _MIN_VALUES:
        return NotRun(f"{n} values, {n_distinct} distinct: a dip needs {_MIN_VALUES}")
    observed = dip_statistic(x)
    count = 0
    for first in range(0, n_draws, _CHUNK):
        uniform = rng.random((min(_CHUNK, n_draws - first), n))
        count += _count_dips(np.sort(uniform, axis=1), observed - _SLACK)
    return DipTest(n, observed, (1 + count) / (1 + n_draws), n_draws)


@njit(cache=True, error_model="numpy")
def _count_dips(rows, at_least):
    """Count the sorted rows whose dip is as large, by one string each."""
    count = 0
    for r in range(len(rows)):
        place, below, upto = _steps(rows[r])
        radius = at_least * len(rows[r])
        is_open = radius >= 0.5 * np.max(upto - below)
        count += not (is_open and _has_one_mode(place, below, upto, radius))
    return count


@njit(cache=True, error_model="numpy")
def _dip(x):
    """Return the dip of sorted values."""
    place, below, upto = _steps(x)
    n = float(len(x))
    if len(place) == 1:  # a point has one mode
        return 0.5 / n
    low = 0.5 * np.max(upto - below)  # a tube must be open at every step
    high = 0.5 * n
    if _has_one_mode(place, below, upto, low):
        return low / n
    while high - low > 0.1 * _SLACK * n:
        middle = 0.5 * (low + high)
        if _has_one_mode(place, below, upto, middle):
            high = middle
        else:
            low = middle
    return high / n


@njit(cache=True, error_model="numpy")
def _steps(x):
    """Return the distinct values, and how many lie below and up to each."""
    n = len(x)
    place, below, upto = np.empty(n), np.empty(n), np.empty(n)
    m = 0
    for i in range(n):
        if i == 0 or x[i] != x[i - 1]:
            place[m] = x[i]
            below[m] = i
            m += 1
        upto[m - 1] = i + 1
    return place[:m], below[:m], upto[:m]


@njit(cache=True, error_model="numpy")
def _has_one_mode(place, below, upto, radius):
    """Pull a string taut in the tube; True if no upward bend follows a downward one.

    The tube runs from upto - radius to below + radius, in counts. The string starts
    as high and ends as low as it may, which leaves the tails free to flatten out.
    """
    last = len(place) - 1
    knot, height = 0, below[0] + radius
    turned_down = False
    while knot < last:
        steepest_low, shallowest_high = -np.inf, np.inf
        at_low, at_high = knot, knot
        bent = False
        for j in range(knot + 1, last + 1):
            run = place[j] - place[knot]
            floor = (upto[j] - radius - height) / run
            ceiling = (below[j] + radius - height) / run
            if j == last:
                ceiling = floor
            if floor > shallowest_high:  # must rise: leave the ceiling upwards
                if turned_down:
                    return False
                knot, height = at_high, below[at_high] + radius
                bent = True
                break
            if ceiling < steepest_low:  # must fall: leave the floor downwards
                turned_down = True
                knot, height = at_low, upto[at_low] - radius
                bent = True
                break
            if floor >= steepest_low:
                steepest_low, at_low = floor, j
            if ceiling <= shallowest_high:
                shallowest_high, at_high = ceiling, j
        if not bent:
            return True
    return True
