"""How well a classifier does on hosts it has not seen, and what else could do it.

Everything is grouped by host: rows of one host are in one fold, are drawn together in
a bootstrap, and change places together in a permutation.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from panoptic.demographics.companions import Floats, Texts
from panoptic.demographics.host_folds import N_FOLDS, draw_folds
from panoptic.demographics.origin_features import (
    Design,
    Feature,
    OriginFeatures,
    design,
)
from panoptic.demographics.penalised_logistic import (
    Integers,
    fit_compiled,
    held_out_logit,
    permuted_logit,
    recalibration,
)

N_REPEATS = 5  # folds are drawn anew this often; scores are averaged over them
_N_RELIABILITY_BINS = 5


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value and its 95 % host-bootstrap interval, None where there is none."""

    value: float  # from all rows
    low: float | None  # 2.5th percentile of the samples
    high: float | None  # 97.5th percentile of the samples

    def __str__(self) -> str:
        digits = 3 if abs(self.value) < 0.1 else 2
        if self.low is None or self.high is None:
            return f"{self.value:.{digits}f}"
        between = f"{self.low:.{digits}f} to {self.high:.{digits}f}"
        return f"{self.value:.{digits}f} ({between})"


@dataclass(frozen=True, slots=True)
class HeldOutSkill:
    """Scores on held-out hosts, averaged over repeated 5-fold splits."""

    auroc: Estimate  # pooled over the folds; 0.5 is chance
    auroc_within_method: Estimate | None  # pairs of one method with >= 5 hosts of each
    auprc: Estimate  # average precision; chance is the share of binary-like anchors
    brier: Estimate  # chance is share (1 - share)


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Anchors of similar held-out P: what was said, and what came of it."""

    n: int  # anchors in the bin
    mean_probability: float  # held-out P
    observed_share: float  # of binary-like among them
    low: float  # Jeffreys 95 % interval of the share, rows taken as independent
    high: float  # its upper end


@dataclass(frozen=True, slots=True)
class Reliability:
    """Whether P means what it says, on held-out hosts."""

    bins: tuple[ReliabilityBin, ...]  # equal numbers of anchors, ascending P
    slope: float  # of the true log-odds on the predicted; 1 is calibrated
    offset: float  # its intercept; 0 is calibrated
    mean_probability: float  # of all anchors
    observed_share: float  # of binary-like among all anchors


@dataclass(frozen=True, slots=True)
class PermutationTest:
    """A score beside the scores of the same pipeline on permuted features."""

    observed: float  # on the first repeat's folds
    null_mean: float  # of the permuted ones
    null_high: float  # 95th percentile
    p_value: float  # (1 + as good or better) / (1 + permutations)
    n_permutations: int  # hosts exchanged this often


@dataclass(frozen=True, slots=True)
class LeftOutMethod:
    """Trained on the other methods, tested on one."""

    model: str  # headline or full
    method: str  # the method left out
    n_binary_like: int  # anchors of that method, binary-like
    n_planet_like: int  # anchors of that method, planet-like
    auroc: Estimate | None  # None unless the method has anchors of both kinds
    share_right: float | None  # of the method's anchors on their side of P = 0.5
    not_run: str  # why there is no AUROC, else empty


def held_out_probability(matrix: Design, label: Integers, folds: Integers) -> Floats:
    """Return (r, n) P of every anchor by fits that did not see its host."""
    logit = [
        held_out_logit(matrix.x, label, fold=fold, n_scaled=matrix.n_scaled)
        for fold in folds
    ]
    return probability(np.array(logit))


def probability(logit: Floats) -> Floats:
    """Return 1 / (1 + exp(-logit)) without overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * logit))


def held_out_skill(
    score: Floats,
    label: Integers,
    *,
    folds: Integers,
    method: Texts,
    weights: Floats,
) -> HeldOutSkill:
    """Score (r, n) held-out probabilities; `weights` (B, n) make the intervals.

    `method` (n,) is that of `methods_of_both_kinds`. The bootstrap draws hosts among
    the held-out predictions; it does not refit.
    """
    pooled = compare_pairs(score, label, group=np.zeros_like(folds))
    within = compare_pairs(score, label, group=same_method(folds, method))
    once = np.ones((1, len(label)))

    def estimate(metric: Callable[[Floats], Floats]) -> Estimate:
        return interval(float(metric(once)[0]), metric(weights))

    return HeldOutSkill(
        auroc=estimate(pooled.auroc),
        auroc_within_method=estimate(within.auroc) if within.exist else None,
        auprc=estimate(
            lambda w: np.mean([average_precision(s, label, w) for s in score], axis=0)
        ),
        brier=estimate(lambda w: brier(score, label, w)),
    )


def interval(value: float, sampled: Floats) -> Estimate:
    """Return the value with the central 95 % of the finite samples."""
    finite = sampled[np.isfinite(sampled)]
    if len(finite) == 0:
        return Estimate(value, None, None)
    low, high = np.percentile(finite, [2.5, 97.5])
    return Estimate(value, float(low), float(high))


@dataclass(frozen=True, slots=True)
class PairComparison:
    """Which of each pair (binary-like, planet-like) scores higher.

    wins : (n+, n-) how often the binary-like does, ties one half.
    pairs : (n+, n-) how often the pair counts.
    """

    wins: Floats
    pairs: Floats
    positive: NDArray[np.intp]
    negative: NDArray[np.intp]

    @property
    def exist(self) -> bool:
        return bool(self.pairs.any())

    def auroc(self, weights: Floats) -> Floats:
        """Return (B,) the chance of a win; NaN for a sample without a pair."""
        positive, negative = weights[:, self.positive], weights[:, self.negative]
        wins = ((positive @ self.wins) * negative).sum(axis=1)
        return _ratio(wins, ((positive @ self.pairs) * negative).sum(axis=1))


def compare_pairs(score: Floats, label: Integers, *, group: Integers) -> PairComparison:
    """Compare scores (r, n) of every pair that is of one group, `group` (r, n).

    One group for all gives the AUROC pooled over folds. Since every fit is pushed
    away from what it held out, that is a little pessimistic: a classifier that knows
    nothing gets slightly less than 0.5. Inside one method the push is as large as
    what is to be seen, so there a group is one fold and one method.
    """
    positive, negative = np.flatnonzero(label == 1), np.flatnonzero(label == 0)
    wins = np.zeros((len(positive), len(negative)))
    pairs = np.zeros_like(wins)
    for s, g in zip(score, group, strict=True):
        counts = g[positive][:, None] == g[negative]
        above = s[positive][:, None] - s[negative]
        wins += counts * (0.5 + 0.5 * np.sign(above))
        pairs += counts
    return PairComparison(wins, pairs, positive, negative)


def same_method(fold: Integers, method: Texts) -> Integers:
    """Return (r, n) groups of one fold and one method; no method is no group.

    Parameters
    ----------
    fold : (r, n)
    method : (n,), "" for rows that are to be compared with none.
    """
    names, index = np.unique(method, return_inverse=True)
    alone = -1 - np.arange(len(method))
    return np.where(method == "", alone, fold * len(names) + index)


def methods_of_both_kinds(objects: OriginFeatures, label: Integers) -> Texts:
    """Return (n,) methods, "" where a method lacks five hosts of each kind.

    With fewer, a comparison inside the method says nothing.
    """
    enough = [
        name
        for name in np.unique(objects.method)
        if fewest_hosts(
            label[objects.method == name], objects.host[objects.method == name]
        )
        >= N_FOLDS
    ]
    return np.where(np.isin(objects.method, enough), objects.method, "")


def average_precision(score: Floats, label: Integers, weights: Floats) -> Floats:
    """Return (B,) the area under the precision-recall curve as a sum of steps."""
    order = np.argsort(-score, kind="stable")
    last = np.append(np.diff(score[order]) < 0.0, True)  # of each run of ties
    counts = weights.T[order]
    hits = np.cumsum(counts * label[order, None], axis=0)[last]
    precision = hits / np.maximum(np.cumsum(counts, axis=0)[last], 1e-300)
    found = np.diff(hits, axis=0, prepend=0.0)
    return _ratio((found * precision).sum(axis=0), hits[-1])


def brier(score: Floats, label: Integers, weights: Floats) -> Floats:
    """Return (B,) the weighted mean squared difference of P (r, n) and label."""
    return _ratio(weights @ ((score - label) ** 2).mean(axis=0), weights.sum(axis=1))


def reliability(score: Floats, label: Integers) -> Reliability:
    """Compare held-out P (r, n), averaged over repeats, with the anchors' labels.

    The bins hold equal numbers of anchors.
    """
    mean = score.mean(axis=0)
    ranked = np.argsort(mean, kind="stable")
    bins = [
        _reliability_bin(mean[rows], label[rows])
        for rows in np.array_split(ranked, _N_RELIABILITY_BINS)
    ]
    clipped = np.clip(mean, 1e-12, 1.0 - 1e-12)
    offset, slope = recalibration(np.log(clipped / (1.0 - clipped)), label)
    return Reliability(
        bins=tuple(bins),
        slope=slope,
        offset=offset,
        mean_probability=float(mean.mean()),
        observed_share=float(label.mean()),
    )


def _reliability_bin(score: Floats, label: Integers) -> ReliabilityBin:
    n, hits = len(label), int(label.sum())
    law = hits + 0.5, n - hits + 0.5  # Jeffreys
    return ReliabilityBin(
        n=n,
        mean_probability=float(score.mean()),
        observed_share=hits / n,
        low=float(betaincinv(*law, 0.025)) if hits > 0 else 0.0,
        high=float(betaincinv(*law, 0.975)) if hits < n else 1.0,
    )


def permutation_test(
    matrix: Design,
    label: Integers,
    objects: OriginFeatures,
    *,
    folds: Integers,
    n_permutations: int,
    within_method: Texts | None = None,
    rng: np.random.Generator,
) -> PermutationTest:
    """Ask whether features handed to other hosts do as well.

    Hosts change features (labels, hosts and folds stay), and the pipeline with its
    choice of C and its calibration is repeated on the first repeat's folds.

    Parameters
    ----------
    within_method : (n,) methods, "" for rows that do not count. If given, hosts
        change features only with hosts found by the same methods, and the score counts
        only pairs of one method: what is tested is whether the features know more than
        the method does.
    """
    group = np.zeros_like(folds[0])
    if within_method is not None:
        group = same_method(folds[0], within_method)
    rows = permuted_rows(
        objects.host, stratum=within_method, n_permutations=n_permutations, rng=rng
    )
    own = np.arange(len(label))[None, :]
    logit = permuted_logit(
        matrix.x,
        label,
        rows=np.concatenate([own, rows]),
        fold=folds[0],
        n_scaled=matrix.n_scaled,
    )
    observed, *null = _plain_aurocs(logit, label, group)
    exceeded = sum(value >= observed - 1e-12 for value in null)
    return PermutationTest(
        observed=observed,
        null_mean=float(np.mean(null)),
        null_high=float(np.percentile(null, 95.0)),
        p_value=(1 + exceeded) / (1 + n_permutations),
        n_permutations=n_permutations,
    )


def _plain_aurocs(score: Floats, label: Integers, group: Integers) -> list[float]:
    """The AUROC of each of (B, n) scores, every row once; `group` (n,) is of all."""
    positive, negative = np.flatnonzero(label == 1), np.flatnonzero(label == 0)
    first, second = np.nonzero(group[positive][:, None] == group[negative])
    first, second = positive[first], negative[second]
    return [float(0.5 + 0.5 * np.sign(s[first] - s[second]).mean()) for s in score]


def permuted_rows(
    host: Texts,
    *,
    stratum: Texts | None,
    n_permutations: int,
    rng: np.random.Generator,
) -> Integers:
    """Return (B, n) whose features each row gets when hosts change features.

    A host with more rows than its donor repeats the donor's rows in turn; one with
    fewer takes the first of them. With `stratum` (n,) a donor is a host of the same
    strata.
    """
    names, index = np.unique(host, return_inverse=True)
    rows_of = [np.flatnonzero(index == h) for h in range(len(names))]
    most = max(len(rows) for rows in rows_of)
    in_turn = np.array([np.resize(rows, most) for rows in rows_of])
    place = np.empty(len(host), dtype=np.int64)
    for rows in rows_of:
        place[rows] = np.arange(len(rows))
    strata = np.zeros(len(names), dtype=np.int64)
    if stratum is not None:
        found_by = ["+".join(sorted(set(stratum[rows]))) for rows in rows_of]
        strata = np.unique(found_by, return_inverse=True)[1]
    donor = np.empty((n_permutations, len(names)), dtype=np.int64)
    for kind in range(strata.max() + 1):
        members = np.flatnonzero(strata == kind)
        copies = np.tile(members, (n_permutations, 1))
        donor[:, members] = rng.permuted(copies, axis=1)
    return in_turn[donor[:, index], place]


def leave_methods_out(
    objects: OriginFeatures,
    label: Integers,
    *,
    models: Sequence[tuple[str, tuple[Feature, ...]]],
    weights: Floats,
    rng: np.random.Generator,
) -> tuple[LeftOutMethod, ...]:
    """Train each model without one method and test it on that method, for every one."""
    return tuple(
        _leave_out(objects, label, name, wanted, str(method), weights, rng)
        for name, wanted in models
        for method in np.unique(objects.method)
    )


def _leave_out(
    objects: OriginFeatures,
    label: Integers,
    model: str,
    wanted: tuple[Feature, ...],
    method: str,
    weights: Floats,
    rng: np.random.Generator,
) -> LeftOutMethod:
    test = objects.method == method
    positive = int(label[test].sum())
    negative = int(test.sum()) - positive

    def row(
        estimate: Estimate | None, share_right: float | None, not_run: str
    ) -> LeftOutMethod:
        return LeftOutMethod(
            model, method, positive, negative, estimate, share_right, not_run
        )

    train = ~test
    if fewest_hosts(label[train], objects.host[train]) < N_FOLDS:
        return row(None, None, "the other methods lack anchors of one kind")
    methods = [str(name) for name in np.unique(objects.method[train])]
    matrix = design(objects, wanted, methods)
    fit = fit_compiled(
        matrix.x[train],
        label[train],
        folds=draw_folds(label[train], objects.host[train], rng=rng, n_repeats=1),
        n_scaled=matrix.n_scaled,
    )
    score = fit.logit(matrix.x[test])
    share_right = float(np.mean((score > 0.0) == (label[test] == 1)))
    if positive == 0 or negative == 0:
        kind = "planet-like" if positive == 0 else "binary-like"
        return row(None, share_right, f"its anchors are all {kind}")
    one_group = np.zeros((1, len(score)), dtype=np.int64)
    compared = compare_pairs(score[None], label[test], group=one_group)
    value = float(compared.auroc(np.ones((1, len(score))))[0])
    return row(interval(value, compared.auroc(weights[:, test])), share_right, "")


def fewest_hosts(label: Integers, host: Texts) -> int:
    """Return the number of hosts of the class that has fewer."""
    return min(len(np.unique(host[label == kind])) for kind in (0, 1))


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(denominator > 0.0, numerator / denominator, np.nan)
