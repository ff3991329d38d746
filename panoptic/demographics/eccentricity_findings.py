"""The results of the question about eccentricities, and their tables."""

from collections.abc import Iterator
from dataclasses import dataclass

from panoptic.demographics.eccentricity_contrast import (
    Contrast,
    ContrastTest,
    NotTested,
    find_test,
)
from panoptic.demographics.eccentricity_distribution import EccentricityDistribution
from panoptic.demographics.eccentricity_families import FamilyFit
from panoptic.demographics.eccentricity_fits import (
    BetaFit,
    BetaRow,
    BetaSurface,
    NotFitted,
    Subset,
    fitted_row,
    unfitted_row,
)
from panoptic.demographics.eccentricity_passes import Policy
from panoptic.demographics.eccentricity_trend import EccentricityTrend
from panoptic.demographics.two_sample_tests import Test, TwoSampleResult
from panoptic.statement import NotRun, Verdict


@dataclass(frozen=True, slots=True)
class MethodCount:
    """Rows of one detection method on either side of the split."""

    method: str
    n_low_q: int
    n_high_q: int


@dataclass(frozen=True, slots=True)
class FamilyComparison:
    """Rival families of one subset under one policy, best BIC first.

    refused : by family, why it was not fitted.
    """

    subset: Subset
    policy: Policy
    fits: tuple[FamilyFit, ...]
    refused: dict[str, str]


@dataclass(frozen=True, slots=True)
class SubsetTrend:
    """e(a) of one subset."""

    subset: Subset
    policy: Policy
    trend: EccentricityTrend | NotRun


@dataclass(frozen=True, slots=True)
class EccentricityFindings:
    """What the eccentricities say.

    verdict : on "high-q and low-q companions differ in eccentricity"; None where the
        headline test could not be made.
    because : the rule and the numbers that gave it.
    n, n_hosts : rows with a mass ratio and an e in [0, 1), and their hosts.
    n_outside : rows with an e outside [0, 1); n_without : rows without e or q.
    """

    verdict: Verdict | None
    because: str
    q_split: float
    n: int
    n_hosts: int
    n_outside: int
    n_without: int
    methods: tuple[MethodCount, ...]
    fits: tuple[BetaFit, ...]
    not_fitted: tuple[NotFitted, ...]
    surfaces: tuple[BetaSurface, ...]
    distributions: tuple[EccentricityDistribution, ...]
    families: tuple[FamilyComparison, ...]
    tests: tuple[ContrastTest, ...]
    not_tested: tuple[NotTested, ...]
    trends: tuple[SubsetTrend, ...]

    def fit_of(self, subset: Subset, policy: Policy) -> BetaFit | None:
        """Return the fit of a subset under a policy, if there is one."""
        wanted = (subset, policy)
        return next((f for f in self.fits if (f.subset, f.policy) == wanted), None)

    def test_of(
        self, policy: Policy, test: Test, contrast: Contrast = Contrast.ALL
    ) -> TwoSampleResult | None:
        """Return a test under a policy, if it was made."""
        return find_test(self.tests, contrast, policy, test)

    @property
    def n_high_q_alone(self) -> int:
        """High-q rows found by methods that found no low-q row."""
        return sum(m.n_high_q for m in self.methods if not m.n_low_q)


def beta_table(findings: EccentricityFindings) -> list[BetaRow]:
    """Return the rows of beta_e_params.csv: one per subset and policy.

    Every row has the columns `BETA_COLUMNS`, None where there is nothing to say.
    """
    known = {(fit.policy, fit.subset): fitted_row(fit) for fit in findings.fits}
    known |= {(no.policy, no.subset): unfitted_row(no) for no in findings.not_fitted}
    return [known[policy, subset] for policy in Policy for subset in Subset]


def ks_text(findings: EccentricityFindings) -> str:
    """Return the text of ks_test_e.txt."""
    lines = [
        "Two-sample Kolmogorov-Smirnov test of eccentricity",
        f"low q: q <= {findings.q_split:g}; high q: q > {findings.q_split:g}",
        f"{findings.n} rows on {findings.n_hosts} hosts; left out: "
        f"{findings.n_outside} with e outside [0, 1), {findings.n_without} without e "
        "or q",
        "p_row: exact, rows taken as independent; p_host: hosts shuffled; p_holm: "
        f"p_host corrected for {len(findings.tests)} tests",
        "power: chance of p < 0.05 for published planets against brown dwarfs",
        "shift: smallest rise of the mean e found with a chance of 0.8",
        "",
        *_ks_lines(findings),
    ]
    return "\n".join(lines) + "\n"


def _ks_lines(findings: EccentricityFindings) -> Iterator[str]:
    yield (
        "comparison    policy         n_low n_high hosts_low hosts_high      D"
        "    p_row   p_host   p_holm  power  shift"
    )
    for test in findings.tests:
        result, shift = test.result, test.power.detectable_shift
        if result.test is Test.KS:
            yield (
                f"{test.contrast:<13} {test.policy:<14} {result.n_first:5d} "
                f"{result.n_second:6d} {result.n_hosts_first:9d} "
                f"{result.n_hosts_second:10d} {result.statistic:6.3f} "
                f"{result.p_row:8.2g} {result.p_host:8.2g} {test.p_holm:8.2g} "
                f"{test.power.by_row['planets_and_brown_dwarfs']:6.2f} "
                + ("  none" if shift is None else f"{shift:6.2f}")
            )
    for absent in findings.not_tested:
        if absent.test is Test.KS:
            yield f"{absent.contrast:<13} {absent.policy:<14} not run: {absent.reason}"
