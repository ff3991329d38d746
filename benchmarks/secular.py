"""How fast the secular integrator is: per cycle against its peers, and how it scales.

    python benchmarks/secular.py [windows]

Needs kozai, rebound and heyoka (all on PyPI); a peer that is not installed is left
out. Every ratio is of two timings of the same run, each the least of several. Peers
are timed at the loosest setting that is as accurate as ours, or at their defaults
where they have no other. `windows` adds the octupole windows of docs/methods.md.
"""

import importlib.util
import math
import re
import sys
import time
from collections.abc import Callable

import numba
import numpy as np

from panoptic.constants import C_AU_YR, G_AU3_MSUN_YR2
from panoptic.dynamics import secular_kernels
from panoptic.dynamics.kozai_lidov import (
    limiting_j,
    mardling_aarseth_ratio,
    octupole_window,
    one_minus_e,
    quadrupole_cycle,
)
from panoptic.dynamics.secular import Shortcuts, evolve, track
from panoptic.dynamics.triples import OuterOrbit, SecularScales, Triples

M0, M1, M2, A, A_OUT, E, E_OUT = 0.2, 2.86e-4, 0.1, 1.0, 50.0, 0.01, 0.3
INCLINATION, PERICENTRE, NODE = math.radians(85), math.radians(45), math.pi
PERIOD_YR = 545_302.4  # of one quadrupole cycle
N_CYCLES = 10
N_COPIES = 4096  # of the job, with as many angles of node
LARGE = 1e8  # orbits so large feel no relativity; times go with its power 1.5


def installed(name: str) -> bool:
    found = importlib.util.find_spec(name) is not None
    if not found:
        print(f"  {name}: not installed, left out")
    return found


def least_time(work: Callable[[], object], *, repeats: int = 3) -> float:
    """Seconds of the fastest of several runs, after one that is not counted."""
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times[1:])


# ---------------------------------------------------------------- the common job


def job(*, n: int, large: float = 1.0, circular: bool = False, k2: float = 0.0):
    """The common job n times, nodes apart; a circular perturber has no octupole."""
    shrink = math.sqrt(1 - E_OUT**2) if circular else 1.0
    return Triples.of(
        host_mass_msun=M0,
        companion_mass_msun=M1,
        perturber_mass_msun=M2,
        inner_a_au=A * large,
        inner_e=E,
        outer_a_au=A_OUT * shrink * large,
        outer_e=0.0 if circular else E_OUT,
        inclination_rad=INCLINATION,
        pericentre_rad=PERICENTRE,
        node_rad=NODE + np.linspace(0.0, 2.0 * np.pi, n, endpoint=False),
        love_number=k2,
    )


JOBS = {
    "quadrupole": {"circular": True, "large": LARGE},
    "+ octupole + relativity": {},
    "+ tides": {"k2": 0.37},
}


def ours_per_cycle(name: str, outer_orbit: OuterOrbit, tolerance: float) -> float:
    """Seconds per cycle and system on one thread, nothing settled early."""
    options = JOBS[name]
    triples = job(n=N_COPIES, **options)
    t_end_yr = N_CYCLES * PERIOD_YR * options.get("large", 1.0) ** 1.5

    def run():
        return evolve(
            triples,
            t_end_yr=t_end_yr,
            tolerance=tolerance,
            disruption_factors=(0.0,),
            migrated_fraction=0.0,
            outer_orbit=outer_orbit,
            shortcuts=Shortcuts.NONE,
        )

    return least_time(run) / (N_COPIES * N_CYCLES)


def our_quadrupole_error(tolerance: float) -> float:
    """Relative error of 1 - e_max after ten cycles."""
    triples = job(n=8, circular=True, large=LARGE)
    found = evolve(
        triples,
        t_end_yr=N_CYCLES * PERIOD_YR * LARGE**1.5,
        tolerance=tolerance,
        disruption_factors=(0.0,),
        shortcuts=Shortcuts.NONE,
    ).min_one_minus_e
    return float(np.abs(found / exact_one_minus_e() - 1.0).max())


def exact_one_minus_e() -> float:
    cycle = quadrupole_cycle(
        E, cos_inclination=math.cos(INCLINATION), pericentre_rad=PERICENTRE
    )
    return float(one_minus_e(cycle.j_min))


def energy(e, j, octupole: float, relativity: float):
    """Disturbing function of the test particle; vectors (3, n)."""
    j2 = (j**2).sum(axis=0)
    e2 = 1 - j2
    phi = (1 - 6 * e2 - 3 * j[2] ** 2 + 15 * e[2] ** 2) / 8
    bracket = e[0] * (8 * e2 - 1 - 35 * e[2] ** 2 + 5 * j[2] ** 2)
    phi += 15 / 64 * octupole * (bracket + 10 * e[2] * j[0] * j[2])
    return phi - relativity / np.sqrt(j2)


def our_energy_drift(name: str, tolerance: float) -> float:
    one = job(n=1, **JOBS[name])
    scales = SecularScales.of(one)
    t_end_yr = N_CYCLES * PERIOD_YR * JOBS[name].get("large", 1.0) ** 1.5
    path = track(
        one, t_end_yr=t_end_yr, tolerance=tolerance, outer_orbit=OuterOrbit.FIXED
    )
    level = energy(
        path.e_vector[[0, -1]].T,
        path.j_vector[[0, -1]].T,
        scales.octupole[0],
        scales.relativity[0],
    )
    return float(abs(level[1] - level[0]))


# ---------------------------------------------------------------- peers


def kozai_per_cycle() -> tuple[float, float]:
    """TripleDelaunay at quadrupole order, companion without mass: time and error."""
    from kozai.delaunay import TripleDelaunay  # noqa: PLC0415 (may be absent)

    def run() -> np.ndarray:
        peer = TripleDelaunay(
            a1=A,
            a2=A_OUT,
            e1=E,
            e2=E_OUT,
            inc=math.degrees(INCLINATION),
            g1=math.degrees(PERICENTRE),
            g2=0.0,
            m1=M0,
            m2=1e-8,
            m3=M2,
        )
        peer.octupole = peer.hexadecapole = peer.gr = False
        return np.array([row[2] for row in peer.evolve(N_CYCLES * PERIOD_YR)], float)

    seconds = least_time(run, repeats=2) / N_CYCLES
    return seconds, abs((1.0 - run().max()) / exact_one_minus_e() - 1.0)


def whfast_per_cycle() -> float:
    """REBOUND WHFast, three bodies, 20 steps an inner period, from 2000 periods."""
    import rebound  # noqa: PLC0415

    n_periods = 2000
    period = 2 * math.pi * math.sqrt(A**3 / (G_AU3_MSUN_YR2 * (M0 + M1)))
    peer = rebound.Simulation()
    peer.G = G_AU3_MSUN_YR2
    peer.integrator = "whfast"
    peer.add(m=M0)
    peer.add(m=M1, a=A, e=E, inc=INCLINATION, omega=PERICENTRE, Omega=NODE)
    peer.add(m=M2, a=A_OUT, e=E_OUT)
    peer.move_to_com()
    peer.dt = period / 20
    step_all = least_time(
        lambda: peer.integrate(peer.t + n_periods * period, exact_finish_time=0)
    )
    return step_all / n_periods * PERIOD_YR / period


def heyoka_system(octupole: float, relativity: float):
    """The same equations as expressions; quadrupole, octupole and relativity."""
    import heyoka  # noqa: PLC0415

    variables = heyoka.make_vars("ex", "ey", "ez", "jx", "jy", "jz")
    e, j = variables[:3], variables[3:]
    j2 = j[0] ** 2 + j[1] ** 2 + j[2] ** 2
    e2 = 1.0 - j2
    octu = 15 / 64 * octupole
    omega = relativity * j2**-1.5
    p = [omega * j[0], omega * j[1], -0.75 * j[2] + omega * j[2]]
    q = [-1.5 * e[0], -1.5 * e[1], 2.25 * e[2]]
    if octupole:
        bracket = 8.0 * e2 - 1.0 - 35.0 * e[2] ** 2 + 5.0 * j[2] ** 2
        p[0] += octu * 10.0 * e[2] * j[2]
        p[2] += octu * 10.0 * (e[2] * j[0] + e[0] * j[2])
        q[0] += octu * (bracket + 16.0 * e[0] ** 2)
        q[1] += octu * 16.0 * e[0] * e[1]
        q[2] += octu * (10.0 * j[0] * j[2] - 54.0 * e[0] * e[2])

    def cross(a, b, k):
        return a[k - 2] * b[k - 1] - a[k - 1] * b[k - 2]

    de = [-(cross(j, q, k) + cross(e, p, k)) for k in range(3)]
    dj = [-(cross(j, p, k) + cross(e, q, k)) for k in range(3)]
    return list(zip(variables, de + dj, strict=True))


def heyoka_per_cycle(name: str, drift: float) -> tuple[float, float, float]:
    """Batched heyoka at the loosest tolerance that drifts no more than we do.

    Returns seconds per cycle and system, its drift and that tolerance.
    """
    import heyoka  # noqa: PLC0415

    triples = job(n=heyoka.recommended_simd_size(), **JOBS[name])
    scales = SecularScales.of(triples)
    strengths = scales.octupole[0], scales.relativity[0]
    if name == "quadrupole":
        strengths = 0.0, 0.0
    e, j = triples.orbit_vectors
    start = np.ascontiguousarray(np.vstack([e.T, j.T]))
    large = JOBS[name].get("large", 1.0)
    t_end = N_CYCLES * PERIOD_YR * large**1.5 / scales.t_lk_yr[0]
    for tolerance in (1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10):
        peer = heyoka.taylor_adaptive_batch(
            heyoka_system(*strengths), start.copy(), tol=tolerance
        )

        def run(peer=peer):
            peer.set_time(0.0)
            peer.state[:] = start
            peer.propagate_until(t_end)

        seconds = least_time(run, repeats=5) / (start.shape[1] * N_CYCLES)
        level = energy(peer.state[:3], peer.state[3:], *strengths)
        drifted = np.abs(level - energy(start[:3], start[3:], *strengths)).max()
        if drifted <= drift:
            break
    return seconds, float(drifted), tolerance


# ---------------------------------------------------------------- what is printed


def print_per_cycle(tolerance: float) -> None:
    print(f"\nOne cycle of one system, one thread, tolerance {tolerance:g} (us)")
    ours = {}
    for name in JOBS:
        fixed = ours_per_cycle(name, OuterOrbit.FIXED, tolerance)
        moving = ours_per_cycle(name, OuterOrbit.MOVING, tolerance)
        ours[name] = fixed
        print(
            f"  {name:24s} outer orbit fixed {fixed * 1e6:6.2f}, moving "
            f"{moving * 1e6:6.2f} ({moving / fixed:.1f} times)"
        )
    print("\nAgainst peers, in the same run")
    if installed("kozai"):
        seconds, error = kozai_per_cycle()
        print(
            f"  kozai, quadrupole: {seconds * 1e3:.2f} ms, "
            f"{seconds / ours['quadrupole']:.0f} times as long; "
            f"error of 1 - e_max {error:.1e}, ours "
            f"{our_quadrupole_error(tolerance):.1e}"
        )
    if installed("rebound"):
        seconds = whfast_per_cycle()
        print(
            f"  REBOUND WHFast, direct: {seconds:.2f} s, "
            f"{seconds / ours['+ octupole + relativity']:.2g} times as long"
        )
    if installed("heyoka"):
        for name in ("quadrupole", "+ octupole + relativity"):
            drift = our_energy_drift(name, tolerance)
            seconds, theirs, theirs_tolerance = heyoka_per_cycle(name, drift)
            print(
                f"  heyoka, batch, {name}: {seconds * 1e6:.2f} us, "
                f"{seconds / ours[name]:.1f} times as long; energy drift {theirs:.1e} "
                f"(tolerance {theirs_tolerance:g}), ours {drift:.1e}"
            )


def print_compilation() -> None:
    """Compile afresh: seconds, and what kind of arithmetic came out."""
    print("\nCompilation (afterwards cached) and arithmetic of the kernels")
    for name in ("integrate_fixed", "integrate_moving"):
        kernel = getattr(secular_kernels, name)
        evolve_signature = kernel.signatures[0]
        options = {
            key: kernel.targetoptions[key] for key in ("error_model", "fastmath")
        }
        start = time.perf_counter()
        fresh = numba.njit(evolve_signature, nogil=True, **options)(kernel.py_func)
        seconds = time.perf_counter() - start
        code = next(iter(fresh.inspect_asm().values()))
        arithmetic = r"\tv?(?:add|sub|mul|div|sqrt|fn?m(?:add|sub)\d*)"
        packed = len(re.findall(arithmetic + "pd", code))
        scalar = len(re.findall(arithmetic + "sd", code))
        print(
            f"  {name}: {seconds:.1f} s; {packed} vector and {scalar} scalar "
            f"instructions, {packed / (packed + scalar):.1%} vector"
        )


def population(n: int, seed: int = 6894) -> tuple[Triples, np.ndarray]:
    """Triples of the default map, and which of them are unstable."""
    rng = np.random.default_rng(seed)
    triples = Triples.of(
        host_mass_msun=0.207,
        companion_mass_msun=0.168 / 1047.57,
        perturber_mass_msun=np.exp(rng.uniform(*np.log([0.01, 0.3]), n)),
        inner_a_au=1.0,
        inner_e=0.01,
        outer_a_au=np.exp(rng.uniform(*np.log([10.0, 1000.0]), n)),
        outer_e=rng.uniform(0.0, 0.8, n),
        inclination_rad=np.arccos(rng.uniform(-1.0, 1.0, n)),
        pericentre_rad=rng.uniform(0.0, 2 * np.pi, n),
        node_rad=rng.uniform(0.0, 2 * np.pi, n),
        companion_radius_rjup=0.855,
    )
    ratio = mardling_aarseth_ratio(
        triples.perturber_mass_msun / triples.inner_mass_msun,
        ecc_out=triples.outer_e,
        cos_inclination=np.cos(triples.inclination_rad),
    )
    return triples, triples.outer_a_au / triples.inner_a_au < ratio


def print_population(n: int) -> None:
    triples, unstable = population(n)

    def run(*, threads=2, t_end_yr=1e9, first=n, max_steps=100_000):
        chosen = np.arange(first)
        options = {
            "unstable": unstable[chosen],
            "disruption_factors": (2.7, 2.0),
            "threads": threads,
            "max_steps": max_steps,
        }
        return evolve(triples.take(chosen), t_end_yr=t_end_yr, **options)

    found = run()
    steps = found.n_steps.sum()
    undecided = found.n_steps[found.outcome == 4].sum()
    two, one = least_time(run), least_time(lambda: run(threads=1))
    print(f"\n{n} draws of the default map, 1 Gyr")
    print(f"  outcomes {found.counts()}")
    print(f"  settled by {found.settled_counts()}")
    print(
        f"  {steps / n:.0f} steps a draw, {undecided / steps:.0%} of them in draws "
        f"that end undecided; {one / steps * 1e6:.3f} us a step"
    )
    print(
        f"  {n / two:.0f} draws a second on 2 threads, {two / n * 1e3:.3f} ms a draw; "
        f"1.25 million in {two / n * 1.25e6 / 60:.1f} min; parallel efficiency "
        f"{one / two / 2:.2f}"
    )
    brute = evolve(
        triples.take(np.arange(n // 8)),
        t_end_yr=1e9,
        unstable=unstable[: n // 8],
        shortcuts=Shortcuts.NONE,
        threads=2,
    )
    share = brute.n_steps.sum() / found.n_steps[: n // 8].sum()
    print(f"  without shortcuts {share:.1f} times as many steps")
    for t_end_yr in (1e7, 1e8, 1e9, 5e9):
        seconds = least_time(lambda t=t_end_yr: run(t_end_yr=t), repeats=1)
        print(f"  to {t_end_yr:.0e} yr: {seconds / n * 1e3:.3f} ms a draw")
    for first in (n // 16, n // 4, n):
        seconds = least_time(lambda k=first: run(first=k), repeats=1)
        print(f"  {first} draws: {seconds / first * 1e3:.3f} ms a draw")


def print_windows() -> None:
    """cos^2 i up to which e_lim is reached within 500 t_LK: any of 12 orbits, half."""
    print("\nOctupole windows: eps_oct, any orbit, half of them, published fit")
    cos2 = np.repeat(np.linspace(0.0, 0.6, 61), 12)
    rng = np.random.default_rng(3)
    ratio, m_in = 50.0, M0 + M1
    for octupole in (0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.07, 0.1):
        x = octupole * m_in / (M0 - M1) * ratio
        e_out = 2 * x / (1 + math.sqrt(1 + 4 * x * x))
        steep = (ratio * math.sqrt(1 - e_out**2)) ** 3
        relativity = 1e-4
        a = 3 * G_AU3_MSUN_YR2 * m_in**2 * steep / (M2 * C_AU_YR**2 * relativity)
        triples = Triples.of(
            host_mass_msun=M0,
            companion_mass_msun=M1,
            perturber_mass_msun=M2,
            inner_a_au=a,
            inner_e=1e-3,
            outer_a_au=ratio * a,
            outer_e=e_out,
            inclination_rad=np.arccos(np.sqrt(cos2)),
            pericentre_rad=rng.uniform(0, 2 * np.pi, len(cos2)),
            node_rad=rng.uniform(0, 2 * np.pi, len(cos2)),
            love_number=0.0,
        )
        limit = one_minus_e(limiting_j(relativity=relativity))
        found = evolve(
            triples,
            t_end_yr=500 * SecularScales.of(triples).t_lk_yr[0],
            disruption_factors=(0.0,),
            outer_orbit=OuterOrbit.FIXED,
            shortcuts=Shortcuts.NONE,
            max_steps=10**6,
            threads=2,
        ).min_one_minus_e
        hits = (found < 1.5 * limit).reshape(-1, 12).mean(axis=1)
        edges = cos2[::12]
        print(
            f"  {octupole:5.3f}   {edges[hits > 0].max():.2f}   "
            f"{edges[hits >= 0.5].max():.2f}   {float(octupole_window(octupole)):.2f}"
        )


if __name__ == "__main__":
    print_per_cycle(1e-7)
    print_compilation()
    print_population(16_384)
    if "windows" in sys.argv[1:]:
        print_windows()
