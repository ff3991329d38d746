from dataclasses import replace

import numpy as np
import pytest

from panoptic.constants import MSUN_MJUP
from panoptic.demographics.companions import Companions
from panoptic.demographics.eccentricity import (
    BETA_COLUMNS,
    EccentricityFindings,
    Subset,
    beta_table,
    investigate_eccentricities,
    ks_text,
    state_eccentricities,
)
from panoptic.demographics.eccentricity_passes import Policy
from panoptic.demographics.two_sample_tests import Test
from panoptic.sample import EccKind
from panoptic.statement import NotRun


def made_companions(ecc, q, *, host=None, method="Transit", kind=None, bound=np.nan):
    """Companions of given e and q; a host each, all measured, unless told otherwise."""
    n = len(ecc)
    nan = np.full(n, np.nan)

    def texts(value, default):
        return np.full(n, value if value is not None else default, dtype="<U24")

    names = np.array([f"Star {i} b" for i in range(n)])
    return Companions(
        name=names,
        host=names if host is None else np.asarray(host),
        method=texts(method, "Transit") if isinstance(method, str) else method,
        st_mass=np.full(n, 0.1),
        st_mass_err=np.full(n, 0.01),
        mass_mjup=np.asarray(q, dtype=float) * 0.1 * MSUN_MJUP,
        mass_err_mjup=nan,
        mass_limit=np.zeros(n, dtype=bool),
        mass_provenance=texts(None, "mass"),
        a_au=np.full(n, 0.1),
        a_err_au=nan,
        a_limit=np.zeros(n, dtype=bool),
        ecc=np.asarray(ecc, dtype=float),
        ecc_err_upper=np.full(n, 0.01),
        ecc_err_lower=np.full(n, 0.01),
        ecc_kind=texts(None, EccKind.MEASURED) if kind is None else np.asarray(kind),
        ecc_bound=np.full(n, bound),
        metfe=nan,
    )


def investigate(companions, **settings):
    defaults = {
        "q_split": 0.01,
        "n_bootstrap": 100,
        "n_permutations": 99,
        "rng": np.random.default_rng(1),
    }
    return investigate_eccentricities(companions, **defaults | settings)


@pytest.fixture(scope="module")
def two_populations():
    rng = np.random.default_rng(5)
    ecc = np.concatenate([rng.beta(0.9, 9.0, 40), rng.beta(3.0, 3.0, 20)])
    return made_companions(ecc, np.repeat([1e-3, 0.1], [40, 20]))


def test_two_populations_are_told_apart(two_populations):
    findings = investigate(two_populations)
    assert findings.test_of(Policy.AS_REPORTED, Test.KS).p_host == pytest.approx(0.01)
    low, high = (findings.fit_of(s, Policy.STRICT) for s in Subset)
    assert low.mean < 0.2 < 0.4 < high.mean
    assert low.alpha_interval.low < low.alpha < low.alpha_interval.high
    assert state_eccentricities(findings)


def test_a_missing_side_is_not_run_and_the_other_goes_on(two_populations):
    only_low = two_populations.where(two_populations.q < 0.01)
    findings = investigate(only_low)
    assert {fit.subset for fit in findings.fits} == {Subset.LOW_Q}
    assert len(findings.not_fitted) == len(Policy)
    assert not findings.tests
    assert "0 on 0" in findings.not_tested[0].reason


def test_eccentricities_outside_the_unit_interval_are_counted(two_populations):
    ecc = two_populations.ecc.copy()
    ecc[:3] = 1.0, -0.1, np.nan
    findings = investigate(replace(two_populations, ecc=ecc))
    assert (findings.n, findings.n_outside, findings.n_without) == (57, 2, 1)


def test_no_usable_row_is_not_run():
    assert isinstance(investigate(made_companions([1.2], [0.1])), NotRun)


def test_the_table_has_one_row_per_subset_and_policy(two_populations):
    findings = investigate(two_populations)
    assert isinstance(findings, EccentricityFindings)
    table = beta_table(findings)
    assert len(table) == len(Policy) * len(Subset)
    assert all(tuple(row) == BETA_COLUMNS for row in table)


def test_the_ks_text_names_every_policy_that_has_values(two_populations):
    text = ks_text(investigate(two_populations))
    assert [line for line in text.splitlines() if line.startswith("measured_only")]
