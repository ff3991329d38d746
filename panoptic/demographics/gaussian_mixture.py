"""Gaussian mixtures of small samples on two axes: families, starts, what is refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.cluster.hierarchy import fcluster, linkage

from panoptic.demographics import expectation_maximisation as em
from panoptic.statement import NotRun

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

# Four trees, because on this sample starts of one kind stop at worse optima.
_LINKAGES: tuple[Literal["ward", "complete", "average", "single"], ...] = (
    "ward",
    "complete",
    "average",
    "single",
)
MINIMUM_HOSTS = 4  # that a component must hold: two more than there are axes
_LEAST_RELATIVE_VARIANCE = 1e-10


class CovarianceFamily(StrEnum):
    """What the components' covariances share."""

    FULL = "full"
    TIED = "tied"
    DIAGONAL = "diagonal"
    SPHERICAL = "spherical"

    @property
    def code(self) -> int:
        return list(CovarianceFamily).index(self)

    def n_parameters(self, n_components: int, n_axes: int) -> int:
        """Return how many numbers a mixture of this family has to be told."""
        one_full = n_axes * (n_axes + 1) // 2
        of_shape = {
            CovarianceFamily.FULL: n_components * one_full,
            CovarianceFamily.TIED: one_full,
            CovarianceFamily.DIAGONAL: n_components * n_axes,
            CovarianceFamily.SPHERICAL: n_components,
        }
        return of_shape[self] + n_components * n_axes + n_components - 1


@dataclass(frozen=True, slots=True)
class MixtureFit:
    """The best allowed optimum of one mixture, components in order of their first mean.

    The likelihood is that of the axes as given, so fits of one sample compare.
    """

    family: CovarianceFamily  # of covariances
    n_components: int  # K
    n_parameters: int  # p, free ones
    n_rows: int  # n, fitted
    n_hosts: int  # of these rows
    lnl: float  # log likelihood at the optimum
    bic: float  # -2 lnL + p ln n_rows, lower is better
    icl: float  # BIC + 2 entropy of the responsibilities, lower is better
    weights: Floats  # (K,)
    means: Floats  # (K, 2)
    covariances: Floats  # (K, 2, 2)
    n_starts: int  # k-means, random points and hierarchical together
    n_polished: int  # allowed optima taken to convergence
    n_converged: int  # of the polished ones
    n_at_best: int  # polished optima within 1e-3 of the best lnL
    n_refused: int  # optima with too few hosts in a component, left out

    @property
    def converged(self) -> bool:
        """Whether every polished start converged."""
        return self.n_converged == self.n_polished


def effort(
    *,
    n_starts: int = 200,
    short_iterations: int = 30,
    n_polish: int = 20,
    max_iterations: int = 5000,
    tolerance: float = 1e-8,
    relative_floor: float = 1e-3,
) -> em.Effort:
    """Return how hard to look; in one sample.

    Without other values the search is that of a fit that is reported; `QUICK_EFFORT`
    is for the many fits of a bootstrap.

    relative_floor : least variance along any direction, in units of the sample's:
        0.001 forbids components narrower than 3 % of the sample.
    """
    return em.Effort(
        n_starts,
        short_iterations,
        n_polish,
        max_iterations,
        tolerance,
        relative_floor,
        MINIMUM_HOSTS,
    )


# The search of a bootstrap's fits: lnL to 0.01. It stops at a worse optimum now and
# then, which is no bias where the observed sample goes through the same search.
QUICK_EFFORT = effort(
    n_starts=12, short_iterations=10, n_polish=2, max_iterations=400, tolerance=1e-2
)


def fit_mixtures(
    rows: ArrayLike,
    *,
    host: ArrayLike,
    n_components: Sequence[int],
    families: Sequence[CovarianceFamily],
    rng: np.random.Generator,
    search: em.Effort | None = None,
) -> dict[tuple[CovarianceFamily, int], MixtureFit | NotRun]:
    """Fit every family with every number of components to the same rows.

    Parameters
    ----------
    rows : (n, 2), finite, in the axes the likelihood is reported in.
    host : (n,) names or codes; rows of one host count once for the least number of
        hosts per component, four.

    A mixture is NotRun when the sample is too small for it, when the rows do not
    spread in two directions, or when every optimum leaves a component with too few
    hosts.
    """
    x = np.asarray(rows, dtype=np.float64)
    code = host_codes(host)
    search = search or effort()
    wanted = [(family, k) for family in families for k in n_components]
    refusal = _refusal(x, code, search)
    if refusal or not wanted:
        return {key: NotRun(refusal) for key in wanted}
    given, spans = _hierarchical_starts(x, n_components)
    jobs = em.Jobs(
        sample=np.zeros(len(wanted), dtype=np.int64),
        k=np.array([k for _, k in wanted]),
        family=np.array([family.code for family, _ in wanted]),
        given=np.array([spans[k] for _, k in wanted]),
        seed=job_seeds(len(wanted), rng),
    )
    columns = np.ascontiguousarray(x.T)[None]
    fits = em.fit_jobs(jobs, columns, np.ones((1, len(x))), code, given, search)
    return {
        key: _read_job(x, code, key, em.Fits(*(part[job] for part in fits)), search)
        for job, key in enumerate(wanted)
    }


def best_lnl(
    samples: Floats,
    *,
    host: ArrayLike,
    n_components: Sequence[int],
    search: em.Effort,
    rng: np.random.Generator,
) -> Floats:
    """Return the best lnL of each of (samples, n, 2) for each K: (samples, Ks).

    Full covariances; NaN where no allowed optimum was found. host : (n,), the same for
    every sample. Every sample gets the same search, so the first may be the observed
    one and the others draws from a null.
    """
    columns = np.ascontiguousarray(samples.transpose(0, 2, 1))
    row_weights = np.ones((1, samples.shape[1]))
    fits = _fit_every(columns, row_weights, host, n_components, search, rng)
    return fits.lnl.reshape(len(samples), len(n_components))


def fit_weighted(
    rows: Floats,
    row_weights: Floats,
    *,
    host: ArrayLike,
    n_components: Sequence[int],
    search: em.Effort,
    rng: np.random.Generator,
) -> em.Fits:
    """Fit full mixtures to rows (n, 2) under each weighting (samples, n).

    A resample of hosts is a weighting by how often each row is drawn: a host drawn
    twice is one host, so copies cannot pass for a component. Every array of the answer
    gains leading axes (samples, Ks).
    """
    columns = np.ascontiguousarray(rows.T)[None]
    row_weights = np.ascontiguousarray(row_weights, dtype=np.float64)
    fits = _fit_every(columns, row_weights, host, n_components, search, rng)
    shape = len(row_weights), len(n_components)
    return em.Fits(*(part.reshape(shape + part.shape[1:]) for part in fits))


def _fit_every(
    x: Floats,
    w: Floats,
    host: ArrayLike,
    n_components: Sequence[int],
    search: em.Effort,
    rng: np.random.Generator,
) -> em.Fits:
    """Fit every K to every sample, K running fastest."""
    n_samples = max(len(x), len(w))
    n_jobs = n_samples * len(n_components)
    jobs = em.Jobs(
        sample=np.repeat(np.arange(n_samples), len(n_components)),
        k=np.tile(np.asarray(n_components, dtype=np.int64), n_samples),
        family=np.full(n_jobs, CovarianceFamily.FULL.code),
        given=np.zeros((n_jobs, 2), dtype=np.int64),
        seed=job_seeds(n_jobs, rng),
    )
    nothing = np.zeros((0, x.shape[2]), dtype=np.int64)
    return em.fit_jobs(jobs, x, w, host_codes(host), nothing, search)


def host_codes(host: ArrayLike) -> Codes:
    """Return hosts as codes from 0."""
    return np.unique(np.asarray(host), return_inverse=True)[1].astype(np.int64)


def job_seeds(n_jobs: int, rng: np.random.Generator) -> NDArray[np.uint64]:
    """Return one random stream's seed per job."""
    return rng.integers(0, 2**64, size=n_jobs, dtype=np.uint64)


def log_joint(
    rows: Floats, weights: Floats, means: Floats, covariances: Floats
) -> Floats:
    """Return ln(weight) + ln N(row; mean, covariance), shape (n, K)."""
    columns = []
    for weight, mean, covariance in zip(weights, means, covariances, strict=True):
        lower = np.linalg.cholesky(covariance)
        scaled = np.linalg.solve(lower, (rows - mean).T)
        log_det = 2.0 * np.log(np.diag(lower)).sum() + len(mean) * np.log(2.0 * np.pi)
        columns.append(np.log(weight) - 0.5 * (log_det + (scaled**2).sum(axis=0)))
    return np.stack(columns, axis=1)


def responsibilities(
    rows: Floats, weights: Floats, means: Floats, covariances: Floats
) -> Floats:
    """Return the probability of each component given each row, shape (n, K)."""
    joint = log_joint(rows, weights, means, covariances)
    share = np.exp(joint - joint.max(axis=1, keepdims=True))
    return share / share.sum(axis=1, keepdims=True)


def draw_mixture(
    fit: MixtureFit, size: int, *, n_samples: int, rng: np.random.Generator
) -> tuple[Floats, Codes]:
    """Draw samples (n_samples, size, 2) and the component of each row."""
    label = rng.choice(fit.n_components, p=fit.weights, size=(n_samples, size))
    noise = rng.standard_normal((n_samples, size, fit.means.shape[1]))
    lower = np.linalg.cholesky(fit.covariances)
    rows = fit.means[label] + np.einsum("snij,snj->sni", lower[label], noise)
    return rows, label.astype(np.int64)


def _refusal(x: Floats, code: Codes, search: em.Effort) -> str:
    """Say why nothing can be fitted to these rows; empty where something can."""
    n_hosts = len(np.unique(code))
    if n_hosts < search.min_hosts:
        return (
            f"{len(x)} rows on {n_hosts} hosts: one component needs "
            f"{search.min_hosts} hosts"
        )
    spread = np.atleast_2d(np.cov(x.T, bias=True))
    scale = np.sqrt(np.diag(spread))
    size = np.abs(x).max(axis=0)
    if np.any(scale <= 1e-9 * np.maximum(size, 1.0)):
        return f"{len(x)} rows on {n_hosts} hosts share one value on an axis"
    if (
        np.linalg.eigvalsh(spread / np.outer(scale, scale))[0]
        < _LEAST_RELATIVE_VARIANCE
    ):
        return f"{len(x)} rows on {n_hosts} hosts lie on one line"
    return ""


def _hierarchical_starts(
    x: Floats, n_components: Sequence[int]
) -> tuple[Codes, dict[int, tuple[int, int]]]:
    """Return labels (starts, n) cut from four trees, and each K's span of them."""
    spans = {k: (0, 0) for k in n_components}
    labels: list[NDArray[np.signedinteger]] = []
    trees = [linkage((x - x.mean(axis=0)) / x.std(axis=0), kind) for kind in _LINKAGES]
    for k in n_components:
        first = len(labels)
        if k > 1:
            labels += [fcluster(tree, k, criterion="maxclust") - 1 for tree in trees]
        spans[k] = (first, len(labels))
    return np.array(labels, dtype=np.int64).reshape(-1, len(x)), spans


def _read_job(
    x: Floats,
    code: Codes,
    key: tuple[CovarianceFamily, int],
    job: em.Fits,
    search: em.Effort,
) -> MixtureFit | NotRun:
    """Package one job of the compiled fit."""
    family, k = key
    n_hosts = int(code.max()) + 1
    if job.status != em.FITTED:
        return NotRun(
            f"K = {k} {family}: {len(x)} rows on {n_hosts} hosts give no optimum with "
            f"{search.min_hosts} hosts in every component"
        )
    order = np.argsort(job.mean[:k, 0], kind="stable")
    weights, means, covariances = job.weight[order], job.mean[order], job.cov[order]
    p = family.n_parameters(k, x.shape[1])
    share = responsibilities(x, weights, means, covariances)
    entropy = -float(np.sum(share * np.log(np.where(share > 0, share, 1.0))))
    bic = float(-2.0 * job.lnl + p * np.log(len(x)))
    n_polished, n_converged, n_refused, n_at_best = (int(count) for count in job.counts)
    return MixtureFit(
        family=family,
        n_components=k,
        n_parameters=p,
        n_rows=len(x),
        n_hosts=n_hosts,
        lnl=float(job.lnl),
        bic=bic,
        icl=bic + 2.0 * entropy,
        weights=weights,
        means=means,
        covariances=covariances,
        n_starts=1 if k == 1 else search.n_starts + len(_LINKAGES),
        n_polished=n_polished,
        n_converged=n_converged,
        n_at_best=n_at_best,
        n_refused=n_refused,
    )
