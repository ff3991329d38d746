"""The Beta distribution that fits best: maximum, intervals, for many resamples at once.

The support is [0, 1]; all searches run in the natural logarithms of alpha and beta.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from panoptic.demographics.beta_kernels import (
    climb_all,
    climb_known,
    completed_sums,
    describe_all,
    profile_all,
)
from panoptic.demographics.beta_likelihood import BetaLikelihood
from panoptic.demographics.sharing import share_out

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class BetaMaxima:
    """Where the likelihoods of R resamples are greatest.

    log_parameters : (R, 2) natural logarithms of alpha and beta.
    converged : (R,); False where the data do not bound a parameter: equal values, or
        nothing but limits.
    """

    log_parameters: Floats
    converged: Flags

    @property
    def alpha(self) -> Floats:
        return np.exp(self.log_parameters[:, 0])

    @property
    def beta(self) -> Floats:
        return np.exp(self.log_parameters[:, 1])


def maximise(likelihood: BetaLikelihood) -> BetaMaxima:
    """Maximise by Newton's method.

    The term of the Hessian that holds the score is left out, as it vanishes at the
    maximum; where the rest is not positive, the information of complete data takes its
    place.
    """
    n = len(likelihood)
    places, converged = np.empty((n, 2)), np.empty(n, dtype=np.bool_)
    if not likelihood.nodes.size:
        converged = climb_known(likelihood.sums, places)
        return BetaMaxima(places, converged)

    def climb(start: int, stop: int) -> None:
        converged[start:stop] = climb_all(
            likelihood.sums[start:stop],
            likelihood.nodes,
            likelihood.counts[start:stop],
            places[start:stop],
        )

    share_out(n, climb)
    return BetaMaxima(places, converged)


def maximise_by_em(
    likelihood: BetaLikelihood, *, tolerance: float = 1e-10, max_turns: int = 20_000
) -> BetaMaxima:
    """Maximise by expectation and maximisation: slower, another way to the same top.

    Each turn replaces what is not known by its mean under the current Beta, and fits a
    Beta to the completed sums.
    """
    places = np.zeros((len(likelihood), 2))
    for _ in range(max_turns):
        sums = completed_sums(
            places, likelihood.sums, likelihood.nodes, likelihood.counts
        )
        completed = maximise(BetaLikelihood.of_sums(sums))
        change = np.abs(completed.log_parameters - places).max()
        places = completed.log_parameters
        if change < tolerance:
            return completed
    return BetaMaxima(places, np.zeros(len(places), dtype=np.bool_))


def log_likelihood(likelihood: BetaLikelihood, log_parameters: Floats) -> Floats:
    """Return lnL of each resample at its (log alpha, log beta), (R,)."""
    return describe_all(
        log_parameters, likelihood.sums, likelihood.nodes, likelihood.counts
    )[0]


def standard_errors(likelihood: BetaLikelihood, maxima: BetaMaxima) -> Floats:
    """Return those of alpha and beta from the observed information, (R, 2)."""
    _, information = describe_all(
        maxima.log_parameters, likelihood.sums, likelihood.nodes, likelihood.counts
    )
    i11, i12, i22 = information.T
    variances = np.stack([i22, i11], axis=1) / (i11 * i22 - i12**2)[:, None]
    return np.exp(maxima.log_parameters) * np.sqrt(variances)


def profile_intervals(
    likelihood: BetaLikelihood, maxima: BetaMaxima, *, level: float
) -> Floats:
    """Return where each parameter's profile likelihood falls by chi^2_1(level) / 2.

    Returns
    -------
    (R, 2, 2) array
        [resample, parameter, end] in alpha and beta; NaN where the data do not bound
        that end, or where there is no maximum.
    """
    ends = profile_all(
        maxima.log_parameters,
        likelihood.sums,
        likelihood.nodes,
        likelihood.counts,
        float(ndtri(0.5 * (1.0 + level))),  # root of chi^2 with one degree
    )
    ends[~maxima.converged] = np.nan
    return np.exp(ends)
