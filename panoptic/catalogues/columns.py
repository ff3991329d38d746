"""What a table of companions must hold, under which names, and how it is taken out.

The archive's names are ours. The Brown Dwarf Companion Catalogue's are understood in
their place, so that a user's own table may use either.
"""

import difflib
import re
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from panoptic.catalogues.csv_dialects import TextTable
from panoptic.constants import MJUP_MEARTH, RJUP_REARTH
from panoptic.failures import InputUnusable

Floats = NDArray[np.float64]

# The words of `panoptic.sample.MassProvenance`, which the catalogues cannot import.
MASS = "mass"
MSINI = "msini"
MSINI_CORRECTED = "msini_corrected"
MASS_RADIUS = "mass_radius"
UNKNOWN = "unknown"

_LIMITED = ("st_mass", "pl_bmassj", "pl_orbsmax", "pl_orbper", "pl_orbeccen", "pl_radj")
_UNLIMITED = ("st_metfe", "st_rad", "st_teff")
TEXT_COLUMNS = (
    "pl_name",
    "hostname",
    "source",
    "mass_provenance",
    "discoverymethod",
    "method_detail",
    "st_metratio",
    "gaia_dr3_id",
    "reference",
)


def with_errors(name: str) -> tuple[str, ...]:
    """Return the columns of a quantity: value, upper and lower error, limit flag."""
    limit = (f"{name}lim",) if name in _LIMITED else ()
    return (name, f"{name}err1", f"{name}err2", *limit)


# The part of `panoptic.sample.SCHEMA` that a catalogue can know, in its order.
COMPANION_COLUMNS = (
    "pl_name",
    "hostname",
    "source",
    *with_errors("st_mass"),
    *with_errors("pl_bmassj"),
    "mass_provenance",
    *with_errors("pl_orbsmax"),
    *with_errors("pl_orbper"),
    *with_errors("pl_orbeccen"),
    *with_errors("pl_radj"),
    "discoverymethod",
    "method_detail",
    "disc_year",
    *with_errors("st_metfe"),
    "st_met",
    "st_metratio",
    *with_errors("st_rad"),
    *with_errors("st_teff"),
    "sy_snum",
    "sy_dist",
    "ra",
    "dec",
    "gaia_dr3_id",
    "pl_controv_flag",
    "reference",
)
NUMBER_COLUMNS = tuple(name for name in COMPANION_COLUMNS if name not in TEXT_COLUMNS)

# Other spellings of an archive quantity: its name and the factor to the archive unit.
_SPELLINGS: dict[str, tuple[tuple[str, float], ...]] = {
    "st_mass": (("Mstar", 1.0),),
    "pl_bmassj": (("pl_bmasse", MJUP_MEARTH), ("mass", 1.0), ("msini", 1.0)),
    "pl_orbper": (("period", 1.0),),
    "pl_orbeccen": (("ecc", 1.0),),
    "pl_radj": (("pl_rade", RJUP_REARTH),),
    "st_metfe": (("FeH", 1.0),),
    "st_teff": (("Teff", 1.0),),
}
_NOTHING = frozenset({"null", "none", "n/a", "-", "--"})
_MINUS = "\N{MINUS SIGN}"
_CORRECT = "Correct the cell, or leave it empty where the value is not known"
_COMPONENT_LETTER = re.compile(r"\s+[b-z]$")

_MEASURED = (*_LIMITED, *_UNLIMITED)
_PLAIN = ("disc_year", "st_met", "sy_snum", "sy_dist", "ra", "dec", "pl_controv_flag")
_POSITIVE = ("st_mass", "pl_bmassj", "pl_orbsmax", "pl_orbper", "pl_radj", "st_rad")


def companion_frame(
    columns: Mapping[str, Floats | Sequence[str]], *, source: str, n_rows: int
) -> pd.DataFrame:
    """Return the frame that every reader hands on: one row per companion, by name.

    source : the catalogue's name.
    Columns that are not given are empty: NaN, or "" for text. Rows are put in the
    order of their names (and, where a name comes twice, of their numbers), so that no
    result depends on the order in which a service sent them.
    """
    absent: dict[str, Floats | Sequence[str]] = {
        name: [""] * n_rows if name in TEXT_COLUMNS else np.full(n_rows, np.nan)
        for name in COMPANION_COLUMNS
    }
    surplus = set(columns) - set(absent)
    if surplus:
        raise ValueError(f"not columns of a companion: {sorted(surplus)}")
    frame = pd.DataFrame({**absent, **columns, "source": [source] * n_rows})
    for name in TEXT_COLUMNS:  # the same type wherever the rows came from
        frame[name] = frame[name].astype(object)
    order = ["pl_name", "hostname", "pl_orbper", *NUMBER_COLUMNS, *TEXT_COLUMNS]
    return frame.sort_values(order, kind="stable", ignore_index=True)


def common(table: TextTable) -> dict[str, Floats | Sequence[str]]:
    """Return all numbers that a companion table gives, and its Gaia DR3 ids."""
    found: dict[str, Floats | Sequence[str]] = {}
    for name in _MEASURED:
        found |= measured(table, name)
    for name in _PLAIN:
        found[name] = numbers(table, name)
    return found | {"gaia_dr3_id": gaia_dr3_ids(table)}


def texts(table: TextTable, *names: str) -> list[str]:
    """Return the first of these columns that is there, else empty cells."""
    for name in names:
        if name in table:
            return table.columns[name]
    return [""] * len(table)


def numbers(table: TextTable, name: str, *, per_unit: float = 1.0) -> Floats:
    """Return a column as numbers, NaN where empty or where the column is not there.

    Raises
    ------
    InputUnusable
        naming the line and the text that is not a finite number.
    """
    if name not in table:
        return np.full(len(table), np.nan)
    cells = table.columns[name]
    values = np.array([_number(cell) for cell in cells], dtype=np.float64)
    wrong = np.flatnonzero(np.isinf(values))
    if wrong.size:
        row = int(wrong[0])
        raise table.refusal(
            f'column {name}: "{cells[row]}" in line {table.lines[row]}'
            f"{_of_row(table, row)} is not a number",
            _CORRECT,
        )
    return values if per_unit == 1.0 else values / per_unit


def _number(cell: str) -> float:
    """Return NaN for an empty cell, an infinity for what is no finite number."""
    if not cell:
        return np.nan
    try:
        value = float(cell)
    except ValueError:
        if cell.lower() in _NOTHING:
            return np.nan
        return _number(cell.replace(_MINUS, "-")) if _MINUS in cell else np.inf
    return value if "_" not in cell else np.inf  # float() takes 1_000 for 1000


def measured(table: TextTable, name: str) -> dict[str, Floats]:
    """Return an archive quantity with its errors and, where it has one, its limit flag.

    The archive's spelling is taken, cell by cell another one where that is empty.
    Upper errors come out positive, lower ones negative, however they were written.
    Nothing there: NaN.

    Raises
    ------
    InputUnusable
        for a limit flag other than 0, 1, -1; for a mass, period, axis or radius that
        is not positive; for an eccentricity outside [0, 1).
    """
    found = {column: np.full(len(table), np.nan) for column in with_errors(name)}
    for spelling, per_unit in ((name, 1.0), *_SPELLINGS.get(name, ())):
        if spelling in table:
            filling = _spelled(table, name, spelling, per_unit)
            empty = np.isnan(found[name]) & ~np.isnan(filling[name])
            for column, values in filling.items():
                found[column] = np.where(empty, values, found[column])
    return found


def _spelled(
    table: TextTable, name: str, spelling: str, per_unit: float
) -> dict[str, Floats]:
    upper, lower = f"{spelling}err1", f"{spelling}err2"
    if upper not in table and f"p_{spelling}" in table:
        upper, lower = f"p_{spelling}", f"m_{spelling}"
    found = {
        name: numbers(table, spelling, per_unit=per_unit),
        f"{name}err1": np.abs(numbers(table, upper, per_unit=per_unit)),
        f"{name}err2": 0.0 - np.abs(numbers(table, lower, per_unit=per_unit)),
    }
    _refuse_impossible(table, name, spelling, found[name])
    if name in _LIMITED:
        flags = numbers(table, f"{spelling}lim")
        wrong = np.flatnonzero(~np.isnan(flags) & ~np.isin(flags, (-1, 0, 1)))
        if wrong.size:
            raise _refuse_row(table, f"{spelling}lim", int(wrong[0]), "0, 1 or -1")
        found[f"{name}lim"] = flags
    return found


def _refuse_impossible(
    table: TextTable, name: str, spelling: str, values: Floats
) -> None:
    if name in _POSITIVE:
        wrong, expected = np.flatnonzero(values <= 0), "positive"
    elif name == "pl_orbeccen":
        wrong, expected = np.flatnonzero((values < 0) | (values >= 1)), "in [0, 1)"
    else:
        return
    if wrong.size:
        raise _refuse_row(table, spelling, int(wrong[0]), expected)


def _refuse_row(
    table: TextTable, column: str, row: int, expected: str
) -> InputUnusable:
    return table.refusal(
        f"column {column}: {table.columns[column][row]} in line {table.lines[row]}"
        f"{_of_row(table, row)} must be {expected}",
        _CORRECT,
    )


def _of_row(table: TextTable, row: int) -> str:
    name = texts(table, "pl_name", "host_star", "object")[row]
    return f" ({name})" if name else ""


def mass_or_msini(table: TextTable) -> list[str]:
    """Return how each mass is known where a table has columns `mass` and `msini`."""
    mass, msini = numbers(table, "mass"), numbers(table, "msini")
    known = np.where(np.isnan(mass), np.where(np.isnan(msini), UNKNOWN, MSINI), MASS)
    return [str(word) for word in known]


def known_provenance(table: TextTable) -> list[str]:
    """Return the project's own words for how masses are known, where they are ours."""
    ours = {MASS, MSINI, MSINI_CORRECTED, MASS_RADIUS}
    words = texts(table, "mass_provenance")
    return [word if word in ours else UNKNOWN for word in words]


def either(first: Sequence[str], second: Sequence[str]) -> list[str]:
    """Return the first texts, and the second where they are empty."""
    return [one or other for one, other in zip(first, second, strict=True)]


def require_rows(table: TextTable) -> None:
    """Refuse a table without rows."""
    if not len(table):
        raise table.refusal(
            "a header came, but no rows", "Ask for more, or get it anew"
        )


def require_companions(table: TextTable) -> None:
    """Refuse a table that lacks what a companion cannot do without.

    A name, the host's mass, the companion's mass, and an axis or a period.
    """
    require_rows(table)
    require_columns(
        table,
        ("pl_name", "host_star"),
        ("st_mass", "Mstar"),
        ("pl_bmassj", "pl_bmasse", "mass", "msini"),
        ("pl_orbsmax", "pl_orbper", "period"),
    )
    names = texts(table, "pl_name", "host_star")
    if "" in names:
        raise table.refusal(
            f"line {table.lines[names.index('')]} has no name", "Give every row a name"
        )


def require_columns(table: TextTable, *needs: tuple[str, ...]) -> None:
    """Refuse a table that has none of the columns by which a need can be met.

    Names every such need, and the nearest column that the table has.
    """
    lacking = [need for need in needs if not any(name in table for name in need)]
    if not lacking:
        return
    spelled = {column.lower(): column for column in table.columns}
    near = [
        spelled[match]
        for need in lacking
        for name in need
        for match in difflib.get_close_matches(name.lower(), spelled, n=1, cutoff=0.75)
    ]
    first = ", ".join(list(table.columns)[:8])
    hint = f"The nearest it has is {near[0]}" if near else f"It begins with {first}"
    wanted = " and ".join(
        need[0] if len(need) == 1 else f"{need[0]} (or {', '.join(need[1:])})"
        for need in lacking
    )
    raise table.refusal(
        f"no column {wanted}", f"{hint}; rename it, or get the file with that column"
    )


def hosts(table: TextTable) -> list[str]:
    """Return host names; where there is none, the companion's without its letter."""
    named = texts(table, "pl_name", "host_star")
    return either(
        texts(table, "hostname", "host_star"),
        [_COMPONENT_LETTER.sub("", name) for name in named],
    )


def gaia_dr3_ids(table: TextTable) -> list[str]:
    """Return Gaia DR3 source_ids as digits, "" for none and for another release."""
    return [
        cell.removeprefix("Gaia DR3").strip()
        if re.fullmatch(r"(Gaia DR3\s*)?\d+", cell)
        else ""
        for cell in texts(table, "gaia_dr3_id")
    ]


def remarks_on_absences(
    table: TextTable, *, never_there: Sequence[str] = ()
) -> list[str]:
    """Return one sentence on what a usable table leaves unknown, or none.

    never_there : columns that its catalogue never has, which go without saying.
    """
    absences = {
        "eccentricities": ("pl_orbeccen", "ecc"),
        "discovery methods": ("discoverymethod", "method"),
        "how masses are known": ("pl_bmassprov", "mass_provenance", "mass", "msini"),
        "metallicities": ("st_metfe", "st_met", "FeH"),
        "errors of the host mass": ("st_masserr1", "p_Mstar"),
        "errors of the companion mass": ("pl_bmassjerr1", "pl_bmasseerr1", "p_mass"),
        "axes (derived from periods)": ("pl_orbsmax",),
    }
    lacking = [
        f"{what} ({names[0]})"
        for what, names in absences.items()
        if not any(name in table or name in never_there for name in names)
    ]
    remarks = [f"{table.name} does not give " + ", ".join(lacking)] if lacking else []
    if not table.ends_in_line_end:
        remarks.append(
            f"{table.name} has no line end after its last line, {table.lines[-1]}: it "
            "may have been cut short"
        )
    return remarks
