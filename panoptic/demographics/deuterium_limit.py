"""Whether companions carry on smoothly across the deuterium-burning limit."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from panoptic.constants import DEUTERIUM_LIMIT_MJUP
from panoptic.demographics.companions import Companions
from panoptic.sample import MassProvenance
from panoptic.statement import NotRun, Statement

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Flags = NDArray[np.bool_]

_BIN_DEX = 0.05
_BANDWIDTHS_DEX = (0.5, 0.35, 0.7)  # the first is the headline
_MIN_HOSTS = 5  # on either side within the bandwidth
_NEIGHBOUR_DEX = 1.0  # how far from the limit neighbours are compared
_FACTORS = (2.0, 3.0, 5.0, 10.0)
_JUDGED_FACTOR = 3.0
_LEAST_POWER = 0.8
_ALPHA = 0.05
_N_POWER = 400
_N_POWER_BOOTSTRAP = 200


class DeuteriumAnswer(StrEnum):
    """What the density of log M_c allows one to say at the limit."""

    BREAK = "a break"
    CONTINUOUS = "no break of a factor of 3"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True)
class DensityStep:
    """Local-linear density of log10 M_c on the two sides of the limit, per dex."""

    bandwidth_dex: float
    n_below: int  # rows within the bandwidth
    n_above: int
    n_hosts_below: int
    n_hosts_above: int
    density_below: float  # share of all rows per dex, can be negative where rows lack
    density_above: float
    step: float  # above - below
    step_95: tuple[float, float]  # host-bootstrap percentiles
    log10_ratio: float | None  # of above to below; None unless both are positive

    @property
    def is_significant(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.step_95[0] > 0.0 or self.step_95[1] < 0.0

    @property
    def is_testable(self) -> bool:
        """Whether both sides have hosts enough for the interval to mean anything."""
        return min(self.n_hosts_below, self.n_hosts_above) >= _MIN_HOSTS


@dataclass(frozen=True, slots=True)
class StepPower:
    """How often a step of this factor would be seen with as many rows."""

    factor: float  # density above over density below
    power: float  # share of simulated samples


@dataclass(frozen=True, slots=True)
class SideComparison:
    """One quantity of the neighbours below the limit against those above."""

    quantity: str  # log10 a [AU] or e
    n_below: int
    n_above: int
    n_hosts_below: int
    n_hosts_above: int
    median_below: float | None
    median_above: float | None
    ks: float | None  # None where a side is too small
    p: float | None  # by permuting hosts
    power_one_sigma: float | None  # for a shift by one standard deviation


@dataclass(frozen=True, slots=True)
class DeuteriumContinuity:
    """The claim of continuity across the limit, put to the numbers."""

    answer: DeuteriumAnswer
    limit_mjup: float
    n_rows: int
    n_hosts: int
    n_minimum_mass_near: int  # M sin i rows within the headline bandwidth
    steps: tuple[DensityStep, ...]  # one per bandwidth, the headline first
    power: tuple[StepPower, ...]
    sides: tuple[SideComparison, ...]
    reason: str  # what decided


def examine_deuterium_limit(
    companions: Companions,
    *,
    n_bootstrap: int,
    n_permutations: int,
    rng: np.random.Generator,
    limit_mjup: float = DEUTERIUM_LIMIT_MJUP,
) -> DeuteriumContinuity | NotRun:
    """Compare the density of log M_c, log a and e on the two sides of the limit.

    The density on each side is a local-linear fit with triangular weights to counts
    in bins of 0.05 dex (McCrary 2008, Journal of Econometrics 142, 698-714), its errors
    from drawing hosts. A break: the 95 % interval of the step leaves out zero at the
    headline bandwidth and the step has one sign at all three. No break of a factor of
    3: not so, though such a step would be seen with a power of 0.8. Else, or with
    fewer than 5 hosts near on a side: cannot tell.
    """
    known = np.isfinite(companions.mass_mjup) & (companions.mass_mjup > 0)
    companions = companions.where(known)
    if companions.n_hosts < 2 * _MIN_HOSTS:
        return NotRun(
            f"{len(companions)} masses on {companions.n_hosts} hosts: a density step "
            f"needs {2 * _MIN_HOSTS} hosts"
        )
    offset = np.log10(companions.mass_mjup / limit_mjup)
    host = np.unique(companions.host, return_inverse=True)[1]
    steps = tuple(
        _measure_step(offset, host, width, n_bootstrap, rng)
        for width in _BANDWIDTHS_DEX
    )
    head = steps[0]
    power = tuple(
        StepPower(factor, _step_power(head, factor, rng)) for factor in _FACTORS
    )
    answer, reason = _answer(steps, power)
    minimum = companions.mass_provenance == str(MassProvenance.MSINI)
    return DeuteriumContinuity(
        answer=answer,
        limit_mjup=limit_mjup,
        n_rows=len(companions),
        n_hosts=companions.n_hosts,
        n_minimum_mass_near=int(np.sum(minimum & (abs(offset) < head.bandwidth_dex))),
        steps=steps,
        power=power,
        sides=(
            _compare_sides(
                "log10 a", companions.log_a, offset, host, n_permutations, rng
            ),
            _compare_sides("e", companions.ecc, offset, host, n_permutations, rng),
        ),
        reason=reason,
    )


def state_deuterium_limit(
    continuity: DeuteriumContinuity | NotRun,
) -> tuple[Statement, ...]:
    """Say what was found at the limit, and how small a break would have been seen."""
    if isinstance(continuity, NotRun):
        text = "Continuity across the deuterium limit was not examined."
        return (Statement(text, continuity.reason),)
    limit = f"{continuity.limit_mjup:g} MJ"
    text = {
        DeuteriumAnswer.BREAK: (
            f"The density of companions per log mass breaks at {limit}."
        ),
        DeuteriumAnswer.CONTINUOUS: (
            f"Companions carry on across {limit} without a break of a factor of "
            f"{_JUDGED_FACTOR:g}."
        ),
        DeuteriumAnswer.CANNOT_TELL: (
            f"These data cannot tell whether companions carry on smoothly across "
            f"{limit}."
        ),
    }[continuity.answer]
    head = continuity.steps[0]
    chances = ", ".join(f"{p.factor:g}: {p.power:.2f}" for p in continuity.power)
    evidence = (
        f"within {head.bandwidth_dex:g} dex {head.n_below} rows below and "
        f"{head.n_above} above on {head.n_hosts_below} and {head.n_hosts_above} hosts; "
        f"density per dex {head.density_below:.3f} and {head.density_above:.3f}, step "
        f"{head.step:+.3f} ({head.step_95[0]:+.3f} to {head.step_95[1]:+.3f}); power "
        f"for a step by a factor of {chances}; {continuity.reason}"
    )
    caveat = (
        "the methods that reach the two sides differ, and a gap between their reaches "
        f"looks like a break; {continuity.n_minimum_mass_near} of the rows near have a "
        "minimum mass only; more measured masses between 4 and 40 MJ would decide"
    )
    return (Statement(text, evidence, caveat), *map(_state_side, continuity.sides))


def _state_side(side: SideComparison) -> Statement:
    counts = (
        f"{side.n_below} rows on {side.n_hosts_below} hosts below, {side.n_above} on "
        f"{side.n_hosts_above} above, within a factor of 10 of the limit"
    )
    if side.ks is None or side.p is None:
        text = f"{side.quantity} could not be compared across the deuterium limit."
        return Statement(text, counts)
    word = "differs" if side.p <= _ALPHA else "is not seen to differ"
    return Statement(
        f"{side.quantity} {word} between the two sides of the deuterium limit.",
        f"KS D = {side.ks:.2f}, p = {side.p:.3g} by permuting hosts; medians "
        f"{side.median_below:.2f} and {side.median_above:.2f}; power "
        f"{side.power_one_sigma:.2f} for a shift by one standard deviation; {counts}",
        "catalogued values, detection methods not matched",
    )


def _answer(
    steps: tuple[DensityStep, ...], power: tuple[StepPower, ...]
) -> tuple[DeuteriumAnswer, str]:
    head = steps[0]
    if not head.is_testable:
        return DeuteriumAnswer.CANNOT_TELL, f"fewer than {_MIN_HOSTS} hosts on a side"
    one_sign = len({bool(step.step > 0) for step in steps}) == 1
    if head.is_significant and one_sign:
        return DeuteriumAnswer.BREAK, (
            "the interval leaves out zero, and the step has one sign at all bandwidths"
        )
    chance = {item.factor: item.power for item in power}[_JUDGED_FACTOR]
    if chance >= _LEAST_POWER:
        return DeuteriumAnswer.CONTINUOUS, f"power {chance:.2f} is enough"
    return DeuteriumAnswer.CANNOT_TELL, f"power {chance:.2f} is below {_LEAST_POWER}"


def _edge_weights(bandwidth: float) -> tuple[Floats, Floats]:
    """Return bin edges (m + 1,) about the limit, and weights (2, m) of the counts.

    counts @ weights.T is the fitted density at the limit from below and from above,
    per dex, times the number of rows.
    """
    n_side = round(bandwidth / _BIN_DEX)
    edges = np.arange(-n_side, n_side + 1, dtype=np.float64) * _BIN_DEX
    centres = 0.5 * (edges[1:] + edges[:-1])
    weights = np.zeros((2, len(centres)))
    for side, mask in enumerate((centres < 0, centres > 0)):
        x = centres[mask]
        kernel = 1.0 - np.abs(x) / bandwidth
        design = np.column_stack([np.ones_like(x), x])
        hat = np.linalg.solve(design.T @ (kernel[:, None] * design), design.T * kernel)
        weights[side, mask] = hat[0] / _BIN_DEX
    return edges, weights


def _bin_rows(offset: Floats, edges: Floats) -> Codes:
    """Return each row's bin; the number of bins for a row outside. At 0: above."""
    at = np.floor((offset - edges[0]) / _BIN_DEX + 1e-9).astype(np.int64)
    n_bins = len(edges) - 1
    return np.where((at >= 0) & (at < n_bins), at, n_bins)


def _measure_step(
    offset: Floats,
    host: Codes,
    bandwidth: float,
    n_bootstrap: int,
    rng: np.random.Generator,
) -> DensityStep:
    edges, weights = _edge_weights(bandwidth)
    at = _bin_rows(offset, edges)
    n_bins, n_hosts = len(edges) - 1, int(host.max()) + 1
    table = np.zeros((n_hosts, n_bins + 1))
    np.add.at(table, (host, at), 1.0)
    below, above = table[:, :n_bins].sum(axis=0) @ weights.T / len(offset)
    drawn = rng.multinomial(n_hosts, np.full(n_hosts, 1.0 / n_hosts), size=n_bootstrap)
    counts = drawn @ table
    densities = counts[:, :n_bins] @ weights.T / counts.sum(axis=1, keepdims=True)
    low, high = np.percentile(densities[:, 1] - densities[:, 0], [2.5, 97.5])
    near = at < n_bins
    is_below, is_above = near & (at < n_bins // 2), near & (at >= n_bins // 2)
    both = bool(below > 0 and above > 0)
    return DensityStep(
        bandwidth_dex=bandwidth,
        n_below=int(is_below.sum()),
        n_above=int(is_above.sum()),
        n_hosts_below=len(np.unique(host[is_below])),
        n_hosts_above=len(np.unique(host[is_above])),
        density_below=float(below),
        density_above=float(above),
        step=float(above - below),
        step_95=(float(low), float(high)),
        log10_ratio=float(np.log10(above / below)) if both else None,
    )


def _step_power(head: DensityStep, factor: float, rng: np.random.Generator) -> float:
    """Return the share of made samples in which a step of this factor is seen.

    As many hosts near the limit as there are, each with one row, flat on each side,
    the side below the limit `factor` times as dense; tested as the data are.
    """
    n = head.n_hosts_below + head.n_hosts_above
    if n == 0:
        return 0.0
    edges, weights = _edge_weights(head.bandwidth_dex)
    is_below = rng.random((_N_POWER, n)) < factor / (1.0 + factor)
    distance = rng.random((_N_POWER, n)) * head.bandwidth_dex
    at = _bin_rows(np.where(is_below, -distance, distance), edges)
    each = (weights[1] - weights[0])[np.clip(at, 0, len(edges) - 2)]
    # One set of resamples serves all: it does not know the data.
    drawn = rng.multinomial(n, np.full(n, 1.0 / n), size=_N_POWER_BOOTSTRAP)
    low, high = np.percentile(each @ drawn.T, [2.5, 97.5], axis=1)
    n_below = is_below.sum(axis=1)
    enough = (n_below >= _MIN_HOSTS) & (n - n_below >= _MIN_HOSTS)
    return float(np.mean(enough & ((low > 0) | (high < 0))))


def _compare_sides(
    quantity: str,
    values: Floats,
    offset: Floats,
    host: Codes,
    n_permutations: int,
    rng: np.random.Generator,
) -> SideComparison:
    """Compare the neighbours' values by KS, permuting whole hosts between the sides."""
    near = np.isfinite(values) & (abs(offset) <= _NEIGHBOUR_DEX)
    x, above = values[near], offset[near] >= 0
    # A host with companions on both sides is one unit on each.
    unit = np.unique(2 * host[near] + above, return_inverse=True)[1]
    n_below, n_above = (len(np.unique(host[near][m])) for m in (~above, above))
    ks = p = power = None
    if min(n_below, n_above) >= _MIN_HOSTS:
        side_of_unit = np.zeros(int(unit.max()) + 1, dtype=bool)
        side_of_unit[unit] = above
        shuffled = rng.permuted(np.tile(side_of_unit, (n_permutations, 1)), axis=1)
        ks = float(_ks(x, above[None])[0])
        count = int(np.sum(_ks(x, shuffled[:, unit]) >= ks - 1e-12))
        p = (1 + count) / (1 + n_permutations)
        power = _shift_power(n_below, n_above, rng)
    return SideComparison(
        quantity=quantity,
        n_below=int(np.sum(~above)),
        n_above=int(np.sum(above)),
        n_hosts_below=n_below,
        n_hosts_above=n_above,
        median_below=float(np.median(x[~above])) if n_below else None,
        median_above=float(np.median(x[above])) if n_above else None,
        ks=ks,
        p=p,
        power_one_sigma=power,
    )


def _ks(x: Floats, above: Flags) -> Floats:
    """Return the two-sample KS D of x (n,) under each labelling (samples, n)."""
    order = np.argsort(x, kind="stable")
    last = np.append(np.diff(x[order]) > 0, True)
    is_above = above[:, order]
    with np.errstate(invalid="ignore"):
        f_above = np.cumsum(is_above, axis=1) / is_above.sum(axis=1, keepdims=True)
        f_below = np.cumsum(~is_above, axis=1) / (~is_above).sum(axis=1, keepdims=True)
    return np.abs(f_above - f_below)[:, last].max(axis=1)


def _shift_power(n_below: int, n_above: int, rng: np.random.Generator) -> float:
    """Return the KS power for normal samples of these sizes, one sigma apart."""
    above = np.arange(n_below + n_above) >= n_below

    def distances(shift: float) -> Floats:
        x = rng.standard_normal((2 * _N_POWER, len(above))) + shift * above
        rank = x.argsort(axis=1)
        return _ks(np.arange(len(above), dtype=float), above[rank])

    critical = np.quantile(distances(0.0), 1.0 - _ALPHA)
    return float(np.mean(distances(1.0) > critical))
