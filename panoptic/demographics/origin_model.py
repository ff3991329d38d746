"""One model of origin: its fit to the anchors, its skill, what it says of everyone."""

from dataclasses import dataclass

import numpy as np

from panoptic.demographics.classifier_validation import (
    Estimate,
    HeldOutSkill,
    Reliability,
    held_out_probability,
    held_out_skill,
    interval,
    probability,
    reliability,
)
from panoptic.demographics.companions import Floats, Texts
from panoptic.demographics.origin_features import (
    Design,
    Feature,
    OriginFeatures,
    design,
)
from panoptic.demographics.penalised_logistic import (
    Integers,
    LogisticFit,
    ResampledFits,
    fit_logistic,
    resampled_fits,
)


@dataclass(frozen=True, slots=True)
class Coefficient:
    """One column of a model; intervals are percentiles over host bootstraps."""

    column: str  # feature, or method and its name for a dummy
    per_sd: float  # change of log-odds per standard deviation (per unit for a dummy)
    per_unit: Estimate  # per dex, per unit of e, per dummy
    centre: float  # mean of the anchors, which a missing value takes
    scale: float  # their standard deviation; 1 for a dummy


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one column adds to the target's log-odds, against the mean anchor."""

    column: str  # feature, or method and its name for a dummy
    value: float | None  # of the target; None where not known
    logit: Estimate  # after calibration
    outside_anchors: bool  # beyond the range of the anchors: an extrapolation


@dataclass(frozen=True, slots=True)
class TargetScore:
    """The studied object by one model; baseline and contributions sum to log-odds."""

    probability: Estimate  # P(binary-like)
    baseline_logit: float  # log-odds of an object of which nothing is known
    contributions: tuple[Contribution, ...]  # dummies of other methods left out


@dataclass(frozen=True, slots=True)
class OriginModel:
    """One fitted model with its skill on hosts it did not see."""

    features: tuple[str, ...]  # what it sees
    c: float  # inverse strength of the L2 penalty, by inner host-grouped folds
    intercept: float  # log-odds of the mean anchor, before calibration
    calibration_slope: float  # P = 1 / (1 + exp(-(offset + slope * log-odds)))
    calibration_offset: float  # see slope
    converged: bool  # whether the fit did
    coefficients: tuple[Coefficient, ...]  # before calibration
    skill: HeldOutSkill  # on held-out hosts
    reliability: Reliability  # on held-out hosts
    target: TargetScore  # the studied object


@dataclass(frozen=True, slots=True)
class Ablation:
    """A model that may use only some features."""

    features: tuple[str, ...]  # what it sees
    skill: HeldOutSkill  # on held-out hosts


@dataclass(frozen=True, slots=True)
class OriginQuestion:
    """What every model of one run is asked with."""

    everyone: OriginFeatures  # companions, added anchors, target
    trains: Integers  # rows of `everyone` that are anchors
    label: Integers  # along `trains`
    methods: tuple[str, ...]
    folds: Integers  # (r, anchors) host-grouped splits
    weights: Floats  # (B, anchors) host bootstrap
    comparable: Texts  # (anchors,) method, empty unless it has enough of both kinds

    @property
    def anchors(self) -> OriginFeatures:
        return self.everyone.where(self.trains)

    def design(self, features: tuple[Feature, ...]) -> Design:
        return design(self.everyone, features, self.methods)


@dataclass(frozen=True, slots=True)
class FittedOrigin:
    """A model with what it says of everyone."""

    model: OriginModel
    probability: Floats  # (everyone,)
    sampled: Floats  # (B, everyone)
    held_out: Floats  # (r, anchors)


def fit_origin_model(
    question: OriginQuestion, features: tuple[Feature, ...]
) -> FittedOrigin:
    """Fit one model, score it on held-out hosts, and ask it about everyone."""
    everyone = question.design(features)
    matrix = everyone.where(question.trains)
    fit = fit_logistic(
        matrix.x,
        question.label,
        folds=question.folds,
        n_scaled=matrix.n_scaled,
    )
    samples = resampled_fits(
        matrix.x,
        question.label,
        weights=question.weights,
        folds=question.folds,
        n_scaled=matrix.n_scaled,
        score=everyone.x,
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
        skill=_skill_of(question, held_out),
        reliability=reliability(held_out, question.label),
        target=_target_score(fit, everyone, matrix, samples),
    )
    return FittedOrigin(model, probability(fit.logit(everyone.x)), sampled, held_out)


def fit_ablation(question: OriginQuestion, features: tuple[Feature, ...]) -> Ablation:
    """Return how well a model does that may use these features only."""
    matrix = question.design(features).where(question.trains)
    held_out = held_out_probability(matrix, question.label, question.folds)
    return Ablation(tuple(str(f) for f in features), _skill_of(question, held_out))


def _skill_of(question: OriginQuestion, held_out: Floats) -> HeldOutSkill:
    return held_out_skill(
        held_out,
        question.label,
        folds=question.folds,
        method=question.comparable,
        weights=question.weights,
    )


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
