"""The origin classifier: identities, its twin in scikit-learn, the real sample."""

import numpy as np
import pytest

from panoptic.demographics.anchors import (
    heuristic_anchors,
)
from panoptic.demographics.origin_classifier import (
    ClassifierFindings,
    classify_origins,
    state_classifier,
)
from panoptic.demographics.origin_features import TargetFeatures
from panoptic.statement import Verdict
from tests.snapshots_classifier import window_companions

TOI_6894_B = TargetFeatures(
    name="TOI-6894 b",
    log_q=np.log10(7.747e-4),
    log_a=np.log10(0.02604),
    ecc=0.029,
    st_mass=0.207,
    metfe=0.142,
    method="Transit",
)


@pytest.fixture(scope="module")
def real(shared):
    companions = window_companions(shared)
    anchors = heuristic_anchors(companions, q_planet=0.003, q_binary=0.01)
    findings = classify_origins(
        companions,
        TOI_6894_B,
        anchors=anchors,
        n_bootstrap=200,
        n_permutations=99,
        rng=np.random.default_rng(6894),
    )
    assert isinstance(findings, ClassifierFindings)
    return companions, findings


@pytest.mark.shared
def test_the_measured_aurocs_of_the_real_sample_come_out(real):
    _, findings = real
    auroc = {row.features: row.skill.auroc.value for row in findings.ablations}
    assert findings.anchors.n == 130
    assert findings.anchors.n_binary_like == 27
    assert auroc[("log q",)] == pytest.approx(1.0, abs=1e-12)
    assert findings.headline.skill.auroc.value == pytest.approx(0.87, abs=0.05)
    assert auroc[("method",)] == pytest.approx(0.885, abs=0.05)
    assert auroc[("e missing", "[Fe/H] missing")] == pytest.approx(0.72, abs=0.05)
    left_out = {(row.model, row.method): row for row in findings.left_out_methods}
    microlensing = left_out["headline", "Microlensing"]
    assert microlensing.auroc.value == pytest.approx(0.574, abs=0.05)
    assert findings.anchors.n_binary_like_q_below_0_1 == 12
    assert findings.anchors.n_binary_like_below_deuterium == 10


@pytest.mark.shared
def test_the_real_sample_is_judged_by_its_detection_methods(real):
    companions, findings = real
    assert findings.verdict is Verdict.DRIVEN_BY_METHOD
    assert len(state_classifier(findings)) == 6
    assert findings.objects.name == tuple(companions.name)
