"""How often is the verdict on e right? Made catalogues with known answers, counted.

    python -m benchmarks.eccentricity_verdicts [SEEDS]

Four hundred seeds take about a minute.
"""

import sys
import time
from collections import Counter

import numpy as np

from panoptic.demographics.eccentricity_contrast import judge_headline
from panoptic.statement import Verdict
from tests.oracles_eccentricity import (
    by_axis_alone,
    each_seen_by_one_method,
    one_population,
    two_by_method_alone,
    two_in_each_method,
)

N_SEEDS = 400
N_PERMUTATIONS = 199
MADE = {
    "one population, two methods": one_population,
    "two populations inside each of two methods": two_in_each_method,
    "e depends on the method, q too, 9 of 74 rows across": two_by_method_alone,
    "each side seen by one method": each_seen_by_one_method,
    "e depends on the axis, q too": by_axis_alone,
}


def main() -> None:
    n_seeds = int(sys.argv[1]) if len(sys.argv) > 1 else N_SEEDS
    print("| made | " + " | ".join(str(verdict) for verdict in Verdict) + " |")
    print("|---|---|---|---|")
    start = time.perf_counter()
    for name, make in MADE.items():
        verdicts = Counter(
            judge_headline(
                make(np.random.default_rng([seed, 1])),
                q_split=0.01,
                n_permutations=N_PERMUTATIONS,
                rng=np.random.default_rng([seed, 2]),
            ).verdict
            for seed in range(n_seeds)
        )
        shares = " | ".join(f"{verdicts[each] / n_seeds:.2f}" for each in Verdict)
        print(f"| {name} | {shares} |", flush=True)
    print(f"{n_seeds} seeds each, {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
