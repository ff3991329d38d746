"""The one page of a run: what was read, the headline numbers, each question's answer.

Arranges what the rooms say; the only numbers put together here are the headline ones.
"""

from collections.abc import Callable, Iterator
from typing import Any

from panoptic.demographics.eccentricity import state_eccentricities
from panoptic.demographics.eccentricity_passes import Policy
from panoptic.demographics.mass_mixture import state_mass_mixture
from panoptic.demographics.mixture_selection import MassMixtureSelection
from panoptic.demographics.origin_classifier import state_classifier
from panoptic.demographics.two_sample_tests import Test
from panoptic.dynamics.migration import state_migration
from panoptic.findings import InputRecord, Results
from panoptic.reporting.summary import Section
from panoptic.sample import CompanionSample
from panoptic.statement import NotRun, Statement

_QUESTIONS: dict[str, tuple[str, Callable[[Any], tuple[Statement, ...]]]] = {
    "mixture": ("One population or two?", state_mass_mixture),
    "eccentricity": ("Do the eccentricities differ?", state_eccentricities),
    "classifier": ("What does the classifier see?", state_classifier),
    "migration": ("Could it have come in from outside?", state_migration),
}


def header(results: Results) -> tuple[str, ...]:
    """Return what was asked of what: version, target, inputs with place and date."""
    record = results.record
    lines = [
        f"panoptic {record.version}: companions of very low-mass stars, seed "
        f"{record.seed}",
        f"Studied object: {results.target.label} (q = {results.target.q:.2e}, "
        f"a = {results.target.pl_orbsmax:g} AU)",
    ]
    if record.quick:
        lines.insert(1, f"QUICK LOOK, reduced counts: {_counts(results)}")
    for entry in record.inputs:
        lines += _input_lines(entry)
    return tuple(lines)


def sections(results: Results) -> tuple[Section, ...]:
    """Return the headline numbers, the sample, and one section per question."""
    answers = [
        _section(title, getattr(results.findings, name), state)
        for name, (title, state) in _QUESTIONS.items()
    ]
    return (
        Section("Headline numbers", lines=tuple(_headline(results))),
        *answers,
        _sample_section(results.sample),
    )


def _section(
    title: str, answer: Any, state: Callable[[Any], tuple[Statement, ...]]
) -> Section:
    said = (answer,) if isinstance(answer, NotRun) else state(answer)
    return Section(title, said)


def _counts(results: Results) -> str:
    settings = results.record.settings
    return (
        f"{settings['statistics']['bootstrap']} bootstraps, "
        f"{settings['statistics']['permutations']} permutations, "
        f"{settings['migration']['kl_trials']} draws per cell"
    )


def _input_lines(entry: InputRecord) -> Iterator[str]:
    date = f", of {entry.retrieved_utc}" if entry.retrieved_utc else ""
    yield f"Read {entry.catalogue}: {entry.n_rows} rows, {entry.origin}{date}"
    yield f"  from {entry.location} (sha256 {entry.sha256[:12]})"
    for remark in entry.remarks:
        yield f"  {remark}"


def _headline(results: Results) -> Iterator[str]:
    findings = results.findings
    if isinstance(findings.mixture, NotRun):
        yield f"Delta BIC      not run: {findings.mixture.reason}"
    else:
        yield from _delta_bic("Delta BIC     ", findings.mixture.main)
        yield from _delta_bic("  with limits ", findings.mixture.with_limits)
    yield from _ks(results)
    classifier = findings.classifier
    if isinstance(classifier, NotRun):
        yield f"P_binary_like  not run: {classifier.reason}"
        return
    found = classifier.headline.target.probability
    yield (
        f"P_binary_like  {found.value:.2f} (95 % {found.low:.2f}-{found.high:.2f}) of "
        f"{results.target.label}, without log q and method"
    )


def _delta_bic(label: str, found: MassMixtureSelection | NotRun) -> Iterator[str]:
    if isinstance(found, NotRun) or found.delta_bic is None:
        reason = found.reason if isinstance(found, NotRun) else "no second component"
        yield f"{label} not run: {reason}"
        return
    yield (
        f"{label} {found.delta_bic:.1f} = BIC {found.bic['1']:.1f} (K = 1) - "
        f"{found.bic['2']:.1f} (K = 2); {found.n_rows} rows, {found.n_hosts} hosts"
    )


def _ks(results: Results) -> Iterator[str]:
    found = results.findings.eccentricity
    if isinstance(found, NotRun):
        yield f"KS of e        not run: {found.reason}"
        return
    for policy in (Policy.AS_REPORTED, Policy.MEASURED_ONLY):
        test = found.test_of(policy, Test.KS)
        if test:
            yield (
                f"KS of e        D = {test.statistic:.3f}, p = {test.p_row:.2g} (by "
                f"host {test.p_host:.2g}); {test.n_first} low q, {test.n_second} high "
                f"q, {policy.replace('_', ' ')}"
            )


def _sample_section(sample: CompanionSample) -> Section:
    low, high = sample.host_mass_range_msun
    frame, main = sample.frame, sample.main
    n_high = int((main["q"] > sample.q_split).sum())
    lines = [
        f"Hosts of {low:g}-{high:g} Msun: {len(frame)} rows on "
        f"{frame['hostname'].nunique()} hosts",
        f"Main sample (M_star, M_c, a, e, no limits): {len(main)} rows on "
        f"{main['hostname'].nunique()} hosts, {n_high} with q > {sample.q_split:g}",
        f"Complete with limits: {len(sample.complete)} rows; with q and a, e not "
        f"needed: {len(sample.mass_orbit)} (with limits "
        f"{len(sample.mass_orbit_with_limits)})",
    ]
    for stage, cuts in sample.cuts.groupby("stage", sort=False):
        said = [
            f"{row.reason} {row.n_rows} ({row.source})" for row in cuts.itertuples()
        ]
        lines.append(f"Left out, {stage}: " + "; ".join(said))
    return Section("The sample", (state_sample(sample),), tuple(lines))


def state_sample(sample: CompanionSample) -> Statement:
    """Say how many companions carry the comparison of eccentricities."""
    main = sample.main
    high = main[main["q"] > sample.q_split]
    kinds = high["ecc_kind"].value_counts()
    shown = ", ".join(f"{n} {str(kind).replace('_', ' ')}" for kind, n in kinds.items())
    shared = set(high["discoverymethod"]) & set(
        main.loc[main["q"] <= sample.q_split, "discoverymethod"]
    )
    alone = int((~high["discoverymethod"].isin(shared)).sum())
    return Statement(
        text=(
            f"Only {len(high)} companions with q > {sample.q_split:g} have a mass, an "
            f"axis and an eccentricity; {alone} of them were found by methods that "
            "found no low-q companion of the main sample."
        ),
        evidence=f"kinds of e among them: {shown or 'none'}",
        caveat="what separates the methods cannot be told from what separates origins",
    )
