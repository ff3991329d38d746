"""Migration: every cell, variant and companion of the findings is on its figure."""

import dataclasses
from functools import cache

import numpy as np
import pandas as pd
import pytest

from panoptic.dynamics.arrivals import ObservedCompanion
from panoptic.dynamics.disk_torque import DiskRanges
from panoptic.dynamics.migration import MigrationSettings, investigate_migration
from panoptic.dynamics.outcomes import Outcome
from panoptic.dynamics.perturbers import OuterOrbitPrior, PerturberGrid
from panoptic.dynamics.secular_map import SecularModel
from panoptic.figures.migration_figures import (
    caption_arrivals,
    caption_migration_sensitivity,
    plot_arrivals,
    plot_migration_sensitivity,
)
from panoptic.figures.perturber_maps import caption_perturber_maps, plot_perturber_maps
from panoptic.figures.timescale_figures import (
    caption_timescales,
    caption_track,
    plot_timescales,
    plot_track,
)
from panoptic.statement import NotRun
from tests.figure_samples import (
    IMPRINT,
    assert_same_bytes,
    assert_sober,
    companion_sample,
    legend_of,
    objects_in,
    texts_in,
)

WHY = NotRun("TOI-6894 b has no mass or no semi-major axis")
ROWS = companion_sample().frame
ORBITS = pd.DataFrame(  # on the map, too close, and without a mass
    {
        "hostname": ["A", "B", "C"],
        "m2_msun": [0.05, 0.05, np.nan],
        "a_au": [40.0, 0.3, 50.0],
    }
)


@cache
def findings(n_mass=3, n_axis=4, nearest_au=20.0):
    """A small map of a perturber-rich prior: nearly every triple is driven inwards."""
    settings = MigrationSettings(
        grid=PerturberGrid.log_spaced(
            (0.01, 0.3), (nearest_au, 200.0), n_mass=n_mass, n_axis=n_axis
        ),
        inner_axis_au=(1.0, 1.0),
        prior=OuterOrbitPrior(inclination_range_deg=(80.0, 90.0)),
        secular=SecularModel(horizon_gyr=0.01, horizons_gyr=(0.01,), time_lag_s=100.0),
        seed=3,
        n_draws=200,
        n_secular_draws=6,
        n_changed_draws=1,
        n_companion_draws=6,
        disk=DiskRanges(n_points=2),
    )
    target = ObservedCompanion("TOI-6894 b", 0.207, 0.168, 0.026, 0.2276, 0.855)
    companions = [
        ObservedCompanion("A b", 0.09, 0.004, 0.01, n_siblings=1),
        ObservedCompanion("A c", 0.09, 0.005, 0.02, n_siblings=1),
        ObservedCompanion("B b", 0.12, None, 0.03),
        ObservedCompanion("E b", 0.07, 12.0, 100.0),
    ]
    return investigate_migration(target, companions, settings=settings)


def maps(found=None):
    return plot_perturber_maps(found or findings(), ROWS, ORBITS)


def sensitivity(found=None):
    return plot_migration_sensitivity(found or findings())


def arrivals(found=None):
    return plot_arrivals(found or findings(), ROWS)


def track(found=None):
    return plot_track(found or findings())


def timescales(found=None):
    return plot_timescales(found or findings())


@cache
def drawn_maps():
    return maps()


def meshes(figure):
    return [c for a in figure.axes for c in a.collections if c.get_rasterized()]


def test_every_cell_is_coloured_mass_up_and_distance_across():
    criterion, secular = meshes(drawn_maps())
    found, grid = findings(), findings().grid
    np.testing.assert_array_equal(criterion.get_array(), found.criterion.fraction)
    np.testing.assert_array_equal(
        secular.get_array(), found.secular.fraction(Outcome.MIGRATED)
    )
    for mesh in (criterion, secular):
        x, y = mesh.get_coordinates()[0, :, 0], mesh.get_coordinates()[:, 0, 1]
        assert np.all((x[:-1] < grid.axis_au) & (grid.axis_au < x[1:]))
        assert np.all((y[:-1] < grid.mass_msun) & (grid.mass_msun < y[1:]))


def test_unstable_cells_are_hatched():
    counts = findings().criterion.n_unstable / 200
    hatched = [c for c in drawn_maps().axes[0].collections if c.get_hatch()]
    assert sum(len(c.get_paths()) for c in hatched) == np.sum(counts >= 0.1)


def test_companions_of_the_plane_are_marked():
    assert objects_in(drawn_maps()) == ["E b", "E b"]
    said = caption_perturber_maps(findings(), ROWS, ORBITS, imprint=IMPRINT)
    assert "known companion (Imaging) 1, Gaia DR3 orbit of a host 1" in said
    assert "known companion (Imaging)" in legend_of(drawn_maps())
    stars = [line for line in drawn_maps().axes[1].lines if line.get_marker() == "*"]
    assert [(s.get_xdata()[0], s.get_ydata()[0]) for s in stars] == [(40.0, 0.05)]
    without = plot_perturber_maps(findings(), ROWS, None)
    assert "Gaia DR3 orbit of a host" not in legend_of(without)


def test_the_caption_counts_every_outcome():
    said = caption_perturber_maps(findings(), ROWS, ORBITS, imprint=IMPRINT)
    for outcome in Outcome:
        share = findings().secular.count(outcome).sum() / findings().secular.n_total
        assert f"{outcome.name.lower()} {share:.2%}" in said
    assert_sober(said)


@pytest.mark.parametrize("name", ["criterion", "secular"])
def test_one_map_may_be_missing(name):
    why = NotRun("only the other map was asked for")
    found = dataclasses.replace(findings(), **{name: why})
    assert len(meshes(maps(found))) == 1
    assert "only the other map was asked for" in texts_in(maps(found)).replace(
        "\n", " "
    )
    assert_sober(caption_perturber_maps(found, ROWS, ORBITS, imprint=IMPRINT))
    assert_sober(caption_arrivals(found, ROWS, imprint=IMPRINT))
    timescales(found).draw_without_rendering()


def test_no_disk_moves_a_body_in_a_cavity():
    assert any("disk torque" in row for row in rows_of(timescales()))
    heavy = dataclasses.replace(findings().disk_today, companion_mass_mjup=30.0)
    found = dataclasses.replace(findings(), disk_today=heavy, disk_at_start=heavy)
    assert not any("disk torque" in row for row in rows_of(timescales(found)))
    assert "a cavity of the disk" in caption_timescales(found, imprint=IMPRINT)


def rows_of(figure):
    """What stands beside the rows of the figure of timescales."""
    return [label.get_text() for label in figure.axes[0].get_yticklabels()]


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (3, 1)])
def test_a_map_may_be_one_row_or_one_cell(shape):
    maps(findings(*shape)).draw_without_rendering()


def test_every_variant_has_its_line_with_all_three_shares():
    left, right = sensitivity().axes
    variants = findings().secular_variants
    assert len(left.get_yticks()) == len(variants)
    xs = [x for line in left.lines for x in line.get_xdata()]
    for variant in variants:
        assert {variant.migrated, variant.arrived, variant.disrupted} <= set(xs)
    assert len(right.texts) == len(findings().criterion_variants)


def test_every_close_companion_stands_at_its_axis():
    figure = arrivals()
    asked = [one for one in findings().companions if one.arrival]
    assert objects_in(figure) == sorted(one.companion.name for one in asked)
    said = caption_arrivals(findings(), ROWS, imprint=IMPRINT)
    assert "2 close companions on 1 host," in said
    assert "no mass is known 1" in said
    assert "not close 1" in said
    assert_sober(said)


def test_nobody_asked_is_said():
    none = dataclasses.replace(findings(), companions=())
    assert "not run" in texts_in(arrivals(none))
    assert_sober(caption_arrivals(none, ROWS, imprint=IMPRINT))


def test_the_track_draws_every_kept_point_of_four_quantities():
    panels, example = track().axes, findings().example
    for axes, values in zip(
        panels,
        (example.ecc, example.inclination_deg, example.a_au, example.pericentre_au),
        strict=True,
    ):
        np.testing.assert_array_equal(axes.lines[0].get_ydata(), values)
    assert_sober(caption_track(findings(), imprint=IMPRINT))


def test_times_span_what_the_findings_say():
    axes = timescales().axes[0]
    spans = [list(line.get_xdata()) for line in axes.lines]
    found = findings()
    times = found.criterion.t_kl_median_yr
    assert [times.min(), times.max()] in spans
    for disk in (found.disk_today, found.disk_at_start):
        assert [disk.time_yr.low, disk.time_yr.high] in spans
    assert list(found.stellar_tide.spiral_in_time_yr) in spans
    assert_sober(caption_timescales(found, imprint=IMPRINT))


def test_captions_of_what_was_changed():
    said = caption_migration_sensitivity(findings(), imprint=IMPRINT)
    assert "integrated anew" in said
    assert_sober(said)


@pytest.mark.parametrize("draw", [maps, sensitivity, arrivals, track, timescales])
def test_what_was_not_run_says_why(draw):
    assert WHY.reason in texts_in(draw(WHY)).replace("\n", " ")


def test_captions_of_what_was_not_run():
    for said in (
        caption_perturber_maps(WHY, ROWS, None, imprint=IMPRINT),
        caption_migration_sensitivity(WHY, imprint=IMPRINT),
        caption_arrivals(WHY, ROWS, imprint=IMPRINT),
        caption_track(WHY, imprint=IMPRINT),
        caption_timescales(WHY, imprint=IMPRINT),
    ):
        assert f"Not run: {WHY.reason}." in said
        assert_sober(said)


@pytest.mark.parametrize("draw", [maps, sensitivity, arrivals, track, timescales])
def test_same_bytes(draw):
    assert_same_bytes(draw)
