"""What the answers rest on: what each method leaves unmeasured."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from panoptic.figures.captions import Imprint, caption, rows_on_hosts
from panoptic.figures.style import (
    INK,
    PAGE_INCH,
    PAPER,
    continuous,
    house_style,
    new_figure,
)
from panoptic.sample import CompanionSample, EccKind, MassProvenance

_MISSINGNESS = "What each detection method measures"
_ALL = "all methods"
_DARK_BELOW = 0.6  # of the colour scale: text on it is pale


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
