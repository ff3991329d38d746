"""The results of all questions: written to a folder, and read back from it.

What lies in a results folder is enough to draw every figure and to write the summary
and the report again. That is the contract between the models and the plots.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
from panoptic.dynamics.migration import MigrationFindings, migration_arrays
from panoptic.reporting.artifacts import ResultsFolder, read_result, read_table
from panoptic.sample import SCHEMA, CompanionSample
from panoptic.statement import NotRun
from panoptic.target import Target


@dataclass(frozen=True, slots=True)
class InputRecord:
    """Which rows a run read: enough to have the same again."""

    catalogue: str
    origin: str  # embedded, file, network or cache
    location: str  # URL or path as given
    n_rows: int
    sha256: str  # of the raw bytes, decompressed
    retrieved_utc: str
    query: str
    note: str
    remarks: tuple[str, ...]
    kept_as: str  # the raw bytes, relative to the results folder


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What the results depend on besides the code: the same record, the same bytes."""

    version: str
    seed: int
    quick: bool
    settings: dict[str, dict[str, str | int | float | bool | None]]
    inputs: tuple[InputRecord, ...]


@dataclass(frozen=True, slots=True)
class SampleDefinition:
    """How the sample was made."""

    host_mass_range_msun: tuple[float, float]
    q_split: float


@dataclass(frozen=True, slots=True)
class Findings:
    """The answer to each question, or why it was not asked."""

    mixture: MassMixtureFindings | NotRun
    eccentricity: EccentricityFindings | NotRun
    classifier: ClassifierFindings | NotRun
    migration: MigrationFindings | NotRun


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that figures, summary and report are made of."""

    record: RunRecord
    target: Target
    sample: CompanionSample
    findings: Findings


# By the name of each question: the JSON file of its answer, and what it reads back as.
_ANSWERS: dict[str, tuple[str, Any]] = {
    "mixture": ("gmm_summary", MassMixtureFindings | NotRun),
    "eccentricity": ("eccentricity", EccentricityFindings | NotRun),
    "classifier": ("classifier", ClassifierFindings | NotRun),
    "migration": ("migration", MigrationFindings | NotRun),
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
_UNITS = {
    column.name: {"unit": column.unit, "meaning": column.meaning} for column in SCHEMA
}


def write_results(folder: ResultsFolder, results: Results) -> None:
    """Write everything that `load_results` reads, and the tables people ask for."""
    folder.result("run", results.record)
    folder.result("target", results.target)
    _write_sample(folder, results.sample)
    for question, (name, _) in _ANSWERS.items():
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
        for question, (name, answer) in _ANSWERS.items()
    }
    return Results(
        record=read_result(path / "run.json", RunRecord),
        target=read_result(path / "target.json", Target),
        sample=_read_sample(path),
        findings=Findings(**answers),
    )


def _write_tables(folder: ResultsFolder, results: Results) -> None:
    """Write the tables people ask for; they can be made again from the results."""
    findings = results.findings
    scores = score_table(results.sample, findings.classifier)
    folder.table("objects_with_probs", scores, meta={"columns": _UNITS})
    eccentricity = findings.eccentricity
    if isinstance(eccentricity, NotRun):
        folder.text("ks_test_e.txt", f"not run: {eccentricity.reason}\n")
        folder.table("beta_e_params", pd.DataFrame(columns=list(BETA_COLUMNS)))
    else:
        folder.text("ks_test_e.txt", ks_text(eccentricity))
        rows = pd.DataFrame(beta_table(eccentricity), columns=list(BETA_COLUMNS))
        folder.table("beta_e_params", rows)
    if not isinstance(findings.migration, NotRun):
        folder.arrays("feasibility_map", **migration_arrays(findings.migration))


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
    folder.table("vlms_companions_stacked", sample.frame, meta={"columns": _UNITS})
    folder.table("cuts", sample.cuts)
    folder.table("duplicates", sample.duplicates)
    definition = SampleDefinition(sample.host_mass_range_msun, sample.q_split)
    folder.result("sample", definition)


def _read_sample(path: Path) -> CompanionSample:
    definition = read_result(path / "sample.json", SampleDefinition)
    return CompanionSample(
        frame=read_table(path / "vlms_companions_stacked.csv"),
        cuts=read_table(path / "cuts.csv"),
        duplicates=read_table(path / "duplicates.csv"),
        host_mass_range_msun=definition.host_mass_range_msun,
        q_split=definition.q_split,
    )
