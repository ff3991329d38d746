"""How fast the mixtures are: against astroML, scikit-learn and loops of our own.

    python -m benchmarks.statistics_mixture

Both sides fit the same rows in the same run, and must agree.
"""

import copy
import os

# Before numpy is imported: the products of small matrices are slower on many threads.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import time
import warnings
from collections.abc import Callable

import numba
import numpy as np
from sklearn.mixture import GaussianMixture

from panoptic.demographics.extreme_deconvolution import (
    climb_deconvolution,
    deconvolve,
    error_covariances,
)
from panoptic.demographics.gaussian_mixture import (
    CovarianceFamily,
    best_lnl,
    effort,
    fit_mixtures,
)
from panoptic.demographics.mass_mixture import investigate_mass_mixture
from tests.oracles_mixture import two_populations

N_ROWS = 60
N_WIDE = 134
N_SAMPLES = 300
FULL = CovarianceFamily.FULL


def seconds(action: Callable[[], object], repeats: int = 5) -> float:
    """Return the shortest of several times."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


def show(title: str, fast: float, slow: float, difference: float) -> None:
    print(
        f"{title:<52}{1e3 * fast:>9.2f} ms {1e3 * slow:>9.1f} ms "
        f"{slow / fast:>6.0f} x   {difference:.1e}"
    )


def against_astroml(rows: np.ndarray, errors: np.ndarray, rng) -> None:
    """Deconvolve with two components: the same steps, and fits to convergence."""
    from astroML.density_estimation import XDGMM

    host = np.arange(len(rows))
    title = f"deconvolution, {len(rows)} rows"

    def theirs(max_iter, tol):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = XDGMM(2, max_iter=max_iter, tol=tol, random_state=0)
            return model.fit(rows, errors)

    start = theirs(1, 1e9)  # astroML's own start, one step on

    def ours_from_start(n_steps, tolerance):
        state = (start.alpha[None].copy(), start.mu[None].copy(), start.V[None].copy())
        return climb_deconvolution(rows, errors, *state, n_steps, tolerance)[0][0]

    def their_steps():
        model = copy.deepcopy(start)
        for _ in range(200):
            model.logL(rows, errors)
            model._EMstep(rows, errors)
        return model.logL(rows, errors)

    apart = abs(ours_from_start(200, -1.0) - their_steps())
    fast = seconds(lambda: ours_from_start(200, -1.0))
    show(f"{title}, the same 200 steps", fast, seconds(their_steps, 2), apart)

    model = theirs(5000, 1e-9)
    fit = deconvolve(rows, errors, n_components=2, host=host, rng=rng)
    slow = seconds(lambda: theirs(5000, 1e-9), 2)
    apart = abs(ours_from_start(5000, 1e-9) - model.logL(rows, errors))
    fast = seconds(lambda: ours_from_start(5000, 1e-9))
    show(f"{title}, one start to convergence", fast, slow, apart)
    apart = abs(fit.lnl - model.logL(rows, errors))
    fast = seconds(lambda: deconvolve(rows, errors, n_components=2, host=host, rng=rng))
    show(f"{title}, our 217 starts against 1", fast, slow, apart)


def overlapping(n: int, rng: np.random.Generator) -> np.ndarray:
    """Make rows of two groups that overlap, as the window's two do."""
    is_wide = rng.random(n) < 0.3
    narrow = rng.normal(size=(n, 2)) * [0.4, 0.3] + [-4.5, -1.5]
    wide = rng.normal(size=(n, 2)) * [1.2, 0.9] + [-2.6, -0.2]
    return np.where(is_wide[:, None], wide, narrow)


def against_sklearn(rng: np.random.Generator) -> None:
    """Fit two full components to many samples, twelve starts each."""
    samples = rng.standard_normal((N_SAMPLES, N_ROWS, 2))
    samples += 3.0 * (rng.random((N_SAMPLES, N_ROWS, 1)) < 0.3)
    search = effort(n_starts=12, short_iterations=1000, n_polish=12, tolerance=1e-8)

    def ours():
        return best_lnl(
            samples, host=np.arange(N_ROWS), n_components=[2], search=search, rng=rng
        )

    part = samples[:10]

    def theirs():
        return [
            GaussianMixture(
                2, n_init=12, tol=1e-10, max_iter=1000, reg_covar=1e-9, random_state=0
            )
            .fit(rows)
            .score(rows)
            * N_ROWS
            for rows in part
        ]

    lnl = ours()[: len(part), 0]
    slow = seconds(theirs, 1) * N_SAMPLES / len(part)
    # Where scikit-learn ends in a spike, which we refuse, the two do not compare.
    apart = np.abs(lnl - theirs())
    show(
        f"{N_SAMPLES} samples of {N_ROWS}, 12 starts, scikit-learn",
        seconds(ours, 3),
        slow,
        float(np.median(apart)),
    )


def the_search(rng: np.random.Generator) -> None:
    """Fit K = 1 to 5 by four families with the starts of a reported fit."""
    made = two_populations(N_ROWS, rng)
    rows = np.column_stack([made.log_q, made.log_a])

    def search():
        return fit_mixtures(
            rows,
            host=made.host,
            n_components=range(1, 6),
            families=tuple(CovarianceFamily),
            rng=np.random.default_rng(1),
        )

    search()
    print(f"20 mixtures of {N_ROWS} rows, 204 starts each: {seconds(search):.2f} s")


def the_whole(rng: np.random.Generator) -> None:
    """Ask everything of samples of the window's sizes, 999 draws, 1000 resamples."""
    narrow, wide = two_populations(N_ROWS, rng), two_populations(N_WIDE, rng)

    def everything():
        return investigate_mass_mixture(
            narrow,
            narrow,
            wide,
            wide,
            q_split=0.01,
            n_bootstrap=1000,
            n_permutations=999,
            rng=np.random.default_rng(1),
        )

    everything()
    for n_threads in range(1, numba.config.NUMBA_NUM_THREADS + 1):
        numba.set_num_threads(n_threads)
        took = seconds(everything, 1)
        print(f"the whole investigation, {n_threads} thread(s): {took:.1f} s")


def main() -> None:
    rng = np.random.default_rng(6894)
    print(f"{'':<52}{'ours':>12} {'theirs':>12} {'ratio':>8}   difference in lnL")
    for n in (N_ROWS, N_WIDE):
        against_astroml(
            overlapping(n, rng), error_covariances(two_populations(n, rng))[0], rng
        )
    against_sklearn(rng)
    the_search(rng)
    the_whole(rng)


if __name__ == "__main__":
    main()
