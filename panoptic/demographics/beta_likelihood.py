"""The likelihood of a Beta distribution, whatever is known of each value in it.

A value may be known exactly, by an interval that holds it (a limit), or with an error.
In the two latter cases the density is averaged over a kernel, on fixed nodes x_j of
weight w_j, so that one formula serves all three:

    L(alpha, beta) = sum_j w_j x_j^(alpha - 1) (1 - x_j)^(beta - 1) / B(alpha, beta).

Its score is that of complete data with log x and log(1 - x) replaced by their means
given what is known; its information is the complete one less their covariance
(Louis 1982, JRSS B 44, 226; *unverified*). Many resamples of one data set, told by the
weights of its rows, are one array.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

NODES_PER_PANEL = 128
STRETCH = 4.5  # half-width of the stretched variable; s falls to 1e-61 at its end
ERRORS_WIDE = 6.0  # the kernel of an error is cut at so many errors


@dataclass(frozen=True, slots=True)
class BetaRows:
    """What is known of n values in (0, 1), row by row.

    log_x, log_1mx : (n,) logarithms of x and 1 - x where x is known, else 0.
    is_exact : (n,).
    nodes : (3, m, J) log x, log(1 - x) and log weight of the kernels of the other rows;
        rows of which the same is known share one.
    kernel_of_row : (n,) its index, -1 where x is known.
    """

    log_x: Floats
    log_1mx: Floats
    is_exact: Flags
    nodes: Floats
    kernel_of_row: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.log_x)

    @property
    def n_distinct(self) -> int:
        """Number of different known values; from two on the likelihood is bounded."""
        return len(np.unique(self.log_x[self.is_exact]))


def exactly_known(x: Floats) -> BetaRows:
    """Prepare values that are known; ValueError where one is not inside (0, 1)."""
    return _rows(x, np.ones(len(x), dtype=np.bool_), np.empty((0, 2)), [])


def known_within(x: Floats, low: Floats, high: Floats) -> BetaRows:
    """Prepare values of which some are only known to lie in an interval.

    Parameters
    ----------
    x : (n,) the value, NaN where only its interval is known.
    low, high : (n,) the interval, 0 <= low < high <= 1; ignored where x is known. A
        value below a limit b lies in [0, b].

    Raises
    ------
    ValueError
        where a known value is not inside (0, 1), or an interval is not inside [0, 1].
    """
    known = np.isfinite(x)
    spans = np.stack([low, high], axis=1)[~known]
    inside = (spans[:, 0] >= 0.0) & (spans[:, 0] < spans[:, 1]) & (spans[:, 1] <= 1.0)
    if not inside.all():
        raise ValueError(f"not 0 <= low < high <= 1: {spans[~inside].tolist()}")
    panels = [_panel(*span) for span in np.unique(spans, axis=0)]
    return _rows(x, known, spans, [(panel,) for panel in panels])


def known_with_errors(x: Floats, error_below: Floats, error_above: Floats) -> BetaRows:
    """Prepare values with an error; those of zero or no error count as known.

    The catalogue's value and errors are read as a posterior under a flat prior: a
    normal of two widths, cut to [0, 1], over which the density is averaged (Hogg,
    Myers & Bovy 2010, ApJ 725, 2166; *unverified*). A side without an error takes the
    other's.

    Raises
    ------
    ValueError
        where a value is not inside (0, 1).
    """
    below = np.where(error_below > 0.0, error_below, error_above)
    above = np.where(error_above > 0.0, error_above, error_below)
    known = ~((below > 0.0) & (above > 0.0))
    measured = np.stack([x, below, above], axis=1)[~known]
    if not np.all((x > 0.0) & (x < 1.0)):
        raise ValueError("a value is not inside (0, 1)")
    panels = [_error_panels(*row) for row in np.unique(measured, axis=0)]
    return _rows(x, known, measured, panels)


Panel = tuple[Floats, Floats, Floats]  # log x, log(1 - x), log weight


def _panel(low: float, high: float) -> Panel:
    """Gauss-Legendre in t, x = low + (high - low) / (1 + exp(-pi sinh t)).

    The stretch of the ends (double exponential: Takahasi & Mori 1974; *unverified*)
    tames x^(alpha - 1) at 0 and (1 - x)^(beta - 1) at 1.
    """
    t, weight = _legendre_rule(NODES_PER_PANEL)
    t = STRETCH * t
    y = np.pi * np.sinh(t)
    log_s, log_1ms = -np.logaddexp(0.0, -y), -np.logaddexp(0.0, y)
    log_jacobian = log_s + log_1ms + np.log(np.pi * np.cosh(t))
    with np.errstate(divide="ignore"):
        log_low, log_beyond = np.log(low), np.log(1.0 - high)
    log_width = np.log(high - low)
    return (
        np.logaddexp(log_low, log_width + log_s),
        np.logaddexp(log_beyond, log_width + log_1ms),
        log_width + log_jacobian + np.log(STRETCH * weight),
    )


@cache
def _legendre_rule(n: int) -> tuple[Floats, Floats]:
    return np.polynomial.legendre.leggauss(n)


def _error_panels(x: float, below: float, above: float) -> tuple[Panel, ...]:
    """Two panels, split at the value, of a normal of two widths on [0, 1]."""
    low = max(0.0, x - ERRORS_WIDE * below)
    high = min(1.0, x + ERRORS_WIDE * above)
    panels = []
    for panel, width in ((_panel(low, x), below), (_panel(x, high), above)):
        log_x, log_1mx, log_weight = panel
        shape = -0.5 * ((np.exp(log_x) - x) / width) ** 2
        panels.append((log_x, log_1mx, log_weight + shape))
    log_norm = np.logaddexp.reduce(np.concatenate([p[2] for p in panels]))
    return tuple((log_x, log_1mx, w - log_norm) for log_x, log_1mx, w in panels)


def _rows(
    x: Floats, known: Flags, knowledge: Floats, kernels: Iterable[tuple[Panel, ...]]
) -> BetaRows:
    if not np.all((x[known] > 0.0) & (x[known] < 1.0)):
        raise ValueError("a known value is not inside (0, 1)")
    safe = np.where(known, x, 0.5)
    kernel_of_row = np.full(len(x), -1, dtype=np.intp)
    if len(knowledge):
        _, index = np.unique(knowledge, axis=0, return_inverse=True)
        kernel_of_row[~known] = index.reshape(-1)
    joined = [np.concatenate(panels, axis=-1) for panels in kernels]
    nodes = np.stack(joined, axis=1) if joined else np.empty((3, 0, 0))
    return BetaRows(
        log_x=np.where(known, np.log(safe), 0.0),
        log_1mx=np.where(known, np.log1p(-safe), 0.0),
        is_exact=known,
        nodes=nodes,
        kernel_of_row=kernel_of_row,
    )


@dataclass(frozen=True, slots=True)
class BetaLikelihood:
    """The likelihood of R resamples.

    sums : (R, 3) number of values, known or not; sums of log x and of log(1 - x) over
        the known ones.
    nodes : (3, m, J) of the m kernels.
    counts : (R, m) how often each kernel is in each resample.
    """

    sums: Floats
    nodes: Floats
    counts: Floats

    @classmethod
    def of_rows(
        cls, rows: BetaRows, *, weights: Floats | None = None
    ) -> BetaLikelihood:
        """Take the rows as often as the weights (R, n) say; once each without them."""
        weights = np.ones((1, len(rows))) if weights is None else weights
        one_logs = np.stack([np.ones(len(rows)), rows.log_x, rows.log_1mx], axis=1)
        members = rows.kernel_of_row[:, None] == np.arange(rows.nodes.shape[1])
        return cls(weights @ one_logs, rows.nodes, weights @ members.astype(np.float64))

    @classmethod
    def of_samples(cls, x: Floats) -> BetaLikelihood:
        """Take R samples of known values, (R, n)."""
        resamples, n = x.shape
        logs = np.log(x).sum(axis=1), np.log1p(-x).sum(axis=1)
        return cls.of_sums(np.stack([np.full(resamples, float(n)), *logs], axis=1))

    @classmethod
    def of_sums(cls, sums: Floats) -> BetaLikelihood:
        """Take R samples of known values by their number and sums, (R, 3)."""
        return cls(sums, np.empty((3, 0, 0)), np.empty((len(sums), 0)))

    def __len__(self) -> int:
        return len(self.sums)
