"""Every companion is on the figure or in its caption, and looks like what it is."""

import dataclasses

import numpy as np
import pytest
from matplotlib.colors import same_color
from matplotlib.path import Path

from panoptic.figures.companions_figures import (
    caption_axis_eccentricity,
    caption_mass_mass,
    plot_axis_eccentricity,
    plot_mass_mass,
)
from panoptic.figures.style import continuous
from panoptic.reporting.formats import encode_figure
from tests.figure_samples import (
    IMPRINT,
    TARGET,
    assert_same_bytes,
    assert_sober,
    bars_of,
    companion_sample,
    legend_of,
    mark_of,
    objects_in,
    texts_in,
)

SAMPLE = companion_sample()
P = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, np.nan, 0.9])


def mass_mass(sample=SAMPLE, p=P, target=TARGET, target_p=0.02):
    return plot_mass_mass(sample, p, target=target, target_p=target_p)


def orbits(sample=SAMPLE, target=TARGET):
    return plot_axis_eccentricity(sample, target=target)


DRAWN_MASSES = mass_mass()
DRAWN_ORBITS = orbits()


def arrows(axes):
    """Where limits hang, and whether their arrows point down."""
    return [
        (x, y, line.get_marker().vertices[1, 1] < 0)
        for line in axes.lines
        if isinstance(line.get_marker(), Path)
        for x, y in line.get_xydata().tolist()
    ]


def test_every_mass_is_drawn_once_and_the_rest_is_counted():
    names = SAMPLE.frame["pl_name"][SAMPLE.frame["pl_bmassj"].notna()]
    assert objects_in(DRAWN_MASSES) == sorted([*names, "TOI-6894 b"])
    said = caption_mass_mass(SAMPLE, P, target=TARGET, imprint=IMPRINT)
    assert "7 rows on 6 hosts" in said
    assert "1 row not drawn: they have no companion mass" in said
    assert "(true mass 5, mass from radius 1, Msini 1)" in said
    assert "7 rows on 6 hosts" in texts_in(DRAWN_MASSES)
    assert_sober(said)


def test_marks_stand_where_the_masses_are():
    mark = mark_of(DRAWN_MASSES, "G b")
    assert (mark.get_xdata()[0], mark.get_ydata()[0]) == (0.13, 50.0)


@pytest.mark.parametrize(
    ("name", "shape"), [("A b", "o"), ("C b", "^"), ("D b", "D"), ("E b", "s")]
)
def test_shape_is_the_method(name, shape):
    assert mark_of(DRAWN_MASSES, name).get_marker() == shape


def test_fill_is_how_the_mass_is_known():
    figure = DRAWN_MASSES
    true, radius, minimum = (mark_of(figure, name) for name in ("A b", "A c", "C b"))
    assert same_color(true.get_markerfacecolor(), continuous()(0.1))
    assert radius.get_fillstyle() == "top"
    assert same_color(radius.get_markerfacecolor(), continuous()(0.2))
    assert float(radius.get_markerfacecoloralt()) > 0.8
    assert true.get_fillstyle() == minimum.get_fillstyle() == "full"
    assert same_color(minimum.get_markerfacecolor(), "white")
    assert same_color(minimum.get_markeredgecolor(), continuous()(0.4))


def test_a_limit_has_an_arrow_and_no_error_bar():
    assert arrows(DRAWN_MASSES.axes[0]) == [(0.12, 0.02, True)]
    assert "mass limit" in legend_of(DRAWN_MASSES)
    lower = companion_sample(pl_bmassjlim=[0, 0, -1, 0, 0, 0, 0, 0])
    assert arrows(mass_mass(lower).axes[0]) == [(0.12, 0.02, False)]


def test_error_bars_reach_from_error_to_error():
    bars = bars_of(DRAWN_MASSES.axes[0])
    assert [[0.13, 41.0], [0.13, 59.0]] in bars
    assert [[0.08, 50.0], [0.18, 50.0]] in bars
    assert [[0.18, 0.1], [0.18, 2.0]] in bars


def test_rows_without_a_probability_are_white_and_said():
    p = np.full(len(P), np.nan)
    figure = mass_mass(p=p, target_p=None)
    assert same_color(mark_of(figure, "A b").get_markerfacecolor(), "white")
    assert "no $P$" in legend_of(figure)
    said = caption_mass_mass(SAMPLE, p, target=TARGET, imprint=IMPRINT)
    assert "7 rows without a probability" in said


def test_the_target_is_ringed_and_named_as_what_it_is():
    changed = dataclasses.replace(TARGET, pl_bmassj=40.0, changed=("pl_bmassj",))
    figure = mass_mass(target=changed)
    assert "TOI-6894 b (modified)" in texts_in(figure)
    assert mark_of(figure, "TOI-6894 b").get_ydata()[0] == 40.0


def test_a_target_among_the_rows_is_marked_once():
    names = ["TOI-6894 b", *SAMPLE.frame["pl_name"][1:]]
    sample = companion_sample(pl_name=names)
    assert objects_in(mass_mass(sample)).count("TOI-6894 b") == 1
    assert objects_in(orbits(sample)).count("TOI-6894 b") == 1


def test_every_axis_is_drawn_above_or_in_the_strip():
    figure = DRAWN_ORBITS
    upper, lower = figure.axes[:2]
    in_strip = sorted(line.get_gid() for line in lower.lines if line.get_gid())
    assert in_strip == ["object:D b", "object:E b"]
    names = SAMPLE.frame["pl_name"][SAMPLE.frame["pl_orbsmax"].notna()]
    assert objects_in(figure) == sorted([*names, "TOI-6894 b"])
    said = caption_axis_eccentricity(SAMPLE, target=TARGET, imprint=IMPRINT)
    assert "5 rows on 4 hosts with an eccentricity" in said
    assert "2 rows on 2 hosts without an eccentricity" in said
    assert "1 row not drawn: they have no semi-major axis" in said
    assert_sober(said)


def test_an_assumed_zero_is_a_hollow_cross_and_a_limit_an_arrow():
    figure = DRAWN_ORBITS
    cross = mark_of(figure, "A b")
    assert cross.get_marker() == "X"
    assert same_color(cross.get_markerfacecolor(), "white")
    assert arrows(figure.axes[0]) == [(0.03, 0.1, True)]
    assert {"limit on $e$", "$e$ = 0 assumed"} <= set(legend_of(figure))


def test_colour_of_the_orbit_figure_is_the_mass_ratio():
    figure = DRAWN_ORBITS
    marks = [mark_of(figure, name) for name in ("A c", "E b")]
    low, high = (sum(mark.get_markerfacecolor()[:3]) for mark in marks)
    assert low < high
    assert same_color(mark_of(figure, "F b").get_markerfacecolor(), "white")


def test_a_target_without_eccentricity_stands_in_the_strip():
    unknown = dataclasses.replace(TARGET, pl_orbeccen=None)
    figure = orbits(target=unknown)
    assert "object:TOI-6894 b" in [line.get_gid() for line in figure.axes[1].lines]


def test_an_eccentricity_out_of_bounds_is_still_in_the_frame():
    sample = companion_sample(
        pl_orbeccen=[0, 0.05, 0.1, 1.3, np.nan, np.nan, -0.2, 0.4]
    )
    bottom, top = orbits(sample).axes[0].get_ylim()
    assert bottom < -0.2
    assert top >= 1.3


def test_same_bytes_in_every_format():
    assert_same_bytes(mass_mass, forms=("png", "pdf", "svg"))
    assert_same_bytes(orbits)


def test_fonts_travel_with_the_pdf():
    content = encode_figure(DRAWN_MASSES, "pdf")
    assert b"/FontFile2" in content
    assert b"/Type3" not in content


def test_points_tell_their_names_in_the_svg():
    content = encode_figure(DRAWN_MASSES, "svg").decode()
    for name in ("A b", "C b", "TOI-6894 b"):
        assert content.count(f'id="object:{name}"') == 1
