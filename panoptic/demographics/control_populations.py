"""Made-up populations at the sample's own sizes: what the rules say of a known truth.

A verdict is worth what its rule does where the truth is known. So the rows, hosts,
methods and censoring of the sample are kept, and what is asked about is drawn anew:
from two populations, from one, and from one that the detection methods see in parts.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from panoptic.demographics.beta_distribution import maximise
from panoptic.demographics.beta_likelihood import BetaLikelihood
from panoptic.demographics.companions import Companions, Flags, Floats
from panoptic.demographics.eccentricity_contrast import SIGNIFICANCE, judge_headline
from panoptic.demographics.eccentricity_passes import HEADLINE, apply_policy
from panoptic.demographics.gaussian_mixture import (
    CovarianceFamily,
    MixtureFit,
    fit_mixtures,
    responsibilities,
)
from panoptic.demographics.mixture_rivals import weigh_methods
from panoptic.demographics.power import BOWLER_BROWN_DWARFS, KIPPING_ALL, BetaLaw
from panoptic.demographics.variant_measures import delta_bics
from panoptic.sample import EccKind
from panoptic.statement import NotRun, Verdict

Progress = Callable[[int, int], None]

_FULL = CovarianceFamily.FULL
CONTROL_PERMUTATIONS = 199  # of each simulated sample; enough to tell 5 %
VERY_STRONG = 10.0  # BIC(1) - BIC(2); Kass & Raftery 1995 (unverified)
TIDAL_AXIS_AU = 0.1  # inside it the null with tides has its own law of e
SAMPLES_PER_METHOD_TEST = 10  # one costs as much as a hundred samples
METHOD_DRAWS = 19  # from the null of each: the least that can show 5 %
_MAX_REDRAWS = 200


class Population(StrEnum):
    """What was put in."""

    TWO = "two populations"
    ONE = "one population"
    ONE_IN_PARTS = "one population seen in parts"


@dataclass(frozen=True, slots=True)
class MixtureControl:
    """How often the BIC finds two components in samples of a known population."""

    population: Population  # what was put in
    how: str  # in words
    n_simulations: int  # samples made
    n_rows: int  # of each
    n_hosts: int  # of each
    share_two: float  # BIC prefers two components
    share_very_strong: float  # by at least 10
    n_method_tests: int  # of them also held against one population per method
    share_beyond_methods: float | None  # of these, two are better still (p <= 0.05)


@dataclass(frozen=True, slots=True)
class EccentricityControl:
    """What the verdict on the eccentricities is for samples of a known population."""

    population: Population  # what was put in
    how: str  # in words
    n_simulations: int  # samples made
    n_rows: int  # of each
    n_hosts: int  # of each
    share_supported: float  # verdict: supported
    share_driven_by_method: float  # verdict: driven by detection method
    share_not_supported: float  # verdict: not supported


def control_mixture(
    main: Companions,
    mass_orbit: Companions,
    *,
    n_simulations: int,
    rng: np.random.Generator,
) -> tuple[MixtureControl, ...] | NotRun:
    """Ask one component or two of samples like the main one.

    *Two populations*: every row from the component of the sample's own two-component
    fit that it most likely belongs to. *One*: every row from the Gaussian fitted to the
    sample. *One, in parts*: from the Gaussian fitted to all rows with an orbit, each
    row inside the box (log q, log a) of what its detection method has found.

    Where the preference is very strong, every tenth sample is also held against one
    smooth population per method, the check of the mixture's verdict that asks for
    methods.
    """
    rows = np.column_stack([main.log_q, main.log_a])
    fits = fit_mixtures(
        rows, host=main.host, n_components=[1, 2], families=[_FULL], rng=rng
    )
    one, two = fits[_FULL, 1], fits[_FULL, 2]
    if isinstance(one, NotRun):
        return one
    all_rows = np.column_stack([mass_orbit.log_q, mass_orbit.log_a])
    mean, covariance = all_rows.mean(axis=0), np.cov(all_rows.T, bias=True)
    size = (n_simulations, len(main))
    made = {
        Population.ONE: (
            "the Gaussian fitted to the sample",
            rng.multivariate_normal(one.means[0], one.covariances[0], size=size),
        ),
        Population.ONE_IN_PARTS: (
            "one Gaussian through the range of each detection method",
            _seen_in_parts(main, mass_orbit, mean, covariance, n_simulations, rng),
        ),
    }
    if not isinstance(two, NotRun):
        share = responsibilities(rows, two.weights, two.means, two.covariances)
        made = {
            Population.TWO: (
                "the two components fitted to the sample",
                _from_components(share.argmax(axis=1), two, n_simulations, rng),
            )
        } | made
    return tuple(
        _mixture_control(population, how, samples, main, rng)
        for population, (how, samples) in made.items()
    )


def control_eccentricities(
    main: Companions, *, q_split: float, n_simulations: int, rng: np.random.Generator
) -> tuple[EccentricityControl, ...] | NotRun:
    """Ask for the verdict on the eccentricities of samples like the main one.

    What was measured stays measured, what was a limit is again one wherever the drawn
    e lies below it. *Two populations*: low q from Kipping's law of planets, high q from
    Bowler's of brown dwarfs. *One*: all from the Beta fitted to all rows. *One, in
    parts*: one Beta inside `TIDAL_AXIS_AU` and one outside, each fitted to the rows
    there, whatever their q: tides, which methods reach differently.
    """
    high = main.q > q_split
    if not high.any() or high.all():
        side = "low" if high.all() else "high"
        return NotRun(f"none of {len(main)} rows has a {side} q")
    near = main.a_au < TIDAL_AXIS_AU
    law = _fitted_law(main, np.ones(len(main), dtype=bool))
    if law is None:
        return NotRun(f"no Beta fits the eccentricities of {len(main)} rows")
    inner, outer = _fitted_law(main, near) or law, _fitted_law(main, ~near) or law
    plans = {
        Population.TWO: (
            "low q from Beta(0.867, 3.03), high q from Beta(2.30, 1.65)",
            high,
            (KIPPING_ALL, BOWLER_BROWN_DWARFS),
        ),
        Population.ONE: ("the Beta fitted to all rows", high, (law, law)),
        Population.ONE_IN_PARTS: (
            f"one Beta inside {TIDAL_AXIS_AU:g} AU, one outside",
            near,
            (outer, inner),
        ),
    }
    controls = []
    for population, (how, second, laws) in plans.items():
        verdicts = [
            judge_headline(
                with_drawn_eccentricities(main, second, laws, rng=rng),
                q_split=q_split,
                n_permutations=CONTROL_PERMUTATIONS,
                rng=rng,
            ).verdict
            for _ in range(n_simulations)
        ]
        shares = {v: verdicts.count(v) / n_simulations for v in Verdict}
        controls.append(
            EccentricityControl(
                population=population,
                how=how,
                n_simulations=n_simulations,
                n_rows=len(main),
                n_hosts=main.n_hosts,
                share_supported=shares[Verdict.SUPPORTED],
                share_driven_by_method=shares[Verdict.DRIVEN_BY_METHOD],
                share_not_supported=shares[Verdict.NOT_SUPPORTED],
            )
        )
    return tuple(controls)


def with_drawn_eccentricities(
    main: Companions,
    second: Flags,
    laws: tuple[BetaLaw, BetaLaw],
    *,
    rng: np.random.Generator,
) -> Companions:
    """Return the same rows with e drawn from one law, or the other where `second`.

    What was measured stays so; what was a limit is one where e lies below it.
    """
    drawn = np.where(
        second,
        rng.beta(laws[1].alpha, laws[1].beta, size=len(main)),
        rng.beta(laws[0].alpha, laws[0].beta, size=len(main)),
    )
    limited = (main.ecc_kind != EccKind.MEASURED) & (drawn < main.ecc_bound)
    return replace(
        main,
        ecc=np.minimum(drawn, 1.0 - 1e-9),
        ecc_kind=np.where(limited, EccKind.UPPER_LIMIT, EccKind.MEASURED).astype(str),
    )


def _mixture_control(
    population: Population,
    how: str,
    samples: Floats,
    main: Companions,
    rng: np.random.Generator,
) -> MixtureControl:
    delta = np.nan_to_num(delta_bics(samples, host=main.host, rng=rng), nan=-np.inf)
    tested = max(1, len(samples) // SAMPLES_PER_METHOD_TEST)
    beyond = [
        _beats_methods(sample, main, rng)
        for sample, gain in zip(samples[:tested], delta[:tested], strict=True)
        if gain >= VERY_STRONG
    ]
    asked = [answer for answer in beyond if answer is not None]
    return MixtureControl(
        population=population,
        how=how,
        n_simulations=len(samples),
        n_rows=len(main),
        n_hosts=main.n_hosts,
        share_two=float(np.mean(delta > 0.0)),
        share_very_strong=float(np.mean(delta >= VERY_STRONG)),
        n_method_tests=len(asked),
        share_beyond_methods=float(np.mean(asked)) if asked else None,
    )


def _beats_methods(
    sample: Floats, main: Companions, rng: np.random.Generator
) -> bool | None:
    """Whether two components beat one population per method; None if not testable."""
    found = weigh_methods(
        sample, host=main.host, method=main.method, n_draws=METHOD_DRAWS, rng=rng
    )
    return None if isinstance(found, NotRun) else found.test.p <= SIGNIFICANCE


def _from_components(
    label: NDArray[np.intp],
    fit: MixtureFit,
    n_simulations: int,
    rng: np.random.Generator,
) -> Floats:
    """Draw (S, n, 2), every row from its component."""
    lower = np.linalg.cholesky(fit.covariances)[label]
    noise = rng.standard_normal((n_simulations, len(label), 2))
    return fit.means[label] + np.einsum("nij,snj->sni", lower, noise)


def _seen_in_parts(
    main: Companions,
    mass_orbit: Companions,
    mean: Floats,
    covariance: Floats,
    n_simulations: int,
    rng: np.random.Generator,
) -> Floats:
    """Draw (S, n, 2) from one Gaussian, every row in the box of its method.

    A box that the Gaussian hardly reaches is filled evenly after `_MAX_REDRAWS`.
    """
    samples = np.empty((n_simulations, len(main), 2))
    found = np.column_stack([mass_orbit.log_q, mass_orbit.log_a])
    for method in np.unique(main.method):
        rows = np.flatnonzero(main.method == method)
        own = found[mass_orbit.method == method]
        low, high = own.min(axis=0), own.max(axis=0)
        shape = (n_simulations, len(rows))
        drawn = rng.uniform(low, high, size=(*shape, 2))
        wanted = np.ones(shape, dtype=bool)
        for _ in range(_MAX_REDRAWS):
            if not wanted.any():
                break
            fresh = rng.multivariate_normal(mean, covariance, size=int(wanted.sum()))
            fits = ((fresh >= low) & (fresh <= high)).all(axis=1)
            where = np.flatnonzero(wanted.ravel())[fits]
            drawn.reshape(-1, 2)[where] = fresh[fits]
            wanted.ravel()[where] = False
        samples[:, rows] = drawn
    return samples


def _fitted_law(companions: Companions, keep: Flags) -> BetaLaw | None:
    """The Beta of some rows, censored reading; None where none fits."""
    reading = apply_policy(companions.where(keep), HEADLINE)
    if len(reading) == 0:
        return None
    found = maximise(BetaLikelihood.of_rows(reading.beta_rows()))
    if not found.converged[0]:
        return None
    return BetaLaw(float(found.alpha[0]), float(found.beta[0]))
