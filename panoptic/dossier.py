"""The full report of a run: every question with its figures, tables and method.

Arranges what the rooms say, like `panoptic.synopsis`, at length.
"""

from collections.abc import Iterator

import pandas as pd

from panoptic import synopsis
from panoptic.demographics.eccentricity import BETA_COLUMNS, beta_table
from panoptic.demographics.robustness import ROBUSTNESS_COLUMNS, robustness_table
from panoptic.findings import InputRecord, Results, score_table
from panoptic.headlines import headline_numbers
from panoptic.reporting.html_report import (
    Chapter,
    Headline,
    Listing,
    Picture,
    Report,
)
from panoptic.sample import SCHEMA, MassProvenance
from panoptic.statement import NotRun

_TITLE = "Companions of very low-mass stars: planets or binaries?"
_METHODS = {
    "mixture": (
        "Gaussian mixtures in (log q, log a) by expectation maximisation from many "
        "starts; the number of components by BIC, lower is better."
    ),
    "eccentricity": (
        "Beta distributions by maximum likelihood under five readings of zeros, "
        "limits and errors; two-sample tests with hosts shuffled."
    ),
    "classifier": (
        "L2-regularised logistic regression with host-grouped folds, without log q and "
        "method (headline) and with them (full); anchors by mass ratio unless given."
    ),
    "robustness": (
        "The sample changed in one way at a time and asked again; and the same rules "
        "on made-up populations of known truth."
    ),
    "migration": (
        "Outer orbits drawn per cell of perturber mass and distance; tides and disk "
        "torques at the target. Equations and sources: docs/methods.md."
    ),
}
# Which figures belong to which question, by a word of their names; the rest stand with
# the sample.
_FIGURES = {
    "mixture": ("mixture",),
    "eccentricity": ("ae", "eccentricity", "beta"),
    "classifier": ("massmass", "classifier"),
    "robustness": ("robustness",),
    "migration": ("feasibility", "migration", "arrivals", "track", "timescales"),
}
_OBJECT_COLUMNS = (
    "pl_name",
    "hostname",
    "source",
    "discoverymethod",
    "st_mass",
    "pl_bmassj",
    "mass_provenance",
    "q",
    "pl_orbsmax",
    "a_origin",
    "pl_orbeccen",
    "ecc_kind",
    "P_binary_like",
    "P_binary_like_low",
    "P_binary_like_high",
    "anchor_label",
)
_CHECK_COLUMNS = (
    "check",
    "name",
    "n_rows",
    "n_hosts",
    "delta_bic",
    "chosen_k",
    "ks_d",
    "ks_p_host",
    "auroc",
    "p_target",
    "coverage",
    "not_run",
)
_KINDS_OF_MASS = dict.fromkeys(MassProvenance, "") | {
    MassProvenance.MSINI: " (Msini)",
    MassProvenance.MASS_RADIUS: " (from its radius)",
}
_MEANINGS = {
    column.name: f"{column.meaning} ({column.unit})" if column.unit else column.meaning
    for column in SCHEMA
}
CITATIONS = (
    "Johnson, R. S. 2025, Binary-Origin Substellar Companions Around M Dwarfs: "
    "Evidence from Demographics, Orbital Architecture, and Migration Timescales.",
    "This research has made use of the NASA Exoplanet Archive, Caltech/IPAC, Planetary "
    "Systems Composite Data, doi:10.26133/NEA13.",
    "Brown Dwarf Companion Catalogue, Stevenson et al. 2023, MNRAS 526, 5155, "
    "doi:10.21954/ou.rd.24156393.",
)


def compose(results: Results, pictures: dict[str, Picture]) -> Report:
    """Return the report of a run; `pictures` by figure name, in reading order."""
    record = results.record
    chapters = [
        Chapter(
            title=title,
            statements=synopsis.answer(results, question),
            leads=synopsis.in_short(results, question),
            verdict=synopsis.verdict(results, question),
            method=_METHODS[question],
            pictures=_pictures_of(question, pictures),
            listings=_listings_of(question, results),
        )
        for question, title in synopsis.TITLES.items()
    ]
    return Report(
        title=_TITLE,
        subtitle=f"{results.target.label}, panoptic {record.version}, seed "
        f"{record.seed}",
        remarks=synopsis.remarks(results),
        headlines=tuple(_headlines(results)),
        chapters=(_sample_chapter(results, pictures), *chapters),
        provenance=tuple(_provenance(entry) for entry in record.inputs),
        citations=CITATIONS,
        object_notes=_object_notes(results),
    )


def _headlines(results: Results) -> Iterator[Headline]:
    """The numbers of the page; an indented label belongs to the last that is not."""
    above = ""
    for label, *texts in headline_numbers(results):
        above = above if label.startswith(" ") else label
        full = f"{above}, {label.strip()}" if label.startswith(" ") else label
        yield Headline(
            full, *(text.replace(" %", "\N{NO-BREAK SPACE}%") for text in texts)
        )


def _pictures_of(question: str, pictures: dict[str, Picture]) -> tuple[Picture, ...]:
    return tuple(p for name, p in pictures.items() if _question_of(name) == question)


def _question_of(figure: str) -> str:
    words = set(figure.split("_"))
    return next((q for q, named in _FIGURES.items() if words & set(named)), "")


def _listings_of(question: str, results: Results) -> tuple[Listing, ...]:
    findings = results.findings
    if question == "eccentricity" and not isinstance(findings.eccentricity, NotRun):
        rows = pd.DataFrame(
            beta_table(findings.eccentricity), columns=list(BETA_COLUMNS)
        )
        return (Listing("Beta distributions", rows, file="beta_e_params.csv"),)
    if question == "classifier":
        scores = score_table(results.sample, findings.classifier)
        shown = scores[list(_OBJECT_COLUMNS)]
        return (Listing("Objects", shown, _MEANINGS, file="objects_with_probs.csv"),)
    if question == "robustness" and not isinstance(findings.robustness, NotRun):
        checks = pd.DataFrame(
            robustness_table(findings.robustness), columns=list(ROBUSTNESS_COLUMNS)
        )
        shown = checks[list(_CHECK_COLUMNS)]
        return (Listing("One change at a time", shown, file="robustness.csv"),)
    return ()


def _sample_chapter(results: Results, pictures: dict[str, Picture]) -> Chapter:
    sample = results.sample
    return Chapter(
        title="The sample",
        statements=(synopsis.state_sample(sample),),
        method=(
            "Both catalogues stacked, one row per companion, cut to the window of host "
            "masses; every row that leaves is counted under its first reason."
        ),
        pictures=_pictures_of("", pictures),
        listings=(
            Listing("What was left out, and why", sample.cuts, file="cuts.csv"),
            Listing("Merged rows", sample.duplicates, file="duplicates.csv"),
        ),
    )


def _provenance(entry: InputRecord) -> tuple[str, str]:
    facts = [
        f"{entry.n_rows} rows, {entry.origin}",
        entry.location,
        entry.retrieved_utc,
        f"sha256 {entry.sha256}",
        entry.query,
        entry.note,
        f"kept as {entry.kept_as}",
        *entry.remarks,
    ]
    return entry.catalogue, "; ".join(fact for fact in facts if fact)


def _object_notes(results: Results) -> dict[str, str]:
    """What hovering over a companion's mark shows."""
    target = results.target
    notes = {
        target.pl_name: f"{target.label}, the studied object: "
        f"M {target.pl_bmassj:.3g} MJup, a {target.pl_orbsmax:.3g} AU, "
        f"q {target.q:.2g}"
    }
    scores = score_table(results.sample, results.findings.classifier)
    for row in scores.itertuples():
        limit = {1: "< ", -1: "> "}.get(row.pl_bmassjlim, "")
        facts = [
            f"M {limit}{row.pl_bmassj:.3g} MJup{_KINDS_OF_MASS[row.mass_provenance]}"
        ]
        if row.pl_orbsmax == row.pl_orbsmax:  # not NaN
            facts.append(f"a {row.pl_orbsmax:.3g} AU")
        if row.pl_orbeccen == row.pl_orbeccen:
            facts.append(f"e {row.pl_orbeccen:.3g} ({row.ecc_kind.replace('_', ' ')})")
        if row.P_binary_like == row.P_binary_like:
            facts.append(f"P(binary-like) {row.P_binary_like:.2g}")
        facts.append(f"{row.discoverymethod}, {row.source}")
        notes[row.pl_name] = f"{row.pl_name}: {', '.join(facts)}"
    return notes
