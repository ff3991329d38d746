"""The Table Access Protocol, synchronous: one ADQL query, one CSV answer, checked.

Its servers answer errors with status 200, so the status says nothing: the answer is
taken only if its header is the one that was asked for and its rows are as many as the
service counts.
"""

import re
from dataclasses import dataclass, replace
from functools import partial

from panoptic.catalogues.csv_dialects import TextTable, parse_table, what_came_instead
from panoptic.catalogues.kept import Kept, without_byte_order_mark
from panoptic.catalogues.transport import BadAnswer, Body, Transport
from panoptic.failures import InputUnusable

_REFUSED_NAME = re.compile(
    r"[\"'\u2018]?([A-Za-z_][\w.]*)[\"'\u2019]?\s*:\s*invalid identifier"
    r"|[Uu]nknown column [\"'\u2018]?([A-Za-z_][\w.]*)"
    r"|column [\"'\u2018]?([A-Za-z_][\w.]*)[\"'\u2019]? (?:does not exist|not found)"
)
_NAMES_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Query:
    """One ADQL query over named columns.

    table : one table, or several joined. columns : with the table's alias before a dot
    where several are joined; the answer's header has them without. optional : names
    in the header to do without where the service must.
    """

    table: str
    columns: tuple[str, ...]
    condition: str
    order_by: str
    optional: tuple[str, ...] = ()

    @property
    def header(self) -> tuple[str, ...]:
        return tuple(column.rpartition(".")[2] for column in self.columns)

    @property
    def adql(self) -> str:
        return (
            f"select {','.join(self.columns)} from {self.table} "
            f"where {self.condition} order by {self.order_by}"
        )

    @property
    def counting_adql(self) -> str:
        return f"select count(*) from {self.table} where {self.condition}"

    def without(self, column: str) -> "Query":
        left = (name for name in self.columns if name.rpartition(".")[2] != column)
        return replace(self, columns=tuple(left))


class ColumnRefused(BadAnswer):
    """The service does not know a column."""

    def __init__(self, column: str, said: str) -> None:
        super().__init__(
            f"the service does not know the column {column} ({said})",
            is_transient=False,
        )
        self.column = column


def ask_tap(
    transport: Transport, service: str, url: str, query: Query, *, way_out: str
) -> Kept:
    """Return the whole table that answers a query; it may have no rows.

    Optional columns that the service refuses by name are left out, and noted.

    Raises
    ------
    CatalogueUnavailable
        as `Transport.ask`, for every other answer.
    """
    asked = partial(transport.ask, service, url, way_out=way_out)
    n_rows = asked(params=_parameters(query.counting_adql), accept=_accept_count)
    left_out: list[str] = []
    while True:
        accept = partial(_accept, query=query, n_rows=n_rows)
        answer = asked(params=_parameters(query.adql), accept=accept)
        if isinstance(answer, TextTable):
            break
        left_out.append(answer)
        query = query.without(answer)
    return Kept(
        content=without_byte_order_mark(answer.raw),
        url=url,
        query=query.adql,
        retrieved_utc=transport.utc_now().isoformat(timespec="seconds"),
        n_rows=n_rows,
        note=f"the service has no column {', '.join(left_out)}" if left_out else "",
    )


def _parameters(adql: str) -> dict[str, str]:
    return {"request": "doQuery", "lang": "ADQL", "format": "csv", "query": adql}


def _accept(body: Body, *, query: Query, n_rows: int) -> TextTable | str:
    """Return the table, or the optional column that the service refuses."""
    try:
        return accept_table(body, query.header, n_rows=n_rows)
    except ColumnRefused as refused:
        if refused.column in query.optional and refused.column in query.header:
            return refused.column
        raise


def accept_table(body: Body, header: tuple[str, ...], *, n_rows: int) -> TextTable:
    """Return the table of an answer, if it is whole and has exactly this header.

    n_rows : how many rows the service counts.

    Raises
    ------
    BadAnswer
        transient for one that was cut, else not.
    """
    text = body.content.decode("utf-8", errors="replace")
    if not text.strip():
        raise BadAnswer("an empty body came", is_transient=True)
    if instead := what_came_instead(text):
        if match := _REFUSED_NAME.search(text):
            column = next(name for name in match.groups() if name)
            raise ColumnRefused(column.rpartition(".")[2].lower(), instead)
        raise BadAnswer(f"{instead} came in place of a table", is_transient=False)
    try:
        table = parse_table(body.content, name=body.url)
    except InputUnusable as error:
        raise BadAnswer.not_a_table(error, url=body.url) from error
    _check_header(table, header)
    if not table.ends_in_line_end:
        raise BadAnswer("the last line was cut", is_transient=True)
    if len(table) != n_rows:
        raise BadAnswer(
            f"{len(table)} rows came where the service counts {n_rows}",
            is_transient=True,
        )
    return table


def _check_header(table: TextTable, header: tuple[str, ...]) -> None:
    came = tuple(table.columns)
    if came == header:
        return
    lacking = [name for name in header if name not in came]
    surplus = [name for name in came if name not in header]
    problems = [
        *([f"without the columns {_some(lacking)}"] if lacking else []),
        *([f"with columns not asked for ({_some(surplus)})"] if surplus else []),
    ]
    problem = " and ".join(problems) or "with its columns in another order"
    raise BadAnswer(f"a table came {problem}", is_transient=False)


def _some(names: list[str]) -> str:
    left_out = len(names) - _NAMES_SHOWN
    shown = ", ".join(names[:_NAMES_SHOWN])
    return f"{shown} and {left_out} more" if left_out > 0 else shown


def _accept_count(body: Body) -> int:
    text = body.content.decode("utf-8", errors="replace")
    if instead := what_came_instead(text):
        raise BadAnswer(f"{instead} came in place of a count", is_transient=False)
    lines = text.split()
    if not lines or not lines[-1].strip('"').isdigit():
        raise BadAnswer("no count of rows came", is_transient=True)
    return int(lines[-1].strip('"'))
