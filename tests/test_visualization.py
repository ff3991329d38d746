"""The door of the figures: every name, whatever was run, each with its caption."""

from dataclasses import fields
from functools import cache

import pytest

import visualization
from panoptic.findings import Findings, InputRecord, Results, RunRecord
from panoptic.statement import NotRun
from tests.figure_samples import TARGET, companion_sample, texts_in

# What people cite, and what other files refer to: a change here is a change of format.
NAMES = [
    "fig1_massmass",
    "fig2_ae",
    "fig3_feasibility",
    "fig4_mixture",
    "fig5_mixture_mass_orbit",
    "fig6_eccentricity",
    "fig7_beta_contours",
    "fig8_eccentricity_trend",
    "fig9_classifier",
    "fig10_classifier_validation",
    "fig11_migration_sensitivity",
    "fig12_arrivals",
    "fig13_track",
    "fig14_timescales",
    "fig15_robustness",
    "fig16_missingness",
]
NOT_ASKED = [name for name in NAMES if name not in NAMES[:2] + NAMES[-1:]]


def record(catalogue, retrieved_utc, location, **changes):
    plain = {field.name: "" for field in fields(InputRecord)}
    known = {"catalogue": catalogue, "origin": "file", "location": location}
    known |= {"n_rows": 1, "retrieved_utc": retrieved_utc, "remarks": ()}
    return InputRecord(**plain | known | changes)


@cache
def drawn():
    """The figures of a run in which no question could be asked."""
    why = NotRun("too few rows")
    inputs = (
        record("PSCompPars", "2026-06-02T11:12:13Z", "https://example.org/tap"),
        record("BDcat", "", "/home/someone/bd.csv"),
    )
    results = Results(
        record=RunRecord(version="0", seed=11, quick=False, settings={}, inputs=inputs),
        target=TARGET,
        sample=companion_sample(),
        perturbers=None,
        findings=Findings(**{field.name: why for field in fields(Findings)}),
    )
    return visualization.draw(results)


def test_every_figure_has_its_name_and_order():
    assert list(drawn()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_caption_names_sources_dates_and_seed(name):
    caption = drawn()[name].caption
    assert "PSCompPars of 2026-06-02 (file); BDcat (file bd.csv)" in caption
    assert caption.endswith("Seed 11.")


@pytest.mark.parametrize("name", NOT_ASKED)
def test_a_question_that_was_not_asked_keeps_its_figure(name):
    assert "not run" in texts_in(drawn()[name].figure)
    assert "Not run: too few rows." in drawn()[name].caption


def test_without_a_classifier_the_masses_are_drawn_all_the_same():
    assert "7 rows without a probability" in drawn()["fig1_massmass"].caption


def test_a_table_that_stands_in_for_another_is_said():
    stand_in = record("BDcat", "2023-11-20", "", stands_in_because="HTTP 403")
    assert visualization._source(stand_in).endswith("(file, standing in for a fetch)")
