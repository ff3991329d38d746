"""The Brown Dwarf Companion Catalogue's file: figshare first, then its mirror.

figshare lists an article's files with their md5. Its downloads may answer a script
with an empty 202 or a 403, which are refusals: only 200 with bytes of the listed md5
is taken.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import partial

from panoptic.catalogues.brown_dwarfs import CATALOGUE, read_brown_dwarfs
from panoptic.catalogues.csv_dialects import TextTable, parse_table, what_came_instead
from panoptic.catalogues.endpoints import Endpoints
from panoptic.catalogues.kept import Kept, without_byte_order_mark
from panoptic.catalogues.service import Service
from panoptic.catalogues.transport import BadAnswer, Body, Transport
from panoptic.failures import CatalogueUnavailable, InputUnusable

ARTICLE = 24156393
MIRRORED_FILE = "BD_catalogue_20-11-23.csv"  # the newest of the mirror
SERVICE = "figshare (Brown Dwarf Companion Catalogue)"
MIRROR = "the mirror of the Brown Dwarf Companion Catalogue"
WAY_OUT = (
    f"Get the CSV with a browser from https://doi.org/10.21954/ou.rd.{ARTICLE} and "
    "give it by --bd FILE, or run without --fetch, or with --on_fetch_failure cache or "
    "embedded."
)


@dataclass(frozen=True, slots=True)
class ListedFile:
    """One file as figshare lists it."""

    id: int
    name: str
    md5: str


def ask(transport: Transport, endpoints: Endpoints) -> Kept:
    """Return the newest file of the catalogue.

    Raises
    ------
    CatalogueUnavailable
        where neither figshare nor the mirror gives it, with what each said.
    """
    try:
        return _from_figshare(transport, endpoints)
    except CatalogueUnavailable as failure:
        said = str(failure).removesuffix(f" {WAY_OUT}")
    url = f"{endpoints.bd_mirror_url}/{MIRRORED_FILE}"
    try:
        content = transport.ask(MIRROR, url, way_out=WAY_OUT, accept=_accept_csv)
    except CatalogueUnavailable as failure:
        raise CatalogueUnavailable(f"{said} Then {failure}") from failure
    return _kept(transport, content, url, note=f"from the mirror, because {said}")


def service(transport: Transport, endpoints: Endpoints) -> Service:
    """Return figshare and the mirror as one service."""
    return Service(
        catalogue=CATALOGUE,
        url=_listing_url(endpoints),
        query="",
        ask=partial(ask, transport, endpoints),
        read=read_brown_dwarfs,
        way_out=WAY_OUT,
    )


def _listing_url(endpoints: Endpoints) -> str:
    return f"{endpoints.figshare_api_url}/articles/{ARTICLE}/files"


def _kept(transport: Transport, table: TextTable, url: str, *, note: str) -> Kept:
    return Kept(
        content=without_byte_order_mark(table.raw),
        url=url,
        query="",
        retrieved_utc=transport.utc_now().isoformat(timespec="seconds"),
        n_rows=len(table),
        note=note,
    )


def newest(files: list[ListedFile]) -> ListedFile | None:
    """Return the CSV of the catalogue that was uploaded last, None without one."""
    tables = [
        file
        for file in files
        if file.name.lower().endswith(".csv") and "catalogue" in file.name.lower()
    ]
    return max(tables, key=lambda file: file.id, default=None)


def _from_figshare(transport: Transport, endpoints: Endpoints) -> Kept:
    listing = _listing_url(endpoints)
    file = transport.ask(SERVICE, listing, way_out=WAY_OUT, accept=_newest_listed)
    accept = partial(_accept_listed, file=file)
    urls = (
        f"{endpoints.figshare_download_url}/{file.id}",
        f"{endpoints.figshare_api_url}/file/download/{file.id}",
    )
    refusals: list[str] = []
    for url in urls:
        try:
            table = transport.ask(SERVICE, url, way_out=WAY_OUT, accept=accept)
        except CatalogueUnavailable as failure:
            refusals.append(str(failure).removesuffix(f" {WAY_OUT}"))
        else:
            note = f"{file.name}, md5 {file.md5} as listed"
            return _kept(transport, table, url, note=note)
    raise CatalogueUnavailable(
        " Then ".join([*refusals[:-1], f"{refusals[-1]} {WAY_OUT}"])
    )


def _accept_listed(body: Body, *, file: ListedFile) -> TextTable:
    """Return the table of a download with the md5 that figshare lists."""
    md5 = hashlib.md5(body.content, usedforsecurity=False).hexdigest()
    if body.content and md5 != file.md5:
        instead = what_came_instead(body.content.decode("utf-8", errors="replace"))
        came = instead or f"a file with md5 {md5}"
        raise BadAnswer(
            f"{came} came where figshare lists md5 {file.md5}", is_transient=True
        )
    return _accept_csv(body)


def _newest_listed(body: Body) -> ListedFile:
    try:
        listed = json.loads(body.content)
        files = [
            ListedFile(int(file["id"]), str(file["name"]), str(file["computed_md5"]))
            for file in listed
            if not file.get("is_link_only")
        ]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        text = body.content.decode("utf-8", errors="replace")
        came = what_came_instead(text) or "something"
        raise BadAnswer(
            f"{came} came in place of a list of files", is_transient=False
        ) from error
    file = newest(files)
    if file is None:
        names = ", ".join(file.name for file in files) or "none"
        raise BadAnswer(
            f"no catalogue CSV among its files ({names})", is_transient=False
        )
    return file


def _accept_csv(body: Body) -> TextTable:
    if not body.content:
        raise BadAnswer("an empty file came", is_transient=True)
    try:
        table = parse_table(body.content, name=body.url)
    except InputUnusable as error:
        raise BadAnswer.not_a_table(error, url=body.url) from error
    if not table.ends_in_line_end:
        raise BadAnswer("the last line was cut", is_transient=True)
    return table
