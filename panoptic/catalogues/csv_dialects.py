"""Tables as text: the CSV dialects that reach us, and what comes in place of a CSV.

The archive's web download has a `#` header and no quotes, its TAP service quotes text
and has no header; Gaia's helpers separate by tabs. All are read strictly: one number
of fields, UTF-8, and a name and a line in every message.
"""

import csv
import gzip
import hashlib
import io
import json
import re
import zlib
from dataclasses import dataclass, field
from pathlib import Path

from panoptic.failures import InputUnusable

LARGEST_TABLE_BYTES = 256 * 2**20  # PSCompPars with every column is 4 MB

_GZIP_MAGIC = b"\x1f\x8b"
_ZIP_MAGIC = b"PK\x03\x04"  # also what a spreadsheet begins with
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_SAVE_AS_UTF8 = "Save it again as comma-separated text in UTF-8"


@dataclass(frozen=True, slots=True)
class TextTable:
    """The cells of a table as text.

    name : what messages call it, a path or a URL.
    columns : the cells of each column, stripped, "" where empty; columns without a
        name are dropped.
    lines : the line of the file on which each row ends, counted from 1.
    comments : the lines of the `#` header, without the mark.
    raw : the bytes it was read from, decompressed.
    ends_in_line_end : False where the last line may have been cut.
    """

    name: str
    columns: dict[str, list[str]]
    lines: tuple[int, ...]
    comments: tuple[str, ...]
    raw: bytes = field(repr=False)
    ends_in_line_end: bool = True

    def __len__(self) -> int:
        return len(self.lines)

    def __contains__(self, column: str) -> bool:
        return column in self.columns

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.raw).hexdigest()

    def refusal(self, problem: str, way_out: str) -> InputUnusable:
        """Return the failure that names this table and its size."""
        return InputUnusable(f"{self.name} ({len(self)} rows): {problem}. {way_out}.")


def read_bytes(path: Path) -> bytes:
    """Return what a file holds, decompressed where it is gzip.

    Raises
    ------
    InputUnusable
        for a file that is missing, a directory, unreadable, empty, or not whole.
    """
    if path.is_dir():
        raise InputUnusable(f"{path}: a folder came where a CSV file was expected.")
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise InputUnusable(
            f"{path}: no such file. Check the path (the working folder is {Path.cwd()})"
            ", or leave the option out to use the tables that ship with the project."
        ) from None
    except OSError as error:
        raise InputUnusable(f"{path}: cannot be read ({error.strerror}).") from error
    return decompress(raw, name=str(path))


def decompress(raw: bytes, *, name: str) -> bytes:
    """Return the bytes, unzipped where they begin as gzip does; bounded in size."""
    if not raw.startswith(_GZIP_MAGIC):
        return raw
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(raw)) as stream:
            whole = stream.read(LARGEST_TABLE_BYTES + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputUnusable(
            f"{name}: the gzip file is not whole ({error}). Get it again."
        ) from error
    if len(whole) > LARGEST_TABLE_BYTES:
        raise InputUnusable(
            f"{name}: more than {LARGEST_TABLE_BYTES >> 20} MiB once decompressed, "
            "which no catalogue of companions is."
        )
    return whole


def parse_table(raw: bytes, *, name: str) -> TextTable:
    """Return the cells of a comma- or tab-separated table.

    Takes a `#` header, quoted and unquoted text, a byte-order mark, and any line
    ends. Zero rows are a table here; who needs rows asks for them.

    Raises
    ------
    InputUnusable
        naming the line and what was expected, for anything else: no bytes, another
        encoding, HTML, JSON, VOTable or an error text, a line with too few or too
        many fields, a quote that is never closed, one column name twice.
    """
    text = _decode(raw, name=name)
    instead = what_came_instead(text)
    if instead:
        raise InputUnusable(f"{name}: {instead} came where a CSV table was expected.")
    comments, start = _leading_comments(text)
    header, rows, lines = _split(text[start:], name=name, lines_before=len(comments))
    if len(named := [column for column in header if column]) != len(set(named)):
        twice = sorted({column for column in named if named.count(column) > 1})
        raise InputUnusable(f"{name}: column {', '.join(twice)} is there twice.")
    cells = zip(*rows, strict=True) if rows else [()] * len(header)
    return TextTable(
        name=name,
        columns={
            column: [cell.strip() for cell in column_cells]
            for column, column_cells in zip(header, cells, strict=True)
            if column
        },
        lines=tuple(lines),
        comments=tuple(comment.strip().lstrip("#").strip() for comment in comments),
        raw=raw,
        ends_in_line_end=text.endswith(("\n", "\r")),
    )


def what_came_instead(text: str) -> str | None:
    """Return in words what a service sent in place of a table, None if it may be one.

    The archive's TAP answers every error with status 200: JSON for CSV, a VOTable
    with QUERY_STATUS=ERROR, and its old interface a text that begins with ERROR.
    """
    head = text.lstrip()[:4096]
    if head.startswith(("{", "[")):
        return f"JSON ({_json_message(text)})"
    if head.startswith("<"):
        return _markup(text)
    if re.match(r"ERROR\b", head):
        return f"an error message ({one_line(head)})"
    return None


def _markup(text: str) -> str:
    if re.search(r"<(\w+:)?VOTABLE\b", text[:4096], re.IGNORECASE):
        status = re.search(
            r"QUERY_STATUS\"[^>]*value=\"ERROR\"[^>]*>(.*?)</", text, re.DOTALL
        )
        return f"a VOTable error ({one_line(status[1])})" if status else "a VOTable"
    title = re.search(r"<title[^>]*>(.*?)</title>", text, re.DOTALL | re.IGNORECASE)
    kind = "an HTML page" if re.search(r"<html|<!doctype html", text, re.I) else "XML"
    return f'{kind} titled "{one_line(title[1])}"' if title else kind


def _json_message(text: str) -> str:
    try:
        found = json.loads(text)
    except ValueError:
        return one_line(text)
    if isinstance(found, dict):
        found = found.get("msg", found.get("message", found))
    return one_line(str(found))


def one_line(text: str) -> str:
    """Return a foreign text as one short printable line."""
    words = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return words if len(words) <= 200 else f"{words[:197]}..."


def _decode(raw: bytes, *, name: str) -> str:
    if not raw.strip():
        raise InputUnusable(f"{name}: the file is empty; a CSV table was expected.")
    if raw.startswith(_ZIP_MAGIC):
        raise InputUnusable(f"{name}: a zip or spreadsheet came. {_SAVE_AS_UTF8}.")
    if raw.startswith(_UTF16_MARKS):
        raise InputUnusable(f"{name}: the text is UTF-16. {_SAVE_AS_UTF8}.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputUnusable(
            f"{name}: line {line} is not UTF-8 (byte 0x{raw[error.start]:02x}); it may "
            f"be Latin-1 or Windows-1252. {_SAVE_AS_UTF8}."
        ) from error
    if "\0" in text:
        raise InputUnusable(f"{name}: a binary file came. {_SAVE_AS_UTF8}.")
    return text


def _leading_comments(text: str) -> tuple[list[str], int]:
    """Return the `#` and blank lines before the header, and where the header begins."""
    comments, position = [], 0
    while position < len(text):
        line = _LINE.match(text, position)
        assert line is not None  # the pattern matches anywhere
        if line[0].strip() and not line[0].startswith("#"):
            break
        comments.append(line[0])
        position = line.end()
    return comments, position


def _split(
    text: str, *, name: str, lines_before: int
) -> tuple[list[str], list[list[str]], list[int]]:
    """Return the header, the rows and the line each row ends on."""
    first = _LINE.match(text)
    delimiter = "\t" if first and "\t" in first[0] else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows, lines = [], []
    try:
        header = [column.strip() for column in next(reader, [])]
        for row in reader:
            if len(row) != len(header) and row:
                raise InputUnusable(
                    f"{name}: line {reader.line_num + lines_before} has {len(row)} "
                    f"fields where the header has {len(header)}: the file was cut "
                    "short, or a text with a comma is not quoted. Get it again."
                )
            if row:
                rows.append(row)
                lines.append(reader.line_num + lines_before)
    except csv.Error as error:
        raise InputUnusable(
            f"{name}: line {reader.line_num + lines_before} is not CSV ({error}). "
            "Get the file again."
        ) from error
    if len(header) < 2:
        shown = one_line(header[0] if header else "")
        hint = " Fields must be separated by commas." if ";" in shown else ""
        raise InputUnusable(
            f'{name}: the first line, "{shown}", is no header of a CSV table.{hint}'
        )
    return header, rows, lines
