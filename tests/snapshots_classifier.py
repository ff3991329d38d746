"""The window rows of the real snapshots as companions, read without the data doors."""

from pathlib import Path

import numpy as np
import pandas as pd

from panoptic.constants import MSUN_MJUP
from panoptic.demographics.companions import Companions
from panoptic.orbits import semi_major_axis_au
from panoptic.sample import EccKind, MassProvenance

_PROVENANCE = {
    "Mass": MassProvenance.MASS,
    "Msini": MassProvenance.MSINI,
    "Msin(i)/sin(i)": MassProvenance.MSINI_CORRECTED,
    "M-R relationship": MassProvenance.MASS_RADIUS,
}
_BD_METHOD = {"Gaia binary_masses": "Astrometry", "transit": "Transit"}


def window_companions(shared: Path) -> Companions:
    """Rows of both catalogues with 0.06 <= M_star <= 0.20 Msun."""
    planets = pd.read_csv(
        shared / "catalogues" / "pscomppars_webui_2026-06-02.csv", comment="#"
    )
    dwarfs = pd.read_csv(shared / "catalogues" / "BD_catalogue_20-11-23.csv")
    rows = pd.concat(
        [
            _planet_rows(planets[planets["st_mass"].between(0.06, 0.20)]),
            _dwarf_rows(dwarfs[dwarfs["Mstar"].between(0.06, 0.20)]),
        ],
        ignore_index=True,
    )
    kepler = semi_major_axis_au(
        rows["period"], rows["st_mass"] + rows["mass_mjup"] / MSUN_MJUP
    )
    rows["a_au"] = rows["a_au"].fillna(pd.Series(kepler))
    return Companions(**{name: rows[name].to_numpy() for name in _FIELDS})


_FIELDS = tuple(Companions.__dataclass_fields__)


def _planet_rows(table: pd.DataFrame) -> pd.DataFrame:
    ecc, error = table["pl_orbeccen"], table["pl_orbeccenerr2"].abs()
    kind = np.select(
        [
            ecc.isna(),
            table["pl_orbeccenlim"] == 1,
            (ecc == 0) & ~(error > 0),
            ecc / error < 2.45,
        ],
        [
            EccKind.MISSING,
            EccKind.UPPER_LIMIT,
            EccKind.ASSUMED_ZERO,
            EccKind.CONSISTENT_WITH_ZERO,
        ],
        default=EccKind.MEASURED,
    )
    bound = np.select(
        [kind == EccKind.UPPER_LIMIT, kind == EccKind.ASSUMED_ZERO],
        [ecc, 0.1],
        default=ecc + 2 * table["pl_orbeccenerr1"],
    )
    return pd.DataFrame(
        {
            "name": table["pl_name"],
            "host": table["hostname"],
            "method": table["discoverymethod"],
            **_value(table, "st_mass", "st_mass", "st_mass_err"),
            **_value(table, "pl_bmassj", "mass_mjup", "mass_err_mjup"),
            "mass_limit": table["pl_bmassjlim"].fillna(0) != 0,
            "mass_provenance": table["pl_bmassprov"].map(_PROVENANCE).astype(str),
            **_value(table, "pl_orbsmax", "a_au", "a_err_au"),
            "a_limit": table["pl_orbsmaxlim"].fillna(0) != 0,
            "ecc": ecc,
            "ecc_err_upper": table["pl_orbeccenerr1"],
            "ecc_err_lower": error,
            "ecc_kind": kind,
            "ecc_bound": bound,
            "metfe": table["st_met"].where(table["st_metratio"] == "[Fe/H]"),
            "period": table["pl_orbper"],
        }
    )


def _value(
    table: pd.DataFrame, column: str, name: str, error: str
) -> dict[str, pd.Series]:
    half_width = 0.5 * (table[f"{column}err1"] - table[f"{column}err2"])
    return {name: table[column], error: half_width}


def _dwarf_rows(table: pd.DataFrame) -> pd.DataFrame:
    censored = table["ecc"] / table["m_ecc"] < 2.45
    return pd.DataFrame(
        {
            "name": table["host_star"] + " b",
            "host": table["host_star"],
            "method": table["method"].map(_BD_METHOD),
            "st_mass": table["Mstar"],
            "st_mass_err": 0.5 * (table["p_Mstar"] + table["m_Mstar"]),
            "mass_mjup": table["mass"],
            "mass_err_mjup": 0.5 * (table["p_mass"] + table["m_mass"]),
            "mass_limit": False,
            "mass_provenance": str(MassProvenance.MASS),
            "a_au": np.nan,
            "a_err_au": np.nan,
            "a_limit": False,
            "ecc": table["ecc"],
            "ecc_err_upper": table["p_ecc"],
            "ecc_err_lower": table["m_ecc"],
            "ecc_kind": np.where(
                censored, EccKind.CONSISTENT_WITH_ZERO, EccKind.MEASURED
            ),
            "ecc_bound": table["ecc"] + 2 * table["p_ecc"],
            "metfe": table["FeH"],
            "period": table["period"],
        }
    )
