"""Which figure is drawn for which finding, and what stands under it."""

from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from panoptic.figures.captions import Imprint
from panoptic.figures.companions_figures import (
    caption_axis_eccentricity,
    caption_mass_mass,
    plot_axis_eccentricity,
    plot_mass_mass,
)
from panoptic.figures.migration_figures import caption_feasibility, plot_feasibility
from panoptic.figures.mixture_figures import caption_mass_mixture, plot_mass_mixture
from panoptic.findings import Results, score_table
from panoptic.statement import NotRun

_MAIN_SAMPLE = "main sample"


class Drawn(NamedTuple):
    """A figure with its caption."""

    figure: Figure
    caption: str


def draw(results: Results) -> dict[str, Drawn]:
    """Return the figures of a run by the names of their files.

    A question that was not asked has a figure too: it says why.
    """
    imprint = _imprint(results)
    return {
        "fig1_massmass": _mass_mass(results, imprint),
        "fig2_ae": _axis_eccentricity(results, imprint),
        "fig3_feasibility": _feasibility(results, imprint),
        "fig4_mixture": _mixture(results, imprint),
    }


def _imprint(results: Results) -> Imprint:
    sources = tuple(
        " ".join(filter(None, (entry.catalogue, entry.retrieved_utc)))
        for entry in results.record.inputs
    )
    return Imprint(sources, results.record.seed)


def _mass_mass(results: Results, imprint: Imprint) -> Drawn:
    classifier = results.findings.classifier
    target_p = None
    if not isinstance(classifier, NotRun):
        target_p = classifier.headline.target.probability.value
    p_binary_like = _p_binary_like(results)
    return Drawn(
        plot_mass_mass(
            results.sample, p_binary_like, target=results.target, target_p=target_p
        ),
        caption_mass_mass(
            results.sample, p_binary_like, target=results.target, imprint=imprint
        ),
    )


def _p_binary_like(results: Results) -> NDArray[np.float64]:
    """The headline probability of every row of the sample, NaN where it has none."""
    frame = results.sample.frame
    scores = score_table(results.sample, results.findings.classifier)
    probability = np.full(len(frame), np.nan)
    probability[frame["q"].notna()] = scores["P_binary_like"]
    return probability


def _axis_eccentricity(results: Results, imprint: Imprint) -> Drawn:
    return Drawn(
        plot_axis_eccentricity(results.sample, target=results.target),
        caption_axis_eccentricity(
            results.sample, target=results.target, imprint=imprint
        ),
    )


def _feasibility(results: Results, imprint: Imprint) -> Drawn:
    migration = results.findings.migration
    found = migration if isinstance(migration, NotRun) else migration.criterion
    return Drawn(plot_feasibility(found), caption_feasibility(found, imprint=imprint))


def _mixture(results: Results, imprint: Imprint) -> Drawn:
    mixture = results.findings.mixture
    selection = mixture if isinstance(mixture, NotRun) else mixture.main
    return Drawn(
        plot_mass_mixture(
            results.sample.main, selection, name=_MAIN_SAMPLE, target=results.target
        ),
        caption_mass_mixture(
            selection, name=_MAIN_SAMPLE, target=results.target, imprint=imprint
        ),
    )
