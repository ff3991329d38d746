"""High q against low q: every test, every reading, and what the methods explain.

Three comparisons are made. *All*: every row. *Within method*: labels shuffled inside
each detection method only, so that a difference between methods is no evidence.
*Matched axis*: shuffled inside bins of semi-major axis, where tides and selection are
alike; a host's rows of one side lie in the bin of their mean log a.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from panoptic.demographics.companions import Companions
from panoptic.demographics.eccentricity_passes import (
    HEADLINE,
    EccentricityPass,
    Policy,
    apply_policy,
)
from panoptic.demographics.power import BetaLaw, TestPower, powers_of_tests
from panoptic.demographics.two_sample_tests import (
    SampleRows,
    Test,
    TwoSampleResult,
    compare_two_samples,
    holm,
)
from panoptic.statement import NotRun, Verdict

SIGNIFICANCE = 0.05
HEADLINE_TEST = Test.PETO_PETO
AXIS_BIN_DEX = 0.5


class Contrast(StrEnum):
    """Which rows are compared with which."""

    ALL = "all"
    WITHIN_METHOD = "within_method"
    MATCHED_AXIS = "matched_axis"


@dataclass(frozen=True, slots=True)
class ContrastTest:
    """One test of high q against low q.

    result : `first` is low q, `second` high q.
    p_holm : p_host corrected (Holm) for all tests of the table.
    power : what the test could have found at these sizes.
    """

    contrast: Contrast  # which rows are compared
    policy: Policy  # how zeros and limits are read
    result: TwoSampleResult
    p_holm: float
    power: TestPower


@dataclass(frozen=True, slots=True)
class NotTested:
    """A test that could not be made, and why."""

    contrast: Contrast  # which rows are compared
    policy: Policy  # how zeros and limits are read
    test: Test  # the statistic
    reason: str  # why it could not be made


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict and the rule that gave it, in words."""

    verdict: Verdict | None  # None where the headline test could not be made
    because: str


def tests_of(policy: Policy) -> tuple[Test, ...]:
    """Return the tests that a pass allows: limits can be used by Peto-Peto only."""
    if policy is Policy.CENSORED:
        return (Test.PETO_PETO,)
    if policy is Policy.WITH_ERRORS:  # the values of measured_only
        return ()
    return (Test.KS, Test.ANDERSON_DARLING, Test.MEAN_DIFFERENCE)


def compare(
    companions: Companions,
    reading: EccentricityPass,
    contrast: Contrast,
    *,
    q_split: float,
    base: BetaLaw,
    n_permutations: int,
    n_simulations: int,
    rng: np.random.Generator,
) -> Iterator[ContrastTest | NotTested]:
    """Yield every test of one comparison under one pass, not yet corrected.

    Parameters
    ----------
    base : law of low-q eccentricities from which a detectable shift is counted.
    n_simulations : of samples, for each chance of the power.
    """
    rows = contrast_rows(companions, reading, contrast, q_split=q_split)
    [for_powers] = rng.spawn(1)  # more simulations move no p
    results: dict[Test, TwoSampleResult] = {}
    for test in tests_of(reading.policy):
        result = compare_two_samples(rows, test, n_permutations=n_permutations, rng=rng)
        if isinstance(result, NotRun):
            yield NotTested(contrast, reading.policy, test, result.reason)
        else:
            results[test] = result
    powers = powers_of_tests(
        rows.informative(),
        tuple(results),
        base=base,
        n_simulations=n_simulations,
        rng=for_powers,
    )
    for test, result in results.items():
        yield ContrastTest(
            contrast, reading.policy, result, result.p_host, powers[test]
        )


def corrected(tests: list[ContrastTest]) -> tuple[ContrastTest, ...]:
    """Return the tests with p_host corrected for their number."""
    p_holm = holm(np.array([test.result.p_host for test in tests]))
    return tuple(
        replace(test, p_holm=float(p)) for test, p in zip(tests, p_holm, strict=True)
    )


def contrast_rows(
    companions: Companions,
    reading: EccentricityPass,
    contrast: Contrast,
    *,
    q_split: float,
) -> SampleRows:
    """Return the rows of a pass as two samples, low q first, in their strata.

    Lower limits, which no test here can use, are left out; so are rows without a from
    the matched comparison.
    """
    reading = reading.where(~(reading.low > 0.0))
    second = companions.q[reading.row] > q_split
    host = companions.host[reading.row]
    stratum = np.zeros(len(reading), dtype=np.intp)
    if contrast is Contrast.WITHIN_METHOD:
        _, stratum = np.unique(companions.method[reading.row], return_inverse=True)
    if contrast is Contrast.MATCHED_AXIS:
        stratum = _axis_bins(companions.a_au[reading.row], host, second)
    rows = SampleRows(
        value=np.where(reading.is_value, reading.value, reading.high),
        below=~reading.is_value,
        second=second,
        host=host,
        stratum=stratum,
    )
    return rows.where(stratum != _NO_AXIS)


_NO_AXIS = np.iinfo(np.intp).min


def _axis_bins(
    a_au: NDArray[np.float64], host: NDArray[np.str_], second: NDArray[np.bool_]
) -> NDArray[np.intp]:
    known = a_au > 0.0
    bins = np.full(len(a_au), _NO_AXIS, dtype=np.intp)
    _, code = np.unique(host, return_inverse=True)
    side = 2 * code[known] + second[known]  # of a host
    log_a = np.log10(a_au[known])
    mean = np.bincount(side, weights=log_a)[side] / np.bincount(side)[side]
    bins[known] = np.floor(mean / AXIS_BIN_DEX).astype(np.intp)
    return bins


def find_test(
    tests: tuple[ContrastTest, ...], contrast: Contrast, policy: Policy, test: Test
) -> TwoSampleResult | None:
    """Return a test's result, if it was made."""
    wanted = contrast, policy, test
    return next(
        (t.result for t in tests if (t.contrast, t.policy, t.result.test) == wanted),
        None,
    )


def judge_headline(
    companions: Companions,
    *,
    q_split: float,
    n_permutations: int,
    rng: np.random.Generator,
) -> Judgement:
    """Return the verdict alone, without anything that stands beside it."""
    reading = apply_policy(companions, HEADLINE)
    return judge(
        {
            contrast: compare_two_samples(
                contrast_rows(companions, reading, contrast, q_split=q_split),
                HEADLINE_TEST,
                n_permutations=n_permutations,
                rng=rng,
            )
            for contrast in Contrast
        }
    )


def judge(headline: dict[Contrast, TwoSampleResult | NotRun]) -> Judgement:
    """Return the verdict on "high-q and low-q companions differ in eccentricity".

    Only the headline counts, chosen beforehand: the Peto-Peto test of the censored pass
    with hosts shuffled; significant is p <= 0.05.

    - Not significant over all rows: *not supported*.
    - Significant over all rows, within methods and at matched axes, all three in the
      same direction: *supported*. As all three are demanded, nothing is corrected.
    - Significant over all rows, but not within methods or not at matched axes, or one
      of these cannot be tested: *driven by detection method*, which here stands for
      method and the distances that it reaches.
    - Not testable over all rows: no verdict.
    """
    overall = headline[Contrast.ALL]
    if isinstance(overall, NotRun):
        return Judgement(None, overall.reason)
    if overall.p_host > SIGNIFICANCE:
        return Judgement(
            Verdict.NOT_SUPPORTED, f"p = {overall.p_host:.2g} over all rows"
        )
    objections = [
        f"{where} {objection}"
        for contrast, where in _WHERE.items()
        if (objection := _objection(overall, headline[contrast]))
    ]
    if objections:
        return Judgement(Verdict.DRIVEN_BY_METHOD, "; ".join(objections))
    return Judgement(
        Verdict.SUPPORTED, "significant over all rows, within methods, at matched axes"
    )


_WHERE = {
    Contrast.WITHIN_METHOD: "within methods",
    Contrast.MATCHED_AXIS: "at matched axes",
}


def _objection(overall: TwoSampleResult, part: TwoSampleResult | NotRun) -> str:
    """Return why a part of the rows does not confirm the whole, or nothing."""
    if isinstance(part, NotRun):
        return f"it cannot be tested: {part.reason}"
    if part.p_host > SIGNIFICANCE:
        return f"p = {part.p_host:.2g}"
    if part.statistic * overall.statistic < 0.0:
        return "the difference is reversed"
    return ""
