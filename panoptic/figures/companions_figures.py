"""The companions themselves: masses of host and companion, axis and eccentricity."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator
from matplotlib.typing import ColorType
from numpy.typing import NDArray

from panoptic.constants import DEUTERIUM_LIMIT_MJUP, HYDROGEN_LIMIT_MSUN, MSUN_MJUP
from panoptic.figures.captions import (
    HOW_MASSES_LOOK,
    Imprint,
    caption,
    counted,
    in_words,
    listed,
    rows_on_hosts,
)
from panoptic.figures.marks import (
    WORDS_OF_MASS,
    draw_companions,
    draw_errors,
    draw_limits,
    draw_mark,
    draw_target,
    gid_of,
    key,
    limit_key,
    mass_keys,
    method_keys,
    name_line,
    ring_target,
    target_key,
)
from panoptic.figures.style import (
    FAINT,
    INK,
    PAGE_INCH,
    PAPER,
    QUIET,
    continuous,
    house_style,
    legend_above,
    new_figure,
)
from panoptic.sample import CompanionSample, EccKind, MassProvenance
from panoptic.target import Target

Floats = NDArray[np.float64]

_P_SCALE = Normalize(0.0, 1.0)
_UNSCORED = PAPER
_ECC_LINEAR_BELOW = 0.1  # half of the eccentricities lie there
_SHOWN_FROM = 0.4  # of the least mass: where error bars that reach zero are cut


@house_style()
def plot_mass_mass(
    sample: CompanionSample,
    p_binary_like: Floats,
    *,
    target: Target,
    target_p: float | None,
) -> Figure:
    """Draw host mass against companion mass, coloured by P_binary_like.

    Parameters
    ----------
    p_binary_like : (n,), one per row of `sample.frame`; NaN where none was given,
        drawn white.
    target_p : the target's, None where it has none.
    """
    frame = sample.frame
    figure = new_figure(PAGE_INCH, 4.3)
    axes = figure.add_subplot()
    drawn = frame[frame["pl_bmassj"].notna()]
    scores = np.asarray(p_binary_like, dtype=float)[frame["pl_bmassj"].notna()]
    _draw_masses(axes, drawn, scores)
    if target.pl_name not in set(frame["pl_name"]):
        draw_target(
            axes, target, target.st_mass, target.pl_bmassj, colour=_of_p(target_p)
        )
    _frame_masses(axes, drawn, target, q_split=sample.q_split)
    axes.set_title(rows_on_hosts(len(drawn), drawn["hostname"].nunique()))
    bar = figure.colorbar(
        ScalarMappable(_P_SCALE, continuous()), ax=axes, aspect=32, pad=0.015
    )
    bar.set_label("$P$(binary-like)")
    handles = [
        *method_keys(drawn["discoverymethod"]),
        *mass_keys(drawn["mass_provenance"], colour=continuous()(0.25), true_mass=True),
        *([limit_key("mass limit")] if drawn["pl_bmassjlim"].fillna(0).any() else []),
        *([key("o", "no $P$", colour=_UNSCORED)] if np.isnan(scores).any() else []),
        target_key("studied object"),
    ]
    legend_above(figure, handles)
    ring_target(axes, target.st_mass, target.pl_bmassj, label=target.label)
    return figure


def caption_mass_mass(
    sample: CompanionSample,
    p_binary_like: Floats,
    *,
    target: Target,
    imprint: Imprint,
) -> str:
    """Say what the mass-mass figure holds, row by row accounted for."""
    frame = sample.frame
    drawn = frame["pl_bmassj"].notna()
    scores = np.asarray(p_binary_like, dtype=float)[drawn]
    limits = int(frame.loc[drawn, "pl_bmassjlim"].fillna(0).ne(0).sum())
    n_unscored = int(np.isnan(scores).sum())
    sentences = [
        f"{rows_on_hosts(int(drawn.sum()), frame.loc[drawn, 'hostname'].nunique())} "
        f"with a host of {_window(sample)}.",
        _not_drawn(int((~drawn).sum()), "they have no companion mass"),
        "Shape: detection method "
        f"({_counts(frame.loc[drawn, 'discoverymethod'])}). Filled symbols are true "
        f"masses, {HOW_MASSES_LOOK} "
        f"({_counts(frame.loc[drawn, 'mass_provenance'].map(WORDS_OF_MASS))}).",
        "Colour: probability of being binary-like in the headline classifier.",
        f"{counted(n_unscored, 'row')} without a probability, in white."
        if n_unscored
        else "",
        f"Arrows: {counted(limits, 'mass limit')}." if limits else "",
        "Bars are 1-sigma errors, cut at the frame; a side without a published error "
        "has none.",
        f"Lines: {DEUTERIUM_LIMIT_MJUP:g} MJup and {HYDROGEN_LIMIT_MSUN:g} Msun "
        "(burning limits of deuterium and hydrogen, the latter for companion and "
        f"host), and dotted a mass ratio of {sample.q_split:g}.",
        _ringed(target),
    ]
    return caption("Host mass against companion mass", sentences, imprint)


@house_style()
def plot_axis_eccentricity(sample: CompanionSample, *, target: Target) -> Figure:
    """Draw semi-major axis against eccentricity, coloured by log q.

    Rows without an eccentricity stand in a strip below, one line per method, so that
    what the demand for an eccentricity leaves out can be seen.
    """
    frame = sample.frame[sample.frame["pl_orbsmax"].notna()]
    known = frame[frame["pl_orbeccen"].notna()]
    unknown = frame[frame["pl_orbeccen"].isna()]
    scale = _log_q_scale(frame, target)
    figure = new_figure(PAGE_INCH, 4.6)
    methods = sorted(set(unknown["discoverymethod"]))
    upper, lower = figure.subplots(
        2, 1, sharex=True, height_ratios=[4.2, 0.35 + 0.22 * len(methods)]
    )
    _draw_eccentricities(upper, known, scale)
    places = unknown["discoverymethod"].map(methods.index)
    _draw_orbits(lower, unknown, places, scale)
    _frame_orbits(upper, lower, methods, ecc=known["pl_orbeccen"])
    for axes, rows, word in ((upper, known, "known"), (lower, unknown, "not known")):
        count = rows_on_hosts(len(rows), rows["hostname"].nunique())
        axes.set_title(f"$e$ {word}: {count}")
    bar = figure.colorbar(
        ScalarMappable(scale, continuous()), ax=[upper, lower], aspect=32, pad=0.015
    )
    bar.set_label(r"$\log_{10}\,q$")
    if scale.vmin < np.log10(sample.q_split) < scale.vmax:
        bar.ax.axhline(np.log10(sample.q_split), color=PAPER, linewidth=1.4)
    legend_above(figure, _orbit_keys(known, frame))
    # Where its e is not known it stands above the lines of the strip.
    known_e = target.pl_orbeccen
    axes, y = (lower, float(len(methods))) if known_e is None else (upper, known_e)
    if target.pl_name not in set(frame["pl_name"]):
        colour = _of_log_q(target.log_q, scale)
        draw_target(axes, target, target.pl_orbsmax, y, colour=colour)
    ring_target(axes, target.pl_orbsmax, y, label=target.label)
    return figure


def caption_axis_eccentricity(
    sample: CompanionSample, *, target: Target, imprint: Imprint
) -> str:
    """Say what the axis-eccentricity figure holds, row by row accounted for."""
    frame = sample.frame
    with_axis = frame["pl_orbsmax"].notna()
    known = frame[with_axis & frame["pl_orbeccen"].notna()]
    unknown = frame[with_axis & frame["pl_orbeccen"].isna()]
    n_high = int((known["q"] > sample.q_split).sum())
    sentences = [
        f"{rows_on_hosts(len(known), known['hostname'].nunique())} with an "
        f"eccentricity, of hosts of {_window(sample)}; {n_high} with q > "
        f"{sample.q_split:g} (white tick on the colour bar).",
        "Below, one line per method: "
        f"{rows_on_hosts(len(unknown), unknown['hostname'].nunique())} without an "
        "eccentricity.",
        _not_drawn(int((~with_axis).sum()), "they have no semi-major axis"),
        f"Shape: detection method ({_counts(known['discoverymethod'])}); colour: log10 "
        f"of the mass ratio, white where the mass is unknown; {HOW_MASSES_LOOK}.",
        f"Eccentricities: {_counts(known['ecc_kind'].map(in_words))}. An arrow is a "
        "limit, a hollow cross an eccentricity assumed to be 0 (its method is then not "
        "shown).",
        "Bars are 1-sigma errors, cut at the frame. The vertical scale is linear to "
        f"about {_ECC_LINEAR_BELOW:g} and logarithmic above (asinh).",
        f"Axes: {_counts(frame.loc[with_axis, 'a_origin'])}.",
        _ringed(target),
    ]
    return caption("Semi-major axis against eccentricity", sentences, imprint)


def _draw_masses(axes: Axes, rows: pd.DataFrame, scores: Floats) -> None:
    limit = rows["pl_bmassjlim"].fillna(0).astype(int)
    value = limit.eq(0)
    draw_errors(
        axes,
        rows["st_mass"],
        rows["pl_bmassj"],
        x_below=-rows["st_masserr2"],
        x_above=rows["st_masserr1"],
        y_below=-rows["pl_bmassjerr2"].where(value),
        y_above=rows["pl_bmassjerr1"].where(value),
    )
    draw_limits(axes, rows["st_mass"], rows["pl_bmassj"], limit)
    colours = map(_of_p, scores)
    draw_companions(axes, rows, rows["st_mass"], rows["pl_bmassj"], colours)


def _draw_eccentricities(axes: Axes, rows: pd.DataFrame, scale: Normalize) -> None:
    x, y, kind = rows["pl_orbsmax"], rows["pl_orbeccen"], rows["ecc_kind"]
    flag = kind.map({EccKind.UPPER_LIMIT: 1, EccKind.LOWER_LIMIT: -1}).fillna(0)
    assumed = kind.eq(EccKind.ASSUMED_ZERO)
    value = flag.eq(0) & ~assumed
    draw_errors(
        axes,
        x,
        y,
        x_below=-rows["pl_orbsmaxerr2"].where(~assumed),
        x_above=rows["pl_orbsmaxerr1"].where(~assumed),
        y_below=-rows["pl_orbeccenerr2"].where(value),
        y_above=rows["pl_orbeccenerr1"].where(value),
    )
    draw_limits(axes, x, y, flag)
    for row, height in zip(rows[assumed].to_dict("records"), y[assumed], strict=True):
        draw_mark(
            axes,
            row["pl_orbsmax"],
            height,
            marker="X",
            colour=_of_log_q(row["logq"], scale),
            provenance=MassProvenance.MSINI,  # open, whatever its mass is
            gid=gid_of(row["pl_name"]),
        )
    _draw_orbits(axes, rows[~assumed], y[~assumed], scale)


def _draw_orbits(
    axes: Axes, rows: pd.DataFrame, heights: Iterable[float], scale: Normalize
) -> None:
    """Draw marks at their axes, coloured by log q."""
    colours = (_of_log_q(log_q, scale) for log_q in rows["logq"])
    draw_companions(axes, rows, rows["pl_orbsmax"], heights, colours)


def _frame_masses(
    axes: Axes, drawn: pd.DataFrame, target: Target, *, q_split: float
) -> None:
    masses = [*drawn["pl_bmassj"], target.pl_bmassj]
    hosts = [*drawn["st_mass"], target.st_mass]
    margin = 0.06 * (max(hosts) - min(hosts))
    hydrogen = HYDROGEN_LIMIT_MSUN * MSUN_MJUP
    x = np.linspace(min(hosts) - margin, max(hosts) + margin, 64)
    axes.set(
        xlim=(x[0], x[-1]),
        ylim=(_SHOWN_FROM * min(masses), 2.0 * max(*masses, hydrogen)),
        yscale="log",
        xlabel=r"Host mass ($M_\odot$)",
        ylabel=r"Companion mass ($M_{\rm Jup}$)",
    )
    axes.yaxis.set_major_formatter("{x:g}")
    line: dict[str, Any] = {"color": QUIET, "linewidth": 0.7, "zorder": 1.0}
    axes.axhline(DEUTERIUM_LIMIT_MJUP, linestyle="--", **line)
    axes.axhline(hydrogen, linestyle="-.", **line)
    axes.axvline(HYDROGEN_LIMIT_MSUN, linestyle="-.", **line)
    axes.plot(x, q_split * x * MSUN_MJUP, linestyle=":", **line)
    for mass, text in (
        (DEUTERIUM_LIMIT_MJUP, rf"{DEUTERIUM_LIMIT_MJUP:g} $M_{{\rm Jup}}$"),
        (hydrogen, rf"{HYDROGEN_LIMIT_MSUN:g} $M_\odot$"),
        (q_split * x[-1] * MSUN_MJUP, f"$q$ = {q_split:g}"),
    ):
        name_line(axes, text, x=x[-1], y=mass)


def _frame_orbits(
    upper: Axes, lower: Axes, methods: list[str], *, ecc: pd.Series
) -> None:
    # A catalogue may hold values outside [0, 1): they are shown, not cut.
    bottom, top = min([0.0, *ecc]) - 0.012, max([1.0, *ecc])
    ticks = (0.0, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
    upper.set(xscale="log", ylabel="Eccentricity")
    upper.set_yscale("asinh", linear_width=_ECC_LINEAR_BELOW)
    upper.set(yticks=ticks, yticklabels=[f"{e:g}" for e in ticks], ylim=(bottom, top))
    upper.yaxis.set_minor_locator(NullLocator())
    upper.axhline(0.0, color=FAINT, linewidth=0.5, zorder=1.0)
    lower.set(
        yticks=range(len(methods)),
        yticklabels=methods,
        ylim=(-0.7, len(methods) + 0.1),
        xlabel="Semi-major axis (AU)",
    )
    lower.xaxis.set_major_formatter("{x:g}")
    lower.tick_params(axis="y", length=0, labelsize=6.0)


def _orbit_keys(known: pd.DataFrame, frame: pd.DataFrame) -> list[Line2D]:
    kinds = set(known["ecc_kind"])
    keys = method_keys(frame["discoverymethod"])
    keys += mass_keys(frame["mass_provenance"])
    if kinds & {EccKind.UPPER_LIMIT, EccKind.LOWER_LIMIT}:
        keys.append(limit_key("limit on $e$"))
    if EccKind.ASSUMED_ZERO in kinds:
        cross = key("X", "$e$ = 0 assumed", provenance=MassProvenance.MSINI, colour=INK)
        keys.append(cross)
    return [*keys, target_key("studied object")]


def _of_p(score: float | None) -> ColorType:
    if score is None or not np.isfinite(score):
        return _UNSCORED
    return continuous()(_P_SCALE(score))


def _of_log_q(log_q: float, scale: Normalize) -> ColorType:
    return continuous()(scale(log_q)) if np.isfinite(log_q) else _UNSCORED


def _log_q_scale(frame: pd.DataFrame, target: Target) -> Normalize:
    values = np.append(frame["logq"].to_numpy(dtype=float), target.log_q)
    values = values[np.isfinite(values)]
    return Normalize(float(values.min()), float(values.max()))


def _window(sample: CompanionSample) -> str:
    low, high = sample.host_mass_range_msun
    return f"{low:g} to {high:g} Msun"


def _counts(column: pd.Series) -> str:
    return listed({str(k): int(v) for k, v in column.value_counts().items()})


def _not_drawn(n_rows: int, why: str) -> str:
    return f"{counted(n_rows, 'row')} not drawn: {why}." if n_rows else ""


def _ringed(target: Target) -> str:
    return f"Ringed: {target.label}, which is in no fit."
