"""All that bears on one population or two, and the rules that make it a verdict."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from panoptic.demographics.companions import Companions
from panoptic.demographics.dip_test import DipTest, run_dip_test
from panoptic.demographics.extreme_deconvolution import (
    DeconvolvedSelection,
    select_deconvolved,
)
from panoptic.demographics.mixture_rivals import (
    MethodRival,
    RatioTest,
    SmoothRival,
    weigh_methods,
    weigh_one_more_component,
    weigh_smooth_population,
)
from panoptic.demographics.mixture_selection import MassMixtureSelection
from panoptic.demographics.mixture_subsets import (
    HostResampling,
    SubsetFit,
    fit_subsets,
    pick_one_per_host,
    resample_hosts,
)
from panoptic.statement import NotRun, Verdict

ALPHA = 0.05
MIN_DELTA_BIC = 10.0
MIN_SHARE = 0.9  # of resamples that must prefer two
_MAX_TESTED_K = 4
_DIP_DRAWS = 2000
_MAX_DECONVOLVED = 3
_SUBSET_DRAWS = 199


class Bears(StrEnum):
    """What a check bears on."""

    EXISTENCE = "existence"
    METHOD = "method"


@dataclass(frozen=True, slots=True)
class Check:
    """One question put to the numbers on the way to the verdict."""

    name: str
    bears: Bears
    required: bool  # counts against two populations even where it could not be asked
    passed: bool | None  # None where it could not be asked
    numbers: str  # what was found, or why it could not be asked


@dataclass(frozen=True, slots=True)
class Dips:
    """Dip tests of the axes, by row and by host (the mean of its rows)."""

    log_q: DipTest | NotRun
    log_a: DipTest | NotRun
    log_q_hosts: DipTest | NotRun
    log_a_hosts: DipTest | NotRun


@dataclass(frozen=True, slots=True)
class MixtureEvidence:
    """What was asked of one sample besides its mixtures, and the verdict."""

    verdict: Verdict
    checks: tuple[Check, ...]
    tests: tuple[RatioTest, ...]  # K against K + 1 from K = 1, until one is kept
    smooth: SmoothRival | NotRun
    methods: MethodRival | NotRun
    hosts: HostResampling | NotRun
    one_per_host: HostResampling | NotRun
    subsets: tuple[SubsetFit, ...]
    dips: Dips
    deconvolved: DeconvolvedSelection | NotRun
    share_on_side_of_q: float  # of rows whose component is that of their side of q


def gather_evidence(
    companions: Companions,
    selection: MassMixtureSelection,
    *,
    q_split: float,
    n_bootstrap: int,
    n_draws: int,
    rng: np.random.Generator,
) -> MixtureEvidence:
    """Ask everything of one sample and judge it (see `judge`).

    n_draws : for K against K + 1, fewer where a p is large early; the other rivals get
        half, the subsets 199 at most. Every question has its own random stream.
    """
    ask = rng.spawn(8)
    n_rival = max(min(n_draws, _SUBSET_DRAWS), n_draws // 2)
    rows = np.column_stack([companions.log_q, companions.log_a])
    host = companions.host
    tests = _test_components(companions, n_draws, ask[0])
    smooth = weigh_smooth_population(rows, host=host, n_draws=n_rival, rng=ask[1])
    methods = weigh_methods(
        rows, host=host, method=companions.method, n_draws=n_rival, rng=ask[2]
    )
    hosts = resample_hosts(companions, n_samples=n_bootstrap, rng=ask[3])
    picks = pick_one_per_host(companions, n_samples=n_bootstrap, rng=ask[4])
    subsets = fit_subsets(companions, n_draws=min(n_draws, _SUBSET_DRAWS), rng=ask[5])
    deconvolved = select_deconvolved(
        companions, max_components=_MAX_DECONVOLVED, rng=ask[6]
    )
    checks = (
        *_existence_checks(selection, tests, smooth, hosts, picks, deconvolved),
        _check_subset(subsets, "true masses only"),
        *_method_checks(methods, subsets),
    )
    return MixtureEvidence(
        verdict=judge(checks),
        checks=checks,
        tests=tests,
        smooth=smooth,
        methods=methods,
        hosts=hosts,
        one_per_host=picks,
        subsets=subsets,
        dips=_test_dips(companions, ask[7]),
        deconvolved=deconvolved,
        share_on_side_of_q=_share_on_side(companions, selection, q_split),
    )


def judge(checks: tuple[Check, ...]) -> Verdict:
    """Turn the checks into a verdict.

    Two populations are there when (existence)

    - BIC(1) - BIC(2) of full components is at least 10,
    - samples of one Gaussian rarely give such a likelihood ratio (p <= 0.05),
    - nor do samples of one smooth population, skewed, flat or heavy-tailed, when two
      components are held against it (p <= 0.05),
    - two are preferred in at least 0.9 of the resamples of hosts, and of the picks of
      one companion per host,
    - two are preferred behind the measurement errors, and among true masses alone
      (where these can be asked; BIC or the bootstrap test).

    They are there beyond what the detection methods make of one (method) when

    - one smooth population per method rarely makes two components look as good, the
      same two in all methods or two of each method's own (p <= 0.05),
    - two are preferred without each single method, where that can be asked,
    - two are preferred within at least one single method.

    Not supported: an existence check fails, or it could not be asked whether methods
    explain the rest. Driven by detection method: existence holds, a method check
    fails. Supported: all hold.
    """
    existence = [check for check in checks if check.bears is Bears.EXISTENCE]
    method = [check for check in checks if check.bears is Bears.METHOD]
    unasked = any(check.required and check.passed is None for check in checks)
    if unasked or any(check.passed is False for check in existence):
        return Verdict.NOT_SUPPORTED
    if any(check.passed is False for check in method):
        return Verdict.DRIVEN_BY_METHOD
    return Verdict.SUPPORTED


def _test_components(
    companions: Companions, n_draws: int, rng: np.random.Generator
) -> tuple[RatioTest, ...]:
    """Test K against K + 1 from K = 1 until K is kept or K + 1 cannot be fitted."""
    rows = np.column_stack([companions.log_q, companions.log_a])
    tests: list[RatioTest] = []
    for k in range(1, _MAX_TESTED_K):
        test = weigh_one_more_component(
            rows, host=companions.host, k=k, n_draws=n_draws, rng=rng
        )
        if isinstance(test, NotRun):
            break
        tests.append(test)
        if test.p > ALPHA:
            break
    return tuple(tests)


def _test_dips(companions: Companions, rng: np.random.Generator) -> Dips:
    code = np.unique(companions.host, return_inverse=True)[1]
    size = np.bincount(code)
    log_q, log_a = companions.log_q, companions.log_a
    host_q = np.bincount(code, weights=log_q) / size
    host_a = np.bincount(code, weights=log_a) / size
    axes = (log_q, log_a, host_q, host_a)
    return Dips(*(run_dip_test(x, n_draws=_DIP_DRAWS, rng=rng) for x in axes))


def _share_on_side(
    companions: Companions, selection: MassMixtureSelection, q_split: float
) -> float:
    """Return how well the components follow the split in q, 0.5 to 1 for two."""
    known = selection.labels >= 0
    same = (selection.labels == 1)[known] == (companions.q > q_split)[known]
    return float(np.mean(same))


def _existence_checks(
    selection: MassMixtureSelection,
    tests: tuple[RatioTest, ...],
    smooth: SmoothRival | NotRun,
    hosts: HostResampling | NotRun,
    picks: HostResampling | NotRun,
    deconvolved: DeconvolvedSelection | NotRun,
) -> tuple[Check, ...]:
    delta = selection.delta_bic
    return (
        Check(
            "BIC",
            Bears.EXISTENCE,
            required=True,
            passed=None if delta is None else delta >= MIN_DELTA_BIC,
            numbers=_delta_words(delta),
        ),
        _check_test("one Gaussian", tests[0] if tests else NotRun("K = 2 refused")),
        _check_test(
            "one smooth population",
            smooth if isinstance(smooth, NotRun) else smooth.test,
        ),
        _check_share("other draws of hosts", hosts),
        _check_share("one companion per host", picks),
        _check_deconvolved(deconvolved),
    )


def _method_checks(
    methods: MethodRival | NotRun, subsets: tuple[SubsetFit, ...]
) -> tuple[Check, ...]:
    rival = methods if isinstance(methods, NotRun) else methods.test
    without = [fit for fit in subsets if fit.name.startswith("without ")]
    within = [fit for fit in subsets if fit.name.startswith("within ")]
    return (
        _check_test("one population per method", rival, Bears.METHOD),
        _check_many("without each method", without, all),
        _check_many("within some method", within, any),
    )


def _check_test(
    name: str, test: RatioTest | NotRun, bears: Bears = Bears.EXISTENCE
) -> Check:
    if isinstance(test, NotRun):
        return Check(name, bears, required=True, passed=None, numbers=test.reason)
    numbers = f"p = {test.p:.2g} from {test.n_draws} draws"
    return Check(name, bears, required=True, passed=test.p <= ALPHA, numbers=numbers)


def _check_share(name: str, resampling: HostResampling | NotRun) -> Check:
    kind = Bears.EXISTENCE
    if isinstance(resampling, NotRun):
        return Check(name, kind, required=False, passed=None, numbers=resampling.reason)
    share = resampling.share_two
    n_fitted = resampling.n_samples - resampling.n_failed
    numbers = f"two preferred in {round(share * n_fitted)} of {n_fitted}"
    return Check(name, kind, required=False, passed=share >= MIN_SHARE, numbers=numbers)


def _check_deconvolved(selection: DeconvolvedSelection | NotRun) -> Check:
    name, kind = "behind the errors", Bears.EXISTENCE
    if isinstance(selection, NotRun):
        return Check(name, kind, required=False, passed=None, numbers=selection.reason)
    delta = selection.delta_bic
    passed = None if delta is None else delta > 0
    return Check(name, kind, required=False, passed=passed, numbers=_delta_words(delta))


def _check_subset(subsets: tuple[SubsetFit, ...], name: str) -> Check:
    (fit,) = (fit for fit in subsets if fit.name == name)
    return Check(
        name,
        Bears.EXISTENCE,
        required=False,
        passed=fit.prefers_two,
        numbers=_subset_words(fit),
    )


def _check_many(
    name: str, fits: list[SubsetFit], rule: Callable[[list[bool]], bool]
) -> Check:
    """Check a rule (all, any) over the subsets that could be asked."""
    asked = [bool(fit.prefers_two) for fit in fits if fit.prefers_two is not None]
    return Check(
        name,
        Bears.METHOD,
        required=False,
        passed=rule(asked) if asked else None,
        numbers="; ".join(f"{fit.name}: {_subset_words(fit)}" for fit in fits),
    )


def _subset_words(fit: SubsetFit) -> str:
    if fit.delta_bic is None:
        return f"not run ({fit.not_run})"
    p = "" if fit.p is None else f", p = {fit.p:.2g}"
    return f"{_delta_words(fit.delta_bic)}{p} ({fit.n_rows} rows, {fit.n_hosts} hosts)"


def _delta_words(delta: float | None) -> str:
    if delta is None:
        return "two components leave one with too few hosts"
    return f"BIC(1) - BIC(2) = {delta:.1f}"
