"""What a run says, in full for the report and on one page for SUMMARY.txt.

Arranges what the rooms say. The page says fewer things, and each with its caveat: a
claim that has no room for what limits it is not on the page.
"""

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any

from panoptic.demographics.eccentricity import state_eccentricities
from panoptic.demographics.eccentricity_findings import EccentricityFindings
from panoptic.demographics.mass_mixture import MassMixtureFindings, state_mass_mixture
from panoptic.demographics.mixture_verdict import MixtureEvidence
from panoptic.demographics.origin_classifier import state_classifier
from panoptic.demographics.robustness import state_robustness
from panoptic.dynamics.migration import state_migration
from panoptic.dynamics.migration_findings import MigrationFindings
from panoptic.findings import InputRecord, Results
from panoptic.headlines import headline_numbers
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
    "migration": "Could it have come in from outside?",
    "robustness": "Do the answers hold when the sample changes?",
}


def header(results: Results) -> tuple[str, ...]:
    """Return what was asked of what: version, target, inputs, size of the sample."""
    record = results.record
    lines = [
        *remarks(results),
        f"panoptic {record.version}, seed {record.seed}; studied: "
        f"{results.target.label} (q = {results.target.q:.2e}, a = "
        f"{results.target.pl_orbsmax:.2g} AU)",
    ]
    for entry in record.inputs:
        lines += _input_lines(entry)
    return (*lines, *_sample_lines(results.sample))


def sections(results: Results) -> tuple[Section, ...]:
    """Return everything: headline numbers, one section per question, the sample."""
    answers = [Section(TITLES[name], answer(results, name)) for name in TITLES]
    sample = results.sample
    return (
        _numbers_section(results),
        *answers,
        Section("The sample", (state_sample(sample),), _sample_lines(sample)),
    )


def page(results: Results) -> tuple[Section, ...]:
    """Return the sections of the one page: verdicts whole, the rest in the report."""
    unasked = tuple(_unasked(results))
    where = "All other answers, the evidence of each and the figures: report.html."
    return (
        _numbers_section(results),
        *(Section(TITLES[name], in_short(results, name)) for name in TITLES),
        *([Section("Not run", lines=unasked)] if unasked else []),
        Section("", lines=(where,)),
    )


def _numbers_section(results: Results) -> Section:
    lines = tuple(
        f"{label:<16}{value}{'; ' if detail else ''}{detail}"
        for label, value, detail in headline_numbers(results)
    )
    return Section("Headline numbers", lines=lines)


def in_short(results: Results, question: str) -> tuple[Statement | NotRun, ...]:
    """Return what the page says of a question, the verdict first."""
    found = getattr(results.findings, question)
    if isinstance(found, NotRun):
        return (found,)
    return _SELECTIONS[question](found, _STATEMENTS[question](found))


Said = tuple[Statement, ...]


def _of_mixture(found: MassMixtureFindings, said: Said) -> Said:
    """The main sample's verdict; that of all rows too where it is another one."""
    main, every = found.main_evidence, found.mass_orbit_evidence
    if isinstance(main, NotRun):
        return said[:2]
    first = replace(said[0], evidence=_checks_in_brief(main))
    if isinstance(every, NotRun) or every.verdict is main.verdict:
        return (first,)
    return (first, replace(said[1], evidence=_checks_in_brief(every)))


def _checks_in_brief(evidence: MixtureEvidence) -> str:
    """Count the checks; those that do not find two are named in the caveat."""
    passed = [check.passed for check in evidence.checks]
    unasked = f", {passed.count(None)} not asked" if None in passed else ""
    return (
        f"Of {len(passed)} checks {passed.count(True)} find two, "
        f"{passed.count(False)} one{unasked}."
    )


def _of_eccentricities(found: EccentricityFindings, said: Said) -> Said:
    """The verdict; its tests stand among the headline numbers."""
    return (replace(said[0], evidence=found.because),)


def _of_classifier(_: object, said: Said) -> Said:
    """The verdict, and what is said of the studied object."""
    return (said[0], *map(_without_evidence, said[1:2]))


def _of_robustness(_: object, said: Said) -> Said:
    """Whether the variants agree, and the two controls, which come last."""
    return tuple(map(_without_evidence, (said[0], *said[-2:])))


def _of_migration(found: MigrationFindings, said: Said) -> Said:
    """The range, the map, and why the criterion must not be read alone."""
    rest = list(said)
    shown = []
    if found.secular_variants:
        shown.append(replace(rest.pop(0), evidence=_range_in_brief(found)))
    if not isinstance(found.secular, NotRun):
        shown.append(_without_evidence(rest.pop(0)))
        del rest[0]  # how often criterion and integration agree
    if not isinstance(found.criterion, NotRun):
        shown += map(_without_evidence, rest[1:2])  # behind the criterion's own shares
    return tuple(shown or rest[:1])


def _range_in_brief(found: MigrationFindings) -> str:
    variants = found.secular_variants
    least = min(variants, key=lambda v: v.migrated)
    most = max(variants, key=lambda v: v.migrated)
    return f"{len(variants)} variants: least with {least.what}, most with {most.what}"


def _without_evidence(said: Statement) -> Statement:
    return replace(said, evidence="")


_SELECTIONS: dict[str, Callable[[Any, Said], Said]] = {
    "mixture": _of_mixture,
    "eccentricity": _of_eccentricities,
    "classifier": _of_classifier,
    "robustness": _of_robustness,
    "migration": _of_migration,
}


def _unasked(results: Results) -> Iterator[str]:
    """Name every part of an answer that could not be given, and why."""
    for question in TITLES:
        found = getattr(results.findings, question)
        if isinstance(found, NotRun):
            continue  # said where its verdict would stand
        for part in fields(found):
            why = getattr(found, part.name)
            if isinstance(why, NotRun):
                yield f"{question}, {part.name.replace('_', ' ')}: {why.reason}"


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
    statistics = results.record.settings["statistics"]
    migration = results.record.settings["migration"]
    return (
        f"{statistics['bootstrap']} bootstraps, "
        f"{statistics['permutations']} permutations, "
        f"{statistics['draws']} draws of a robustness check, "
        f"{statistics['simulations']} simulated samples; triples followed: "
        f"{migration['kl_secular_trials']} per cell, "
        f"{migration['kl_changed_trials']} with each changed setting, "
        f"{migration['kl_object_trials']} per close companion"
    )


def _input_lines(entry: InputRecord) -> Iterator[str]:
    date = f", of {entry.retrieved_utc}" if entry.retrieved_utc else ""
    read = f"Read {entry.catalogue}: {entry.n_rows} rows, {entry.origin}{date}"
    yield f"{read}, {entry.location}"
    for remark in entry.remarks:
        yield f"  {remark}"


def _sample_lines(sample: CompanionSample) -> tuple[str, ...]:
    """Say how many rows there are, and how many left for what reason."""
    low, high = sample.host_mass_range_msun
    frame, main = sample.frame, sample.main
    n_high = int((main["q"] > sample.q_split).sum())
    lines = [
        f"Hosts of {low:g}-{high:g} Msun: {len(frame)} rows on "
        f"{frame['hostname'].nunique()} hosts",
        f"Main sample (M_star, M_c, a, e, no limits): {len(main)} rows on "
        f"{main['hostname'].nunique()} hosts, {n_high} with q > {sample.q_split:g}",
    ]
    for (stage, source), cuts in sample.cuts.groupby(["stage", "source"], sort=False):
        said = [f"{row.reason} {row.n_rows}" for row in cuts.itertuples()]
        lines.append(f"Left out, {stage}, {source}: {'; '.join(said)}")
    if len(sample.duplicates):
        lines.append(f"Merged, told twice: {len(sample.duplicates)} rows")
    return tuple(lines)


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
