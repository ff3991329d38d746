"""Anchors of the classifier that a run was given: read once, kept with the results."""

from pathlib import Path
from typing import NamedTuple

from panoptic.demographics.anchors import (
    AnchorSource,
    AnchorTable,
    read_anchor_table,
)
from panoptic.failures import InputUnusable

CURATED = "curated"  # the word for the table of anchors that ships with the project


class LabelledAnchors(NamedTuple):
    """A table of anchors as it was read."""

    table: AnchorTable
    source: AnchorSource
    text: str


def read_anchors(
    path: Path | None, *, data_dir: Path, text: str | None = None
) -> LabelledAnchors | None:
    """Return the table of anchors a run was given, None where q decides.

    Parameters
    ----------
    path : a CSV, or the word "curated" for the table that ships with the project.
    text : what the table held when it was read before; the file is not read then.

    Raises
    ------
    InputUnusable
        where the file is missing or cannot be used.
    """
    if path is None:
        return None
    is_curated = str(path) == CURATED
    place = data_dir / "curated_anchors.csv" if is_curated else path
    if text is None:
        text = _text_of(place)
    source = AnchorSource.CURATED if is_curated else AnchorSource.USER
    return LabelledAnchors(read_anchor_table(text, location=str(path)), source, text)


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise InputUnusable(
            f"the anchors file {path} cannot be read: {error}. Give a CSV with the "
            "columns pl_name, label, reason and reference, or leave --anchors out."
        ) from error
