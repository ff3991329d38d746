"""Which figure shows which finding, under which name, with which caption.

A question that was not asked keeps its figure: it says so, and why.
"""

from collections.abc import Callable
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


@dataclass(frozen=True, slots=True)
class Rendered:
    """A figure as the files of each format, and what stands under it."""

    name: str
    caption: str
    files: dict[str, bytes]  # by format


def draw(results: Results) -> dict[str, Drawn]:
    """Return every figure of a run by its name, in the order they are read."""
    return {
        name: figure(results, _imprint(results)) for name, figure in FIGURES.items()
    }


def slow_first() -> list[str]:
    """Return the names of the figures as several processes had better draw them.

    Whoever is free takes the next: a slow one at the end would keep all waiting.
    """
    return [*_SLOW, *(name for name in FIGURES if name not in _SLOW)]


def render(results: Results, name: str) -> Rendered:
    """Return the files of one figure of `FIGURES`.

    Drawing is slow Python, so the figures may be given to several processes.
    """
    drawn = FIGURES[name](results, _imprint(results))
    files = {form: encode_figure(drawn.figure, form) for form in FIGURE_FORMATS}
    return Rendered(name, drawn.caption, files)


def _imprint(results: Results) -> Imprint:
    return Imprint(
        sources=tuple(_source(record) for record in results.record.inputs),
        seed=results.record.seed,
    )


def _mass_mass(results: Results, imprint: Imprint) -> Drawn:
    sample, target = results.sample, results.target
    classifier = results.findings.classifier
    scores = binary_like_probabilities(sample.frame, classifier)
    target_score = target_probability(classifier)
    return Drawn(
        plot_mass_mass(sample, scores, target=target, target_p=target_score),
        caption_mass_mass(sample, scores, target=target, imprint=imprint),
    )


def _axis_eccentricity(results: Results, imprint: Imprint) -> Drawn:
    sample, target = results.sample, results.target
    return Drawn(
        plot_axis_eccentricity(sample, target=target),
        caption_axis_eccentricity(sample, target=target, imprint=imprint),
    )


def _perturber_maps(results: Results, imprint: Imprint) -> Drawn:
    found = results.findings.migration
    rows, orbits = results.sample.frame, results.perturbers
    return Drawn(
        plot_perturber_maps(found, rows, orbits),
        caption_perturber_maps(found, rows, orbits, imprint=imprint),
    )


def _main_mixture(results: Results, imprint: Imprint) -> Drawn:
    """The sample of the verdict."""
    found, rows = results.findings.mixture, results.sample.main
    selection = part(found, lambda f: f.main)
    hosts = part(part(found, lambda f: f.main_evidence), lambda e: e.hosts)
    name, target = "main sample", results.target
    return Drawn(
        plot_mass_mixture(rows, selection, name=name, target=target, hosts=hosts),
        caption_mass_mixture(
            selection, name=name, target=target, hosts=hosts, imprint=imprint
        ),
    )


def _mass_orbit_mixture(results: Results, imprint: Imprint) -> Drawn:
    """The sample that needs no eccentricity."""
    found, rows = results.findings.mixture, results.sample.mass_orbit
    selection = part(found, lambda f: f.mass_orbit)
    hosts = part(part(found, lambda f: f.mass_orbit_evidence), lambda e: e.hosts)
    name, target = "all rows with mass ratio and axis", results.target
    return Drawn(
        plot_mass_mixture(rows, selection, name=name, target=target, hosts=hosts),
        caption_mass_mixture(
            selection, name=name, target=target, hosts=hosts, imprint=imprint
        ),
    )


def _eccentricity_distributions(results: Results, imprint: Imprint) -> Drawn:
    found = results.findings.eccentricity
    return Drawn(
        plot_eccentricity_distributions(results.sample.main, found),
        caption_eccentricity_distributions(found, imprint=imprint),
    )


def _beta_contours(results: Results, imprint: Imprint) -> Drawn:
    found = results.findings.eccentricity
    return Drawn(
        plot_beta_contours(found), caption_beta_contours(found, imprint=imprint)
    )


def _eccentricity_trend(results: Results, imprint: Imprint) -> Drawn:
    rows, found = results.sample.main, results.findings.eccentricity
    return Drawn(
        plot_eccentricity_trend(rows, found),
        caption_eccentricity_trend(rows, found, imprint=imprint),
    )


def _origin_probabilities(results: Results, imprint: Imprint) -> Drawn:
    rows, found = results.sample.scored, results.findings.classifier
    target = results.target
    return Drawn(
        plot_origin_probabilities(rows, found, target=target),
        caption_origin_probabilities(rows, found, target=target, imprint=imprint),
    )


def _classifier_validation(results: Results, imprint: Imprint) -> Drawn:
    found = results.findings.classifier
    return Drawn(
        plot_classifier_validation(found),
        caption_classifier_validation(found, imprint=imprint),
    )


def _migration_sensitivity(results: Results, imprint: Imprint) -> Drawn:
    found = results.findings.migration
    return Drawn(
        plot_migration_sensitivity(found),
        caption_migration_sensitivity(found, imprint=imprint),
    )


def _arrivals(results: Results, imprint: Imprint) -> Drawn:
    found, rows = results.findings.migration, results.sample.frame
    return Drawn(
        plot_arrivals(found, rows), caption_arrivals(found, rows, imprint=imprint)
    )


def _track(results: Results, imprint: Imprint) -> Drawn:
    found = results.findings.migration
    return Drawn(plot_track(found), caption_track(found, imprint=imprint))


def _timescales(results: Results, imprint: Imprint) -> Drawn:
    found = results.findings.migration
    return Drawn(plot_timescales(found), caption_timescales(found, imprint=imprint))


def _robustness(results: Results, imprint: Imprint) -> Drawn:
    found = results.findings.robustness
    return Drawn(plot_robustness(found), caption_robustness(found, imprint=imprint))


def _missingness(results: Results, imprint: Imprint) -> Drawn:
    sample = results.sample
    return Drawn(plot_missingness(sample), caption_missingness(sample, imprint=imprint))


FIGURES: dict[str, Callable[[Results, Imprint], Drawn]] = {
    "fig1_massmass": _mass_mass,
    "fig2_ae": _axis_eccentricity,
    "fig3_feasibility": _perturber_maps,
    "fig4_mixture": _main_mixture,
    "fig5_mixture_mass_orbit": _mass_orbit_mixture,
    "fig6_eccentricity": _eccentricity_distributions,
    "fig7_beta_contours": _beta_contours,
    "fig8_eccentricity_trend": _eccentricity_trend,
    "fig9_classifier": _origin_probabilities,
    "fig10_classifier_validation": _classifier_validation,
    "fig11_migration_sensitivity": _migration_sensitivity,
    "fig12_arrivals": _arrivals,
    "fig13_track": _track,
    "fig14_timescales": _timescales,
    "fig15_robustness": _robustness,
    "fig16_missingness": _missingness,
}
_SLOW = ("fig15_robustness", "fig3_feasibility", "fig1_massmass", "fig13_track")


def _source(record: InputRecord) -> str:
    """Return a catalogue with its date, or with its file where no date is known."""
    stands_in = ", standing in for a fetch" if record.stands_in_because else ""
    if record.retrieved_utc:
        day = record.retrieved_utc[:10]
        return f"{record.catalogue} of {day} ({record.origin}{stands_in})"
    place = PurePath(record.location).name
    return f"{record.catalogue} ({record.origin} {place}{stands_in})"
