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

    method: str  # discoverymethod
    n_low_q: int  # rows with q <= q_split
    n_high_q: int  # rows above


@dataclass(frozen=True, slots=True)
class FamilyComparison:
    """Rival families of one subset under one policy, best BIC first.

    refused : by family, why it was not fitted.
    """

    subset: Subset  # side of the split
    policy: Policy  # how zeros, limits and errors are read
    fits: tuple[FamilyFit, ...]  # best first
    refused: dict[str, str]


@dataclass(frozen=True, slots=True)
class SubsetTrend:
    """e(a) of one subset."""

    subset: Subset  # side of the split
    policy: Policy  # how zeros, limits and errors are read
    trend: EccentricityTrend | NotRun  # or why there is none


@dataclass(frozen=True, slots=True)
class EccentricityFindings:
    """What the eccentricities say.

    verdict : on "high-q and low-q companions differ in eccentricity"; None where the
        headline test could not be made.
    n : rows with a mass ratio and an e in [0, 1).
    surfaces, distributions : of the headline pass and of as_reported.
    tests : all of them; p_holm is corrected for their number.
    """

    verdict: Verdict | None
    because: str  # the rule and the numbers that gave the verdict
    q_split: float  # low q is q <= q_split
    n: int
    n_hosts: int  # their hosts
    n_outside: int  # rows with an e outside [0, 1), left out
    n_without: int  # rows without e or q, left out
    n_permutations: int  # shuffles behind each p; none is below 1 / (1 + n)
    methods: tuple[MethodCount, ...]  # of those n rows
    fits: tuple[BetaFit, ...]  # one per policy and subset
    not_fitted: tuple[NotFitted, ...]  # the policies and subsets without a fit
    surfaces: tuple[BetaSurface, ...]
    distributions: tuple[EccentricityDistribution, ...]
    families: tuple[FamilyComparison, ...]  # of the headline pass and measured_only
    tests: tuple[ContrastTest, ...]
    not_tested: tuple[NotTested, ...]  # the others, each with its reason
    trends: tuple[SubsetTrend, ...]  # e(a) of either subset

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
