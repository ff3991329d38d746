"""Mixtures of what lies behind the errors: extreme deconvolution.

Bovy, Hogg & Roweis (2011, DOI 10.1214/10-AOAS439), without projections: row i is drawn
from a Gaussian of covariance V_k + S_i, S_i its own error covariance.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from panoptic.demographics.companions import Companions
from panoptic.demographics.gaussian_mixture import (
    CovarianceFamily,
    MixtureFit,
    fit_mixtures,
)
from panoptic.sample import MassProvenance
from panoptic.statement import NotRun

Floats = NDArray[np.float64]

# Errors in dex where the catalogue gives none, or zero. The first three are near the
# medians of the rows of 0.06-0.20 Msun hosts that have errors (PSCompPars of
# 2026-06-02, microlensing apart); a mass that was never measured, only read off a
# mass-radius relation, is known to a factor of 1.6 (our choice).
DEFAULT_MASS_ERROR_DEX: dict[str, float] = {
    MassProvenance.MASS: 0.10,
    MassProvenance.MSINI: 0.06,
    MassProvenance.MSINI_CORRECTED: 0.06,
    MassProvenance.MASS_RADIUS: 0.20,
    MassProvenance.UNKNOWN: 0.20,
}
DEFAULT_HOST_MASS_ERROR_DEX = 0.04
DEFAULT_AXIS_ERROR_DEX = 0.02
LEAST_ERROR_DEX = 0.01  # what is left once the host's share is taken out

# How M_c and a of a row scale with the host mass that was assumed: M_c ~ M_star^gamma,
# a ~ M_star^delta. A velocity or an astrometric orbit measures M_c M_star^(-2/3); a
# light curve of microlensing measures q itself; Kepler's law gives a ~ M_star^(1/3); a
# separation on the sky does not know the host.
HOST_EXPONENTS: dict[str, tuple[float, float]] = {
    "Radial Velocity": (2.0 / 3.0, 1.0 / 3.0),
    "Transit": (2.0 / 3.0, 1.0 / 3.0),
    "Astrometry": (2.0 / 3.0, 1.0 / 3.0),
    "Microlensing": (1.0, 0.0),
    "Imaging": (0.0, 0.0),
}
_OTHER_METHODS = (0.0, 1.0 / 3.0)

_N_RANDOM_STARTS = 12
_SHORT_STEPS, _LONG_STEPS = 25, 4000
_TOLERANCE = 1e-11  # gain in lnL of the last step; parameters follow its root


@dataclass(frozen=True, slots=True)
class DeconvolvedFit:
    """The best mixture behind the errors, in order of the first axis's mean."""

    n_components: int
    n_parameters: int
    n_rows: int
    lnl: float
    bic: float  # -2 lnL + p ln n, lower is better
    weights: Floats  # (K,)
    means: Floats  # (K, d)
    covariances: Floats  # (K, d, d) without the errors
    n_starts: int
    converged: bool


@dataclass(frozen=True, slots=True)
class DeconvolvedSelection:
    """Mixtures of one to a few components behind the errors of log q and log a."""

    n_rows: int
    n_default_errors: int  # rows in which an error of M_c, M_star or a is a default
    bic: dict[str, float]  # by K
    delta_bic: float | None  # BIC(1) - BIC(2)
    best_k: int
    fits: tuple[DeconvolvedFit, ...]


def error_covariances(companions: Companions) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the error covariance (n, 2, 2) of (log q, log a), and which use defaults.

    With e the error of log M_star, and M_c ~ M_star^gamma, a ~ M_star^delta by the
    method, log M_c = gamma e + e_c and log a = delta e + e_a, so that

        var(log q) = (gamma - 1)^2 s^2 + s_c^2,   var(log a) = delta^2 s^2 + s_a^2,
        cov = (gamma - 1) delta s^2,

    where s_c and s_a are what the catalogue's errors hold beyond the host's share,
    never less than `LEAST_ERROR_DEX`. Missing or zero errors become the defaults.
    """
    host, no_host = _in_dex(
        companions.st_mass_err,
        companions.st_mass,
        np.full(len(companions), DEFAULT_HOST_MASS_ERROR_DEX),
    )
    unknown = DEFAULT_MASS_ERROR_DEX[MassProvenance.UNKNOWN]
    by_provenance = [
        DEFAULT_MASS_ERROR_DEX.get(str(kind), unknown)
        for kind in companions.mass_provenance
    ]
    mass, no_mass = _in_dex(
        companions.mass_err_mjup, companions.mass_mjup, np.array(by_provenance)
    )
    gamma, delta = _exponents(companions)
    # Where there is no error the default is what lies beyond the host's share.
    axis, no_axis = _in_dex(
        companions.a_err_au,
        companions.a_au,
        np.hypot(DEFAULT_AXIS_ERROR_DEX, delta * host),
    )
    mass = np.where(no_mass, np.hypot(mass, gamma * host), mass)
    own_mass = np.maximum(mass**2 - (gamma * host) ** 2, LEAST_ERROR_DEX**2)
    own_axis = np.maximum(axis**2 - (delta * host) ** 2, LEAST_ERROR_DEX**2)
    covariance = np.empty((len(companions), 2, 2))
    covariance[:, 0, 0] = ((gamma - 1.0) * host) ** 2 + own_mass
    covariance[:, 1, 1] = (delta * host) ** 2 + own_axis
    covariance[:, 0, 1] = covariance[:, 1, 0] = (gamma - 1.0) * delta * host**2
    return covariance, no_host | no_mass | no_axis


def select_deconvolved(
    companions: Companions, *, max_components: int, rng: np.random.Generator
) -> DeconvolvedSelection | NotRun:
    """Deconvolve (log q, log a) with 1 to `max_components` components."""
    rows = np.column_stack([companions.log_q, companions.log_a])
    errors, by_default = error_covariances(companions)
    fits = []
    for k in range(1, max_components + 1):
        fit = deconvolve(rows, errors, n_components=k, host=companions.host, rng=rng)
        if isinstance(fit, NotRun):
            if k == 1:
                return fit
            break
        fits.append(fit)
    return DeconvolvedSelection(
        n_rows=len(rows),
        n_default_errors=int(by_default.sum()),
        bic={str(fit.n_components): fit.bic for fit in fits},
        delta_bic=fits[0].bic - fits[1].bic if len(fits) > 1 else None,
        best_k=min(fits, key=lambda fit: fit.bic).n_components,
        fits=tuple(fits),
    )


def deconvolve(
    rows: Floats,
    errors: Floats,
    *,
    n_components: int,
    host: ArrayLike,
    rng: np.random.Generator,
) -> DeconvolvedFit | NotRun:
    """Fit K Gaussians to rows (n, d) with error covariances (n, d, d), finite.

    Starts from the plain mixture, which also decides whether K components have hosts
    enough, and from random rows; where errors are zero it is the plain mixture.
    """
    full = CovarianceFamily.FULL
    plain = fit_mixtures(
        rows, host=host, n_components=[n_components], families=[full], rng=rng
    )[full, n_components]
    if isinstance(plain, NotRun):
        return plain
    weights, means, covariances = _starts(rows, plain, rng)
    lnl, _ = climb_deconvolution(
        rows, errors, weights, means, covariances, _SHORT_STEPS, _TOLERANCE
    )
    best = np.array([0, 1 + int(np.nanargmax(lnl[1:]))]) if len(lnl) > 1 else [0]
    weights, means, covariances = weights[best], means[best], covariances[best]
    lnl, converged = climb_deconvolution(
        rows, errors, weights, means, covariances, _LONG_STEPS, _TOLERANCE
    )
    top = int(np.nanargmax(lnl))
    order = np.argsort(means[top, :, 0], kind="stable")
    bic = -2.0 * lnl[top] + plain.n_parameters * np.log(len(rows))
    return DeconvolvedFit(
        n_components=n_components,
        n_parameters=plain.n_parameters,
        n_rows=len(rows),
        lnl=float(lnl[top]),
        bic=float(bic),
        weights=weights[top, order],
        means=means[top, order],
        covariances=covariances[top, order],
        n_starts=len(lnl) if n_components == 1 else 1 + _N_RANDOM_STARTS,
        converged=bool(converged[top]),
    )


def climb_deconvolution(
    rows: Floats,
    errors: Floats,
    weights: Floats,
    means: Floats,
    covariances: Floats,
    n_steps: int,
    tolerance: float,
) -> tuple[Floats, NDArray[np.bool_]]:
    """Take every start up to n_steps EM steps, in place; return lnL and converged.

    weights (starts, K), means (starts, K, d), covariances (starts, K, d, d). The lnL
    is that of the parameters left behind; NaN where a component went empty.
    """
    lnl = np.empty(len(weights))
    converged = np.zeros(len(weights), dtype=np.bool_)
    _climb_all(
        rows, errors, weights, means, covariances, n_steps, tolerance, lnl, converged
    )
    return lnl, converged


def _in_dex(
    error: Floats, value: Floats, default: Floats
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return errors in dex, the default where there is none, and where that is."""
    missing = ~(error > 0.0)
    with np.errstate(invalid="ignore"):
        return np.where(missing, default, error / (value * np.log(10.0))), missing


def _exponents(companions: Companions) -> tuple[Floats, Floats]:
    pairs = [
        HOST_EXPONENTS.get(str(name), _OTHER_METHODS) for name in companions.method
    ]
    table = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def _starts(
    rows: Floats, plain: MixtureFit, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """Return the plain mixture first, then random rows as means."""
    k, d = plain.means.shape
    n_random = 0 if k == 1 else _N_RANDOM_STARTS
    picks = [rng.choice(len(rows), size=k, replace=False) for _ in range(n_random)]
    spread = np.atleast_2d(np.cov(rows.T, bias=True)) / k
    weights = np.concatenate([plain.weights[None], np.full((n_random, k), 1.0 / k)])
    means = np.concatenate([plain.means[None], *(rows[pick][None] for pick in picks)])
    covariances = np.concatenate(
        [plain.covariances[None], np.broadcast_to(spread, (n_random, k, d, d))]
    )
    return weights, means, covariances


@njit(cache=True, error_model="numpy")
def _cholesky(matrix, lower):
    """Write the lower Cholesky factor; return ln det, NaN if not positive."""
    log_det = 0.0
    for i in range(len(matrix)):
        for j in range(i + 1):
            rest = matrix[i, j]
            for m in range(j):
                rest -= lower[i, m] * lower[j, m]
            if i > j:
                lower[i, j] = rest / lower[j, j]
            elif rest > 0.0:
                lower[i, i] = np.sqrt(rest)
                log_det += np.log(rest)
            else:
                return np.nan
    return log_det


@njit(cache=True, error_model="numpy")
def _forward(lower, vector):
    """Solve lower x = vector in place."""
    for i in range(len(vector)):
        for m in range(i):
            vector[i] -= lower[i, m] * vector[m]
        vector[i] /= lower[i, i]


@njit(cache=True, error_model="numpy")
def _score_rows(x, s, weight, mean, cov, white, gain, resp):
    """E step. Write L^-1 (x - m), L^-1 V and responsibilities; return lnL.

    L is the Cholesky factor of T = V_k + S_i, so that with w = L^-1 (x - m) and
    G = L^-1 V the expected truth is m + G' w with covariance V - G' G.
    """
    n, d = x.shape
    k_all = len(weight)
    total = np.empty((d, d))
    lower = np.zeros((d, d))
    log_2pi = d * np.log(2.0 * np.pi)
    lnl = 0.0
    for r in range(n):
        top = -np.inf
        for k in range(k_all):
            for i in range(d):
                white[r, k, i] = x[r, i] - mean[k, i]
                for j in range(d):
                    total[i, j] = cov[k, i, j] + s[r, i, j]
                    gain[r, k, i, j] = cov[k, j, i]  # row i: column i of V
            log_det = _cholesky(total, lower)
            _forward(lower, white[r, k])
            square = 0.0
            for i in range(d):
                _forward(lower, gain[r, k, i])
                square += white[r, k, i] ** 2
            resp[r, k] = np.log(weight[k]) - 0.5 * (log_det + log_2pi + square)
            top = max(top, resp[r, k])
        mass = 0.0
        for k in range(k_all):
            resp[r, k] = np.exp(resp[r, k] - top)
            mass += resp[r, k]
        for k in range(k_all):
            resp[r, k] /= mass
        lnl += top + np.log(mass)
    return lnl


@njit(cache=True, error_model="numpy")
def _expected_shifts(white, gain, k, shift):
    """Write the expected truth of every row less the mean, G' w, into shift (n, d)."""
    n, d = shift.shape
    for r in range(n):
        for i in range(d):
            shift[r, i] = 0.0
            for j in range(d):
                shift[r, i] += gain[r, k, i, j] * white[r, k, j]


@njit(cache=True, error_model="numpy")
def _add_scatter(shift, step, gain, k, share, cov):
    """Turn cov (V) into the new one: V plus the mean of b b' - G' G, b about step."""
    n, d = shift.shape
    for i in range(d):
        for j in range(i + 1):
            extra = 0.0
            for r in range(n):
                own = (shift[r, i] - step[i]) * (shift[r, j] - step[j])
                for m in range(d):
                    own -= gain[r, k, i, m] * gain[r, k, j, m]
                extra += share[r] * own
            cov[i, j] += extra
            cov[j, i] = cov[i, j]


@njit(cache=True, error_model="numpy")
def _update(weight, mean, cov, white, gain, resp):
    """M step from the expected truth of every row; False if a component is empty."""
    n, k_all, d = white.shape
    shift = np.empty((n, d))
    for k in range(k_all):
        share = resp[:, k].copy()
        mass = share.sum()
        if not mass > 1e-6:
            return False
        share /= mass
        _expected_shifts(white, gain, k, shift)
        step = share @ shift
        for i in range(d):
            mean[k, i] += step[i]
        _add_scatter(shift, step, gain, k, share, cov[k])
        weight[k] = mass / n
    return True


@njit(cache=True, error_model="numpy")
def _climb_all(x, s, weights, means, covs, n_steps, tolerance, lnl, converged):
    n, d = x.shape
    n_starts, k_all = weights.shape
    for b in range(n_starts):
        white = np.empty((n, k_all, d))
        gain = np.empty((n, k_all, d, d))
        resp = np.empty((n, k_all))
        now = _score_rows(x, s, weights[b], means[b], covs[b], white, gain, resp)
        for _ in range(n_steps):
            before = now
            if not _update(weights[b], means[b], covs[b], white, gain, resp):
                now = np.nan
                break
            now = _score_rows(x, s, weights[b], means[b], covs[b], white, gain, resp)
            if now - before < tolerance:
                converged[b] = True
                break
        lnl[b] = now
