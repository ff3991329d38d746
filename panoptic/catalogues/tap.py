"""The Table Access Protocol, synchronous: one ADQL query, one CSV answer, checked.

Its servers answer errors with status 200, so the status says nothing: the answer is
taken only if its header is the one that was asked for and its rows are as many as the
service counts.
"""

import re
from dataclasses import dataclass, replace

from panoptic.catalogues.csv_dialects import TextTable, parse_table, what_came_instead
from panoptic.catalogues.transport import BadAnswer, Body, Transport
from panoptic.failures import InputUnusable

_REFUSED_NAME = re.compile(
    r"[\"'\u2018]?([A-Za-z_][\w.]*)[\"'\u2019]?\s*:\s*invalid identifier"
    r"|[Uu]nknown column [\"'\u2018]?([A-Za-z_][\w.]*)"
    r"|column [\"'\u2018]?([A-Za-z_][\w.]*)[\"'\u2019]? (?:does not exist|not found)"
)


@dataclass(frozen=True, slots=True)
class Query:
    """One ADQL query over named columns of one table."""

    table: str
    columns: tuple[str, ...]
    condition: str
    order_by: str
    optional: tuple[str, ...] = ()  # columns to do without where the service must

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
        return replace(
            self, columns=tuple(name for name in self.columns if name != column)
        )


class ColumnRefused(BadAnswer):
    """The service does not know a column."""

    def __init__(self, column: str, said: str) -> None:
        super().__init__(
            f"the service does not know the column {column} ({said})",
            is_transient=False,
        )
        self.column = column


@dataclass(frozen=True, slots=True)
class TapAnswer:
    """An accepted table and the query that it answers."""

    table: TextTable
    query: Query
    url: str
    remarks: tuple[str, ...] = ()


def ask_tap(
    transport: Transport, service: str, url: str, query: Query, *, way_out: str
) -> TapAnswer:
    """Return the table that answers a query, all of it.

    Optional columns that the service refuses by name are left out, and said.

    Raises
    ------
    CatalogueUnavailable
        as `Transport.ask`, for every other answer.
    """
    remarks: list[str] = []
    n_rows = _count(transport, service, url, query, way_out=way_out)
    for _ in range(len(query.optional) + 1):

        def accept(body: Body, query: Query = query) -> TextTable | str:
            try:
                return accept_table(body, query.columns, n_rows=n_rows)
            except ColumnRefused as refused:
                if refused.column not in query.optional:
                    raise
                return refused.column

        answer = transport.ask(
            service,
            url,
            params={"query": query.adql, "format": "csv"},
            way_out=way_out,
            accept=accept,
        )
        if isinstance(answer, TextTable):
            return TapAnswer(answer, query, url, tuple(remarks))
        remarks.append(f"{service} has no column {answer}; it was left out")
        query = query.without(answer)
    raise AssertionError("each optional column is refused at most once")


def accept_table(
    body: Body, columns: tuple[str, ...], *, n_rows: int | None
) -> TextTable:
    """Return the table of an answer, if it is whole and has exactly these columns.

    n_rows : how many the service counts; None where it was not asked.

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
        problem = str(error).removeprefix(f"{body.url}: ").rstrip(".")
        raise BadAnswer(problem, is_transient=True) from error
    _check_header(table, columns)
    if not table.ends_in_line_end:
        raise BadAnswer("the last line was cut", is_transient=True)
    if n_rows is not None and len(table) != n_rows:
        raise BadAnswer(
            f"{len(table)} rows came where the service counts {n_rows}",
            is_transient=True,
        )
    if not len(table):
        raise BadAnswer("a table without rows came", is_transient=False)
    return table


def _check_header(table: TextTable, columns: tuple[str, ...]) -> None:
    came = tuple(table.columns)
    if came == columns:
        return
    lacking = [name for name in columns if name not in came]
    surplus = [name for name in came if name not in columns]
    problem = "; ".join(
        [f"without the columns {', '.join(lacking)}"] * bool(lacking)
        + [f"with columns that were not asked for ({', '.join(surplus[:5])})"]
        * bool(surplus)
    )
    raise BadAnswer(
        f"a table came {problem or 'with its columns in another order'}",
        is_transient=False,
    )


def _count(
    transport: Transport, service: str, url: str, query: Query, *, way_out: str
) -> int:
    return transport.ask(
        service,
        url,
        params={"query": query.counting_adql, "format": "csv"},
        way_out=way_out,
        accept=_accept_count,
    )


def _accept_count(body: Body) -> int:
    text = body.content.decode("utf-8", errors="replace")
    if instead := what_came_instead(text):
        raise BadAnswer(f"{instead} came in place of a count", is_transient=False)
    lines = text.split()
    if not lines or not lines[-1].strip('"').isdigit():
        raise BadAnswer("no count of rows came", is_transient=True)
    return int(lines[-1].strip('"'))
