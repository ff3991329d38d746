"""The tables that ship with the project: published values of VLMS companions.

Each is a CSV in the schema's column names with its biography in `#` lines, made by
`tools/build_snapshot.py` and described in `data/README.md`.
"""

from pathlib import Path

from panoptic.catalogues import columns
from panoptic.catalogues.csv_dialects import TextTable, parse_table, read_bytes
from panoptic.catalogues.table import CatalogueTable, Origin, Provenance

HOST_MASS_RANGE_MSUN = (0.05, 0.25)
FILES = {
    "PSCompPars": "pscomppars_vlms.csv",
    "BDcat": "brown_dwarfs_vlms.csv",
}


def read_embedded(catalogue: str, data_dir: Path) -> CatalogueTable:
    """Return the rows of one catalogue that ship with the project.

    Raises
    ------
    InputUnusable
        where the folder is not whole: the file is missing or damaged.
    """
    return read_copy(catalogue, data_dir / FILES[catalogue])


def read_copy(catalogue: str, path: Path) -> CatalogueTable:
    """Return the rows of one such table, wherever it lies.

    Raises
    ------
    InputUnusable
        where the file is missing or damaged.
    """
    table = parse_table(read_bytes(path), name=str(path))
    columns.require_rows(table)
    frame = columns.companion_frame(
        {
            name: columns.texts(table, name)
            if name in columns.TEXT_COLUMNS
            else columns.numbers(table, name)
            for name in table.columns
        },
        source=catalogue,
        n_rows=len(table),
    )
    biography = _biography(table)
    provenance = Provenance(
        catalogue=catalogue,
        origin=Origin.EMBEDDED,
        location=f"{path.parent.name}/{path.name}",
        n_rows=len(table),
        sha256=table.sha256,
        retrieved_utc=biography["date"],
        query=biography["query"],
        note=biography["source"],
    )
    return CatalogueTable(frame, provenance, table.raw)


def remark_on_window(host_mass_range_msun: tuple[float, float]) -> tuple[str, ...]:
    """Return what to say where the window asked for is wider than these tables."""
    low, high = HOST_MASS_RANGE_MSUN
    asked_low, asked_high = host_mass_range_msun
    if low <= asked_low and asked_high <= high:
        return ()
    return (
        f"the tables that ship with the project hold hosts of {low}-{high} Msun, fewer "
        f"than the {asked_low:g}-{asked_high:g} Msun asked for: use --ps and --bd, or "
        "--fetch",
    )


def _biography(table: TextTable) -> dict[str, str]:
    found = {"date": "", "query": "", "source": ""}
    for comment in table.comments:
        key, separator, value = comment.partition(": ")
        if separator and key in found:
            found[key] = value
    return found
