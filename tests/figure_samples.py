"""Small made-up inputs for the tests of figures, and what can be read off a figure."""

import re

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from panoptic.constants import MSUN_MJUP
from panoptic.figures.captions import Imprint
from panoptic.reporting.formats import encode_figure
from panoptic.sample import CompanionSample, with_all_columns
from panoptic.target import TOI_6894_B

TARGET = TOI_6894_B
IMPRINT = Imprint(("PSCompPars of 2026-06-02", "BDcat of 2023-11-20"), 6894)


def companion_sample(**changes) -> CompanionSample:
    """Eight companions, each with one trait that a figure must show.

    `changes` replace whole columns.
    """
    nan = np.nan
    columns = {
        "pl_name": ["A b", "A c", "B b", "C b", "D b", "E b", "F b", "G b"],
        "hostname": ["A", "A", "B", "C", "D", "E", "F", "G"],
        "source": ["PSCompPars"] * 7 + ["BDcat"],
        "discoverymethod": [
            *["Transit"] * 3,
            *["Radial Velocity", "Microlensing", "Imaging", "Pulsation", "Astrometry"],
        ],
        "st_mass": [0.09, 0.09, 0.12, 0.15, 0.18, 0.07, 0.2, 0.13],
        "st_masserr1": [0.01, 0.01, nan, 0.02, 0.1, 0.01, 0.01, 0.05],
        "st_masserr2": [-0.01, -0.01, nan, -0.02, -0.1, -0.01, -0.01, -0.05],
        "pl_bmassj": [0.004, 0.005, 0.02, 0.05, 1.0, 12.0, nan, 50.0],
        "pl_bmassjerr1": [0.001, 0.001, nan, 0.01, 1.0, 2.0, nan, 9.0],
        "pl_bmassjerr2": [-0.001, -0.001, nan, -0.01, -0.9, -2.0, nan, -9.0],
        "pl_bmassjlim": [0, 0, 1, 0, 0, 0, 0, 0],
        "mass_provenance": [
            *["mass", "mass_radius", "mass", "msini", "mass"],
            *["mass", "unknown", "mass"],
        ],
        "pl_orbsmax": [0.01, 0.02, 0.03, 0.05, 1.5, 100.0, 0.1, nan],
        "pl_orbeccen": [0.0, 0.05, 0.1, 0.3, nan, nan, 0.2, 0.4],
        "pl_orbeccenerr1": [nan, 0.02, nan, 0.05, nan, nan, 0.1, 0.1],
        "pl_orbeccenerr2": [nan, -0.02, nan, -0.05, nan, nan, -0.1, -0.1],
        "ecc_kind": [
            *["assumed_zero", "measured", "upper_limit", "measured"],
            *["missing", "missing", "consistent_with_zero", "measured"],
        ],
        "a_origin": ["catalogue"] * 4 + ["projected"] * 2 + ["kepler", "missing"],
    }
    frame = pd.DataFrame(columns | changes)
    frame["q"] = frame["pl_bmassj"] / (frame["st_mass"] * MSUN_MJUP)
    frame["logq"], frame["loga"] = np.log10(frame["q"]), np.log10(frame["pl_orbsmax"])
    frame["in_main_sample"] = (
        frame[["q", "pl_orbsmax", "pl_orbeccen"]].notna().all(axis=1)
    )
    table = with_all_columns(frame)
    return CompanionSample(
        frame=table,
        surroundings=table.iloc[:0],
        cuts=pd.DataFrame(),
        duplicates=pd.DataFrame(),
        host_mass_range_msun=(0.06, 0.2),
        q_split=0.01,
    )


def objects_in(figure: Figure) -> list[str]:
    """The companions that a figure marks by name."""
    gids = [line.get_gid() for axes in figure.axes for line in axes.lines]
    return sorted(gid.removeprefix("object:") for gid in gids if gid)


def mark_of(figure: Figure, name: str):
    """The one mark of a companion."""
    (mark,) = [
        line
        for axes in figure.axes
        for line in axes.lines
        if line.get_gid() == f"object:{name}"
    ]
    return mark


def bars_of(axes) -> list[list[list[float]]]:
    """The error bars of a panel, each by its two ends."""
    return [
        np.round(segment, 9).tolist()
        for collection in axes.collections
        if isinstance(collection, LineCollection)
        for segment in collection.get_segments()
    ]


def texts_in(figure: Figure) -> str:
    """Everything a figure says in words."""
    artists = [*figure.texts, *(a for axes in figure.axes for a in axes.texts)]
    for axes in figure.axes:
        artists += [axes.title, axes._left_title, axes.xaxis.label, axes.yaxis.label]
    for legend in [*figure.legends, *(axes.get_legend() for axes in figure.axes)]:
        artists += legend.get_texts() if legend else []
    return "\n".join(artist.get_text() for artist in artists)


def legend_of(figure: Figure) -> list[str]:
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def assert_same_bytes(draw, *, forms=("svg",)) -> None:
    """The same call twice gives the same files, whoever's settings are in force."""
    first = {form: encode_figure(draw(), form) for form in forms}
    with mpl.rc_context(
        {"font.size": 19, "axes.facecolor": "red", "lines.marker": "x"}
    ):
        again = {form: encode_figure(draw(), form) for form in forms}
    assert first == again


def assert_sober(caption: str) -> None:
    """One paragraph of whole sentences that ends with the imprint."""
    assert "\n" not in caption
    assert caption.endswith(str(IMPRINT))
    assert not re.search(r"\bnan\b|None|  |\.\.", caption)
