"""Binary-like or planet-like: what orbit and host say, and what only repeats the label.

The anchors are labelled by mass ratio, so that a classifier that sees log q repeats
its own labels, and methods differ in the mass ratios they find, so that one that sees
the method (or what a method leaves unmeasured) does nearly as well. The headline model
therefore sees neither log q nor the method; the full model, which sees both, stands
beside it, with the ablations that show what each kind of knowledge is worth.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from panoptic.constants import DEUTERIUM_LIMIT_MJUP, MSUN_MJUP
from panoptic.demographics.anchors import UNLABELLED, AnchorLabel, Anchors, AnchorSource
from panoptic.demographics.classifier_validation import (
    N_FOLDS,
    N_REPEATS,
    Estimate,
    Folds,
    HeldOutSkill,
    LeftOutMethod,
    PermutationTest,
    Reliability,
    draw_folds,
    fewest_hosts,
    held_out_probability,
    held_out_skill,
    host_weights,
    interval,
    leave_methods_out,
    permutation_test,
    probability,
    reliability,
)
from panoptic.demographics.companions import Companions, Floats
from panoptic.demographics.origin_features import (
    ABLATIONS,
    CONTRACT,
    HEADLINE,
    Design,
    Feature,
    OriginFeatures,
    TargetFeatures,
    design,
)
from panoptic.demographics.penalised_logistic import (
    Integers,
    LogisticFit,
    ResampledFits,
    fit_logistic,
    resampled_fits,
)
from panoptic.statement import NotRun, Verdict

SIGNIFICANCE = 0.05


@dataclass(frozen=True, slots=True)
class Coefficient:
    """One column of a model; intervals are percentiles over host bootstraps."""

    column: str
    per_sd: float  # change of log-odds per standard deviation (per unit for a dummy)
    per_unit: Estimate  # per dex, per unit of e, per dummy
    centre: float  # mean of the anchors, which a missing value takes
    scale: float  # their standard deviation; 1 for a dummy


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one column adds to the target's log-odds, against the mean anchor."""

    column: str
    value: float | None  # of the target; None where not known
    logit: Estimate
    outside_anchors: bool  # beyond the range of the anchors: an extrapolation


@dataclass(frozen=True, slots=True)
class TargetScore:
    """The studied object by one model; baseline and contributions sum to log-odds."""

    probability: Estimate
    baseline_logit: float
    contributions: tuple[Contribution, ...]


@dataclass(frozen=True, slots=True)
class OriginModel:
    """One fitted model with its skill on hosts it did not see."""

    features: tuple[str, ...]
    c: float  # inverse strength of the L2 penalty, by inner host-grouped folds
    intercept: float
    calibration_slope: float  # P = 1 / (1 + exp(-(offset + slope * log-odds)))
    calibration_offset: float
    converged: bool
    coefficients: tuple[Coefficient, ...]
    skill: HeldOutSkill
    reliability: Reliability
    target: TargetScore


@dataclass(frozen=True, slots=True)
class Ablation:
    """A model that may use only some features."""

    features: tuple[str, ...]
    skill: HeldOutSkill


@dataclass(frozen=True, slots=True)
class MethodCount:
    """Anchors found by one method."""

    method: str
    n_binary_like: int
    n_planet_like: int


@dataclass(frozen=True, slots=True)
class AnchorCensus:
    """Who the anchors are."""

    rule: str
    source: AnchorSource
    n: int
    n_hosts: int
    n_binary_like: int
    n_planet_like: int
    n_added: int  # not in the sample, with values of their own
    n_not_in_sample: int  # named by the table and skipped
    n_binary_like_q_below_0_1: int
    n_binary_like_below_deuterium: int  # companions below 13 MJup
    by_method: tuple[MethodCount, ...]


@dataclass(frozen=True, slots=True)
class ObjectScores:
    """Every companion of the sample, in its order; arrays (n,)."""

    name: tuple[str, ...]
    p_headline: NDArray[np.float64]  # P(binary-like), calibrated
    p_headline_low: NDArray[np.float64]  # 95 % host-bootstrap interval
    p_headline_high: NDArray[np.float64]
    p_held_out: NDArray[np.float64]  # headline, by fits without the host of an anchor
    p_full: NDArray[np.float64]  # of the full model
    p_full_low: NDArray[np.float64]
    p_full_high: NDArray[np.float64]
    anchor_label: tuple[str, ...]  # binary-like, planet-like or empty
    anchor_source: tuple[str, ...]  # heuristic, curated, user label or none


@dataclass(frozen=True, slots=True)
class ClassifierFindings:
    """Both models, what else predicts the labels, and the verdict.

    verdict : *not supported* if the headline model does no better than permuted
        features (p > 0.05); *driven by detection method* if it does, but not once
        hosts exchange features only within their method; else *supported*.
    """

    verdict: Verdict
    target_name: str
    anchors: AnchorCensus
    headline: OriginModel
    full: OriginModel
    ablations: tuple[Ablation, ...]
    left_out_methods: tuple[LeftOutMethod, ...]
    permutation: PermutationTest
    permutation_within_method: PermutationTest | None  # None: no method has both kinds
    objects: ObjectScores
    n_bootstrap: int
    n_repeats: int


@dataclass(frozen=True, slots=True)
class _Question:
    """What every model of one run is asked with."""

    everyone: OriginFeatures  # companions, added anchors, target
    trains: Integers  # rows of `everyone` that are anchors
    label: Integers  # along `trains`
    methods: tuple[str, ...]
    folds: Folds
    weights: Floats  # (B, anchors) host bootstrap

    @property
    def anchors(self) -> OriginFeatures:
        return self.everyone.where(self.trains)

    def design(self, features: tuple[Feature, ...]) -> Design:
        return design(self.everyone, features, self.methods)


@dataclass(frozen=True, slots=True)
class _Fitted:
    """A model with what it says of everyone."""

    model: OriginModel
    probability: Floats  # (everyone,)
    sampled: Floats  # (B, everyone)
    held_out: Floats  # (r, anchors)


def classify_origins(
    companions: Companions,
    target: TargetFeatures,
    *,
    anchors: Anchors,
    n_bootstrap: int,
    n_permutations: int,
    rng: np.random.Generator,
    progress: Callable[[int, int], None] | None = None,
) -> ClassifierFindings | NotRun:
    """Fit both models to the anchors and score every companion and the target.

    The target is scored and never fitted, whatever its name and wherever it stands.

    Returns
    -------
    NotRun, with the counts, where a class has fewer than five hosts or where no
    anchor has one of the quantities.
    """
    everyone, label = _everyone(companions, target, anchors)
    trains = np.flatnonzero(label != UNLABELLED)
    problem = _cannot_be_asked(everyone.where(trains), label[trains])
    if problem:
        return NotRun(problem)
    question = _Question(
        everyone=everyone,
        trains=trains,
        label=label[trains],
        methods=tuple(str(m) for m in np.unique(everyone.method[trains])),
        folds=draw_folds(
            label[trains], everyone.host[trains], rng=rng, n_repeats=N_REPEATS
        ),
        weights=host_weights(everyone.host[trains], n_bootstrap=n_bootstrap, rng=rng),
    )
    clock = _Clock(progress, total=2 * (n_bootstrap + n_permutations))
    headline = _fit_model(question, HEADLINE, clock)
    full = _fit_model(question, CONTRACT, clock)
    matrix = _rows(question.design(HEADLINE), trains)
    method = question.anchors.method
    permuted = permutation_test(
        matrix,
        question.label,
        question.anchors,
        folds=question.folds,
        n_permutations=n_permutations,
        rng=rng,
        progress=clock.stage(n_permutations),
    )
    within = None
    if headline.model.skill.auroc_within_method is not None:
        within = permutation_test(
            matrix,
            question.label,
            question.anchors,
            folds=question.folds,
            n_permutations=n_permutations,
            within_method=method,
            rng=rng,
            progress=clock.stage(n_permutations),
        )
    return ClassifierFindings(
        verdict=judge(permuted, within),
        target_name=target.name,
        anchors=_census(companions, anchors, question),
        headline=headline.model,
        full=full.model,
        ablations=tuple(_ablation(question, wanted) for wanted in ABLATIONS),
        left_out_methods=leave_methods_out(
            question.anchors,
            question.label,
            models=(("headline", HEADLINE), ("full", CONTRACT)),
            weights=question.weights,
            rng=rng,
        ),
        permutation=permuted,
        permutation_within_method=within,
        objects=_object_scores(companions, anchors, question, headline, full),
        n_bootstrap=n_bootstrap,
        n_repeats=N_REPEATS,
    )


def judge(permuted: PermutationTest, within: PermutationTest | None) -> Verdict:
    """Return the verdict by the rule of `ClassifierFindings`."""
    if permuted.p_value > SIGNIFICANCE:
        return Verdict.NOT_SUPPORTED
    if within is None or within.p_value > SIGNIFICANCE:
        return Verdict.DRIVEN_BY_METHOD
    return Verdict.SUPPORTED


class _Clock:
    """Progress of one run made of stages."""

    def __init__(
        self, report: Callable[[int, int], None] | None, *, total: int
    ) -> None:
        self._report, self._total, self._before = report, total, 0

    def stage(self, n: int) -> Callable[[int, int], None]:
        """Return the progress callback of the next stage, of n steps."""
        before, self._before = self._before, self._before + n

        def advance(done: int, of: int) -> None:
            if self._report is not None:
                self._report(before + done * n // of, self._total)

        return advance


def _everyone(
    companions: Companions, target: TargetFeatures, anchors: Anchors
) -> tuple[OriginFeatures, Integers]:
    """Companions, added anchors and the target, with labels along them."""
    everyone = (
        OriginFeatures.of_companions(companions)
        .followed_by(OriginFeatures.of_companions(anchors.added))
        .followed_by(OriginFeatures.of_target(target))
    )
    own = np.where(companions.name == target.name, UNLABELLED, anchors.label)
    label = np.concatenate([own, anchors.added_label, [UNLABELLED]])
    return everyone, label.astype(np.int64)


def _cannot_be_asked(anchors: OriginFeatures, label: Integers) -> str:
    """Why the classifier cannot be fitted, empty if it can."""
    if len(label) == 0:
        return "no anchor: no companion has a mass ratio and an axis, or a label"
    n_positive = int(label.sum())
    n_hosts = fewest_hosts(label, anchors.host)
    if n_hosts < N_FOLDS:
        return (
            f"{n_positive} binary-like and {len(label) - n_positive} planet-like "
            f"anchors; one kind has {n_hosts} hosts, and {N_FOLDS}-fold validation by "
            f"host needs {N_FOLDS} of each kind"
        )
    known = {
        Feature.LOG_Q: anchors.log_q,
        Feature.LOG_A: anchors.log_a,
        Feature.ECC: anchors.ecc,
        Feature.LOG_MSTAR: anchors.log_mstar,
        Feature.METFE: anchors.metfe,
    }
    absent = [str(name) for name, x in known.items() if not np.isfinite(x).any()]
    if absent:
        return (
            f"none of the {len(label)} anchors has {' or '.join(absent)}, "
            "which both models need"
        )
    return ""


def _rows(matrix: Design, rows: Integers) -> Design:
    return Design(matrix.x[rows], matrix.names, matrix.n_scaled)


def _fit_model(
    question: _Question, features: tuple[Feature, ...], clock: _Clock
) -> _Fitted:
    everyone = question.design(features)
    matrix = _rows(everyone, question.trains)
    fit = fit_logistic(
        matrix.x,
        question.label,
        inner_fold=question.folds.whole,
        n_scaled=matrix.n_scaled,
    )
    samples = resampled_fits(
        matrix.x,
        question.label,
        weights=question.weights,
        inner_fold=question.folds.whole,
        n_scaled=matrix.n_scaled,
        score=everyone.x,
        progress=clock.stage(len(question.weights)),
    )
    held_out = held_out_probability(matrix, question.label, question.folds)
    sampled = probability(samples.logit)
    model = OriginModel(
        features=tuple(str(feature) for feature in features),
        c=fit.c,
        intercept=fit.intercept,
        calibration_slope=fit.slope,
        calibration_offset=fit.offset,
        converged=fit.converged,
        coefficients=_coefficients(fit, matrix.names, samples.per_unit),
        skill=_skill(question, held_out),
        reliability=reliability(held_out, question.label),
        target=_target_score(fit, everyone, matrix, samples),
    )
    return _Fitted(model, probability(fit.logit(everyone.x)), sampled, held_out)


def _skill(question: _Question, held_out: Floats) -> HeldOutSkill:
    return held_out_skill(
        held_out,
        question.label,
        folds=question.folds,
        method=question.anchors.method,
        weights=question.weights,
    )


def _ablation(question: _Question, features: tuple[Feature, ...]) -> Ablation:
    matrix = _rows(question.design(features), question.trains)
    held_out = held_out_probability(matrix, question.label, question.folds)
    return Ablation(tuple(str(f) for f in features), _skill(question, held_out))


def _coefficients(
    fit: LogisticFit, names: tuple[str, ...], per_unit: Floats
) -> tuple[Coefficient, ...]:
    return tuple(
        Coefficient(
            column=name,
            per_sd=float(fit.coef[j]),
            per_unit=interval(float(fit.coef[j] / fit.scale[j]), per_unit[:, j]),
            centre=float(fit.centre[j]),
            scale=float(fit.scale[j]),
        )
        for j, name in enumerate(names)
    )


def _target_score(
    fit: LogisticFit, everyone: Design, anchors: Design, samples: ResampledFits
) -> TargetScore:
    """The last row of everyone; columns that are 0 by nature are left out."""
    x = everyone.x[-1]
    added = fit.contributions(x[None, :])[0]
    contributions = []
    for j, name in enumerate(everyone.names):
        if j >= everyone.n_scaled and x[j] == 0.0:
            continue
        low, high = np.nanmin(anchors.x[:, j]), np.nanmax(anchors.x[:, j])
        contributions.append(
            Contribution(
                column=name,
                value=float(x[j]) if np.isfinite(x[j]) else None,
                logit=interval(float(added[j]), samples.last_contributions[:, j]),
                outside_anchors=bool(np.isfinite(x[j]) and not low <= x[j] <= high),
            )
        )
    return TargetScore(
        probability=interval(
            float(probability(fit.logit(x[None, :]))[0]),
            probability(samples.logit[:, -1]),
        ),
        baseline_logit=fit.baseline,
        contributions=tuple(contributions),
    )


def _census(
    companions: Companions, anchors: Anchors, question: _Question
) -> AnchorCensus:
    features, label = question.anchors, question.label
    positive = label == 1
    log_mass = features.log_q + features.log_mstar
    below = log_mass < np.log10(DEUTERIUM_LIMIT_MJUP / MSUN_MJUP)
    return AnchorCensus(
        rule=anchors.rule,
        source=anchors.source,
        n=len(label),
        n_hosts=len(np.unique(features.host)),
        n_binary_like=int(positive.sum()),
        n_planet_like=int((~positive).sum()),
        n_added=len(anchors.added),
        n_not_in_sample=len(anchors.not_in_sample),
        n_binary_like_q_below_0_1=int((positive & (features.log_q < -1.0)).sum()),
        n_binary_like_below_deuterium=int((positive & below).sum()),
        by_method=tuple(
            MethodCount(
                method,
                int((positive & (features.method == method)).sum()),
                int((~positive & (features.method == method)).sum()),
            )
            for method in question.methods
        ),
    )


def _object_scores(
    companions: Companions,
    anchors: Anchors,
    question: _Question,
    headline: _Fitted,
    full: _Fitted,
) -> ObjectScores:
    n = len(companions)
    held_out = headline.probability.copy()
    held_out[question.trains] = headline.held_out.mean(axis=0)
    headline_low, headline_high = np.percentile(
        headline.sampled[:, :n], [2.5, 97.5], axis=0
    )
    full_low, full_high = np.percentile(full.sampled[:, :n], [2.5, 97.5], axis=0)
    return ObjectScores(
        name=tuple(str(name) for name in companions.name),
        p_headline=headline.probability[:n],
        p_headline_low=headline_low,
        p_headline_high=headline_high,
        p_held_out=held_out[:n],
        p_full=full.probability[:n],
        p_full_low=full_low,
        p_full_high=full_high,
        anchor_label=tuple(str(AnchorLabel.of(int(v))) for v in anchors.label),
        anchor_source=tuple(str(source) for source in anchors.sources),
    )
