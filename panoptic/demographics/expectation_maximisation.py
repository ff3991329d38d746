"""Expectation maximisation of Gaussian mixtures on two axes, of many samples at once.

A job is one mixture (number of components, covariance family) fitted to one weighted
sample from many starts. Jobs run in parallel; each has its own random stream and
writes only its own slot, so the numbers do not depend on the number of threads.

Each family works on axes on which the sample has unit variance and which the family
keeps apart: whitened (full, tied), each axis scaled (diagonal), one scale for all
(spherical). There a floor on the eigenvalues is relative to the sample, and clamping
them is the exact M step under that bound, so the likelihood never falls.

Inside the kernels a mixture is one array (K, 6): of each component the weight, the
mean's x and y, the covariance's xx, xy and yy.
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
_SHRINK_ROWS = 4.0
_SAME_OPTIMUM = 1e-3  # in lnL


class Effort(NamedTuple):
    """How hard to look for the best optimum, and what is not allowed as one."""

    n_starts: int  # k-means and random points in turn, besides the given ones
    short_iterations: int  # of every start, before the best go on
    n_polish: int  # allowed optima taken to convergence
    max_iterations: int
    tolerance: float  # expected rest of the climb in lnL (Aitken)
    relative_floor: float  # least eigenvalue, in units of the sample's
    min_hosts: int  # distinct hosts whose likeliest component it must be


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
    mean: np.ndarray  # (jobs, K max, 2)
    cov: np.ndarray  # (jobs, K max, 2, 2)


class Sample(NamedTuple):
    """One weighted sample on the axes of a family, and room for what is thought of it.

    The room is made once per job: making it anew would cost as much as a step does.
    """

    z: np.ndarray  # (2, n)
    w: np.ndarray  # (n,)
    resp: np.ndarray  # (K, n) density by component, in units of the likeliest's
    top: np.ndarray  # (n,) ln density by the likeliest component
    share: np.ndarray  # (n,) weight over total density; times resp: a component's part
    label: np.ndarray  # (n,) int64, component of a start


class Place(NamedTuple):
    """Where a sample lies: z = axes @ (x - centre) is what a family works on."""

    centre: np.ndarray  # (2,)
    axes: np.ndarray  # (2, 2) lower triangular


@njit(cache=True, error_model="numpy")
def _uniform(stream):
    """Return the next number in [0, 1) of a splitmix64 stream (one uint64)."""
    stream[0] += np.uint64(0x9E3779B97F4A7C15)
    z = stream[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return float(z >> np.uint64(11)) * 2.0**-53


@njit(cache=True, error_model="numpy")
def _copy(values, out):
    """Write out[:] = values, which takes a second to compile wherever it stands."""
    for place, value in np.ndenumerate(values):
        out[place] = value


# Steps of expectation maximisation


@njit(cache=True, error_model="numpy", fastmath=_FAST)
def _expect(sample, mixture):
    """E step: write every row's densities and share; return the weighted lnL."""
    x, y, w = sample.z[0], sample.z[1], sample.w
    top, total = sample.top, sample.share
    for r in range(len(w)):
        top[r] = -np.inf
        total[r] = 0.0
    for k in range(len(mixture)):
        mx, my = mixture[k, 1], mixture[k, 2]
        xx, xy, yy = mixture[k, 3], mixture[k, 4], mixture[k, 5]
        inverse = 1.0 / (xx * yy - xy * xy)
        a, b, c = -0.5 * yy * inverse, xy * inverse, -0.5 * xx * inverse
        constant = 0.5 * logarithm(mixture[k, 0] ** 2 * inverse) - _LN_2PI
        resp = sample.resp[k]
        for r in range(len(w)):
            dx, dy = x[r] - mx, y[r] - my
            joint = constant + dx * (a * dx + b * dy) + c * dy * dy
            resp[r] = joint
            top[r] = joint if joint > top[r] else top[r]
    for k in range(len(mixture)):
        resp = sample.resp[k]
        for r in range(len(w)):
            resp[r] = exponential(resp[r] - top[r])
            total[r] += resp[r]
    lnl = 0.0
    for r in range(len(w)):
        lnl += w[r] * (top[r] + logarithm(total[r]))
        total[r] = w[r] / total[r]
    return lnl


@njit(cache=True, error_model="numpy", fastmath=_FAST)
def _take_moments(sample, k, component):
    """Write mass, mean and covariance of component k; its old mean is the origin."""
    x, y = sample.z[0], sample.z[1]
    resp, share = sample.resp[k], sample.share
    mx, my = component[1], component[2]
    mass, sx, sy, sxx, sxy, syy = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for r in range(len(x)):
        part = resp[r] * share[r]
        dx, dy = x[r] - mx, y[r] - my
        mass += part
        sx += part * dx
        sy += part * dy
        sxx += part * dx * dx
        sxy += part * dx * dy
        syy += part * dy * dy
    sx, sy = sx / mass, sy / mass
    component[0] = mass
    component[1] += sx
    component[2] += sy
    component[3] = sxx / mass - sx * sx
    component[4] = sxy / mass - sx * sy
    component[5] = syy / mass - sy * sy


@njit(cache=True, error_model="numpy")
def _clamp_eigenvalues(component, floor):
    """Raise the eigenvalues of the covariance that lie below floor to it."""
    xx, xy, yy = component[3], component[4], component[5]
    middle, half = 0.5 * (xx + yy), 0.5 * (xx - yy)
    radius = np.sqrt(half * half + xy * xy)  # eigenvalues: middle -+ radius
    if middle - radius >= floor:
        return
    high = max(middle + radius, floor)
    shrink = 0.5 * (high - floor) / radius if radius > 0.0 else 0.0
    component[3] = 0.5 * (high + floor) + shrink * half
    component[4] = shrink * xy
    component[5] = 0.5 * (high + floor) - shrink * half


@njit(cache=True, error_model="numpy")
def _total_weight(mixture):
    total = 0.0
    for k in range(len(mixture)):
        total += mixture[k, 0]
    return total


@njit(cache=True, error_model="numpy")
def _shape_covariances(mixture, family, floor):
    """Turn every component's own covariance into the family's, floored.

    The first column holds the masses, by which tied covariances are averaged.
    """
    total = _total_weight(mixture)
    if family == TIED:
        for i in range(3, 6):
            mean = 0.0
            for k in range(len(mixture)):
                mean += mixture[k, 0] * mixture[k, i] / total
            for k in range(len(mixture)):
                mixture[k, i] = mean
    for k in range(len(mixture)):
        component = mixture[k]
        if family >= DIAGONAL:
            component[4] = 0.0
        if family == SPHERICAL:
            component[3] = component[5] = 0.5 * (component[3] + component[5])
        _clamp_eigenvalues(component, floor)


@njit(cache=True, error_model="numpy")
def _maximise(sample, family, floor, mixture):
    """M step: parameters from the rows' parts. False if a component is empty."""
    for k in range(len(mixture)):
        _take_moments(sample, k, mixture[k])
        if not mixture[k, 0] > _LEAST_MASS:
            return False
    _shape_covariances(mixture, family, floor)
    total = _total_weight(mixture)
    for k in range(len(mixture)):
        mixture[k, 0] /= total
    return True


@njit(cache=True, error_model="numpy")
def _climb(sample, family, steps, effort, mixture):
    """Alternate E and M steps; return (lnL, converged), lnL NaN if one went empty.

    Converged: by Aitken's extrapolation the rest of the climb is under the tolerance.
    The parameters left behind are those the lnL belongs to.
    """
    before = _expect(sample, mixture)
    gain_before = 0.0  # the first ratio is infinite: never stop on one step
    for _ in range(steps):
        if not _maximise(sample, family, effort.relative_floor, mixture):
            return np.nan, False
        now = _expect(sample, mixture)
        gain = now - before
        ratio = gain / gain_before
        before = now
        gain_before = gain
        if gain <= 1e-12 * abs(now):
            return now, True
        if ratio < 1.0 and gain * ratio / (1.0 - ratio) < effort.tolerance:
            return now, True
    return before, False


# Starts


@njit(cache=True, error_model="numpy", fastmath=_FAST)
def _nearest(u, centres, gap, label):
    """Write each row's nearest centre and the distance to it, squared."""
    x, y = u[0], u[1]
    for k in range(len(centres)):
        cx, cy = centres[k, 0], centres[k, 1]
        for r in range(len(x)):
            dx, dy = x[r] - cx, y[r] - cy
            distance = dx * dx + dy * dy
            is_nearer = k == 0 or distance < gap[r]
            gap[r] = distance if is_nearer else gap[r]
            label[r] = k if is_nearer else label[r]


@njit(cache=True, error_model="numpy", fastmath=_FAST)
def _seed_centres(u, w, far_apart, stream, chance, gap, centres):
    """Draw rows as centres: by weight, or far apart as k-means++ does."""
    x, y = u[0], u[1]
    for k in range(len(centres)):
        for r in range(len(w)):
            left = gap[r] if far_apart or gap[r] == 0.0 else 1.0
            chance[r] = w[r] if k == 0 else w[r] * left
        level = _uniform(stream) * chance.sum()
        pick, run = 0, 0.0
        for r in range(len(w)):
            if chance[r] > 0.0:
                pick = r
                run += chance[r]
                if run > level:
                    break
        cx, cy = x[pick], y[pick]
        centres[k, 0], centres[k, 1] = cx, cy
        for r in range(len(w)):
            distance = (x[r] - cx) ** 2 + (y[r] - cy) ** 2
            gap[r] = distance if k == 0 or distance < gap[r] else gap[r]


@njit(cache=True, error_model="numpy", fastmath=_FAST)
def _move_centres(u, w, label, centres):
    """Move every centre to the mean of its rows; return whether any moved."""
    x, y = u[0], u[1]
    moved = False
    for k in range(len(centres)):
        mass, sx, sy = 0.0, 0.0, 0.0
        for r in range(len(w)):
            own = w[r] if label[r] == k else 0.0
            mass += own
            sx += own * x[r]
            sy += own * y[r]
        if mass > 0.0:
            sx, sy = sx / mass, sy / mass
            moved |= sx != centres[k, 0] or sy != centres[k, 1]
            centres[k, 0], centres[k, 1] = sx, sy
    return moved


@njit(cache=True, error_model="numpy")
def _draw_start(u, sample, start, stream, centres):
    """Label the rows for one start: k-means (even), nearest of random rows (odd)."""
    by_means = start % 2 == 0
    w, chance, gap, label = sample.w, sample.top, sample.share, sample.label
    _seed_centres(u, w, by_means, stream, chance, gap, centres)
    _nearest(u, centres, gap, label)
    if not by_means:
        return
    for _ in range(_LLOYD_STEPS):
        if not _move_centres(u, w, label, centres):
            return
        _nearest(u, centres, gap, label)


@njit(cache=True, error_model="numpy")
def _parameters_of_labels(sample, family, floor, mixture):
    """First parameters from the labels; False if a component has none.

    Covariances are shrunk towards the pooled one by four rows' worth: a part of two
    rows must not start as a spike.
    """
    extra = _SHRINK_ROWS
    w, label, share = sample.w, sample.label, sample.share
    for r in range(len(w)):
        share[r] = w[r]
    for k in range(len(mixture)):
        resp = sample.resp[k]
        for r in range(len(w)):
            resp[r] = 1.0 if label[r] == k else 0.0
        mixture[k, 1] = mixture[k, 2] = 0.0
        _take_moments(sample, k, mixture[k])
        if not mixture[k, 0] > 0.0:
            return False
    total = _total_weight(mixture)
    for i in range(3, 6):
        pooled = 0.0
        for k in range(len(mixture)):
            pooled += mixture[k, 0] * mixture[k, i] / total
        for k in range(len(mixture)):
            mass = mixture[k, 0]
            mixture[k, i] = (mass * mixture[k, i] + extra * pooled) / (mass + extra)
    for k in range(len(mixture)):
        mixture[k, 0] += extra
    _shape_covariances(mixture, family, floor)
    for k in range(len(mixture)):
        mixture[k, 0] = (mixture[k, 0] - extra) / total
    return True


@njit(cache=True, error_model="numpy")
def _climb_from_starts(sample, u, family, given, seed, effort, starts):
    """Take every start a few steps; return the lnL each reached, -inf if it failed."""
    n_starts, n_components = starts.shape[0], starts.shape[1]
    reached = np.full(n_starts, -np.inf)
    centres = np.empty((n_components, 2))
    stream = np.empty(1, dtype=np.uint64)
    stream[0] = seed
    for s in range(n_starts):
        start = s - len(given)
        if start < 0:
            _copy(given[s], sample.label)
        else:
            # Distances on standardised and on the family's own axes, pair by pair.
            plane = u if start // 2 % 2 == 0 else sample.z
            _draw_start(plane, sample, start, stream, centres)
        if _parameters_of_labels(sample, family, effort.relative_floor, starts[s]):
            steps = effort.short_iterations
            lnl, _ = _climb(sample, family, steps, effort, starts[s])
            if lnl > -np.inf:
                reached[s] = lnl
    return reached


# Fits


@njit(cache=True, error_model="numpy")
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


@njit(cache=True, error_model="numpy")
def _polish(sample, host, n_hosts, family, effort, starts, reached):
    """Take the best starts to convergence, until enough allowed optima are found.

    Returns the lnL of each start, -inf where not polished or refused, and the counts
    of optima polished, converged and refused for too few hosts.
    """
    final = np.full(len(reached), -np.inf)
    polished, n_converged, n_refused = 0, 0, 0
    while polished < effort.n_polish:
        s = np.argmax(reached)
        if reached[s] == -np.inf:
            break
        reached[s] = -np.inf
        lnl, converged = _climb(
            sample, family, effort.max_iterations, effort, starts[s]
        )
        if not lnl > -np.inf:
            continue
        if _fewest_hosts(sample.resp, host, n_hosts) < effort.min_hosts:
            n_refused += 1
            continue
        final[s] = lnl
        polished += 1
        n_converged += converged
    return final, polished, n_converged, n_refused


@njit(cache=True, error_model="numpy")
def _find_place(rows, w, family, place):
    """Write the sample's place; return its total weight, variances and ln |axes|.

    The last is NaN, and nothing is written, where the rows do not spread.
    """
    x, y = rows[0], rows[1]
    total, mx, my = 0.0, 0.0, 0.0
    for r in range(len(w)):
        total += w[r]
        mx += w[r] * x[r]
        my += w[r] * y[r]
    mx, my = mx / total, my / total
    xx, xy, yy = 0.0, 0.0, 0.0
    for r in range(len(w)):
        dx, dy = x[r] - mx, y[r] - my
        xx += w[r] * dx * dx
        xy += w[r] * dx * dy
        yy += w[r] * dy * dy
    xx, xy, yy = xx / total, xy / total, yy / total
    slope = xy / xx if family <= TIED else 0.0
    along, across = xx, yy - slope * xy
    if family == SPHERICAL:
        along = across = 0.5 * (xx + yy)
    if not (xx > 0.0 and yy > 0.0 and across > 0.0):
        return total, xx, yy, np.nan
    place.centre[0], place.centre[1] = mx, my
    place.axes[0, 0] = 1.0 / np.sqrt(along)
    place.axes[1, 1] = 1.0 / np.sqrt(across)
    place.axes[1, 0] = -slope * place.axes[1, 1]
    return total, xx, yy, -0.5 * np.log(along * across)


@njit(cache=True, error_model="numpy")
def _fit_sample(
    x, w, host, n_hosts, family, given, seed, effort, place, mixture, answer
):
    """Fit one mixture to one sample x (2, n); write its place and its parameters.

    The answer: status, lnL, and the counts of allowed optima polished, of these
    converged, of optima refused for too few hosts, of polished ones within 1e-3 of the
    best lnL.
    """
    n_components, n = len(mixture), len(w)
    total, xx, yy, ln_axes = _find_place(x, w, family, place)
    if not np.isfinite(ln_axes):
        answer[0] = SINGULAR
        return
    centre, axes = place.centre, place.axes
    z, u = np.empty((2, n)), np.empty((2, n))
    for r in range(n):
        dx, dy = x[0, r] - centre[0], x[1, r] - centre[1]
        z[0, r], z[1, r] = axes[0, 0] * dx, axes[1, 0] * dx + axes[1, 1] * dy
        u[0, r], u[1, r] = dx / np.sqrt(xx), dy / np.sqrt(yy)
    sample = Sample(
        z,
        w,
        np.empty((n_components, n)),
        np.empty(n),
        np.empty(n),
        np.empty(n, dtype=np.int64),
    )
    n_starts = 1 if n_components == 1 else len(given) + effort.n_starts
    starts = np.empty((n_starts, n_components, 6))
    reached = _climb_from_starts(sample, u, family, given, seed, effort, starts)
    final, polished, n_converged, n_refused = _polish(
        sample, host, n_hosts, family, effort, starts, reached
    )
    answer[0] = FITTED if polished else REFUSED
    answer[2], answer[3], answer[4] = polished, n_converged, n_refused
    if polished:
        best = np.argmax(final)
        _copy(starts[best], mixture)
        answer[1] = final[best] + total * ln_axes
        answer[5] = (final >= final[best] - _SAME_OPTIMUM).sum()


@njit(cache=True, error_model="numpy", nogil=True)
def _run_jobs(
    start, stop, jobs, x, w, host, n_hosts, given, effort, places, answers, mixtures
):
    """Fit jobs start to stop - 1 to the rows that have weight, and write their slots.

    Rows are filled up with some of no weight: what is left over from vector
    instructions would be done one by one.
    """
    for j in range(start, stop):
        sample = x[min(jobs.sample[j], len(x) - 1)]
        mass = w[min(jobs.sample[j], len(w) - 1)]
        keep = np.flatnonzero(mass)
        n = -(-len(keep) // _ROWS_AT_ONCE) * _ROWS_AT_ONCE
        kept, weight = np.empty((2, n)), np.zeros(n)
        first, past = jobs.given[j]
        starts = np.empty((past - first, n), dtype=np.int64)
        for r in range(n):
            row = keep[min(r, len(keep) - 1)]
            kept[0, r], kept[1, r] = sample[0, row], sample[1, row]
            if r < len(keep):
                weight[r] = mass[row]
            for s in range(past - first):
                starts[s, r] = given[first + s, row]
        _fit_sample(
            kept,
            weight,
            host[keep],
            n_hosts,
            jobs.family[j],
            starts,
            jobs.seed[j],
            effort,
            Place(places.centre[j], places.axes[j]),
            mixtures[j, : jobs.k[j]],
            answers[j],
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
    x : (samples or 1, 2, n); w : (samples or 1, n). One sample may go with many
        weightings and conversely; rows of weight 0 are left out.
    host : (n,) codes from 0.
    given : (any, n) labels that jobs may start from besides their own.
    """
    n_jobs, k_max = len(jobs.k), int(jobs.k.max())
    places = Place(np.zeros((n_jobs, 2)), np.tile(np.eye(2), (n_jobs, 1, 1)))
    answers = np.zeros((n_jobs, 6))
    answers[:, 1] = np.nan
    mixtures = np.full((n_jobs, k_max, 6), np.nan)
    # One layout: each other one would be compiled for by itself.
    x, w = np.ascontiguousarray(x), np.ascontiguousarray(w)
    n_hosts = int(host.max()) + 1
    shared = (jobs, x, w, host, n_hosts, given, effort, places, answers, mixtures)
    share_out(n_jobs, lambda start, stop: _run_jobs(start, stop, *shared))
    back = np.linalg.inv(places.axes)[:, None]
    mean = np.einsum("jkab,jkb->jka", back, mixtures[:, :, 1:3])
    cov = mixtures[:, :, [3, 4, 4, 5]].reshape(n_jobs, k_max, 2, 2)
    return Fits(
        status=answers[:, 0].astype(np.int64),
        lnl=answers[:, 1],
        counts=answers[:, 2:].astype(np.int64),
        weight=mixtures[:, :, 0],
        mean=places.centre[:, None] + mean,
        cov=back @ cov @ back.swapaxes(-1, -2),
    )
