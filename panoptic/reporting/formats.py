"""The bytes of each kind of file, and back: JSON, CSV, npz, figures.

The same content gives the same bytes on every run: sorted keys, shortest floats that
read back exactly, no dates, no compression that depends on a library's version.
"""

from __future__ import annotations

import io
import json
import math
import zipfile
from enum import IntEnum, StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

import cattrs
import numpy as np
import pandas as pd
from cattrs.errors import BaseValidationError
from cattrs.strategies import configure_union_passthrough
from numpy.typing import NDArray

from panoptic.failures import InputUnusable
from panoptic.statement import NotRun

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMAT_VERSION = 1  # of every JSON result and table description
FIGURE_FORMATS = ("png", "pdf", "svg")

_NOT_RUN = "not_run"
_VERDICT = "verdict"
_VERSION = "format_version"
_INFINITE = {"inf": math.inf, "-inf": -math.inf}
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
_DPI = 300  # of PNG
_NO_DATE: dict[str, dict[str, None]] = {
    "pdf": {"CreationDate": None},
    "svg": {"Date": None},
}


def encode_json(value: object) -> bytes:
    """Return a value as JSON text: sorted keys, a list of numbers on one line.

    A key `verdict` comes first: it is what a file is opened for.

    NaN becomes null (JSON has no other word for it), infinities "inf" and "-inf",
    arrays lists, `NotRun` an object with the one key `not_run`.
    """
    return (_layout(_converter().unstructure(value), "") + "\n").encode()


def encode_result(result: object) -> bytes:
    """Return a result dataclass (or `NotRun`) as JSON that names its format version."""
    return encode_json({_VERSION: FORMAT_VERSION} | _converter().unstructure(result))


def decode_json(content: bytes, *, name: str) -> Any:
    """Return the value of a JSON text.

    Raises
    ------
    InputUnusable
        where the text is not JSON.
    """
    try:
        return json.loads(content)
    except ValueError as error:
        raise InputUnusable(f"{name} is not JSON: {error}") from error


def decode_result(content: bytes, cls: Any, *, name: str) -> Any:
    """Return the dataclass (or union with `NotRun`) that `encode_result` wrote.

    null becomes NaN where the annotation is float, None where it is `float | None`.

    Raises
    ------
    InputUnusable
        where the text is of another format version or does not fit the class.
    """
    plain = check_version(decode_json(content, name=name), name=name)
    try:
        return _converter().structure(plain, cls)
    except BaseValidationError as error:
        why = "; ".join(cattrs.transform_error(error)[:3])
    except (ValueError, TypeError, KeyError) as error:
        why = str(error)
    raise InputUnusable(
        f"{name} does not hold what was expected of it: {why}. Was it made by another "
        "version? Make the results anew"
    )


def check_version(plain: Any, *, name: str) -> dict[str, Any]:
    """Return a JSON object without its format version, if that is ours.

    Raises
    ------
    InputUnusable
        naming both versions, where it is another one or there is none.
    """
    version = plain.get(_VERSION) if isinstance(plain, dict) else None
    if version != FORMAT_VERSION:
        raise InputUnusable(
            f"{name} is of format version {version}; this panoptic reads version "
            f"{FORMAT_VERSION}: make the results anew, or use the panoptic they were "
            "made with"
        )
    return {key: value for key, value in plain.items() if key != _VERSION}


def encode_table(frame: pd.DataFrame) -> bytes:
    """Return a frame as CSV: floats exact, true and false, empty where not known."""
    plain = pd.DataFrame({name: _as_written(frame[name]) for name in frame})
    return plain.to_csv(index=False, lineterminator="\n").encode()


def column_types(frame: pd.DataFrame) -> dict[str, str]:
    """Return what each column is, so that a CSV can be read back as it was."""
    return {str(name): _type_word(frame[name]) for name in frame}


def decode_table(content: bytes, types: dict[str, str], *, name: str) -> pd.DataFrame:
    """Return the frame that `encode_table` wrote, its columns of the given types.

    Raises
    ------
    InputUnusable
        where the columns are not the expected ones, or a cell is not of its type.
    """
    try:
        frame = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeError) as error:
        raise InputUnusable(f"{name} is not a CSV table: {error}") from error
    if list(frame.columns) != list(types):
        odd = sorted(set(frame.columns) ^ set(types)) or "another order"
        raise InputUnusable(f"{name} has other columns than its description: {odd}")
    try:
        return pd.DataFrame(
            {column: _as_read(frame[column], word) for column, word in types.items()},
            columns=list(types),
        )
    except (ValueError, KeyError) as error:
        raise InputUnusable(f"{name} has an unreadable cell: {error}") from error


def encode_arrays(arrays: dict[str, NDArray[Any]]) -> bytes:
    """Return arrays as npz: no pickles, no dates, not compressed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=_ZIP_EPOCH)
            entry.external_attr = 0o644 << 16
            with archive.open(entry, "w") as file:
                np.lib.format.write_array(
                    file, np.asarray(array, order="C"), allow_pickle=False
                )
    return buffer.getvalue()


def decode_arrays(content: bytes, *, name: str) -> dict[str, NDArray[Any]]:
    """Return the arrays of an npz file by name.

    Raises
    ------
    InputUnusable
        where it is not one, or holds pickles.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputUnusable(f"{name} is not an array file: {error}") from error


def encode_figure(figure: Figure, form: str) -> bytes:
    """Return a figure as PNG (300 dpi), PDF (embedded TrueType) or SVG, undated."""
    import matplotlib as mpl  # here: most users of this module draw nothing

    if form == "png":
        return _encode_png(figure)
    buffer = io.BytesIO()
    with mpl.rc_context({"pdf.fonttype": 42, "svg.hashsalt": "panoptic"}):
        figure.savefig(buffer, format=form, dpi=_DPI, metadata=_NO_DATE[form])
    return buffer.getvalue()


def _encode_png(figure: Figure) -> bytes:
    """Return a figure without the alpha channel: white paper needs none.

    A quarter less to pack, less tightly, makes a smaller file in half of the time.
    """
    from PIL import Image  # here: most users of this module draw nothing

    raw, buffer = io.BytesIO(), io.BytesIO()
    figure.savefig(raw, format="rgba", dpi=_DPI)
    width = int(figure.get_figwidth() * _DPI)
    pixels = np.frombuffer(raw.getbuffer(), np.uint8).reshape(-1, width, 4)
    image = Image.fromarray(pixels).convert("RGB")
    image.save(buffer, "png", dpi=(_DPI, _DPI), compress_level=3)
    return buffer.getvalue()


def _layout(value: Any, margin: str) -> str:
    """Lay plain JSON out: containers of containers over lines, the rest on one."""
    deeper = margin + " "
    if isinstance(value, dict) and value:
        items = [
            f"{deeper}{json.dumps(key, ensure_ascii=False)}: {_layout(item, deeper)}"
            for key, item in sorted(value.items(), key=_verdict_first)
        ]
        return "{\n" + ",\n".join(items) + f"\n{margin}}}"
    if isinstance(value, list) and any(isinstance(v, list | dict) for v in value):
        items = [deeper + _layout(item, deeper) for item in value]
        return "[\n" + ",\n".join(items) + f"\n{margin}]"
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _verdict_first(item: tuple[str, Any]) -> tuple[bool, str]:
    return item[0] != _VERDICT, item[0]


@cache
def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True)
    to, fro = converter.register_unstructure_hook, converter.register_structure_hook
    to(float, _plain_float)
    to(np.floating, _plain_float)
    to(np.integer, int)
    to(np.bool_, bool)
    to(int, int)
    to(bool, bool)
    to(NotRun, lambda answer: {_NOT_RUN: answer.reason})
    converter.register_unstructure_hook_func(_is_array, _plain_array)
    fro(float, lambda value, _: _float(value))
    for exact in (int, bool, str):
        fro(exact, lambda value, kind: _exactly(kind, value))
    for words in (StrEnum, IntEnum):  # else they are taken for texts and numbers
        fro(words, lambda value, kind: kind(value))
    configure_union_passthrough(str | int | float | bool | None, converter)
    converter.register_structure_hook_func(_is_array, _array)
    converter.register_structure_hook_func(_may_be_not_run, _result_or_not_run)
    fro(NotRun, lambda value, _: NotRun(_exactly(str, value[_NOT_RUN])))
    return converter


def _plain_float(value: float) -> float | str | None:
    if math.isfinite(value):
        return float(value)
    return None if math.isnan(value) else str(float(value))


def _float(value: Any) -> float:
    if value is None:
        return math.nan
    if isinstance(value, str):
        return _INFINITE[value]
    return float(value)


def _exactly(kind: type, value: Any) -> Any:
    """Refuse what merely converts: 1.0 is no int, 1 is no bool, 3 is no str."""
    if type(value) is not kind:
        raise TypeError(f"expected {kind.__name__}, found {value!r}")
    return value


def _is_array(annotation: Any) -> bool:
    return annotation is np.ndarray or get_origin(annotation) is np.ndarray


def _plain_array(array: NDArray[Any]) -> Any:
    if array.size == 0 and array.ndim > 1:  # a list would forget the other axes
        return {"shape": list(array.shape)}
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        return _without_specials(array.tolist())
    return array.tolist()


def _without_specials(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_specials(item) for item in value]
    return _plain_float(value)


def _array(value: Any, annotation: Any) -> NDArray[Any]:
    dtype = np.dtype(get_args(get_args(annotation)[1])[0])
    if isinstance(value, dict):
        return np.empty(value["shape"], dtype=dtype)
    if dtype.kind == "f":
        return np.array(_with_specials(value), dtype=dtype)
    array = np.array(value) if value else np.array(value, dtype=dtype)
    if array.dtype.kind != dtype.kind:
        raise TypeError(f"expected an array of {dtype.name}, found {array.dtype.name}")
    return array if dtype.kind == "U" else array.astype(dtype)


def _with_specials(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_specials(item) for item in value]
    return _float(value)


def _may_be_not_run(annotation: Any) -> bool:
    is_union = isinstance(annotation, UnionType) or get_origin(annotation) is Union
    return is_union and NotRun in get_args(annotation)


def _result_or_not_run(value: Any, annotation: Any) -> Any:
    if isinstance(value, dict) and value.keys() == {_NOT_RUN}:
        return _converter().structure(value, NotRun)
    others = [kind for kind in get_args(annotation) if kind is not NotRun]
    if value is None and NoneType in others:
        return None
    # mypy takes Union[...] of a computed tuple for a type expression.
    return _converter().structure(value, Union[tuple(others)])  # type: ignore[arg-type]  # noqa: UP007


def _type_word(column: pd.Series) -> str:
    if isinstance(column.dtype, pd.BooleanDtype):
        return "boolean"
    if pd.api.types.is_bool_dtype(column):
        return "bool"
    if pd.api.types.is_numeric_dtype(column):
        return str(column.dtype)  # int64, Int64, float64
    return "string"


def _as_written(column: pd.Series) -> pd.Series:
    if _type_word(column) in ("bool", "boolean"):
        words = {True: "true", False: "false"}
        return column.astype(object).map(words).astype(object)
    return column


def _as_read(column: pd.Series, word: str) -> pd.Series:
    if word == "string":
        return column.astype(object)
    if word in ("bool", "boolean"):
        meaning = {"true": True, "false": False, "": pd.NA}
        return pd.Series([meaning[cell] for cell in column], dtype=word)
    if word.startswith("float"):
        numbers = [float(cell) if cell else math.nan for cell in column]
        return pd.Series(numbers, dtype=word)
    whole = [int(cell) if cell else pd.NA for cell in column]
    return pd.Series(whole, dtype=word)
