"""How fast the criterion map is: against vectorised NumPy, by threads, cells and draws.

    python benchmarks/feasibility.py

The NumPy twin makes the same arrays from as many draws in the same run. It takes its
draws from NumPy's own generator, faster in NumPy than the map's counter-based one, and
shares the closed form of the median time, so only draws and criterion are compared.
"""

import time
from collections.abc import Callable

import numba
import numpy as np

from panoptic.constants import RSUN_AU
from panoptic.dynamics.feasibility import map_feasibility, wilson_interval
from panoptic.dynamics.kozai_lidov import (
    largest_eccentricity,
    mardling_aarseth_ratio,
    order_of_magnitude_time_yr,
)
from panoptic.dynamics.perturbers import InnerOrbit, OuterOrbitPrior, PerturberGrid

TOI_6894 = InnerOrbit(0.207, 0.2276, 0.168, 0.855, (1.0, 1.0))
HORIZON_GYR, R_CRIT_RSTAR, SEED = 1.0, 5.0, 6894


def grid_of(n_mass: int, n_axis: int) -> PerturberGrid:
    return PerturberGrid.log_spaced(
        (0.01, 0.3), (10.0, 1000.0), n_mass=n_mass, n_axis=n_axis
    )


def map_with_numpy(grid: PerturberGrid, *, n_draws: int) -> tuple[np.ndarray, ...]:
    """The map in whole-array NumPy; what depends on the cell alone is made once."""
    rng = np.random.default_rng(SEED)
    prior = OuterOrbitPrior()
    mass, axis_out = (column[:, None] for column in grid.per_cell())
    shape = (grid.n_cells, n_draws)
    e_out = prior.ecc_range[1] * rng.random(shape)
    cos_i = 2.0 * rng.random(shape) - 1.0
    unstable = axis_out / TOI_6894.axis_au[0] <= mardling_aarseth_ratio(
        mass / TOI_6894.mass_msun, ecc_out=e_out, cos_inclination=cos_i
    )
    outer = {"axis_au": TOI_6894.axis_au[0], "axis_out_au": axis_out}
    slowest = order_of_magnitude_time_yr(TOI_6894.mass_msun, mass, **outer, ecc_out=0.0)
    in_time = slowest * (1.0 - e_out * e_out) ** 1.5 <= HORIZON_GYR * 1e9
    pericentre = TOI_6894.axis_au[0] * (1.0 - largest_eccentricity(cos_i))
    deep = pericentre <= R_CRIT_RSTAR * TOI_6894.host_radius_rsun * RSUN_AU
    feasible = (in_time & deep & ~unstable).sum(axis=1).reshape(grid.shape)
    median = order_of_magnitude_time_yr(
        TOI_6894.mass_msun, mass, **outer, ecc_out=prior.median_ecc
    ).reshape(grid.shape)
    low, high = wilson_interval(feasible, n_draws)
    n_unstable = unstable.sum(axis=1).reshape(grid.shape)
    return feasible, n_unstable, feasible / n_draws, low, high, median


def map_with_numba(grid: PerturberGrid, *, n_draws: int):
    return map_feasibility(
        grid,
        TOI_6894,
        n_draws=n_draws,
        horizon_gyr=HORIZON_GYR,
        r_crit_rstar=R_CRIT_RSTAR,
        seed=SEED,
    )


def best_ms(*works: Callable[[], object], repeats: int = 25) -> list[float]:
    """Return the least time of each; they take turns, so that they share the noise."""
    least = [np.inf] * len(works)
    for _ in range(repeats):
        for place, work in enumerate(works):
            start = time.perf_counter()
            work()
            least[place] = min(least[place], 1e3 * (time.perf_counter() - start))
    return least


def main() -> None:
    threads = numba.get_num_threads()
    start = time.perf_counter()
    map_with_numba(grid_of(2, 2), n_draws=10)
    print(f"first call, compiled or from numba's cache: "
          f"{time.perf_counter() - start:.2f} s")  # fmt: skip

    grid = grid_of(25, 25)
    print(f"\n25 x 25 cells x 2000 draws, {threads} threads")

    def on_one_thread() -> None:
        numba.set_num_threads(1)
        map_with_numba(grid, n_draws=2000)
        numba.set_num_threads(threads)

    reference, ours, single = best_ms(
        lambda: map_with_numpy(grid, n_draws=2000),
        lambda: map_with_numba(grid, n_draws=2000),
        on_one_thread,
    )
    n_draws = grid.n_cells * 2000
    print(f"  vectorised NumPy {reference:8.1f} ms")
    print(f"  map              {ours:8.1f} ms  ({n_draws / ours / 1e3:.0f} M draws/s)")
    print(f"  map, one thread  {single:8.1f} ms")
    print(f"  ratio NumPy / map                {reference / ours:6.1f}  (wanted: 8)")
    print(f"  ratio NumPy / map on one thread  {reference / single:6.1f}")
    print(f"  parallel efficiency              {single / ours / threads:6.2f}")

    print("\n     cells   draws      ms   ns/draw")
    for side, draws in ((25, 200), (25, 2000), (25, 20_000), (50, 200), (100, 200)):
        cells = grid_of(side, side)
        (took,) = best_ms(
            lambda c=cells, n=draws: map_with_numba(c, n_draws=n), repeats=7
        )
        per_draw = 1e6 * took / (cells.n_cells * draws)
        print(f"  {side:3d} x {side:3d} {draws:7d} {took:7.1f} {per_draw:9.2f}")


if __name__ == "__main__":
    main()
