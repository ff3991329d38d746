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
    LeftOutMethod,
    PermutationTest,
    draw_folds,
    fewest_hosts,
    leave_methods_out,
    methods_of_both_kinds,
    permutation_test,
)
from panoptic.demographics.companions import Companions, Texts
from panoptic.demographics.host_resampling import bootstrap_weights
from panoptic.demographics.origin_features import (
    ABLATIONS,
    CONTRACT,
    HEADLINE,
    Feature,
    OriginFeatures,
    TargetFeatures,
)
from panoptic.demographics.origin_model import (
    Ablation,
    FittedOrigin,
    OriginModel,
    OriginQuestion,
    fit_ablation,
    fit_origin_model,
)
from panoptic.demographics.penalised_logistic import Integers
from panoptic.statement import NotRun, Statement, Verdict

SIGNIFICANCE = 0.05
_AS_GOOD = 0.05  # AUROC by which the method may fall short and still do as well


@dataclass(frozen=True, slots=True)
class MethodCount:
    """Anchors found by one method."""

    method: str  # discoverymethod
    n_binary_like: int  # anchors labelled binary-like
    n_planet_like: int  # anchors labelled planet-like


@dataclass(frozen=True, slots=True)
class AnchorCensus:
    """Who the anchors are."""

    rule: str  # how they were labelled, in words
    source: AnchorSource  # heuristic, curated or user label
    n: int  # anchors
    n_hosts: int  # their hosts
    n_binary_like: int  # labelled binary-like
    n_planet_like: int  # labelled planet-like
    n_added: int  # not in the sample, with values of their own
    n_not_in_sample: int  # named by the table and skipped
    n_binary_like_q_below_0_1: int  # binary-like ones with q < 0.1
    n_binary_like_below_deuterium: int  # binary-like ones below 13 MJup
    by_method: tuple[MethodCount, ...]  # one per detection method


@dataclass(frozen=True, slots=True)
class ObjectScores:
    """Every companion of the sample, in its order; arrays (n,)."""

    name: tuple[str, ...]  # pl_name
    p_headline: NDArray[np.float64]  # P(binary-like), calibrated
    p_headline_low: NDArray[np.float64]  # 95 % host-bootstrap interval
    p_headline_high: NDArray[np.float64]  # its upper end
    p_held_out: NDArray[np.float64]  # headline, by fits without the host of an anchor
    p_full: NDArray[np.float64]  # of the full model
    p_full_low: NDArray[np.float64]  # 95 % host-bootstrap interval
    p_full_high: NDArray[np.float64]  # its upper end
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
    target_name: str  # the studied object, scored and never fitted
    anchors: AnchorCensus  # who taught the models
    headline: OriginModel  # sees neither log q nor the method
    full: OriginModel  # sees all features
    ablations: tuple[Ablation, ...]  # what each kind of knowledge is worth
    left_out_methods: tuple[LeftOutMethod, ...]  # both models, every method
    permutation: PermutationTest  # headline, features of any other host
    permutation_within_method: PermutationTest | None  # None: no method allows it
    objects: ObjectScores  # P of every companion
    n_bootstrap: int  # host-bootstrap samples behind every interval
    n_repeats: int  # host-grouped 5-fold splits that scores are averaged over


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
    clock = _Clock(progress, total=2 * (n_bootstrap + n_permutations))
    headline = fit_origin_model(question, HEADLINE, progress=clock.stage(n_bootstrap))
    full = fit_origin_model(question, CONTRACT, progress=clock.stage(n_bootstrap))
    permuted = _permute(question, n_permutations, None, rng, clock)
    within = None
    if headline.model.skill.auroc_within_method is not None:
        within = _permute(question, n_permutations, question.comparable, rng, clock)
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


def state_classifier(findings: ClassifierFindings | NotRun) -> tuple[Statement, ...]:
    """Return the verdict first, then the target, then why not to believe either."""
    if isinstance(findings, NotRun):
        return (Statement(f"The origin classifier was not run: {findings.reason}."),)
    return (
        _verdict(findings),
        _target(findings),
        _circularity(findings),
        _method_mimics_origin(findings),
        _weak_labels(findings.anchors),
        _calibration(findings.headline),
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


def _permute(
    question: OriginQuestion,
    n_permutations: int,
    within_method: Texts | None,
    rng: np.random.Generator,
    clock: _Clock,
) -> PermutationTest:
    return permutation_test(
        question.design(HEADLINE).where(question.trains),
        question.label,
        question.anchors,
        folds=question.folds,
        n_permutations=n_permutations,
        within_method=within_method,
        rng=rng,
        progress=clock.stage(n_permutations),
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


def _p_value(p: float) -> str:
    return f"p = {p:.2g}"


def _verdict(findings: ClassifierFindings) -> Statement:
    skill, null = findings.headline.skill, findings.permutation
    within = findings.permutation_within_method
    if findings.verdict is Verdict.NOT_SUPPORTED:
        text = (
            "Orbit and host do not tell binary-like from planet-like companions better "
            "than permuted features do."
        )
    elif findings.verdict is Verdict.DRIVEN_BY_METHOD:
        text = (
            "Nothing shows that orbit and host tell binary-like from planet-like "
            "companions any better than the detection method does."
        )
    else:
        text = (
            "Orbit and host tell binary-like from planet-like companions, also among "
            "companions found by one method."
        )
    if within is None:
        inside = "No method has five hosts of each kind, so none can be tested alone"
    else:
        inside = (
            f"Between anchors of one method it is {skill.auroc_within_method} "
            f"(features exchanged inside the method: {_p_value(within.p_value)})"
        )
    return Statement(
        text,
        evidence=(
            f"Held-out AUROC without log q and method: {skill.auroc}; features of "
            f"other hosts reach {null.null_mean:.2f} on average "
            f"({_p_value(null.p_value)}). {inside}."
        ),
        caveat=(
            f"Supported needs p <= {SIGNIFICANCE} twice: against features of any host, "
            "and of hosts found by the same method."
        ),
    )


def _target(findings: ClassifierFindings) -> Statement:
    score = findings.headline.target
    largest = sorted(score.contributions, key=lambda c: -abs(c.logit.value))
    parts = ", ".join(
        f"{c.column} {c.logit.value:+.2f}" if c.value is not None else f"{c.column} 0"
        for c in largest
    )
    outside = [c.column for c in score.contributions if c.outside_anchors]
    extrapolated = (
        f" Its {' and '.join(outside)} lies outside the anchors: that is extrapolated."
        if outside
        else ""
    )
    return Statement(
        f"{findings.target_name} is binary-like with P = {score.probability} for the "
        "classifier that sees neither mass ratio nor method.",
        evidence=(
            f"Log-odds: {score.baseline_logit:+.2f} for an average anchor, then "
            f"{parts}. The full model, which sees log q and method, says "
            f"{findings.full.target.probability}."
        ),
        caveat=(
            "P compares with the anchors of this sample and their share of binary-like "
            f"objects ({_share(findings.anchors):.2f}); it is not the chance that the "
            f"object formed like a binary.{extrapolated}"
        ),
    )


def _share(anchors: AnchorCensus) -> float:
    return anchors.n_binary_like / anchors.n


def _auroc(findings: ClassifierFindings, *features: Feature) -> Estimate:
    for row in findings.ablations:
        if row.features == tuple(str(f) for f in features):
            return row.skill.auroc
    raise KeyError(features)


def _circularity(findings: ClassifierFindings) -> Statement:
    alone = _auroc(findings, Feature.LOG_Q)
    without = findings.headline.skill.auroc
    by_q = findings.anchors.source is AnchorSource.HEURISTIC
    if by_q:
        text = (
            "A classifier that sees log q is circular: the anchors are defined by q, "
            f"so log q alone reaches an AUROC of {alone.value:.3f}."
        )
        caveat = "Anchors that do not follow from q would break the circle."
    else:
        text = (
            f"With these anchors log q alone reaches an AUROC of {alone.value:.3f}: "
            "labels given for other reasons than q can still follow it."
        )
        caveat = "Whoever chose the anchors knew their masses."
    return Statement(
        text,
        evidence=(
            f"All features: {findings.full.skill.auroc}; without log q and method: "
            f"{without}."
        ),
        caveat=caveat,
    )


def _method_mimics_origin(findings: ClassifierFindings) -> Statement:
    method = _auroc(findings, Feature.METHOD)
    missing = _auroc(findings, Feature.ECC_MISSING, Feature.METFE_MISSING)
    headline = findings.headline.skill.auroc
    as_good = method.value >= headline.value - _AS_GOOD
    text = (
        f"The detection method alone does {'as well' if as_good else 'less well'}: "
        f"AUROC {method.value:.2f} against {headline.value:.2f} from orbit and host"
        f"{'; method mimics origin' if as_good else ''}."
    )
    rows = [
        f"{row.auroc} on {row.method} ({row.n_binary_like} against {row.n_planet_like})"
        for row in findings.left_out_methods
        if row.model == "headline" and row.auroc is not None
    ]
    one_kind = [
        f"of {row.n_binary_like + row.n_planet_like} {row.method} anchors, which "
        f"{row.not_run.removeprefix('its anchors ')}, {row.share_right:.0%} fall on "
        "their side"
        for row in findings.left_out_methods
        if row.model == "headline" and row.auroc is None and row.share_right is not None
    ]
    left_out = f" Trained without the method and tested on it: {'; '.join(rows)}."
    return Statement(
        text,
        evidence=(
            f"What nobody measured (e, [Fe/H]) alone: {missing}."
            f"{left_out if rows else ''}"
            + (f" Likewise, {'; '.join(one_kind)}." if one_kind else "")
        ),
        caveat="A method that finds both kinds in numbers would change it.",
    )


def _weak_labels(anchors: AnchorCensus) -> Statement:
    methods = ", ".join(
        f"{row.n_binary_like} {row.method}"
        for row in anchors.by_method
        if row.n_binary_like
    )
    skipped = (
        f" {anchors.n_not_in_sample} names of the table are not in this sample."
        if anchors.n_not_in_sample
        else ""
    )
    added = f" {anchors.n_added} are not in the sample." if anchors.n_added else ""
    text = (
        f"The anchors are labelled by {anchors.rule}: {anchors.n_binary_like} "
        f"binary-like and {anchors.n_planet_like} planet-like ones on "
        f"{anchors.n_hosts} hosts."
    )
    return Statement(
        text,
        evidence=(
            f"Of the binary-like, {anchors.n_binary_like_q_below_0_1} have q < 0.1, "
            f"{anchors.n_binary_like_below_deuterium} are below 13 MJup; found by: "
            f"{methods}.{added}{skipped}"
        ),
        caveat=(
            "By mass ratio alone, binary-like is a weak label: it says nothing of how "
            "an object formed."
            if anchors.source is AnchorSource.HEURISTIC
            else "The labels are as good as the reasons given in the table."
        ),
    )


def _calibration(model: OriginModel) -> Statement:
    found = model.reliability
    top = found.bins[-1]
    honest = top.low <= top.mean_probability <= top.high and all(
        b.low <= b.mean_probability <= b.high for b in found.bins
    )
    return Statement(
        f"On held-out hosts the headline P is {'' if honest else 'not '}consistent "
        "with what came of it.",
        evidence=(
            f"Mean P {found.mean_probability:.2f}, binary-like "
            f"{found.observed_share:.2f}; calibration slope {found.slope:.2f}; Brier "
            f"score {model.skill.brier} against "
            f"{found.observed_share * (1.0 - found.observed_share):.2f} from the share "
            f"alone; of the highest fifth, P {top.mean_probability:.2f}, binary-like "
            f"{top.observed_share:.2f} ({top.low:.2f} to {top.high:.2f})."
        ),
        caveat="Calibrated to these anchors; other labels, another meaning of P.",
    )
