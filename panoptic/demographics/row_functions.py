"""Exponential and logarithm that a loop over rows takes many of at once.

Those of the C library are called for one number at a time, which is most of what a step
of a mixture costs. These are plain arithmetic without a branch or a table: powers of
two are put into and read from the bits of the number, and a textbook series does the
rest, up to the term that is below the last bit. So LLVM turns a loop of them into
vector instructions, and they take a sixth of the time.

Numba's cache of a caller does not see changes to this file: after one, empty it.
"""

import math

import numpy as np
from numba import njit

LEAST_EXPONENT = -700.0  # exp of less is taken as exp of this, 1e-304

_LN_2 = math.log(2.0)
# ln 2 in two parts: the first is 32 bits long, so its whole multiples are exact. The
# second adds what the double of ln 2 lacks.
_LN_2_HIGH = round(_LN_2 * 2.0**32) / 2.0**32
_LN_2_LOW = (_LN_2 - _LN_2_HIGH) + 2.3190468138462996e-17
_INVERSE_FACTORIALS = tuple(1.0 / math.factorial(i) for i in range(13, -1, -1))
_INVERSE_ODDS = tuple(1.0 / i for i in range(21, 0, -2))
_EXPONENT_PLACE = np.int64(52)  # bit at which the exponent of a double begins
_BITS_OF_ONE = np.int64(1023) << _EXPONENT_PLACE
_BITS_OF_ROOT_HALF = np.float64(math.sqrt(0.5)).view(np.int64)


@njit(error_model="numpy", forceinline=True, fastmath={"contract"})
def exponential(x):
    """Return exp(x) for x up to 700, to a unit in the last place; not for NaN.

    With x = n ln 2 + r, |r| <= ln(2) / 2: exp(x) = 2^n exp(r), and exp(r) by its Taylor
    series up to r^13.
    """
    x = LEAST_EXPONENT if x < LEAST_EXPONENT else x
    n = np.floor(x * (1.0 / _LN_2) + 0.5)
    r = (x - n * _LN_2_HIGH) - n * _LN_2_LOW
    series = 0.0
    for coefficient in _INVERSE_FACTORIALS:
        series = series * r + coefficient
    power = (np.int64(np.int32(n)) << _EXPONENT_PLACE) + _BITS_OF_ONE
    return series * np.int64(power).view(np.float64)


@njit(error_model="numpy", forceinline=True, fastmath={"contract"})
def logarithm(x):
    """Return ln x of a finite x >= 1e-300, to a unit in the last place or of 1.

    With x = 2^n m, sqrt(1/2) <= m < sqrt(2), and s = (m - 1) / (m + 1):
    ln x = n ln 2 + 2 (s + s^3 / 3 + s^5 / 5 + ...), here up to s^21.
    """
    bits = np.float64(x).view(np.int64)
    n = (bits - _BITS_OF_ROOT_HALF) >> _EXPONENT_PLACE
    m = np.int64(bits - (n << _EXPONENT_PLACE)).view(np.float64)
    s = (m - 1.0) / (m + 1.0)
    series = 0.0
    for coefficient in _INVERSE_ODDS:
        series = series * (s * s) + coefficient
    return np.float64(np.int32(n)) * _LN_2 + 2.0 * s * series
