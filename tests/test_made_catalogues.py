"""Catalogue files with known answers, and unusable ones, through the whole command."""

import json

import numpy as np
import pandas as pd
import pytest

import data_fetchers
import data_processor
from panoptic import synopsis
from panoptic.config import InputOptions
from panoptic.constants import MSUN_MJUP
from panoptic.demographics.anchors import (
    BINARY_LIKE,
    UNLABELLED,
    heuristic_anchors,
)
from panoptic.demographics.companions import Companions
from panoptic.demographics.control_populations import Population
from panoptic.demographics.power_findings import PowerFindings, collect_power
from panoptic.failures import ExitCode
from panoptic.findings import load_results
from panoptic.reporting.artifacts import read_result
from panoptic.statement import NotRun
from panoptic_vlms_project import main
from tests.conftest import ROOT
from tests.runs import command

FEW = [
    *["--quick", "--bootstrap", "20", "--permutations", "39", "--threads", "2"],
    *["--kl_grid", "1x1", "--kl_model", "criterion", "--kl_trials", "10"],
]
PLANETS = (0.867, 3.03)  # laws of e: Kipping 2013
BROWN_DWARFS = (2.30, 1.65)  # Bowler et al. 2020
LOW, HIGH = -4.2, -1.0  # log q of two populations, with a scatter of 0.5
N = 80


def catalogue(log_q, ecc, method, rng):
    """A PSCompPars of companions with axes alike and small e as upper limits."""
    n = len(log_q)
    st_mass = rng.uniform(0.08, 0.18, n)
    is_limit = ecc < 0.05
    return pd.DataFrame(
        {
            "pl_name": [f"Made {i} b" for i in range(n)],
            "hostname": [f"Made {i}" for i in range(n)],
            "discoverymethod": method,
            "st_mass": st_mass,
            "st_masserr1": 0.05 * st_mass,
            "st_masserr2": -0.05 * st_mass,
            "pl_bmassj": 10.0**log_q * st_mass * MSUN_MJUP,
            "pl_bmassprov": "Mass",
            "pl_orbsmax": 10.0 ** rng.normal(-0.5, 0.5, n),
            "pl_orbeccen": np.where(is_limit, 0.05, ecc),
            "pl_orbeccenerr1": np.where(is_limit, np.nan, 0.01),
            "pl_orbeccenerr2": np.where(is_limit, np.nan, -0.01),
            "pl_orbeccenlim": is_limit.astype(int),
            "st_metfe": rng.normal(0.0, 0.2, n),
        }
    )


def one_population(rng):
    """One Gaussian about the split in q, one law of e."""
    method = rng.choice(["Transit", "Radial Velocity"], N)
    ecc = rng.beta(*PLANETS, N)
    return catalogue(rng.normal(-2.0, 0.9, N), ecc, method, rng)


def two_in_each_method(rng):
    return _two(rng, lambda is_high: rng.choice(["Transit", "Radial Velocity"], N))


def each_seen_by_one_method(rng):
    return _two(rng, lambda is_high: np.where(is_high, "Astrometry", "Transit"))


def _two(rng, methods):
    is_high = np.arange(N) % 5 < 2
    log_q = np.where(is_high, HIGH, LOW) + rng.normal(0.0, 0.5, N)
    ecc = np.where(is_high, rng.beta(*BROWN_DWARFS, N), rng.beta(*PLANETS, N))
    return catalogue(log_q, ecc, methods(is_high), rng)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the command on a catalogue, up to the drawing; return the results' folder."""

    def carry_out(frame, *options):
        frame.to_csv(tmp_path / "made.csv", index=False)
        given = command(tmp_path, *FEW, "--ps", str(tmp_path / "made.csv"), *options)
        assert main(given) == ExitCode.DONE
        return tmp_path / "results"

    monkeypatch.setattr("panoptic_vlms_project._render", lambda *_: "")
    return carry_out


@pytest.mark.parametrize(
    ("made", "verdict"),
    [
        (one_population, "not supported"),
        (two_in_each_method, "supported"),
        (each_seen_by_one_method, "driven by detection method"),
    ],
)
def test_the_files_of_a_run_hold_the_right_verdicts(run, made, verdict):
    """One seed of each here; docs/methods.md has the rates of many."""
    results = run(made(np.random.default_rng(8)))
    mixture, eccentricity = (
        json.loads((results / name).read_text())
        for name in ("gmm_summary.json", "eccentricity.json")
    )
    assert (mixture["verdict"], eccentricity["verdict"]) == (verdict, verdict)
    assert list(mixture)[0] == list(eccentricity)[0] == "verdict"
    assert len(synopsis.sections(load_results(results))) > 5
    _check_power(results)


def _check_power(results):
    """power.json says what the answers say: p, power and rates stand together."""
    power = read_result(results / "power.json", PowerFindings)
    findings = load_results(results).findings
    tests = findings.eccentricity.tests
    assert len(power.eccentricity_tests) == len(tests) > 10
    of = {(t.contrast, t.policy, t.test): t for t in power.eccentricity_tests}
    for test in tests:
        listed = of[test.contrast, test.policy, test.result.test]
        assert (listed.p_host, listed.p_holm) == (test.result.p_host, test.p_holm)
        assert listed.power == test.power
        assert listed.n_hosts_high_q == test.result.n_hosts_second
    p = [t.p_host for t in power.eccentricity_tests]
    assert p == sorted(p)
    controls = findings.robustness.eccentricity_controls
    two, one, parts = (1.0 - c.share_not_supported for c in controls)
    rates = power.eccentricity_verdict
    assert (rates.two, rates.one, rates.one_in_parts) == pytest.approx(
        (two, one, parts)
    )
    controls = {c.population: c for c in findings.robustness.mixture_controls}
    one = controls[Population.ONE]
    assert power.mixture.one == one.share_very_strong
    assert power.mixture.n_simulations == one.n_simulations
    assert (power.mixture.two is None) is (Population.TWO not in controls)
    deuterium = findings.mixture.deuterium
    assert power.deuterium.steps == deuterium.power
    seen = [step.factor for step in deuterium.power if step.power >= 0.8]
    assert power.deuterium.detectable_factor == min(seen, default=None)
    assert power.deuterium.sides[0].p == deuterium.sides[0].p


# What is done to a good catalogue, and which question then gives which reason.
UNUSABLE = {
    "one class": (
        lambda made: made[np.arange(N) % 5 >= 2],
        {"eccentricity": "against 0 on 0", "classifier": "0 binary-like"},
    ),
    "one host": (
        lambda made: made.assign(hostname="Made", st_mass=0.1),
        {
            "mixture": "1 host",
            "eccentricity": "on 1 hosts against",
            "classifier": "host",
        },
    ),
    "every e zero": (
        lambda made: made.assign(
            pl_orbeccen=0.0,
            pl_orbeccenerr1=np.nan,
            pl_orbeccenerr2=np.nan,
            pl_orbeccenlim=0,
        ),
        {"eccentricity": "all are limits"},
    ),
    "three rows": (
        lambda made: made.iloc[[0, 2, 3]],
        {"mixture": "hosts", "eccentricity": "needs 2 rows", "classifier": "hosts"},
    ),
    "no metallicity": (
        lambda made: made.assign(st_metfe=np.nan),
        {"classifier": "[Fe/H]"},
    ),
    "identical rows": (
        lambda made: made.assign(
            st_mass=0.1, pl_bmassj=1.0, pl_orbsmax=0.1, pl_orbeccen=0.2
        ),
        {
            "mixture": "share one value on an axis",
            "eccentricity": "80 rows on 80 hosts against 0 on 0",
            "classifier": "no companion is labelled by mass ratio",
        },
    ),
    "one mass ratio": (
        lambda made: made.assign(st_mass=0.1, pl_bmassj=1.0),
        {
            "mixture": "share one value on an axis",
            "eccentricity": "80 rows on 80 hosts against 0 on 0",
            "classifier": "no companion is labelled by mass ratio",
        },
    ),
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_what_cannot_be_asked_of_a_catalogue_is_not_run_and_said(run, kind):
    """Neither a crash nor a warning (they are errors here) nor a made-up number."""
    spoil, reasons = UNUSABLE[kind]
    results = run(spoil(two_in_each_method(np.random.default_rng(8))))
    read_back = load_results(results)
    findings = read_back.findings
    if "mixture" in reasons:
        assert findings.mixture.verdict is None
        assert reasons["mixture"] in findings.mixture.main.reason
        assert isinstance(findings.mixture.main_evidence, NotRun)
    if "eccentricity" in reasons:
        assert findings.eccentricity.verdict is None
        assert reasons["eccentricity"] in findings.eccentricity.because
    if "classifier" in reasons:
        assert reasons["classifier"] in findings.classifier.reason
    said = [s for section in synopsis.sections(read_back) for s in section.statements]
    assert all(getattr(s, "text", "") or s.reason for s in said)


def test_without_answers_there_is_no_power():
    why = NotRun("for a reason")
    found = collect_power(why, why, why)
    assert found.eccentricity_tests == found.eccentricity_verdict == why
    assert found.mixture == found.deuterium == why


def test_limits_of_either_sign_stay_out_of_the_main_sample(tmp_path):
    made = two_in_each_method(np.random.default_rng(8))
    sign = np.array([1, -1] + [0] * (N - 2))
    made.assign(pl_bmassjlim=sign).to_csv(tmp_path / "made.csv", index=False)
    catalogues = data_fetchers.fetch(
        InputOptions(ps=tmp_path / "made.csv"), data_dir=ROOT / "data"
    )
    sample = data_processor.build_sample(
        catalogues,
        host_mass_range_msun=(0.06, 0.2),
        q_split=0.01,
        ecc_zero_bound=0.1,
        target_name="TOI-6894 b",
    )
    assert len(sample.main) == len(sample.mass_orbit) == N - 2
    assert len(sample.complete) == N
    scored = Companions.from_frame(sample.scored)
    of = dict(zip(scored.name.tolist(), scored.mass_limit.tolist(), strict=True))
    assert [of["Made 0 b"], of["Made 1 b"], of["Made 2 b"]] == [1, -1, 0]
    anchors = heuristic_anchors(scored, q_planet=0.003, q_binary=0.01)
    label = dict(zip(scored.name.tolist(), anchors.label.tolist(), strict=True))
    # Both have a high q: only the lower limit is certain to be above the threshold.
    assert [label["Made 0 b"], label["Made 1 b"]] == [UNLABELLED, BINARY_LIKE]
