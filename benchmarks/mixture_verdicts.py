"""How often is the verdict right? Made catalogues with known answers, counted.

    python -m benchmarks.mixture_verdicts [SEEDS [ROWS ...]]

Five seeds of 60 rows take about a minute on two cores; `40 60 130` half an hour.
"""

import sys
import time
from collections import Counter
from functools import partial

import numpy as np

from panoptic.demographics.companions import Companions
from panoptic.demographics.mixture_selection import fit_mass_mixtures
from panoptic.demographics.mixture_verdict import gather_evidence
from panoptic.statement import NotRun, Verdict
from tests.oracles_mixture import one_population, two_methods, two_populations

N_SEEDS = 5
N_BOOTSTRAP = 100
N_DRAWS = 199
SIZES = (60,)
MADE = {
    "one Gaussian": one_population,
    "one, a box": partial(one_population, shape="box"),
    "one, exponential in log q": partial(one_population, shape="exponential"),
    "two in each method, 35 % high": two_populations,
    "two in each method, 15 % high": partial(two_populations, share_high=0.15),
    "two, each in one method": two_methods,
    "the same, 15 % high": partial(two_methods, share_high=0.15),
}


def judge(companions: Companions, rng: np.random.Generator) -> tuple[Verdict, bool]:
    """Return the verdict, and whether BIC alone would have said two."""
    selection = fit_mass_mixtures(
        companions.log_q,
        companions.log_a,
        host=companions.host,
        max_components=2,
        rng=rng,
    )
    assert not isinstance(selection, NotRun)
    evidence = gather_evidence(
        companions,
        selection,
        q_split=0.01,
        n_bootstrap=N_BOOTSTRAP,
        n_draws=N_DRAWS,
        rng=rng,
    )
    return evidence.verdict, selection.chosen_k == 2


def main() -> None:
    n_seeds, *sizes = [int(word) for word in sys.argv[1:]] or [N_SEEDS]
    words = " | ".join(str(verdict) for verdict in Verdict)
    print(f"| made | rows | {words} | BIC prefers two |")
    print("|---|---|---|---|---|---|")
    start = time.perf_counter()
    for name, make in MADE.items():
        for n in sizes or SIZES:
            verdicts: Counter[Verdict] = Counter()
            by_bic = 0
            for seed in range(n_seeds):
                rng = np.random.default_rng([seed, n])
                verdict, two = judge(make(n, rng), rng)
                verdicts[verdict] += 1
                by_bic += two
            shares = " | ".join(f"{verdicts[each] / n_seeds:.2f}" for each in Verdict)
            print(f"| {name} | {n} | {shares} | {by_bic / n_seeds:.2f} |", flush=True)
    print(f"{n_seeds} seeds each, {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
