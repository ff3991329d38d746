"""Whether two components survive other draws of hosts, and which rows they hang on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from panoptic.demographics.companions import Companions
from panoptic.demographics.gaussian_mixture import (
    MINIMUM_HOSTS,
    QUICK_EFFORT,
    CovarianceFamily,
    MixtureFit,
    fit_mixtures,
    fit_weighted,
    host_codes,
)
from panoptic.demographics.mixture_rivals import weigh_one_more_component
from panoptic.sample import MassProvenance
from panoptic.statement import NotRun

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

TRUE_MASSES = (MassProvenance.MASS, MassProvenance.MSINI_CORRECTED)
_FULL = CovarianceFamily.FULL
_N_GHOSTS = 50
_MAX_K = 4


@dataclass(frozen=True, slots=True)
class HostResampling:
    """One component or two, in many draws of hosts."""

    n_samples: int  # made
    n_failed: int  # without an allowed fit of one component
    n_two_refused: int  # with too few hosts in one of two components; they count as one
    share_two: float  # of those fitted, in which BIC prefers two to one
    delta_bic: tuple[float, float, float] | None  # BIC(1) - BIC(2): 5, 50, 95 %
    k_counts: tuple[int, ...]  # samples in which BIC takes K = 1, 2, ...; full
    means: Floats  # (up to 50, 2, 2) of two components, by rising log q; for drawing
    covariances: Floats  # (up to 50, 2, 2, 2) dex^2, in the same order


@dataclass(frozen=True, slots=True)
class SubsetFit:
    """One and two full components on a part of the sample."""

    name: str
    n_rows: int
    n_hosts: int
    delta_bic: float | None  # BIC(1) - BIC(2)
    p: float | None  # of one component against two, parametric bootstrap
    not_run: str  # why there are no numbers; empty where there are

    @property
    def prefers_two(self) -> bool | None:
        """Whether BIC or the bootstrap test prefers two; None where not run."""
        if self.delta_bic is None:
            return None
        return self.delta_bic > 0 or (self.p is not None and self.p <= 0.05)


def resample_hosts(
    companions: Companions, *, n_samples: int, rng: np.random.Generator
) -> HostResampling | NotRun:
    """Draw hosts with replacement, all rows of a host together, and refit."""
    code = host_codes(companions.host)
    n_hosts = int(code.max()) + 1 if len(code) else 0
    if n_hosts < MINIMUM_HOSTS:
        return NotRun(f"{n_hosts} hosts are too few to resample")
    chance = np.full(n_hosts, 1.0 / n_hosts)
    drawn = rng.multinomial(n_hosts, chance, size=n_samples)
    return _refit(companions, drawn[:, code], range(1, _MAX_K + 1), rng)


def pick_one_per_host(
    companions: Companions, *, n_samples: int, rng: np.random.Generator
) -> HostResampling | NotRun:
    """Keep one companion of each host, at random, and refit; many such picks."""
    code = host_codes(companions.host)
    n_hosts = int(code.max()) + 1 if len(code) else 0
    if n_hosts < MINIMUM_HOSTS:
        return NotRun(f"{n_hosts} hosts: one companion of each is too few to fit")
    ticket = rng.random((n_samples, len(code)))
    lowest = np.stack(
        [ticket[:, code == h].min(axis=1) for h in range(n_hosts)], axis=1
    )
    return _refit(companions, ticket == lowest[:, code], (1, 2), rng)


def fit_subsets(
    companions: Companions, *, n_draws: int, rng: np.random.Generator
) -> tuple[SubsetFit, ...]:
    """Fit without each method, within each method, and to true masses alone."""
    methods = [str(name) for name in np.unique(companions.method)]
    is_method = {name: companions.method == name for name in methods}
    true_mass = np.isin(companions.mass_provenance, [str(kind) for kind in TRUE_MASSES])
    parts: dict[str, Flags] = {
        **{f"without {name}": ~mask for name, mask in is_method.items()},
        **{f"within {name}": mask for name, mask in is_method.items()},
        "true masses only": true_mass,
    }
    return tuple(
        _fit_subset(name, companions.where(mask), n_draws, rng)
        for name, mask in parts.items()
    )


def _fit_subset(
    name: str, companions: Companions, n_draws: int, rng: np.random.Generator
) -> SubsetFit:
    n_rows, n_hosts = len(companions), companions.n_hosts
    least = 2 * MINIMUM_HOSTS
    if n_hosts < least:
        reason = f"{n_rows} rows on {n_hosts} hosts: two components need {least} hosts"
        return SubsetFit(name, n_rows, n_hosts, None, None, reason)
    rows = np.column_stack([companions.log_q, companions.log_a])
    fits = fit_mixtures(
        rows, host=companions.host, n_components=[1, 2], families=[_FULL], rng=rng
    )
    one, two = fits[_FULL, 1], fits[_FULL, 2]
    for fit in (one, two):
        if isinstance(fit, NotRun):
            return SubsetFit(name, n_rows, n_hosts, None, None, fit.reason)
    assert isinstance(one, MixtureFit)
    assert isinstance(two, MixtureFit)
    test = weigh_one_more_component(
        rows, host=companions.host, k=1, n_draws=n_draws, rng=rng
    )
    p = None if isinstance(test, NotRun) else test.p
    return SubsetFit(name, n_rows, n_hosts, one.bic - two.bic, p, "")


def _refit(
    companions: Companions,
    row_weights: NDArray,
    n_components: range | tuple[int, ...],
    rng: np.random.Generator,
) -> HostResampling | NotRun:
    """Fit every K to every weighting; a K without an allowed optimum never wins."""
    rows = np.column_stack([companions.log_q, companions.log_a])
    fits = fit_weighted(
        rows,
        row_weights,
        host=companions.host,
        n_components=n_components,
        search=QUICK_EFFORT,
        rng=rng,
    )
    p = np.array([_FULL.n_parameters(k, 2) for k in n_components])
    bic = -2.0 * fits.lnl + p * np.log(row_weights.sum(axis=1))[:, None]
    bic = np.where(np.isfinite(bic), bic, np.inf)
    made = np.isfinite(bic[:, 0])
    if not made.any():
        return NotRun(f"none of {len(bic)} draws of hosts could be fitted")
    both = np.isfinite(bic[:, 1]) & made
    delta = bic[both, 0] - bic[both, 1]
    ghosts = np.flatnonzero(both)[:_N_GHOSTS]
    means, covariances = fits.mean[ghosts, 1, :2], fits.cov[ghosts, 1, :2]
    order = np.argsort(means[:, :, 0], axis=1)
    ghost = np.arange(len(ghosts))[:, None]
    return HostResampling(
        n_samples=len(bic),
        n_failed=int(np.sum(~made)),
        n_two_refused=int(np.sum(made & ~both)),
        share_two=float(np.sum(delta > 0) / np.sum(made)),
        delta_bic=_quantiles(delta) if len(delta) else None,
        k_counts=tuple(
            int(count)
            for count in np.bincount(bic[made].argmin(axis=1), minlength=len(p))
        ),
        means=means[ghost, order],
        covariances=covariances[ghost, order],
    )


def _quantiles(values: Floats) -> tuple[float, float, float]:
    low, middle, high = np.percentile(values, [5, 50, 95])
    return float(low), float(middle), float(high)
