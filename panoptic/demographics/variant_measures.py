"""What mixture, eccentricities and classifier say of one variant of the sample.

With many draws, the median stands for them and its 2.5th and 97.5th percentile beside
it: the scatter from the draws alone.
"""

from dataclasses import dataclass

import numpy as np

from panoptic.demographics import expectation_maximisation as em
from panoptic.demographics.beta_distribution import maximise
from panoptic.demographics.beta_likelihood import BetaLikelihood
from panoptic.demographics.companions import Companions, Flags, Floats
from panoptic.demographics.eccentricity_contrast import (
    HEADLINE_TEST,
    Contrast,
    contrast_rows,
    tests_of,
)
from panoptic.demographics.eccentricity_fits import MIN_HOSTS, MIN_ROWS
from panoptic.demographics.eccentricity_passes import (
    HEADLINE,
    EccentricityPass,
    Policy,
    apply_policy,
)
from panoptic.demographics.extreme_deconvolution import select_deconvolved
from panoptic.demographics.gaussian_mixture import (
    CovarianceFamily,
    MixtureFit,
    effort,
    fit_mixtures,
    host_codes,
    job_seeds,
)
from panoptic.demographics.sample_variants import SampleVariant
from panoptic.demographics.two_sample_tests import Test, compare_two_samples
from panoptic.statement import NotRun

_FULL = CovarianceFamily.FULL
_FEWEST_TO_COMPARE = 2  # rows on each side of a KS test


@dataclass(frozen=True, slots=True)
class MixtureCheck:
    """One Gaussian or two in (log q, log a), full covariance."""

    n_rows: int  # median over the draws
    n_hosts: int  # median over the draws
    delta_bic: float | None  # BIC(1) - BIC(2); None where two cannot be fitted
    delta_bic_low: float | None  # 2.5 % of the draws
    delta_bic_high: float | None  # 97.5 % of the draws
    chosen_k: int  # 1 or 2, what most draws prefer
    share_two: float  # of the draws that prefer two


@dataclass(frozen=True, slots=True)
class EccentricityCheck:
    """Low q against high q; medians over the draws."""

    policy: Policy  # how the eccentricities are read
    n_low_q: int  # rows
    n_high_q: int  # rows
    alpha_low_q: float | None  # Beta; None where it cannot be fitted
    beta_low_q: float | None  # Beta
    alpha_high_q: float | None  # Beta
    beta_high_q: float | None  # Beta
    ks_d: float | None  # None where limits are no values, or a side is too small
    ks_d_low: float | None  # 2.5 % of the draws
    ks_d_high: float | None  # 97.5 % of the draws
    ks_p: float | None  # exact, by row
    ks_p_host: float | None  # hosts shuffled; samples without draws only
    peto_p_host: float | None  # Peto-Peto, censored reading, hosts shuffled; likewise


def weigh_mixture(
    variant: SampleVariant, selected: Flags, *, rng: np.random.Generator
) -> MixtureCheck | NotRun:
    """Compare one and two components in every draw of one sample, (S, n) rows of it."""
    used = np.asarray(selected.any(axis=0))
    if not used.any():
        return NotRun("no row is left")
    rows = variant.companions.where(used)
    selected = selected[:, used]
    axes = np.stack([variant.log_q[:, used], variant.log_a[:, used]], axis=2)
    if variant.n_draws == 1:
        delta = _one_delta_bic(axes[0], rows, rng)
        if isinstance(delta, NotRun):
            return delta
    else:
        delta = delta_bics(
            np.where(selected[..., None], axes, 0.0),
            host=rows.host,
            weights=selected.astype(np.float64),
            rng=rng,
        )
        if np.isneginf(delta).all():
            return NotRun(f"no draw of {len(rows)} rows can be fitted")
    share = float(np.mean(np.nan_to_num(delta, nan=-1.0) > 0.0))
    middle, low, high = _spread(delta)
    return MixtureCheck(
        n_rows=int(np.median(selected.sum(axis=1))),
        n_hosts=int(np.median(_count_hosts(selected, rows))),
        delta_bic=middle,
        delta_bic_low=low,
        delta_bic_high=high,
        chosen_k=2 if share > 0.5 else 1,
        share_two=share,
    )


def weigh_deconvolved(
    companions: Companions, *, rng: np.random.Generator
) -> MixtureCheck | NotRun:
    """Compare one and two components behind the errors of log q and log a."""
    if len(companions) == 0:
        return NotRun("no row is left")
    found = select_deconvolved(companions, max_components=2, rng=rng)
    if isinstance(found, NotRun):
        return found
    two = found.delta_bic is not None and found.delta_bic > 0.0
    return MixtureCheck(
        n_rows=found.n_rows,
        n_hosts=companions.n_hosts,
        delta_bic=found.delta_bic,
        delta_bic_low=None,
        delta_bic_high=None,
        chosen_k=2 if two else 1,
        share_two=float(two),
    )


def contrast_eccentricities(
    variant: SampleVariant,
    policy: Policy,
    *,
    q_split: float,
    n_permutations: int,
    rng: np.random.Generator,
) -> EccentricityCheck | NotRun:
    """Compare low and high q of the main sample in every draw."""
    companions = variant.companions
    reading = apply_policy(companions, policy)
    ever = np.asarray(variant.main.any(axis=0))
    reading = reading.where(ever[reading.row])
    kept = variant.main[:, reading.row]
    if not kept.any():
        return NotRun(f"no row with an eccentricity is left under {policy}")
    high = variant.log_q[:, reading.row] > np.log10(q_split)
    sides = kept & ~high, kept & high
    laws = [_beta_laws(reading, side, companions) for side in sides]
    ks = {"d": np.full(len(kept), np.nan), "p": np.full(len(kept), np.nan)}
    if Test.KS in tests_of(policy):
        ks["d"], ks["p"] = _ks_of_draws(reading.value, *sides)
    d, d_low, d_high = _spread(ks["d"])
    by_host = {}
    if variant.n_draws == 1:
        by_host = _shuffled(
            companions.where(variant.main[0]), policy, q_split, n_permutations, rng
        )
    return EccentricityCheck(
        policy=policy,
        n_low_q=int(np.median(sides[0].sum(axis=1))),
        n_high_q=int(np.median(sides[1].sum(axis=1))),
        alpha_low_q=_spread(laws[0][:, 0])[0],
        beta_low_q=_spread(laws[0][:, 1])[0],
        alpha_high_q=_spread(laws[1][:, 0])[0],
        beta_high_q=_spread(laws[1][:, 1])[0],
        ks_d=d,
        ks_d_low=d_low,
        ks_d_high=d_high,
        ks_p=_spread(ks["p"])[0],
        ks_p_host=by_host.get(Test.KS),
        peto_p_host=by_host.get(HEADLINE_TEST),
    )


def delta_bics(
    samples: Floats,
    *,
    host: np.ndarray,
    weights: Floats | None = None,
    rng: np.random.Generator,
) -> Floats:
    """Return BIC(1) - BIC(2) of each of S samples (S, n, 2), full covariance.

    A quick search: enough starts for two components, not polished to print. NaN where
    two cannot be fitted, -inf where one cannot either.

    Parameters
    ----------
    weights : (S, n) 0 for rows that a sample lacks; all 1 if absent.
    """
    n_samples, n, _ = samples.shape
    weights = np.ones((n_samples, n)) if weights is None else weights
    k = np.tile([1, 2], n_samples)
    jobs = em.Jobs(
        sample=np.repeat(np.arange(n_samples), 2),
        k=k,
        family=np.full(len(k), _FULL.code),
        given=np.zeros((len(k), 2), dtype=np.int64),
        seed=job_seeds(len(k), rng),
    )
    fits = em.fit_jobs(
        jobs,
        np.ascontiguousarray(samples.transpose(0, 2, 1)),
        weights,
        host_codes(host),
        np.zeros((0, n), dtype=np.int64),
        effort(n_starts=24, n_polish=4, tolerance=1e-5),
    )
    lnl = np.where(fits.status == em.FITTED, fits.lnl, np.nan).reshape(-1, 2)
    log_n = np.log(np.maximum(weights.sum(axis=1), 1.0))
    more = _FULL.n_parameters(2, 2) - _FULL.n_parameters(1, 2)
    delta = 2.0 * (lnl[:, 1] - lnl[:, 0]) - more * log_n
    return np.where(np.isnan(lnl[:, 0]), -np.inf, delta)


def _one_delta_bic(
    x: Floats, rows: Companions, rng: np.random.Generator
) -> Floats | NotRun:
    fits = fit_mixtures(
        x, host=rows.host, n_components=[1, 2], families=[_FULL], rng=rng
    )
    one, two = fits[_FULL, 1], fits[_FULL, 2]
    if isinstance(one, NotRun):
        return one
    return np.array([one.bic - two.bic if isinstance(two, MixtureFit) else np.nan])


def _beta_laws(
    reading: EccentricityPass, side: Flags, companions: Companions
) -> Floats:
    """Alpha and beta of every draw, (S, 2); NaN where a Beta cannot be fitted."""
    rows = reading.beta_rows()
    found = maximise(BetaLikelihood.of_rows(rows, weights=side.astype(np.float64)))
    hosts = _count_hosts(side, companions.where(reading.row))
    fitted = found.converged & (side.sum(axis=1) >= MIN_ROWS) & (hosts >= MIN_HOSTS)
    laws = np.column_stack([found.alpha, found.beta])
    return np.where(fitted[:, None], laws, np.nan)


def _ks_of_draws(value: Floats, low: Flags, high: Flags) -> tuple[Floats, Floats]:
    """D and exact p of every draw, (S,); draws of the same rows are compared once."""
    from scipy.stats import ks_2samp  # here: who draws the figures needs none of it

    distinct, of_draw = np.unique(np.stack([low, high]), axis=1, return_inverse=True)
    d, p = np.full(len(low), np.nan), np.full(len(low), np.nan)
    for which, (first, second) in enumerate(distinct.swapaxes(0, 1)):
        if min(first.sum(), second.sum()) >= _FEWEST_TO_COMPARE:
            found = ks_2samp(value[first], value[second])
            d[of_draw == which], p[of_draw == which] = found.statistic, found.pvalue
    return d, p


def _shuffled(
    companions: Companions,
    policy: Policy,
    q_split: float,
    n_permutations: int,
    rng: np.random.Generator,
) -> dict[Test, float]:
    """p values with hosts shuffled, of the tests that can be made."""
    wanted = {HEADLINE_TEST: HEADLINE}
    if Test.KS in tests_of(policy):
        wanted[Test.KS] = policy
    p_values = {}
    for test, reading_of in wanted.items():
        rows = contrast_rows(
            companions,
            apply_policy(companions, reading_of),
            Contrast.ALL,
            q_split=q_split,
        )
        found = compare_two_samples(rows, test, n_permutations=n_permutations, rng=rng)
        if not isinstance(found, NotRun):
            p_values[test] = found.p_host
    return p_values


def _count_hosts(selected: Flags, rows: Companions) -> np.ndarray:
    """How many hosts each draw (S, n) has, (S,)."""
    code = host_codes(rows.host)
    members = np.eye(int(code.max()) + 1)[code]
    return ((selected.astype(np.float64) @ members) > 0.0).sum(axis=1)


def _spread(values: Floats) -> tuple[float | None, float | None, float | None]:
    """Median, 2.5 % and 97.5 % of the finite values; no ends for a single one."""
    finite = values[np.isfinite(values)]
    if len(finite) == 0:
        return None, None, None
    if len(values) == 1:
        return float(finite[0]), None, None
    low, middle, high = (float(v) for v in np.percentile(finite, [2.5, 50.0, 97.5]))
    return middle, low, high
