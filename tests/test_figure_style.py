"""The style of the figures: legible, in colours that all can tell apart, no pyplot."""

import re
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from panoptic.figures.style import (
    CATEGORIES,
    continuous,
    new_figure,
    plot_not_run,
    settle,
)
from panoptic.reporting.formats import encode_figure
from panoptic.statement import NotRun


def lightness(colour):
    """Relative luminance (Rec. 709 weights on linear light)."""
    value = np.array(to_rgb(colour))
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_neighbouring_categories_differ_in_grey():
    steps = np.abs(np.diff([lightness(colour) for colour in CATEGORIES[:4]]))
    assert steps.min() > 0.1


def test_the_continuous_map_rises_in_lightness():
    values = [lightness(continuous()(x)) for x in np.linspace(0, 1, 64)]
    assert np.all(np.diff(values) > 0)


def test_drawing_loads_no_pyplot():
    code = (
        "import sys;"
        "from panoptic.figures import companions_figures, migration_figures;"
        "from panoptic.figures.style import plot_not_run;"
        "from panoptic.statement import NotRun;"
        "plot_not_run('x', NotRun('y')).savefig(sys.stdout.buffer, format='svg');"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


def test_a_process_that_draws_spends_no_time_on_libraries_it_does_not_use():
    code = (
        "import sys, visualization;"
        "sys.exit(any(m in sys.modules for m in ('sklearn', 'scipy.stats')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_long_reason_stays_on_the_page():
    reason = " ".join(["only 3 rows on 2 hosts have an eccentricity"] * 6)
    figure = plot_not_run("Eccentricities of the high-q companions", NotRun(reason))
    figure.draw_without_rendering()
    (text,) = figure.axes[0].texts
    box, page = text.get_window_extent(), figure.bbox
    assert page.x0 <= box.x0
    assert box.x1 <= page.x1
    assert page.y0 <= box.y0
    assert box.y1 <= page.y1


@pytest.mark.parametrize("width", [3.35, 7.0])
def test_a_figure_has_the_width_it_was_asked_for(width):
    assert new_figure(width, 2.0).get_size_inches()[0] == width


def test_the_layout_has_no_digits_that_depend_on_memory():
    figure = new_figure(3.35, 2.0)
    for axes in figure.subplots(1, 3):
        axes.set_ylabel("label")
    settle(figure)
    for axes in figure.axes:
        points = axes.get_position(original=True).get_points()
        np.testing.assert_array_equal(points, points.round(6))
    widths = {round(axes.get_position().width, 5) for axes in figure.axes}
    assert len(widths) == 1
    assert widths.pop() < 0.3


def embedded_fonts(text):
    figure = plot_not_run(text, NotRun("a reason"))
    found = re.findall(rb"/FontName /[A-Z]{6}\+([\w-]+)", encode_figure(figure, "pdf"))
    return {name.decode() for name in found}


def test_the_small_fonts_have_all_that_figures_write():
    ours = {"PanopticSans-Regular", "PanopticSans-Oblique"}
    written = r"é $e$ − 2.7 $r_t$ × $M_*$ ≥ 10$^{-3}$ α² – “Kepler-16” $\odot$ …"
    assert embedded_fonts(written) == ours


@pytest.mark.filterwarnings("error")
def test_a_name_in_other_letters_comes_from_the_whole_font():
    assert embedded_fonts("Звезда b") == {"PanopticSans-Regular", "DejaVuSans"}


def test_the_small_fonts_draw_as_the_whole_ones_do():
    whole = FontProperties(family="DejaVu Sans")
    small = FontProperties(family="Panoptic Sans")
    for line in ("TOI-6894 b, AV To", "10⁻³ ≤ α < ½ × Å"):
        drawn = [TextPath((0, 0), line, prop=font) for font in (whole, small)]
        np.testing.assert_array_equal(drawn[0].vertices, drawn[1].vertices)
