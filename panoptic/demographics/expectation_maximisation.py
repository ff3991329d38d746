"""Expectation maximisation of Gaussian mixtures, compiled, of many samples at once.

A job is one mixture (number of components, covariance family) fitted to one weighted
sample from many starts. Jobs run in parallel; each has its own random stream and
writes only its own slot, so the numbers do not depend on the number of threads.

Each family works on axes on which the sample has unit variance and which the family
keeps apart: whitened (full, tied), each axis scaled (diagonal), one scale for all
(spherical). There a floor on the eigenvalues is relative to the sample, and clamping
them is the exact M step under that bound, so the likelihood never falls.

Kernels are told the axes by a tuple, `dims` = (0, ..., d - 1). Unlike an array's shape
its length is known when they are compiled, once for each d: loops over axes are
unrolled, and loops over rows become vector instructions. What a step calls is inlined:
handing its arrays over would cost as much as the sums.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from panoptic.demographics.row_functions import exponential, logarithm
from panoptic.demographics.sharing import share_out

FULL, TIED, DIAGONAL, SPHERICAL = 0, 1, 2, 3
FITTED, SINGULAR, REFUSED = 0, 1, 2

_FAST = {"contract", "reassoc", "nsz"}  # never nnan: a NaN must stay one
_LN_2PI = float(np.log(2.0 * np.pi))
_LEAST_MASS = 1e-6  # in rows: a component with less is empty
_LLOYD_STEPS = 8
_ROWS_AT_ONCE = 8
_SAME_OPTIMUM = 1e-3  # in lnL


class Effort(NamedTuple):
    """How hard to look for the best optimum, and what is not allowed as one."""

    n_starts: int  # k-means and random points in turn, besides the given ones
    short_iterations: int  # of every start, before the best go on
    n_polish: int  # allowed optima taken to convergence
    max_iterations: int
    tolerance: float  # expected rest of the climb in lnL (Aitken)
    relative_floor: float  # least eigenvalue, in units of the sample's


class Mixture(NamedTuple):
    """Parameters of one mixture, or of many along leading axes."""

    weight: np.ndarray  # (K,)
    mean: np.ndarray  # (K, d)
    cov: np.ndarray  # (K, d, d)


class Jobs(NamedTuple):
    """What to fit to what, one entry per job."""

    sample: np.ndarray  # (jobs,) row of x and of w; 0 where these have one row
    k: np.ndarray  # (jobs,) components
    family: np.ndarray  # (jobs,) code
    given: np.ndarray  # (jobs, 2) first and past-last row of the labels to start from
    seed: np.ndarray  # (jobs,) uint64


class Fits(NamedTuple):
    """What came of each job; NaN beyond its K and where nothing was fitted."""

    status: np.ndarray  # (jobs,) FITTED, SINGULAR (no spread on an axis), REFUSED
    lnl: np.ndarray  # (jobs,)
    counts: np.ndarray  # (jobs, 4) optima polished, converged, refused, at the best
    weight: np.ndarray  # (jobs, K max)
    mean: np.ndarray  # (jobs, K max, d)
    cov: np.ndarray  # (jobs, K max, d, d)


class Place(NamedTuple):
    """Where a sample lies: z = axes @ (x - centre) is what a family works on."""

    centre: np.ndarray  # (d,)
    axes: np.ndarray  # (d, d) lower triangular


class Room(NamedTuple):
    """Room for one component's moments and the axes on which it is uncorrelated."""

    shift: np.ndarray  # (d,) of its mean
    axes: np.ndarray  # (d, d) unit lower triangular, or eigenvectors
    precision: np.ndarray  # (d,) inverse variance along these
    spare: np.ndarray  # (d, d)
    dims: tuple[int, ...]  # (0, ..., d - 1)


class Sample(NamedTuple):
    """One weighted sample on the axes of a family, and room for what is thought of it.

    The room is made once per job: making it anew would cost as much as a step does.
    """

    z: np.ndarray  # (d, n)
    u: np.ndarray  # (d, n) each axis scaled to unit variance
    w: np.ndarray  # (n,)
    resp: np.ndarray  # (K, n) density by component, in units of the likeliest's
    top: np.ndarray  # (n,) ln density by the likeliest component
    share: np.ndarray  # (n,) weight over total density; times resp: a component's part
    part: np.ndarray  # (n,) weight that belongs to one component
    label: np.ndarray  # (n,) int64, component of a start
    room: Room


@njit(cache=True, error_model="numpy")
def minimum_hosts(n_axes):
    """Return the least number of hosts a component must hold: d + 2."""
    return n_axes + 2


@njit(error_model="numpy", forceinline=True)
def _make_room(dims):
    d = len(dims)
    return Room(np.empty(d), np.empty((d, d)), np.empty(d), np.empty((d, d)), dims)


@njit(error_model="numpy", forceinline=True)
def _uniform(stream):
    """Return the next number in [0, 1) of a splitmix64 stream (one uint64)."""
    stream[0] += np.uint64(0x9E3779B97F4A7C15)
    z = stream[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return float(z >> np.uint64(11)) * 2.0**-53


@njit(error_model="numpy", forceinline=True)
def _copy(values, out):
    """Write out[:] = values, which takes a second to compile wherever it stands."""
    for place, value in np.ndenumerate(values):
        out[place] = value


# Matrices


@njit(error_model="numpy", forceinline=True)
def _decorrelate(cov, floor, room):
    """Write unit lower axes on which cov less floor times the identity is diagonal.

    Each is an axis less its projections on those before (Gram and Schmidt). Returns the
    product of the variances along them, NaN unless all eigenvalues of cov exceed floor.
    """
    axes, precision, n_axes = room.axes, room.precision, len(room.dims)
    product = 1.0
    for i in range(n_axes):
        variance = cov[i, i] - floor
        for m in range(n_axes):
            axes[i, m] = 1.0 if m == i else 0.0
        for j in range(i):
            common = 0.0
            for m in range(j + 1):
                common += axes[j, m] * cov[m, i]
            slope = common * precision[j]
            variance -= slope * common
            for m in range(j + 1):
                axes[i, m] -= slope * axes[j, m]
        precision[i] = 1.0 / variance
        product *= variance if variance > 0.0 else np.nan
    return product


@njit(error_model="numpy", forceinline=True)
def _diagonalise(matrix, vectors, dims):
    """Turn a symmetric matrix to its eigenvalues in place, by Jacobi rotations.

    Writes the eigenvectors as columns. For two axes one rotation is exact.
    """
    d = len(dims)
    for i in range(d):
        for j in range(d):
            vectors[i, j] = 1.0 if i == j else 0.0
    for _ in range(30):
        is_diagonal = True
        for p in range(d):
            for q in range(p + 1, d):
                scale = np.sqrt(abs(matrix[p, p] * matrix[q, q]))
                if abs(matrix[p, q]) <= 1e-15 * scale:
                    continue
                is_diagonal = False
                half = 0.5 * (matrix[q, q] - matrix[p, p]) / matrix[p, q]
                t = np.copysign(1.0, half) / (abs(half) + np.sqrt(half * half + 1.0))
                c = 1.0 / np.sqrt(t * t + 1.0)
                _rotate(matrix, vectors, dims, p, q, c, t * c)
        if is_diagonal:
            return


@njit(error_model="numpy", forceinline=True)
def _rotate(matrix, vectors, dims, p, q, c, s):
    """Rotate axes p and q of matrix from both sides, and the vectors along."""
    for i in range(len(dims)):
        left, right = matrix[i, p], matrix[i, q]
        matrix[i, p], matrix[i, q] = c * left - s * right, s * left + c * right
    for i in range(len(dims)):
        left, right = matrix[p, i], matrix[q, i]
        matrix[p, i], matrix[q, i] = c * left - s * right, s * left + c * right
        left, right = vectors[i, p], vectors[i, q]
        vectors[i, p], vectors[i, q] = c * left - s * right, s * left + c * right


@njit(error_model="numpy", forceinline=True)
def _clamp_eigenvalues(cov, floor, room):
    """Raise the eigenvalues of cov that lie below floor to it."""
    values, vectors, d = room.spare, room.axes, len(room.dims)
    for i in range(d):
        for j in range(d):
            values[i, j] = cov[i, j]
    _diagonalise(values, vectors, room.dims)
    for i in range(d):
        for j in range(d):
            cov[i, j] = 0.0
            for k in range(d):
                value = max(values[k, k], floor)
                cov[i, j] += value * vectors[i, k] * vectors[j, k]


@njit(error_model="numpy", forceinline=True)
def _mean_variance(cov, dims):
    total = 0.0
    for i in range(len(dims)):
        total += cov[i, i]
    return total / len(dims)


# Steps of expectation maximisation


@njit(error_model="numpy", forceinline=True, fastmath=_FAST)
def _expect(sample, mixture):
    """E step: write every row's densities and share; return the weighted lnL."""
    z, w, room = sample.z, sample.w, sample.room
    axes, precision, n_axes = room.axes, room.precision, len(room.dims)
    top, total = sample.top, sample.share
    n_components = len(mixture.weight)
    for r in range(len(w)):
        top[r] = -np.inf
        total[r] = 0.0
    for k in range(n_components):
        mean, resp = mixture.mean[k], sample.resp[k]
        det = _decorrelate(mixture.cov[k], 0.0, room)
        constant = 0.5 * (logarithm(mixture.weight[k] ** 2 / det) - n_axes * _LN_2PI)
        for r in range(len(w)):
            square = 0.0
            for i in range(n_axes):
                line = 0.0
                for j in range(i + 1):
                    line += axes[i, j] * (z[j, r] - mean[j])
                square += precision[i] * line * line
            joint = constant - 0.5 * square
            resp[r] = joint
            top[r] = joint if joint > top[r] else top[r]
    for k in range(n_components):
        resp = sample.resp[k]
        for r in range(len(w)):
            resp[r] = exponential(resp[r] - top[r])
            total[r] += resp[r]
    lnl = 0.0
    for r in range(len(w)):
        lnl += w[r] * (top[r] + logarithm(total[r]))
        total[r] = w[r] / total[r]
    return lnl


@njit(error_model="numpy", forceinline=True, fastmath=_FAST)
def _take_moments(sample, k, mixture):
    """Write mass, mean and covariance of component k; its old mean is the origin.

    The mass takes the weight's place.
    """
    z, part, shift = sample.z, sample.part, sample.room.shift
    n_axes = len(sample.room.dims)
    mean, cov = mixture.mean[k], mixture.cov[k]
    resp, share = sample.resp[k], sample.share
    mass = 0.0
    for r in range(len(part)):
        part[r] = resp[r] * share[r]
        mass += part[r]
    mixture.weight[k] = mass
    for i in range(n_axes):
        off, square = 0.0, 0.0
        for r in range(len(part)):
            off += part[r] * (z[i, r] - mean[i])
            square += part[r] * (z[i, r] - mean[i]) ** 2
        shift[i] = off / mass
        cov[i, i] = square / mass - shift[i] * shift[i]
        for j in range(i):
            product = 0.0
            for r in range(len(part)):
                product += part[r] * (z[i, r] - mean[i]) * (z[j, r] - mean[j])
            cov[i, j] = cov[j, i] = product / mass - shift[i] * shift[j]
    for i in range(n_axes):
        mean[i] += shift[i]


@njit(error_model="numpy", forceinline=True)
def _pooled(mixture, i, j):
    """Return entry i, j of the mean covariance; weights are masses here."""
    total, pooled = 0.0, 0.0
    for k in range(len(mixture.weight)):
        total += mixture.weight[k]
        pooled += mixture.weight[k] * mixture.cov[k, i, j]
    return pooled / total


@njit(error_model="numpy", forceinline=True)
def _shape_covariances(mixture, family, floor, room):
    """Turn every component's own covariance into the family's, floored.

    Weights are masses here, by which tied covariances are averaged.
    """
    n_components, d = len(mixture.weight), len(room.dims)
    if family == TIED:
        for i in range(d):
            for j in range(d):
                pooled = _pooled(mixture, i, j)
                for k in range(n_components):
                    mixture.cov[k, i, j] = pooled
    for k in range(n_components):
        cov = mixture.cov[k]
        if family >= DIAGONAL:
            ball = _mean_variance(cov, room.dims)
            for i in range(d):
                own = cov[i, i] if family == DIAGONAL else ball
                for j in range(d):
                    cov[i, j] = own if i == j else 0.0
        if not _decorrelate(cov, floor, room) > 0.0:  # rarely
            _clamp_eigenvalues(cov, floor, room)


@njit(error_model="numpy", forceinline=True)
def _maximise(sample, family, floor, mixture):
    """M step: parameters from the rows' parts. False if a component is empty."""
    n_components = len(mixture.weight)
    total = 0.0
    for k in range(n_components):
        _take_moments(sample, k, mixture)
        if not mixture.weight[k] > _LEAST_MASS:
            return False
        total += mixture.weight[k]
    _shape_covariances(mixture, family, floor, sample.room)
    for k in range(n_components):
        mixture.weight[k] /= total
    return True


@njit(error_model="numpy", forceinline=True)
def _climb(sample, family, steps, effort, mixture):
    """Alternate E and M steps; return (lnL, converged), lnL NaN if one went empty.

    Converged: by Aitken's extrapolation the rest of the climb is under the tolerance.
    The parameters left behind are those the lnL belongs to.
    """
    before, gain_before = -np.inf, 0.0
    for step in range(steps + 1):
        if step > 0 and not _maximise(sample, family, effort.relative_floor, mixture):
            return np.nan, False
        now = _expect(sample, mixture)
        gain = now - before
        ratio = gain / gain_before  # infinite at first: never stop on one step
        before = now
        gain_before = gain if step > 0 else 0.0
        if gain <= 1e-12 * abs(now):
            return now, True
        if ratio < 1.0 and gain * ratio / (1.0 - ratio) < effort.tolerance:
            return now, True
    return before, False


# Starts


@njit(error_model="numpy", forceinline=True, fastmath=_FAST)
def _nearest(u, centres, sample):
    """Write each row's nearest centre, as its label."""
    gap, label, dims = sample.share, sample.label, sample.room.dims
    for k in range(len(centres)):
        centre = centres[k]
        for r in range(len(gap)):
            distance = 0.0
            for i in range(len(dims)):
                distance += (u[i, r] - centre[i]) ** 2
            is_nearer = k == 0 or distance < gap[r]
            gap[r] = distance if is_nearer else gap[r]
            label[r] = k if is_nearer else label[r]


@njit(error_model="numpy", forceinline=True, fastmath=_FAST)
def _seed_centres(u, sample, far_apart, stream, centres):
    """Draw rows as centres: by weight, or far apart as k-means++ does."""
    w, gap, chance, dims = sample.w, sample.share, sample.top, sample.room.dims
    for k in range(len(centres)):
        centre, total = centres[k], 0.0
        for r in range(len(w)):
            left = gap[r] if far_apart or gap[r] == 0.0 else 1.0
            chance[r] = w[r] if k == 0 else w[r] * left
            total += chance[r]
        level = _uniform(stream) * total
        pick, run = 0, 0.0
        for r in range(len(w)):
            if chance[r] > 0.0:
                pick = r
                run += chance[r]
                if run > level:
                    break
        for i in range(len(dims)):
            centre[i] = u[i, pick]
        for r in range(len(w)):
            distance = 0.0
            for i in range(len(dims)):
                distance += (u[i, r] - centre[i]) ** 2
            gap[r] = distance if k == 0 or distance < gap[r] else gap[r]


@njit(error_model="numpy", forceinline=True, fastmath=_FAST)
def _move_centres(u, sample, centres):
    """Move every centre to the mean of its rows; return whether any moved."""
    w, label, own, dims = sample.w, sample.label, sample.part, sample.room.dims
    moved = False
    for k in range(len(centres)):
        mass = 0.0
        for r in range(len(w)):
            own[r] = w[r] if label[r] == k else 0.0
            mass += own[r]
        for i in range(len(dims)):
            middle = 0.0
            for r in range(len(w)):
                middle += own[r] * u[i, r]
            if mass > 0.0:
                moved |= middle / mass != centres[k, i]
                centres[k, i] = middle / mass
    return moved


@njit(error_model="numpy", forceinline=True)
def _draw_start(u, sample, start, stream, centres):
    """Label the rows for one start: k-means (even), nearest of random rows (odd)."""
    by_means = start % 2 == 0
    _seed_centres(u, sample, by_means, stream, centres)
    _nearest(u, centres, sample)
    if not by_means:
        return
    for _ in range(_LLOYD_STEPS):
        if not _move_centres(u, sample, centres):
            return
        _nearest(u, centres, sample)


@njit(error_model="numpy", forceinline=True)
def _shrink_covariances(mixture, extra, dims):
    """Add to every component, whose weight is its mass, so much of the pooled one."""
    n_components = len(mixture.weight)
    for i in range(len(dims)):
        for j in range(i + 1):
            pooled = _pooled(mixture, i, j)
            for k in range(n_components):
                mass, cov = mixture.weight[k], mixture.cov[k]
                cov[i, j] = (mass * cov[i, j] + extra * pooled) / (mass + extra)
                cov[j, i] = cov[i, j]


@njit(error_model="numpy", forceinline=True)
def _parameters_of_labels(sample, family, floor, mixture):
    """First parameters from the labels; False if a component has none.

    Covariances are shrunk towards the pooled one by d + 2 rows' worth: a part of two
    rows must not start as a spike.
    """
    n_components, d = len(mixture.weight), len(sample.room.dims)
    w, label, share = sample.w, sample.label, sample.share
    extra = d + 2.0
    total = 0.0
    for r in range(len(w)):
        share[r] = w[r]
    for k in range(n_components):
        resp = sample.resp[k]
        for r in range(len(w)):
            resp[r] = 1.0 if label[r] == k else 0.0
        for i in range(d):
            mixture.mean[k, i] = 0.0
        _take_moments(sample, k, mixture)
        if not mixture.weight[k] > 0.0:
            return False
        total += mixture.weight[k]
    _shrink_covariances(mixture, extra, sample.room.dims)
    for k in range(n_components):
        mixture.weight[k] += extra
    _shape_covariances(mixture, family, floor, sample.room)
    for k in range(n_components):
        mixture.weight[k] = (mixture.weight[k] - extra) / total
    return True


@njit(error_model="numpy", forceinline=True)
def _climb_from_starts(sample, family, given, seed, effort, starts):
    """Take every start a few steps; return the lnL each reached, -inf if it failed."""
    n_starts, n_components, d = starts.mean.shape
    reached = np.full(n_starts, -np.inf)
    centres = np.empty((n_components, d))
    stream = np.empty(1, dtype=np.uint64)
    stream[0] = seed
    for s in range(n_starts):
        start = s - len(given)
        if start < 0:
            _copy(given[s], sample.label)
        else:
            # Distances on standardised and on the family's own axes, pair by pair.
            plane = sample.u if start // 2 % 2 == 0 else sample.z
            _draw_start(plane, sample, start, stream, centres)
        mixture = Mixture(starts.weight[s], starts.mean[s], starts.cov[s])
        if _parameters_of_labels(sample, family, effort.relative_floor, mixture):
            steps = effort.short_iterations
            lnl, _ = _climb(sample, family, steps, effort, mixture)
            if lnl > -np.inf:
                reached[s] = lnl
    return reached


# Fits


@njit(error_model="numpy", forceinline=True)
def _fewest_hosts(resp, host, n_hosts):
    """Return the least number of distinct hosts that a component is likeliest for."""
    n_components = len(resp)
    seen = np.zeros((n_components, n_hosts), dtype=np.bool_)
    for r in range(len(host)):
        likeliest = 0
        for k in range(1, n_components):
            if resp[k, r] > resp[likeliest, r]:
                likeliest = k
        seen[likeliest, host[r]] = True
    fewest = n_hosts
    for k in range(n_components):
        fewest = min(fewest, seen[k].sum())
    return fewest


@njit(error_model="numpy", forceinline=True)
def _polish(sample, host, n_hosts, family, effort, starts, reached):
    """Take the best starts to convergence, until enough allowed optima are found.

    Returns the lnL of each start, -inf where not polished or refused, and the counts
    of optima polished, converged and refused for too few hosts.
    """
    final = np.full(len(reached), -np.inf)
    least = minimum_hosts(len(sample.room.dims))
    polished, n_converged, n_refused = 0, 0, 0
    while polished < effort.n_polish:
        s = np.argmax(reached)
        if reached[s] == -np.inf:
            break
        reached[s] = -np.inf
        mixture = Mixture(starts.weight[s], starts.mean[s], starts.cov[s])
        lnl, converged = _climb(sample, family, effort.max_iterations, effort, mixture)
        if not lnl > -np.inf:
            continue
        if _fewest_hosts(sample.resp, host, n_hosts) < least:
            n_refused += 1
            continue
        final[s] = lnl
        polished += 1
        n_converged += converged
    return final, polished, n_converged, n_refused


@njit(error_model="numpy", forceinline=True)
def _find_spread(x, w, dims, centre, cov):
    """Write the weighted mean (d,) and covariance (d, d) of x; return the weight."""
    total = 0.0
    for r in range(len(w)):
        total += w[r]
    for i in range(len(dims)):
        centre[i] = 0.0
        for r in range(len(w)):
            centre[i] += w[r] * x[i, r] / total
    for i in range(len(dims)):
        for j in range(i + 1):
            product = 0.0
            for r in range(len(w)):
                product += w[r] * (x[i, r] - centre[i]) * (x[j, r] - centre[j])
            cov[i, j] = cov[j, i] = product / total
    return total


@njit(error_model="numpy", forceinline=True)
def _find_axes(cov, family, room, axes):
    """Write lower axes of unit variance that the family keeps apart; return |axes|.

    The determinant is NaN, and nothing is written, where the rows do not spread.
    """
    d = len(room.dims)
    ball = _mean_variance(cov, room.dims)
    for i in range(d):
        for j in range(d):
            own = ball if family == SPHERICAL else cov[i, j]
            room.spare[i, j] = own if family <= TIED or i == j else 0.0
    product = _decorrelate(room.spare, 0.0, room)
    if product > 0.0:
        for i in range(d):
            for j in range(d):
                axes[i, j] = room.axes[i, j] * np.sqrt(room.precision[i])
    return 1.0 / np.sqrt(product)


@njit(error_model="numpy", forceinline=True)
def _transform(x, place):
    """Return axes @ (x - centre); x is (d, n)."""
    d, n = x.shape
    out = np.zeros((d, n))
    for i in range(d):
        for j in range(i + 1):
            for r in range(n):
                out[i, r] += place.axes[i, j] * (x[j, r] - place.centre[j])
    return out


@njit(error_model="numpy", forceinline=True)
def _fit_sample(
    x, w, dims, host, n_hosts, family, given, seed, effort, place, mixture, answer
):
    """Fit one mixture to one sample x (d, n); write its place and its parameters.

    The answer: status, lnL, and the counts of allowed optima polished, of these
    converged, of optima refused for too few hosts, of polished ones within 1e-3 of the
    best lnL.
    """
    d, n = len(dims), len(w)
    n_components = len(mixture.weight)
    room = _make_room(dims)
    cov, scales = np.empty((d, d)), np.empty((d, d))
    total = _find_spread(x, w, dims, place.centre, cov)
    det = _find_axes(cov, family, room, place.axes)
    if not _find_axes(cov, DIAGONAL, room, scales) * det > 0.0:
        answer[0] = SINGULAR
        return
    sample = Sample(
        _transform(x, place),
        _transform(x, Place(place.centre, scales)),
        w,
        np.empty((n_components, n)),
        np.empty(n),
        np.empty(n),
        np.empty(n),
        np.empty(n, dtype=np.int64),
        room,
    )
    n_starts = 1 if n_components == 1 else len(given) + effort.n_starts
    starts = Mixture(
        np.empty((n_starts, n_components)),
        np.empty((n_starts, n_components, d)),
        np.empty((n_starts, n_components, d, d)),
    )
    reached = _climb_from_starts(sample, family, given, seed, effort, starts)
    final, polished, n_converged, n_refused = _polish(
        sample, host, n_hosts, family, effort, starts, reached
    )
    answer[0] = FITTED if polished else REFUSED
    answer[2], answer[3], answer[4] = polished, n_converged, n_refused
    if polished:
        best = np.argmax(final)
        _copy(starts.weight[best], mixture.weight)
        _copy(starts.mean[best], mixture.mean)
        _copy(starts.cov[best], mixture.cov)
        answer[1] = final[best] + total * np.log(det)
        answer[5] = (final >= final[best] - _SAME_OPTIMUM).sum()


@njit(cache=True, error_model="numpy", nogil=True)
def _run_jobs(
    start,
    stop,
    jobs,
    x,
    w,
    dims,
    host,
    n_hosts,
    given,
    effort,
    places,
    answers,
    mixtures,
):
    """Fit jobs start to stop - 1 to the rows that have weight, and write their slots.

    Rows are filled up with some of no weight: what is left over from vector
    instructions would be done one by one.
    """
    for job in range(start, stop):
        sample = x[min(jobs.sample[job], len(x) - 1)]
        mass = w[min(jobs.sample[job], len(w) - 1)]
        keep = np.flatnonzero(mass)
        d, k = len(dims), jobs.k[job]
        n = -(-len(keep) // _ROWS_AT_ONCE) * _ROWS_AT_ONCE
        kept, weight = np.empty((d, n)), np.zeros(n)
        first, past = jobs.given[job]
        starts = np.empty((past - first, n), dtype=np.int64)
        for r in range(n):
            row = keep[min(r, len(keep) - 1)]
            for i in range(d):
                kept[i, r] = sample[i, row]
            if r < len(keep):
                weight[r] = mass[row]
            for s in range(past - first):
                starts[s, r] = given[first + s, row]
        _fit_sample(
            kept,
            weight,
            dims,
            host[keep],
            n_hosts,
            jobs.family[job],
            starts,
            jobs.seed[job],
            effort,
            Place(places.centre[job], places.axes[job]),
            Mixture(
                mixtures.weight[job, :k], mixtures.mean[job, :k], mixtures.cov[job, :k]
            ),
            answers[job],
        )


def fit_jobs(
    jobs: Jobs,
    x: np.ndarray,
    w: np.ndarray,
    host: np.ndarray,
    given: np.ndarray,
    effort: Effort,
) -> Fits:
    """Fit every job.

    Parameters
    ----------
    x : (samples or 1, d, n); w : (samples or 1, n). One sample may go with many
        weightings and conversely; rows of weight 0 are left out.
    host : (n,) codes from 0.
    given : (any, n) labels that jobs may start from besides their own.
    """
    n_jobs, k_max, d = len(jobs.k), int(jobs.k.max()), x.shape[1]
    places = Place(np.zeros((n_jobs, d)), np.tile(np.eye(d), (n_jobs, 1, 1)))
    answers = np.zeros((n_jobs, 6))
    answers[:, 1] = np.nan
    mixtures = Mixture(
        np.full((n_jobs, k_max), np.nan),
        np.full((n_jobs, k_max, d), np.nan),
        np.full((n_jobs, k_max, d, d), np.nan),
    )
    # One layout: each other one would be compiled for by itself.
    x, w = np.ascontiguousarray(x), np.ascontiguousarray(w)
    n_hosts = int(host.max()) + 1
    dims = tuple(range(d))
    shared = (jobs, x, w, dims, host, n_hosts, given, effort, places, answers, mixtures)
    share_out(n_jobs, lambda start, stop: _run_jobs(start, stop, *shared))
    back = np.linalg.inv(places.axes)[:, None]
    mean = np.einsum("jkab,jkb->jka", back, mixtures.mean)
    return Fits(
        status=answers[:, 0].astype(np.int64),
        lnl=answers[:, 1],
        counts=answers[:, 2:].astype(np.int64),
        weight=mixtures.weight,
        mean=places.centre[:, None] + mean,
        cov=back @ mixtures.cov @ back.swapaxes(-1, -2),
    )
