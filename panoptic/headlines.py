"""The few numbers a reader asks for first, each with its uncertainty."""

from collections.abc import Iterator
from typing import NamedTuple

from panoptic.demographics.eccentricity_findings import EccentricityFindings
from panoptic.demographics.eccentricity_passes import HEADLINE, Policy
from panoptic.demographics.mixture_selection import MassMixtureSelection
from panoptic.demographics.mixture_subsets import HostResampling
from panoptic.demographics.mixture_verdict import MixtureEvidence
from panoptic.demographics.two_sample_tests import Test, TwoSampleResult
from panoptic.dynamics.feasibility import (
    COVERED_FRACTION,
    FeasibilityMap,
    wilson_interval,
)
from panoptic.dynamics.outcomes import Outcome
from panoptic.dynamics.secular_map import SecularMap
from panoptic.findings import Results
from panoptic.statement import NotRun, percent

_NOT_RUN = "not run"


class HeadlineNumber(NamedTuple):
    """One of the numbers that stand at the top, with its uncertainty."""

    label: str
    value: str
    detail: str = ""


def headline_numbers(results: Results) -> tuple[HeadlineNumber, ...]:
    """Return Delta BIC, the tests of e, the target's P, and what the maps cover."""
    return (
        *_delta_bics(results),
        *_tests(results),
        _target_score(results),
        *_coverage(results),
    )


def _delta_bics(results: Results) -> Iterator[HeadlineNumber]:
    found = results.findings.mixture
    if isinstance(found, NotRun):
        yield HeadlineNumber("Delta BIC", _NOT_RUN, found.reason)
        return
    yield _delta_bic("Delta BIC", found.main, _spread(found.main_evidence))
    yield _delta_bic("  with limits", found.with_limits, "")
    yield _delta_bic(
        "  no e needed", found.mass_orbit, _spread(found.mass_orbit_evidence)
    )


def _spread(evidence: MixtureEvidence | NotRun) -> str:
    """The spread of Delta BIC over draws of hosts."""
    hosts: HostResampling | NotRun = (
        evidence if isinstance(evidence, NotRun) else evidence.hosts
    )
    if isinstance(hosts, NotRun) or hosts.delta_bic is None:
        return ""
    low, _, high = hosts.delta_bic
    return f" ({low:.0f} to {high:.0f}, 90 % over hosts)"


def _delta_bic(
    label: str, found: MassMixtureSelection | NotRun, spread: str
) -> HeadlineNumber:
    if isinstance(found, NotRun):
        return HeadlineNumber(label, _NOT_RUN, found.reason)
    if found.delta_bic is None:
        return HeadlineNumber(label, _NOT_RUN, "two components could not be fitted")
    return HeadlineNumber(
        label,
        f"{found.delta_bic:.1f}{spread}",
        f"BIC {found.bic['1']:.1f} - {found.bic['2']:.1f}, {found.n_rows} rows",
    )


def _tests(results: Results) -> Iterator[HeadlineNumber]:
    found = results.findings.eccentricity
    if isinstance(found, NotRun):
        yield HeadlineNumber("e of low/high q", _NOT_RUN, found.reason)
        return
    yield from _ks(found)
    censored = found.test_of(HEADLINE, Test.PETO_PETO)
    if censored:
        yield HeadlineNumber(
            "e, with limits",
            f"Peto-Peto z = {censored.statistic:.2f}, p = {censored.p_host:.2g} by "
            "host",
            _sizes(censored),
        )


def _ks(found: EccentricityFindings) -> Iterator[HeadlineNumber]:
    for policy, label in (
        (Policy.AS_REPORTED, "e, as reported"),
        (Policy.MEASURED_ONLY, "e, measured"),
    ):
        test = found.test_of(policy, Test.KS)
        if test:
            yield HeadlineNumber(
                label,
                f"KS D = {test.statistic:.3f}, p = {test.p_row:.2g} (by host "
                f"{test.p_host:.2g})",
                _sizes(test),
            )


def _sizes(test: TwoSampleResult) -> str:
    return f"{test.n_first} low, {test.n_second} high q"


def _target_score(results: Results) -> HeadlineNumber:
    found = results.findings.classifier
    if isinstance(found, NotRun):
        return HeadlineNumber("P_binary_like", _NOT_RUN, found.reason)
    return HeadlineNumber(
        "P_binary_like",
        str(found.headline.target.probability),
        f"{results.target.label}, q and method unseen, 95 %",
    )


def _coverage(results: Results) -> Iterator[HeadlineNumber]:
    found = results.findings.migration
    if isinstance(found, NotRun):
        yield HeadlineNumber("Migrated", _NOT_RUN, found.reason)
        return
    yield _followed(found.secular)
    yield _criterion(found.criterion)


def _followed(found: SecularMap | NotRun) -> HeadlineNumber:
    if isinstance(found, NotRun):
        return HeadlineNumber("Migrated", _NOT_RUN, found.reason)
    migrated, disrupted = (
        int(found.count(outcome).sum())
        for outcome in (Outcome.MIGRATED, Outcome.DISRUPTED)
    )
    low, high = wilson_interval(migrated, found.n_total)
    return HeadlineNumber(
        "Migrated",
        f"{percent(migrated / found.n_total)} ({percent(float(low))} to "
        f"{percent(float(high))}, 95 %)",
        f"disrupted {percent(disrupted / found.n_total)}; {found.n_total} triples",
    )


def _criterion(found: FeasibilityMap | NotRun) -> HeadlineNumber:
    if isinstance(found, NotRun):
        return HeadlineNumber("Criterion", _NOT_RUN, found.reason)
    return HeadlineNumber(
        "Criterion",
        f"{percent(found.coverage)} of {found.fraction.size} cells reach "
        f"{COVERED_FRACTION:g}",
        f"{percent(found.mean_fraction)} of all triples pass",
    )
