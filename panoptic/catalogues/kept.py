"""A kept answer: the accepted bytes of a service, and what was asked where and when.

As a file it is the table itself below one `#` line of JSON, so that the cache, the
copy in a results folder and what `--ps` reads are one format, and one file is written
or is not.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime

_MARK = b"# panoptic-kept "
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Kept:
    """An accepted answer."""

    content: bytes
    url: str
    query: str  # ADQL, "" where a file was downloaded
    retrieved_utc: str  # ISO, to the second
    n_rows: int
    note: str = ""

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    def as_bytes(self) -> bytes:
        """Return the file that `from_bytes` reads."""
        facts = asdict(self) | {"sha256": self.sha256}
        del facts["content"]
        line = json.dumps(facts, sort_keys=True).encode()
        return _MARK + line + b"\n" + self.content


@dataclass(frozen=True, slots=True)
class Damaged:
    """A file that says it is a kept answer and is not what was written."""

    problem: str


def from_bytes(raw: bytes) -> Kept | Damaged | None:
    """Return what a file holds; None where it has no line of ours."""
    if not raw.startswith(_MARK):
        return None
    line, _, content = raw.partition(b"\n")
    try:
        facts = json.loads(line.removeprefix(_MARK))
        sha256 = facts.pop("sha256")
        kept = Kept(content=content, **facts)
        datetime.fromisoformat(kept.retrieved_utc)
    except (ValueError, KeyError, TypeError, AttributeError):
        return Damaged("its first line cannot be read")
    if kept.sha256 != sha256:
        return Damaged("its sha256 is not the one it was written with")
    return kept


def without_byte_order_mark(content: bytes) -> bytes:
    """Return the bytes as they can stand below a first line."""
    return content.removeprefix(_BYTE_ORDER_MARK)
