"""Eccentricities: every row at the edge, every curve and contour from the findings."""

import dataclasses
from functools import cache

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from panoptic.demographics.companions import Companions
from panoptic.demographics.eccentricity import investigate_eccentricities
from panoptic.figures.eccentricity_figures import (
    caption_beta_contours,
    caption_eccentricity_distributions,
    caption_eccentricity_trend,
    plot_beta_contours,
    plot_eccentricity_distributions,
    plot_eccentricity_trend,
)
from panoptic.sample import with_all_columns
from panoptic.statement import NotRun
from tests.figure_samples import (
    IMPRINT,
    assert_same_bytes,
    assert_sober,
    objects_in,
    texts_in,
)

WHY = NotRun("none of 3 rows has an eccentricity")
N_LOW, N_HIGH = 20, 8


@cache
def rows():
    """20 low-q companions near 0, a quarter of them limits, and 8 high-q ones."""
    rng = np.random.default_rng(5)
    ecc = np.concatenate([rng.beta(0.8, 6.0, N_LOW), rng.beta(2.0, 2.0, N_HIGH)])
    n = N_LOW + N_HIGH
    names = [f"{i:02d} b" for i in range(n)]
    is_limit = np.arange(n) % 4 == 0
    frame = pd.DataFrame(
        {
            "pl_name": names,
            "hostname": names,
            "st_mass": 0.1,
            "pl_bmassj": [0.01] * N_LOW + [20.0] * N_HIGH,
            "q": [1e-4] * N_LOW + [0.2] * N_HIGH,
            "pl_orbsmax": 10 ** rng.uniform(-2, 0.5, n),
            "pl_orbeccen": ecc,
            "pl_orbeccenerr1": 0.02,
            "pl_orbeccenerr2": -0.02,
            "ecc_kind": np.where(is_limit, "upper_limit", "measured"),
            "ecc_bound": np.where(is_limit, ecc, np.nan),
            "discoverymethod": "Radial Velocity",
            "mass_provenance": "mass",
        }
    )
    frame["loga"] = np.log10(frame["pl_orbsmax"])
    return with_all_columns(frame)


@cache
def findings():
    return investigate_eccentricities(
        Companions.from_frame(rows()),
        q_split=0.01,
        n_bootstrap=20,
        n_permutations=19,
        rng=np.random.default_rng(1),
    )


def distributions(found=None):
    return plot_eccentricity_distributions(rows(), found or findings())


def contours(found=None):
    return plot_beta_contours(found or findings())


def trend(found=None):
    return plot_eccentricity_trend(rows(), found or findings())


def test_every_row_stands_at_the_edge_of_every_panel():
    for axes in distributions().axes:
        edges = [line for line in axes.lines if line.get_marker() in "|<>"]
        assert sum(len(line.get_xdata()) for line in edges) == N_LOW + N_HIGH
        limits = [line for line in edges if line.get_marker() == "<"]
        n_limits = sum(len(line.get_xdata()) for line in limits)
        wanted = 7 if axes.get_title(loc="left").startswith("censored") else 0
        assert n_limits == wanted


def panel_of(figure: Figure, policy: str) -> Axes:
    words = policy.replace("_", " ")
    (axes,) = [a for a in figure.axes if a.get_title("left").startswith(words)]
    return axes


def test_curves_are_those_of_the_findings():
    shown = distributions()
    for curve in findings().distributions:
        axes = panel_of(shown, curve.policy)
        steps = [line for line in axes.lines if line.get_drawstyle() == "steps-post"]
        assert any(
            np.array_equal(line.get_ydata()[1:-1], curve.share)
            and np.array_equal(line.get_xdata()[1:-1], curve.ecc)
            for line in steps
        )


def test_panels_say_rows_and_hosts_and_the_test():
    said = texts_in(distributions())
    assert "as reported: 20 on 20 hosts (low q), 8 on 8 (high q)" in said
    result = findings().tests[0].result
    assert f"{result.statistic:.2f}" in said
    assert_sober(caption_eccentricity_distributions(findings(), imprint=IMPRINT))


def test_contours_hold_the_maximum_and_fall_as_they_say():
    figure = contours()
    for surface in findings().surfaces:
        fit = findings().fit_of(surface.subset, surface.policy)
        axes = panel_of(figure, fit.policy)
        at_best = [line.get_xydata().tolist() for line in axes.lines]
        assert [[fit.alpha, fit.beta]] in at_best
    for drawn in (c for axes in figure.axes for c in axes.collections):
        np.testing.assert_allclose(drawn.levels, [1.148, 3.090])
    said = caption_beta_contours(findings(), imprint=IMPRINT)
    assert "too few to claim" in said
    assert_sober(said)


def test_contours_reach_as_far_as_the_likelihood_does_alpha_across():
    surface = findings().surfaces[0]
    alpha, beta = surface.log10_alpha, surface.log10_beta
    centre, width = (alpha.mean(), beta.mean()), (np.ptp(alpha) / 9, np.ptp(beta) / 20)
    fall = -0.5 * (
        ((alpha[:, None] - centre[0]) / width[0]) ** 2
        + ((beta[None, :] - centre[1]) / width[1]) ** 2
    )
    surface = dataclasses.replace(surface, lnl_fall=fall)
    (axes,) = contours(dataclasses.replace(findings(), surfaces=(surface,))).axes
    vertices = np.log10(
        np.concatenate(
            [path.vertices for c in axes.collections for path in c.get_paths()]
        )
    )
    reach = (vertices.max(axis=0) - vertices.min(axis=0)) / 2.0
    np.testing.assert_allclose(reach, np.sqrt(2.0 * 3.09) * np.array(width), rtol=0.05)


def test_nothing_fitted_is_said():
    none = dataclasses.replace(findings(), surfaces=(), fits=())
    assert "not run" in texts_in(contours(none))


def test_the_trend_shows_the_values_of_its_pass_and_no_line_for_few_hosts():
    figure = trend()
    is_value = rows()["ecc_kind"].eq("measured")
    assert objects_in(figure) == sorted(rows()["pl_name"][is_value])
    lines = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 40]
    assert len(lines) == 1  # 8 or fewer hosts of high q make no line
    said = caption_eccentricity_trend(rows(), findings(), imprint=IMPRINT)
    assert "no line" in said
    assert_sober(said)


def test_what_was_not_run_says_why():
    for figure in (distributions(WHY), contours(WHY), trend(WHY)):
        assert "none of 3 rows has an eccentricity" in texts_in(figure)
    for said in (
        caption_eccentricity_distributions(WHY, imprint=IMPRINT),
        caption_beta_contours(WHY, imprint=IMPRINT),
        caption_eccentricity_trend(rows(), WHY, imprint=IMPRINT),
    ):
        assert_sober(said)


@pytest.mark.parametrize("draw", [distributions, contours, trend])
def test_same_bytes(draw):
    assert_same_bytes(draw)
