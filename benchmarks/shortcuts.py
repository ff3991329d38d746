"""What the shortcuts of the secular integrator settle, against brute force.

    python -m benchmarks.shortcuts [DRAWS [massive]]

Draws of the default map, or of companions of 10-75 MJup that turn the outer orbit, are
followed for 1 Gyr with the shortcuts, and without them (some 12 ms a draw) to 10 or 1
million steps. Printed: brute outcomes by what settled a draw; how close the settled
came; how late passages happen; what the draws above the usual cap come to.
"""

import sys
import time

import numpy as np

from benchmarks.secular import population
from panoptic.constants import MSUN_MJUP
from panoptic.dynamics.kozai_lidov import mardling_aarseth_ratio
from panoptic.dynamics.outcomes import Outcome, Settled
from panoptic.dynamics.reach import busiest_pericentre
from panoptic.dynamics.secular import Shortcuts, evolve
from panoptic.dynamics.triples import SecularScales, Triples

CAP = 100_000


def massive_population(n: int, *, seed: int) -> tuple[Triples, np.ndarray]:
    """Brown dwarfs on the default map's perturbers, and which are unstable."""
    rng = np.random.default_rng(seed)
    triples = Triples.of(
        host_mass_msun=rng.uniform(0.06, 0.2, n),
        companion_mass_msun=np.exp(rng.uniform(*np.log([10, 75]), n)) / MSUN_MJUP,
        perturber_mass_msun=np.exp(rng.uniform(*np.log([0.01, 0.3]), n)),
        inner_a_au=np.exp(rng.uniform(*np.log([1, 30]), n)),
        inner_e=0.01,
        outer_a_au=np.exp(rng.uniform(*np.log([10, 1000]), n)),
        outer_e=rng.uniform(0.0, 0.8, n),
        inclination_rad=np.arccos(rng.uniform(-1.0, 1.0, n)),
        pericentre_rad=rng.uniform(0.0, 2 * np.pi, n),
        node_rad=rng.uniform(0.0, 2 * np.pi, n),
    )
    ratio = mardling_aarseth_ratio(
        triples.perturber_mass_msun / triples.inner_mass_msun,
        ecc_out=triples.outer_e,
        cos_inclination=np.cos(triples.inclination_rad),
    )
    return triples, triples.outer_a_au / triples.inner_a_au < ratio


def compare(triples: Triples, unstable: np.ndarray, *, most_steps: int) -> None:
    n = len(triples)
    options = {
        "t_end_yr": 1e9,
        "unstable": unstable,
        "disruption_factors": (2.7, 2.0),
        "threads": 2,
    }
    start = time.perf_counter()
    fast = evolve(triples, max_steps=CAP, **options)
    between = time.perf_counter()
    brute = evolve(triples, max_steps=most_steps, shortcuts=Shortcuts.NONE, **options)
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
    busy = triples.inner_a_au * busiest_pericentre(
        triples, SecularScales.of(triples), t_end_yr=1e9, widest_factor=2.7
    )
    early = np.isin(fast.settled_by, (Settled.WINDOW, Settled.STEADY))
    print(
        "closest that a window or a record settled ever came: "
        f"{np.nanmin((brute.min_pericentre_au / busy)[early]):.2f} busy pericentres"
    )
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
    n_draws = int(sys.argv[1]) if len(sys.argv) > 1 else 4000
    if "massive" in sys.argv[2:]:
        compare(*massive_population(n_draws, seed=11), most_steps=10**6)
    else:
        compare(*population(n_draws, seed=11), most_steps=10**7)
