"""One population of companions or several, in mass ratio and orbit?"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from panoptic.demographics.companions import Companions
from panoptic.demographics.deuterium_limit import (
    DeuteriumContinuity,
    examine_deuterium_limit,
    state_deuterium_limit,
)
from panoptic.demographics.dip_test import DipTest
from panoptic.demographics.mixture_selection import (
    MassMixtureSelection,
    fit_mass_mixtures,
)
from panoptic.demographics.mixture_verdict import (
    ALPHA,
    MIN_DELTA_BIC,
    MIN_SHARE,
    Bears,
    Dips,
    MixtureEvidence,
    gather_evidence,
)
from panoptic.statement import NotRun, Statement, Verdict

Progress = Callable[[int, int], None]

MAIN = "the main sample"
MASS_ORBIT = "the sample of all rows with mass ratio and orbit"

_RULE = Statement(
    "The rule of the verdict on one population or two: supported if every check finds "
    "two; driven by detection method if all checks on existence do but one on methods "
    "does not; else not supported.",
    evidence=(
        f"On existence: BIC(1) - BIC(2) >= {MIN_DELTA_BIC:g}; p <= {ALPHA:g} against "
        "one Gaussian and against one smooth population; two preferred in at least "
        f"{MIN_SHARE:g} of the draws of hosts and of one companion per host, behind "
        f"the errors, and by true masses alone. On methods: p <= {ALPHA:g} against one "
        "smooth population per method; two preferred without each method, and within "
        "some one method"
    ),
    caveat=(
        "a check that cannot be asked for want of hosts is passed over, but for the "
        "BIC and the three p values: without these the verdict is not supported"
    ),
)

# The wider sample is not the one that is judged, and costs more: a fifth of the draws
# shows p down to 0.005.
_DRAWS_PER_WIDE_DRAW = 5
_MIN_DRAWS = 99


@dataclass(frozen=True, slots=True)
class MassRatioGap:
    """The widest stretch of log q without a row of the main sample."""

    q_low: float
    q_high: float
    n_mass_orbit_inside: int  # rows inside it once e is not demanded
    methods_inside: tuple[str, ...]  # that found them


@dataclass(frozen=True, slots=True)
class MassMixtureFindings:
    """What mixtures say about the companions, sample by sample."""

    verdict: Verdict | None  # of the main sample; None where it could not be asked
    main: MassMixtureSelection | NotRun  # M_star, M_c, a and e; no limits
    with_limits: MassMixtureSelection | NotRun  # the same with mass limits
    mass_orbit: MassMixtureSelection | NotRun  # e not needed
    mass_orbit_with_limits: MassMixtureSelection | NotRun  # with mass limits
    main_evidence: MixtureEvidence | NotRun
    mass_orbit_evidence: MixtureEvidence | NotRun
    gap: MassRatioGap | NotRun
    deuterium: DeuteriumContinuity | NotRun  # of the mass-orbit sample


def investigate_mass_mixture(
    main: Companions,
    with_limits: Companions,
    mass_orbit: Companions,
    mass_orbit_with_limits: Companions,
    *,
    q_split: float,
    n_bootstrap: int,
    n_permutations: int,
    rng: np.random.Generator,
    max_components: int = 5,
    progress: Progress | None = None,
) -> MassMixtureFindings:
    """Fit all four samples, question two of them, and judge by the main one.

    Parameters
    ----------
    n_bootstrap : resamples of hosts.
    n_permutations : draws from each null of the main sample; the mass-orbit sample
        gets a fifth. The counts made stand in the results.
    progress : called with (questions answered, questions).

    Rows without a finite log q and log a are left out. A sample that cannot be fitted
    is NotRun, and so is what hangs on it.
    """
    given = (main, with_limits, mass_orbit, mass_orbit_with_limits)
    samples = [_placed(sample) for sample in given]
    streams = rng.spawn(7)
    steps = _count_steps(progress, 7)
    selections = []
    for sample, stream in zip(samples, streams[:4], strict=True):
        axes = sample.log_q, sample.log_a
        selections.append(
            fit_mass_mixtures(
                *axes, host=sample.host, max_components=max_components, rng=stream
            )
        )
        next(steps)
    wide = max(min(n_permutations, _MIN_DRAWS), n_permutations // _DRAWS_PER_WIDE_DRAW)
    evidence = []
    for at, n_draws, stream in ((0, n_permutations, streams[4]), (2, wide, streams[5])):
        selection = selections[at]
        evidence.append(
            selection
            if isinstance(selection, NotRun)
            else gather_evidence(
                samples[at],
                selection,
                q_split=q_split,
                n_bootstrap=n_bootstrap,
                n_draws=n_draws,
                rng=stream,
            )
        )
        next(steps)
    deuterium = examine_deuterium_limit(
        samples[2],
        n_bootstrap=n_bootstrap,
        n_permutations=n_permutations,
        rng=streams[6],
    )
    next(steps)
    judged = evidence[0]
    return MassMixtureFindings(
        verdict=None if isinstance(judged, NotRun) else judged.verdict,
        main=selections[0],
        with_limits=selections[1],
        mass_orbit=selections[2],
        mass_orbit_with_limits=selections[3],
        main_evidence=judged,
        mass_orbit_evidence=evidence[1],
        gap=_find_gap(samples[0], samples[2]),
        deuterium=deuterium,
    )


def state_mass_mixture(findings: MassMixtureFindings) -> tuple[Statement, ...]:
    """Say what the mixtures mean, the verdict on the main sample first."""
    return (
        _state_verdict(MAIN, findings.main, findings.main_evidence),
        _state_verdict(MASS_ORBIT, findings.mass_orbit, findings.mass_orbit_evidence),
        *_state_number(findings.main, findings.main_evidence),
        *_state_dips(MAIN, findings.main_evidence),
        *_state_dips(MASS_ORBIT, findings.mass_orbit_evidence),
        *_state_gap(findings.gap),
        *state_deuterium_limit(findings.deuterium),
        _RULE,
    )


def _placed(companions: Companions) -> Companions:
    """Keep the rows that have a place in (log q, log a)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        place = np.isfinite(companions.log_q) & np.isfinite(companions.log_a)
    return companions.where(place)


def _count_steps(progress: Progress | None, total: int) -> Iterator[None]:
    """Report a step done each time it is asked for the next."""
    for done in range(1, total + 1):
        if progress:
            progress(done, total)
        yield


def _find_gap(main: Companions, mass_orbit: Companions) -> MassRatioGap | NotRun:
    q = np.unique(main.q)
    if len(q) < 2:
        return NotRun(f"{len(q)} values of q have no gap between them")
    widest = int(np.argmax(np.diff(np.log10(q))))
    low, high = float(q[widest]), float(q[widest + 1])
    inside = (mass_orbit.q > low) & (mass_orbit.q < high)
    methods = tuple(str(name) for name in np.unique(mass_orbit.method[inside]))
    return MassRatioGap(low, high, int(inside.sum()), methods)


def _state_verdict(
    name: str,
    selection: MassMixtureSelection | NotRun,
    evidence: MixtureEvidence | NotRun,
) -> Statement:
    if isinstance(selection, NotRun):
        return Statement(f"Mixtures were not fitted to {name}.", selection.reason)
    if isinstance(evidence, NotRun):
        return Statement(f"Two populations were not judged in {name}.", evidence.reason)
    text = {
        Verdict.SUPPORTED: (
            f"In {name} two populations in mass ratio and orbit are supported, within "
            "detection methods as well as across them."
        ),
        Verdict.NOT_SUPPORTED: (
            f"In {name} two populations in mass ratio and orbit are not supported."
        ),
        Verdict.DRIVEN_BY_METHOD: (
            f"In {name} two groups in mass ratio and orbit are found, but the split is "
            "driven by detection method: what each method finds is no more than one "
            "population."
        ),
    }[evidence.verdict]
    of = f"{selection.n_rows} rows on {selection.n_hosts} hosts"
    return Statement(text, f"{of}; {_checks_in_words(evidence)}", _caveat(evidence))


def _checks_in_words(evidence: MixtureEvidence) -> str:
    word = {True: "two", False: "one", None: "not run"}
    return "; ".join(
        f"{check.name}: {word[check.passed]} ({check.numbers})"
        for check in evidence.checks
    )


def _caveat(evidence: MixtureEvidence) -> str:
    """Say what the verdict hangs on."""
    failed = [check for check in evidence.checks if check.passed is False]
    unasked = [check.name for check in evidence.checks if check.passed is None]
    parts = []
    if evidence.verdict is Verdict.SUPPORTED:
        parts.append("it would fall if any check that holds failed with more hosts")
    elif failed:
        names = ", ".join(check.name for check in failed)
        parts.append(f"it would change if this held too: {names}")
    if any(check.bears is Bears.METHOD for check in failed):
        parts.append(
            "this does not show that there is one population: it takes one survey that "
            "finds hosts enough on both sides"
        )
    if unasked:
        parts.append(f"too few hosts to ask: {', '.join(unasked)}")
    return "; ".join(parts)


def _state_number(
    selection: MassMixtureSelection | NotRun, evidence: MixtureEvidence | NotRun
) -> tuple[Statement, ...]:
    """Say how many components the wide search prefers, and how firmly."""
    if isinstance(selection, NotRun) or isinstance(evidence, NotRun):
        return ()
    by_bic, by_icl = selection.best_by_bic, selection.best_by_icl
    text = (
        f"Over all families the BIC takes {by_bic.n_components} {by_bic.family} "
        f"components in {MAIN}, the ICL {by_icl.n_components} {by_icl.family}."
    )
    tests = ", ".join(
        f"K = {k} against {k + 1}: p = {test.p:.2g} from {test.n_draws} draws"
        for k, test in enumerate(evidence.tests, start=1)
    )
    parts = [f"BIC {by_bic.bic:.1f} and ICL {by_icl.icl:.1f}", f"full family {tests}"]
    if not isinstance(evidence.hosts, NotRun):
        counts = ", ".join(
            f"K = {k}: {count}" for k, count in enumerate(evidence.hosts.k_counts, 1)
        )
        parts.append(f"of {evidence.hosts.n_samples} draws of hosts {counts}")
    caveat = (
        "beyond two components the optimum of so few rows depends on the covariance "
        "floor and on the starts: a description, not a count of populations"
    )
    return (Statement(text, "; ".join(parts), caveat),)


def _state_dips(name: str, evidence: MixtureEvidence | NotRun) -> tuple[Statement, ...]:
    if isinstance(evidence, NotRun):
        return ()
    dips: Dips = evidence.dips
    axes = (
        ("log q", dips.log_q, dips.log_q_hosts),
        ("log a", dips.log_a, dips.log_a_hosts),
    )
    return tuple(
        _state_dip(f"{axis} of {name}", row, by_host)
        for axis, row, by_host in axes
        if isinstance(row, DipTest) and isinstance(by_host, DipTest)
    )


def _state_dip(axis: str, row: DipTest, by_host: DipTest) -> Statement:
    modes = "more than one mode" if row.p <= ALPHA else "no sign of a second mode"
    return Statement(
        f"By itself {axis} shows {modes}.",
        f"dip {row.dip:.3f}, p = {row.p:.2g} ({row.n_values} rows); by host "
        f"{by_host.dip:.3f}, p = {by_host.p:.2g} ({by_host.n_values})",
        "the dip sees modes, not populations: overlapping ones make none",
    )


def _state_gap(gap: MassRatioGap | NotRun) -> tuple[Statement, ...]:
    if isinstance(gap, NotRun):
        return ()
    text = (
        f"{MAIN.capitalize()} has no mass ratio between {gap.q_low:.2g} and "
        f"{gap.q_high:.2g}."
    )
    if gap.n_mass_orbit_inside == 0:
        return (Statement(text, "nor have rows without an eccentricity"),)
    methods = ", ".join(gap.methods_inside)
    return (
        Statement(
            text,
            f"{gap.n_mass_orbit_inside} rows without an eccentricity lie there "
            f"({methods})",
            "the gap is partly the demand for an eccentricity",
        ),
    )
