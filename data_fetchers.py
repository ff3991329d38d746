"""Which catalogues a run reads, and from where: embedded, local files or network.

A file given wins. What is to be fetched comes from a young cache entry, else from the
service; when the service fails the run fails, unless the user asked for another table
to stand in, and then that is said first.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from panoptic.catalogues import brown_dwarfs, embedded, figshare, gaia_nss, nasa_archive
from panoptic.catalogues.cache import Cache, default_folder
from panoptic.catalogues.csv_dialects import parse_table, read_bytes
from panoptic.catalogues.endpoints import Endpoints
from panoptic.catalogues.kept import Damaged, Kept, from_bytes
from panoptic.catalogues.service import (
    CachePolicy,
    Reader,
    Service,
    cached_of_any_age,
    obtain,
)
from panoptic.catalogues.table import Catalogues, CatalogueTable, Origin, Provenance
from panoptic.catalogues.transport import Patience, Transport
from panoptic.config import InputOptions
from panoptic.failures import CatalogueUnavailable

PERTURBER_COLUMNS = gaia_nss.PERTURBER_COLUMNS
PSCOMPPARS, BROWN_DWARFS = nasa_archive.CATALOGUE, brown_dwarfs.CATALOGUE
_READERS: dict[str, Reader] = {
    PSCOMPPARS: nasa_archive.read_pscomppars,
    BROWN_DWARFS: brown_dwarfs.read_brown_dwarfs,
}


def fetch(
    inputs: InputOptions,
    *,
    data_dir: Path,
    host_mass_range_msun: tuple[float, float] = (0.06, 0.20),
    transport: Transport | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Catalogues:
    """Return the catalogues of a run, PSCompPars first.

    Without input options these are the tables that ship with the project. Files are
    the whole input. `fetch` gets over the network whichever was not given as a file.

    Parameters
    ----------
    data_dir : where the embedded tables are.
    host_mass_range_msun : the window of the sample; the archive is asked for it with a
        margin, and embedded tables say where it is wider than they are.
    transport : who asks the services; None for one with the patience of `inputs`.
    progress : called with tables read and tables wanted.

    Raises
    ------
    InputUnusable
        for a file that cannot be used.
    CatalogueUnavailable
        for a service that does not answer with its table.
    """
    asker = transport or Transport(_patience(inputs))
    urls = Endpoints.chosen(inputs.endpoints, os.environ)
    services = {
        PSCOMPPARS: nasa_archive.service(
            asker, urls.nasa_tap_url, host_mass_range_msun=host_mass_range_msun
        ),
        BROWN_DWARFS: figshare.service(asker, urls),
    }
    fetched = partial(_fetched, inputs=inputs, transport=asker, data_dir=data_dir)
    wants_gaia = bool(inputs.gaia_nss or inputs.fetch_gaia)
    wanted = _wanted(inputs)
    tables: list[CatalogueTable] = []
    for catalogue, path in wanted.items():
        if path:
            table = _read_file(catalogue, path, _READERS[catalogue])
        elif inputs.fetch:
            table = fetched(services[catalogue])
        else:
            table = embedded.read_embedded(catalogue, data_dir)
        tables.append(table)
        if progress:
            progress(len(tables), len(wanted) + wants_gaia)
    tables[0] = _with_remark_on_window(tables, host_mass_range_msun)
    if not wants_gaia:
        return Catalogues(tuple(tables))
    frames = [table.frame for table in tables]
    hosts = gaia_nss.hosts_to_search(frames, host_mass_range_msun)
    if inputs.gaia_nss:
        read = partial(gaia_nss.read_nss, hosts=hosts)
        orbits = _read_file(gaia_nss.CATALOGUE, inputs.gaia_nss, read)
    else:
        orbits = fetched(gaia_nss.service(asker, urls.gaia_tap_url, hosts))
    if progress:
        progress(len(wanted) + 1, len(wanted) + 1)
    return Catalogues(tuple(tables), orbits)


def read_kept(
    records: Sequence[Mapping[str, Any]],
    folder: Path,
    *,
    host_mass_range_msun: tuple[float, float],
) -> Catalogues:
    """Return the catalogues of a finished run, from the tables kept in its folder.

    Parameters
    ----------
    records : what the run recorded of each table: the fields of `Provenance`, the
        remarks, `stands_in_because`, and where below `folder` it was kept.

    Raises
    ------
    InputUnusable
        for a kept table that cannot be read any more.
    """
    tables: dict[str, CatalogueTable] = {}
    for record in records:
        catalogue, path = record["catalogue"], folder / record["kept_as"]
        if record["origin"] == Origin.EMBEDDED:
            table = embedded.read_copy(catalogue, path)
        elif catalogue == gaia_nss.CATALOGUE:
            frames = [table.frame for table in tables.values()]
            hosts = gaia_nss.hosts_to_search(frames, host_mass_range_msun)
            table = _read_file(catalogue, path, partial(gaia_nss.read_nss, hosts=hosts))
        else:
            table = _read_file(catalogue, path, _READERS[catalogue])
        tables[catalogue] = _as_recorded(table, record)
    perturbers = tables.pop(gaia_nss.CATALOGUE, None)
    return Catalogues(tuple(tables.values()), perturbers)


def _as_recorded(table: CatalogueTable, record: Mapping[str, Any]) -> CatalogueTable:
    """Return a table that was read again as the run that kept it knew it."""
    whence = {field.name: record[field.name] for field in fields(Provenance)}
    whence["origin"] = Origin(whence["origin"])
    kept = from_bytes(table.raw)
    return replace(
        table,
        provenance=Provenance(**whence),
        raw=kept.content if isinstance(kept, Kept) else table.raw,
        remarks=tuple(record["remarks"]),
        stands_in_because=record["stands_in_because"],
    )


def _wanted(inputs: InputOptions) -> dict[str, Path | None]:
    """Return the catalogues to read, with the files that were given."""
    files = {PSCOMPPARS: inputs.ps, BROWN_DWARFS: inputs.bd}
    if inputs.fetch or not any(files.values()):
        return files
    return {catalogue: path for catalogue, path in files.items() if path}


def _read_file(catalogue: str, path: Path, read: Reader) -> CatalogueTable:
    """Return a file's rows; one that a run kept says itself when it was fetched."""
    raw = read_bytes(path)
    table = parse_table(raw, name=str(path))
    whence = Provenance(
        catalogue=catalogue,
        origin=Origin.FILE,
        location=str(path),
        n_rows=len(table),
        sha256=table.sha256,
        retrieved_utc=nasa_archive.date_in_header(table),
    )
    kept = from_bytes(raw)
    if isinstance(kept, Kept):
        note = f"first fetched from {kept.url}"
        whence = replace(
            whence, retrieved_utc=kept.retrieved_utc, query=kept.query, note=note
        )
    found = read(table, provenance=whence)
    if isinstance(kept, Damaged):
        changed = f"{path} was changed after it was fetched: {kept.problem}"
        found = replace(found, remarks=(*found.remarks, changed))
    return found


def _fetched(
    service: Service, *, inputs: InputOptions, transport: Transport, data_dir: Path
) -> CatalogueTable:
    """Return a service's table, or the one that the user lets stand in for it."""
    policy = CachePolicy(
        cache=Cache(inputs.cache_dir or default_folder()),
        max_age_days=inputs.max_age_days,
        is_offline=inputs.offline,
        utc_now=transport.utc_now,
    )
    try:
        return obtain(service, policy)
    except CatalogueUnavailable as failure:
        if inputs.on_fetch_failure == "fail":
            raise
        stand_in = _stand_in(service, policy, inputs, data_dir, failure)
        if stand_in is None:
            raise CatalogueUnavailable(
                f"{failure} --on_fetch_failure {inputs.on_fetch_failure} was asked "
                "for, but there is no such table."
            ) from failure
        return stand_in


def _stand_in(
    service: Service,
    policy: CachePolicy,
    inputs: InputOptions,
    data_dir: Path,
    failure: CatalogueUnavailable,
) -> CatalogueTable | None:
    said = str(failure).removesuffix(service.way_out).strip().rstrip(".")
    if inputs.on_fetch_failure == "cache":
        return cached_of_any_age(service, policy, because=said)
    if service.catalogue not in embedded.FILES:
        return None
    table = embedded.read_embedded(service.catalogue, data_dir)
    because = (
        f"the table of {table.provenance.retrieved_utc} that ships with the project, "
        f"because {said}"
    )
    return replace(table, stands_in_because=because)


def _with_remark_on_window(
    tables: Sequence[CatalogueTable], host_mass_range_msun: tuple[float, float]
) -> CatalogueTable:
    """Return the first table, saying once where embedded ones are too narrow."""
    if all(table.provenance.origin is not Origin.EMBEDDED for table in tables):
        return tables[0]
    remarks = embedded.remark_on_window(host_mass_range_msun)
    return replace(tables[0], remarks=(*tables[0].remarks, *remarks))


def _patience(inputs: InputOptions) -> Patience:
    return Patience(
        attempts=inputs.fetch_attempts, read_timeout_s=inputs.fetch_timeout_s
    )
