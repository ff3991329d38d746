"""What a catalogue room hands on: a frame in the archive's column names, and whence."""

from dataclasses import dataclass, field
from enum import StrEnum

import pandas as pd


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
    raw : the accepted bytes, to be kept beside the results.
    remarks : what a reader should know (absent optional columns, suspected units).
    """

    frame: pd.DataFrame
    provenance: Provenance
    raw: bytes = field(repr=False)
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Catalogues:
    """The tables of one run, in order of preference."""

    tables: tuple[CatalogueTable, ...]
