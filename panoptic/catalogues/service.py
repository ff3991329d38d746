"""A catalogue that is asked for over the network, through the cache."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from panoptic.catalogues.cache import Cache, age_days
from panoptic.catalogues.csv_dialects import TextTable, parse_table
from panoptic.catalogues.kept import Damaged, Kept
from panoptic.catalogues.table import CatalogueTable, Origin, Provenance
from panoptic.failures import CatalogueUnavailable, InputUnusable


class Reader(Protocol):
    """Makes rows of companions (or of solutions) of a table's cells."""

    def __call__(
        self, table: TextTable, *, provenance: Provenance
    ) -> CatalogueTable: ...


@dataclass(frozen=True, slots=True)
class Service:
    """One catalogue as it can be had over the network.

    url, query : name the cache entry. ask : asks the network; raises
    `CatalogueUnavailable`. read : what every answer must pass before it is kept.
    """

    catalogue: str
    url: str
    query: str
    ask: Callable[[], Kept]
    read: Reader
    way_out: str


@dataclass(frozen=True, slots=True)
class CachePolicy:
    """Where answers are kept, and when one is used in place of the network."""

    cache: Cache
    max_age_days: float
    is_offline: bool
    utc_now: Callable[[], datetime]


def obtain(service: Service, policy: CachePolicy) -> CatalogueTable:
    """Return a catalogue: a cached answer that is young enough, else a new one.

    Offline a cached answer of any age is taken, and its age said where it is old. An
    entry that is not what was written is never used. Only an answer that its reader
    accepts is kept, and a failure leaves the earlier entry as it was.

    Raises
    ------
    CatalogueUnavailable
        where the service fails, or offline where the cache has no answer.
    """
    path = _path(service, policy)
    with policy.cache.hold(path):
        found, refusal = _cached(service, policy, path)
        if found is not None:
            age = age_days(found.kept, policy.utc_now())
            is_young = 0.0 <= age <= policy.max_age_days
            if is_young:
                return found.table
            if policy.is_offline:
                because = _in_place(found.kept, age, "--offline was given")
                return replace(found.table, stands_in_because=because)
        if policy.is_offline:
            raise CatalogueUnavailable(
                f"{service.catalogue}: {refusal or f'the cache has no {path}'}, and "
                f"--offline forbids to ask {service.url}. Run once without --offline, "
                f"or: {service.way_out}"
            )
        table = _asked(service)
        remarks = (f"{refusal}; it was fetched anew",) if refusal else ()
        return _kept(table, policy, path, remarks)


def cached_of_any_age(
    service: Service, policy: CachePolicy, *, because: str
) -> CatalogueTable | None:
    """Return the cached answer, saying what it stands in for; None without one."""
    found, _ = _cached(service, policy, _path(service, policy))
    if found is None:
        return None
    age = age_days(found.kept, policy.utc_now())
    said = _in_place(found.kept, age, because)
    return replace(found.table, stands_in_because=said)


@dataclass(frozen=True, slots=True)
class _Found:
    kept: Kept
    table: CatalogueTable


def _path(service: Service, policy: CachePolicy) -> Path:
    return policy.cache.path(service.catalogue, url=service.url, query=service.query)


def _cached(
    service: Service, policy: CachePolicy, path: Path
) -> tuple[_Found | None, str]:
    """Return a cache entry, or why there is one that cannot be used."""
    kept = policy.cache.load(path)
    if kept is None:
        return None, ""
    if isinstance(kept, Damaged):
        return None, f"the cache entry {path} was refused: {kept.problem}"
    try:
        return _Found(kept, _read(service, kept, Origin.CACHE)), ""
    except InputUnusable as error:
        return None, f"the cache entry {path} was refused: {error}"


def _asked(service: Service) -> CatalogueTable:
    kept = service.ask()
    try:
        return _read(service, kept, Origin.NETWORK)
    except InputUnusable as error:
        raise CatalogueUnavailable(
            f"{service.catalogue} came from {kept.url}, but cannot be used: {error} "
            f"{service.way_out}"
        ) from error


def _read(service: Service, kept: Kept, origin: Origin) -> CatalogueTable:
    table = parse_table(kept.content, name=kept.url)
    provenance = Provenance(
        catalogue=service.catalogue,
        origin=origin,
        location=kept.url,
        n_rows=len(table),
        sha256=kept.sha256,
        retrieved_utc=kept.retrieved_utc,
        query=kept.query,
        note=kept.note,
    )
    return service.read(table, provenance=provenance)


def _kept(
    table: CatalogueTable, policy: CachePolicy, path: Path, remarks: tuple[str, ...]
) -> CatalogueTable:
    """Put an accepted answer into the cache; without a cache the run still goes on."""
    try:
        policy.cache.store(path, table.answer)
    except OSError as error:
        said = f"the answer could not be kept in {path}: {error.strerror}"
        remarks = (*remarks, said)
    return replace(table, remarks=table.remarks + remarks)


def _in_place(kept: Kept, age: float, because: str) -> str:
    return (
        f"the table cached on {kept.retrieved_utc[:10]}, {age:.1f} days old, because "
        f"{because}"
    )
