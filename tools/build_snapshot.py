"""Make the tables that ship with the project from catalogue files.

    python tools/build_snapshot.py --ps FILE --bd FILE

Reads both as a run would, keeps hosts of 0.05-0.25 Msun, writes `data/*.csv` with
their biography, and prints what changed against the tables that were there. The
sha256 sums it prints belong into `data/README.md`.
"""

import argparse
import hashlib
import io
import sys
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import data_fetchers  # noqa: E402
from panoptic.catalogues.columns import TEXT_COLUMNS  # noqa: E402
from panoptic.catalogues.embedded import FILES, HOST_MASS_RANGE_MSUN  # noqa: E402
from panoptic.catalogues.table import CatalogueTable  # noqa: E402
from panoptic.config import InputOptions  # noqa: E402

SOURCES = {
    "PSCompPars": "NASA Exoplanet Archive, Planetary Systems Composite Data "
    "(doi:10.26133/NEA13)",
    "BDcat": "Brown Dwarf Companion Catalogue, Stevenson et al. 2023, MNRAS 526, 5155 "
    "(doi:10.21954/ou.rd.24156393)",
}


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ps", type=Path, required=True)
    parser.add_argument("--bd", type=Path, required=True)
    parser.add_argument("--bd-date", default="2023-11-20", help="the file's date")
    parser.add_argument("--out", type=Path, default=ROOT / "data")
    args = parser.parse_args(argv)
    inputs = InputOptions(ps=args.ps, bd=args.bd)
    for table in data_fetchers.fetch(inputs, data_dir=args.out).tables:
        date = table.provenance.retrieved_utc or args.bd_date
        written = as_csv(table, date=date)
        path = args.out / FILES[table.provenance.catalogue]
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        path.write_text(written, encoding="utf-8", newline="\n")
        digest = hashlib.sha256(written.encode()).hexdigest()
        print(f"{path.name}: {len(_rows(written))} rows, sha256 {digest}")
        print("\n".join(changes(before, written)))
    return 0


def as_csv(table: CatalogueTable, *, date: str) -> str:
    """Return the rows of very low-mass hosts as text, numbers exactly as read."""
    low, high = HOST_MASS_RANGE_MSUN
    frame = table.frame[table.frame["st_mass"].between(low, high)]
    frame = frame.drop(columns="source")  # the file's name says it
    frame = frame.loc[:, [_has_content(frame[name]) for name in frame]]
    biography = {
        "source": SOURCES[table.provenance.catalogue],
        "date": date,
        "query": f"hosts with {low} <= st_mass <= {high} Msun, all other rows left out",
        "made by": "tools/build_snapshot.py, in the project's own columns and order",
    }
    header = "".join(f"# {key}: {value}\n" for key, value in biography.items())
    text = {name: [_cell(value) for value in frame[name]] for name in frame.columns}
    return header + pd.DataFrame(text).to_csv(index=False, lineterminator="\n")


def changes(before: str, after: str) -> list[str]:
    """Return what differs between two tables, a line per row and per cell."""
    if not before:
        return ["  new"]
    old, new = _rows(before), _rows(after)
    lines = [f"  gone: {name}" for name in old.index.difference(new.index)]
    lines += [f"  new: {name}" for name in new.index.difference(old.index)]
    lines += [f"  column gone: {name}" for name in old.columns.difference(new.columns)]
    lines += [f"  column new: {name}" for name in new.columns.difference(old.columns)]
    for name in old.index.intersection(new.index):
        lines += [
            f"  {name}: {column} {old.at[name, column]!r} -> {new.at[name, column]!r}"
            for column in old.columns.intersection(new.columns)
            if old.at[name, column] != new.at[name, column]
        ]
    return lines or ["  unchanged"]


def _rows(text: str) -> pd.DataFrame:
    body = "".join(
        line for line in text.splitlines(keepends=True) if not line.startswith("#")
    )
    return pd.read_csv(io.StringIO(body), dtype=str, keep_default_na=False).set_index(
        "pl_name"
    )


def _has_content(values: pd.Series) -> bool:
    if values.name in TEXT_COLUMNS:
        return bool((values != "").any())
    return bool(values.notna().any())


def _cell(value: object) -> str:
    """Return the shortest text that reads back as the same number."""
    if not isinstance(value, float):
        return str(value)
    if np.isnan(value):
        return ""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
