"""Scores, folds and permutations of the classifier."""

import dataclasses

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold

from panoptic.demographics.classifier_validation import (
    average_precision,
    brier,
    compare_pairs,
    held_out_probability,
    leave_methods_out,
    methods_of_both_kinds,
    permutation_test,
    permuted_rows,
    probability,
    reliability,
    same_method,
)
from panoptic.demographics.host_folds import N_FOLDS, draw_folds
from panoptic.demographics.host_resampling import bootstrap_weights
from panoptic.demographics.origin_features import Feature, OriginFeatures, design
from tests import oracles_origin_classifier as oracles


def _scores(seed=0, n=80):
    rng = np.random.default_rng(seed)
    label = (rng.random(n) < 0.3).astype(np.int64)
    score = np.round(probability(rng.normal(size=n) + label), 1)  # with ties
    return score, label, rng.integers(0, 3, size=(4, n)).astype(float)


def _objects(*, seed=4, n=120, signal=1.5, methods=("Transit", "Microlensing")):
    """Half of the hosts have two rows; log a knows the label, the method does not."""
    rng = np.random.default_rng(seed)
    host = np.array([f"host {i // 2 if i < n // 2 else i}" for i in range(n)])
    of_host = {name: rng.random() < 0.35 for name in dict.fromkeys(host)}
    label = np.array([of_host[name] for name in host]).astype(np.int64)
    found = {name: rng.choice(methods) for name in dict.fromkeys(host)}
    unknown = np.full(n, np.nan)
    objects = OriginFeatures(
        log_q=rng.normal(size=n) + 5.0 * label,
        log_a=rng.normal(size=n) + signal * label,
        ecc=np.where(rng.random(n) < 0.4, np.nan, rng.random(n)),
        measured_ecc=unknown,
        log_mstar=rng.normal(size=n),
        metfe=rng.normal(size=n),
        method=np.array([found[name] for name in host]),
        host=host,
    )
    return objects, label


def test_scores_are_those_of_scikit_learn():
    score, label, weights = _scores()
    pooled = compare_pairs(score[None], label, group=np.zeros((1, 80)))
    for b, w in enumerate(weights):
        assert pooled.auroc(weights)[b] == pytest.approx(
            roc_auc_score(label, score, sample_weight=w)
        )
        assert average_precision(score, label, weights)[b] == pytest.approx(
            average_precision_score(label, score, sample_weight=w)
        )
        assert brier(score[None], label, weights)[b] == pytest.approx(
            brier_score_loss(label, score, sample_weight=w)
        )


def test_pairs_are_compared_within_a_fold_and_a_method_only():
    score, label, _ = _scores()
    fold = np.arange(80) % 5
    method = np.where(np.arange(80) % 3 == 0, "Transit", "Imaging")
    group = same_method(fold[None], method)
    found = compare_pairs(score[None], label, group=group).auroc(np.ones((1, 80)))
    expected = oracles.pair_auroc(score, label, group[0])
    assert found[0] == pytest.approx(expected)
    assert len(np.unique(group)) == 10
    nobody = compare_pairs(
        score[None], label, group=same_method(fold[None], np.full(80, ""))
    )
    assert not nobody.exist


def test_a_sample_without_a_pair_has_no_auroc():
    score, label, _ = _scores()
    pooled = compare_pairs(score[None], label, group=np.zeros((1, 80)))
    assert np.isnan(pooled.auroc((label == 1).astype(float)[None])[0])
    assert np.isnan(average_precision(score, label, (label == 0)[None] * 1.0)[0])


def test_auroc_does_not_care_for_scale_and_mirrors_under_negation():
    score, label, weights = _scores()
    group = np.zeros((1, 80))
    one = compare_pairs(score[None], label, group=group).auroc(weights)
    np.testing.assert_allclose(
        one, compare_pairs(3.0 * score[None] + 1, label, group=group).auroc(weights)
    )
    np.testing.assert_allclose(
        1.0 - one, compare_pairs(-score[None], label, group=group).auroc(weights)
    )


def test_folds_keep_hosts_together_and_hold_both_kinds():
    objects, label = _objects()
    folds = draw_folds(label, objects.host, rng=np.random.default_rng(1), n_repeats=3)
    for fold in folds:
        for name in np.unique(objects.host):
            assert len(set(fold[objects.host == name])) == 1
        shares = [label[fold == k].mean() for k in range(5)]
        assert max(shares) - min(shares) < 0.15
        assert min(shares) > 0
    assert (folds[0] != folds[1]).any()


@pytest.mark.parametrize("seed", range(12))
def test_folds_are_those_of_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(40, 250))
    host = np.array([f"host {h}" for h in rng.integers(0, 2 * n // 3, size=n)])
    label = (rng.random(n) < rng.uniform(0.2, 0.8)).astype(np.int64)
    found = draw_folds(label, host, rng=np.random.default_rng(seed), n_repeats=1)
    splitter = StratifiedGroupKFold(
        N_FOLDS,
        shuffle=True,
        random_state=int(np.random.default_rng(seed).integers(2**31)),
    )
    for k, (_, test) in enumerate(splitter.split(label, label, host)):
        np.testing.assert_array_equal(np.flatnonzero(found[0] == k), test)


def test_hosts_change_features_as_a_whole_and_within_their_methods():
    host = np.array(["a", "a", "b", "c", "c", "c", "d"])
    method = np.array(["T", "R", "T", "T", "T", "T", "T"])
    rng = np.random.default_rng(0)
    rows = permuted_rows(host, stratum=None, n_permutations=200, rng=rng)
    for order in rows:
        for name in "abcd":
            assert len(set(host[order[host == name]])) == 1
        donors = {name: host[order[host == name]][0] for name in "abcd"}
        assert sorted(donors.values()) == list("abcd")
    within = permuted_rows(host, stratum=method, n_permutations=50, rng=rng)
    np.testing.assert_array_equal(within[:, :2], np.tile([0, 1], (50, 1)))
    assert {tuple(order[3:6]) for order in within} == {(2, 2, 2), (3, 4, 5), (6, 6, 6)}


def _tested(objects, label, *, within, n=59):
    folds = draw_folds(label, objects.host, rng=np.random.default_rng(1), n_repeats=1)
    return permutation_test(
        design(objects, (Feature.LOG_A, Feature.METFE), ()),
        label,
        objects,
        folds=folds,
        n_permutations=n,
        within_method=methods_of_both_kinds(objects, label) if within else None,
        rng=np.random.default_rng(2),
    )


def test_permutation_finds_a_signal_and_none_where_there_is_none():
    objects, label = _objects()
    assert _tested(objects, label, within=False).p_value == pytest.approx(1 / 60)
    assert _tested(objects, label, within=True).p_value == pytest.approx(1 / 60)
    nothing, label = _objects(signal=0.0)
    found = _tested(nothing, label, within=False)
    assert found.p_value > 0.05
    assert found.null_mean == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("within", [False, True])
def test_what_is_observed_is_the_held_out_auroc(within):
    objects, label = _objects(signal=0.3)
    folds = draw_folds(label, objects.host, rng=np.random.default_rng(1), n_repeats=1)
    matrix = design(objects, (Feature.LOG_A, Feature.METFE), ())
    score = held_out_probability(matrix, label, folds)
    group = same_method(folds, objects.method) if within else np.zeros_like(folds)
    expected = oracles.pair_auroc(score[0], label, group[0])
    found = _tested(objects, label, within=within, n=1)
    assert found.observed == pytest.approx(expected, abs=1e-12)


def test_the_p_value_counts_the_observed_features_too():
    objects, label = _objects(signal=0.3)
    found = _tested(objects, label, within=False, n=19)
    assert 1 / 20 <= found.p_value <= 1
    assert found.p_value * 20 == pytest.approx(round(found.p_value * 20))


@pytest.mark.slow
def test_p_values_are_uniform_without_a_signal():
    p = [
        _tested(*_objects(seed=seed, n=60, signal=0.0), within=False, n=19).p_value
        for seed in range(60)
    ]
    assert np.mean(np.array(p) <= 0.1) <= 0.22
    assert np.mean(p) == pytest.approx(0.52, abs=0.12)


def test_a_left_out_method_is_predicted_by_the_others():
    objects, label = _objects(n=160)
    weights = bootstrap_weights(
        objects.host, n_bootstrap=50, rng=np.random.default_rng(0)
    )
    rows = leave_methods_out(
        objects,
        label,
        models=(("headline", (Feature.LOG_A,)),),
        weights=weights,
        rng=np.random.default_rng(0),
    )
    assert [row.method for row in rows] == ["Microlensing", "Transit"]
    for row in rows:
        out = objects.method == row.method
        # one feature: whatever the other methods teach, the order is that of log a
        expected = roc_auc_score(label[out], objects.log_a[out])
        assert row.auroc.value == pytest.approx(expected)
        assert row.auroc.low < row.auroc.value < row.auroc.high
        assert row.n_binary_like + row.n_planet_like == out.sum()


def test_the_left_out_method_teaches_nothing():
    objects, label = _objects(n=200)
    few = np.unique(objects.host)[::4]
    method = np.where(np.isin(objects.host, few), "Transit", "Microlensing")
    # in the few, log a says the opposite of what it says in the many
    log_a = np.where(method == "Transit", -1.0, 1.0) * objects.log_a
    mirrored = dataclasses.replace(objects, log_a=log_a, method=method)
    rows = leave_methods_out(
        mirrored,
        label,
        models=(("headline", (Feature.LOG_A,)),),
        weights=np.ones((2, len(label))),
        rng=np.random.default_rng(0),
    )
    assert [row.method for row in rows] == ["Microlensing", "Transit"]
    assert max(row.auroc.value for row in rows) < 0.3


def test_a_method_of_one_kind_has_no_auroc_but_a_share():
    objects, label = _objects(n=160)
    method = np.where(label == 1, "Imaging", "Transit").astype("<U12")
    method[:90] = "Astrometry"
    alone = dataclasses.replace(objects, method=method)
    weights = np.ones((2, len(label)))
    rows = {
        row.method: row
        for row in leave_methods_out(
            alone,
            label,
            models=(("headline", (Feature.LOG_A,)),),
            weights=weights,
            rng=np.random.default_rng(0),
        )
    }
    assert rows["Imaging"].auroc is None
    assert "all binary-like" in rows["Imaging"].not_run
    assert "all planet-like" in rows["Transit"].not_run
    assert 0.0 <= rows["Imaging"].share_right <= 1.0
    assert rows["Astrometry"].auroc is not None


def test_only_methods_with_enough_hosts_of_both_kinds_are_compared():
    objects, label = _objects(n=160)
    assert set(methods_of_both_kinds(objects, label)) == {"Transit", "Microlensing"}
    few = label.copy()
    transits = np.flatnonzero((objects.method == "Transit") & (label == 1))
    few[transits[2:]] = 0
    assert set(methods_of_both_kinds(objects, few)) == {"", "Microlensing"}


def test_reliability_of_honest_probabilities():
    rng = np.random.default_rng(1)
    score = rng.random(4000)
    label = (rng.random(4000) < score).astype(np.int64)
    found = reliability(score[None], label)
    assert [b.n for b in found.bins] == [800] * 5
    for b in found.bins:
        assert b.observed_share == pytest.approx(b.mean_probability, abs=0.06)
        assert b.low < b.observed_share < b.high
    assert found.slope == pytest.approx(1.0, abs=0.1)
    assert found.offset == pytest.approx(0.0, abs=0.1)
    certain = reliability(np.where(label == 1, 0.9, 0.1)[None], label)
    assert certain.bins[0].low == 0.0 and certain.bins[-1].high == 1.0
