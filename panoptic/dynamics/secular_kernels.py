"""The numba kernels of secular evolution: equations, one step, many systems.

How they are made fast. A step of the eighth-order Runge-Kutta method is written for
one system, on tuples; the loop over LANES systems around it is what the compiler turns
into vector instructions, every lane with a step size of its own. That needs every
function in the loop inlined before the vectoriser runs (`forceinline`), square roots
and divisions but no other functions, and no checks for division by zero
(`error_model`). Rates carry the time transform dt = g dx, so that a step is about the
same share of an eccentricity peak and of the long quiet between two.

All kernels that call each other stand in this one file, and all are inlined into the
few that are cached: numba's cache looks at this file only, and a function that is
compiled twice, alone and as a part, may give other last digits the second time.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from scipy.integrate import DOP853

# Reassociation is allowed, assuming NaN and infinity away is not: a step that failed
# must be seen to have failed.
_MATHS: dict[str, Any] = {
    "error_model": "numpy",
    "fastmath": {"contract", "nsz", "arcp", "reassoc"},
    "nogil": True,
}
_INLINED = {**_MATHS, "forceinline": True}
_CACHED = {**_MATHS, "cache": True}

LANES = 8  # systems that advance together: doubles of one AVX-512 register

# A lane's numbers stand LANES apart in one flat array, in blocks of rows: only with
# offsets that are constants does the compiler know that blocks do not overlap.
# A state is e, j (vectors), s = sqrt(a/a0), t of the inner orbit and, where the outer
# one moves, its e and j.
FIXED = (0.0,) * 8
MOVING = (0.0,) * 14
J, S, T, OUTER_E, OUTER_J = 3, 6, 7, 8, 11  # first places in a state

_BLOCK = len(MOVING) * LANES
_STATE, _RATE, _NEW, _NEW_RATE = 0, _BLOCK, 2 * _BLOCK, 3 * _BLOCK
_STRENGTH = 4 * _BLOCK
N_STRENGTHS = 7  # as in `triples.SecularScales`
_STEP = _STRENGTH + N_STRENGTHS * LANES
_GROWTH = _STEP + LANES  # of the step, as the error suggests; < _SAFETY: rejected
_SLOPE = _GROWTH + LANES  # (1/2) d(j^2)/dx at the start of the step
_NEW_SLOPE = _SLOPE + LANES  # and at its end
_PHASE = _NEW_SLOPE + LANES
_WHOLE_STEP = _PHASE + LANES  # length of the step that passed a minimum of j
_SLOPE_BEYOND = _WHOLE_STEP + LANES  # and the slope at its end
_CLOSEST = _SLOPE_BEYOND + LANES  # pericentre so far, in a0
_RECORD = _CLOSEST + LANES  # the same at the last look
_NEXT_LOOK = _RECORD + LANES  # time of the next
_LAST_PEAK = _NEXT_LOOK + LANES  # time of the last minimum of j, negative before
_LAST_S = _LAST_PEAK + LANES  # s at that time
_WORK = _LAST_S + LANES

_CRUISING, _AIMED, _PASSED = range(3)  # phases of a lane, around a minimum of j
_AT_THE_END = 1e-9  # of the time asked for
_FIRST_LOOK = 2000.0  # t_LK; then at twice the time, and so on
_OLD_RECORD = 0.9  # a record that fell by less since the last look
_NO_DECAY = 0.01  # of s, by all cycles to come

# What the driver says of a system
RUNNING, ENDED, MIGRATED, DISRUPTED, PERIODIC, STEADY = range(6)

_SAFETY = 0.8
_FIRST_STEP = 0.05

_A = tuple(tuple(float(weight) for weight in row) for row in DOP853.A)
_B = tuple(float(weight) for weight in DOP853.B)
_E5 = tuple(float(weight) for weight in DOP853.E5)
_E3 = tuple(float(weight) for weight in DOP853.E3)


# ---------------------------------------------------------------- equations


@njit(**_INLINED)
def _rates_fixed(y, strengths, span):
    """Right-hand side with the outer orbit fixed: span times d(e, j, s, t)/dx.

    The letters are those of docs/methods.md: P = grad_j phi, Q = grad_e phi.
    """
    ex, ey, ez, jx, jy, jz, s, _ = y
    e2 = 1.0 - _dot((jx, jy, jz), (jx, jy, jz))
    quad = s * s * s
    octu = 15.0 / 64.0 * strengths[0] * quad * s * s
    p = (
        octu * 10.0 * ez * jz,
        0.0,
        -0.75 * quad * jz + octu * 10.0 * (ez * jx + ex * jz),
    )
    bracket = 8.0 * e2 - 1.0 - 35.0 * ez * ez + 5.0 * jz * jz
    q = (
        -1.5 * quad * ex + octu * (bracket + 16.0 * ex * ex),
        -1.5 * quad * ey + octu * 16.0 * ex * ey,
        2.25 * quad * ez + octu * (10.0 * jx * jz - 54.0 * ex * ez),
    )
    de, dj, ds, dt = _inner_rates((ex, ey, ez), (jx, jy, jz), s, p, q, strengths, span)
    return (*de, *dj, ds, dt)


@njit(**_INLINED)
def _rates_moving(y, strengths, span):
    """The same with the outer orbit's E and J as variables, |J|^2 = 1 - |E|^2.

    phi_quad = (shape/8 J^5) {(1 - 6e^2) J^2 - 3B^2 + 15A^2} and phi_oct = (15/64) eps
    (shape/J^7) {C X + 10 A D B}, X = (8e^2 - 1) J^2 - 35A^2 + 5B^2, with the products
    A = e.J, B = j.J, C = e.E, D = j.E; P, Q as before, R = grad_J phi, V = grad_E phi
    and dJ = -gamma (J x R + E x V), dE = -gamma (J x V + E x R). shape is the initial
    J^3, so that times are the same t_LK; gamma is L1/L2 of circular orbits.
    """
    e, j, s = y[:3], y[3:6], y[6]
    outer_e, outer_j = y[8:11], y[11:]
    octupole, gamma, shape = strengths[0], strengths[5], strengths[6]
    e2 = 1.0 - _dot(j, j)
    a, b = _dot(e, outer_j), _dot(j, outer_j)
    c, d = _dot(e, outer_e), _dot(j, outer_e)
    outer_j2 = _dot(outer_j, outer_j)
    over_j2 = 1.0 / outer_j2
    steep = shape * over_j2 * over_j2 * math.sqrt(over_j2)  # shape / J^5
    quad = 0.125 * steep * s * s * s
    octu = 15.0 / 64.0 * octupole * steep * over_j2 * s * s * s * s * s
    x = (8.0 * e2 - 1.0) * outer_j2 - 35.0 * a * a + 5.0 * b * b

    p = _blend(
        (-6.0 * quad * b + 10.0 * octu * (c * b + a * d), outer_j),
        (10.0 * octu * a * b, outer_e),
    )
    q = _blend(
        (30.0 * quad * a + octu * (10.0 * d * b - 70.0 * c * a), outer_j),
        (octu * x, outer_e),
    )
    along_e = -12.0 * quad * outer_j2 + 16.0 * octu * c * outer_j2
    q = _blend((1.0, q), (along_e, e))
    # along J: what the powers of J in front and the J^2 inside give
    along_j = quad * (18.0 * e2 - 3.0 + over_j2 * (15.0 * b * b - 75.0 * a * a))
    along_j += octu * (
        2.0 * (8.0 * e2 - 1.0) * c - 7.0 * over_j2 * (c * x + 10.0 * a * d * b)
    )
    r = _blend(
        (30.0 * quad * a + octu * (10.0 * d * b - 70.0 * c * a), e),
        (-6.0 * quad * b + 10.0 * octu * (c * b + a * d), j),
    )
    r = _blend((1.0, r), (along_j, outer_j))
    v = _blend((octu * x, e), (10.0 * octu * a * b, j))

    de, dj, ds, dt = _inner_rates(e, j, s, p, q, strengths, span)
    pull = -gamma * s * dt
    dJ = _blend((pull, _cross(outer_j, r)), (pull, _cross(outer_e, v)))
    dE = _blend((pull, _cross(outer_j, v)), (pull, _cross(outer_e, r)))
    return (*de, *dj, ds, dt, *dE, *dJ)


@njit(**_INLINED)
def _inner_rates(e, j, s, p, q, strengths, span):
    """What the perturber (P, Q), short-range forces and tides do to the inner orbit.

    u = j + e, v = j - e, du = -u x (P + Q), dv = -v x (P - Q); the short-range forces
    add their apsidal rate along j to P.
    """
    j2 = _dot(j, j)
    e2 = 1.0 - j2
    inverse = 1.0 / (j2 * s)
    j_2 = inverse * s  # j^-2
    j_1 = math.sqrt(j_2)
    omega, damping = _short_range(e2, j_2, j_1, inverse * j2, strengths)
    p = _blend((1.0, p), (omega * j_1, j))
    du = _cross(_plus3(p, 1.0, q), _plus3(j, 1.0, e))
    dv = _cross(_plus3(p, -1.0, q), _plus3(j, -1.0, e))

    g = span / (j_1 + 0.25 * omega)
    along_e = -g * damping  # (1/e) de/dx by tides; then j = sqrt(1 - e^2), s j constant
    along_j = g * damping * e2 * j_2
    h = 0.5 * g
    de = _blend((h, _plus3(du, -1.0, dv)), (along_e, e))
    dj = _blend((h, _plus3(du, 1.0, dv)), (along_j, j))
    return de, dj, -along_j * s, g


@njit(**_INLINED)
def _short_range(e2, j_2, j_1, s_1, strengths):
    """Apsidal rate of the short-range forces and damping rate -(1/e) de/dt of tides.

    The companion spins pseudo-synchronously: spin/n = f2/(j^3 f5) (Hut 1981).
    """
    _, relativity, tide, rotation, decay = strengths[:5]
    s_2 = s_1 * s_1
    s_4 = s_2 * s_2
    s_5 = s_4 * s_1
    j_4 = j_2 * j_2
    steep = s_4 * s_4 * s_5 * j_4 * j_4 * j_2  # s^-13 j^-10
    f2 = 1.0 + e2 * (7.5 + e2 * (5.625 + e2 * 0.3125))
    f5_1 = 1.0 / (1.0 + e2 * (3.0 + e2 * 0.375))
    bulge = 1.0 + e2 * (1.5 + e2 * 0.125)
    spin = f2 * f5_1
    omega = relativity * s_5 * j_2 + steep * (tide * bulge + rotation * spin * spin)
    # (f1 f5 - f2^2)/e^2, divided out on paper so that a circle is no special case
    decaying = 3.5 + e2 * (
        11.25
        + e2 * (28.0 + e2 * (685.0 / 64.0 + e2 * (255.0 / 128.0 + e2 * (25.0 / 512.0))))
    )
    damping = 0.5 * decay * steep * s_2 * s_1 * j_2 * j_1 * decaying * f5_1
    return omega, damping


@njit(**_INLINED)
def _dot(a, b):
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@njit(**_INLINED)
def _cross(a, b):
    return (
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    )


@njit(**_INLINED)
def _plus3(a, weight, b):
    return a[0] + weight * b[0], a[1] + weight * b[1], a[2] + weight * b[2]


@njit(**_INLINED)
def _blend(one, other):
    """Return the sum of two vectors, each given as (weight, vector)."""
    x, a = one
    y, b = other
    return x * a[0] + y * b[0], x * a[1] + y * b[1], x * a[2] + y * b[2]


# ---------------------------------------------------------------- one step


# These work on states of either length: the branch on a tuple's length is decided when
# the function is compiled.


@njit(**_INLINED)
def _rates(y, strengths, span):
    if len(y) == 8:
        return _rates_fixed(y, strengths, span)
    return _rates_moving(y, strengths, span)


@njit(**_INLINED)
def _plus(y, weight, k):
    """Return y + weight k for states."""
    inner = (
        y[0] + weight * k[0],
        y[1] + weight * k[1],
        y[2] + weight * k[2],
        y[3] + weight * k[3],
        y[4] + weight * k[4],
        y[5] + weight * k[5],
        y[6] + weight * k[6],
        y[7] + weight * k[7],
    )
    if len(y) == 8:
        return inner
    return (
        *inner,
        y[8] + weight * k[8],
        y[9] + weight * k[9],
        y[10] + weight * k[10],
        y[11] + weight * k[11],
        y[12] + weight * k[12],
        y[13] + weight * k[13],
    )


@njit(**_INLINED)
def _times(weight, k):
    nothing = FIXED if len(k) == 8 else MOVING
    return _plus(nothing, weight, k)


@njit(**_INLINED)
def _dop853(y, k0, strengths, h):  # noqa: PLR0915 (straight-line formulas)
    """One step of Dormand & Prince 8(5,3): new state, fifth- and third-order error.

    The k are rates times h.
    """
    k1 = _rates(_plus(y, _A[1][0], k0), strengths, h)

    z = _plus(y, _A[2][0], k0)
    k2 = _rates(_plus(z, _A[2][1], k1), strengths, h)

    z = _plus(y, _A[3][0], k0)
    k3 = _rates(_plus(z, _A[3][2], k2), strengths, h)

    z = _plus(y, _A[4][0], k0)
    z = _plus(z, _A[4][2], k2)
    k4 = _rates(_plus(z, _A[4][3], k3), strengths, h)

    z = _plus(y, _A[5][0], k0)
    z = _plus(z, _A[5][3], k3)
    k5 = _rates(_plus(z, _A[5][4], k4), strengths, h)

    z = _plus(y, _A[6][0], k0)
    z = _plus(z, _A[6][3], k3)
    z = _plus(z, _A[6][4], k4)
    k6 = _rates(_plus(z, _A[6][5], k5), strengths, h)

    z = _plus(y, _A[7][0], k0)
    z = _plus(z, _A[7][3], k3)
    z = _plus(z, _A[7][4], k4)
    z = _plus(z, _A[7][5], k5)
    k7 = _rates(_plus(z, _A[7][6], k6), strengths, h)

    z = _plus(y, _A[8][0], k0)
    z = _plus(z, _A[8][3], k3)
    z = _plus(z, _A[8][4], k4)
    z = _plus(z, _A[8][5], k5)
    z = _plus(z, _A[8][6], k6)
    k8 = _rates(_plus(z, _A[8][7], k7), strengths, h)

    z = _plus(y, _A[9][0], k0)
    z = _plus(z, _A[9][3], k3)
    z = _plus(z, _A[9][4], k4)
    z = _plus(z, _A[9][5], k5)
    z = _plus(z, _A[9][6], k6)
    z = _plus(z, _A[9][7], k7)
    k9 = _rates(_plus(z, _A[9][8], k8), strengths, h)

    z = _plus(y, _A[10][0], k0)
    z = _plus(z, _A[10][3], k3)
    z = _plus(z, _A[10][4], k4)
    z = _plus(z, _A[10][5], k5)
    z = _plus(z, _A[10][6], k6)
    z = _plus(z, _A[10][7], k7)
    z = _plus(z, _A[10][8], k8)
    k10 = _rates(_plus(z, _A[10][9], k9), strengths, h)

    z = _plus(y, _A[11][0], k0)
    z = _plus(z, _A[11][3], k3)
    z = _plus(z, _A[11][4], k4)
    z = _plus(z, _A[11][5], k5)
    z = _plus(z, _A[11][6], k6)
    z = _plus(z, _A[11][7], k7)
    z = _plus(z, _A[11][8], k8)
    z = _plus(z, _A[11][9], k9)
    k11 = _rates(_plus(z, _A[11][10], k10), strengths, h)

    z = _times(_B[0], k0)
    z = _plus(z, _B[5], k5)
    z = _plus(z, _B[6], k6)
    z = _plus(z, _B[7], k7)
    z = _plus(z, _B[8], k8)
    z = _plus(z, _B[9], k9)
    z = _plus(z, _B[10], k10)
    change = _plus(z, _B[11], k11)

    z = _times(_E5[0], k0)
    z = _plus(z, _E5[5], k5)
    z = _plus(z, _E5[6], k6)
    z = _plus(z, _E5[7], k7)
    z = _plus(z, _E5[8], k8)
    z = _plus(z, _E5[9], k9)
    z = _plus(z, _E5[10], k10)
    error5 = _plus(z, _E5[11], k11)

    z = _plus(change, _E3[0] - _B[0], k0)
    z = _plus(z, _E3[8] - _B[8], k8)
    error3 = _plus(z, _E3[11] - _B[11], k11)
    return _plus(y, 1.0, change), error5, error3


@njit(**_INLINED)
def _mean_square(error, y, new):
    """Squared error of a step: of e, s, E and J absolute, of j in units of |j|."""
    j2 = max(_dot(y[3:6], y[3:6]), _dot(new[3:6], new[3:6]))
    inner = (
        _dot(error[:3], error[:3])
        + _dot(error[3:6], error[3:6]) / j2
        + error[6] * error[6]
    )
    if len(y) == 8:
        return inner / 7.0
    outer = _dot(error[8:11], error[8:11]) + _dot(error[11:14], error[11:14])
    return (inner + outer) / 13.0


@njit(**_INLINED)
def _growth(error5, error3, tolerance):
    """Factor for the next step, _SAFETY error^(-1/8): three square roots, no power.

    The error is Hairer's combination of the two estimates.
    """
    error = error5 / (tolerance * math.sqrt(error5 + 0.01 * error3 + 1e-290))
    return _SAFETY / math.sqrt(math.sqrt(math.sqrt(error + 1e-12)))


@njit(**_INLINED)
def _on_the_sphere(y):
    """Rescale e so that e^2 + j^2 = 1; j, with it j_z, is left alone. E likewise."""
    e = _rescaled(y[:3], y[3:6])
    if len(y) == 8:
        return (*e, *y[3:8])
    return (*e, *y[3:8], *_rescaled(y[8:11], y[11:14]), *y[11:14])


@njit(**_INLINED)
def _rescaled(e, j):
    """Return e with e^2 = 1 - j^2.

    Not below e = 0.1: there an error of j is a larger one of e.
    """
    e2 = _dot(e, e)
    wanted = 1.0 - _dot(j, j)
    small = (e2 < 0.01) | (wanted < 0.01)
    scale = math.sqrt(1.0 if small else wanted / e2)
    return scale * e[0], scale * e[1], scale * e[2]


@njit(**_INLINED)
def _read(work, block, lane, like):
    """Return the state of one lane from a block of rows; `like` gives its length."""
    at = block + lane
    inner = (
        work[at],
        work[at + LANES],
        work[at + 2 * LANES],
        work[at + 3 * LANES],
        work[at + 4 * LANES],
        work[at + 5 * LANES],
        work[at + 6 * LANES],
        work[at + 7 * LANES],
    )
    if len(like) == 8:
        return inner
    return (
        *inner,
        work[at + 8 * LANES],
        work[at + 9 * LANES],
        work[at + 10 * LANES],
        work[at + 11 * LANES],
        work[at + 12 * LANES],
        work[at + 13 * LANES],
    )


@njit(**_INLINED)
def _write(work, block, lane, y):
    at = block + lane
    work[at] = y[0]
    work[at + LANES] = y[1]
    work[at + 2 * LANES] = y[2]
    work[at + 3 * LANES] = y[3]
    work[at + 4 * LANES] = y[4]
    work[at + 5 * LANES] = y[5]
    work[at + 6 * LANES] = y[6]
    work[at + 7 * LANES] = y[7]
    if len(y) == 14:
        work[at + 8 * LANES] = y[8]
        work[at + 9 * LANES] = y[9]
        work[at + 10 * LANES] = y[10]
        work[at + 11 * LANES] = y[11]
        work[at + 12 * LANES] = y[12]
        work[at + 13 * LANES] = y[13]


@njit(**_INLINED)
def _read_strengths(work, lane):
    at = _STRENGTH + lane
    return (
        work[at],
        work[at + LANES],
        work[at + 2 * LANES],
        work[at + 3 * LANES],
        work[at + 4 * LANES],
        work[at + 5 * LANES],
        work[at + 6 * LANES],
    )


@njit(**_INLINED)
def _try_step(work, tolerance, like):
    """Try one step in every lane. This loop is the vectorised one."""
    for lane in range(LANES):
        y = _read(work, _STATE, lane, like)
        rate = _read(work, _RATE, lane, like)
        strengths = _read_strengths(work, lane)
        h = work[_STEP + lane]
        new, error5, error3 = _dop853(y, _times(h, rate), strengths, h)
        work[_GROWTH + lane] = _growth(
            _mean_square(error5, y, new), _mean_square(error3, y, new), tolerance
        )
        new = _on_the_sphere(new)
        rate = _rates(new, strengths, 1.0)
        work[_NEW_SLOPE + lane] = _dot(new[3:6], rate[3:6])
        _write(work, _NEW, lane, new)
        _write(work, _NEW_RATE, lane, rate)


# ---------------------------------------------------------------- many systems


@njit(**_INLINED)
def _aim(h, start, end, slope_start, slope_end):
    """Share of a step at which j^2 is least, by the cubic through both ends.

    The slopes, (1/2) d(j^2)/dx, are negative at the start and not at the end.
    """
    fall = _dot(start[3:6], start[3:6]) - _dot(end[3:6], end[3:6])
    d0 = 2.0 * h * slope_start
    d1 = 2.0 * h * slope_end
    cubic = 2.0 * fall + d0 + d1
    square = -3.0 * fall - 2.0 * d0 - d1
    root = math.sqrt(max(square * square - 3.0 * cubic * d0, 0.0))
    # the minimum of the two extrema, in the form that does not cancel
    share = -d0 / (root + square) if square > 0.0 else (root - square) / (3.0 * cubic)
    return min(max(share, 0.01), 0.99)


@njit(**_INLINED)
def _missing(h, before, slope_start, slope, slope_end):
    """How much lower j^2 gets beyond a point close to its minimum.

    The point lies `before` into a step of h; the slope is the parabola through its
    values at the start, at the point and at the end of the step.
    """
    after = h - before
    left = (slope - slope_start) / before
    right = (slope_end - slope) / after
    linear = (left * after + right * before) / h
    square = (right - left) / h
    x = -slope / linear
    x = -slope / (linear + square * x)
    return -2.0 * x * (slope + x * (linear / 2.0 + x * square / 3.0))


@njit(**_INLINED)
def _load(work, lane, start, strengths, like):
    """Put a system into a lane."""
    for place in range(len(strengths)):
        work[_STRENGTH + place * LANES + lane] = strengths[place]
    for place in range(len(start)):
        work[_STATE + place * LANES + lane] = start[place]
    y = _read(work, _STATE, lane, like)
    rate = _rates(y, _read_strengths(work, lane), 1.0)
    _write(work, _RATE, lane, rate)
    work[_STEP + lane] = _FIRST_STEP
    work[_SLOPE + lane] = _dot(y[3:6], rate[3:6])
    work[_PHASE + lane] = _CRUISING
    work[_CLOSEST + lane] = np.inf
    work[_RECORD + lane] = np.inf
    work[_NEXT_LOOK + lane] = _FIRST_LOOK
    work[_LAST_PEAK + lane] = -1.0
    work[_LAST_S + lane] = y[S]


@njit(**_INLINED)
def _take_or_retry(work, lane, horizon, like):
    """Take the step that was tried, or set up another try; return whether taken.

    A step is tried again if its error is too large, if it runs past the end, or if it
    passes a minimum of j: then it is aimed at the minimum, so that the closest
    approach is met and not stepped over.
    """
    growth = work[_GROWTH + lane]
    h = work[_STEP + lane]
    t = work[_STATE + T * LANES + lane]
    t_new = work[_NEW + T * LANES + lane]
    slope = work[_SLOPE + lane]
    slope_new = work[_NEW_SLOPE + lane]
    phase = work[_PHASE + lane]
    taken = False
    if not growth >= _SAFETY:  # NaN too
        work[_STEP + lane] = h * (growth if growth > 0.2 else 0.2)
        work[_PHASE + lane] = _CRUISING
    elif t_new > horizon * (1.0 + _AT_THE_END):
        work[_STEP + lane] = h * (horizon - t) / (t_new - t)
        work[_PHASE + lane] = _CRUISING
    elif slope < 0.0 <= slope_new and phase == _CRUISING:
        start = _read(work, _STATE, lane, like)
        work[_STEP + lane] = h * _aim(
            h, start, _read(work, _NEW, lane, like), slope, slope_new
        )
        work[_PHASE + lane] = _AIMED
        work[_WHOLE_STEP + lane] = h
        work[_SLOPE_BEYOND + lane] = slope_new
    else:
        taken = True
    return taken


@njit(**_INLINED)
def _advance(work, lane, like):
    """Move a lane to the end of its step; return 1 - e and the pericentre there.

    At a minimum of j both are those of the minimum itself.
    """
    new = _read(work, _NEW, lane, like)
    j2 = _dot(new[3:6], new[3:6])
    h = work[_STEP + lane]
    slope_new = work[_NEW_SLOPE + lane]
    next_step = h * min(work[_GROWTH + lane], 4.0)
    phase = _CRUISING
    if work[_PHASE + lane] == _AIMED:
        next_step = work[_WHOLE_STEP + lane]
        j2 -= _missing(
            next_step, h, work[_SLOPE + lane], slope_new, work[_SLOPE_BEYOND + lane]
        )
        phase = _PASSED
    _write(work, _STATE, lane, new)
    _write(work, _RATE, lane, _read(work, _NEW_RATE, lane, like))
    work[_STEP + lane] = next_step
    work[_SLOPE + lane] = slope_new
    work[_PHASE + lane] = phase
    one_minus_e = j2 / (1.0 + math.sqrt(max(1.0 - j2, 0.0)))
    return one_minus_e, new[S] * new[S] * one_minus_e


@njit(**_INLINED)
def _verdict(work, lane, horizon, innermost, migrated_s):
    """What has become of a system after a step."""
    if work[_CLOSEST + lane] < innermost:
        return DISRUPTED
    if work[_STATE + S * LANES + lane] < migrated_s:
        return MIGRATED
    if work[_STATE + T * LANES + lane] >= horizon * (1.0 - _AT_THE_END):
        return ENDED
    return RUNNING


@njit(**_INLINED)
def _cycles_are_harmless(work, lane, horizon):
    """True if the decay of the last cycle, in all that are to come, does not matter.

    For orbits whose cycles are alike, at a minimum of j.
    """
    t = work[_STATE + T * LANES + lane]
    s = work[_STATE + S * LANES + lane]
    cycle = t - work[_LAST_PEAK + lane]
    decay = work[_LAST_S + lane] - s
    complete = work[_LAST_PEAK + lane] >= 0.0
    work[_LAST_PEAK + lane] = t
    work[_LAST_S + lane] = s
    return complete and decay * (horizon - t) < _NO_DECAY * cycle


@njit(**_INLINED)
def _record_is_old(work, lane, outside):
    """True if the closest approach lies outside and is no closer than at last look."""
    closest = work[_CLOSEST + lane]
    old = closest > _OLD_RECORD * work[_RECORD + lane]
    work[_RECORD + lane] = closest
    work[_NEXT_LOOK + lane] *= 2.0
    return old and closest > outside


@njit(**_INLINED)
def _foresee(work, lane, horizon, periodic, outside):
    """Settle a running system if what it will do is clear from what it did."""
    if work[_PHASE + lane] == _PASSED and periodic:
        state = PERIODIC if _cycles_are_harmless(work, lane, horizon) else RUNNING
    elif work[_STATE + T * LANES + lane] >= work[_NEXT_LOOK + lane]:
        state = STEADY if _record_is_old(work, lane, outside) else RUNNING
    else:
        state = RUNNING
    return state


@njit(**_INLINED)
def _note_approach(work, lane, pericentre, rungs, inside):
    """Keep the closest approach; write the time on rungs newly reached."""
    t = work[_STATE + T * LANES + lane]
    if pericentre < work[_CLOSEST + lane]:
        work[_CLOSEST + lane] = pericentre
        for rung in range(len(rungs)):
            if pericentre < rungs[rung]:
                inside[rung] = min(inside[rung], t)


@njit(**_INLINED)
def _enter(work, lane, start, strengths, rungs, inside, like):
    """Put a system into a lane and note how close it starts."""
    _load(work, lane, start, strengths, like)
    pericentre = 1.0 - math.sqrt(_dot(start[:3], start[:3]))
    _note_approach(work, lane, pericentre, rungs, inside)
    work[_RECORD + lane] = pericentre


@njit(**_INLINED)
def _integrate(
    like,
    queue,
    start,
    strengths,
    horizon,
    ladder,
    periodic,
    steady_outside,
    migrated_s,
    tolerance,
    max_steps,
    status,
    n_steps,
    end,
    closest,
    least_one_minus_e,
    inside,
):
    """Follow the systems of a queue, in its order, until each has a status.

    A system that needs more than `max_steps`, accepted or not, is left RUNNING.

    Every output is written at the system's own index only, and no lane sees another:
    the numbers do not depend on the queue.

    Parameters
    ----------
    queue : indices of systems.
    like : FIXED or MOVING.
    start, strengths, horizon : (n, len(like)), (n, 7), (n,) in units of a0 and t_LK.
    ladder : (n, n_rungs) pericentres in a0, descending; the last one ends a system.
    periodic, steady_outside : (n,) as in `reach.Foresight`.
    status, n_steps, end, closest, least_one_minus_e, inside : filled; `inside` is the
        time of first passage of each rung, (n, n_rungs).
    """
    work = np.zeros(_WORK)
    who = np.full(LANES, -1)
    waiting = running = 0
    while running > 0 or waiting < len(queue):
        for lane in range(LANES):
            if who[lane] < 0 and waiting < len(queue):
                i = queue[waiting]
                _enter(work, lane, start[i], strengths[i], ladder[i], inside[i], like)
                who[lane] = i
                waiting += 1
                running += 1
        _try_step(work, tolerance, like)
        for lane in range(LANES):
            i = who[lane]
            if i < 0:
                continue
            n_steps[i] += 1
            state = RUNNING
            if _take_or_retry(work, lane, horizon[i], like):
                one_minus_e, pericentre = _advance(work, lane, like)
                least_one_minus_e[i] = min(least_one_minus_e[i], one_minus_e)
                _note_approach(work, lane, pericentre, ladder[i], inside[i])
                state = _verdict(work, lane, horizon[i], ladder[i, -1], migrated_s)
                if state == RUNNING:
                    state = _foresee(
                        work, lane, horizon[i], periodic[i], steady_outside[i]
                    )
            if state == RUNNING and n_steps[i] < max_steps:
                continue
            status[i] = state
            closest[i] = work[_CLOSEST + lane]
            for place in range(len(like)):
                end[i, place] = work[_STATE + place * LANES + lane]
            who[lane] = -1
            running -= 1


@njit(**_INLINED)
def _record(like, start, strengths, horizon, tolerance, points):
    """Follow one system to the horizon; return how many points it took."""
    work = np.zeros(_WORK)
    for lane in range(LANES):
        _load(work, lane, start, strengths, like)
    for place in range(len(like)):
        points[0, place] = start[place]
    n = 1
    while points[n - 1, T] < horizon * (1.0 - 1e-9) and n < len(points):
        _try_step(work, tolerance, like)
        growth = work[_GROWTH]
        t = work[_STATE + T * LANES]
        t_new = work[_NEW + T * LANES]
        if not growth >= _SAFETY:
            factor = growth if growth > 0.2 else 0.2
        elif t_new > horizon * (1.0 + 1e-9):
            factor = (horizon - t) / (t_new - t)
        else:
            factor = min(growth, 4.0)
            for lane in range(LANES):
                _write(work, _STATE, lane, _read(work, _NEW, lane, like))
                _write(work, _RATE, lane, _read(work, _NEW_RATE, lane, like))
            for place in range(len(like)):
                points[n, place] = work[_STATE + place * LANES]
            n += 1
        for lane in range(LANES):
            work[_STEP + lane] *= factor
    return n


@njit(**_CACHED)
def integrate_fixed(queue, *arguments):
    _integrate(FIXED, queue, *arguments)


@njit(**_CACHED)
def integrate_moving(queue, *arguments):
    _integrate(MOVING, queue, *arguments)


@njit(**_CACHED)
def record_fixed(*arguments):
    return _record(FIXED, *arguments)


@njit(**_CACHED)
def record_moving(*arguments):
    return _record(MOVING, *arguments)
