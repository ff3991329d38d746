"""What the shortcuts of the secular integrator settle, against brute force.

    python benchmarks/shortcuts.py [DRAWS]

Draws of the default map are followed for 1 Gyr with the shortcuts, and without them
and without a cap on steps (some 12 ms a draw). Printed: brute outcomes by what settled
a draw; how late passages happen; what the draws above the usual cap come to.
"""

import sys
import time

import numpy as np
from secular import population  # the benchmark beside this one

from panoptic.dynamics.outcomes import Outcome, Settled
from panoptic.dynamics.secular import Shortcuts, evolve
from panoptic.dynamics.triples import SecularScales

CAP = 100_000


def compare(n: int, *, seed: int = 11) -> None:
    triples, unstable = population(n, seed=seed)
    options = {
        "t_end_yr": 1e9,
        "unstable": unstable,
        "disruption_factors": (2.7, 2.0),
        "threads": 2,
    }
    start = time.perf_counter()
    fast = evolve(triples, max_steps=CAP, **options)
    between = time.perf_counter()
    brute = evolve(triples, max_steps=10**7, shortcuts=Shortcuts.NONE, **options)
    end = time.perf_counter()
    print(
        f"{n} draws: {between - start:.1f} s with shortcuts, "
        f"{end - between:.1f} s brute"
    )
    print("\nbrute outcomes of the draws that were settled by ...")
    for by in Settled:
        chosen = fast.settled_by == by
        counts = np.bincount(brute.outcome[chosen], minlength=len(Outcome))
        told = {o.name.lower(): int(counts[o]) for o in Outcome if counts[o]}
        print(f"  {by.name.lower():12s} {chosen.sum():6d}  {told}")
    passage = brute.t_inside_yr[:, 0] / SecularScales.of(triples).t_lk_yr
    disrupted = brute.outcome == Outcome.DISRUPTED
    print("\nshare of disruptions that come later than")
    for t_lk in (100, 1000, 3000, 10_000, 30_000, 100_000):
        print(f"  {t_lk:7d} t_LK: {np.mean(passage[disrupted] > t_lk):.3f}")
    capped = fast.outcome == Outcome.UNDECIDED
    counts = np.bincount(brute.outcome[capped], minlength=len(Outcome))
    print(f"\nthe {capped.sum()} undecided at {CAP} steps become")
    print("  " + str({o.name.lower(): int(counts[o]) for o in Outcome if counts[o]}))


if __name__ == "__main__":
    compare(int(sys.argv[1]) if len(sys.argv) > 1 else 4000)
