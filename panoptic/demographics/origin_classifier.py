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

from panoptic.constants import DEUTERIUM_LIMIT_MJUP, MSUN_MJUP
from panoptic.demographics.anchors import UNLABELLED, AnchorLabel, Anchors
from panoptic.demographics.classifier_validation import (
    N_REPEATS,
    PermutationTest,
    compare_pairs,
    fewest_hosts,
    held_out_probability,
    leave_methods_out,
    methods_of_both_kinds,
    permutation_test,
    probability,
)
from panoptic.demographics.companions import Companions, Texts
from panoptic.demographics.host_folds import N_FOLDS, draw_folds
from panoptic.demographics.host_resampling import bootstrap_weights
from panoptic.demographics.origin_features import (
    ABLATIONS,
    CONTRACT,
    HEADLINE,
    Feature,
    OriginFeatures,
    TargetFeatures,
    design,
)
from panoptic.demographics.origin_findings import (
    SIGNIFICANCE,
    AnchorCensus,
    ClassifierFindings,
    MethodCount,
    ObjectScores,
)
from panoptic.demographics.origin_model import (
    FittedOrigin,
    OriginModel,
    OriginQuestion,
    fit_ablation,
    fit_origin_model,
)
from panoptic.demographics.origin_statements import state_classifier
from panoptic.demographics.penalised_logistic import Integers, fit_compiled
from panoptic.statement import NotRun, Verdict

__all__ = [  # all that a caller needs
    "ClassifierFindings",
    "OriginModel",
    "QuickScore",
    "TargetFeatures",
    "classify_origins",
    "score_quickly",
    "state_classifier",
]


_N_PARTS = 4  # of the work, as progress counts it


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
    problem = _cannot_be_asked(everyone.where(trains), label[trains], anchors.rule)
    if problem:
        return NotRun(problem)
    question = OriginQuestion(
        everyone=everyone,
        trains=trains,
        label=label[trains],
        methods=tuple(str(m) for m in np.unique(everyone.method[trains])),
        folds=draw_folds(
            label[trains], everyone.host[trains], rng=rng, n_repeats=N_REPEATS
        ),
        weights=bootstrap_weights(
            everyone.host[trains], n_bootstrap=n_bootstrap, rng=rng
        ),
        comparable=methods_of_both_kinds(everyone.where(trains), label[trains]),
    )

    def finished(part: int) -> None:
        if progress is not None:
            progress(part, _N_PARTS)

    headline = fit_origin_model(question, HEADLINE)
    finished(1)
    full = fit_origin_model(question, CONTRACT)
    finished(2)
    permuted = _permute(question, n_permutations, None, rng)
    finished(3)
    within = None
    if headline.model.skill.auroc_within_method is not None:
        within = _permute(question, n_permutations, question.comparable, rng)
    finished(_N_PARTS)
    return ClassifierFindings(
        verdict=judge(permuted, within),
        target_name=target.name,
        anchors=_census(companions, anchors, question),
        headline=headline.model,
        full=full.model,
        ablations=tuple(fit_ablation(question, wanted) for wanted in ABLATIONS),
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


@dataclass(frozen=True, slots=True)
class QuickScore:
    """The headline model on some rows, without anything that stands beside it."""

    auroc: float  # held out, 5-fold by host, pooled over the splits
    p_target: float  # P(binary-like) of the studied object


def score_quickly(
    companions: Companions,
    target: TargetFeatures,
    *,
    anchors: Anchors,
    rng: np.random.Generator,
) -> QuickScore | NotRun:
    """Fit the headline model alone, to see what other rows or anchors do to it."""
    everyone, label = _everyone(companions, target, anchors)
    trains = np.flatnonzero(label != UNLABELLED)
    problem = _cannot_be_asked(everyone.where(trains), label[trains], anchors.rule)
    if problem:
        return NotRun(problem)
    label, features = label[trains], everyone.where(trains)
    matrix = design(everyone, HEADLINE, ())
    rows = matrix.where(trains)
    folds = draw_folds(label, features.host, rng=rng, n_repeats=N_REPEATS)
    held_out = held_out_probability(rows, label, folds)
    pairs = compare_pairs(held_out, label, group=np.zeros_like(folds))
    fit = fit_compiled(rows.x, label, folds=folds, n_scaled=matrix.n_scaled)
    return QuickScore(
        auroc=float(pairs.auroc(np.ones((1, len(label))))[0]),
        p_target=float(probability(fit.logit(matrix.x[-1:]))[0]),
    )


def judge(permuted: PermutationTest, within: PermutationTest | None) -> Verdict:
    """Return the verdict by the rule of `ClassifierFindings`."""
    if permuted.p_value > SIGNIFICANCE:
        return Verdict.NOT_SUPPORTED
    if within is None or within.p_value > SIGNIFICANCE:
        return Verdict.DRIVEN_BY_METHOD
    return Verdict.SUPPORTED


def _permute(
    question: OriginQuestion,
    n_permutations: int,
    within_method: Texts | None,
    rng: np.random.Generator,
) -> PermutationTest:
    return permutation_test(
        question.design(HEADLINE).where(question.trains),
        question.label,
        question.anchors,
        folds=question.folds,
        n_permutations=n_permutations,
        within_method=within_method,
        rng=rng,
    )


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


def _cannot_be_asked(anchors: OriginFeatures, label: Integers, rule: str) -> str:
    """Why the classifier cannot be fitted, empty if it can."""
    if len(label) == 0:
        return f"no anchor: no companion is labelled by {rule}"
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


def _census(
    companions: Companions, anchors: Anchors, question: OriginQuestion
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
    question: OriginQuestion,
    headline: FittedOrigin,
    full: FittedOrigin,
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
