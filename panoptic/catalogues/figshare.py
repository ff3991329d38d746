"""The Brown Dwarf Companion Catalogue's file: figshare first, then its mirror.

figshare lists an article's files with their md5. Its downloads may answer a script
with an empty 202 or a 403, which are refusals: only 200 with bytes of the listed md5
is taken.
"""

import hashlib
import json
from dataclasses import dataclass

from panoptic.catalogues.csv_dialects import what_came_instead
from panoptic.catalogues.endpoints import Endpoints
from panoptic.catalogues.transport import BadAnswer, Body, Transport
from panoptic.failures import CatalogueUnavailable

ARTICLE = 24156393
MIRRORED_FILE = "BD_catalogue_20-11-23.csv"  # the newest of the mirror
SERVICE = "figshare (Brown Dwarf Companion Catalogue)"
MIRROR = "the mirror of the Brown Dwarf Companion Catalogue"
WAY_OUT = (
    f"Get the CSV with a browser from https://doi.org/10.21954/ou.rd.{ARTICLE} and "
    "give it by --bd FILE, or run without --fetch"
)


@dataclass(frozen=True, slots=True)
class ListedFile:
    """One file as figshare lists it."""

    id: int
    name: str
    md5: str


@dataclass(frozen=True, slots=True)
class Download:
    """The accepted bytes and where they came from."""

    content: bytes
    url: str
    note: str


def download(transport: Transport, endpoints: Endpoints) -> Download:
    """Return the newest catalogue file.

    Raises
    ------
    CatalogueUnavailable
        where neither figshare nor the mirror gives it, with what each said.
    """
    try:
        return _from_figshare(transport, endpoints)
    except CatalogueUnavailable as figshare_failure:
        url = f"{endpoints.bd_mirror_url}/{MIRRORED_FILE}"
        try:
            content = transport.ask(MIRROR, url, way_out=WAY_OUT, accept=_csv)
        except CatalogueUnavailable as mirror_failure:
            raise CatalogueUnavailable(
                f"{str(figshare_failure).removesuffix(WAY_OUT + '.').strip()} Then "
                f"{mirror_failure}"
            ) from mirror_failure
        note = f"from the mirror, because {figshare_failure}".removesuffix(
            f" {WAY_OUT}."
        )
        return Download(content, url, note)


def newest(files: list[ListedFile]) -> ListedFile | None:
    """Return the CSV of the catalogue that was uploaded last, None without one."""
    tables = [
        file
        for file in files
        if file.name.lower().endswith(".csv") and "catalogue" in file.name.lower()
    ]
    return max(tables, key=lambda file: file.id, default=None)


def _from_figshare(transport: Transport, endpoints: Endpoints) -> Download:
    listing = f"{endpoints.figshare_api_url}/articles/{ARTICLE}/files"
    file = transport.ask(SERVICE, listing, way_out=WAY_OUT, accept=_newest_listed)

    def whole(body: Body) -> bytes:
        content = _csv(body)
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        if md5 != file.md5:
            raise BadAnswer(
                f"the file's md5 is {md5} where figshare lists {file.md5}",
                is_transient=True,
            )
        return content

    last_failure: CatalogueUnavailable | None = None
    for url in (
        f"{endpoints.figshare_download_url}/{file.id}",
        f"{endpoints.figshare_api_url}/file/download/{file.id}",
    ):
        try:
            content = transport.ask(SERVICE, url, way_out=WAY_OUT, accept=whole)
        except CatalogueUnavailable as failure:
            last_failure = failure
        else:
            return Download(content, url, f"{file.name}, md5 {file.md5}")
    assert last_failure is not None
    raise last_failure


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


def _csv(body: Body) -> bytes:
    if not body.content:
        raise BadAnswer("an empty file came", is_transient=True)
    text = body.content[:4096].decode("utf-8", errors="replace")
    if instead := what_came_instead(text):
        raise BadAnswer(f"{instead} came in place of a CSV", is_transient=False)
    return body.content
