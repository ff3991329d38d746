"""The companion sample and the one schema of the stacked table."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
import pandas as pd


class EccKind(StrEnum):
    """What a catalogue's eccentricity really is."""

    MEASURED = "measured"
    CONSISTENT_WITH_ZERO = "consistent_with_zero"
    ASSUMED_ZERO = "assumed_zero"
    UPPER_LIMIT = "upper_limit"
    LOWER_LIMIT = "lower_limit"
    MISSING = "missing"


class MassProvenance(StrEnum):
    """How a companion's mass is known."""

    MASS = "mass"
    MSINI = "msini"
    MSINI_CORRECTED = "msini_corrected"
    MASS_RADIUS = "mass_radius"
    UNKNOWN = "unknown"


class MassClass(StrEnum):
    """What a companion's mass makes it: below 13 MJup, up to 80 MJup, above."""

    PLANETARY = "planetary"
    BROWN_DWARF = "brown_dwarf"
    STELLAR = "stellar"
    UNKNOWN = "unknown"


class AxisOrigin(StrEnum):
    """Where a semi-major axis came from."""

    CATALOGUE = "catalogue"
    KEPLER = "kepler"
    PROJECTED = "projected"
    MISSING = "missing"


class Column(NamedTuple):
    """One column of the stacked table."""

    name: str
    unit: str
    dtype: str  # "string", "float", "int" (with gaps) or "bool"
    meaning: str
    required: bool = False  # never empty


def _text(name: str, meaning: str) -> Column:
    """A text column that is never empty."""
    return Column(name, "", "string", meaning, required=True)


def _measured(
    name: str, unit: str, meaning: str, *, required: bool = False, limit: bool = False
) -> Iterable[Column]:
    """A value with the archive's upper and lower error, and its limit flag."""
    yield Column(name, unit, "float", meaning, required)
    yield Column(f"{name}err1", unit, "float", f"upper error of {name}, positive")
    yield Column(f"{name}err2", unit, "float", f"lower error of {name}, negative")
    if limit:
        flag = f"limit flag of {name}: 0 value, 1 upper limit, -1 lower limit"
        yield Column(f"{name}lim", "", "int", flag)


SCHEMA: tuple[Column, ...] = (
    _text("pl_name", "companion; the host plus b if unnamed"),
    _text("hostname", "host star"),
    _text("source", "catalogue: PSCompPars or BDcat"),
    *_measured("st_mass", "Msun", "host mass", required=True, limit=True),
    *_measured("pl_bmassj", "MJup", "mass or minimum mass", limit=True),
    Column("pl_bmasse", "MEarth", "float", "pl_bmassj in terrestrial masses"),
    _text("mass_provenance", "mass, msini, msini_corrected, mass_radius, unknown"),
    _text("mass_class", "planetary (< 13 MJup), brown_dwarf, stellar (> 80), unknown"),
    Column("q", "", "float", "pl_bmassj / st_mass, both in one unit"),
    Column("logq", "dex", "float", "log10 q"),
    *_measured("pl_orbsmax", "AU", "semi-major axis", limit=True),
    _text("a_origin", "catalogue, kepler (from the period), projected, missing"),
    Column("loga", "dex", "float", "log10 of pl_orbsmax in AU"),
    *_measured("pl_orbper", "day", "orbital period", limit=True),
    *_measured("pl_orbeccen", "", "eccentricity as catalogued", limit=True),
    _text("ecc_kind", ", ".join(EccKind)),
    Column("ecc_bound", "", "float", "bound of a censored eccentricity"),
    *_measured("pl_radj", "RJup", "companion radius", limit=True),
    _text("discoverymethod", "in the archive's words"),
    _text("method_detail", "the catalogue's own word"),
    Column("disc_year", "", "int", "year of discovery"),
    *_measured("st_metfe", "dex", "[Fe/H] of the host"),
    Column("st_met", "dex", "float", "metallicity as catalogued"),
    Column("st_metratio", "", "string", "what st_met is: [Fe/H], [M/H], [m/H]"),
    *_measured("st_rad", "Rsun", "host radius"),
    *_measured("st_teff", "K", "host effective temperature"),
    Column("sy_snum", "", "int", "stars in the system"),
    Column("sy_dist", "pc", "float", "distance"),
    Column("ra", "deg", "float", "right ascension, ICRS"),
    Column("dec", "deg", "float", "declination, ICRS"),
    Column("gaia_dr3_id", "", "string", "Gaia DR3 source_id where listed"),
    Column("pl_controv_flag", "", "int", "1 if the archive calls it disputed"),
    Column("reference", "", "string", "where the row's values are published"),
    Column("in_main_sample", "", "bool", "M_star, M_c, a, e; no limit", required=True),
    Column("in_mass_orbit_sample", "", "bool", "the same without e", required=True),
    Column("excluded_because", "", "string", "why not in the main sample; else empty"),
)
COLUMN_NAMES: tuple[str, ...] = tuple(column.name for column in SCHEMA)


class Cut(NamedTuple):
    """One line of the ledger: so many rows left, at this stage, for this reason."""

    stage: str
    source: str
    reason: str
    n_rows: int
    n_hosts: int


@dataclass(frozen=True, slots=True)
class CompanionSample:
    """Every row of the window, with what was cut and what was merged.

    frame : one row per companion, the columns of `SCHEMA` in their order.
    surroundings : the same of hosts near the window, outside it; in no sample.
    cuts : the ledger, one `Cut` per line; a row counts at its first reason.
    duplicates : one `panoptic.duplicates.Duplicate` per line.
    host_mass_range_msun, q_split : the definitions the sample was made with.
    """

    frame: pd.DataFrame
    surroundings: pd.DataFrame
    cuts: pd.DataFrame
    duplicates: pd.DataFrame
    host_mass_range_msun: tuple[float, float]
    q_split: float

    @property
    def main(self) -> pd.DataFrame:
        """Rows with M_star, M_c, a and e, none of M_c and a a limit."""
        return self.frame[self.frame["in_main_sample"]]

    @property
    def mass_orbit(self) -> pd.DataFrame:
        """Rows with M_star, M_c and a, none of them a limit; e not needed."""
        return self.frame[self.frame["in_mass_orbit_sample"]]

    @property
    def complete(self) -> pd.DataFrame:
        """Rows with M_star, M_c, a and e, limits on M_c or a included."""
        wanted = self.frame[["st_mass", "pl_bmassj", "pl_orbsmax", "pl_orbeccen"]]
        return self.frame[wanted.notna().all(axis=1)]

    @property
    def scored(self) -> pd.DataFrame:
        """Rows with a mass ratio, which the classifier can say something about."""
        return self.frame[self.frame["q"].notna()]

    @property
    def mass_orbit_with_limits(self) -> pd.DataFrame:
        """Rows with M_star, M_c and a, limits included."""
        return self.frame[self.frame[["q", "pl_orbsmax"]].notna().all(axis=1)]


def with_all_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with the schema's columns, order and dtypes.

    Absent columns are added empty; text columns hold str, "" where empty.
    """
    typed = {column.name: _typed(frame, column) for column in SCHEMA}
    return pd.DataFrame(typed, index=frame.index)


def checked(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame `with_all_columns` where every required cell is filled.

    Raises
    ------
    ValueError
        naming the column, where a required one has an empty cell.
    """
    typed = with_all_columns(frame)
    for column in SCHEMA:
        values = typed[column.name]
        empty = values.eq("") if column.dtype == "string" else values.isna()
        if column.required and empty.any():
            raise ValueError(f"{column.name} is empty in {int(empty.sum())} rows")
    return typed


def _typed(frame: pd.DataFrame, column: Column) -> pd.Series:
    if column.name in frame:
        values = frame[column.name]
    else:
        values = pd.Series(pd.NA, index=frame.index, dtype="object")
    if column.dtype == "string":
        return values.fillna("").astype(str).astype(object)
    if column.dtype == "float":
        return pd.to_numeric(values).astype(np.float64)
    if column.dtype == "int":
        return pd.to_numeric(values).astype("Int64")
    return values.fillna(value=False).astype(bool)
