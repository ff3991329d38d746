"""One population or two: the window's numbers, and verdicts on made catalogues."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.mixture import GaussianMixture

import data_fetchers
import data_processor
from panoptic.config import InputOptions
from panoptic.constants import MSUN_MJUP
from panoptic.demographics.companions import Companions
from panoptic.demographics.gaussian_mixture import CovarianceFamily, fit_mixtures
from panoptic.demographics.mass_mixture import (
    _find_gap,
    investigate_mass_mixture,
    state_mass_mixture,
)
from panoptic.demographics.mixture_selection import fit_mass_mixtures
from panoptic.demographics.mixture_verdict import Bears, Check, gather_evidence, judge
from panoptic.orbits import semi_major_axis_au
from panoptic.reporting.formats import decode_result, encode_result
from panoptic.statement import NotRun, Verdict
from tests.conftest import ROOT
from tests.oracles_mixture import (
    log_likelihood,
    make_companions,
    one_population,
    two_methods,
    two_populations,
)


def _window(shared, *, limits, with_ecc=True):
    """Build (log q, log a, host) of the window from the snapshots alone."""
    archive = pd.read_csv(
        shared / "catalogues/pscomppars_webui_2026-06-02.csv",
        comment="#",
        low_memory=False,
    )
    dwarfs = pd.read_csv(shared / "catalogues/BD_catalogue_20-11-23.csv")
    mass = dwarfs["mass"].fillna(dwarfs["msini"])
    total = dwarfs["Mstar"] + mass / MSUN_MJUP
    table = pd.concat(
        [
            archive,
            pd.DataFrame(
                {
                    "hostname": dwarfs["host_star"],
                    "st_mass": dwarfs["Mstar"],
                    "pl_bmassj": mass,
                    "pl_orbsmax": semi_major_axis_au(dwarfs["period"], total),
                    "pl_orbeccen": dwarfs["ecc"],
                }
            ),
        ]
    )
    needed = ["st_mass", "pl_bmassj", "pl_orbsmax"] + ["pl_orbeccen"] * with_ecc
    table = table[table["st_mass"].between(0.06, 0.20)].dropna(subset=needed)
    if not limits:
        table = table[table["pl_bmassjlim"].fillna(0) == 0]
    log_q = np.log10(table["pl_bmassj"] / (table["st_mass"] * MSUN_MJUP)).to_numpy()
    return log_q, np.log10(table["pl_orbsmax"].to_numpy()), table["hostname"].to_numpy()


# The window of the study


@pytest.mark.shared
@pytest.mark.parametrize(
    ("limits", "n_rows", "n_hosts", "one", "two"),
    [(False, 60, 34, 320.5, 219.7), (True, 64, 36, 342.5, 243.1)],
)
def test_the_window_prefers_two_components(shared, limits, n_rows, n_hosts, one, two):
    log_q, log_a, host = _window(shared, limits=limits)
    selection = fit_mass_mixtures(
        log_q, log_a, host=host, max_components=2, rng=np.random.default_rng(1)
    )
    assert (selection.n_rows, selection.n_hosts) == (n_rows, n_hosts)
    assert selection.bic["1"] == pytest.approx(one, abs=0.05)
    assert selection.bic["2"] == pytest.approx(two, abs=0.05)
    assert selection.chosen_k == 2
    assert selection.converged


@pytest.mark.shared
def test_without_eccentricities_more_components_follow_the_surveys(shared):
    log_q, log_a, host = _window(shared, limits=True, with_ecc=False)
    selection = fit_mass_mixtures(log_q, log_a, host=host, rng=np.random.default_rng(1))
    bic = selection.bic
    assert bic["1"] - bic["2"] == pytest.approx(100, abs=10)
    assert bic["2"] - bic["3"] == pytest.approx(60, abs=10)
    assert selection.means == pytest.approx(
        np.array([[-4.4, -1.6], [-2.4, 0.1]]), abs=0.08
    )
    assert selection.best_by_bic.bic <= min(bic.values())


# Selection


def test_rows_without_a_place_are_left_out_and_counted():
    made = two_populations(60, np.random.default_rng(1))
    log_q = made.log_q.copy()
    log_q[[3, 7]] = np.nan, -np.inf
    answer = fit_mass_mixtures(
        log_q,
        made.log_a,
        host=made.host,
        max_components=2,
        rng=np.random.default_rng(1),
    )
    assert (answer.n_rows, answer.n_left_out) == (58, 2)
    assert np.all(answer.labels[[3, 7]] == -1)
    assert np.all(answer.responsibilities[[3, 7]] == 0)
    kept = np.delete(np.arange(60), [3, 7])
    assert answer.responsibilities[kept].sum(axis=1) == pytest.approx(1.0)
    assert np.all(answer.labels[kept] == (made.log_q[kept] > -2.8))


@pytest.mark.parametrize(
    ("log_q", "log_a", "host"),
    [
        ([], [], []),
        ([-3.0] * 9, [-1.0] * 9, list("abcdefghi")),
        ([-3.0] * 9, range(9), list("abcdefghi")),
        (range(9), range(9), list("abcdefghi")),
        (range(9), [1, 4, 2, 8, 5, 7, 1, 3, 9], ["a"] * 9),
        ([np.nan] * 9, range(9), list("abcdefghi")),
    ],
)
def test_what_cannot_be_fitted_is_said(log_q, log_a, host):
    answer = fit_mass_mixtures(
        np.array(list(log_q), float),
        np.array(list(log_a), float),
        host=np.array(host),
        rng=np.random.default_rng(1),
    )
    assert isinstance(answer, NotRun)
    assert answer.reason


def test_starts_of_one_kind_stop_short_on_the_true_masses():
    """With k-means starts alone BIC seems to prefer one component; a better optimum of
    two prefers two, and so do the true masses of the main sample from any start.
    """
    catalogues = data_fetchers.fetch(InputOptions(), data_dir=ROOT / "data")
    sample = data_processor.build_sample(
        catalogues,
        host_mass_range_msun=(0.06, 0.2),
        q_split=0.01,
        ecc_zero_bound=0.1,
        target_name="TOI-6894 b",
    )
    for frame, counts, ours, k_means_prefer_one in (
        (sample.mass_orbit_with_limits, (88, 73), (546.6, 518.1), True),
        (sample.main, (24, 14), (161.3, 89.3), False),
    ):
        made = Companions.from_frame(frame[frame["mass_provenance"] == "mass"])
        rows = np.column_stack([made.log_q, made.log_a])
        assert (len(made), made.n_hosts) == counts
        by_k_means = [
            GaussianMixture(k, n_init=20, random_state=0).fit(rows).bic(rows)
            for k in (1, 2)
        ]
        assert (by_k_means[0] < by_k_means[1]) is k_means_prefer_one
        assert by_k_means[k_means_prefer_one - 1] == pytest.approx(
            ours[k_means_prefer_one - 1], abs=0.05
        )
        fits = fit_mixtures(
            rows,
            host=made.host,
            n_components=[1, 2],
            families=[CovarianceFamily.FULL],
            rng=np.random.default_rng(1),
        ).values()
        assert [fit.bic for fit in fits] == pytest.approx(ours, abs=0.05)
        for fit in fits:
            lnl = log_likelihood(rows, fit.weights, fit.means, fit.covariances)
            assert fit.lnl == pytest.approx(lnl, abs=1e-6)


# The rules


def _checks(**changed):
    names = {
        "bic": Bears.EXISTENCE,
        "smooth": Bears.EXISTENCE,
        "masses": Bears.EXISTENCE,
        "rival": Bears.METHOD,
        "without": Bears.METHOD,
    }
    return tuple(
        Check(
            name, bears, name in {"bic", "smooth", "rival"}, changed.get(name, True), ""
        )
        for name, bears in names.items()
    )


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [
        ({}, Verdict.SUPPORTED),
        ({"masses": None, "without": None}, Verdict.SUPPORTED),
        ({"bic": False}, Verdict.NOT_SUPPORTED),
        ({"masses": False}, Verdict.NOT_SUPPORTED),
        ({"bic": None}, Verdict.NOT_SUPPORTED),
        ({"rival": None}, Verdict.NOT_SUPPORTED),
        ({"rival": False}, Verdict.DRIVEN_BY_METHOD),
        ({"without": False}, Verdict.DRIVEN_BY_METHOD),
        ({"smooth": False, "rival": False}, Verdict.NOT_SUPPORTED),
    ],
)
def test_the_rules(changed, verdict):
    assert judge(_checks(**changed)) is verdict


# Verdicts from made catalogues to the end


def _verdict(companions, seed):
    rng = np.random.default_rng(seed)
    selection = fit_mass_mixtures(
        companions.log_q,
        companions.log_a,
        host=companions.host,
        max_components=2,
        rng=rng,
    )
    evidence = gather_evidence(
        companions, selection, q_split=0.01, n_bootstrap=30, n_draws=59, rng=rng
    )
    return evidence.verdict


@pytest.mark.parametrize(
    ("make", "verdict"),
    [
        (one_population, Verdict.NOT_SUPPORTED),
        (two_populations, Verdict.SUPPORTED),
        (two_methods, Verdict.DRIVEN_BY_METHOD),
    ],
)
def test_made_catalogues_are_judged_right(make, verdict):
    """Every one of a few here; docs/methods.md has the rates of many seeds."""
    made = [make(60, np.random.default_rng([seed, 60])) for seed in range(2)]
    assert [_verdict(each, seed) for seed, each in enumerate(made)] == [verdict] * 2


def test_a_shape_that_is_not_gaussian_is_not_two_populations():
    made = one_population(90, np.random.default_rng([2, 90]), "exponential")
    selection = fit_mass_mixtures(
        made.log_q,
        made.log_a,
        host=made.host,
        max_components=2,
        rng=np.random.default_rng(1),
    )
    assert selection.delta_bic > 0  # this is what BIC alone would have said
    assert _verdict(made, 2) is Verdict.NOT_SUPPORTED


# The whole investigation


def _investigate(companions, *, seed=1, progress=None):
    return investigate_mass_mixture(
        companions,
        companions,
        companions,
        companions,
        q_split=0.01,
        n_bootstrap=30,
        n_permutations=40,
        rng=np.random.default_rng(seed),
        max_components=3,
        progress=progress,
    )


@pytest.fixture(scope="module")
def made():
    return two_populations(50, np.random.default_rng([1, 50]))


@pytest.fixture(scope="module")
def steps():
    return []


@pytest.fixture(scope="module")
def findings(made, steps):
    return _investigate(made, progress=lambda *step: steps.append(step))


def test_the_same_seed_gives_the_same_findings(made, findings):
    assert encode_result(_investigate(made)) == encode_result(findings)


def test_the_findings_come_back_from_json(findings):
    content = encode_result(findings)
    back = decode_result(content, type(findings), name="findings")
    assert encode_result(back) == content
    assert back.verdict is findings.verdict


def test_progress_reaches_the_end(findings, steps):
    assert steps == [(i, 7) for i in range(1, 8)]


def test_what_is_said_follows_the_verdict(findings):
    said = {
        verdict: state_mass_mixture(
            replace(
                findings, main_evidence=replace(findings.main_evidence, verdict=verdict)
            )
        )[0]
        for verdict in Verdict
    }
    assert "are supported" in said[Verdict.SUPPORTED].text
    assert "not supported" in said[Verdict.NOT_SUPPORTED].text
    assert "driven by detection method" in said[Verdict.DRIVEN_BY_METHOD].text
    assert all("50 rows" in statement.evidence for statement in said.values())


def test_the_gap_counts_what_an_eccentricity_would_have_cut(made):
    inside = (made.q > 0.002) & (made.q < 0.02)
    gap = _find_gap(made.where(~inside), made)
    assert gap.q_low == pytest.approx(made.q[made.q <= 0.002].max())
    assert gap.q_high == pytest.approx(made.q[made.q >= 0.02].min())
    assert gap.n_mass_orbit_inside == inside.sum()
    assert set(gap.methods_inside) <= {"Transit", "Radial Velocity"}


def _made_bad(kind):
    n = 12
    rng = np.random.default_rng(3)
    log_q, log_a = rng.normal(-3, 1, n), rng.normal(-1, 1, n)
    host, method = [f"star {i}" for i in range(n)], ["Transit"] * n
    if kind == "one host":
        host = ["star"] * n
    elif kind == "identical rows":
        log_q[:], log_a[:] = -3.0, -1.0
    elif kind == "one q":
        log_q[:] = -3.0
    elif kind == "no q":
        log_q[:] = np.nan
    elif kind == "too few":
        log_q, log_a, host, method = log_q[:3], log_a[:3], host[:3], method[:3]
    elif kind == "empty":
        log_q, log_a, host, method = log_q[:0], log_a[:0], [], []
    elif kind == "two rows copied":
        log_q[:6], log_a[:6] = -3.0, -1.0
    return make_companions(log_q, log_a, host=host, method=method)


@pytest.mark.parametrize(
    ("kind", "can_fit"),
    [
        ("one host", False),
        ("identical rows", False),
        ("one q", False),
        ("no q", False),
        ("too few", False),
        ("empty", False),
        ("two rows copied", True),
        ("small", True),
    ],
)
def test_bad_input_is_not_run_and_said(kind, can_fit):
    found = _investigate(_made_bad(kind))
    assert isinstance(found.main, NotRun) is not can_fit
    assert isinstance(found.main_evidence, NotRun) is not can_fit
    assert found.verdict is (Verdict.NOT_SUPPORTED if can_fit else None)
    statements = state_mass_mixture(found)
    assert statements
    assert all(statement.text and statement.evidence for statement in statements)
    assert encode_result(found)
