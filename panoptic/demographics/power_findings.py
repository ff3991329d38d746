"""What the tests of a run could have found, beside what they did find.

A p above 0.05 says little where the test had no chance. Each number here stands with
the question that it belongs to as well; here they stand together.
"""

from dataclasses import dataclass

from panoptic.demographics.control_populations import (
    EccentricityControl,
    MixtureControl,
    Population,
)
from panoptic.demographics.deuterium_limit import DeuteriumContinuity, StepPower
from panoptic.demographics.eccentricity_contrast import Contrast
from panoptic.demographics.eccentricity_findings import EccentricityFindings
from panoptic.demographics.eccentricity_passes import Policy
from panoptic.demographics.mass_mixture import MassMixtureFindings
from panoptic.demographics.power import (
    PUBLISHED_PAIRS,
    SIGNIFICANCE,
    WANTED_POWER,
    BetaLaw,
    TestPower,
)
from panoptic.demographics.robustness_findings import RobustnessFindings
from panoptic.demographics.two_sample_tests import Test
from panoptic.statement import NotRun


@dataclass(frozen=True, slots=True)
class ContrastPower:
    """One test of the eccentricities: its sizes, its p, and what it could have found.

    p_host, p_holm : of the test, as in eccentricity.json.
    """

    contrast: Contrast  # which rows are compared
    policy: Policy  # how zeros and limits are read
    test: Test  # the statistic
    n_low_q: int  # rows of low q
    n_high_q: int  # rows of high q
    n_hosts_low_q: int  # their hosts
    n_hosts_high_q: int  # their hosts
    p_host: float
    p_holm: float
    power: TestPower  # at these sizes


@dataclass(frozen=True, slots=True)
class RuleRates:
    """How often a rule finds two in made-up samples of the sample's own sizes.

    The shares are those of the controls in robustness.json.
    """

    rule: str  # what counts as found
    n_simulations: int  # samples of each population
    two: float | None  # share of samples of two populations: the power
    one: float | None  # of one population: false alarms
    one_in_parts: float | None  # of one that methods or tides show in parts: likewise


@dataclass(frozen=True, slots=True)
class SidePower:
    """One quantity compared across the deuterium limit."""

    quantity: str  # log10 a [AU] or e
    p: float | None  # hosts shuffled; None where a side is too small
    power_one_sigma: float | None  # for a shift by one standard deviation


@dataclass(frozen=True, slots=True)
class DeuteriumPower:
    """What could have been seen at the deuterium limit, as in gmm_summary.json."""

    steps: tuple[StepPower, ...]  # of the density of log M_c
    detectable_factor: float | None  # least of them seen as often as is wanted
    sides: tuple[SidePower, ...]  # log10 a and e, below against above


@dataclass(frozen=True, slots=True)
class PowerFindings:
    """What each test could have found, question by question."""

    significance: float  # p below which a difference counts as found
    wanted_power: float  # chance from which on a difference counts as detectable
    laws: dict[str, tuple[BetaLaw, BetaLaw]]  # of e, low q and high q, by name
    eccentricity_tests: tuple[ContrastPower, ...] | NotRun  # in the order of their p
    eccentricity_verdict: RuleRates | NotRun  # whether a difference is seen at all
    mixture: RuleRates | NotRun  # the BIC's preference, by 10 or more
    deuterium: DeuteriumPower | NotRun  # a break of the masses at 13 MJup


def collect_power(
    mixture: MassMixtureFindings | NotRun,
    eccentricity: EccentricityFindings | NotRun,
    robustness: RobustnessFindings | NotRun,
) -> PowerFindings:
    """Put together what the answers say of their own power."""
    verdicts: RuleRates | NotRun
    rules: RuleRates | NotRun
    if isinstance(robustness, NotRun):
        verdicts = rules = robustness
    else:
        verdicts = _eccentricity_rates(robustness.eccentricity_controls)
        rules = _mixture_rates(robustness.mixture_controls)
    return PowerFindings(
        significance=SIGNIFICANCE,
        wanted_power=WANTED_POWER,
        laws=PUBLISHED_PAIRS,
        eccentricity_tests=(
            eccentricity
            if isinstance(eccentricity, NotRun)
            else _contrasts(eccentricity)
        ),
        eccentricity_verdict=verdicts,
        mixture=rules,
        deuterium=(
            mixture if isinstance(mixture, NotRun) else _deuterium(mixture.deuterium)
        ),
    )


def _contrasts(findings: EccentricityFindings) -> tuple[ContrastPower, ...]:
    return tuple(
        ContrastPower(
            contrast=made.contrast,
            policy=made.policy,
            test=made.result.test,
            n_low_q=made.result.n_first,
            n_high_q=made.result.n_second,
            n_hosts_low_q=made.result.n_hosts_first,
            n_hosts_high_q=made.result.n_hosts_second,
            p_host=made.result.p_host,
            p_holm=made.p_holm,
            power=made.power,
        )
        for made in sorted(findings.tests, key=lambda made: made.result.p_host)
    )


def _mixture_rates(controls: tuple[MixtureControl, ...] | NotRun) -> RuleRates | NotRun:
    if isinstance(controls, NotRun):
        return controls
    share = {c.population: c.share_very_strong for c in controls}
    rule = "the BIC prefers two components by 10 or more"
    return _rates(rule, controls[0].n_simulations, share)


def _eccentricity_rates(
    controls: tuple[EccentricityControl, ...] | NotRun,
) -> RuleRates | NotRun:
    if isinstance(controls, NotRun):
        return controls
    share = {
        c.population: c.share_supported + c.share_driven_by_method for c in controls
    }
    rule = "the verdict is another one than not supported"
    return _rates(rule, controls[0].n_simulations, share)


def _rates(rule: str, n: int, share: dict[Population, float]) -> RuleRates:
    return RuleRates(
        rule=rule,
        n_simulations=n,
        two=share.get(Population.TWO),
        one=share.get(Population.ONE),
        one_in_parts=share.get(Population.ONE_IN_PARTS),
    )


def _deuterium(found: DeuteriumContinuity | NotRun) -> DeuteriumPower | NotRun:
    if isinstance(found, NotRun):
        return found
    seen = [step.factor for step in found.power if step.power >= WANTED_POWER]
    return DeuteriumPower(
        steps=found.power,
        detectable_factor=min(seen, default=None),
        sides=tuple(
            SidePower(side.quantity, side.p, side.power_one_sigma)
            for side in found.sides
        ),
    )
