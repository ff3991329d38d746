"""The exponential and the logarithm of the loops over rows against numpy's."""

import numpy as np
import pytest
from numba import njit

from panoptic.demographics.row_functions import exponential, logarithm


@njit(error_model="numpy")
def _exponentials(x, out):
    for r in range(len(x)):
        out[r] = exponential(x[r])


@njit(error_model="numpy")
def _logarithms(x, out):
    for r in range(len(x)):
        out[r] = logarithm(x[r])


def _of(loop, x):
    out = np.empty_like(x)
    loop(x, out)
    return out


@pytest.mark.parametrize("scale", [1e-12, 0.3, 3.0, 600.0])
def test_the_exponential_is_numpy_s_to_a_unit_in_the_last_place(scale):
    x = scale * np.random.default_rng(1).uniform(-1.0, 1.0, 20_000)
    expected = np.exp(x)
    assert np.all(
        np.abs(_of(_exponentials, x) - expected) <= 1.5 * np.spacing(expected)
    )


def test_the_exponential_of_whole_and_half_powers_of_two():
    x = np.arange(-1000, 1001) * 0.5 * np.log(2.0)
    assert _of(_exponentials, x) == pytest.approx(np.exp(x), rel=3e-16)


def test_what_is_too_small_to_matter_is_next_to_nothing():
    x = np.array([0.0, -0.0, -1e-320, -700.0, -701.0, -1e9, -np.inf])
    made = _of(_exponentials, x)
    assert np.all(made[:3] == 1.0)
    assert np.all((made[3:] > 0.0) & (made[3:] < 1e-303))


@pytest.mark.parametrize(
    ("low", "high"), [(1.0, 1.0 + 1e-9), (0.5, 2.0), (1.0, 9.0), (1e-300, 1e300)]
)
def test_the_logarithm_is_numpy_s_to_a_unit_in_the_last_place(low, high):
    level = np.random.default_rng(2).uniform(np.log(low), np.log(high), 20_000)
    x = np.concatenate([np.exp(level), [low, high]])
    expected = np.log(x)
    unit = np.spacing(np.maximum(np.abs(expected), 1.0))
    assert np.all(np.abs(_of(_logarithms, x) - expected) <= 1.5 * unit)


def test_they_undo_each_other():
    x = np.linspace(-690.0, 690.0, 5001)
    assert _of(_logarithms, _of(_exponentials, x)) == pytest.approx(x, abs=3e-13)
    assert _of(_logarithms, np.ones(1))[0] == 0.0


def test_a_loop_of_them_is_vectorised():
    """Else they would be slower than the library's: the point of having them."""
    for loop in (_exponentials, _logarithms):
        _of(loop, np.ones(4))
        (code,) = loop.inspect_llvm().values()
        assert "x double>" in code
