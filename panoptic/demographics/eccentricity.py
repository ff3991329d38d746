"""Do companions of high and of low mass ratio have different eccentricities?"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from panoptic.demographics.beta_distribution import (
    log_likelihood,
    maximise,
    profile_intervals,
)
from panoptic.demographics.beta_likelihood import BetaLikelihood
from panoptic.demographics.companions import Companions
from panoptic.demographics.eccentricity_passes import (
    EccentricityPass,
    Policy,
    apply_policy,
    inside_unit_interval,
)
from panoptic.demographics.host_resampling import bootstrap_weights
from panoptic.demographics.two_sample_tests import (
    SampleRows,
    Test,
    TwoSampleResult,
    compare_two_samples,
)
from panoptic.statement import NotRun, Statement

Progress = Callable[[int, int], None]

LEVEL = 0.95
MIN_ROWS = 5  # for the two parameters of a Beta
MIN_HOSTS = 2  # else hosts cannot be drawn anew
MIN_HOSTS_TO_CLAIM = 15  # below it bootstrap intervals cover far less than they say


class Subset(StrEnum):
    """The two sides of the split."""

    LOW_Q = "low_q"  # q <= q_split
    HIGH_Q = "high_q"  # q > q_split


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval; an end is absent where the data do not bound it."""

    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class BetaFit:
    """Beta distribution of one subset under one policy.

    n, n_hosts : rows used and their hosts.
    n_censored : rows of which only an interval is known.
    n_floored : values of 0 moved to `ZERO_FLOOR`.
    alpha, beta, lnl : the maximum of the likelihood.
    alpha_interval, beta_interval : by profile likelihood at `level`.
    alpha_bootstrap, beta_bootstrap : percentiles over host-bootstrap samples.
    n_bootstrap, n_bootstrap_failed : samples drawn; those without a maximum.
    """

    subset: Subset
    policy: Policy
    n: int
    n_hosts: int
    n_censored: int
    n_floored: int
    alpha: float
    beta: float
    mean: float  # alpha / (alpha + beta)
    lnl: float
    level: float
    alpha_interval: Interval
    beta_interval: Interval
    alpha_bootstrap: Interval
    beta_bootstrap: Interval
    n_bootstrap: int
    n_bootstrap_failed: int

    @property
    def enough_to_claim(self) -> bool:
        return self.n_hosts >= MIN_HOSTS_TO_CLAIM


@dataclass(frozen=True, slots=True)
class NotFitted:
    """A subset and policy without a fit, and why."""

    subset: Subset
    policy: Policy
    n: int
    n_hosts: int
    reason: str


@dataclass(frozen=True, slots=True)
class ContrastTest:
    """One test of high q against low q under one policy.

    result : `first` is low q, `second` high q.
    """

    policy: Policy
    result: TwoSampleResult


@dataclass(frozen=True, slots=True)
class NotTested:
    """A test that could not be made, and why."""

    policy: Policy
    test: Test
    reason: str


@dataclass(frozen=True, slots=True)
class EccentricityFindings:
    """What the eccentricities say.

    n, n_hosts : rows with a mass ratio and an e in [0, 1), and their hosts.
    n_outside : rows with an e outside [0, 1); n_without : rows without e or q.
    """

    q_split: float
    n: int
    n_hosts: int
    n_outside: int
    n_without: int
    fits: tuple[BetaFit, ...]
    not_fitted: tuple[NotFitted, ...]
    tests: tuple[ContrastTest, ...]
    not_tested: tuple[NotTested, ...]

    def fit_of(self, subset: Subset, policy: Policy) -> BetaFit | None:
        """Return the fit of a subset under a policy, if there is one."""
        wanted = (subset, policy)
        return next((f for f in self.fits if (f.subset, f.policy) == wanted), None)

    def test_of(self, policy: Policy, test: Test) -> TwoSampleResult | None:
        """Return a test under a policy, if it was made."""
        found = (t.result for t in self.tests if t.policy is policy)
        return next((result for result in found if result.test is test), None)


def investigate_eccentricities(
    companions: Companions,
    *,
    q_split: float,
    n_bootstrap: int,
    n_permutations: int,
    rng: np.random.Generator,
    progress: Progress | None = None,
) -> EccentricityFindings | NotRun:
    """Ask whether high-q and low-q companions have different eccentricities.

    Parameters
    ----------
    companions : the sample; rows without q or e, or with e outside [0, 1), are counted
        and left out.
    q_split : low q is q <= q_split.

    Not run where no row is left.
    """
    inside = inside_unit_interval(companions)
    usable = inside & np.isfinite(companions.q)
    outside = np.isfinite(companions.ecc) & ~inside
    if not usable.any():
        return NotRun(
            f"none of {len(companions)} rows has a mass ratio and an eccentricity in "
            f"[0, 1) ({int(outside.sum())} have one outside)"
        )
    kept = companions.where(usable)
    fits: list[BetaFit] = []
    not_fitted: list[NotFitted] = []
    tests: list[ContrastTest] = []
    not_tested: list[NotTested] = []
    policies = tuple(Policy)
    for done, policy in enumerate(policies):
        reading = apply_policy(kept, policy)
        for subset in Subset:
            fit = fit_subset(
                kept,
                reading,
                subset,
                q_split=q_split,
                n_bootstrap=n_bootstrap,
                rng=rng,
            )
            if isinstance(fit, BetaFit):
                fits.append(fit)
            else:
                not_fitted.append(fit)
        rows = sample_rows(kept, reading, q_split=q_split)
        for test in tests_of(policy):
            result = compare_two_samples(
                rows, test, n_permutations=n_permutations, rng=rng
            )
            if isinstance(result, NotRun):
                not_tested.append(NotTested(policy, test, result.reason))
            else:
                tests.append(ContrastTest(policy, result))
        if progress:
            progress(done + 1, len(policies))
    return EccentricityFindings(
        q_split=q_split,
        n=len(kept),
        n_hosts=kept.n_hosts,
        n_outside=int(outside.sum()),
        n_without=int((~usable & ~outside).sum()),
        fits=tuple(fits),
        not_fitted=tuple(not_fitted),
        tests=tuple(tests),
        not_tested=tuple(not_tested),
    )


def tests_of(policy: Policy) -> tuple[Test, ...]:
    """Return the tests that a pass allows: limits can be used by Peto-Peto only."""
    if policy is Policy.CENSORED:
        return (Test.PETO_PETO,)
    return (Test.KS, Test.ANDERSON_DARLING, Test.MEAN_DIFFERENCE)


def sample_rows(
    companions: Companions, reading: EccentricityPass, *, q_split: float
) -> SampleRows:
    """Return the rows of a pass as two samples, low q first.

    Lower limits, which no test here can use, are left out.
    """
    low_limit = reading.low > 0.0
    reading = reading.where(~low_limit)
    return SampleRows(
        value=np.where(reading.is_value, reading.value, reading.high),
        below=~reading.is_value,
        second=companions.q[reading.row] > q_split,
        host=companions.host[reading.row],
        stratum=np.zeros(len(reading), dtype=np.intp),
    )


def fit_subset(
    companions: Companions,
    reading: EccentricityPass,
    subset: Subset,
    *,
    q_split: float,
    n_bootstrap: int,
    rng: np.random.Generator,
) -> BetaFit | NotFitted:
    """Fit a Beta distribution to one side of the split as one pass reads it."""
    high = companions.q[reading.row] > q_split
    reading = reading.where(high if subset is Subset.HIGH_Q else ~high)
    host = companions.host[reading.row]
    n_hosts = len(np.unique(host))
    rows = reading.beta_rows()

    def refuse(reason: str) -> NotFitted:
        return NotFitted(subset, reading.policy, len(reading), n_hosts, reason)

    if len(reading) < MIN_ROWS or n_hosts < MIN_HOSTS:
        return refuse(
            f"{len(reading)} rows on {n_hosts} hosts; a Beta needs {MIN_ROWS} rows on "
            f"{MIN_HOSTS} hosts"
        )
    if rows.n_distinct < 2:
        n_values = int(reading.is_value.sum())
        return refuse(
            f"{n_values} of {len(reading)} eccentricities are values and these take "
            f"{rows.n_distinct} different one(s); two are needed to bound a Beta"
        )
    likelihood = BetaLikelihood.of_rows(rows)
    best = maximise(likelihood)
    if not best.converged[0]:
        return refuse(f"the likelihood of {len(reading)} rows has no maximum")
    weights = bootstrap_weights(host, n_bootstrap=n_bootstrap, rng=rng)
    drawn = maximise(BetaLikelihood.of_rows(rows, weights=weights))
    profile = profile_intervals(likelihood, best, level=LEVEL)[0]
    alpha, beta = float(best.alpha[0]), float(best.beta[0])
    return BetaFit(
        subset=subset,
        policy=reading.policy,
        n=len(reading),
        n_hosts=n_hosts,
        n_censored=int((~reading.is_value).sum()),
        n_floored=int(reading.is_floored.sum()),
        alpha=alpha,
        beta=beta,
        mean=alpha / (alpha + beta),
        lnl=float(log_likelihood(likelihood, best.log_parameters)[0]),
        level=LEVEL,
        alpha_interval=_interval(profile[0]),
        beta_interval=_interval(profile[1]),
        alpha_bootstrap=_percentiles(drawn.alpha[drawn.converged]),
        beta_bootstrap=_percentiles(drawn.beta[drawn.converged]),
        n_bootstrap=n_bootstrap,
        n_bootstrap_failed=int((~drawn.converged).sum()),
    )


def _interval(ends: NDArray[np.float64]) -> Interval:
    low, high = (float(end) if np.isfinite(end) else None for end in ends)
    return Interval(low, high)


def _percentiles(draws: NDArray[np.float64]) -> Interval:
    if not len(draws):
        return Interval(None, None)
    tail = 0.5 * (1.0 - LEVEL)
    return _interval(np.quantile(draws, [tail, 1.0 - tail]))


BETA_COLUMNS = (
    "subset",
    "policy",
    "n",
    "n_hosts",
    "n_censored",
    "n_floored",
    "alpha",
    "alpha_low",
    "alpha_high",
    "beta",
    "beta_low",
    "beta_high",
    "mean",
    "lnl",
    "alpha_boot_low",
    "alpha_boot_high",
    "beta_boot_low",
    "beta_boot_high",
    "level",
    "n_bootstrap",
    "n_bootstrap_failed",
    "remark",
)
BetaRow = dict[str, float | int | str | None]


def beta_table(findings: EccentricityFindings) -> list[BetaRow]:
    """Return the rows of beta_e_params.csv: one per subset and policy.

    Every row has the columns `BETA_COLUMNS`, None where there is nothing to say.
    """
    known = {(fit.policy, fit.subset): _fitted_row(fit) for fit in findings.fits}
    known |= {(no.policy, no.subset): _unfitted_row(no) for no in findings.not_fitted}
    return [known[policy, subset] for policy in Policy for subset in Subset]


def _fitted_row(fit: BetaFit) -> BetaRow:
    row: BetaRow = {name: getattr(fit, name, None) for name in BETA_COLUMNS}
    intervals = {
        "alpha": fit.alpha_interval,
        "beta": fit.beta_interval,
        "alpha_boot": fit.alpha_bootstrap,
        "beta_boot": fit.beta_bootstrap,
    }
    for name, interval in intervals.items():
        row |= {f"{name}_{end}": value for end, value in asdict(interval).items()}
    row["remark"] = "" if fit.enough_to_claim else _too_few(fit.n_hosts)
    return row


def _unfitted_row(absent: NotFitted) -> BetaRow:
    row: BetaRow = dict.fromkeys(BETA_COLUMNS)
    known = asdict(absent)
    reason = known.pop("reason")
    return row | known | {"remark": f"not run: {reason}"}


def _too_few(n_hosts: int) -> str:
    return f"{n_hosts} hosts: too few to claim"


def ks_text(findings: EccentricityFindings) -> str:
    """Return the text of ks_test_e.txt."""
    lines = [
        "Two-sample Kolmogorov-Smirnov test of eccentricity",
        f"low q: q <= {findings.q_split:g}; high q: q > {findings.q_split:g}",
        f"{findings.n} rows on {findings.n_hosts} hosts; left out: "
        f"{findings.n_outside} with e outside [0, 1), {findings.n_without} without e "
        "or q",
        "p_row: exact, rows taken as independent; p_host: hosts shuffled",
        "",
        *_ks_lines(findings),
    ]
    return "\n".join(lines) + "\n"


def _ks_lines(findings: EccentricityFindings) -> Iterator[str]:
    yield "policy         n_low n_high hosts_low hosts_high       D     p_row    p_host"
    for policy in Policy:
        result = findings.test_of(policy, Test.KS)
        if result:
            yield (
                f"{policy:<14} {result.n_first:5d} {result.n_second:6d} "
                f"{result.n_hosts_first:9d} {result.n_hosts_second:10d} "
                f"{result.statistic:7.4f} {result.p_row:9.3g} {result.p_host:9.3g}"
            )
    for absent in findings.not_tested:
        if absent.test is Test.KS:
            yield f"{absent.policy:<14} not run: {absent.reason}"


def state_eccentricities(findings: EccentricityFindings) -> tuple[Statement, ...]:
    """Say what the eccentricities show."""
    said = []
    result = findings.test_of(Policy.AS_REPORTED, Test.KS)
    if result:
        differ = "differ" if result.p_host < 0.05 else "cannot be told apart"
        said.append(
            Statement(
                text=(
                    "Taken as catalogued, the eccentricities of companions above and "
                    f"below q = {findings.q_split:g} {differ}."
                ),
                evidence=(
                    f"KS D = {result.statistic:.3f}, p = {result.p_row:.2g} by row and "
                    f"{result.p_host:.2g} with hosts shuffled; {result.n_first} low-q "
                    f"rows on {result.n_hosts_first} hosts, {result.n_second} high-q "
                    f"on {result.n_hosts_second}."
                ),
            )
        )
    return tuple(said)
