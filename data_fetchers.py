"""Which catalogues a run reads, and from where: embedded, local files or network."""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from panoptic.catalogues import brown_dwarfs, embedded, figshare, nasa_archive
from panoptic.catalogues.csv_dialects import parse_table, read_bytes
from panoptic.catalogues.endpoints import Endpoints
from panoptic.catalogues.table import Catalogues, CatalogueTable, Origin, Provenance
from panoptic.catalogues.tap import ask_tap
from panoptic.catalogues.transport import Transport
from panoptic.config import InputOptions
from panoptic.failures import CatalogueUnavailable, InputUnusable

Progress = Callable[[int, int], None]

_READERS = {
    nasa_archive.CATALOGUE: nasa_archive.read_pscomppars,
    brown_dwarfs.CATALOGUE: brown_dwarfs.read_brown_dwarfs,
}


def fetch(
    inputs: InputOptions,
    *,
    data_dir: Path,
    host_mass_range_msun: tuple[float, float] = (0.06, 0.20),
    transport: Transport | None = None,
    progress: Progress | None = None,
) -> Catalogues:
    """Return the catalogues of a run, PSCompPars first.

    Without input options these are the tables that ship with the project. Files are
    the whole input. `fetch` gets over the network whichever was not given as a file.

    Parameters
    ----------
    data_dir : where the embedded tables are.
    host_mass_range_msun : the window of the sample; the archive is asked for it with a
        margin, and embedded tables say where it is wider than they are.
    transport : who asks the services; None for the default patience.
    progress : called with tables read and tables wanted.

    Raises
    ------
    InputUnusable
        for a file that cannot be used.
    CatalogueUnavailable
        for a service that does not answer with its table.
    """
    files = {
        nasa_archive.CATALOGUE: inputs.ps,
        brown_dwarfs.CATALOGUE: inputs.bd,
    }
    wanted = [
        catalogue
        for catalogue, path in files.items()
        if path or inputs.fetch or not any(files.values())
    ]
    tables: list[CatalogueTable] = []
    for done, catalogue in enumerate(wanted, start=1):
        path = files[catalogue]
        if path:
            table = _read_file(catalogue, path)
        elif inputs.fetch:
            table = _fetch(catalogue, host_mass_range_msun, transport or Transport())
        else:
            table = embedded.read_embedded(catalogue, data_dir)
            if not tables:  # said once
                remarks = embedded.remark_on_window(host_mass_range_msun)
                table = replace(table, remarks=remarks)
        tables.append(table)
        if progress:
            progress(done, len(wanted))
    return Catalogues(tuple(tables))


def _read_file(catalogue: str, path: Path) -> CatalogueTable:
    table = parse_table(read_bytes(path), name=str(path))
    provenance = Provenance(
        catalogue=catalogue,
        origin=Origin.FILE,
        location=str(path),
        n_rows=len(table),
        sha256=table.sha256,
        retrieved_utc=nasa_archive.date_in_header(table),
    )
    return _READERS[catalogue](table, provenance=provenance)


def _fetch(
    catalogue: str, window_msun: tuple[float, float], transport: Transport
) -> CatalogueTable:
    endpoints = Endpoints.chosen({}, os.environ)
    if catalogue == nasa_archive.CATALOGUE:
        answer = ask_tap(
            transport,
            nasa_archive.SERVICE,
            endpoints.nasa_tap_url,
            nasa_archive.query(window_msun),
            way_out=nasa_archive.WAY_OUT,
        )
        table, url, note = answer.table, answer.url, "; ".join(answer.remarks)
        query = answer.query.adql
    else:
        download = figshare.download(transport, endpoints)
        table = parse_table(download.content, name=download.url)
        url, note, query = download.url, download.note, ""
    provenance = Provenance(
        catalogue=catalogue,
        origin=Origin.NETWORK,
        location=url,
        n_rows=len(table),
        sha256=table.sha256,
        retrieved_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        query=query,
        note=note,
    )
    try:
        return _READERS[catalogue](table, provenance=provenance)
    except InputUnusable as error:
        raise CatalogueUnavailable(
            f"{catalogue} was fetched but cannot be used: {error}"
        ) from error
