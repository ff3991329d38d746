"""Every format reads back what was written, and writes the same bytes again."""

import io
import json
import math
import zipfile
from dataclasses import dataclass, field, fields
from enum import StrEnum

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from panoptic.failures import InputUnusable
from panoptic.reporting import formats
from panoptic.statement import NotRun, Statement, Verdict


class Kind(StrEnum):
    ROUND = "round"
    SQUARE = "square"


@dataclass(frozen=True, slots=True)
class Fit:
    kind: Kind
    score: float
    bound: float | None
    means: NDArray[np.float64]
    labels: NDArray[np.int64]
    used: NDArray[np.bool_]
    names: NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Answer:
    verdict: Verdict
    n_rows: int
    ok: bool
    fit: Fit | NotRun
    rival: Fit | NotRun | None
    by_name: dict[str, float]
    fits: tuple[Fit | NotRun, ...] = ()
    statements: tuple[Statement, ...] = ()
    pair: tuple[float, float] = field(default=(0.0, 1.0))


def fit(**changes) -> Fit:
    values = {
        "kind": Kind.SQUARE,
        "score": 0.1,
        "bound": None,
        "means": np.array([[1.0, math.nan], [math.inf, -math.inf]]),
        "labels": np.array([0, 1, 1]),
        "used": np.array([True, False]),
        "names": np.array(["a b", "ü"]),
    }
    return Fit(**(values | changes))


def answer(**changes) -> Answer:
    values = {
        "verdict": Verdict.DRIVEN_BY_METHOD,
        "n_rows": 60,
        "ok": True,
        "fit": fit(),
        "rival": None,
        "by_name": {"b": 2.0, "a": math.nan},
        "fits": (fit(score=math.nan), NotRun("only 3 rows")),
        "statements": (Statement("It is so.", "n = 60"),),
    }
    return Answer(**(values | changes))


def same(first, second) -> bool:
    """Equality that takes NaN for equal and looks into arrays."""
    if type(first) is not type(second):
        return False
    if isinstance(first, np.ndarray):
        return (
            first.dtype.kind == second.dtype.kind
            and first.shape == second.shape
            and bool(
                np.all((first == second) | ((first != first) & (second != second)))
            )
        )
    if hasattr(first, "__dataclass_fields__"):
        return all(
            same(getattr(first, f.name), getattr(second, f.name)) for f in fields(first)
        )
    if isinstance(first, tuple):
        return len(first) == len(second) and all(map(same, first, second))
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(
            same(first[key], second[key]) for key in first
        )
    return first == second or (first != first and second != second)


def there_and_back(result, cls):
    content = formats.encode_result(result)
    read = formats.decode_result(content, cls, name="x.json")
    assert formats.encode_result(read) == content
    return read


def test_a_result_reads_back_as_it_was():
    assert same(there_and_back(answer(), Answer), answer())


def test_a_result_that_was_not_run_reads_back_wherever_it_stands():
    reason = NotRun("7 hosts, 8 needed")
    assert there_and_back(reason, Answer | NotRun) == reason
    assert same(there_and_back(answer(), Answer | NotRun), answer())
    for changes in ({"fit": reason}, {"rival": reason}, {"rival": fit()}):
        assert same(there_and_back(answer(**changes), Answer), answer(**changes))


@pytest.mark.parametrize("shape", [(0,), (0, 2), (3, 0), (2, 0, 4)])
def test_an_empty_array_keeps_its_shape(shape):
    result = fit(means=np.empty(shape), labels=np.empty(shape, np.int64))
    assert same(there_and_back(result, Fit), result)


def test_empty_flags_and_names_keep_their_types():
    result = fit(used=np.array([], np.bool_), names=np.array([], np.str_))
    assert same(there_and_back(result, Fit), result)


@given(st.floats(), st.lists(st.floats(), max_size=5), st.text())
def test_floats_and_texts_are_exact(number, numbers, text):
    result = answer(
        by_name={text: number}, fit=fit(means=np.array(numbers, dtype=np.float64))
    )
    assert same(there_and_back(result, Answer), result)


def test_numpy_scalars_are_written_as_plain_numbers():
    result = answer(n_rows=np.int64(3), ok=np.bool_(0), pair=(np.float64(1), 2.0))
    read = there_and_back(result, Answer)
    assert (read.n_rows, read.ok, read.pair) == (3, False, (1.0, 2.0))


def test_a_verdict_is_the_first_key():
    text = formats.encode_json({"zeal": 1, "alpha": 2, "verdict": "supported"})
    assert list(json.loads(text)) == ["verdict", "alpha", "zeal"]


def test_json_is_strict_sorted_and_keeps_a_row_of_numbers_on_a_line():
    text = formats.encode_result(fit()).decode()
    assert '"means": [\n  [1.0, null],\n  ["inf", "-inf"]\n ]' in text
    assert '"labels": [0, 1, 1]' in text

    def refuse(constant):
        raise AssertionError(constant)

    keys = list(json.loads(text, parse_constant=refuse))
    assert keys == sorted(keys)
    assert "format_version" in keys


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"n_rows": 3.0}, "n_rows"),
        ({"n_rows": "3"}, "n_rows"),
        ({"ok": 1}, "ok"),
        ({"verdict": "perhaps"}, "verdict"),
        ({"unheard_of": 1}, "unheard_of"),
        ({"fit": {"reason": "x"}}, "fit"),
        ({"format_version": 99}, "version 99"),
        ({"format_version": None}, "version None"),
    ],
)
def test_what_does_not_fit_is_named(change, complaint):
    plain = json.loads(formats.encode_result(answer())) | change
    with pytest.raises(InputUnusable, match=complaint) as failure:
        formats.decode_result(json.dumps(plain).encode(), Answer, name="gmm.json")
    assert "gmm.json" in str(failure.value)


def test_a_missing_key_is_named():
    plain = json.loads(formats.encode_result(answer()))
    del plain["by_name"]
    with pytest.raises(InputUnusable, match="by_name"):
        formats.decode_result(json.dumps(plain).encode(), Answer, name="x")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"3", b"\xff"])
def test_what_is_no_result_is_refused(content):
    with pytest.raises(InputUnusable):
        formats.decode_result(content, Answer, name="x")


FRAME = pd.DataFrame(
    {
        "pl_name": ["TOI-6894 b", 'He said "b", twice', ""],
        "q": [1e-05, math.nan, 0.1 + 0.2],
        "n": [1, 2, 3],
        "lim": pd.array([0, None, -1], dtype="Int64"),
        "in_main_sample": [True, False, True],
        "maybe": pd.array([True, None, False], dtype="boolean"),
        "gaia_dr3_id": ["0012", "5853498713190525696", ""],
    }
)


def test_a_table_reads_back_as_it_was():
    types = formats.column_types(FRAME)
    content = formats.encode_table(FRAME)
    read = formats.decode_table(content, types, name="x.csv")
    expected = FRAME.astype({"pl_name": object, "gaia_dr3_id": object})
    pd.testing.assert_frame_equal(read, expected, check_exact=True)
    assert formats.encode_table(read) == content


def test_a_table_is_plain_to_read():
    lines = formats.encode_table(FRAME).decode().split("\n")
    assert lines[1] == "TOI-6894 b,1e-05,1,0,true,true,0012"
    assert lines[2].endswith(",,2,,false,,5853498713190525696")
    assert lines[3] == ",0.30000000000000004,3,-1,true,false,"


@given(st.lists(st.floats(), min_size=1))
def test_a_table_keeps_floats_exactly(numbers):
    frame = pd.DataFrame({"x": np.array(numbers)})
    content = formats.encode_table(frame)
    read = formats.decode_table(content, {"x": "float64"}, name="x")
    assert same(read["x"].to_numpy(), frame["x"].to_numpy())


def test_an_empty_table_keeps_its_columns():
    empty = FRAME.iloc[:0]
    types = formats.column_types(empty)
    read = formats.decode_table(formats.encode_table(empty), types, name="x")
    assert formats.column_types(read) == types
    assert len(read) == 0


def test_a_table_that_does_not_fit_its_description_is_refused():
    content = formats.encode_table(FRAME)
    types = formats.column_types(FRAME)
    with pytest.raises(InputUnusable, match="maybe"):
        formats.decode_table(content, types | {"maybe": "float64"}, name="maybe")
    with pytest.raises(InputUnusable, match="'lim'"):
        types.pop("lim")
        formats.decode_table(content, types, name="x")
    with pytest.raises(InputUnusable):
        formats.decode_table(b"", types, name="x")


def test_arrays_read_back_and_depend_on_content_alone():
    arrays = {
        "grid": np.arange(6.0).reshape(2, 3).T,
        "scalar": np.array(3),
        "names": np.array(["a", "bc"]),
        "none": np.empty((0, 2)),
    }
    content = formats.encode_arrays(arrays)
    read = formats.decode_arrays(content, name="x")
    assert list(read) == list(arrays)
    assert all(same(read[name], arrays[name]) for name in arrays)
    assert formats.encode_arrays(read) == content  # memory order does not matter
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert {entry.date_time[0] for entry in archive.infolist()} == {1980}


def test_pickles_are_neither_written_nor_read():
    with pytest.raises(ValueError, match="Object"):
        formats.encode_arrays({"x": np.array([{}], dtype=object)})
    with pytest.raises(InputUnusable):
        formats.decode_arrays(b"not a zip", name="x")


def draw():
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2, 2))
    axes = figure.subplots()
    axes.scatter([1, 2], [3, 4], label="M$_\\odot$")
    axes.legend()
    return figure


@pytest.mark.parametrize("form", formats.FIGURE_FORMATS)
def test_a_figure_has_the_same_bytes_at_another_time(form, monkeypatch):
    first = formats.encode_figure(draw(), form)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")  # any date would show
    assert formats.encode_figure(draw(), form) == first
    assert b"19700102" not in first


def test_a_pdf_embeds_its_fonts_as_truetype():
    content = formats.encode_figure(draw(), "pdf")
    assert b"/FontFile2" in content
    assert b"/Type3" not in content
