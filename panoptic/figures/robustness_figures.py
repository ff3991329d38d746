"""What the answers rest on: every check on one page, and what each method measures."""

from collections.abc import Callable, Iterator, Sequence
from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from panoptic.demographics.control_populations import (
    EccentricityControl,
    MixtureControl,
)
from panoptic.demographics.origin_classifier import QuickScore
from panoptic.demographics.robustness_findings import (
    Check,
    RobustnessFindings,
    RobustnessRow,
)
from panoptic.demographics.variant_measures import EccentricityCheck, MixtureCheck
from panoptic.figures.captions import (
    Imprint,
    caption,
    caption_not_run,
    counted,
    in_words,
    rows_on_hosts,
)
from panoptic.figures.forest import ForestLine, draw_forest, height_inch
from panoptic.figures.marks import key
from panoptic.figures.style import (
    BLUE,
    INK,
    PAGE_INCH,
    PAPER,
    QUIET,
    continuous,
    house_style,
    legend_above,
    new_figure,
    plot_not_run,
)
from panoptic.sample import CompanionSample, EccKind, MassProvenance
from panoptic.statement import NotRun

_LABEL_WIDTH = 46  # characters
_ROBUSTNESS = "The answers under every check"
_MISSINGNESS = "What each detection method measures"
_ALL = "all methods"
_DARK_BELOW = 0.6  # of the colour scale: text on it is pale


@house_style()
def plot_robustness(found: RobustnessFindings | NotRun) -> Figure:
    """Draw what mixture, eccentricities and classifier answer in each check.

    One line per variant of the sample, the sample as it is on top and as a line
    through each panel.
    """
    if isinstance(found, NotRun):
        return plot_not_run(_ROBUSTNESS, found)
    rows = found.rows
    questions = (
        (_lines(rows, "main", _mixture_line), "BIC(1) $-$ BIC(2)", (0.0,), 36),
        (
            _lines(rows, "eccentricity", _ecc_line),
            "KS $D$ of $e$; $p$ by host",
            (),
            30,
        ),
        (_lines(rows, "origins", _origin_line), "AUROC", (0.5,), 18),
        (_coverage_lines(rows), "cells covered", (), 16),
    )
    first = questions[0][0]
    figure = new_figure(PAGE_INCH, height_inch(first) + 0.75)
    panels = figure.subplots(1, 4, width_ratios=[1.3, 1.1, 0.7, 0.55])
    for axes, (lines, label, references, longest) in zip(
        panels, questions, strict=True
    ):
        draw_forest(axes, lines, references=references, longest_remark=longest)
        axes.set_xlabel(label)
        if lines and lines[0].value is not None:
            axes.axvline(lines[0].value, color=BLUE, linewidth=0.7, zorder=0.8)
    _add_mass_orbit(panels[0], found.rows)
    for axes in panels[1:]:
        axes.set_yticklabels([])
    panels[0].tick_params(axis="y", labelsize=5.5)
    panels[1].set(xlim=(0.0, 1.45), xticks=[0.0, 0.5, 1.0])  # p stands beyond 1
    panels[2].set(xlim=(0.3, 1.05), xticks=[0.5, 1.0])
    panels[3].set(xlim=(-0.05, 1.05), xticks=[0.0, 1.0])
    keys = [
        key("o", "main sample", colour=INK),
        key("D", "$e$ not needed", colour=PAPER),
        Line2D([], [], color=BLUE, linewidth=0.7, label="as it is"),
        Line2D([], [], color=QUIET, linewidth=0.7, linestyle="--", label="no effect"),
    ]
    legend_above(figure, keys)
    return figure


def caption_robustness(found: RobustnessFindings | NotRun, *, imprint: Imprint) -> str:
    """Say what was varied, and how often the same rules are fooled or blind."""
    if isinstance(found, NotRun):
        return caption_not_run(_ROBUSTNESS, found, imprint)
    drawn = sorted({row.n_draws for row in found.rows if row.n_draws > 1})
    sentences = [
        f"{counted(len(found.rows), 'variant')} of the sample, rows (on hosts) of the "
        "main sample behind each name. Left: two Gaussians against one in (log q, log "
        "a), positive where two are preferred, without the demand for an eccentricity "
        "in white. Middle: distance of the distributions of e of low and high q, with "
        "p by host. Right: headline classifier on held-out hosts.",
        f"Bars span 95 % of {' or '.join(map(str, drawn))} draws where masses were "
        "drawn."
        if drawn
        else "",
        "Rightmost: share of the cells of the criterion's map that reach a fraction of "
        "0.1. A line is empty where a check does not touch the question; where it "
        "could not be asked the reason stands in it, and in full in robustness.csv.",
        *_mixture_controls(found.mixture_controls),
        *_eccentricity_controls(found.eccentricity_controls),
    ]
    return caption(_ROBUSTNESS, sentences, imprint)


@house_style()
def plot_missingness(sample: CompanionSample) -> Figure:
    """Draw, for each method, the share of its rows in which a quantity is known."""
    known = _known(sample.frame)
    methods = _methods(sample.frame)
    figure = new_figure(PAGE_INCH, 0.75 + 0.27 * (len(methods) + 1))
    axes = figure.add_subplot()
    counts = [known[of_method].sum() for of_method in methods.values()]
    totals = np.array([int(of_method.sum()) for of_method in methods.values()])
    table = np.array(counts, dtype=int).reshape(len(totals), known.shape[1])
    share = table / totals[:, None]
    axes.pcolormesh(
        share, cmap=continuous(), norm=Normalize(0, 1), edgecolors=PAPER, linewidth=1.0
    )
    for (i, k), value in np.ndenumerate(table):
        pale = share[i, k] < _DARK_BELOW
        axes.text(
            k + 0.5,
            i + 0.5,
            f"{value}",
            ha="center",
            va="center",
            color=PAPER if pale else INK,
        )
    labels = [f"{name} ({n})" for name, n in zip(methods, totals, strict=True)]
    _frame_table(axes, labels, list(known))
    hosts = sample.frame["hostname"].nunique()
    axes.set_title(rows_on_hosts(len(sample.frame), hosts))
    return figure


def caption_missingness(sample: CompanionSample, *, imprint: Imprint) -> str:
    """Say what the table of what is known counts."""
    frame = sample.frame
    hosts = frame["hostname"].nunique()
    n_main = int(frame["in_main_sample"].sum())
    sentences = [
        f"{rows_on_hosts(len(frame), hosts)}: how many rows of each detection method "
        "(their number in brackets) have the quantity; the colour is the share, from "
        "none (dark) to all (light).",
        "'True mass' leaves out minimum masses, masses from a radius and limits; "
        "'measured e' leaves out limits, assumed zeros and values that are all noise.",
        f"The last column is the main sample ({n_main} rows): which methods the "
        "demand for an eccentricity leaves in.",
    ]
    return caption(_MISSINGNESS, sentences, imprint)


# What a check leaves as it is, by its own definition: nothing is drawn there.
_UNTOUCHED = {
    Check.READING: ("main", "origins"),
    Check.ERRORS: ("eccentricity", "origins"),
    Check.ANCHORS: ("main", "eccentricity"),
    Check.ONE_PER_HOST: ("origins",),
    Check.HOST_MASSES: ("origins",),
    Check.INCLINATIONS: ("origins",),
    Check.MIGRATION_MAP: ("main", "eccentricity", "origins"),
}


def _lines(
    rows: Sequence[RobustnessRow], question: str, line_of: Callable[..., ForestLine]
) -> list[ForestLine]:
    """Return a line per row: its answer, the reason for none, or empty if untouched.

    question : the field of the rows that holds the answer.
    """
    lines = []
    for row in rows:
        answer, place = getattr(row, question), _place(row, rows)
        if not isinstance(answer, NotRun):
            lines.append(line_of(answer, **place))
        elif question in _UNTOUCHED.get(row.check, ()):
            lines.append(ForestLine(value=None, is_empty=True, **place))
        else:
            lines.append(ForestLine(value=None, remark=answer.reason, **place))
    return lines


def _mixture_line(check: MixtureCheck, **place: Any) -> ForestLine:
    return ForestLine(
        value=check.delta_bic,
        low=check.delta_bic_low,
        high=check.delta_bic_high,
        remark="two could not be fitted",
        **place,
    )


def _ecc_line(check: EccentricityCheck, **place: Any) -> ForestLine:
    p = check.peto_p_host if check.ks_d is None else check.ks_p_host
    words = "" if p is None else f"{p:.2g}"
    return ForestLine(
        value=check.ks_d,
        low=check.ks_d_low,
        high=check.ks_d_high,
        remark=f"Peto-Peto p = {words}" if words else "no KS test",
        note=words if check.ks_d is not None else "",
        **place,
    )


def _origin_line(check: QuickScore, **place: Any) -> ForestLine:
    return ForestLine(value=check.auroc, **place)


def _coverage_lines(rows: Sequence[RobustnessRow]) -> list[ForestLine]:
    return [
        ForestLine(
            value=row.coverage, is_empty=row.coverage is None, **_place(row, rows)
        )
        for row in rows
    ]


def _place(row: RobustnessRow, rows: Sequence[RobustnessRow]) -> dict[str, Any]:
    """Return a line's label, and whether another kind of check starts with it."""
    at = next(i for i, other in enumerate(rows) if other is row)
    starts = at > 0 and rows[at - 1].check is not row.check
    return {"label": _label(row), "gap_before": starts}


def _add_mass_orbit(axes: Axes, rows: Sequence[RobustnessRow]) -> None:
    """Add the sample that needs no eccentricity to the panel of the mixtures."""
    places = axes.get_yticks()
    for row, y in zip(rows, places, strict=True):
        part = row.mass_orbit
        if isinstance(part, NotRun) or part.delta_bic is None:
            continue
        if part.delta_bic_low is not None and part.delta_bic_high is not None:
            ends = [part.delta_bic_low, part.delta_bic_high]
            axes.plot(ends, [y - 0.3] * 2, color=QUIET, linewidth=0.8)
        axes.add_line(_mass_orbit_mark(part.delta_bic, y - 0.3))
    axes.autoscale_view(scaley=False)


def _mass_orbit_mark(x: float, y: float) -> Line2D:
    """Return the mark of the sample that needs no eccentricity, at a place."""
    mark = key("D", "", colour=PAPER)
    mark.set(xdata=[x], ydata=[y], markersize=3.0)
    return mark


def _label(row: RobustnessRow) -> str:
    """Return the variant's name with its rows and hosts."""
    what = in_words(row.name) if row.check is Check.READING else row.name
    name = f"{row.check}: {what}" if what else str(row.check)
    if not isinstance(row.main, NotRun):
        name += f" ({row.main.n_rows}/{row.main.n_hosts})"
    return fill(name, _LABEL_WIDTH)


def _mixture_controls(
    controls: tuple[MixtureControl, ...] | NotRun,
) -> Iterator[str]:
    if isinstance(controls, NotRun):
        yield f"Mixture controls not run: {controls.reason.rstrip('.')}."
        return
    for one in controls:
        yield (
            f"Control, {one.how}: BIC prefers two in {one.share_two:.0%} of "
            f"{one.n_simulations} samples, by 10 or more in "
            f"{one.share_very_strong:.0%}{_beyond_methods(one)}."
        )


def _beyond_methods(one: MixtureControl) -> str:
    if one.share_beyond_methods is None:
        return ""
    return (
        f"; they are better than one population per method in "
        f"{one.share_beyond_methods:.0%} of {one.n_method_tests}"
    )


def _eccentricity_controls(
    controls: tuple[EccentricityControl, ...] | NotRun,
) -> Iterator[str]:
    if isinstance(controls, NotRun):
        yield f"Eccentricity controls not run: {controls.reason.rstrip('.')}."
        return
    for one in controls:
        yield (
            f"Control, {one.how}: eccentricities judged different in "
            f"{one.share_supported:.0%}, driven by method in "
            f"{one.share_driven_by_method:.0%} of {one.n_simulations} samples."
        )


def _known(frame: pd.DataFrame) -> pd.DataFrame:
    """Return flags per row, one column per quantity, in the order they are shown."""
    true_mass = frame["mass_provenance"].isin(
        [MassProvenance.MASS, MassProvenance.MSINI_CORRECTED]
    )
    return pd.DataFrame(
        {
            "mass": frame["pl_bmassj"].notna(),
            "true mass": true_mass & frame["pl_bmassjlim"].fillna(0).eq(0),
            "axis": frame["pl_orbsmax"].notna(),
            "$e$": frame["pl_orbeccen"].notna(),
            "measured $e$": frame["ecc_kind"].eq(EccKind.MEASURED),
            "[Fe/H]": frame["st_metfe"].notna(),
            "mass error": frame["pl_bmassjerr1"].gt(0.0),
            "main sample": frame["in_main_sample"].astype(bool),
        }
    )


def _methods(frame: pd.DataFrame) -> dict[str, pd.Series]:
    """Return the rows of each method, the most frequent last, and of all."""
    order = frame["discoverymethod"].value_counts(sort=False)
    names = sorted(order.index, key=lambda name: (order[name], name))
    methods = {str(name): frame["discoverymethod"] == name for name in names}
    return {_ALL: pd.Series(data=True, index=frame.index)} | methods


def _frame_table(axes: Axes, rows: list[str], columns: list[str]) -> None:
    axes.set(
        xticks=np.arange(len(columns)) + 0.5,
        xticklabels=columns,
        yticks=np.arange(len(rows)) + 0.5,
        yticklabels=rows,
    )
    axes.tick_params(length=0, top=False, right=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
