"""What the classifier's numbers mean, in words."""

from panoptic.demographics.anchors import AnchorSource
from panoptic.demographics.classifier_validation import Estimate
from panoptic.demographics.origin_features import Feature
from panoptic.demographics.origin_findings import (
    SIGNIFICANCE,
    AnchorCensus,
    ClassifierFindings,
)
from panoptic.demographics.origin_model import OriginModel
from panoptic.statement import NotRun, Statement, Verdict

_AS_GOOD = 0.05  # AUROC by which the method may fall short and still do as well


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
        f"{findings.target_name} has a probability of {score.probability} of being "
        "binary-like, for the classifier that sees neither mass ratio nor method.",
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
