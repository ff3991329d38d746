"""How many components the companions' mass ratios and orbits ask for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from panoptic.demographics.expectation_maximisation import Effort
from panoptic.demographics.gaussian_mixture import (
    CovarianceFamily,
    MixtureFit,
    effort,
    fit_mixtures,
    responsibilities,
)
from panoptic.statement import NotRun

Floats = NDArray[np.float64]
ALL_FAMILIES = tuple(CovarianceFamily)
_WIDE_SEARCH = effort(n_starts=60, n_polish=10)  # beyond two components


@dataclass(frozen=True, slots=True)
class MixtureScore:
    """One mixture of the search: its scores, or why it was refused."""

    family: CovarianceFamily  # of covariances
    n_components: int  # K
    n_parameters: int  # p, free ones
    lnl: float | None  # log likelihood
    bic: float | None  # lower is better
    icl: float | None  # lower is better
    n_starts: int  # all kinds together
    n_polished: int  # starts taken to convergence
    n_converged: int  # of the polished ones
    n_at_best: int  # polished starts within 1e-3 of the best lnL
    refused: str  # empty where it was fitted


@dataclass(frozen=True, slots=True)
class MassMixtureSelection:
    """Mixtures in (log q, log a), a in AU, both in dex.

    `chosen_k` answers the study's question, one population or two, with full
    covariances; the search over more components and other families is beside it.
    Beyond K = 2 the optimum of a sample of tens of rows depends on the floor and on
    the starts: `best` is a description, not a count of populations.
    """

    n_rows: int  # fitted
    n_hosts: int  # of these rows
    n_left_out: int  # rows without a finite log q or log a
    bic: dict[str, float]  # full covariance, by K, -2 lnL + p ln n
    lnl: dict[str, float]  # full covariance, by K
    delta_bic: float | None  # BIC(1) - BIC(2), positive where two are preferred
    chosen_k: int  # 1 or 2, full covariance, by BIC
    weights: Floats  # (K,) of the chosen, in order of mean log q
    means: Floats  # (K, 2)
    covariances: Floats  # (K, 2, 2) dex^2
    labels: NDArray[np.int64]  # (rows given,) likeliest component, -1 if left out
    responsibilities: Floats  # (rows given, K), 0 if left out
    n_starts: int  # of the chosen fit
    converged: bool  # the chosen fit
    best_by_bic: MixtureFit  # over every family and K that was tried
    best_by_icl: MixtureFit  # the same by ICL
    best_labels: NDArray[np.int64]  # (rows given,) of best_by_bic
    scores: tuple[MixtureScore, ...]  # the whole search


def fit_mass_mixtures(
    log_q: ArrayLike,
    log_a: ArrayLike,
    *,
    host: ArrayLike,
    rng: np.random.Generator,
    max_components: int = 5,
    families: Sequence[CovarianceFamily] = ALL_FAMILIES,
    search: Effort | None = None,
) -> MassMixtureSelection | NotRun:
    """Fit mixtures of 1 to `max_components` Gaussians and choose among them.

    Parameters
    ----------
    log_q, log_a : (n,) dex; rows where either is not finite are left out and counted.
    host : (n,) names; a component must hold d + 2 = 4 distinct hosts.

    NotRun where not even one component can be fitted: fewer than 4 hosts, one value
    on an axis, all rows on a line. The full family is always fitted.
    """
    given = np.column_stack([np.asarray(log_q, float), np.asarray(log_a, float)])
    known = np.isfinite(given).all(axis=1)
    rows, hosts = given[known], np.asarray(host)[known]
    families = tuple(dict.fromkeys((CovarianceFamily.FULL, *families)))
    fits: dict[tuple[CovarianceFamily, int], MixtureFit | NotRun] = {}
    for ks, how in (((1, 2), None), (range(3, max_components + 1), _WIDE_SEARCH)):
        fits |= fit_mixtures(
            rows,
            host=hosts,
            n_components=[k for k in ks if k <= max_components],
            families=families,
            rng=rng,
            search=search or how,
        )
    one = fits[CovarianceFamily.FULL, 1]
    if isinstance(one, NotRun):
        return one
    fitted = [fit for fit in fits.values() if isinstance(fit, MixtureFit)]
    full = [fit for fit in fitted if fit.family is CovarianceFamily.FULL]
    chosen = min((f for f in full if f.n_components <= 2), key=lambda fit: fit.bic)
    best = min(fitted, key=lambda fit: fit.bic)
    bic = {str(fit.n_components): fit.bic for fit in full}
    share = np.zeros((len(given), chosen.n_components))
    share[known] = _share(rows, chosen)
    return MassMixtureSelection(
        n_rows=one.n_rows,
        n_hosts=one.n_hosts,
        n_left_out=int(np.sum(~known)),
        bic=bic,
        lnl={str(fit.n_components): fit.lnl for fit in full},
        delta_bic=bic["1"] - bic["2"] if "2" in bic else None,
        chosen_k=chosen.n_components,
        weights=chosen.weights,
        means=chosen.means,
        covariances=chosen.covariances,
        labels=_labels(known, share[known]),
        responsibilities=share,
        n_starts=max(fit.n_starts for fit in full),
        converged=all(fit.converged for fit in full if fit.n_components <= 2),
        best_by_bic=best,
        best_by_icl=min(fitted, key=lambda fit: fit.icl),
        best_labels=_labels(known, _share(rows, best)),
        scores=tuple(_score(key, fit) for key, fit in fits.items()),
    )


def _share(rows: Floats, fit: MixtureFit) -> Floats:
    return responsibilities(rows, fit.weights, fit.means, fit.covariances)


def _labels(known: NDArray[np.bool_], share: Floats) -> NDArray[np.int64]:
    labels = np.full(len(known), -1, dtype=np.int64)
    labels[known] = share.argmax(axis=1)
    return labels


def _score(key: tuple[CovarianceFamily, int], fit: MixtureFit | NotRun) -> MixtureScore:
    family, k = key
    if isinstance(fit, NotRun):
        p = family.n_parameters(k, 2)
        return MixtureScore(family, k, p, None, None, None, 0, 0, 0, 0, fit.reason)
    return MixtureScore(
        family,
        k,
        fit.n_parameters,
        fit.lnl,
        fit.bic,
        fit.icl,
        fit.n_starts,
        fit.n_polished,
        fit.n_converged,
        fit.n_at_best,
        "",
    )
