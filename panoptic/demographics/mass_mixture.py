"""One population of companions or several, in mass ratio and orbit?"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from panoptic.demographics.companions import Companions
from panoptic.demographics.mixture_selection import (
    MassMixtureSelection,
    fit_mass_mixtures,
)
from panoptic.statement import NotRun, Statement, Verdict

Progress = Callable[[int, int], None]

MIN_DELTA_BIC = 10.0  # "very strong" evidence by Kass & Raftery 1995 (unverified)


@dataclass(frozen=True, slots=True)
class MassMixtureFindings:
    """What mixtures say about the companions, sample by sample."""

    verdict: Verdict | None  # of the main sample; None where it could not be asked
    main: MassMixtureSelection | NotRun  # M_star, M_c, a and e; no limits
    with_limits: MassMixtureSelection | NotRun  # the same with mass limits
    mass_orbit: MassMixtureSelection | NotRun  # e not needed
    mass_orbit_with_limits: MassMixtureSelection | NotRun


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
    progress: Progress | None = None,
) -> MassMixtureFindings:
    """Ask all four samples, and judge by the main one."""
    samples = (main, with_limits, mass_orbit, mass_orbit_with_limits)
    selections = []
    for done, companions in enumerate(samples, start=1):
        selections.append(
            fit_mass_mixtures(
                companions.log_q, companions.log_a, host=companions.host, rng=rng
            )
        )
        if progress:
            progress(done, len(samples))
    return MassMixtureFindings(_judge(selections[0]), *selections)


def state_mass_mixture(findings: MassMixtureFindings) -> tuple[Statement, ...]:
    """Say what the mixtures mean, the main sample first."""
    return (
        _state_selection("the main sample", findings.main),
        _state_selection("all rows with mass ratio and orbit", findings.mass_orbit),
    )


def _judge(selection: MassMixtureSelection | NotRun) -> Verdict | None:
    if isinstance(selection, NotRun):
        return None
    enough = (selection.delta_bic or 0.0) >= MIN_DELTA_BIC
    return Verdict.SUPPORTED if enough else Verdict.NOT_SUPPORTED


def _state_selection(name: str, selection: MassMixtureSelection | NotRun) -> Statement:
    if isinstance(selection, NotRun):
        return Statement(f"Mixtures were not fitted to {name}.", selection.reason)
    of = f"{selection.n_rows} rows on {selection.n_hosts} hosts"
    if selection.delta_bic is None:
        return Statement(f"In {name} two components could not be fitted.", of)
    word = "prefers two components" if selection.delta_bic > 0 else "prefers one"
    return Statement(
        f"In {name} the BIC {word} in (log q, log a).",
        f"BIC(1) - BIC(2) = {selection.delta_bic:.1f}, {of}",
        "a preference for two Gaussians is not yet two populations",
    )
