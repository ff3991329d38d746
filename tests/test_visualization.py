"""The door of the figures: every name, whatever was run, each with its caption."""

import re
from dataclasses import fields
from functools import cache

import pytest
from matplotlib.artist import Artist
from matplotlib.figure import Figure

import visualization
from panoptic.figures.style import settle
from panoptic.findings import Findings, InputRecord, Results, RunRecord, load_results
from panoptic.sample import MassProvenance
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


@pytest.fixture(scope="module")
def of_a_run(results):
    """The figures of a finished run, laid out as they are printed."""
    figures = visualization.draw(load_results(results))
    for drawn_one in figures.values():
        settle(drawn_one.figure)
    return figures


def marks_in(figure: Figure) -> dict[str, Artist]:
    return {
        str(artist.get_gid()).removeprefix("object:"): artist
        for artist in figure.findobj(lambda a: a.get_gid() is not None)
        if str(artist.get_gid()).startswith("object:")
    }


@pytest.mark.parametrize("name", NAMES)
def test_no_text_is_cut_off_by_the_page(of_a_run, name):
    figure = of_a_run[name].figure
    taken = figure.get_tightbbox()  # inches; of everything that is drawn
    width, height = figure.get_size_inches()
    assert min(taken.x0, taken.y0) >= -0.01
    assert taken.x1 <= width + 0.01
    assert taken.y1 <= height + 0.01
    beside_the_layout = [text for axes in figure.axes for text in axes.texts]
    for text in beside_the_layout:  # names of objects, remarks
        box = text.get_window_extent().padded(-2.0)
        assert figure.bbox.fully_containsx(box.x0), text.get_text()
        assert figure.bbox.fully_containsx(box.x1), text.get_text()


@pytest.mark.parametrize("name", NAMES)
def test_no_legend_of_the_page_covers_a_panel(of_a_run, name):
    figure = of_a_run[name].figure
    for legend in figure.legends:
        box = legend.get_window_extent()
        for axes in figure.axes:
            assert not box.padded(-1.0).overlaps(axes.get_window_extent())


@pytest.mark.parametrize("name", NAMES)
def test_how_a_mass_is_known_shows_on_the_mark_and_in_the_legend(
    of_a_run, results, name
):
    figure = of_a_run[name].figure
    frame = load_results(results).sample.frame.drop_duplicates("pl_name")
    known = frame.set_index("pl_name")["mass_provenance"]
    texts = [text for legend in figure.legends for text in legend.get_texts()]
    legends = " ".join(text.get_text() for text in texts)
    for object_name, mark in marks_in(figure).items():
        if object_name not in known.index:
            continue
        kind = known[object_name]
        assumed_zero = mark.get_marker() == "X"
        from_radius = kind == MassProvenance.MASS_RADIUS and not assumed_zero
        assert (mark.get_fillstyle() == "top") is from_radius
        if from_radius:
            assert "mass from radius" in legends
        if kind == MassProvenance.MSINI:
            assert mark.get_path_effects()  # a coloured rim between two dark lines
            assert "Msini" in legends


@pytest.mark.parametrize("name", NAMES)
def test_a_caption_of_a_run_counts_and_speaks_plainly(of_a_run, name):
    caption = of_a_run[name].caption
    assert re.search(
        r"\d+ (rows? on|hosts|triples|close comp|variants|x \d+ cells)", caption
    ) or name in ("fig13_track", "fig14_timescales")  # one object
    assert "PSCompPars of 2026-06-02 (embedded); BDcat of 2023-11-20" in caption
    assert caption.endswith("Seed 6894.")
    assert not re.search(r"[a-z]_[a-z]", caption.replace("M_star", ""))
    assert not re.search(
        r"[a-z]_[a-z]", texts_in(of_a_run[name].figure).replace("r_t", "")
    )
