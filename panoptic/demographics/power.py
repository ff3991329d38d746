"""What a test of two samples of these sizes could have found.

A p value above 0.05 says little where the test had no chance. So beside each p stands
the chance of p < 0.05 were the two samples drawn from published distributions, and the
smallest difference of means that would be found in four cases of five.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from panoptic.demographics.two_sample_tests import (
    SampleRows,
    Test,
    anderson_darling_statistics,
    ks_statistics,
)

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

SIGNIFICANCE = 0.05
SHUFFLES_PER_SIMULATION = 10  # for the level at which a rank test rejects
SEARCH_SHARE = 0.4  # of the simulations, at each step towards the detectable shift
NORMAL_QUANTILE = 1.959964  # two-sided 0.05
WANTED_POWER = 0.8
SHIFT_RESOLUTION = 0.01  # in mean e
HIGHEST_MEAN = 0.95


@dataclass(frozen=True, slots=True)
class BetaLaw:
    """A Beta distribution of eccentricities."""

    alpha: float  # first parameter
    beta: float  # second parameter

    @property
    def mean(self) -> float:
        return self.alpha / (self.alpha + self.beta)

    def shifted_by(self, shift: float) -> "BetaLaw":
        """Return the law of another mean with the same alpha + beta."""
        total, mean = self.alpha + self.beta, self.mean + shift
        return BetaLaw(total * mean, total * (1.0 - mean))


# Checked against the abstract: Kipping 2013 (MNRAS 434, L51), 396 planets. The others
# as quoted elsewhere, *unverified* against the papers.
KIPPING_ALL = BetaLaw(0.867, 3.03)
KIPPING_SHORT = BetaLaw(0.697, 3.27)  # ... of periods below 382.3 d
KIPPING_LONG = BetaLaw(1.12, 3.09)  # ... above
BOWLER_PLANETS = BetaLaw(30.0, 200.0)  # Bowler et al. 2020 (AJ 159, 63): imaged planets
BOWLER_BROWN_DWARFS = BetaLaw(2.30, 1.65)  # ... imaged brown dwarfs
DO_O_ALL = BetaLaw(1.09, 1.42)  # Do O et al. 2023: imaged companions

# First and second sample, by name.
PUBLISHED_PAIRS: dict[str, tuple[BetaLaw, BetaLaw]] = {
    "planets_and_brown_dwarfs": (KIPPING_ALL, BOWLER_BROWN_DWARFS),
    "short_and_long_periods": (KIPPING_SHORT, KIPPING_LONG),
}


@dataclass(frozen=True, slots=True)
class TestPower:
    """Chances of p < 0.05, and what would be found.

    Strata are not simulated: a comparison within strata has less power than said.

    by_row : for each published pair of laws (power.json has their parameters), if all
        rows were independent.
    by_host : the same if each host counted once; the truth lies between.
    base_mean : mean e of the low-q Beta that detectable_shift starts from.
    detectable_shift : smallest rise of the second sample's mean e above it that is
        found with a chance of 0.8, all rows independent; None where none is.
    """

    __test__ = False  # the name is not pytest's

    n_simulations: int  # samples behind each chance
    by_row: dict[str, float]
    by_host: dict[str, float]
    base_mean: float
    detectable_shift: float | None


def powers_of_tests(
    rows: SampleRows,
    tests: Sequence[Test],
    *,
    base: BetaLaw,
    n_simulations: int,
    rng: np.random.Generator,
) -> dict[Test, TestPower]:
    """Return the power of some tests at the sizes of both samples.

    All are tried on the same simulated samples; so are the rows that stand for their
    hosts, and the shifts, whose first sample stays.

    Parameters
    ----------
    rows : both samples; of censored rows the limits are kept: a simulated value below
        its row's limit is censored there, one of a row without a limit never.
    base : law of the first sample for the detectable shift.
    """
    if not tests:
        return {}
    one_per_host = _first_of_each_host(rows)
    trials, sparse_trials = (
        _trials_of(kept, tests, n_simulations=n_simulations, rng=rng)
        for kept in (rows, rows.where(one_per_host))
    )
    published = {
        name: draw_samples(pair, rows.second, n_simulations=n_simulations, rng=rng)
        for name, pair in PUBLISHED_PAIRS.items()
    }
    n_searched = int(np.ceil(SEARCH_SHARE * n_simulations))
    alike = draw_samples((base, base), rows.second, n_simulations=n_searched, rng=rng)
    return {
        test: TestPower(
            n_simulations=n_simulations,
            by_row={
                name: trials[test].power(values) for name, values in published.items()
            },
            by_host={
                name: sparse_trials[test].power(values[:, one_per_host])
                for name, values in published.items()
            },
            base_mean=base.mean,
            detectable_shift=_detectable_shift(trials[test], base, alike, rng),
        )
        for test in tests
    }


def draw_samples(
    pair: tuple[BetaLaw, BetaLaw],
    second: Flags,
    *,
    n_simulations: int,
    rng: np.random.Generator,
) -> Floats:
    """Return (S, n) values, those of each sample from its law."""
    values = np.empty((n_simulations, len(second)))
    for law, members in zip(pair, (~second, second), strict=True):
        shape = (n_simulations, int(members.sum()))
        values[:, members] = rng.beta(law.alpha, law.beta, size=shape)
    return values


def _detectable_shift(
    trial: "Trial", base: BetaLaw, alike: Floats, rng: np.random.Generator
) -> float | None:
    """The least shift found often enough, from samples (S, n) of no shift."""
    second = trial.rows.second
    values = alike.copy()

    def found(shift: float) -> bool:
        law, shape = base.shifted_by(shift), (len(values), int(second.sum()))
        values[:, second] = rng.beta(law.alpha, law.beta, size=shape)
        return trial.power(values) >= WANTED_POWER

    low, high = 0.0, HIGHEST_MEAN - base.mean
    if high <= 0.0 or not found(high):
        return None
    while high - low > SHIFT_RESOLUTION:
        middle = 0.5 * (low + high)
        low, high = (low, middle) if found(middle) else (middle, high)
    return high


@dataclass(frozen=True, slots=True)
class Trial:
    """A test at given sizes, ready to be tried on simulated samples.

    KS and Anderson-Darling reject above the level that at most 5 % of shuffled labels
    pass; the two linear statistics where they pass 1.96 of their deviations over
    shuffles.
    """

    rows: SampleRows
    test: Test
    level: float  # NaN for the linear statistics

    @classmethod
    def of(cls, rows: SampleRows, test: Test, *, shuffled: Flags) -> "Trial":
        """Prepare a test; `shuffled` (R, n) are labels for the level."""
        level = np.nan
        if test in _OF_RANKS:
            null = np.sort(_OF_RANKS[test](_ranks(rows), shuffled))
            level = null[int(np.ceil((1.0 - SIGNIFICANCE) * len(null))) - 1]
        return cls(rows, test, float(level))

    def power(self, values: Floats) -> float:
        """Return the share of simulated samples (S, n) that the test tells apart."""
        second = np.broadcast_to(self.rows.second, values.shape)
        if self.test is Test.MEAN_DIFFERENCE:
            scores = values - values.mean(axis=1, keepdims=True)
            return _share_beyond_normal(scores, second)
        if self.test is Test.PETO_PETO:
            limits = np.where(self.rows.below, self.rows.value, 0.0)
            return _share_beyond_normal(
                *peto_peto_scores_without_ties(values, limits, second)
            )
        ranked = np.take_along_axis(second, np.argsort(values, axis=1), axis=1)
        statistics = _OF_RANKS[self.test](_ranks(self.rows), ranked)
        # Shuffles that reach the level exactly were not counted as beyond it.
        return float((statistics > self.level * (1.0 + 1e-12)).mean())


def _trials_of(
    rows: SampleRows,
    tests: Sequence[Test],
    *,
    n_simulations: int,
    rng: np.random.Generator,
) -> dict[Test, Trial]:
    """The tests at these sizes, with the same shuffles for each that needs some."""
    n_shuffles = 0
    if any(test in _OF_RANKS for test in tests):
        n_shuffles = SHUFFLES_PER_SIMULATION * n_simulations
    shape = (n_shuffles, len(rows))
    # As words: numpy shuffles bytes half as fast.
    labels = np.broadcast_to(rows.second.astype(np.int64), shape)
    shuffled = rng.permuted(labels, axis=1) == 1
    return {test: Trial.of(rows, test, shuffled=shuffled) for test in tests}


_OF_RANKS = {
    Test.KS: ks_statistics,
    Test.ANDERSON_DARLING: anderson_darling_statistics,
}


def _ranks(rows: SampleRows) -> Floats:
    return np.arange(len(rows), dtype=np.float64)


def _share_beyond_normal(scores: Floats, second: Flags) -> float:
    """Share of rows whose scores (R, n), of zero sum, differ between the samples."""
    n, n_second = scores.shape[1], second.sum(axis=1)
    total = np.where(second, scores, 0.0).sum(axis=1)
    variance = n_second * (n - n_second) / (n * (n - 1)) * (scores**2).sum(axis=1)
    return float((np.abs(total) > NORMAL_QUANTILE * np.sqrt(variance)).mean())


def peto_peto_scores_without_ties(
    values: Floats, limits: Floats, second: Flags
) -> tuple[Floats, Flags]:
    """Scores of many samples without ties, in the order of time; labels likewise."""
    seen = values > limits
    order = np.argsort(-np.maximum(values, limits), axis=1)
    seen = np.take_along_axis(seen, order, axis=1)
    at_risk = values.shape[1] - np.arange(values.shape[1])
    survival = np.cumprod(1.0 - seen / at_risk, axis=1)
    before = np.column_stack([np.ones(len(values)), survival[:, :-1]])
    weighted = np.where(seen, before, 0.0)
    scores = weighted - np.cumsum(weighted / at_risk, axis=1)
    return scores, np.take_along_axis(second, order, axis=1)


def _first_of_each_host(rows: SampleRows) -> Flags:
    first = np.zeros(len(rows), dtype=np.bool_)
    for members in (rows.second, ~rows.second):
        _, index = np.unique(rows.host[members], return_index=True)
        first[np.flatnonzero(members)[index]] = True
    return first
