"""How fast the maps are: the criterion against NumPy, the followed orbits by the clock.

    python -m benchmarks.feasibility             criterion, and a small physical map
    python -m benchmarks.feasibility --full      also 25 x 25 x 2000 triples followed

The NumPy twin makes the same arrays from as many draws in the same run. It takes its
draws from NumPy's own generator, faster in NumPy than the map's counter-based one, and
shares the closed form of the median time, so only draws and criterion are compared.
"""

import sys
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
from panoptic.dynamics.outcomes import Outcome
from panoptic.dynamics.perturbers import InnerOrbit, OuterOrbitPrior, PerturberGrid
from panoptic.dynamics.scale_out import Workers
from panoptic.dynamics.secular_map import (
    CellBlock,
    SecularModel,
    SecularRequest,
    map_secular,
    settle_block,
)

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


def request_of(
    grid: PerturberGrid, *, n_draws: int, horizons_gyr: tuple[float, ...] = (1.0,)
) -> SecularRequest:
    return SecularRequest(
        grid=grid,
        inner=TOI_6894,
        prior=OuterOrbitPrior(),
        model=SecularModel(
            horizon_gyr=horizons_gyr[0],
            horizons_gyr=horizons_gyr,
            max_steps=100_000,
        ),
        target_axis_au=0.02604,
        r_crit_rstar=R_CRIT_RSTAR,
        n_draws=n_draws,
        seed=SEED,
    )


def follow(name: str, request: SecularRequest, *, threads: int) -> float:
    """Follow a map's triples, print what it took, return the seconds of the clock."""
    clock, processor = time.perf_counter(), time.process_time()
    found = map_secular(request, workers=Workers(threads))
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    steps = sum(found.steps.values())
    followed = found.settled["integration"]
    print(
        f"  {name:28s} {clock:7.1f} s  {found.n_total / clock:8.0f} draws/s  "
        f"{1e3 * processor / found.n_total:6.3f} ms of a core per draw  "
        f"{followed / found.n_total:5.1%} followed to their end  "
        f"{steps / found.n_total:6.0f} steps/draw  "
        f"{found.steps['undecided'] / max(steps, 1):4.0%} of them undecided "
        f"({found.count(Outcome.UNDECIDED).sum() / found.n_total:.1%} of the draws)"
    )
    return clock


def scheduled_efficiency(request: SecularRequest, threads: int) -> float:
    """Return what the blocks' own times allow, whoever else uses the machine."""
    n_cells, length = request.grid.n_cells, request.cells_per_block
    busy, free_at = 0.0, [0.0] * threads
    for first in range(0, n_cells, length):
        start = time.process_time()
        settle_block(CellBlock(request, range(first, min(first + length, n_cells))))
        took = time.process_time() - start
        busy += took
        free_at[free_at.index(min(free_at))] += took  # the next block goes there
    return busy / threads / max(free_at)


def measure_secular(threads: int, *, full: bool) -> None:
    start = time.perf_counter()
    map_secular(request_of(grid_of(2, 2), n_draws=2))
    print(
        "\nphysical map; first call, compiled or from numba's cache: "
        f"{time.perf_counter() - start:.2f} s"
    )
    grid = grid_of(25, 25)
    single = follow("25 x 25 x 8, one thread", request_of(grid, n_draws=8), threads=1)
    both = follow(
        f"25 x 25 x 8, {threads} threads", request_of(grid, n_draws=8), threads=threads
    )
    print(
        f"  parallel efficiency {single / both / threads:.2f} by the clock, "
        f"{scheduled_efficiency(request_of(grid, n_draws=8), threads):.2f} with every "
        "core free"
    )
    follow("25 x 25 x 32", request_of(grid, n_draws=32), threads=threads)
    follow("50 x 50 x 8", request_of(grid_of(50, 50), n_draws=8), threads=threads)
    for horizon in (0.1, 5.0):
        follow(
            f"25 x 25 x 8, {horizon:g} Gyr",
            request_of(grid, n_draws=8, horizons_gyr=(horizon,)),
            threads=threads,
        )
    if full:
        follow("25 x 25 x 2000", request_of(grid, n_draws=2000), threads=threads)


def main(argv: list[str]) -> None:
    threads = numba.get_num_threads()
    measure_criterion(threads)
    measure_secular(threads, full="--full" in argv)


def measure_criterion(threads: int) -> None:
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
    main(sys.argv[1:])
