"""report.html: one self-contained page that shows what a run found.

Nothing is loaded from anywhere, and nothing needs a script to be read. The page holds
no time of its making: the same results give the same bytes.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd
from markupsafe import Markup

from panoptic.reporting.inline_svg import inline_svg
from panoptic.statement import NotRun, Statement

_TEMPLATES = Path(__file__).parent / "report"
_MINUS = "\N{MINUS SIGN}"
_NO_VALUE = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Headline:
    """One number that stands at the top, already written with its uncertainty."""

    label: str
    value: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """One figure with what stands under it."""

    name: str  # of its files, without the suffix
    svg: bytes
    caption: str


@dataclass(frozen=True, slots=True)
class Listing:
    """One table; its first column names the rows."""

    title: str
    frame: pd.DataFrame
    meanings: dict[str, str] = field(default_factory=dict)  # column: unit and meaning
    file: str = ""  # where the same rows lie in full


@dataclass(frozen=True, slots=True)
class Chapter:
    """One question: its verdict in words, how it was asked, figures and tables.

    statements : all of them; the first stands above the figures, the others below.
    leads : what stands at the top of the page, among the verdicts.
    """

    title: str
    statements: tuple[Statement | NotRun, ...] = ()
    verdict: str = ""  # in a word or two, for the list at the top
    method: str = ""  # two lines
    pictures: tuple[Picture, ...] = ()
    listings: tuple[Listing, ...] = ()
    leads: tuple[Statement | NotRun, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """Everything the page shows, in its order."""

    title: str
    subtitle: str
    remarks: tuple[str, ...]  # what must be known before anything else is read
    headlines: tuple[Headline, ...]
    chapters: tuple[Chapter, ...]
    provenance: tuple[tuple[str, str], ...]  # name and value
    citations: tuple[str, ...]
    object_notes: dict[str, str] = field(default_factory=dict)  # shown on hover


def compose_report(report: Report) -> str:
    """Return the page as HTML.

    A point of a figure whose SVG id is `object:<name>` shows `object_notes[name]`
    when hovered, its name where there is no such note.
    """
    drawn = {
        picture.name: Markup(  # noqa: S704 (made by inline_svg from parsed XML)
            inline_svg(
                picture.svg, prefix=slug(picture.name), notes=report.object_notes
            )
        )
        for chapter in report.chapters
        for picture in chapter.pictures
    }
    return _page().render(report=report, drawn=drawn)


def slug(title: str) -> str:
    """Return a title as a fragment of an address: small letters, digits, hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "section"


def number_text(value: float) -> str:
    """Return a number as read by people: four digits, a true minus."""
    digits, exponent, power = f"{value:.4g}".partition("e")
    return f"{digits}{exponent}{int(power) if power else ''}".replace("-", _MINUS)


def _sort_key(value: Any) -> str:
    return "" if _is_absent(value) else str(value)


def _cell_text(value: Any, in_numbers: bool) -> str:  # noqa: FBT001 (a filter)
    if _is_absent(value):
        return _NO_VALUE if in_numbers else ""
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    return number_text(value) if isinstance(value, float) else str(value)


def _is_absent(value: Any) -> bool:
    return bool(pd.isna(value)) or value == ""


def _is_number(column: pd.Series) -> bool:
    return column.dtype.kind in "iuf"


def _page() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {
        "slug": slug,
        "cell_text": _cell_text,
        "sort_key": _sort_key,
        "is_number": _is_number,
    }
    environment.tests["not_run"] = lambda answer: isinstance(answer, NotRun)
    return environment.get_template("page.html.jinja")
