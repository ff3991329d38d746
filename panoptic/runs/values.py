"""The named values inside a result file, so that two runs can be held side by side."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from panoptic.failures import InputUnusable
from panoptic.reporting.artifacts import read_arrays

Value = float | str | bool | None
_FACTS_OF_THE_FILE = ("format_version",)


def values_of(path: Path) -> dict[str, Value]:
    """Return every value in a JSON, CSV or npz file by a name that says where it is.

    `key.key[3]` in JSON, `column[row]` in CSV, `array[index]` in npz; numbers are
    float. Other files have no named values.

    Raises
    ------
    InputUnusable
        where the file is missing or not what its suffix says.
    """
    try:
        if path.suffix == ".json":
            return dict(named_leaves(json.loads(path.read_bytes())))
        if path.suffix == ".csv":
            return _cells(path)
    except (OSError, ValueError) as error:
        raise InputUnusable(f"{path} cannot be read: {error}") from error
    if path.suffix == ".npz":
        arrays = {name: array.tolist() for name, array in read_arrays(path).items()}
        return dict(named_leaves(arrays))
    return {}


def named_leaves(plain: Any, name: str = "") -> Iterator[tuple[str, Value]]:
    """Yield the values inside plain JSON with their names; whole numbers as float."""
    if isinstance(plain, dict):
        for key, item in plain.items():
            if name or key not in _FACTS_OF_THE_FILE:
                yield from named_leaves(item, f"{name}.{key}" if name else str(key))
    elif isinstance(plain, list):
        for index, item in enumerate(plain):
            yield from named_leaves(item, f"{name}[{index}]")
    elif isinstance(plain, int) and not isinstance(plain, bool):
        yield name, float(plain)
    else:
        yield name, plain


def differs(first: Value, second: Value) -> bool:
    """Whether two values are not the same; NaN is the same as NaN."""
    both_nan = _is_nan(first) and _is_nan(second)
    return not both_nan and (type(first) is not type(second) or first != second)


def relative_difference(first: Value, second: Value) -> float | None:
    """Return |b - a| / max(|a|, |b|), None where one is not a finite number."""
    if not (_is_finite(first) and _is_finite(second)):
        return None
    assert isinstance(first, float)
    assert isinstance(second, float)
    largest = max(abs(first), abs(second))
    return abs(second - first) / largest if largest else 0.0


def _cells(path: Path) -> dict[str, Value]:
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    return {
        f"{column}[{row}]": _as_value(cell)
        for column in frame
        for row, cell in enumerate(frame[column])
    }


def _as_value(cell: str) -> Value:
    """Return a CSV cell as a number where it is one."""
    try:
        return float(cell)
    except ValueError:
        return cell


def _is_nan(value: Value) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _is_finite(value: Value) -> bool:
    return isinstance(value, float) and math.isfinite(value)
