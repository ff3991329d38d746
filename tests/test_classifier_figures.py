"""The classifier: every score with its interval, every model with its skill."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import same_color

from panoptic.demographics.anchors import heuristic_anchors
from panoptic.demographics.companions import Companions
from panoptic.demographics.origin_classifier import TargetFeatures, classify_origins
from panoptic.figures.classifier_figures import (
    binary_like_probabilities,
    caption_classifier_validation,
    caption_origin_probabilities,
    plot_classifier_validation,
    plot_origin_probabilities,
    target_probability,
)
from panoptic.figures.style import BLUE, ORANGE
from panoptic.sample import with_all_columns
from panoptic.statement import NotRun
from tests.figure_samples import (
    IMPRINT,
    TARGET,
    assert_same_bytes,
    assert_sober,
    bars_of,
    mark_of,
    objects_in,
    texts_in,
)

WHY = NotRun("one kind has 3 hosts")


@cache
def rows():
    """40 companions on 40 hosts: the wider, the heavier."""
    rng = np.random.default_rng(2)
    log_q = np.linspace(-5.0, -0.5, 40)
    names = [f"{i:02d} b" for i in range(40)]
    frame = pd.DataFrame(
        {
            "pl_name": names,
            "hostname": names,
            "st_mass": rng.uniform(0.08, 0.2, 40),
            "q": 10**log_q,
            "logq": log_q,
            "pl_orbsmax": 10 ** (0.8 * log_q + 2.0 + rng.normal(0, 1.0, 40)),
            "pl_orbeccen": rng.uniform(0, 0.5, 40),
            "st_metfe": rng.normal(0, 0.1, 40),
            "discoverymethod": ["Transit", "Imaging"] * 20,
            "mass_provenance": "mass",
            "ecc_kind": "measured",
        }
    )
    frame["pl_bmassj"] = frame["q"] * frame["st_mass"] * 1047.57
    return with_all_columns(frame)


@cache
def findings():
    companions = Companions.from_frame(rows())
    target = TargetFeatures("TOI-6894 b", -3.1, -1.6, 0.03, 0.2, 0.1, "Transit")
    return classify_origins(
        companions,
        target,
        anchors=heuristic_anchors(companions, q_planet=0.003, q_binary=0.01),
        n_bootstrap=20,
        n_permutations=9,
        rng=np.random.default_rng(1),
    )


def scores(found=None):
    return plot_origin_probabilities(rows(), found or findings(), target=TARGET)


def validation(found=None):
    return plot_classifier_validation(found or findings())


@cache
def drawn():
    return scores()


def test_every_scored_companion_is_drawn_at_its_probability():
    figure = drawn()
    assert objects_in(figure) == sorted([*rows()["pl_name"], "TOI-6894 b"])
    for name, p in zip(rows()["pl_name"], findings().objects.p_headline, strict=True):
        assert mark_of(figure, name).get_ydata()[0] == p


def test_colour_is_the_anchor():
    figure = drawn()
    for name, colour in (("00 b", BLUE), ("39 b", ORANGE), ("24 b", "white")):
        assert same_color(mark_of(figure, name).get_markerfacecolor(), colour)


def test_intervals_reach_from_low_to_high():
    axes = drawn().axes[0]
    objects = findings().objects
    wanted = [objects.p_headline_low[5], objects.p_headline_high[5]]
    assert any(np.allclose(np.array(bar)[:, 1], wanted) for bar in bars_of(axes))


def test_reliability_shows_every_bin():
    (axes,) = [a for a in drawn().axes if a.get_ylabel() == "Binary-like share"]
    places = {tuple(p) for line in axes.lines for p in line.get_xydata()}
    for part in findings().headline.reliability.bins:
        assert (part.mean_probability, part.observed_share) in places


def test_every_ablation_and_method_has_its_line():
    left, right = validation().axes
    assert len(left.get_yticks()) == 2 + len(findings().ablations)
    assert len(right.get_yticks()) == len(findings().left_out_methods)
    first = findings().ablations[0].skill.auroc.value
    assert any(first in line.get_xdata() for line in left.lines)
    without = [one for one in findings().left_out_methods if one.auroc is None]
    assert len(right.texts) == len(without)


def test_captions():
    said = caption_origin_probabilities(
        rows(), findings(), target=TARGET, imprint=IMPRINT
    )
    assert "40 rows on 40 hosts" in said
    assert str(findings().headline.target.probability) in said
    assert_sober(said)
    assert_sober(caption_classifier_validation(findings(), imprint=IMPRINT))


def test_scores_stand_by_their_rows():
    frame = pd.concat([rows().iloc[:3], rows().iloc[:1].assign(q=np.nan), rows()[3:]])
    p = binary_like_probabilities(frame, findings())
    assert np.isnan(p[3])
    np.testing.assert_array_equal(np.delete(p, 3), findings().objects.p_headline)
    assert (
        target_probability(findings()) == findings().headline.target.probability.value
    )


def test_what_was_not_run_says_why():
    assert np.isnan(binary_like_probabilities(rows(), WHY)).all()
    assert target_probability(WHY) is None
    for figure in (scores(WHY), validation(WHY)):
        assert "one kind has 3 hosts" in texts_in(figure)
    assert_sober(caption_classifier_validation(WHY, imprint=IMPRINT))
    assert_sober(
        caption_origin_probabilities(rows(), WHY, target=TARGET, imprint=IMPRINT)
    )


@pytest.mark.parametrize("draw", [scores, validation])
def test_same_bytes(draw):
    assert_same_bytes(draw)
