"""Expectation maximisation of Gaussian mixtures, compiled, over many samples at once.

A job is one mixture (number of components, covariance family) fitted to one weighted
sample from many starts. Jobs run in parallel; each has its own random stream and
writes only its own slot, so the numbers do not depend on the number of threads.

Each family works on axes on which the sample has unit variance and which the family
keeps apart: whitened (full, tied), each axis scaled (diagonal), one scale for all
(spherical). There a floor on the eigenvalues is relative to the sample, and clamping
them is the exact M step under that bound, so the likelihood never falls.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from panoptic.demographics.sharing import share_out

FULL, TIED, DIAGONAL, SPHERICAL = 0, 1, 2, 3
FITTED, SINGULAR, REFUSED = 0, 1, 2

_FAST = {"contract", "reassoc", "nsz"}  # never nnan: a NaN must stay one
_LOG_2PI = float(np.log(2.0 * np.pi))
_LLOYD_STEPS = 8
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


@njit(cache=True, error_model="numpy")
def _inverse_cholesky(cov, out):
    """Write the inverse of cov's lower Cholesky factor; return ln det, or NaN."""
    d = cov.shape[0]
    log_det = 0.0
    lower = np.zeros((d, d))
    for i in range(d):
        for j in range(i + 1):
            rest = cov[i, j]
            for m in range(j):
                rest -= lower[i, m] * lower[j, m]
            if i == j:
                if not rest > 0.0:
                    return np.nan
                lower[i, i] = np.sqrt(rest)
                log_det += np.log(rest)
            else:
                lower[i, j] = rest / lower[j, j]
    out[:] = 0.0
    for i in range(d):
        out[i, i] = 1.0 / lower[i, i]
        for j in range(i):
            rest = 0.0
            for m in range(j, i):
                rest -= lower[i, m] * out[m, j]
            out[i, j] = rest / lower[i, i]
    return log_det


@njit(cache=True, error_model="numpy", fastmath=_FAST)
def _moments(z, w):
    """Return total weight, weighted mean (d,) and covariance (d, d) of z (d, n)."""
    d, n = z.shape
    total = w.sum()
    mean = np.zeros(d)
    cov = np.zeros((d, d))
    for i in range(d):
        mean[i] = np.dot(w, z[i]) / total
    for i in range(d):
        for j in range(i + 1):
            rest = 0.0
            for r in range(n):
                rest += w[r] * (z[i, r] - mean[i]) * (z[j, r] - mean[j])
            cov[i, j] = rest / total
            cov[j, i] = cov[i, j]
    return total, mean, cov


@njit(cache=True, error_model="numpy")
def _family_axes(cov, family, out):
    """Write the lower matrix that gives the sample unit variance; return ln |det|."""
    d = cov.shape[0]
    if family <= TIED:
        return -0.5 * _inverse_cholesky(cov, out)
    out[:] = 0.0
    log_det = 0.0
    for i in range(d):
        variance = cov[i, i] if family == DIAGONAL else np.trace(cov) / d
        if not variance > 0.0:
            return np.nan
        out[i, i] = 1.0 / np.sqrt(variance)
        log_det -= 0.5 * np.log(variance)
    return log_det


@njit(cache=True, error_model="numpy")
def _diagonalise(matrix):
    """Turn a symmetric matrix to its eigenvalues in place, by Jacobi rotations.

    Returns the eigenvectors as columns. For two axes one rotation is exact.
    """
    d = len(matrix)
    vectors = np.eye(d)
    for _ in range(30):
        off = 0.0
        for p in range(d):
            for q in range(p + 1, d):
                if (
                    abs(matrix[p, q])
                    <= 1e-15 * (abs(matrix[p, p] * matrix[q, q])) ** 0.5
                ):
                    continue
                off = 1.0
                half = 0.5 * (matrix[q, q] - matrix[p, p]) / matrix[p, q]
                t = np.copysign(1.0, half) / (abs(half) + np.sqrt(half * half + 1.0))
                c = 1.0 / np.sqrt(t * t + 1.0)
                _rotate(matrix, vectors, p, q, c, t * c)
        if off == 0.0:
            break
    return vectors


@njit(cache=True, error_model="numpy")
def _rotate(matrix, vectors, p, q, c, s):
    """Rotate axes p and q of matrix from both sides, and the vectors along."""
    for i in range(len(matrix)):
        left, right = matrix[i, p], matrix[i, q]
        matrix[i, p], matrix[i, q] = c * left - s * right, s * left + c * right
    for i in range(len(matrix)):
        left, right = matrix[p, i], matrix[q, i]
        matrix[p, i], matrix[q, i] = c * left - s * right, s * left + c * right
        left, right = vectors[i, p], vectors[i, q]
        vectors[i, p], vectors[i, q] = c * left - s * right, s * left + c * right


@njit(cache=True, error_model="numpy")
def _clamp_eigenvalues(cov, floor):
    """Raise the eigenvalues of cov that lie below floor to it, in place."""
    d = len(cov)
    less = cov.copy()
    for i in range(d):
        less[i, i] -= floor
    if _inverse_cholesky(less, np.empty((d, d))) > -np.inf:
        return
    vectors = _diagonalise(less)
    cov[:] = 0.0
    for k in range(d):
        value = floor + max(less[k, k], 0.0)
        for i in range(d):
            for j in range(d):
                cov[i, j] += value * vectors[i, k] * vectors[j, k]


@njit(cache=True, error_model="numpy", fastmath=_FAST)
def _scatter(z, rw, mean, out):
    """Write the weighted scatter matrix of z about mean."""
    d, n = z.shape
    for i in range(d):
        for j in range(i + 1):
            rest = 0.0
            for r in range(n):
                rest += rw[r] * (z[i, r] - mean[i]) * (z[j, r] - mean[j])
            out[i, j] = rest
            out[j, i] = rest


@njit(cache=True, error_model="numpy")
def _shape_covariances(scatter, mass, family, floor, cov):
    """Turn scatter matrices (K, d, d) into the family's covariances, floored."""
    k_all, d = scatter.shape[0], scatter.shape[1]
    if family == TIED:
        pooled = np.zeros((d, d))
        for k in range(k_all):
            pooled += scatter[k]
        pooled /= mass.sum()
        _clamp_eigenvalues(pooled, floor)
        for k in range(k_all):
            _copy(pooled, cov[k])
        return
    for k in range(k_all):
        if family == FULL:
            _copy(scatter[k] / mass[k], cov[k])
            _clamp_eigenvalues(cov[k], floor)
        else:
            cov[k, :, :] = 0.0
            ball = np.trace(scatter[k]) / (d * mass[k])
            for i in range(d):
                own = scatter[k, i, i] / mass[k] if family == DIAGONAL else ball
                cov[k, i, i] = max(own, floor)


@njit(cache=True, error_model="numpy", fastmath=_FAST)
def _maximise(z, w, resp, family, floor, mixture):
    """M step: parameters from responsibilities (K, n). False if one is empty."""
    k_all = resp.shape[0]
    d, n = z.shape
    mass = np.empty(k_all)
    scatter = np.empty((k_all, d, d))
    rw = np.empty(n)
    for k in range(k_all):
        for r in range(n):
            rw[r] = resp[k, r] * w[r]
        mass[k] = rw.sum()
        if mass[k] < 1e-6:
            return False
        for i in range(d):
            mixture.mean[k, i] = np.dot(rw, z[i]) / mass[k]
        _scatter(z, rw, mixture.mean[k], scatter[k])
    _shape_covariances(scatter, mass, family, floor, mixture.cov)
    _copy(mass / mass.sum(), mixture.weight)
    return True


@njit(cache=True, error_model="numpy", fastmath=_FAST)
def _log_joint(z, log_weight, mean, cov, out):
    """Write ln(weight) + ln N(z; mean, cov) per row into out (n,)."""
    d, n = z.shape
    root = np.empty((d, d))
    log_det = _inverse_cholesky(cov, root)
    line = np.empty(n)
    out[:] = 0.0
    for i in range(d):
        line[:] = 0.0
        for j in range(i + 1):
            c, m = root[i, j], mean[j]
            for r in range(n):
                line[r] += c * (z[j, r] - m)
        for r in range(n):
            out[r] += line[r] * line[r]
    constant = log_weight - 0.5 * (log_det + d * _LOG_2PI)
    for r in range(n):
        out[r] = constant - 0.5 * out[r]


@njit(cache=True, error_model="numpy", fastmath=_FAST)
def _expect(z, w, mixture, resp):
    """E step: write responsibilities (K, n), return the weighted lnL."""
    k_all, n = resp.shape
    for k in range(k_all):
        log_weight = np.log(mixture.weight[k])
        _log_joint(z, log_weight, mixture.mean[k], mixture.cov[k], resp[k])
    lnl = 0.0
    for r in range(n):
        top = resp[0, r]
        for k in range(1, k_all):
            top = max(top, resp[k, r])
        total = 0.0
        for k in range(k_all):
            resp[k, r] = np.exp(resp[k, r] - top)
            total += resp[k, r]
        for k in range(k_all):
            resp[k, r] /= total
        lnl += w[r] * (top + np.log(total))
    return lnl


@njit(cache=True, error_model="numpy")
def _climb(z, w, family, steps, effort, mixture, resp):
    """Alternate E and M steps; return (lnL, converged), lnL NaN if one went empty.

    Converged: by Aitken's extrapolation the rest of the climb is under the tolerance.
    The parameters left behind are those the lnL belongs to.
    """
    before = _expect(z, w, mixture, resp)
    gain_before = 0.0  # the first ratio is infinite: never stop on one step
    for _ in range(steps):
        if not _maximise(z, w, resp, family, effort.relative_floor, mixture):
            return np.nan, False
        now = _expect(z, w, mixture, resp)
        gain = now - before
        ratio = gain / gain_before
        before = now
        gain_before = gain
        if gain <= 1e-12 * abs(now):
            return now, True
        if ratio < 1.0 and gain * ratio / (1.0 - ratio) < effort.tolerance:
            return now, True
    return before, False


@njit(cache=True, error_model="numpy")
def _nearest(u, centres, labels):
    """Label each column of u (d, n) by its nearest centre (K, d)."""
    d, n = u.shape
    for r in range(n):
        best = np.inf
        for k in range(centres.shape[0]):
            distance = 0.0
            for i in range(d):
                distance += (u[i, r] - centres[k, i]) ** 2
            if distance < best:
                best = distance
                labels[r] = k


@njit(cache=True, error_model="numpy")
def _seed_centres(u, w, k_all, far_apart, stream):
    """Draw K rows as centres: by weight, or far apart as k-means++ does."""
    d, n = u.shape
    centres = np.empty((k_all, d))
    chance = w.copy()
    gap = np.full(n, np.inf)
    for k in range(k_all):
        level = _uniform(stream) * chance.sum()
        pick, run = 0, 0.0
        for r in range(n):
            if chance[r] > 0.0:
                pick = r
                run += chance[r]
                if run > level:
                    break
        for i in range(d):
            centres[k, i] = u[i, pick]
        for r in range(n):
            distance = 0.0
            for i in range(d):
                distance += (u[i, r] - centres[k, i]) ** 2
            gap[r] = min(gap[r], distance)
            if far_apart:
                chance[r] = w[r] * gap[r]
            elif gap[r] == 0.0:
                chance[r] = 0.0
    return centres


@njit(cache=True, error_model="numpy")
def _start_labels(u, w, k_all, start, stream, labels):
    """Label the rows for one start: k-means (even), nearest of random rows (odd)."""
    d, n = u.shape
    by_means = start % 2 == 0
    centres = _seed_centres(u, w, k_all, by_means, stream)
    _nearest(u, centres, labels)
    if not by_means:
        return
    for _ in range(_LLOYD_STEPS):
        mass = np.zeros(k_all)
        total = np.zeros((k_all, d))
        for r in range(n):
            mass[labels[r]] += w[r]
            for i in range(d):
                total[labels[r], i] += w[r] * u[i, r]
        for k in range(k_all):
            if mass[k] > 0.0:
                _copy(total[k] / mass[k], centres[k])
        _nearest(u, centres, labels)


@njit(cache=True, error_model="numpy")
def _parameters_of_labels(z, w, labels, family, floor, mixture):
    """First parameters from a partition; False if a part is empty.

    Covariances are shrunk towards the pooled one by d + 2 rows' worth: a part of two
    rows must not start as a spike.
    """
    k_all = len(mixture.weight)
    d, n = z.shape
    mass = np.zeros(k_all)
    scatter = np.zeros((k_all, d, d))
    rw = np.empty(n)
    for k in range(k_all):
        for r in range(n):
            rw[r] = w[r] if labels[r] == k else 0.0
        mass[k] = rw.sum()
        if not mass[k] > 0.0:
            return False
        for i in range(d):
            mixture.mean[k, i] = np.dot(rw, z[i]) / mass[k]
        _scatter(z, rw, mixture.mean[k], scatter[k])
    total, extra = mass.sum(), d + 2.0
    _copy(mass / total, mixture.weight)
    for i in range(d):
        for j in range(d):
            pooled = scatter[:, i, j].sum() / total
            for k in range(k_all):
                scatter[k, i, j] += extra * pooled
    _shape_covariances(scatter, mass + extra, family, floor, mixture.cov)
    return True


@njit(cache=True, error_model="numpy")
def _fewest_hosts(resp, host, n_hosts):
    """Return the least number of distinct hosts that a component is likeliest for."""
    k_all, n = resp.shape
    seen = np.zeros((k_all, n_hosts), dtype=np.bool_)
    for r in range(n):
        seen[np.argmax(resp[:, r]), host[r]] = True
    fewest = n_hosts
    for k in range(k_all):
        fewest = min(fewest, seen[k].sum())
    return fewest


@njit(cache=True, error_model="numpy")
def _standardise(x, centre, axes):
    """Return axes @ (x - centre) for lower-triangular axes; x is (d, n)."""
    d, n = x.shape
    out = np.zeros((d, n))
    for i in range(d):
        for j in range(i + 1):
            for r in range(n):
                out[i, r] += axes[i, j] * (x[j, r] - centre[j])
    return out


@njit(cache=True, error_model="numpy")
def _climb_from_starts(z, u, w, family, given, seed, effort, starts, resp):
    """Take every start a few steps; return the lnL each reached, -inf if it failed."""
    n_starts, k_all = starts.weight.shape
    reached = np.full(n_starts, -np.inf)
    labels = np.zeros(z.shape[1], dtype=np.int64)
    stream = np.empty(1, dtype=np.uint64)
    stream[0] = seed
    for s in range(n_starts):
        if s < len(given):
            _copy(given[s], labels)
        elif k_all > 1:
            start = s - len(given)
            # Distances on standardised and on the family's own axes, pair by pair.
            plane = u if start // 2 % 2 == 0 else z
            _start_labels(plane, w, k_all, start, stream, labels)
        mixture = Mixture(starts.weight[s], starts.mean[s], starts.cov[s])
        floor = effort.relative_floor
        if _parameters_of_labels(z, w, labels, family, floor, mixture):
            steps = effort.short_iterations
            lnl, _ = _climb(z, w, family, steps, effort, mixture, resp)
            if lnl > -np.inf:
                reached[s] = lnl
    return reached


@njit(cache=True, error_model="numpy")
def _polish(z, w, host, n_hosts, family, effort, starts, reached, resp):
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
        mixture = Mixture(starts.weight[s], starts.mean[s], starts.cov[s])
        steps = effort.max_iterations
        lnl, converged = _climb(z, w, family, steps, effort, mixture, resp)
        if not lnl > -np.inf:
            continue
        if _fewest_hosts(resp, host, n_hosts) < effort.min_hosts:
            n_refused += 1
            continue
        final[s] = lnl
        polished += 1
        n_converged += converged
    return final, polished, n_converged, n_refused


@njit(cache=True, error_model="numpy")
def _fit_sample(x, w, host, n_hosts, family, given, seed, effort, place, mixture):
    """Fit one mixture to one sample x (d, n); write its place and its parameters.

    Returns status, lnL, and the counts of allowed optima polished, of these converged,
    of optima refused for too few hosts, of polished ones within 1e-3 of the best lnL.
    """
    d, n = x.shape
    k_all = len(mixture.weight)
    total, centre, spread = _moments(x, w)
    log_det = _family_axes(spread, family, place.axes)
    if not np.isfinite(log_det):
        return SINGULAR, np.nan, 0, 0, 0, 0
    _copy(centre, place.centre)
    scaled = np.zeros((d, d))
    for i in range(d):
        scaled[i, i] = 1.0 / np.sqrt(spread[i, i])
    z = _standardise(x, centre, place.axes)
    u = _standardise(x, centre, scaled)
    n_starts = 1 if k_all == 1 else len(given) + effort.n_starts
    starts = Mixture(
        np.empty((n_starts, k_all)),
        np.empty((n_starts, k_all, d)),
        np.empty((n_starts, k_all, d, d)),
    )
    resp = np.empty((k_all, n))
    reached = _climb_from_starts(z, u, w, family, given, seed, effort, starts, resp)
    final, polished, n_converged, n_refused = _polish(
        z, w, host, n_hosts, family, effort, starts, reached, resp
    )
    if polished == 0:
        return REFUSED, np.nan, 0, 0, n_refused, 0
    best = np.argmax(final)
    _copy(starts.weight[best], mixture.weight)
    _copy(starts.mean[best], mixture.mean)
    _copy(starts.cov[best], mixture.cov)
    agree = (final >= final[best] - _SAME_OPTIMUM).sum()
    lnl = final[best] + total * log_det
    return FITTED, lnl, polished, n_converged, n_refused, agree


@njit(cache=True, error_model="numpy", nogil=True)
def _run_job(j, jobs, x, w, host, n_hosts, given, effort, places, fits):
    """Fit job j to the rows that have weight, and write its slots."""
    sample = x[min(jobs.sample[j], len(x) - 1)]
    mass = w[min(jobs.sample[j], len(w) - 1)]
    keep = np.flatnonzero(mass)
    d, n, k = len(sample), len(keep), jobs.k[j]
    kept = np.empty((d, n))
    first, stop = jobs.given[j]
    starts = np.empty((stop - first, n), dtype=np.int64)
    for r in range(n):
        for i in range(d):
            kept[i, r] = sample[i, keep[r]]
        for s in range(stop - first):
            starts[s, r] = given[first + s, keep[r]]
    answer = _fit_sample(
        kept,
        mass[keep],
        host[keep],
        n_hosts,
        jobs.family[j],
        starts,
        jobs.seed[j],
        effort,
        Place(places.centre[j], places.axes[j]),
        Mixture(fits.weight[j, :k], fits.mean[j, :k], fits.cov[j, :k]),
    )
    fits.status[j] = answer[0]
    fits.lnl[j] = answer[1]
    fits.counts[j, 0] = answer[2]
    fits.counts[j, 1] = answer[3]
    fits.counts[j, 2] = answer[4]
    fits.counts[j, 3] = answer[5]


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
    fits = Fits(
        np.empty(n_jobs, dtype=np.int64),
        np.full(n_jobs, np.nan),
        np.zeros((n_jobs, 4), dtype=np.int64),
        np.full((n_jobs, k_max), np.nan),
        np.full((n_jobs, k_max, d), np.nan),
        np.full((n_jobs, k_max, d, d), np.nan),
    )
    places = Place(np.zeros((n_jobs, d)), np.tile(np.eye(d), (n_jobs, 1, 1)))
    n_hosts = int(host.max()) + 1
    # One layout: each other one would be compiled for by itself.
    x, w = np.ascontiguousarray(x), np.ascontiguousarray(w)
    shared = (jobs, x, w, host, n_hosts, given, effort, places, fits)
    share_out(n_jobs, lambda job: _run_job(job, *shared))
    back = np.linalg.inv(places.axes)[:, None]
    mean = places.centre[:, None] + np.einsum("jkab,jkb->jka", back, fits.mean)
    return fits._replace(mean=mean, cov=back @ fits.cov @ back.swapaxes(-1, -2))
