"""The map of perturbers: the triples that are drawn, and the study's criterion on them.

Which perturbers, by mass and distance, could have driven a companion in? Every cell
draws outer orbits; draw k of cell c under a seed is one set of numbers whatever the
grid's other cells, the threads or the order (a counter-based generator), so a longer
run repeats the draws of a shorter one and adds to them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numba import njit, prange
from numpy.typing import ArrayLike, NDArray

from panoptic.constants import MSUN_MJUP, RSUN_AU
from panoptic.dynamics.kozai_lidov import (
    angular_momentum_ratio,
    averaging_ratio,
    order_of_magnitude_time_yr,
)
from panoptic.dynamics.perturbers import (
    EccentricityLaw,
    InnerOrbit,
    OuterOrbitPrior,
    PerturberGrid,
    Progress,
    require_outside,
    require_positive,
)

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

COVERED_FRACTION = 0.1  # a cell with at least this fraction counts as covered
_Z_95 = 1.959963984540054  # two-sided 95 % point of the normal distribution


class Stream(IntEnum):
    """What draws are for: two streams share no number."""

    MAP = 0  # rows are cells
    OBJECTS = 1  # rows are observed companions


@dataclass(frozen=True, slots=True)
class DrawnOrbits:
    """Orbits of drawn triples, every array (n_rows, n_draws)."""

    ecc_out: Floats
    cos_inclination: Floats
    axis_au: Floats  # of the companion at the start
    pericentre_rad: Floats
    node_rad: Floats
    uniform: Floats  # in [0, 1), for what else the caller draws


@dataclass(frozen=True, slots=True)
class FeasibilityMap:
    """The study's criterion over a grid of perturbers; arrays (n_mass, n_axis).

    A draw is feasible if the triple is stable, t_KL <= horizon and a (1 - e_max) <=
    r_crit. The criterion knows nothing of short-range forces, of the octupole, of the
    companion's disruption and of its tides.
    """

    grid: PerturberGrid  # the perturbers
    inner: InnerOrbit  # host, companion and its start
    prior: OuterOrbitPrior  # of the perturbers' orbits
    n_draws: int  # per cell
    seed: int  # of the counter-based draws
    horizon_gyr: float  # time in which migration must happen, Gyr
    r_crit_rstar: float  # pericentre threshold, host radii
    r_crit_au: float  # the same, AU
    n_feasible: Counts  # draws that pass the criterion
    n_unstable: Counts  # draws, by Mardling & Aarseth 2001; never feasible
    fraction: Floats  # n_feasible / n_draws
    fraction_low: Floats  # Wilson 95 % interval of it
    fraction_high: Floats  # its upper end
    t_kl_median_yr: Floats  # exact: t_KL at the median e_out and a, yr
    averaging_ratio: Floats  # P_out / (2 pi t_LK) there: above 0.1 averaging fails
    angular_momentum_ratio: Floats  # L_in / L_out there: above 0.1 no test particle

    @property
    def mean_fraction(self) -> float:
        return float(self.fraction.mean())

    @property
    def coverage(self) -> float:
        """Share of the cells whose fraction is at least `COVERED_FRACTION`."""
        return float(np.mean(self.fraction >= COVERED_FRACTION))


def map_feasibility(
    grid: PerturberGrid,
    inner: InnerOrbit,
    *,
    n_draws: int,
    horizon_gyr: float,
    r_crit_rstar: float,
    seed: int,
    prior: OuterOrbitPrior | None = None,
    progress: Progress | None = None,
) -> FeasibilityMap:
    """Return the share of each cell's triples that pass the study's criterion.

    Raises
    ------
    ValueError
        for no draws, a horizon or threshold that is not positive, or a perturber
        inside the inner orbit.
    """
    prior = OuterOrbitPrior() if prior is None else prior
    for name, value in (
        ("n_draws", n_draws),
        ("horizon_gyr", horizon_gyr),
        ("r_crit_rstar", r_crit_rstar),
    ):
        require_positive(name, value)
    require_outside(grid, inner)
    mass, axis_out = grid.per_cell()
    reference_time = order_of_magnitude_time_yr(
        inner.mass_msun, mass, axis_au=1.0, axis_out_au=axis_out, ecc_out=0.0
    )
    r_crit_au = r_crit_rstar * inner.host_radius_rsun * RSUN_AU
    counts = np.zeros((2, grid.n_cells), dtype=np.int64)
    _count_draws(
        _key(seed, Stream.MAP),
        n_draws,
        _prior_constants(inner.axis_au, prior),
        axis_out,
        mass / inner.mass_msun,
        (horizon_gyr * 1e9 / reference_time) ** (2.0 / 3.0),
        r_crit_au,
        counts,
    )
    if progress is not None:
        progress(grid.n_cells, grid.n_cells)
    feasible, unstable = counts.reshape(2, *grid.shape)
    low, high = wilson_interval(feasible, n_draws)
    typical = typical_orbit(grid, inner, prior)
    return FeasibilityMap(
        grid=grid,
        inner=inner,
        prior=prior,
        n_draws=n_draws,
        seed=seed,
        horizon_gyr=horizon_gyr,
        r_crit_rstar=r_crit_rstar,
        r_crit_au=r_crit_au,
        n_feasible=feasible,
        n_unstable=unstable,
        fraction=feasible / n_draws,
        fraction_low=low,
        fraction_high=high,
        t_kl_median_yr=typical[0],
        averaging_ratio=typical[1],
        angular_momentum_ratio=typical[2],
    )


def draw_orbits(
    rows: Sequence[int],
    prior: OuterOrbitPrior,
    *,
    axis_range_au: tuple[float, float],
    n_draws: int,
    seed: int,
    stream: Stream = Stream.MAP,
) -> DrawnOrbits:
    """Return the first draws of some rows (cells of the map, or objects).

    Eccentricity, inclination and axis are those that `map_feasibility` uses.
    """
    constants, key = _prior_constants(axis_range_au, prior), _key(seed, stream)
    columns = np.empty((6, len(rows), n_draws + n_draws % 2))
    for place, row in enumerate(rows):
        e_out, cos_i, a, pericentre, node, uniform = columns[:, place]
        _draw_shapes(key, row, 0, constants, e_out, cos_i)
        _draw_starts(key, row, 0, constants, a, pericentre)
        _fill_uniforms(key, row, 0, _REST, node, uniform)
    columns[3:5] *= 2.0 * np.pi
    return DrawnOrbits(*columns[:, :, :n_draws])


def typical_orbit(
    grid: PerturberGrid, inner: InnerOrbit, prior: OuterOrbitPrior
) -> tuple[Floats, Floats, Floats]:
    """Return t_KL, eps_SA and eta of every cell at the median a and e_out.

    t_KL falls with e_out and with a, so with either fixed its median is exactly this;
    with both drawn it is the time at the medians.
    """
    mass, a_out = grid.mass_msun[:, None], grid.axis_au[None, :]
    a, e_out = inner.typical_axis_au, prior.median_ecc
    orbits: dict[str, ArrayLike] = {
        "axis_au": a,
        "axis_out_au": a_out,
        "ecc_out": e_out,
    }
    return (
        order_of_magnitude_time_yr(inner.mass_msun, mass, **orbits),
        averaging_ratio(inner.mass_msun, mass, **orbits),
        angular_momentum_ratio(
            inner.host_mass_msun,
            inner.companion_mass_mjup / MSUN_MJUP,
            mass,
            axis_ratio=a_out / a,
            ecc_out=e_out,
        ),
    )


def wilson_interval(successes: ArrayLike, n: int) -> tuple[Floats, Floats]:
    """Return the 95 % score interval of a binomial share (Wilson 1927).

    Its coverage is near 95 % for shares near 0 and 1 too, where most cells lie; 0 of
    n gives [0, 3.84/(n + 3.84)].
    """
    share = np.asarray(successes, dtype=np.float64) / n
    z2 = _Z_95**2
    centre = (share + 0.5 * z2 / n) / (1.0 + z2 / n)
    half = _Z_95 / (1.0 + z2 / n) * np.sqrt(share * (1.0 - share) / n + z2 / (4 * n**2))
    low = np.where(share == 0.0, 0.0, np.maximum(centre - half, 0.0))
    high = np.where(share == 1.0, 1.0, np.minimum(centre + half, 1.0))
    return low, high


# --- kernels -------------------------------------------------------------------------


def _key(seed: int, stream: Stream) -> NDArray[np.uint64]:
    """Return the two words of the generator's key, and the stream's counter word."""
    return np.array([seed & 0xFFFFFFFF, seed >> 32, stream], dtype=np.uint64)


def _prior_constants(
    axis_range_au: tuple[float, float], prior: OuterOrbitPrior
) -> Floats:
    """Return what the kernels need to turn uniforms into orbits.

    e_out^k is uniform between its bounds with k = 1 (uniform law) or 2 (thermal).
    """
    power = 2.0 if prior.ecc_law is EccentricityLaw.THERMAL else 1.0
    ecc = np.array(prior.ecc_range) ** power
    cos_i = np.cos(np.radians(prior.inclination_range_deg))
    log_a = np.log(axis_range_au)
    return np.array(
        [
            power,
            ecc[0],
            ecc[1] - ecc[0],
            cos_i[1],
            cos_i[0] - cos_i[1],
            axis_range_au[0],
            log_a[1] - log_a[0],
        ]
    )


# Philox4x32-10 of Salmon et al. 2011 (SC11, "Parallel random numbers: as easy as 1, 2,
# 3"), 32-bit words in uint64 so that products keep their high half.
_PHILOX_ROUNDS = 10
_MULTIPLIER_0 = np.uint64(0xD2511F53)
_MULTIPLIER_1 = np.uint64(0xCD9E8D57)
_WEYL_0 = np.uint64(0x9E3779B9)
_WEYL_1 = np.uint64(0xBB67AE85)
_WORD = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_WORD_UNIT = 2.0**-32

_SHAPES, _STARTS, _REST = np.uint64(0), np.uint64(1), np.uint64(2)  # words of a draw
_BLOCK = 512  # draws that share a pass: 16 KB, well inside the first cache
_HALVINGS = 10  # bracket an eccentricity to 0.001: what lies inside is computed


@njit(inline="always")
def _philox(c0, c1, c2, c3, k0, k1):
    """Return the four random words of a counter under a key."""
    for _ in range(_PHILOX_ROUNDS):
        product_0 = _MULTIPLIER_0 * c0
        product_1 = _MULTIPLIER_1 * c2
        c0 = (product_1 >> _HALF) ^ c1 ^ k0
        c2 = (product_0 >> _HALF) ^ c3 ^ k1
        c1 = product_1 & _WORD
        c3 = product_0 & _WORD
        k0 = (k0 + _WEYL_0) & _WORD
        k1 = (k1 + _WEYL_1) & _WORD
    return c0, c1, c2, c3


@njit(cache=True, error_model="numpy")
def _fill_uniforms(key, row, first, block, u, v):
    """Fill u and v, of even length, with numbers in (0, 1), from draw `first` on.

    One counter serves two draws; `first` is even. A loop of this shape, without a
    branch, is what LLVM turns into vector code: 1.5 ns a draw, 30 otherwise.
    """
    for k in range(len(u) // 2):
        w0, w1, w2, w3 = _philox(
            np.uint64(first // 2 + k), np.uint64(row), block, key[2], key[0], key[1]
        )
        u[2 * k] = (np.float64(w0) + 0.5) * _WORD_UNIT
        v[2 * k] = (np.float64(w1) + 0.5) * _WORD_UNIT
        u[2 * k + 1] = (np.float64(w2) + 0.5) * _WORD_UNIT
        v[2 * k + 1] = (np.float64(w3) + 0.5) * _WORD_UNIT


@njit(inline="always")
def _outer_ecc(u, prior):
    value = prior[1] + u * prior[2]
    return value if prior[0] == 1.0 else np.sqrt(value)


@njit(cache=True, error_model="numpy")
def _draw_shapes(key, row, first, prior, e_out, cos_i):
    _fill_uniforms(key, row, first, _SHAPES, e_out, cos_i)
    for k in range(len(e_out)):
        e_out[k] = _outer_ecc(e_out[k], prior)
        cos_i[k] = prior[3] + cos_i[k] * prior[4]


@njit(cache=True, error_model="numpy")
def _draw_starts(key, row, first, prior, a, pericentre):
    """Fill the companion's first axes, and its pericentres as shares of a turn."""
    _fill_uniforms(key, row, first, _STARTS, a, pericentre)
    for k in range(len(a)):
        a[k] = prior[5] * np.exp(a[k] * prior[6])


@njit(inline="always")
def _stable_ratio(q, e_out, cos_i):
    """`kozai_lidov.mardling_aarseth_ratio`."""
    lopsided = (1.0 + q) * (1.0 + e_out) / np.sqrt(1.0 - e_out)
    tilt = 1.0 - 0.3 * np.arccos(cos_i) / np.pi
    return 2.8 * lopsided**0.4 / (1.0 - e_out) * tilt


@njit(inline="always")
def _passes(a, e_out, cos_i, circularity, r_crit):
    """The criterion: t_KL and e_max are monotone, so it is two comparisons."""
    in_time = 1.0 - e_out * e_out <= circularity * a
    e_needed = 1.0 - r_crit / a
    deep = (e_needed <= 0.0) | (cos_i * cos_i <= 0.6 * (1.0 - e_needed * e_needed))
    return in_time & deep


@njit(inline="always")
def _ecc_where_unstable(ratio, q, cos_i):
    """Return the e_out at which a_out/a = `ratio` is just stable: 0 or 1 if nowhere.

    The stable ratio grows with e_out, so halving finds it.
    """
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if ratio > _stable_ratio(q, middle, cos_i):
            low = middle
        else:
            high = middle
    return low, high


@njit(cache=True, error_model="numpy")
def _count_cell(key, cell, n_draws, prior, a_out, q, circularity, r_crit):
    """Return how many draws of a cell are feasible, and how many unstable.

    circularity : largest (1 - e_out^2)/a at which t_KL is within the horizon.
    """
    block = np.empty((4, min(n_draws + n_draws % 2, _BLOCK)))
    block[2] = prior[5]
    # Stable at any inclination and axis up to one e_out, unstable from another: only
    # draws between them cost a power and an arc cosine.
    narrowest, widest = prior[5], prior[5] * np.exp(prior[6])
    always_stable, _ = _ecc_where_unstable(a_out / widest, q, 1.0)
    _, always_unstable = _ecc_where_unstable(a_out / narrowest, q, -1.0)
    feasible = unstable = 0
    for first in range(0, n_draws, _BLOCK):
        n = min(_BLOCK, n_draws - first)
        even = n + n % 2
        e_out, cos_i = block[0, :even], block[1, :even]
        a, spare = block[2, :even], block[3, :even]
        _draw_shapes(key, cell, first, prior, e_out, cos_i)
        if prior[6] > 0.0:
            _draw_starts(key, cell, first, prior, a, spare)
        for k in range(n):
            feasible += _passes(a[k], e_out[k], cos_i[k], circularity, r_crit)
        if _outer_ecc(1.0, prior) < always_stable:
            continue
        for k in range(n):
            if e_out[k] < always_stable:
                continue
            if e_out[k] < always_unstable and a_out > a[k] * _stable_ratio(
                q, e_out[k], cos_i[k]
            ):
                continue
            unstable += 1
            feasible -= _passes(a[k], e_out[k], cos_i[k], circularity, r_crit)
    return feasible, unstable


@njit(parallel=True, cache=True, error_model="numpy")
def _count_draws(key, n_draws, prior, a_out, q, circularity, r_crit, counts):
    for index in prange(len(a_out)):
        cell = np.int64(index)  # prange counts unsigned: another kernel to compile
        feasible, unstable = _count_cell(
            key, cell, n_draws, prior, a_out[cell], q[cell], circularity[cell], r_crit
        )
        counts[0, cell] = feasible
        counts[1, cell] = unstable
