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
N_FIXED = 8  # e, j (vectors), s = sqrt(a/a0), t
_BLOCK = N_FIXED * LANES
_STATE, _RATE, _NEW, _NEW_RATE = 0, _BLOCK, 2 * _BLOCK, 3 * _BLOCK
_STRENGTH = 4 * _BLOCK  # octupole, relativity, tide, rotation, decay
_STEP = _STRENGTH + 5 * LANES
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
J, S, T = 3, 6, 7  # first places of j, s and t in a state

_CRUISING, _AIMED, _PASSED = range(3)  # phases of a lane, around a minimum of j
_AT_THE_END = 1e-9  # of the time asked for
_FIRST_LOOK = 2000.0  # t_LK; then at twice the time, and so on
_OLD_RECORD = 0.9  # a record that fell by less since the last look
_NO_DECAY = 0.01  # of s, by all cycles to come

# What the driver says of a system
RUNNING, ENDED, MIGRATED, DISRUPTED, PERIODIC, STEADY = range(6)

_SAFETY = 0.88
_FIRST_STEP = 0.05

_A = tuple(tuple(float(weight) for weight in row) for row in DOP853.A)
_B = tuple(float(weight) for weight in DOP853.B)
_E5 = tuple(float(weight) for weight in DOP853.E5)
_E3 = tuple(float(weight) for weight in DOP853.E3)


# ---------------------------------------------------------------- equations


@njit(**_INLINED)
def _rates_fixed(y, strengths, span):
    """Right-hand side with the outer orbit fixed: span times d(e, j, s, t)/dx.

    The letters are those of docs/methods.md: P = grad_j phi, Q = grad_e phi,
    u = j + e, v = j - e, du = -u x (P + Q), dv = -v x (P - Q), s = sqrt(a/a0).
    """
    ex, ey, ez, jx, jy, jz, s, _ = y
    octupole, relativity, tide, rotation, decay = strengths
    j2 = jx * jx + jy * jy + jz * jz
    e2 = 1.0 - j2
    inverse = 1.0 / (j2 * s)
    j_2 = inverse * s  # j^-2
    j_1 = math.sqrt(j_2)
    s_1 = inverse * j2

    quad = s * s * s
    octu = 15.0 / 64.0 * octupole * quad * s * s
    px = octu * 10.0 * ez * jz
    pz = -0.75 * quad * jz + octu * 10.0 * (ez * jx + ex * jz)
    qx = -1.5 * quad * ex + octu * (
        8.0 * e2 - 1.0 - 35.0 * ez * ez + 5.0 * jz * jz + 16.0 * ex * ex
    )
    qy = -1.5 * quad * ey + octu * 16.0 * ex * ey
    qz = 2.25 * quad * ez + octu * (10.0 * jx * jz - 54.0 * ex * ez)

    omega, damping = _short_range(e2, j_2, j_1, s_1, relativity, tide, rotation, decay)
    px += omega * j_1 * jx
    py = omega * j_1 * jy
    pz += omega * j_1 * jz

    du = _cross(px + qx, py + qy, pz + qz, jx + ex, jy + ey, jz + ez)
    dv = _cross(px - qx, py - qy, pz - qz, jx - ex, jy - ey, jz - ez)

    g = span / (j_1 + 0.25 * omega)
    de = -g * damping  # (1/e) de/dx by tides; then j = sqrt(1 - e^2), s j constant
    dj = g * damping * e2 * j_2
    h = 0.5 * g
    return (
        h * (du[0] - dv[0]) + de * ex,
        h * (du[1] - dv[1]) + de * ey,
        h * (du[2] - dv[2]) + de * ez,
        h * (du[0] + dv[0]) + dj * jx,
        h * (du[1] + dv[1]) + dj * jy,
        h * (du[2] + dv[2]) + dj * jz,
        -dj * s,
        g,
    )


@njit(**_INLINED)
def _short_range(e2, j_2, j_1, s_1, relativity, tide, rotation, decay):
    """Apsidal rate of the short-range forces and damping rate -(1/e) de/dt of tides.

    The companion spins pseudo-synchronously: spin/n = f2/(j^3 f5) (Hut 1981).
    """
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
def _cross(ax, ay, az, bx, by, bz):
    return ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx


# ---------------------------------------------------------------- one step


@njit(**_INLINED)
def _plus(y, weight, k):
    """Return y + weight k for states."""
    return (
        y[0] + weight * k[0],
        y[1] + weight * k[1],
        y[2] + weight * k[2],
        y[3] + weight * k[3],
        y[4] + weight * k[4],
        y[5] + weight * k[5],
        y[6] + weight * k[6],
        y[7] + weight * k[7],
    )


@njit(**_INLINED)
def _times(weight, k):
    return (
        weight * k[0],
        weight * k[1],
        weight * k[2],
        weight * k[3],
        weight * k[4],
        weight * k[5],
        weight * k[6],
        weight * k[7],
    )


@njit(**_INLINED)
def _rates(y, strengths, span):
    if len(y) == N_FIXED:
        return _rates_fixed(y, strengths, span)
    return y


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
def _error_fixed(error, y, new):
    """Squared error of a step: of e and s absolute, of j in units of |j|."""
    j2 = max(_square(y[3], y[4], y[5]), _square(new[3], new[4], new[5]))
    return (
        _square(error[0], error[1], error[2])
        + _square(error[3], error[4], error[5]) / j2
        + error[6] * error[6]
    ) / 7.0


@njit(**_INLINED)
def _square(x, y, z):
    return x * x + y * y + z * z


@njit(**_INLINED)
def _growth(error5, error3, tolerance):
    """Factor for the next step, 0.88 error^(-1/8): three square roots, no power.

    The error is Hairer's combination of the two estimates.
    """
    error = error5 / (tolerance * math.sqrt(error5 + 0.01 * error3 + 1e-290))
    return _SAFETY / math.sqrt(math.sqrt(math.sqrt(error + 1e-12)))


@njit(**_INLINED)
def _on_the_sphere(y):
    """Rescale e so that e^2 + j^2 = 1; j, and with it j_z, is left alone.

    Below e = 1e-4 rounding in j would drown e, and the equations do not need it.
    """
    e2 = _square(y[0], y[1], y[2])
    wanted = 1.0 - _square(y[3], y[4], y[5])
    tiny = (e2 < 1e-8) | (wanted < 1e-8)
    scale = math.sqrt(1.0 if tiny else wanted / e2)
    return (scale * y[0], scale * y[1], scale * y[2], *y[3:])


@njit(**_INLINED)
def _read(work, block, lane):
    """Return the state of one lane from a block of rows."""
    at = block + lane
    return (
        work[at],
        work[at + LANES],
        work[at + 2 * LANES],
        work[at + 3 * LANES],
        work[at + 4 * LANES],
        work[at + 5 * LANES],
        work[at + 6 * LANES],
        work[at + 7 * LANES],
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


@njit(**_INLINED)
def _read_strengths(work, lane):
    at = _STRENGTH + lane
    return (
        work[at],
        work[at + LANES],
        work[at + 2 * LANES],
        work[at + 3 * LANES],
        work[at + 4 * LANES],
    )


@njit(**_INLINED)
def _try_step(work, tolerance):
    """Try one step in every lane. This loop is the vectorised one."""
    for lane in range(LANES):
        y = _read(work, _STATE, lane)
        rate = _read(work, _RATE, lane)
        strengths = _read_strengths(work, lane)
        h = work[_STEP + lane]
        new, error5, error3 = _dop853(y, _times(h, rate), strengths, h)
        work[_GROWTH + lane] = _growth(
            _error_fixed(error5, y, new), _error_fixed(error3, y, new), tolerance
        )
        new = _on_the_sphere(new)
        rate = _rates(new, strengths, 1.0)
        work[_NEW_SLOPE + lane] = new[3] * rate[3] + new[4] * rate[4] + new[5] * rate[5]
        _write(work, _NEW, lane, new)
        _write(work, _NEW_RATE, lane, rate)


# ---------------------------------------------------------------- many systems


@njit(**_INLINED)
def _aim(h, start, end, slope_start, slope_end):
    """Share of a step at which j^2 is least, by the cubic through both ends.

    The slopes, (1/2) d(j^2)/dx, are negative at the start and not at the end.
    """
    fall = _square(start[3], start[4], start[5]) - _square(end[3], end[4], end[5])
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
def _load(work, lane, start, strengths):
    """Put a system into a lane."""
    for place in range(5):
        work[_STRENGTH + place * LANES + lane] = strengths[place]
    for place in range(N_FIXED):
        work[_STATE + place * LANES + lane] = start[place]
    y = _read(work, _STATE, lane)
    rate = _rates(y, _read_strengths(work, lane), 1.0)
    _write(work, _RATE, lane, rate)
    work[_STEP + lane] = _FIRST_STEP
    work[_SLOPE + lane] = y[3] * rate[3] + y[4] * rate[4] + y[5] * rate[5]
    work[_PHASE + lane] = _CRUISING
    work[_CLOSEST + lane] = np.inf
    work[_RECORD + lane] = np.inf
    work[_NEXT_LOOK + lane] = _FIRST_LOOK
    work[_LAST_PEAK + lane] = -1.0
    work[_LAST_S + lane] = y[S]


@njit(**_INLINED)
def _take_or_retry(work, lane, horizon):
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
        start = _read(work, _STATE, lane)
        work[_STEP + lane] = h * _aim(
            h, start, _read(work, _NEW, lane), slope, slope_new
        )
        work[_PHASE + lane] = _AIMED
        work[_WHOLE_STEP + lane] = h
        work[_SLOPE_BEYOND + lane] = slope_new
    else:
        taken = True
    return taken


@njit(**_INLINED)
def _advance(work, lane):
    """Move a lane to the end of its step; return 1 - e and the pericentre there.

    At a minimum of j both are those of the minimum itself.
    """
    new = _read(work, _NEW, lane)
    j2 = _square(new[3], new[4], new[5])
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
    _write(work, _RATE, lane, _read(work, _NEW_RATE, lane))
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
def _enter(work, lane, start, strengths, rungs, inside):
    """Put a system into a lane and note how close it starts."""
    _load(work, lane, start, strengths)
    pericentre = 1.0 - math.sqrt(_square(start[0], start[1], start[2]))
    _note_approach(work, lane, pericentre, rungs, inside)
    work[_RECORD + lane] = pericentre


@njit(**_CACHED)
def integrate_fixed(
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
    queue : indices of systems; not empty.
    start, strengths, horizon : (n, 8), (n, 5) and (n,) in units of a0 and t_LK.
    ladder : (n, n_rungs) pericentres in a0, descending; the last one ends a system.
    periodic, steady_outside : (n,) as in `reach.Foresight`.
    status, n_steps, end, closest, least_one_minus_e, inside : filled; `inside` is the
        time of first passage of each rung, (n, n_rungs).
    """
    work = np.zeros(_WORK)
    who = np.full(LANES, -1)
    n_lanes = min(LANES, len(queue))
    for lane in range(LANES):
        i = queue[min(lane, n_lanes - 1)]
        _enter(work, lane, start[i], strengths[i], ladder[i], inside[i])
        who[lane] = i if lane < n_lanes else -1
    waiting = running = n_lanes
    while running > 0:
        _try_step(work, tolerance)
        for lane in range(LANES):
            i = who[lane]
            if i < 0:
                continue
            n_steps[i] += 1
            state = RUNNING
            if _take_or_retry(work, lane, horizon[i]):
                one_minus_e, pericentre = _advance(work, lane)
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
            for place in range(N_FIXED):
                end[i, place] = work[_STATE + place * LANES + lane]
            if waiting < len(queue):
                i = queue[waiting]
                _enter(work, lane, start[i], strengths[i], ladder[i], inside[i])
                who[lane] = i
                waiting += 1
            else:
                who[lane] = -1
                running -= 1


@njit(**_CACHED)
def record_fixed(start, strengths, horizon, tolerance, points):
    """Follow one system to the horizon; return how many points it took."""
    work = np.zeros(_WORK)
    for lane in range(LANES):
        _load(work, lane, start, strengths)
    points[0] = start
    n = 1
    while points[n - 1, T] < horizon * (1.0 - 1e-9) and n < len(points):
        _try_step(work, tolerance)
        growth = work[_GROWTH]
        t = work[_STATE + T * LANES]
        t_new = work[_NEW + T * LANES]
        if not growth >= _SAFETY:
            factor = growth if growth > 0.2 else 0.2
        elif t_new > horizon * (1.0 + 1e-9):
            factor = (horizon - t) / (t_new - t)
        else:
            factor = min(growth, 4.0)
            work[_STATE : _STATE + 2 * _BLOCK] = work[_NEW : _NEW + 2 * _BLOCK]
            for place in range(N_FIXED):
                points[n, place] = work[_STATE + place * LANES]
            n += 1
        for lane in range(LANES):
            work[_STEP + lane] *= factor
    return n
