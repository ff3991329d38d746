"""The results of all questions: written to a folder, and read back from it.

What lies in a results folder is enough to draw every figure and to write the summary
and the report again. That is the contract between the models and the plots.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from panoptic.demographics.eccentricity import (
    BETA_COLUMNS,
    EccentricityFindings,
    beta_table,
    ks_text,
)
from panoptic.demographics.mass_mixture import MassMixtureFindings
from panoptic.demographics.origin_classifier import ClassifierFindings
from panoptic.demographics.power_findings import PowerFindings, collect_power
from panoptic.demographics.robustness import (
    ROBUSTNESS_COLUMNS,
    RobustnessFindings,
    robustness_table,
)
from panoptic.dynamics.migration import (
    ARRAY_FACTS,
    COMPANION_FACTS,
    SENSITIVITY_FACTS,
    MigrationFindings,
    companion_table,
    migration_arrays,
    sensitivity_table,
)
from panoptic.reporting.artifacts import (
    ResultsFolder,
    read_result,
    read_table,
)
from panoptic.sample import SCHEMA, CompanionSample
from panoptic.statement import NotRun
from panoptic.target import Target


@dataclass(frozen=True, slots=True)
class InputRecord:
    """Which rows a run read: enough to have the same again."""

    catalogue: str  # name of the catalogue: PSCompPars, BDcat, ...
    origin: str  # embedded, file, network or cache
    location: str  # URL or path as given
    n_rows: int  # rows read
    sha256: str  # of the raw bytes, decompressed
    retrieved_utc: str  # ISO date of the fetch, or the date inside the file
    query: str  # what the service was asked; empty where there was no query
    note: str  # remark on where the rows came from; else empty
    remarks: tuple[str, ...]  # what a reader should know of it
    stands_in_because: str  # why it is not the table that was asked for; else empty
    kept_as: str  # the raw bytes, relative to the results folder


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What the results depend on besides the code: the same record, the same bytes.

    settings : of target, sample, statistics and migration, each by name.
    """

    version: str  # of panoptic
    seed: int  # of every random stage
    quick: bool  # whether counts were reduced for a fast look
    settings: dict[str, dict[str, str | int | float | bool | None]]
    inputs: tuple[InputRecord, ...]  # one per catalogue read


@dataclass(frozen=True, slots=True)
class SampleDefinition:
    """How the sample was made."""

    host_mass_range_msun: tuple[float, float]  # Msun, both ends included
    q_split: float  # mass ratio; low q is q <= q_split


@dataclass(frozen=True, slots=True)
class Findings:
    """The answer to each question, or why it was not asked."""

    mixture: MassMixtureFindings | NotRun
    eccentricity: EccentricityFindings | NotRun
    classifier: ClassifierFindings | NotRun
    robustness: RobustnessFindings | NotRun
    migration: MigrationFindings | NotRun


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that figures, summary and report are made of."""

    record: RunRecord
    target: Target
    sample: CompanionSample
    perturbers: pd.DataFrame | None  # Gaia's orbits of the hosts; None if not asked for
    findings: Findings


class Described(NamedTuple):
    """A table or a set of arrays: what it holds, and of what unit and meaning."""

    about: str
    columns: dict[str, dict[str, str]]  # name: unit and meaning


def _facts(meanings: dict[str, str], *, unit: str = "") -> dict[str, dict[str, str]]:
    return {name: {"unit": unit, "meaning": text} for name, text in meanings.items()}


# By the name of each question: the JSON file of its answer, and what it reads back as.
_ANSWERS: dict[str, tuple[str, Any, str]] = {
    "mixture": (
        "gmm_summary",
        MassMixtureFindings | NotRun,
        "Gaussian mixtures in (log q, log a), sample by sample",
    ),
    "eccentricity": (
        "eccentricity",
        EccentricityFindings | NotRun,
        "Beta distributions and two-sample tests of e",
    ),
    "classifier": (
        "classifier",
        ClassifierFindings | NotRun,
        "the origin classifier, what it is worth and what it rests on",
    ),
    "robustness": (
        "robustness",
        RobustnessFindings | NotRun,
        "the questions asked again of changed samples, and of made-up populations",
    ),
    "migration": (
        "migration",
        MigrationFindings | NotRun,
        "what perturbers, tides and a disk could have done",
    ),
}
JSON_FILES: dict[str, tuple[Any, str]] = {
    "run": (RunRecord, "what the results depend on besides the code"),
    "target": (Target, "the studied object as it was used"),
    "sample": (SampleDefinition, "how the sample was made"),
}
JSON_FILES |= {name: (answer, about) for name, answer, about in _ANSWERS.values()}
JSON_FILES["power"] = (
    PowerFindings,
    "what each test could have found, beside its p; made of the answers",
)

_SAMPLE_COLUMNS = {
    column.name: {"unit": column.unit, "meaning": column.meaning} for column in SCHEMA
}
_SCORES = {
    "P_binary_like": "p_headline",
    "P_binary_like_low": "p_headline_low",
    "P_binary_like_high": "p_headline_high",
    "P_binary_like_held_out": "p_held_out",
    "P_binary_like_full_model": "p_full",
    "P_binary_like_full_model_low": "p_full_low",
    "P_binary_like_full_model_high": "p_full_high",
}
TABLES: dict[str, Described] = {
    "vlms_companions_stacked": Described(
        "Every row of the window, with what it can answer.", _SAMPLE_COLUMNS
    ),
    "surroundings": Described(
        "Rows of hosts near the window, in no sample: errors may bring them in.",
        _SAMPLE_COLUMNS,
    ),
    "objects_with_probs": Described(
        "Every row with a mass ratio, with what the classifier says of it.",
        _SAMPLE_COLUMNS
        | _facts(
            {
                "P_binary_like": "probability by the headline model (no log q, method)",
                "P_binary_like_low": "its 95 % host-bootstrap interval, lower end",
                "P_binary_like_high": "upper end",
                "P_binary_like_held_out": "by fits that did not see the row's host",
                "P_binary_like_full_model": "by the full model, circular in log q",
                "P_binary_like_full_model_low": "its interval, lower end",
                "P_binary_like_full_model_high": "upper end",
                "anchor_label": "binary-like, planet-like or empty",
                "anchor_source": "heuristic, curated, user label or none",
            }
        ),
    ),
    "cuts": Described(
        "The ledger: how many rows left, at which stage, for which reason.",
        _facts(
            {
                "stage": "duplicates, window or main sample",
                "source": "catalogue of the rows",
                "reason": "why; a row counts at its first reason",
                "n_rows": "rows",
                "n_hosts": "their hosts",
            }
        ),
    ),
    "duplicates": Described(
        "Rows of one companion that were merged.",
        _facts(
            {
                "host": "host, as compared",
                "kept": "companion whose row stays",
                "kept_source": "its catalogue",
                "dropped": "companion whose row goes",
                "dropped_source": "its catalogue",
                "rule": "what matched",
                "kept_because": "why that row stays",
            }
        ),
    ),
    "robustness": Described(
        "One row per changed sample: what mixture, e and classifier say then.",
        _facts(
            {
                "check": "what is changed",
                "name": "which of its kind",
                "n_draws": "of the variant; 1 where nothing is drawn",
                "n_rows": "main sample (median over draws)",
                "n_hosts": "their hosts",
                "delta_bic": "BIC(1) - BIC(2), positive where two are preferred",
                "delta_bic_low": "2.5 % of the draws",
                "delta_bic_high": "97.5 %",
                "chosen_k": "what most draws prefer",
                "share_two": "share of the draws that prefer two",
                "mass_orbit_n_rows": "mass-orbit sample",
                "mass_orbit_n_hosts": "their hosts",
                "mass_orbit_delta_bic": "as for the main sample",
                "mass_orbit_delta_bic_low": "2.5 % of the draws",
                "mass_orbit_delta_bic_high": "97.5 %",
                "mass_orbit_chosen_k": "what most draws prefer",
                "mass_orbit_share_two": "share of the draws that prefer two",
                "policy": "reading of the eccentricities",
                "n_low_q": "rows compared, low q",
                "n_high_q": "rows compared, high q",
                "alpha_low_q": "Beta distribution of low q",
                "beta_low_q": "the same",
                "alpha_high_q": "Beta distribution of high q",
                "beta_high_q": "the same",
                "ks_d": "KS distance",
                "ks_d_low": "2.5 % of the draws",
                "ks_d_high": "97.5 %",
                "ks_p": "exact p by row",
                "ks_p_host": "p with hosts shuffled",
                "peto_p_host": "Peto-Peto of the censored reading, hosts shuffled",
                "auroc": "headline classifier, held-out",
                "p_target": "P_binary_like of the studied object",
                "coverage": "share of the criterion map's cells that are feasible",
                "not_run": "which question was not asked, and why",
            }
        ),
    ),
    "outer_perturbers": Described(
        "Two-body orbits of Gaia DR3 that belong to hosts, if they were asked for.",
        _facts(
            {
                "hostname": "host star, as in the stacked table",
                "gaia_dr3_id": "Gaia DR3 source_id of the solution",
                "match_rule": "source_id or position",
                "separation_arcsec": "from the source's track of 1991.25-2016 to the "
                "host, arcsec",
                "nss_solution_type": "Gaia's word for the model",
                "n_solutions": "solutions of this source",
                "relation": "outer, inner, between, catalogued_companion (period "
                "within 5 %), unknown (no period to compare with)",
                "period_days": "orbital period, day",
                "period_err_days": "its published error, day",
                "ecc": "eccentricity",
                "ecc_err": "its published error",
                "error_factor": "factor by which published errors are too small: 1.3 "
                "for G > 14, else 1.7 (Nagarajan & El-Badry 2024)",
                "st_mass": "host mass of the catalogue, Msun",
                "m1_msun": "primary mass, binary_masses, Msun",
                "m2_msun": "secondary mass, binary_masses, Msun",
                "m2_lower_msun": "its lower bound, Msun",
                "m2_upper_msun": "its upper bound, Msun",
                "fluxratio": "secondary to primary in G",
                "combination_method": "what the masses were derived from",
                "a_au": "semi-major axis by Kepler's third law, AU",
                "a_from": "the masses it was derived with; without m2 a lower bound",
                "significance": "Gaia's significance of the solution",
                "goodness_of_fit": "Gaia's goodness of fit",
            }
        ),
    ),
    "beta_e_params": Described(
        "Beta distributions of e, one row per subset and policy.",
        _facts(BETA_COLUMNS),
    ),
    "migration_per_object": Described(
        "How often a stated prior brings each real companion to where it is, and what "
        "disk and star could have done to it.",
        COMPANION_FACTS,
    ),
    "migration_sensitivity": Described(
        "The two maps under other times, thresholds, tides and starts.",
        SENSITIVITY_FACTS,
    ),
}
ARRAYS: dict[str, Described] = {
    "feasibility_map": Described(
        "The map over perturbers; grids are (n_mass, n_axis), parameters 0-d.",
        ARRAY_FACTS,
    ),
}
OTHER_FILES = {
    "SUMMARY.txt": "one page: inputs, headline numbers, each question's answer",
    "report.html": "the full report, one file, with figures and tables",
    "ks_test_e.txt": "two-sample Kolmogorov-Smirnov tests of e",
    "fig*.png, .pdf, .svg": "the figures",
    "fig*.caption.txt": "what stands under each figure",
    "inputs/": "the catalogue tables as they were read",
    "manifest.json": (
        "settings, versions, input and output hashes, durations; written last, so a "
        "folder without it is an unfinished run"
    ),
}


def write_results(folder: ResultsFolder, results: Results) -> None:
    """Write everything that `load_results` reads, and the tables people ask for."""
    folder.result("run", results.record)
    folder.result("target", results.target)
    _write_sample(folder, results.sample)
    if results.perturbers is not None:
        _write_table(folder, "outer_perturbers", results.perturbers)
    for question, (name, *_) in _ANSWERS.items():
        folder.result(name, getattr(results.findings, question))
    _write_tables(folder, results)


def load_results(path: Path) -> Results:
    """Return the results that lie in a folder.

    Raises
    ------
    InputUnusable
        naming the file that is missing or of another format version.
    """
    answers = {
        question: read_result(path / f"{name}.json", answer)
        for question, (name, answer, _) in _ANSWERS.items()
    }
    return Results(
        record=read_result(path / "run.json", RunRecord),
        target=read_result(path / "target.json", Target),
        sample=_read_sample(path),
        perturbers=_read_perturbers(path),
        findings=Findings(**answers),
    )


def _write_tables(folder: ResultsFolder, results: Results) -> None:
    """Write the tables people ask for; they can be made again from the results."""
    findings = results.findings
    power = collect_power(findings.mixture, findings.eccentricity, findings.robustness)
    folder.result("power", power)
    scores = score_table(results.sample, findings.classifier)
    _write_table(folder, "objects_with_probs", scores)
    if not isinstance(findings.robustness, NotRun):
        checks = pd.DataFrame(
            robustness_table(findings.robustness), columns=list(ROBUSTNESS_COLUMNS)
        )
        _write_table(folder, "robustness", checks)
    eccentricity = findings.eccentricity
    if isinstance(eccentricity, NotRun):
        folder.text("ks_test_e.txt", f"not run: {eccentricity.reason}\n")
        _write_table(folder, "beta_e_params", pd.DataFrame(columns=list(BETA_COLUMNS)))
    else:
        folder.text("ks_test_e.txt", ks_text(eccentricity))
        rows = pd.DataFrame(beta_table(eccentricity), columns=list(BETA_COLUMNS))
        _write_table(folder, "beta_e_params", rows)
    migration = findings.migration
    if not isinstance(migration, NotRun):
        folder.arrays("feasibility_map", **migration_arrays(migration))
        _write_table(folder, "migration_per_object", companion_table(migration))
        _write_table(folder, "migration_sensitivity", sensitivity_table(migration))


def _write_table(folder: ResultsFolder, name: str, frame: pd.DataFrame) -> None:
    table = TABLES[name]
    folder.table(name, frame, meta={"about": table.about, "columns": table.columns})


def score_table(
    sample: CompanionSample, classifier: ClassifierFindings | NotRun
) -> pd.DataFrame:
    """Return the scored rows of the sample with what the classifier says of each.

    Where the classifier was not run, its columns are empty.
    """
    frame = sample.scored.reset_index(drop=True)
    scores = dict.fromkeys(_SCORES, np.full(len(frame), np.nan))
    sources = ("none",) * len(frame)
    labels = ("",) * len(frame)
    if not isinstance(classifier, NotRun):
        objects = classifier.objects
        scores = {name: getattr(objects, source) for name, source in _SCORES.items()}
        labels, sources = objects.anchor_label, objects.anchor_source
    return frame.assign(**scores, anchor_label=labels, anchor_source=sources)


def _write_sample(folder: ResultsFolder, sample: CompanionSample) -> None:
    _write_table(folder, "vlms_companions_stacked", sample.frame)
    _write_table(folder, "surroundings", sample.surroundings)
    _write_table(folder, "cuts", sample.cuts)
    _write_table(folder, "duplicates", sample.duplicates)
    definition = SampleDefinition(sample.host_mass_range_msun, sample.q_split)
    folder.result("sample", definition)


def _read_perturbers(path: Path) -> pd.DataFrame | None:
    table = path / "outer_perturbers.csv"
    return read_table(table) if table.exists() else None


def _read_sample(path: Path) -> CompanionSample:
    definition = read_result(path / "sample.json", SampleDefinition)
    return CompanionSample(
        frame=read_table(path / "vlms_companions_stacked.csv"),
        surroundings=read_table(path / "surroundings.csv"),
        cuts=read_table(path / "cuts.csv"),
        duplicates=read_table(path / "duplicates.csv"),
        host_mass_range_msun=definition.host_mass_range_msun,
        q_split=definition.q_split,
    )
