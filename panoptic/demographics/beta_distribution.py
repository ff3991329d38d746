"""The Beta distribution that fits best: maximum, intervals, for many resamples at once.

The support is [0, 1]; all searches run in the natural logarithms of alpha and beta.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from panoptic.demographics.beta_kernels import (
    climb_all,
    completed_sums,
    lnl_all,
    profile_all,
)
from panoptic.demographics.beta_likelihood import BetaLikelihood

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class BetaMaxima:
    """The maxima of the likelihoods of R resamples.

    log_parameters : (R, 2) natural logarithms of alpha and beta.
    lnl : (R,).
    converged : (R,); False where the data do not bound a parameter.
    information : (R, 3) of the log parameters, observed: (11), (12), (22).
    """

    log_parameters: Floats
    lnl: Floats
    converged: Flags
    information: Floats

    @property
    def alpha(self) -> Floats:
        return np.exp(self.log_parameters[:, 0])

    @property
    def beta(self) -> Floats:
        return np.exp(self.log_parameters[:, 1])

    @property
    def standard_errors(self) -> Floats:
        """Standard errors of alpha and beta from the observed information, (R, 2)."""
        i11, i12, i22 = self.information.T
        variances = np.stack([i22, i11], axis=1) / (i11 * i22 - i12**2)[:, None]
        return np.exp(self.log_parameters) * np.sqrt(variances)


def maximise(likelihood: BetaLikelihood) -> BetaMaxima:
    """Maximise by Newton's method.

    The term of the Hessian that holds the score is left out, as it vanishes at the
    maximum; where the rest is not positive, the information of complete data takes its
    place. A resample without a maximum (equal values, nothing but limits) comes back
    not converged.
    """
    found = np.empty((len(likelihood), 5))
    lnl = np.empty(len(likelihood))
    converged = climb_all(
        likelihood.sums, likelihood.nodes, likelihood.counts, found, lnl
    )
    return BetaMaxima(found[:, :2], lnl, converged, found[:, 2:])


def maximise_by_em(
    likelihood: BetaLikelihood, *, tolerance: float = 1e-10, max_turns: int = 20_000
) -> BetaMaxima:
    """Maximise by expectation and maximisation: slower, another way to the same top.

    Each turn replaces what is not known by its mean under the current Beta, and fits a
    Beta to the completed sums.
    """
    place = np.zeros((len(likelihood), 2))
    nothing_unknown = np.empty((3, 0, 0)), np.empty((len(likelihood), 0))
    for _ in range(max_turns):
        sums = completed_sums(
            place, likelihood.sums, likelihood.nodes, likelihood.counts
        )
        completed = maximise(BetaLikelihood(sums, *nothing_unknown))
        change = np.abs(completed.log_parameters - place).max()
        place = completed.log_parameters
        if change < tolerance:
            break
    lnl = log_likelihood(likelihood, place)
    return BetaMaxima(place, lnl, completed.converged, completed.information)


def log_likelihood(likelihood: BetaLikelihood, log_parameters: Floats) -> Floats:
    """Return lnL of each resample at its (log alpha, log beta), (R,)."""
    return lnl_all(log_parameters, likelihood.sums, likelihood.nodes, likelihood.counts)


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
    tops = np.hstack([maxima.log_parameters, maxima.information])
    ends = profile_all(
        tops,
        maxima.lnl,
        likelihood.sums,
        likelihood.nodes,
        likelihood.counts,
        float(np.sqrt(chi2.ppf(level, 1))),
    )
    ends[~maxima.converged] = np.nan
    return np.exp(ends)
