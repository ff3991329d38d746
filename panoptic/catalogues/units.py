"""Signs that numbers are in another unit than their column's name says.

Each rule looks at a median or a share of all rows, so that one odd object trips none,
and its bounds were set wide of everything in PSCompPars of 2026-06-02 (6291 rows).
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from panoptic.catalogues.columns import numbers
from panoptic.catalogues.csv_dialects import TextTable
from panoptic.constants import MJUP_MEARTH, MSUN_MJUP
from panoptic.orbits import semi_major_axis_au

_RATIO_TOLERANCE = 0.1  # rounding of light planets reaches 0.19 in one row
_HEAVIEST_MEDIAN_HOST_MSUN = 20.0  # real median 0.94, largest 10.9
_LIGHTEST_MEDIAN_HOST_MSUN = 1e-3  # real smallest 0.0094
_LIGHTEST_MEDIAN_MJUP = 3e-4  # a tenth of the Earth; real smallest row 6e-5
_SHARE_HEAVIER_THAN_HOST = 0.05  # real: no row
_DENSITY_RANGE_JUPITER = (0.015, 225.0)  # of Jupiter's; real median 2.1
_FEWEST_FOR_A_MEDIAN = 3
_AXIS_FACTOR = 2.0  # real median of a / a_Kepler 1.000, 99 % within 0.86-1.16

_WAY_OUT = "Convert the column, or give it the name that says its unit"


def check_units(table: TextTable, frame: pd.DataFrame) -> None:
    """Refuse a table whose numbers make sense only in other units.

    table : as it was read, for the columns' own spelling.
    frame : the same rows by `columns.companion_frame`. Empty values are left out;
        a rule without enough of them says nothing.

    Raises
    ------
    InputUnusable
        naming the column, what was found, and the factor that is suspected.
    """
    _check_both_masses(table)
    _check_hosts(table, frame["st_mass"].to_numpy())
    _check_companions(table, frame)
    _check_densities(table, frame)
    _check_orbits(table, frame)


def _median(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else np.nan


def _check_both_masses(table: TextTable) -> None:
    ratio = _median(numbers(table, "pl_bmasse") / numbers(table, "pl_bmassj"))
    if np.isnan(ratio) or abs(ratio / MJUP_MEARTH - 1.0) <= _RATIO_TOLERANCE:
        return
    suspected = (
        "one of the two columns is in the other's unit, a factor of 317.8"
        if abs(ratio - 1.0) <= _RATIO_TOLERANCE
        else "one of them is in another unit"
    )
    raise table.refusal(
        "columns pl_bmassj and pl_bmasse: the median of pl_bmasse / pl_bmassj is "
        f"{ratio:.4g} where 317.8 terrestrial masses make a jovian one; {suspected}",
        _WAY_OUT,
    )


def _check_hosts(table: TextTable, st_mass: NDArray[np.float64]) -> None:
    median = _median(st_mass)
    if median > _HEAVIEST_MEDIAN_HOST_MSUN:
        raise table.refusal(
            f"column st_mass: the median host mass is {median:.4g} Msun; jovian masses "
            f"are suspected, a factor of 1047.6 ({median / MSUN_MJUP:.3g} Msun)",
            _WAY_OUT,
        )
    if median < _LIGHTEST_MEDIAN_HOST_MSUN:
        raise table.refusal(
            f"column st_mass: the median host mass is {median:.4g} Msun, a jovian mass "
            "or less, which no star has",
            _WAY_OUT,
        )


def _check_companions(table: TextTable, frame: pd.DataFrame) -> None:
    mass = frame["pl_bmassj"].to_numpy()
    median = _median(mass)
    if median < _LIGHTEST_MEDIAN_MJUP:
        raise table.refusal(
            f"column pl_bmassj: the median companion mass is {median:.3g} MJup, less "
            "than a tenth of the Earth; solar masses are suspected, a factor of 1047.6 "
            f"({median * MSUN_MJUP:.3g} MJup)",
            _WAY_OUT,
        )
    both = np.isfinite(mass) & frame["st_mass"].notna().to_numpy()
    heavier = both & (mass > frame["st_mass"].to_numpy() * MSUN_MJUP)
    if heavier.sum() > _SHARE_HEAVIER_THAN_HOST * both.sum():
        names = ", ".join(frame["pl_name"].to_numpy()[heavier][:3])
        raise table.refusal(
            f"column pl_bmassj: {heavier.sum()} of {both.sum()} companions are heavier "
            f"than their host ({names}); terrestrial masses are suspected, a factor of "
            "317.8",
            _WAY_OUT,
        )


def _check_densities(table: TextTable, frame: pd.DataFrame) -> None:
    density = (frame["pl_bmassj"] / frame["pl_radj"] ** 3).dropna().to_numpy()
    if density.size < _FEWEST_FOR_A_MEDIAN:
        return
    median, (low, high) = _median(density), _DENSITY_RANGE_JUPITER
    if low <= median <= high:
        return
    suspected = (
        "terrestrial masses in pl_bmassj are suspected, a factor of 317.8"
        if median > high
        else "solar masses in pl_bmassj are suspected, a factor of 1047.6, or "
        "terrestrial radii in pl_radj"
    )
    raise table.refusal(
        f"columns pl_bmassj and pl_radj: the median density is {median:.3g} times "
        f"Jupiter's; {suspected}",
        _WAY_OUT,
    )


def _check_orbits(table: TextTable, frame: pd.DataFrame) -> None:
    total = frame["st_mass"] + frame["pl_bmassj"].fillna(0.0) / MSUN_MJUP
    by_kepler = semi_major_axis_au(frame["pl_orbper"], total)
    ratio = (frame["pl_orbsmax"].to_numpy() / by_kepler)[np.isfinite(by_kepler)]
    ratio = ratio[np.isfinite(ratio)]
    if ratio.size < _FEWEST_FOR_A_MEDIAN:
        return
    median = _median(ratio)
    if not 1.0 / _AXIS_FACTOR <= median <= _AXIS_FACTOR:
        raise table.refusal(
            "columns pl_orbsmax, pl_orbper and st_mass: the median axis is "
            f"{median:.3g} times what Kepler's third law makes of the period and the "
            "masses; days, AU and solar masses were expected",
            _WAY_OUT,
        )
