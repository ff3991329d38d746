"""Do two samples come from one population: four statistics, and p values by shuffling.

Each statistic is computed for many divisions of the same rows at once: `second` is a
matrix of flags, (R, n), true where a row belongs to the second sample. With strata the
rows are shuffled inside each stratum only, so that what differs between strata is no
evidence.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from panoptic.demographics.host_resampling import permuted_groups
from panoptic.statement import NotRun

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

MIN_ROWS = 2  # in each sample
MIN_HOSTS = 2


class Test(StrEnum):
    """The statistics."""

    __test__ = False  # the name is not pytest's

    KS = "kolmogorov_smirnov"
    ANDERSON_DARLING = "anderson_darling"
    MEAN_DIFFERENCE = "mean_difference"
    PETO_PETO = "peto_peto"


@dataclass(frozen=True, slots=True)
class SampleRows:
    """The rows of both samples, each array (n,).

    value : the value, or for a row that is `below` the limit that it lies under.
    below : left-censored rows; only Peto-Peto can use them.
    second : which sample.
    host, stratum : rows of one host keep together; shuffles stay inside a stratum.
    """

    value: Floats
    below: Flags
    second: Flags
    host: NDArray[np.str_]
    stratum: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.value)

    def where(self, keep: Flags) -> "SampleRows":
        """Return the rows that a mask keeps."""
        return SampleRows(
            self.value[keep],
            self.below[keep],
            self.second[keep],
            self.host[keep],
            self.stratum[keep],
        )

    def informative(self) -> "SampleRows":
        """Return the rows of strata that hold both samples."""
        _, code = np.unique(self.stratum, return_inverse=True)
        n, n_second = np.bincount(code), np.bincount(code, weights=self.second)
        return self.where(((n_second > 0.0) & (n_second < n))[code])


@dataclass(frozen=True, slots=True)
class TwoSampleResult:
    """One test of two samples.

    statistic : KS D; Anderson-Darling A^2 (midrank); second minus first mean, within
        strata; Peto-Peto z, positive where the second sample has the larger values.
    p_row : KS without strata: exact; else by shuffling rows.
    p_host : by shuffling hosts.
    """

    test: Test  # the statistic
    n_first: int  # rows of the first sample
    n_second: int  # rows of the second
    n_hosts_first: int  # hosts of the first sample
    n_hosts_second: int  # hosts of the second
    statistic: float
    p_row: float
    p_host: float


def compare_two_samples(
    rows: SampleRows, test: Test, *, n_permutations: int, rng: np.random.Generator
) -> TwoSampleResult | NotRun:
    """Compare both samples by one statistic.

    Rows of strata that hold one sample only are left out. Not run with fewer than
    `MIN_ROWS` rows or `MIN_HOSTS` hosts in a sample, with values that are all equal,
    or, but for Peto-Peto, with censored rows.
    """
    given, rows = rows, rows.informative()
    reason = _why_not(rows, test) if len(rows) else _why_nothing(given)
    if reason:
        return NotRun(reason)
    by_row, by_host = (
        permuted_groups(
            rows.second,
            unit,
            n_permutations=n_permutations,
            rng=rng,
            stratum=rows.stratum,
        )
        for unit in (np.arange(len(rows)), rows.host)
    )
    found = statistics(
        rows, test, np.concatenate([by_row, by_host, rows.second[None, :]])
    )
    of_rows, of_hosts, observed = np.split(found, [n_permutations, 2 * n_permutations])
    p_row = shuffled_p(observed[0], of_rows)
    if test is Test.KS and len(np.unique(rows.stratum)) == 1:
        from scipy.stats import ks_2samp  # here: who draws needs none of it

        p_row = float(ks_2samp(*_split(rows.value, rows.second)).pvalue)
    hosts = [len(np.unique(part)) for part in _split(rows.host, rows.second)]
    return TwoSampleResult(
        test=test,
        n_first=int((~rows.second).sum()),
        n_second=int(rows.second.sum()),
        n_hosts_first=hosts[0],
        n_hosts_second=hosts[1],
        statistic=float(observed[0]),
        p_row=p_row,
        p_host=shuffled_p(observed[0], of_hosts),
    )


def shuffled_p(observed: float, shuffled: Floats) -> float:
    """Return the share of divisions as extreme as the one observed, itself counted."""
    as_extreme = np.abs(shuffled) >= abs(observed) * (1.0 - 1e-12)
    return float((1 + as_extreme.sum()) / (1 + len(shuffled)))


def holm(p: Floats) -> Floats:
    """Return p values corrected for their number (Holm 1979), in the order given."""
    order = np.argsort(p)
    scaled = p[order] * np.arange(len(p), 0, -1)
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return corrected


def statistics(rows: SampleRows, test: Test, second: Flags) -> Floats:
    """Return the statistic of each division of the rows, (R,)."""
    if test is Test.KS:
        return ks_statistics(rows.value, second)
    if test is Test.ANDERSON_DARLING:
        return anderson_darling_statistics(rows.value, second)
    if test is Test.MEAN_DIFFERENCE:
        return mean_differences(rows.value, second, rows.stratum)
    return peto_peto_statistics(rows, second)


def ks_statistics(value: Floats, second: Flags) -> Floats:
    """Return the greatest distance of both empirical distributions, (R,)."""
    order = np.argsort(value, kind="stable")
    last_of_ties = np.append(np.diff(value[order]) > 0.0, True)
    in_second = np.cumsum(second[:, order], axis=1)
    size = in_second[:, -1:]
    passed, in_second = np.flatnonzero(last_of_ties) + 1, in_second[:, last_of_ties]
    first = (passed - in_second) / (len(value) - size)
    return np.abs(first - in_second / size).max(axis=1)


def anderson_darling_statistics(value: Floats, second: Flags) -> Floats:
    """Return A^2 with midranks for ties, (R,).

    Scholz & Stephens 1987 (JASA 82, 918), equation 7, for two samples; *unverified*
    but for agreement with scipy's.
    """
    order = np.argsort(value, kind="stable")
    _, ties = np.unique(value, return_counts=True)
    n, size = len(value), second.sum(axis=1)
    passed = np.cumsum(ties)
    below = passed - 0.5 * ties  # midranks: half of its ties lie below each
    in_ties = np.cumsum(second[:, order], axis=1)[:, passed - 1]
    in_second = in_ties - 0.5 * np.diff(in_ties, axis=1, prepend=0)
    spread = below * (n - below) - 0.25 * n * ties
    factor = np.divide(ties, spread, out=np.zeros(len(ties)), where=spread > 0.0)
    # The other sample's terms are the same but for its size.
    terms = (n * in_second - size[:, None] * below) ** 2 @ factor
    return (n - 1) / n**2 * terms * (1.0 / size + 1.0 / (n - size))


def mean_differences(value: Floats, second: Flags, stratum: NDArray[np.intp]) -> Floats:
    """Return second minus first mean, (R,), strata taken out.

    The slope of the value on membership with a constant per stratum; without strata
    the plain difference.
    """
    centred = second.astype(np.float64)
    for which in np.unique(stratum):
        members = stratum == which
        centred[:, members] -= centred[:, members].mean(axis=1, keepdims=True)
    return centred @ value / (centred**2).sum(axis=1)


def peto_peto_statistics(rows: SampleRows, second: Flags) -> Floats:
    """Return Peto-Peto's z of left-censored values, (R,).

    Turned about, a value under a limit is a time after which nothing was seen; the
    difference of observed and expected events is weighted by the Kaplan-Meier estimate
    of both samples just before each: the G-rho test with rho = 1, which R's survdiff
    and NADA's cendiff call Peto & Peto's. It is linear in the scores of the rows; the
    variance is that over all shuffles of rows in each stratum.
    """
    strata, code = np.unique(rows.stratum, return_inverse=True)
    members = code[:, None] == np.arange(len(strata))
    scores = np.empty(len(rows))
    for inside in members.T:
        scores[inside] = peto_peto_scores(-rows.value[inside], ~rows.below[inside])
    chosen = second.astype(np.float64)
    n, n_second = members.sum(axis=0), chosen @ members
    square = scores**2 @ members
    variance = n_second * (n - n_second) @ (square / (n * (n - 1)))
    total = chosen @ scores
    # Where all rows of each stratum are equal there is nothing to tell them apart by.
    spread = np.sqrt(variance)
    return np.divide(total, spread, out=np.zeros(len(total)), where=spread > 0.0)


def peto_peto_scores(time: Floats, seen: Flags) -> Floats:
    """Return each row's weighted observed minus expected events; they sum to zero."""
    events = np.unique(time[seen])
    at_risk = (time[:, None] >= events).sum(axis=0)
    died = ((time[:, None] == events) & seen[:, None]).sum(axis=0)
    survival = np.cumprod(1.0 - died / at_risk)
    before = np.concatenate([[1.0], survival[:-1]]) if len(events) else survival
    expected = np.cumsum(before * died / at_risk)
    passed = np.searchsorted(events, time, side="right")
    scores = -np.concatenate([[0.0], expected])[passed]
    scores[seen] += before[passed[seen] - 1]
    return scores


def _split(values: NDArray, second: Flags) -> tuple[NDArray, NDArray]:
    return values[~second], values[second]


def _counts(rows: SampleRows) -> list[tuple[int, int]]:
    """Rows and hosts of both samples."""
    return [
        (int(len(part)), len(np.unique(part)))
        for part in _split(rows.host, rows.second)
    ]


def _why_nothing(rows: SampleRows) -> str:
    """Return why no row can be compared with another sample's."""
    (n1, h1), (n2, h2) = _counts(rows)
    if min(n1, n2) == 0:
        return f"{n1} rows on {h1} hosts against {n2} on {h2}: one side is empty"
    n_strata = len(np.unique(rows.stratum))
    return f"none of {n_strata} groups of like rows holds rows of both sides"


def _why_not(rows: SampleRows, test: Test) -> str:
    """Return why the test cannot be run, or nothing."""
    counts = _counts(rows)
    if min(n for n, _ in counts) < MIN_ROWS or min(h for _, h in counts) < MIN_HOSTS:
        (n1, h1), (n2, h2) = counts
        return (
            f"{n1} rows on {h1} hosts against {n2} on {h2} can be compared, each side "
            f"needs {MIN_ROWS} rows on {MIN_HOSTS} hosts"
        )
    if test is not Test.PETO_PETO and rows.below.any():
        return f"{test} cannot use censored values"
    seen = rows.value[~rows.below]
    if not len(seen):
        return f"none of {len(rows)} values is known, all are limits"
    if len(np.unique(rows.value)) == 1:
        return f"all {len(rows)} values are {rows.value[0]:g}"
    return ""
