"""An archive update in miniature: a snapshot of PSCompPars with three known edits.

GJ 3512 b (on an M dwarf of 0.12 Msun, far out and eccentric) is removed; the mass of
GJ 1214 b is moved to 1.5 times its value; the mass of LHS 3844 b becomes an upper
limit. Everything else keeps its bytes, so that whatever else moves in the results is
what these three do to it.
"""

import csv
import io

REMOVED = "GJ 3512 b"
MOVED, FACTOR = "GJ 1214 b", 1.5
LIMITED = "LHS 3844 b"


def with_edits(snapshot: str) -> str:
    """Return the snapshot as the archive would send it after the update."""
    lines = snapshot.splitlines(keepends=True)
    first = next(i for i, line in enumerate(lines) if not line.startswith("#"))
    header = _fields(lines[first])
    name, mass, limit = (
        header.index(column) for column in ("pl_name", "pl_bmassj", "pl_bmassjlim")
    )
    edited = lines[: first + 1]
    for line in lines[first + 1 :]:
        fields = _fields(line)
        if fields[name] == REMOVED:
            continue
        if fields[name] == MOVED:
            fields[mass] = f"{FACTOR * float(fields[mass]):.6g}"
        elif fields[name] == LIMITED:
            fields[limit] = "1"
        else:
            edited.append(line)
            continue
        edited.append(_line(fields))
    return "".join(edited)


def _fields(line: str) -> list[str]:
    return next(csv.reader([line]))


def _line(fields: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(fields)
    return text.getvalue()
