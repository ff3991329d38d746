"""From catalogue tables to one companion sample: axes, duplicates, cuts, each counted.

The order is the argument: first what a row says is completed (axis, mass ratio, kind of
eccentricity), then one row per companion is chosen, then the window is cut, then the
samples are marked. Every row that is dropped, merged or left out is in the ledger.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from panoptic.catalogues.table import Catalogues
from panoptic.constants import (
    DEUTERIUM_LIMIT_MJUP,
    MJUP_MEARTH,
    MSUN_MJUP,
    STAR_MASS_MJUP,
)
from panoptic.duplicates import merge_duplicates, normalised_name
from panoptic.failures import InputUnusable
from panoptic.orbits import semi_major_axis_au
from panoptic.sample import (
    AxisOrigin,
    CompanionSample,
    Cut,
    EccKind,
    MassClass,
    checked,
    with_all_columns,
)

# 2.45 sigma holds 95 % of the Rayleigh-distributed scatter of a circular orbit's
# measured e: below it the catalogue's value may be all noise (Lucy & Sweeney 1971).
ECC_SIGNIFICANCE = 2.45
# Rows of hosts so far outside the window (a factor) are kept for what errors may do.
SURROUNDINGS = 1.2
PROJECTED_METHODS = ("Imaging", "Microlensing")


def build_sample(
    catalogues: Catalogues,
    *,
    host_mass_range_msun: tuple[float, float],
    q_split: float,
    ecc_zero_bound: float,
    target_name: str,
) -> CompanionSample:
    """Stack the catalogues and mark which rows can answer which question.

    Parameters
    ----------
    host_mass_range_msun : least and largest host mass, inclusive.
    ecc_zero_bound : upper bound set on an eccentricity that was assumed to be 0.
    target_name : the studied companion; it stays in the table and out of the samples.

    Raises
    ------
    InputUnusable
        where no row lies in the window.
    """
    read = pd.concat(
        [
            with_all_columns(table.frame.assign(source=table.provenance.catalogue))
            for table in catalogues.tables
        ],
        ignore_index=True,
    )
    stacked = _with_ecc_kind(
        _with_mass_ratio(_with_axis(read)),
        ecc_zero_bound=ecc_zero_bound,
    )
    inside = stacked["st_mass"].between(*host_mass_range_msun)
    stacked, duplicates = merge_duplicates(
        stacked, of_hosts=stacked["hostname"][inside]
    )
    window, window_cuts = _cut_window(stacked, host_mass_range_msun)
    if window.empty:
        raise InputUnusable(_empty_window_message(read, host_mass_range_msun))
    marked, sample_cuts = _mark_samples(window, target_name)
    merged = [
        Cut("duplicates", source, f"merged: {rule}", len(rows), rows["host"].nunique())
        for (source, rule), rows in duplicates.groupby(["dropped_source", "rule"])
    ]
    return CompanionSample(
        frame=checked(marked).reset_index(drop=True),
        surroundings=_near(stacked, host_mass_range_msun, target_name),
        cuts=pd.DataFrame([*merged, *window_cuts, *sample_cuts], columns=Cut._fields),
        duplicates=duplicates,
        host_mass_range_msun=host_mass_range_msun,
        q_split=q_split,
    )


def _with_axis(frame: pd.DataFrame) -> pd.DataFrame:
    """Fill a missing axis by Kepler's third law with the total mass."""
    total_mass = frame["st_mass"] + frame["pl_bmassj"].fillna(0.0) / MSUN_MJUP
    axis = pd.Series(semi_major_axis_au(frame["pl_orbper"], total_mass), frame.index)
    derived = frame["pl_orbsmax"].isna() & axis.notna()
    relative_errors = {
        error: axis
        * np.hypot(
            2 / 3 * (frame[f"pl_orbper{error}"] / frame["pl_orbper"]).fillna(0.0),
            1 / 3 * frame[f"st_mass{error}"] / frame["st_mass"],
        )
        for error in ("err1", "err2")
    }
    projected = frame["discoverymethod"].isin(PROJECTED_METHODS)
    origin = np.select(
        [derived, frame["pl_orbsmax"].isna(), projected],
        [AxisOrigin.KEPLER, AxisOrigin.MISSING, AxisOrigin.PROJECTED],
        AxisOrigin.CATALOGUE,
    )
    return frame.assign(
        pl_orbsmax=frame["pl_orbsmax"].mask(derived, axis),
        pl_orbsmaxerr1=frame["pl_orbsmaxerr1"].mask(derived, relative_errors["err1"]),
        pl_orbsmaxerr2=frame["pl_orbsmaxerr2"].mask(derived, -relative_errors["err2"]),
        a_origin=origin,
    )


def _with_mass_ratio(frame: pd.DataFrame) -> pd.DataFrame:
    mass = frame["pl_bmassj"]
    q = mass / (frame["st_mass"] * MSUN_MJUP)
    mass_class = np.select(
        [mass.isna(), mass > STAR_MASS_MJUP, mass > DEUTERIUM_LIMIT_MJUP],
        [MassClass.UNKNOWN, MassClass.STELLAR, MassClass.BROWN_DWARF],
        MassClass.PLANETARY,
    )
    return frame.assign(
        pl_bmasse=mass * MJUP_MEARTH,
        q=q,
        logq=np.log10(q),
        loga=np.log10(frame["pl_orbsmax"]),
        mass_class=mass_class,
    )


def _with_ecc_kind(frame: pd.DataFrame, *, ecc_zero_bound: float) -> pd.DataFrame:
    """Say what each eccentricity is, and the bound of one that is not measured."""
    ecc, limit = frame["pl_orbeccen"], frame["pl_orbeccenlim"].fillna(0)
    upper, lower = frame["pl_orbeccenerr1"], -frame["pl_orbeccenerr2"]
    no_error = upper.fillna(0.0).eq(0.0) & lower.fillna(0.0).eq(0.0)
    kind = np.select(
        [
            ecc.isna(),
            limit.eq(1),
            limit.eq(-1),
            ecc.eq(0.0) & no_error,
            ecc.eq(0.0) | (ecc < ECC_SIGNIFICANCE * lower),
        ],
        [
            EccKind.MISSING,
            EccKind.UPPER_LIMIT,
            EccKind.LOWER_LIMIT,
            EccKind.ASSUMED_ZERO,
            EccKind.CONSISTENT_WITH_ZERO,
        ],
        EccKind.MEASURED,
    )
    bound = np.select(
        [
            np.isin(kind, [EccKind.UPPER_LIMIT, EccKind.LOWER_LIMIT]),
            kind == EccKind.ASSUMED_ZERO,
            kind == EccKind.CONSISTENT_WITH_ZERO,
        ],
        [ecc, ecc_zero_bound, np.minimum(ecc + 2.0 * upper.fillna(lower), 1.0)],
        np.nan,
    )
    return frame.assign(ecc_kind=kind, ecc_bound=bound)


def _cut_window(
    frame: pd.DataFrame, host_mass_range_msun: tuple[float, float]
) -> tuple[pd.DataFrame, list[Cut]]:
    low, high = host_mass_range_msun
    reasons = {
        "no host mass": frame["st_mass"].isna(),
        f"host below {low:g} Msun": frame["st_mass"] < low,
        f"host above {high:g} Msun": frame["st_mass"] > high,
    }
    cuts = list(_ledger(frame, reasons, stage="window"))
    return frame[frame["st_mass"].between(low, high)], cuts


def _near(
    frame: pd.DataFrame, host_mass_range_msun: tuple[float, float], target_name: str
) -> pd.DataFrame:
    """Return the rows whose hosts the errors of their masses may bring in."""
    low, high = host_mass_range_msun
    mass = frame["st_mass"]
    wider = mass.between(low / SURROUNDINGS, high * SURROUNDINGS)
    is_target = frame["pl_name"].map(normalised_name) == normalised_name(target_name)
    near = frame[wider & ~mass.between(low, high) & ~is_target]
    said = near.assign(
        in_main_sample=False,
        in_mass_orbit_sample=False,
        excluded_because="host outside the window",
    )
    return checked(said).reset_index(drop=True)


def _mark_samples(
    frame: pd.DataFrame, target_name: str
) -> tuple[pd.DataFrame, list[Cut]]:
    """Set the sample flags; a row says all its reasons, the ledger takes the first."""
    is_target = frame["pl_name"].map(normalised_name) == normalised_name(target_name)
    ecc = frame["pl_orbeccen"]
    orbit_reasons = {
        "the studied target": is_target,
        "no companion mass": frame["pl_bmassj"].isna(),
        "no semi-major axis": frame["pl_orbsmax"].isna(),
        "mass is a limit": frame["pl_bmassjlim"].fillna(0).ne(0),
        "semi-major axis is a limit": frame["pl_orbsmaxlim"].fillna(0).ne(0),
    }
    reasons = orbit_reasons | {
        "no eccentricity": ecc.isna(),
        "eccentricity outside [0, 1)": (ecc < 0.0) | (ecc >= 1.0),
    }
    excluded = pd.DataFrame(reasons)
    said = excluded.apply(lambda row: "; ".join(row.index[row]), axis="columns")
    marked = frame.assign(
        in_main_sample=~excluded.any(axis="columns"),
        in_mass_orbit_sample=~excluded[list(orbit_reasons)].any(axis="columns"),
        excluded_because=said,
    )
    return marked, list(_ledger(frame, reasons, stage="main sample"))


def _ledger(
    frame: pd.DataFrame, reasons: dict[str, pd.Series], *, stage: str
) -> Iterator[Cut]:
    """Yield one line per source and reason; a row counts for its first reason only."""
    left = pd.Series(data=True, index=frame.index)
    for reason, applies in reasons.items():
        for source, rows in frame[applies & left].groupby("source"):
            yield Cut(stage, source, reason, len(rows), rows["hostname"].nunique())
        left &= ~applies


def _empty_window_message(
    read: pd.DataFrame, host_mass_range_msun: tuple[float, float]
) -> str:
    low, high = host_mass_range_msun
    masses = read["st_mass"].dropna()
    found = (
        f"the {len(masses)} host masses run from {masses.min():g} to {masses.max():g}"
        if len(masses)
        else "no row has a host mass"
    )
    return (
        f"none of the {len(read)} rows read has a host of {low:g} to {high:g} Msun "
        f"(column st_mass): {found}. Widen the window with --mstar_min and "
        "--mstar_max, or give another file with --ps or --bd."
    )
