"""How fast the compiled logistic pipeline is, against scikit-learn doing the same.

    python -m benchmarks.classifier

One fit chooses C over five folds, calibrates and refits; both give the same.
"""

import time
from collections.abc import Callable

import numpy as np

from panoptic.demographics.penalised_logistic import fit_compiled
from tests import oracles_origin_classifier as library

SEED, N_ROWS, N_FEATURES = 6894, 130, 4


def seconds(work: Callable[[], object], *, repeats: int) -> float:
    """The least time of one call."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    rng = np.random.default_rng(SEED)
    x = rng.normal(size=(N_ROWS, N_FEATURES))
    label = (x[:, 0] + rng.normal(size=N_ROWS) > 0.8).astype(np.int64)
    x[rng.random(x.shape) < 0.3] = np.nan
    fold = rng.integers(0, 5, size=N_ROWS)

    def compiled() -> np.ndarray:
        fit = fit_compiled(x, label, folds=fold[None], n_scaled=N_FEATURES)
        return fit.logit(x)

    def written_out() -> np.ndarray:
        c = library.best_c(x, label, fold)
        offset, slope = library.platt(library.held_out(x, label, fold, c), label)
        return offset + slope * library.pipeline(c).fit(x, label).decision_function(x)

    difference = np.abs(compiled() - written_out()).max()
    fast, slow = seconds(compiled, repeats=50), seconds(written_out, repeats=5)
    print(f"scikit-learn {slow * 1e3:8.2f} ms a fit")
    print(f"compiled     {fast * 1e3:8.2f} ms a fit, {slow / fast:.0f} times as fast")
    print(f"largest difference of a log-odds {difference:.1e}")


if __name__ == "__main__":
    main()
