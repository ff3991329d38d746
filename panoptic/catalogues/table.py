"""What a catalogue room hands on: a frame in the archive's column names, and whence."""

from dataclasses import dataclass, field
from enum import StrEnum

import pandas as pd

from panoptic.catalogues.kept import Kept


class Origin(StrEnum):
    """How a table reached this run."""

    EMBEDDED = "embedded"
    FILE = "file"
    NETWORK = "network"
    CACHE = "cache"


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a table came from, so that the same rows can be had again."""

    catalogue: str  # PSCompPars, BDcat, ...
    origin: Origin
    location: str  # URL or path as given
    n_rows: int
    sha256: str  # of the raw bytes as received, after decompression
    retrieved_utc: str = ""  # ISO date of the fetch, or the date inside the file
    query: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class CatalogueTable:
    """One catalogue's rows in the archive's column names.

    frame : columns as in `panoptic.sample.SCHEMA` as far as the catalogue has them;
        numbers are floats, absent values NaN, text str. Whatever the catalogue's
        layout was, `method_detail` and `mass_provenance` are filled.
    raw : the accepted bytes.
    remarks : what a reader should know (absent optional columns, suspected units).
    stands_in_because : why this is not the table that was asked for, "" if it is.
    """

    frame: pd.DataFrame
    provenance: Provenance
    raw: bytes = field(repr=False)
    remarks: tuple[str, ...] = ()
    stands_in_because: str = ""

    @property
    def answer(self) -> Kept:
        """What a service answered, for a table that came over the network."""
        whence = self.provenance
        return Kept(
            content=self.raw,
            url=whence.location,
            query=whence.query,
            retrieved_utc=whence.retrieved_utc,
            n_rows=whence.n_rows,
            note=whence.note,
        )

    @property
    def kept(self) -> bytes:
        """The bytes to be kept beside the results.

        Read again as a file they give the same rows. What came over the network is
        kept below a line that says whence, when and what was asked.
        """
        if self.provenance.origin in (Origin.NETWORK, Origin.CACHE):
            return self.answer.as_bytes()
        return self.raw


@dataclass(frozen=True, slots=True)
class Catalogues:
    """The tables of one run, in order of preference.

    outer_perturbers : Gaia's two-body orbits of the hosts, with the columns of
        `gaia_nss.PERTURBER_COLUMNS`; None where they were not asked for.
    """

    tables: tuple[CatalogueTable, ...]
    outer_perturbers: CatalogueTable | None = None

    @property
    def read(self) -> tuple[CatalogueTable, ...]:
        """Every table that was read, Gaia's last."""
        gaia = () if self.outer_perturbers is None else (self.outer_perturbers,)
        return (*self.tables, *gaia)

    @property
    def stand_ins(self) -> tuple[str, ...]:
        """What a reader must know first: each table that is not the one asked for."""
        return tuple(
            f"{table.provenance.catalogue}: {table.stands_in_because}"
            for table in self.read
            if table.stands_in_because
        )
