"""The one page of a run: what was read, the headline numbers, each question's answer.

Arranges what the rooms say; the only numbers put together here are the headline ones.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from panoptic.demographics.eccentricity import state_eccentricities
from panoptic.demographics.eccentricity_passes import Policy
from panoptic.demographics.mass_mixture import state_mass_mixture
from panoptic.demographics.mixture_selection import MassMixtureSelection
from panoptic.demographics.mixture_subsets import HostResampling
from panoptic.demographics.origin_classifier import state_classifier
from panoptic.demographics.robustness import state_robustness
from panoptic.demographics.two_sample_tests import Test
from panoptic.dynamics.migration import state_migration
from panoptic.findings import InputRecord, Results
from panoptic.reporting.summary import Section
from panoptic.sample import CompanionSample
from panoptic.statement import NotRun, Statement

_STATEMENTS: dict[str, Callable[[Any], tuple[Statement, ...]]] = {
    "mixture": state_mass_mixture,
    "eccentricity": state_eccentricities,
    "classifier": state_classifier,
    "robustness": state_robustness,
    "migration": state_migration,
}
TITLES = {
    "mixture": "One population or two?",
    "eccentricity": "Do the eccentricities differ?",
    "classifier": "What does the classifier see?",
    "robustness": "Do the answers hold when the sample changes?",
    "migration": "Could it have come in from outside?",
}


def header(results: Results) -> tuple[str, ...]:
    """Return what was asked of what: version, target, inputs with place and date."""
    record = results.record
    lines = [
        *remarks(results),
        f"panoptic {record.version}: companions of very low-mass stars, seed "
        f"{record.seed}",
        f"Studied object: {results.target.label} (q = {results.target.q:.2e}, "
        f"a = {results.target.pl_orbsmax:g} AU)",
    ]
    for entry in record.inputs:
        lines += _input_lines(entry)
    return tuple(lines)


def sections(results: Results) -> tuple[Section, ...]:
    """Return the headline numbers, one section per question, and the sample."""
    numbers = tuple(
        f"{label:<15}{value}{'; ' if detail else ''}{detail}"
        for label, value, detail in headline_numbers(results)
    )
    answers = [Section(TITLES[name], answer(results, name)) for name in TITLES]
    return (
        Section("Headline numbers", lines=numbers),
        *answers,
        _sample_section(results.sample),
    )


def page(results: Results) -> tuple[Section, ...]:
    """Return the sections for one page: each first answer whole, then words alone."""
    shortened = [
        replace(section, statements=_in_short(section.statements))
        for section in sections(results)
    ]
    where = "The numbers behind every sentence are in report.html and the JSON files."
    return (*shortened, Section("More", lines=(where,)))


def _in_short(
    statements: tuple[Statement | NotRun, ...],
) -> tuple[Statement | NotRun, ...]:
    rest = [
        Statement(said.text) if isinstance(said, Statement) else said
        for said in statements[1:]
    ]
    return (*statements[:1], *rest)


def answer(results: Results, question: str) -> tuple[Statement | NotRun, ...]:
    """Return what a question's numbers mean, or why it was not asked."""
    found = getattr(results.findings, question)
    return (found,) if isinstance(found, NotRun) else _STATEMENTS[question](found)


def verdict(results: Results, question: str) -> str:
    """Return a question's verdict in its own words, "" where it gives none."""
    found = getattr(results.findings, question)
    return (
        "not run" if isinstance(found, NotRun) else getattr(found, "verdict", "") or ""
    )


def remarks(results: Results) -> tuple[str, ...]:
    """Return what must be known before anything else is read."""
    record = results.record
    stand_ins = tuple(
        f"NOT WHAT WAS ASKED FOR: {entry.catalogue}: {entry.stands_in_because}"
        for entry in record.inputs
        if entry.stands_in_because
    )
    quick = f"QUICK LOOK, reduced counts: {_counts(results)}"
    return (*stand_ins, quick) if record.quick else stand_ins


def _counts(results: Results) -> str:
    settings = results.record.settings
    return (
        f"{settings['statistics']['bootstrap']} bootstraps, "
        f"{settings['statistics']['permutations']} permutations, "
        f"{settings['statistics']['draws']} draws of a robustness check, "
        f"{settings['statistics']['simulations']} simulated samples, "
        f"{settings['migration']['kl_trials']} criterion draws and "
        f"{settings['migration']['kl_secular_trials']} followed orbits per cell"
    )


def _input_lines(entry: InputRecord) -> Iterator[str]:
    date = f", of {entry.retrieved_utc}" if entry.retrieved_utc else ""
    yield f"Read {entry.catalogue}: {entry.n_rows} rows, {entry.origin}{date}"
    yield f"  from {entry.location} (sha256 {entry.sha256[:12]})"
    for remark in entry.remarks:
        yield f"  {remark}"


class HeadlineNumber(NamedTuple):
    """One of the numbers that stand at the top, with its uncertainty."""

    label: str
    value: str
    detail: str = ""


def headline_numbers(results: Results) -> tuple[HeadlineNumber, ...]:
    """Return Delta BIC, KS D and p, and the target's P, each with its uncertainty."""
    return (*_delta_bics(results), *_ks(results), _target_score(results))


def _delta_bics(results: Results) -> Iterator[HeadlineNumber]:
    found = results.findings.mixture
    if isinstance(found, NotRun):
        yield HeadlineNumber("Delta BIC", "not run", found.reason)
        return
    hosts = (
        None if isinstance(found.main_evidence, NotRun) else found.main_evidence.hosts
    )
    yield _delta_bic("Delta BIC", found.main, _interval(hosts))
    yield _delta_bic("  with limits", found.with_limits, "")


def _interval(hosts: HostResampling | NotRun | None) -> str:
    """The spread of Delta BIC over draws of hosts."""
    if hosts is None or isinstance(hosts, NotRun) or hosts.delta_bic is None:
        return ""
    low, _, high = hosts.delta_bic
    return f" ({low:.0f} to {high:.0f} over draws of hosts, 90 %)"


def _delta_bic(
    label: str, found: MassMixtureSelection | NotRun, interval: str
) -> HeadlineNumber:
    if isinstance(found, NotRun):
        return HeadlineNumber(label, "not run", found.reason)
    if found.delta_bic is None:
        return HeadlineNumber(label, "not run", "two components could not be fitted")
    return HeadlineNumber(
        label,
        f"{found.delta_bic:.1f}{interval}",
        f"BIC {found.bic['1']:.1f} (K = 1) - {found.bic['2']:.1f} (K = 2), "
        f"{found.n_rows} rows, {found.n_hosts} hosts",
    )


def _ks(results: Results) -> Iterator[HeadlineNumber]:
    found = results.findings.eccentricity
    if isinstance(found, NotRun):
        yield HeadlineNumber("KS of e", "not run", found.reason)
        return
    for policy in (Policy.AS_REPORTED, Policy.MEASURED_ONLY):
        test = found.test_of(policy, Test.KS)
        if test:
            yield HeadlineNumber(
                "KS of e",
                f"D = {test.statistic:.3f}, p = {test.p_row:.2g} (by host "
                f"{test.p_host:.2g})",
                f"{test.n_first} low q, {test.n_second} high q, "
                f"{policy.replace('_', ' ')}",
            )


def _target_score(results: Results) -> HeadlineNumber:
    found = results.findings.classifier
    if isinstance(found, NotRun):
        return HeadlineNumber("P_binary_like", "not run", found.reason)
    return HeadlineNumber(
        "P_binary_like",
        str(found.headline.target.probability),
        f"{results.target.label}, without log q and method, 95 % interval",
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
            f"Of {len(main)} companions with a mass, an axis and an eccentricity "
            f"{len(high)} have q > {sample.q_split:g}; {alone} of these were found by "
            "methods that found no low-q companion of the main sample."
        ),
        evidence=f"kinds of e among them: {shown or 'none'}",
        caveat=(
            "for these, what separates the methods cannot be told from what separates "
            "origins"
            if alone
            else ""
        ),
    )
