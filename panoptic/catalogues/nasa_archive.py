"""The NASA Exoplanet Archive's composite table of planets, PSCompPars.

One row per planet with values put together from several papers, so that a row need
not be self-consistent. Columns keep the archive's names and units.
"""

import re
from datetime import datetime
from functools import partial

import numpy as np

from panoptic.catalogues import columns
from panoptic.catalogues.csv_dialects import TextTable
from panoptic.catalogues.service import Service
from panoptic.catalogues.table import CatalogueTable, Provenance
from panoptic.catalogues.tap import Query, ask_tap
from panoptic.catalogues.transport import Transport
from panoptic.catalogues.units import check_units

CATALOGUE = "PSCompPars"
SERVICE = "the NASA Exoplanet Archive"
WAY_OUT = (
    "Get Planetary Systems Composite Data as CSV with a browser from "
    "https://exoplanetarchive.ipac.caltech.edu and give it by --ps FILE, or run "
    "without --fetch, or with --on_fetch_failure cache or embedded."
)

_MASS_PROVENANCE = {
    "Mass": columns.MASS,
    "Msini": columns.MSINI,
    "Msin(i)/sin(i)": columns.MSINI_CORRECTED,
    "M-R relationship": columns.MASS_RADIUS,  # from the radius: not measured at all
    "": columns.UNKNOWN,
}
_IRON = "[Fe/H]"


def _archive(name: str) -> tuple[str, str, str, str]:
    """Return a quantity's four columns in the archive."""
    return name, f"{name}err1", f"{name}err2", f"{name}lim"


_QUERIED = (
    "pl_name",
    "hostname",
    "sy_snum",
    "pl_controv_flag",
    "discoverymethod",
    "disc_year",
    *_archive("pl_orbper"),
    *_archive("pl_orbsmax"),
    *_archive("pl_orbeccen"),
    *_archive("pl_bmassj"),
    *_archive("pl_bmasse"),
    "pl_bmassprov",
    *_archive("pl_radj"),
    *_archive("st_mass"),
    *_archive("st_rad"),
    *_archive("st_teff"),
    *_archive("st_met"),
    "st_metratio",
    "ra",
    "dec",
    "sy_dist",
    "gaia_dr3_id",
)
_TABLE = "pscomppars"
_MARGIN = 1.25  # hosts this factor outside the window are asked for, to study edges
_DATE = re.compile(r"\w{3} (\w{3} +\d+) [\d:]{8} (\d{4})")


def read_pscomppars(table: TextTable, *, provenance: Provenance) -> CatalogueTable:
    """Return the companions of a PSCompPars table, or of a user's own in its names.

    Raises
    ------
    InputUnusable
        where `columns` or `units` refuse it, or where it is the Brown Dwarf Companion
        Catalogue or the archive's table of all published solutions.
    """
    _refuse_other_tables(table)
    columns.require_companions(table)
    found = columns.common(table) | _iron(table)
    provenances, unknown_words = _mass_provenance(table)
    methods = [word or "unknown" for word in columns.texts(table, "discoverymethod")]
    frame = columns.companion_frame(
        found
        | {
            "pl_name": columns.texts(table, "pl_name", "host_star"),
            "hostname": columns.hosts(table),
            "discoverymethod": methods,
            "method_detail": columns.either(
                columns.texts(table, "method_detail"), methods
            ),
            "mass_provenance": provenances,
            "st_metratio": columns.texts(table, "st_metratio"),
            "reference": _references(table, provenance),
        },
        source=CATALOGUE,
        n_rows=len(table),
    )
    check_units(table, frame)
    remarks = columns.remarks_on_absences(table)
    if unknown_words:
        remarks.append(
            f"{table.name}: pl_bmassprov holds {', '.join(unknown_words)}, which is "
            "not known here; how those masses are known is taken as unknown"
        )
    return CatalogueTable(frame, provenance, table.raw, tuple(remarks))


def query(host_mass_range_msun: tuple[float, float]) -> Query:
    """Return what the archive is asked: named columns, hosts of the window and around.

    Ordered by name, because the service's own order is arbitrary.
    """
    low, high = host_mass_range_msun
    return Query(
        table=_TABLE,
        columns=_QUERIED,
        optional=("gaia_dr3_id",),  # older services have gaia_id, which is DR2's
        condition=f"st_mass between {low / _MARGIN:.4g} and {high * _MARGIN:.4g}",
        order_by="pl_name",
    )


def service(
    transport: Transport, url: str, *, host_mass_range_msun: tuple[float, float]
) -> Service:
    """Return the archive at this URL, to be asked for hosts of this window."""
    asked = query(host_mass_range_msun)
    return Service(
        catalogue=CATALOGUE,
        url=url,
        query=asked.adql,
        ask=partial(ask_tap, transport, SERVICE, url, asked, way_out=WAY_OUT),
        read=read_pscomppars,
        way_out=WAY_OUT,
    )


def date_in_header(table: TextTable) -> str:
    """Return the ISO date that a web download bears, "" for a table without one."""
    for comment in table.comments:
        if match := _DATE.fullmatch(comment):
            day = datetime.strptime(f"{match[1]} {match[2]}", "%b %d %Y")
            return day.date().isoformat()
    return ""


def _refuse_other_tables(table: TextTable) -> None:
    if "host_star" in table and "msini" in table and "pl_name" not in table:
        raise table.refusal(
            "this is the Brown Dwarf Companion Catalogue, not PSCompPars",
            "Give it by --bd",
        )
    names = columns.texts(table, "pl_name")
    if "default_flag" in table and len(set(names)) < len(names):
        raise table.refusal(
            f"{len(names) - len(set(names))} planets are there more than once: this is "
            "the archive's table of all published solutions (ps)",
            "Get PSCompPars, which has one row per planet",
        )


def _iron(table: TextTable) -> dict[str, columns.Floats]:
    """Return [Fe/H]: what st_metfe says, else st_met where its ratio says so.

    `st_metfe` is not a column of the archive, but a user's table may have it.
    """
    given = columns.measured(table, "st_metfe")
    is_iron = np.array(columns.texts(table, "st_metratio"), dtype=str) == _IRON
    fill = is_iron & np.isnan(given["st_metfe"])
    archive = columns.measured(table, "st_met")
    return {
        name: np.where(fill, archive[name.replace("st_metfe", "st_met")], values)
        for name, values in given.items()
    }


def _mass_provenance(table: TextTable) -> tuple[list[str], list[str]]:
    """Return how each mass is known, and the archive's words that are not known here.

    Without the archive's column, the project's own `mass_provenance` is taken, else
    masses from columns `mass` and `msini` are what these are called, and others are
    unknown.
    """
    if "mass_provenance" in table and "pl_bmassprov" not in table:
        return columns.known_provenance(table), []
    if "pl_bmassprov" in table:
        words = table.columns["pl_bmassprov"]
        known = [_MASS_PROVENANCE.get(word, columns.UNKNOWN) for word in words]
        return known, sorted(set(words) - set(_MASS_PROVENANCE))
    if "pl_bmassj" in table or "pl_bmasse" in table:
        return [columns.UNKNOWN] * len(table), []
    return columns.mass_or_msini(table), []


def _references(table: TextTable, provenance: Provenance) -> list[str]:
    """Return the row's own reference if the table has one, else the table's name."""
    date = f", {provenance.retrieved_utc[:10]}" if provenance.retrieved_utc else ""
    whole = f"NASA Exoplanet Archive PSCompPars composite{date}"
    return [own or whole for own in columns.texts(table, "reference")]
