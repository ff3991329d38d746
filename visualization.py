"""Which figure shows which finding, under which name, with which caption.

A question that was not asked keeps its figure: it says so, and why.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePath

from matplotlib.figure import Figure

from panoptic.figures.captions import Imprint
from panoptic.figures.classifier_figures import (
    binary_like_probabilities,
    caption_classifier_validation,
    caption_origin_probabilities,
    plot_classifier_validation,
    plot_origin_probabilities,
    target_probability,
)
from panoptic.figures.companions_figures import (
    caption_axis_eccentricity,
    caption_mass_mass,
    plot_axis_eccentricity,
    plot_mass_mass,
)
from panoptic.figures.eccentricity_figures import (
    caption_beta_contours,
    caption_eccentricity_distributions,
    caption_eccentricity_trend,
    plot_beta_contours,
    plot_eccentricity_distributions,
    plot_eccentricity_trend,
)
from panoptic.figures.migration_figures import (
    caption_arrivals,
    caption_migration_sensitivity,
    plot_arrivals,
    plot_migration_sensitivity,
)
from panoptic.figures.mixture_figures import caption_mass_mixture, plot_mass_mixture
from panoptic.figures.perturber_maps import caption_perturber_maps, plot_perturber_maps
from panoptic.figures.robustness_figures import (
    caption_missingness,
    caption_robustness,
    plot_missingness,
    plot_robustness,
)
from panoptic.figures.style import part
from panoptic.figures.timescale_figures import (
    caption_timescales,
    caption_track,
    plot_timescales,
    plot_track,
)
from panoptic.findings import InputRecord, Results
from panoptic.reporting.formats import FIGURE_FORMATS, encode_figure


@dataclass(frozen=True, slots=True)
class Drawn:
    """A figure and what stands under it."""

    figure: Figure
    caption: str


Named = Iterator[tuple[str, Figure, str]]
Family = Callable[[Results, Imprint], Named]


@dataclass(frozen=True, slots=True)
class Rendered:
    """A figure as the files of each format, and what stands under it."""

    name: str
    caption: str
    files: dict[str, bytes]  # by format


def draw(results: Results) -> dict[str, Drawn]:
    """Return every figure of a run by its name, in the order they are read."""
    return {
        name: Drawn(figure, caption)
        for family in FAMILIES
        for name, figure, caption in family(results, _imprint(results))
    }


def render(results: Results, family: Family) -> tuple[Rendered, ...]:
    """Return the files of one family of `FAMILIES`; no family needs another.

    Drawing is slow Python, so the families may be given to several processes.
    """
    return tuple(
        Rendered(
            name,
            caption,
            {form: encode_figure(figure, form) for form in FIGURE_FORMATS},
        )
        for name, figure, caption in family(results, _imprint(results))
    )


def _imprint(results: Results) -> Imprint:
    return Imprint(
        sources=tuple(_source(record) for record in results.record.inputs),
        seed=results.record.seed,
    )


def _companions(results: Results, imprint: Imprint) -> Named:
    sample, target = results.sample, results.target
    classifier = results.findings.classifier
    scores = binary_like_probabilities(sample.frame, classifier)
    target_score = target_probability(classifier)
    yield (
        "fig1_massmass",
        plot_mass_mass(sample, scores, target=target, target_p=target_score),
        caption_mass_mass(sample, scores, target=target, imprint=imprint),
    )
    yield (
        "fig2_ae",
        plot_axis_eccentricity(sample, target=target),
        caption_axis_eccentricity(sample, target=target, imprint=imprint),
    )


def _migration(results: Results, imprint: Imprint) -> Named:
    found = results.findings.migration
    rows, orbits = results.sample.frame, results.perturbers
    yield (
        "fig3_feasibility",
        plot_perturber_maps(found, rows, orbits),
        caption_perturber_maps(found, rows, orbits, imprint=imprint),
    )


def _more_migration(results: Results, imprint: Imprint) -> Named:
    found, rows = results.findings.migration, results.sample.frame
    yield (
        "fig11_migration_sensitivity",
        plot_migration_sensitivity(found),
        caption_migration_sensitivity(found, imprint=imprint),
    )
    yield (
        "fig12_arrivals",
        plot_arrivals(found, rows),
        caption_arrivals(found, rows, imprint=imprint),
    )
    yield "fig13_track", plot_track(found), caption_track(found, imprint=imprint)
    yield (
        "fig14_timescales",
        plot_timescales(found),
        caption_timescales(found, imprint=imprint),
    )


def _mixtures(results: Results, imprint: Imprint) -> Named:
    """The sample of the verdict, and the one that needs no eccentricity."""
    sample, found = results.sample, results.findings.mixture
    for figure, rows, words, selection, evidence in (
        (
            "fig4_mixture",
            sample.main,
            "main sample",
            part(found, lambda f: f.main),
            part(found, lambda f: f.main_evidence),
        ),
        (
            "fig5_mixture_mass_orbit",
            sample.mass_orbit,
            "all rows with mass ratio and axis",
            part(found, lambda f: f.mass_orbit),
            part(found, lambda f: f.mass_orbit_evidence),
        ),
    ):
        target, hosts = results.target, part(evidence, lambda e: e.hosts)
        yield (
            figure,
            plot_mass_mixture(rows, selection, name=words, target=target, hosts=hosts),
            caption_mass_mixture(
                selection, name=words, target=target, hosts=hosts, imprint=imprint
            ),
        )


def _eccentricities(results: Results, imprint: Imprint) -> Named:
    rows, found = results.sample.main, results.findings.eccentricity
    yield (
        "fig6_eccentricity",
        plot_eccentricity_distributions(rows, found),
        caption_eccentricity_distributions(found, imprint=imprint),
    )
    yield (
        "fig7_beta_contours",
        plot_beta_contours(found),
        caption_beta_contours(found, imprint=imprint),
    )
    yield (
        "fig8_eccentricity_trend",
        plot_eccentricity_trend(rows, found),
        caption_eccentricity_trend(rows, found, imprint=imprint),
    )


def _classifier(results: Results, imprint: Imprint) -> Named:
    rows, found = results.sample.scored, results.findings.classifier
    target = results.target
    yield (
        "fig9_classifier",
        plot_origin_probabilities(rows, found, target=target),
        caption_origin_probabilities(rows, found, target=target, imprint=imprint),
    )
    yield (
        "fig10_classifier_validation",
        plot_classifier_validation(found),
        caption_classifier_validation(found, imprint=imprint),
    )


def _robustness(results: Results, imprint: Imprint) -> Named:
    found = results.findings.robustness
    yield (
        "fig15_robustness",
        plot_robustness(found),
        caption_robustness(found, imprint=imprint),
    )
    yield (
        "fig16_missingness",
        plot_missingness(results.sample),
        caption_missingness(results.sample, imprint=imprint),
    )


FAMILIES: tuple[Family, ...] = (
    _companions,
    _migration,
    _mixtures,
    _eccentricities,
    _classifier,
    _more_migration,
    _robustness,
)


def _source(record: InputRecord) -> str:
    """Return a catalogue with its date, or with its file where no date is known."""
    stands_in = ", standing in for a fetch" if record.stands_in_because else ""
    if record.retrieved_utc:
        day = record.retrieved_utc[:10]
        return f"{record.catalogue} of {day} ({record.origin}{stands_in})"
    place = PurePath(record.location).name
    return f"{record.catalogue} ({record.origin} {place}{stands_in})"
