"""The Brown Dwarf Companion Catalogue of Stevenson et al. (2023).

It gives periods but no axes, and no limit flags: upper limits on eccentricities stand
in it as detections at half the limit with an error as large. Companions have no names
of their own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from panoptic.catalogues import columns
from panoptic.catalogues.csv_dialects import TextTable
from panoptic.catalogues.table import CatalogueTable, Provenance
from panoptic.catalogues.units import check_units
from panoptic.constants import STAR_MASS_MJUP

CATALOGUE = "BDcat"
DOI = "10.21954/ou.rd.24156393"

_METHODS = {  # by the word before a plus or a space
    "rv": "Radial Velocity",
    "transit": "Transit",
    "imaging": "Imaging",
    "Gaia": "Astrometry",
}
_MINUS = "\N{MINUS SIGN}"
_OLD_NAMES = {
    "object": "host_star",
    "true_mass": "mass",
    "p_true_mass": "p_mass",
    "m_true_mass": "m_mass",
}
_LIGHTEST_MEDIAN_MJUP = 1.0  # real median 52; in solar masses it would be 0.05


def read_brown_dwarfs(table: TextTable, *, provenance: Provenance) -> CatalogueTable:
    """Return the companions of the catalogue, in its present or its earlier layout.

    A row's mass is the true one, else the minimum one, and `mass_provenance` says
    which. Limit flags are empty, axes too.

    Raises
    ------
    InputUnusable
        where `columns` or `units` refuse it, or where it is PSCompPars.
    """
    table, remarks = _in_present_layout(table)
    if "pl_bmassprov" in table and "host_star" not in table:
        raise table.refusal("this is PSCompPars, not this catalogue", "Give it by --ps")
    columns.require_companions(table)
    found = columns.common(table)
    host = [name.replace(_MINUS, "-") for name in columns.hosts(table)]
    words = columns.texts(table, "method_detail", "method", "discoverymethod")
    methods, strange = _methods(words)
    iron = np.asarray(found["st_metfe"], dtype=float)
    frame = columns.companion_frame(
        found
        | {
            "pl_name": _companion_names(table, host, found),
            "hostname": host,
            "discoverymethod": methods,
            "method_detail": [word or "unknown" for word in words],
            "mass_provenance": columns.known_provenance(table)
            if "mass_provenance" in table
            else columns.mass_or_msini(table),
            "st_met": iron,
            "st_metratio": np.where(np.isnan(iron), "", "[Fe/H]").tolist(),
            "reference": _references(table),
        },
        source=CATALOGUE,
        n_rows=len(table),
    )
    _check_masses(table, frame["pl_bmassj"].to_numpy())
    check_units(table, frame)
    n_stars = int((frame["pl_bmassj"] > STAR_MASS_MJUP).sum())
    if n_stars:
        remarks.append(f"{table.name}: {n_stars} rows exceed 80 MJup and are stars")
    if strange:
        remarks.append(f"{table.name}: unknown methods {', '.join(sorted(strange))}")
    remarks += columns.remarks_on_absences(table, never_there=("pl_orbsmax",))
    return CatalogueTable(frame, provenance, table.raw, tuple(remarks))


def _in_present_layout(table: TextTable) -> tuple[TextTable, list[str]]:
    """Rename the columns of the layout of May 2023, which has no methods.

    Its `source` column counts up from one DOI (10.1093/mnras/stu134, stu135, ...), as
    a spreadsheet does when a cell is dragged: the author-year references beside it
    are taken instead. A mass of 0 stands for none.
    """
    if "object" not in table or "true_mass" not in table:
        return table, []
    renamed = {
        _OLD_NAMES.get(column, column): cells for column, cells in table.columns.items()
    }
    renamed["source"] = columns.texts(table, "inpaper_ref")
    for column in ("mass", "msini"):
        renamed[column] = ["" if cell == "0" else cell for cell in renamed[column]]
    remark = (
        f"{table.name} has the layout of May 2023: no methods, and its DOIs count up "
        "row by row, so the author-year references are used"
    )
    return replace(table, columns=renamed), [remark]


def _methods(words: Iterable[str]) -> tuple[list[str], set[str]]:
    """Return the archive's words for the catalogue's, and the words without one."""
    known, strange = [], set()
    for word in words:
        first = word.partition("+")[0].partition(" ")[0]
        if word in _METHODS.values():
            known.append(word)
        else:
            known.append(_METHODS.get(first, "unknown"))
            if first and first not in _METHODS:
                strange.add(word)
    return known, strange


def _companion_names(
    table: TextTable, host: list[str], found: dict[str, columns.Floats | Sequence[str]]
) -> list[str]:
    """Return the given names, else the host's with b, c, ... by period, then mass."""
    if "pl_name" in table:
        return [name.replace(_MINUS, "-") for name in table.columns["pl_name"]]
    period = np.asarray(found["pl_orbper"], dtype=float)
    mass = np.asarray(found["pl_bmassj"], dtype=float)
    names = [""] * len(host)
    letters: dict[str, int] = {}
    for row in np.lexsort((mass, period)):
        letters[host[row]] = letters.get(host[row], ord("a")) + 1
        names[row] = f"{host[row]} {chr(letters[host[row]])}"
    return names


def _references(table: TextTable) -> list[str]:
    catalogue = f"Brown Dwarf Companion Catalogue (doi:{DOI})"
    said = {
        "": f"{catalogue}, no source given",
        "binary-masses": f"Gaia DR3 binary_masses, as listed in the {catalogue}",
        "this work": f"{catalogue}, this work",
    }
    return [
        said.get(cell) or (f"doi:{cell}" if cell.startswith("10.") else cell)
        for cell in columns.texts(table, "reference", "source")
    ]


def _check_masses(table: TextTable, mass: columns.Floats) -> None:
    median = float(np.nanmedian(mass)) if np.isfinite(mass).any() else np.nan
    if median < _LIGHTEST_MEDIAN_MJUP:
        raise table.refusal(
            f"columns mass and msini: the median is {median:.3g} MJup in a catalogue "
            "of brown dwarfs; solar masses are suspected, a factor of 1047.6",
            "Convert the columns to jovian masses, or give a table of planets by --ps",
        )
