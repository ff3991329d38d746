"""How fast the Beta fits are: batched bootstraps against loops over scipy's fit.

    python -m benchmarks.statistics_eccentricity

Both sides fit the same resamples in the same run. Of the loop a part is timed and
scaled up; that part is also where the results are compared.
"""

import os

# Before numpy is imported: the products of small matrices are slower on many threads.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import time
import warnings
from collections.abc import Callable

import numpy as np
from scipy import optimize, stats

from panoptic.demographics.beta_distribution import (
    maximise,
    maximise_by_em,
    profile_intervals,
)
from panoptic.demographics.beta_likelihood import (
    BetaLikelihood,
    exactly_known,
    known_within,
)

N_ROWS = 57
N_BOOTSTRAP = 10_000
N_LOOPED = 500
N_CENSORED_LOOPED = 20
LIMIT = 0.05
REPEATS = 7


def seconds(action: Callable[[], object], repeats: int = REPEATS) -> float:
    """Return the shortest of several times."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


def show(title: str, fast: float, slow: float, n: int, difference: float) -> None:
    print(
        f"{title:<34}{1e6 * fast / n:>9.2f} us {1e6 * slow / n:>10.1f} us "
        f"{slow / fast:>8.0f} x   {difference:.1e}"
    )


def known_values(rng: np.random.Generator) -> None:
    x = rng.beta(0.5, 4.5, N_ROWS)
    rows = exactly_known(x)
    weights = rng.multinomial(N_ROWS, np.full(N_ROWS, 1 / N_ROWS), N_BOOTSTRAP)
    weights = weights.astype(np.float64)

    def batched():
        return maximise(BetaLikelihood.of_rows(rows, weights=weights))

    def looped():
        counts = weights[:N_LOOPED].astype(int)
        return np.array(
            [stats.beta.fit(np.repeat(x, c), floc=0, fscale=1)[:2] for c in counts]
        )

    fast = batched()
    ours = np.stack([fast.alpha, fast.beta], axis=1)[:N_LOOPED]
    difference = np.abs(ours / looped() - 1.0).max()
    show(
        f"bootstrap, {N_ROWS} known values",
        seconds(batched),
        seconds(looped, 3) * N_BOOTSTRAP / N_LOOPED,
        N_BOOTSTRAP,
        difference,
    )


def limits(rng: np.random.Generator) -> None:
    x = rng.beta(0.5, 4.5, N_ROWS)
    seen = x >= LIMIT
    rows = known_within(
        np.where(seen, x, np.nan), np.zeros(N_ROWS), np.full(N_ROWS, LIMIT)
    )
    weights = rng.multinomial(N_ROWS, np.full(N_ROWS, 1 / N_ROWS), N_BOOTSTRAP)
    weights = weights.astype(np.float64)

    def batched():
        return maximise(BetaLikelihood.of_rows(rows, weights=weights))

    def one_by_scipy(counts, **options):
        data = stats.CensoredData(
            uncensored=np.repeat(x[seen], counts[seen]),
            left=np.full(counts[~seen].sum(), LIMIT),
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its starting values
            return stats.beta.fit(data, floc=0, fscale=1, **options)[:2]

    def looped(**options):
        counts = weights[:N_CENSORED_LOOPED].astype(int)
        return np.array([one_by_scipy(c, **options) for c in counts])

    def to_the_end(lnl, start, args, disp):
        return optimize.fmin(lnl, start, args, xtol=1e-9, ftol=1e-9, disp=disp)

    fast = batched()
    ours = np.stack([fast.alpha, fast.beta], axis=1)[:N_CENSORED_LOOPED]
    # scipy's simplex stops at 1e-4 of its own accord; compared is where it ends.
    difference = np.abs(ours / looped(optimizer=to_the_end) - 1.0).max()
    show(
        f"bootstrap, {int((~seen).sum())} of them limits",
        seconds(batched, 3),
        seconds(looped, 1) * N_BOOTSTRAP / N_CENSORED_LOOPED,
        N_BOOTSTRAP,
        difference,
    )
    few = BetaLikelihood.of_rows(rows, weights=weights[:200])
    direct, by_em = maximise(few), maximise_by_em(few)
    show(
        "the same, Newton against EM",
        seconds(lambda: maximise(few), 3),
        seconds(lambda: maximise_by_em(few), 1),
        200,
        np.abs(np.expm1(direct.log_parameters - by_em.log_parameters)).max(),
    )
    best = maximise(few)
    each = seconds(lambda: profile_intervals(few, best, level=0.95), 3) / 200
    print(f"{'four ends of profile intervals':<34}{1e6 * each:>9.2f} us")


def main() -> None:
    rng = np.random.default_rng(57)
    print(f"{'per fit':<34}{'here':>12} {'reference':>13} {'ratio':>10}   difference")
    known_values(rng)
    limits(rng)


if __name__ == "__main__":
    main()
