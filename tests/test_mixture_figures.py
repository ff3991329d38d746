"""The mixture's figure: every fitted row under its component, ellipses of the fit."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection
from matplotlib.colors import same_color
from matplotlib.patches import Ellipse
from matplotlib.path import Path

from panoptic.demographics.gaussian_mixture import CovarianceFamily, effort
from panoptic.demographics.mixture_selection import fit_mass_mixtures
from panoptic.demographics.mixture_subsets import HostResampling
from panoptic.figures.mixture_figures import (
    caption_mass_mixture,
    draw_ellipses,
    plot_mass_mixture,
)
from panoptic.figures.style import category, new_figure
from panoptic.sample import with_all_columns
from panoptic.statement import NotRun
from tests.figure_samples import (
    IMPRINT,
    TARGET,
    assert_same_bytes,
    assert_sober,
    legend_of,
    mark_of,
    objects_in,
    texts_in,
)

# Two samples of redrawn hosts, two components each.
HOSTS = HostResampling(
    n_samples=40,
    n_failed=1,
    n_two_refused=0,
    share_two=0.9,
    delta_bic=(5.0, 20.0, 30.0),
    k_counts=(4, 35),
    means=np.array([[[-4.5, -1.5], [-1.0, 0.0]], [[-1.1, 0.1], [-4.4, -1.4]]]),
    covariances=np.broadcast_to(np.diag([0.04, 0.25]), (2, 2, 2, 2)).copy(),
)


@cache
def rows():
    """Two clouds of 12, and a row without an axis."""
    rng = np.random.default_rng(7)
    clouds = [
        rng.normal(centre, 0.3, (12, 2)) for centre in ((-4.5, -1.5), (-1.0, 0.0))
    ]
    log_q, log_a = np.vstack([*clouds, [[-2.0, np.nan]]]).T
    names = [f"{i:02d} b" for i in range(len(log_q))]
    columns = {"pl_name": names, "hostname": names, "logq": log_q, "loga": log_a}
    methods = ["Transit"] * 12 + ["Imaging"] * 13
    limits = [1] + [0] * 24
    frame = pd.DataFrame(columns).assign(
        discoverymethod=methods, mass_provenance="mass", pl_bmassjlim=limits
    )
    return with_all_columns(frame)


@cache
def selection():
    return fit_mass_mixtures(
        rows()["logq"],
        rows()["loga"],
        host=rows()["hostname"],
        rng=np.random.default_rng(1),
        max_components=3,
        families=(CovarianceFamily.FULL, CovarianceFamily.TIED),
        search=effort(n_starts=12, n_polish=2),
    )


def draw(found=None):
    return plot_mass_mixture(
        rows(),
        found or selection(),
        name="main sample",
        target=TARGET,
        hosts=HOSTS,
    )


@cache
def drawn():
    return draw()


def test_every_fitted_row_is_drawn_in_the_colour_of_its_component():
    figure = drawn()
    names = list(rows()["pl_name"][:-1])
    assert objects_in(figure) == sorted([*names, "TOI-6894 b"])
    for name, label in zip(names, selection().labels, strict=False):
        colour = mark_of(figure, name).get_markerfacecolor()
        assert same_color(colour, category(label))
    assert "24 rows on 24 hosts" in texts_in(figure)


def test_the_caption_counts_what_was_left_out():
    said = caption_mass_mixture(
        selection(), name="main sample", target=TARGET, hosts=HOSTS, imprint=IMPRINT
    )
    assert "1 row without q or a left out" in said
    assert f"{selection().delta_bic:.1f}" in said
    assert "preferred in 90% of 40 samples of redrawn hosts. 2 of them are" in said
    assert_sober(said)


def test_an_ellipse_holds_what_its_gaussian_says():
    axes = new_figure(3.0, 3.0).add_subplot()
    mean, covariance = np.array([-3.0, 1.0]), np.array([[0.5, 0.3], [0.3, 0.9]])
    draw_ellipses(axes, mean, covariance, colour="black")
    log_q, log_a = (
        np.random.default_rng(3).multivariate_normal(mean, covariance, 20_000).T
    )
    shares = []
    for patch in axes.patches:
        path = patch.get_path().transformed(patch.get_patch_transform())
        shares.append(path.contains_points(np.column_stack([log_a, log_q])).mean())
    np.testing.assert_allclose(shares, [0.3935, 0.8647], atol=0.012)


def test_one_pair_of_ellipses_per_component():
    ellipses = [p for p in drawn().axes[0].patches if isinstance(p, Ellipse)]
    assert len(ellipses) == 2 * selection().chosen_k == 4


def test_ghosts_are_the_ellipses_of_redrawn_hosts_log_a_across():
    ghosts = [c for c in drawn().axes[0].collections if isinstance(c, LineCollection)]
    rings = [ring for c in ghosts for ring in c.get_segments()]
    assert len(rings) == 4
    np.testing.assert_allclose(rings[0].mean(axis=0), [-1.5, -4.5], atol=0.03)
    np.testing.assert_allclose(np.ptp(rings[0], axis=0), [1.0, 0.4], rtol=0.01)
    low_q = ghosts[0].get_segments()  # one colour, whatever order they came in
    np.testing.assert_allclose(low_q[1].mean(axis=0), [-1.4, -4.4], atol=0.03)


def test_criteria_are_drawn_for_every_mixture_that_was_fitted():
    scores = drawn().axes[1]
    lines = {line.get_label(): line.get_xydata() for line in scores.lines}
    for score in selection().scores:
        if score.bic is not None:
            place = [score.n_components, score.bic]
            assert place in lines[f"BIC, {score.family}"].tolist()
    assert "BIC, spherical" not in lines


def test_a_mass_limit_has_its_arrow_and_its_key():
    figure = drawn()
    arrows = [x for x in figure.axes[0].lines if isinstance(x.get_marker(), Path)]
    assert [arrow.get_ydata().tolist() for arrow in arrows] == [[rows()["logq"][0]]]
    assert "mass limit" in legend_of(figure)


@pytest.mark.parametrize("reason", ["3 rows on 2 hosts: one component needs 4 hosts"])
def test_a_mixture_that_was_not_run_says_why(reason):
    assert reason in texts_in(draw(NotRun(reason))).replace("\n", " ")
    said = caption_mass_mixture(
        NotRun(reason),
        name="main sample",
        target=TARGET,
        hosts=NotRun(reason),
        imprint=IMPRINT,
    )
    assert f"Not run: {reason}." in said


def test_same_bytes():
    assert_same_bytes(draw)
