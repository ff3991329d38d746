"""Gaussian mixtures: identities, twins, and the published numbers of real data."""

import numpy as np
import pandas as pd
import pytest

from panoptic.constants import MSUN_MJUP
from panoptic.demographics.gaussian_mixture import CovarianceFamily, fit_mixtures
from panoptic.demographics.mixture_selection import fit_mass_mixtures
from panoptic.orbits import semi_major_axis_au
from panoptic.statement import NotRun

FULL, TIED = CovarianceFamily.FULL, CovarianceFamily.TIED
DIAGONAL, SPHERICAL = CovarianceFamily.DIAGONAL, CovarianceFamily.SPHERICAL


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


def _bic(rows, family, k, rng_seed=3):
    fits = fit_mixtures(
        rows,
        host=np.arange(len(rows)),
        n_components=[k],
        families=[family],
        rng=np.random.default_rng(rng_seed),
    )
    return fits[family, k]


@pytest.mark.shared
@pytest.mark.parametrize(
    ("family", "k", "bic"),
    [
        (FULL, 1, 2607.623),
        (FULL, 2, 2322.192),
        (TIED, 2, 2325.220),
        (TIED, 3, 2314.296),
        (DIAGONAL, 1, 3055.835),
        (DIAGONAL, 2, 2346.065),
        (SPHERICAL, 1, 4024.721),
        (SPHERICAL, 2, 3458.299),
    ],
)
def test_old_faithful_agrees_with_mclust(shared, family, k, bic):
    table = pd.read_csv(shared / "reference/old_faithful_272.csv")
    fit = _bic(table[["duration", "waiting"]].to_numpy(), family, k)
    assert fit.bic == pytest.approx(bic, abs=1.5e-3)


@pytest.mark.shared
@pytest.mark.parametrize(("family", "at_most"), [(FULL, 2333.73), (DIAGONAL, 2332.50)])
def test_old_faithful_k3_is_no_worse_than_mclust(shared, family, at_most):
    table = pd.read_csv(shared / "reference/old_faithful_272.csv")
    assert _bic(table[["duration", "waiting"]].to_numpy(), family, 3).bic <= at_most


@pytest.mark.shared
def test_old_faithful_parameters(shared):
    table = pd.read_csv(shared / "reference/old_faithful_272.csv")
    fit = _bic(table[["duration", "waiting"]].to_numpy(), FULL, 2)
    assert fit.lnl == pytest.approx(-1130.2640, abs=1e-4)
    assert fit.weights == pytest.approx([0.35587, 0.64413], abs=1e-5)
    assert fit.means == pytest.approx(
        np.array([[2.03639, 54.4785], [4.28966, 79.9681]]), rel=2e-6
    )


@pytest.mark.shared
@pytest.mark.parametrize(("k", "bic"), [(1, 829.9782), (2, 574.0178), (3, 580.8389)])
def test_iris_agrees_with_mclust(shared, k, bic):
    table = pd.read_csv(shared / "reference/iris.csv")
    rows = table.drop(columns="species").to_numpy()
    assert _bic(rows, FULL, k).bic == pytest.approx(bic, abs=1e-4)


@pytest.mark.shared
def test_acidity_agrees_with_mclust(shared):
    rows = pd.read_csv(shared / "reference/mclust_acidity_155.csv")["acidity"]
    assert _bic(rows.to_numpy(), TIED, 2).lnl == pytest.approx(-185.9493, abs=1e-4)


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
