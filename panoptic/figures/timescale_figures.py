"""How long things take: every way in on one scale of time, and one way in followed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from panoptic.dynamics.disk_torque import Band, DiskRegime, DiskTorque
from panoptic.dynamics.migration_findings import (
    MigrationFindings,
    PericentreThresholds,
)
from panoptic.figures.captions import Imprint, caption, caption_not_run
from panoptic.figures.style import (
    BLUE,
    FAINT,
    GREEN,
    INK,
    ORANGE,
    PAGE_INCH,
    QUIET,
    VERMILION,
    house_style,
    legend_above,
    new_figure,
    plot_not_run,
)
from panoptic.statement import NotRun

_TIMESCALES = "How long each way in takes"
_TRACK = "One way in, followed"
_AGE_OF_THE_UNIVERSE_YR = 13.8e9  # Planck 2018 results VI (unverified); for scale only
_CLOCK: dict[str, Any] = {"color": QUIET, "linewidth": 0.9}


@dataclass(frozen=True, slots=True)
class _Span:
    """One process: its shortest, middle and longest time, years."""

    label: str
    low: float
    median: float | None
    high: float
    colour: str


@house_style()
def plot_timescales(found: MigrationFindings | NotRun) -> Figure:
    """Draw the times of perturbers, disk and tides beside those at hand."""
    if isinstance(found, NotRun):
        return plot_not_run(_TIMESCALES, found)
    spans = list(_spans(found))
    figure = new_figure(PAGE_INCH, 0.95 + 0.24 * len(spans))
    axes = figure.add_subplot()
    for place, span in enumerate(reversed(spans)):
        axes.plot(
            [span.low, span.high],
            [place, place],
            color=span.colour,
            linewidth=5.0,
            solid_capstyle="butt",
            alpha=0.75,
        )
        axes.plot(
            [span.low, span.high],
            [place, place],
            linestyle="none",
            marker="|",
            color=INK,
            markersize=7.0,
        )
        if span.median is not None:
            axes.plot([span.median], [place], marker="o", color=INK, markersize=3.2)
    _draw_clocks(axes, found)
    axes.set(
        xscale="log",
        xlabel="Time (yr)",
        yticks=range(len(spans)),
        yticklabels=[span.label for span in reversed(spans)],
        ylim=(-0.7, len(spans) - 0.3),
    )
    axes.tick_params(axis="y", length=0)
    axes.set_title(found.target.name)
    legend_above(figure, _clock_keys(), ncols=4)
    return figure


def caption_timescales(found: MigrationFindings | NotRun, *, imprint: Imprint) -> str:
    """Say what each time is and over what it ranges."""
    if isinstance(found, NotRun):
        return caption_not_run(_TIMESCALES, found, imprint)
    ranges, tide = found.disk_today.ranges, found.stellar_tide
    q_primes = " and ".join(f"{q:.0e}" for q in tide.q_prime)
    sentences = [
        f"For {found.target.name}, {found.inner.companion_mass_mjup:g} MJup at "
        f"{found.disk_today.axis_au:g} AU of {found.inner.host_mass_msun:g} Msun.",
        "Kozai-Lidov: the median time of each cell, from the fastest to the slowest "
        "cell of the map.",
        _disk_sentence(found),
        f"Stellar tide: time to spiral in, Q' of {q_primes}.",
        f"Shaded: the lifetime of a disk, {ranges.lifetime_myr[0]:g} to "
        f"{ranges.lifetime_myr[1]:g} Myr; dashed: the horizon of the map; dotted: the "
        "age of the Universe.",
    ]
    return caption(_TIMESCALES, sentences, imprint)


def _disk_sentence(found: MigrationFindings) -> str:
    if not _disks_of_planets(found):
        return "Disk: none, so massive a companion stands in a cavity of the disk."
    ranges = found.disk_today.ranges
    return (
        f"Disk: over surface densities of {ranges.sigma_g_cm2[0]:g} to "
        f"{ranges.sigma_g_cm2[1]:g} g/cm2 at 1 AU, ages of {ranges.age_myr[0]:g} to "
        f"{ranges.age_myr[1]:g} Myr, slopes of {ranges.slope[0]:g} to "
        f"{ranges.slope[1]:g} and viscosities of {ranges.alpha[0]:g} to "
        f"{ranges.alpha[1]:g}; dots are medians. Type I: whether or not a gap opens; "
        "disk torque: of the regime that applies, with the share of the disks in "
        "which a gap opens."
    )


@house_style()
def plot_track(found: MigrationFindings | NotRun) -> Figure:
    """Draw e, i, a and the pericentre of one triple against time."""
    if isinstance(found, NotRun):
        return plot_not_run(_TRACK, found)
    example, thresholds = found.example, found.thresholds
    if isinstance(example, NotRun):
        return plot_not_run(_TRACK, example)
    figure = new_figure(PAGE_INCH, 4.6)
    panels = figure.subplots(4, 1, sharex=True)
    quantities = (
        (example.ecc, "$e$", (0.0, 1.0), BLUE),
        (example.inclination_deg, "$i$ (deg)", None, BLUE),
        (example.a_au, "$a$ (AU)", None, INK),
        (example.pericentre_au, "$a(1-e)$ (AU)", None, INK),
    )
    for axes, (values, label, limits, colour) in zip(panels, quantities, strict=True):
        axes.plot(example.t_yr / 1e6, values, color=colour, linewidth=0.7)
        axes.set_ylabel(label)
        if limits:
            axes.set_ylim(*limits)
    panels[1].axhline(90.0, color=QUIET, linewidth=0.6, linestyle="--")
    for axes in panels[2:]:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
    for distance, _, line in _deciding(thresholds):
        panels[3].axhline(distance, color=VERMILION, linewidth=0.8, linestyle=line)
    panels[0].set_xlim(0.0, example.t_yr[-1] / 1e6)
    figure.align_ylabels(panels)
    panels[3].set_xlabel("Time (Myr)")
    panels[0].set_title(
        f"{example.outcome}: {example.perturber_mass_msun:.3g} "
        rf"$M_\odot$ at {example.perturber_axis_au:.3g} AU, "
        f"$e$ = {example.perturber_ecc:.2f}, $i$ = "
        f"{example.first_inclination_deg:.1f} deg"
    )
    keys = [
        Line2D([], [], color=VERMILION, linewidth=0.8, linestyle=line, label=words)
        for _, words, line in _deciding(thresholds)
    ]
    figure.legend(handles=keys, loc="outside lower left", ncols=len(keys))
    return figure


def caption_track(found: MigrationFindings | NotRun, *, imprint: Imprint) -> str:
    """Say which triple it is and what the lines are."""
    if isinstance(found, NotRun):
        return caption_not_run(_TRACK, found, imprint)
    example, thresholds = found.example, found.thresholds
    if isinstance(example, NotRun):
        return caption_not_run(_TRACK, example, imprint)
    lines = ", ".join(
        f"{words} at {distance:.3g} AU" for distance, words, _ in _deciding(thresholds)
    )
    sentences = [
        f"The first triple that {_TOLD_AS[example.outcome]} in the cell of the map "
        "where most did (draw "
        f"{example.draw + 1}): a perturber of {example.perturber_mass_msun:.3g} Msun "
        f"at {example.perturber_axis_au:.3g} AU with eccentricity "
        f"{example.perturber_ecc:.2f}, inclined by {example.first_inclination_deg:.1f} "
        f"deg; the companion starts at {example.first_axis_au:.3g} AU.",
        f"It was decided at {example.decided_at_yr:.3g} yr. {len(example.t_yr)} of "
        f"{example.n_steps + 1} points are drawn, those that make the line.",
        "Inclination: to the initial plane of the outer orbit; dashed at 90 deg.",
        f"Pericentre lines: {lines}.",
    ]
    return caption(_TRACK, sentences, imprint)


def _deciding(thresholds: PericentreThresholds) -> tuple[tuple[float, str, Any], ...]:
    """Return the distances that decide, what they are, and their lines."""
    return (
        (thresholds.disruption_au, "disruption", "-"),
        (thresholds.arrival_au, "half of today's axis", "--"),
        (thresholds.criterion_au, "criterion", ":"),
    )


_TOLD_AS = {"migrated": "migrated", "disrupted": "was disrupted"}


def _spans(found: MigrationFindings) -> Iterator[_Span]:
    if not isinstance(found.criterion, NotRun):
        times = found.criterion.t_kl_median_yr
        middle = float(np.median(times))
        low, high = float(times.min()), float(times.max())
        yield _Span("Kozai-Lidov cycle", low, middle, high, BLUE)
    for disk in _disks_of_planets(found):
        where = f"at {disk.axis_au:.2g} AU"
        yield _of_band(f"Type I torque {where}", disk.type_i_time_yr)
        gap = f"gap in {disk.gap_share:.0%}"
        yield _of_band(f"disk torque {where} ({gap})", disk.time_yr)
    times_in = found.stellar_tide.spiral_in_time_yr
    yield _Span(
        f"stellar tide at {found.stellar_tide.axis_au:.2g} AU",
        min(times_in),
        None,
        max(times_in),
        GREEN,
    )


def _disks_of_planets(found: MigrationFindings) -> list[DiskTorque]:
    """Return the disk torques whose formulas hold; a body in a cavity has none."""
    disks = (found.disk_at_start, found.disk_today)
    return [disk for disk in disks if disk.regime is not DiskRegime.CAVITY]


def _of_band(label: str, band: Band) -> _Span:
    return _Span(label, band.low, band.median, band.high, ORANGE)


def _draw_clocks(axes: Axes, found: MigrationFindings) -> None:
    shortest, longest = found.disk_today.ranges.lifetime_myr
    axes.axvspan(shortest * 1e6, longest * 1e6, color=FAINT, alpha=0.5, zorder=0.4)
    axes.axvline(found.horizon_gyr * 1e9, linestyle="--", **_CLOCK, zorder=0.5)
    axes.axvline(_AGE_OF_THE_UNIVERSE_YR, linestyle=":", **_CLOCK, zorder=0.5)


def _clock_keys() -> list[Artist]:
    return [
        Line2D([], [], color=INK, marker="o", markersize=3.2, lw=0, label="median"),
        Patch(color=FAINT, alpha=0.5, label="disk lifetime"),
        Line2D([], [], **_CLOCK, linestyle="--", label="horizon of the map"),
        Line2D([], [], **_CLOCK, linestyle=":", label="age of the Universe"),
    ]
