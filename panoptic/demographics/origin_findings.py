"""The results of the origin classifier."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from panoptic.demographics.anchors import AnchorSource
from panoptic.demographics.classifier_validation import (
    LeftOutMethod,
    PermutationTest,
)
from panoptic.demographics.origin_model import Ablation, OriginModel
from panoptic.statement import Verdict

SIGNIFICANCE = 0.05


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
