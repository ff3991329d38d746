"""Anchors: the companions whose origin is taken as known, and who says so.

The classifier learns from these labels and from nothing else. By default a label
follows from the mass ratio alone, which is weak and circular (see
`panoptic.demographics.origin_classifier`); a table of labels, each with its reason
and reference, takes its place where the user gives one.
"""

import csv
import difflib
import io
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from panoptic.demographics.companions import Companions
from panoptic.failures import InputUnusable
from panoptic.sample import EccKind, MassProvenance

BINARY_LIKE, PLANET_LIKE, UNLABELLED = 1, 0, -1


class AnchorSource(StrEnum):
    """Who says what an anchor is."""

    HEURISTIC = "heuristic"
    CURATED = "curated"
    USER = "user label"
    NONE = "none"


class AnchorLabel(StrEnum):
    """The words of a label in files."""

    BINARY_LIKE = "binary-like"
    PLANET_LIKE = "planet-like"
    NONE = ""

    @classmethod
    def of(cls, number: int) -> "AnchorLabel":
        return _WORDS[number]


_WORDS = {
    BINARY_LIKE: AnchorLabel.BINARY_LIKE,
    PLANET_LIKE: AnchorLabel.PLANET_LIKE,
    UNLABELLED: AnchorLabel.NONE,
}
_LABELS = {
    "binary-like": BINARY_LIKE,
    "binary": BINARY_LIKE,
    "planet-like": PLANET_LIKE,
    "planet": PLANET_LIKE,
}


@dataclass(frozen=True, slots=True)
class Anchors:
    """The labels of one sample.

    label : (n,) along the companions: 1 binary-like, 0 planet-like, -1 no label.
    added : labelled objects that are not in the sample and train it nevertheless,
        with `added_label`, 0 or 1, along them.
    rule : how the labels came about, in plain words.
    not_in_sample : names of the table that no companion of this run bears.
    """

    label: NDArray[np.int64]
    source: AnchorSource
    rule: str
    added: Companions
    added_label: NDArray[np.int64]
    not_in_sample: tuple[str, ...] = ()

    @property
    def sources(self) -> tuple[AnchorSource, ...]:
        """The source of every companion's label, in their order."""
        none = AnchorSource.NONE
        return tuple(self.source if known >= 0 else none for known in self.label)

    def where(self, keep: NDArray[np.bool_]) -> "Anchors":
        """Return the labels of some of the companions; what was added stays."""
        return replace(self, label=self.label[keep])


@dataclass(frozen=True, slots=True)
class AnchorRow:
    """One line of an anchor table; the values are None where the sample has them."""

    line: int
    name: str
    label: int
    reason: str
    reference: str
    host: str = ""
    method: str = ""
    st_mass: float | None = None  # Msun
    mass_mjup: float | None = None
    a_au: float | None = None
    ecc: float | None = None
    metfe: float | None = None  # dex

    @property
    def stands_alone(self) -> bool:
        """Whether it can train the classifier without a row of the sample."""
        return None not in (self.st_mass, self.mass_mjup, self.a_au)


@dataclass(frozen=True, slots=True)
class AnchorTable:
    """The labels of a file, one row per object, both classes present."""

    rows: tuple[AnchorRow, ...]
    location: str  # the file, as the user named it


def heuristic_anchors(
    companions: Companions, *, q_planet: float, q_binary: float
) -> Anchors:
    """Label by mass ratio: binary-like above `q_binary`, planet-like below `q_planet`.

    Only rows with a mass ratio and a semi-major axis are labelled. An upper limit of
    the mass can put a row among the planet-like alone, a lower one among the
    binary-like alone.

    Raises
    ------
    ValueError
        unless 0 < q_planet <= q_binary.
    """
    if not 0.0 < q_planet <= q_binary:
        raise ValueError(f"need 0 < q_planet <= q_binary: {q_planet}, {q_binary}")
    label = np.full(len(companions), UNLABELLED, dtype=np.int64)
    known = np.isfinite(companions.q) & np.isfinite(companions.a_au)
    is_below = (companions.q < q_planet) & (companions.mass_limit >= 0)
    is_above = (companions.q > q_binary) & (companions.mass_limit <= 0)
    label[known & is_below] = PLANET_LIKE
    label[known & is_above] = BINARY_LIKE
    return Anchors(
        label=label,
        source=AnchorSource.HEURISTIC,
        rule=f"mass ratio (binary-like q > {q_binary:g}, planet-like q < {q_planet:g})",
        added=_as_companions(()),
        added_label=np.empty(0, dtype=np.int64),
    )


def label_by_table(
    table: AnchorTable,
    companions: Companions,
    *,
    source: AnchorSource,
    target_name: str = "",
) -> Anchors:
    """Label the companions that a table names; its values stand in for absent ones.

    Names are compared without regard to case, spaces and kinds of hyphen. A row whose
    object the sample has takes the sample's values. A row that brings a host mass, a
    mass and an axis of its own trains the classifier though the sample lacks it. Any
    other unknown name is an error in a user's table, and is skipped and counted in
    the curated one, which is written for every sample.

    Raises
    ------
    InputUnusable
        for an unknown name (with the nearest known), and for the studied target,
        which is scored and must not be fitted.
    """
    index_of = {_plain(name): i for i, name in enumerate(companions.name)}
    label = np.full(len(companions), UNLABELLED, dtype=np.int64)
    added: list[AnchorRow] = []
    unknown: list[AnchorRow] = []
    for row in table.rows:
        if _plain(row.name) == _plain(target_name):
            raise InputUnusable(
                f"{_at(table.location, row.line)}: {row.name} is the studied object; "
                "it is scored and cannot be an anchor. Take the line out."
            )
        if _plain(row.name) in index_of:
            label[index_of[_plain(row.name)]] = row.label
        elif row.stands_alone:
            added.append(row)
        else:
            unknown.append(row)
    if unknown and source is AnchorSource.USER:
        raise InputUnusable(_unknown_names(table.location, unknown, companions.name))
    return Anchors(
        label=label,
        source=source,
        rule=f"the table {table.location}",
        added=_as_companions(added),
        added_label=np.array([row.label for row in added], dtype=np.int64),
        not_in_sample=tuple(row.name for row in unknown),
    )


def read_anchor_table(source: str | TextIO, *, location: str) -> AnchorTable:
    """Read a table of labels: columns pl_name, label, reason, reference.

    `label` is binary-like or planet-like. Lines that start with # are comments. For
    an object that the sample lacks, the optional columns hostname, st_mass (Msun),
    pl_bmassj (MJup), pl_orbsmax (AU), pl_orbeccen, st_metfe (dex) and discoverymethod
    hold its values. Other columns are ignored. The same name twice with the same
    label counts once.

    Parameters
    ----------
    source : the text, or a file open for reading text.
    location : what to call the file in messages.

    Raises
    ------
    InputUnusable
        naming the file, the line and the column, for a column that is absent, an
        empty name, reason or reference, an unknown label, a number that is none or
        outside its domain, two labels for one object, no row, or one class only.
    """
    text = source if isinstance(source, str) else source.read()
    lines = text.removeprefix("\ufeff").splitlines()
    numbered = [
        (number, line)
        for number, line in enumerate(lines, start=1)
        if line.strip() and not line.startswith("#")
    ]
    if not numbered:
        raise InputUnusable(
            f"{location}: empty; expected a header with {', '.join(_REQUIRED)}"
        )
    reader = csv.DictReader(io.StringIO("\n".join(line for _, line in numbered)))
    _check_header(reader.fieldnames or (), location)
    rows = []
    for cells in reader:
        number = numbered[reader.line_num - 1][0]
        rows.append(_row(cells, _at(location, number), number))
    return AnchorTable(tuple(_unique(rows, location)), location)


_REQUIRED = ("pl_name", "label", "reason", "reference")
# column: field, least value, bound above
_NUMBERS: dict[str, tuple[str, float, float]] = {
    "st_mass": ("st_mass", 1e-4, 10.0),
    "pl_bmassj": ("mass_mjup", 1e-6, 1e4),
    "pl_orbsmax": ("a_au", 1e-6, 1e6),
    "pl_orbeccen": ("ecc", 0.0, 1.0),
    "st_metfe": ("metfe", -10.0, 10.0),
}


def _at(location: str, line: int) -> str:
    return f"{location}, line {line}"


def _check_header(names: Iterable[str], location: str) -> None:
    found = list(names)
    for wanted in _REQUIRED:
        if wanted not in found:
            near = difflib.get_close_matches(wanted, found, n=1)
            hint = f" (is it {near[0]!r}?)" if near else f"; it has {', '.join(found)}"
            raise InputUnusable(f"{location}: no column {wanted}{hint}")


def _row(cells: Mapping[str, str | None], where: str, line: int) -> AnchorRow:
    text = {name: (value or "").strip() for name, value in cells.items() if name}
    for name in _REQUIRED:
        if not text[name]:
            raise InputUnusable(f"{where}, column {name}: empty")
    if text["label"].lower() not in _LABELS:
        raise InputUnusable(
            f"{where}, column label: expected binary-like or planet-like, "
            f"got {text['label']!r}"
        )
    values = {
        field: _number(text.get(name, ""), low, high, f"{where}, column {name}")
        for name, (field, low, high) in _NUMBERS.items()
    }
    return AnchorRow(
        line=line,
        name=text["pl_name"],
        label=_LABELS[text["label"].lower()],
        reason=text["reason"],
        reference=text["reference"],
        host=text.get("hostname", "") or text["pl_name"],
        method=text.get("discoverymethod", ""),
        **values,
    )


def _number(text: str, low: float, high: float, where: str) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        raise InputUnusable(f"{where}: expected a number, got {text!r}") from None
    if not low <= value < high:
        raise InputUnusable(
            f"{where}: expected {low:g} <= value < {high:g}, got {text}"
        )
    return value


def _unique(rows: Iterable[AnchorRow], location: str) -> Iterator[AnchorRow]:
    first: dict[str, AnchorRow] = {}
    for row in rows:
        earlier = first.setdefault(_plain(row.name), row)
        if earlier.label != row.label:
            raise InputUnusable(
                f"{_at(location, row.line)}, column label: {row.name} is "
                f"{AnchorLabel.of(row.label)} here and "
                f"{AnchorLabel.of(earlier.label)} in line {earlier.line}"
            )
    labels = {row.label for row in first.values()}
    if len(labels) < 2:
        only = f"only {AnchorLabel.of(labels.pop())} rows" if labels else "no row"
        raise InputUnusable(
            f"{location}: {only}; the classifier needs both binary-like and planet-like"
        )
    yield from first.values()


def _unknown_names(
    location: str, rows: Iterable[AnchorRow], names: Iterable[str]
) -> str:
    known = {_plain(name): str(name) for name in names}
    lines = []
    for row in rows:
        near = difflib.get_close_matches(_plain(row.name), known, n=1, cutoff=0.6)
        hint = f"; the nearest is {known[near[0]]!r}" if near else ""
        lines.append(f"line {row.line}: {row.name!r}{hint}")
    return (
        f"{location}, column pl_name: not in this sample, and without st_mass, "
        f"pl_bmassj and pl_orbsmax of its own: " + "; ".join(lines)
    )


def _plain(name: str) -> str:
    """The name without what catalogues disagree on: case, spaces, hyphens."""
    return re.sub(r"[\s\-_\u2010-\u2015\u2212]+", "", name).casefold()


def _as_companions(rows: Iterable[AnchorRow]) -> Companions:
    rows = tuple(rows)

    def numbers(field: str) -> NDArray[np.float64]:
        values = [getattr(row, field) for row in rows]
        return np.array([math.nan if v is None else v for v in values], dtype=float)

    unknown = np.full(len(rows), math.nan)
    no = np.zeros(len(rows), dtype=bool)
    ecc = numbers("ecc")
    kind = np.where(np.isfinite(ecc), EccKind.MEASURED, EccKind.MISSING)
    return Companions(
        name=np.array([row.name for row in rows], dtype=np.str_),
        host=np.array([row.host for row in rows], dtype=np.str_),
        method=np.array([row.method for row in rows], dtype=np.str_),
        st_mass=numbers("st_mass"),
        st_mass_err=unknown,
        mass_mjup=numbers("mass_mjup"),
        mass_err_mjup=unknown,
        mass_limit=np.zeros(len(rows), dtype=np.int64),
        mass_provenance=np.full(len(rows), MassProvenance.UNKNOWN, dtype=np.str_),
        a_au=numbers("a_au"),
        a_err_au=unknown,
        a_limit=no,
        ecc=ecc,
        ecc_err_upper=unknown,
        ecc_err_lower=unknown,
        ecc_kind=kind.astype(np.str_),
        ecc_bound=unknown,
        metfe=numbers("metfe"),
    )
