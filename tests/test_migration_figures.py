"""The maps of perturbers: every cell is shown, and what it leaves out is said."""

import numpy as np
import pytest

from panoptic.dynamics.feasibility import (
    InnerOrbit,
    OuterOrbitPrior,
    PerturberGrid,
    map_feasibility,
)
from panoptic.figures.migration_figures import caption_feasibility, plot_feasibility
from panoptic.statement import NotRun
from tests.figure_samples import (
    IMPRINT,
    assert_same_bytes,
    assert_sober,
    legend_of,
    texts_in,
)

INNER = InnerOrbit(0.2, 0.23, 0.17, 0.86, (1.0, 1.0))


def feasibility(n_mass=4, n_axis=5, *, r_crit_rstar=5.0, axis=(10.0, 1000.0)):
    grid = PerturberGrid.log_spaced((0.01, 0.3), axis, n_mass=n_mass, n_axis=n_axis)
    return map_feasibility(
        grid,
        INNER,
        n_draws=300,
        horizon_gyr=1.0,
        r_crit_rstar=r_crit_rstar,
        seed=1,
        prior=OuterOrbitPrior(),
    )


def test_every_cell_is_coloured_mass_up_and_distance_across():
    found = feasibility()
    (mesh,) = [
        c for c in plot_feasibility(found).axes[0].collections if c.get_rasterized()
    ]
    np.testing.assert_array_equal(mesh.get_array(), found.fraction)
    x, y = mesh.get_coordinates()[0, :, 0], mesh.get_coordinates()[:, 0, 1]
    assert np.all((x[:-1] < found.grid.axis_au) & (found.grid.axis_au < x[1:]))
    assert np.all((y[:-1] < found.grid.mass_msun) & (found.grid.mass_msun < y[1:]))


def test_unstable_cells_are_hatched_and_in_the_legend_only_then():
    near = plot_feasibility(feasibility(axis=(3.0, 100.0)))
    far = plot_feasibility(feasibility(axis=(300.0, 1000.0)))
    assert "10% or more unstable" in legend_of(near)
    assert "10% or more unstable" not in legend_of(far)


def test_the_covered_region_has_a_border_when_there_is_one():
    label = "fraction 0.1"
    assert label in legend_of(plot_feasibility(feasibility(r_crit_rstar=50.0)))
    assert label not in legend_of(plot_feasibility(feasibility(r_crit_rstar=1.0)))


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (4, 1)])
def test_a_map_may_be_one_row_or_one_cell(shape):
    plot_feasibility(feasibility(*shape)).draw_without_rendering()


def test_caption_says_what_was_drawn():
    said = caption_feasibility(feasibility(), imprint=IMPRINT)
    assert "4 x 5 cells of 300 triples" in said
    assert "0.17 MJup starts at 1 AU" in said
    assert_sober(said)


def test_a_map_that_was_not_run_says_why():
    why = NotRun("the target has no known mass.")
    assert "not run" in texts_in(plot_feasibility(why))
    assert "the target has no known mass" in texts_in(plot_feasibility(why))
    assert_sober(caption_feasibility(why, imprint=IMPRINT))


def test_same_bytes():
    assert_same_bytes(lambda: plot_feasibility(feasibility()))
