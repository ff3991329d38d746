"""How fast the secular integrator is: per cycle against its peers, and how it scales.

    python -m benchmarks.secular [windows]

Needs kozai, rebound and heyoka (all on PyPI); a peer that is not installed is left
out. Every ratio is of two timings of the same run, each the least of many short ones,
so that a busy machine does not decide. kozai runs at its default tolerance, heyoka at
the loosest that drifts in energy no more than we do, with the same equations: all
strengths are numbers given at run time, per system. `windows` adds the octupole
windows of docs/methods.md.
"""

import importlib.util
import math
import re
import sys
import time
from collections.abc import Callable

import numba
import numpy as np

from panoptic.constants import C_AU_YR, G_AU3_MSUN_YR2, RJUP_AU
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
N_COPIES = 128  # of the job, with as many angles of node
LARGE = 1e8  # orbits so large feel no relativity; times go with its power 1.5


def installed(name: str) -> bool:
    found = importlib.util.find_spec(name) is not None
    if not found:
        print(f"  {name}: not installed, left out")
    return found


def least_time(work: Callable[[], object], *, repeats: int = 20) -> float:
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
    """The largest of eight systems after ten cycles."""
    options = JOBS[name]
    eight = job(n=8, **options)
    scales = SecularScales.of(eight)
    drifts = []
    for k in range(8):
        path = track(
            eight.take(np.array([k])),
            t_end_yr=N_CYCLES * PERIOD_YR * options.get("large", 1.0) ** 1.5,
            tolerance=tolerance,
            outer_orbit=OuterOrbit.FIXED,
        )
        strengths = scales.octupole[k], scales.relativity[k]
        ends = path.e_vector[[0, -1]].T, path.j_vector[[0, -1]].T
        drifts.append(np.ptp(energy(*ends, *strengths)))
    return float(max(drifts))


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


def heyoka_system(*, quadrupole_only: bool):  # noqa: FBT001
    """The same equations as expressions; strengths are run-time parameters."""
    import heyoka  # noqa: PLC0415

    *vectors, s = heyoka.make_vars("ex", "ey", "ez", "jx", "jy", "jz", "s")
    e, j = vectors[:3], vectors[3:]
    j2 = j[0] ** 2 + j[1] ** 2 + j[2] ** 2
    e2 = 1.0 - j2
    p = [0.0 * e[0], 0.0 * e[0], -0.75 * j[2]]
    q = [-1.5 * e[0], -1.5 * e[1], 2.25 * e[2]]

    def cross(a, b, k):
        return a[k - 2] * b[k - 1] - a[k - 1] * b[k - 2]

    if quadrupole_only:
        de = [-(cross(j, q, k) + cross(e, p, k)) for k in range(3)]
        dj = [-(cross(j, p, k) + cross(e, q, k)) for k in range(3)]
        return list(zip(vectors, de + dj, strict=True))
    octupole, relativity, tide, rotation, decay = (heyoka.par[k] for k in range(5))
    octu = 15 / 64 * octupole * s**5
    bracket = 8.0 * e2 - 1.0 - 35.0 * e[2] ** 2 + 5.0 * j[2] ** 2
    f2 = 1.0 + e2 * (7.5 + e2 * (5.625 + e2 * 0.3125))
    f5 = 1.0 + e2 * (3.0 + e2 * 0.375)
    bulge = 1.0 + e2 * (1.5 + e2 * 0.125)
    over_j = j2**-0.5
    steep = s**-13 * over_j**10
    omega = relativity * s**-5 * over_j**2
    omega += steep * (tide * bulge + rotation * (f2 / f5) ** 2)
    w = omega * over_j
    p = [
        octu * 10.0 * e[2] * j[2] + w * j[0],
        w * j[1],
        -0.75 * s**3 * j[2] + octu * 10.0 * (e[2] * j[0] + e[0] * j[2]) + w * j[2],
    ]
    q = [
        -1.5 * s**3 * e[0] + octu * (bracket + 16.0 * e[0] ** 2),
        -1.5 * s**3 * e[1] + octu * 16.0 * e[0] * e[1],
        2.25 * s**3 * e[2] + octu * (10.0 * j[0] * j[2] - 54.0 * e[0] * e[2]),
    ]
    terms = 3.5, 11.25, 28.0, 685 / 64, 255 / 128, 25 / 512
    decaying = sum((term * e2**k for k, term in enumerate(terms)), 0.0 * e2)
    damping = 0.5 * decay * s**-16 * over_j**13 * decaying / f5
    growing = damping * e2 * over_j**2
    de = [-(cross(j, q, k) + cross(e, p, k)) - damping * e[k] for k in range(3)]
    dj = [-(cross(j, p, k) + cross(e, q, k)) + growing * j[k] for k in range(3)]
    return list(zip([*vectors, s], [*de, *dj, -growing * s], strict=True))


def heyoka_per_cycle(
    name: str, *, drift: float, quadrupole_only: bool = False
) -> tuple[float, float, float]:
    """Batched heyoka at the loosest tolerance that drifts no more than `drift`.

    Returns seconds per cycle and system, its drift and that tolerance.
    """
    import heyoka  # noqa: PLC0415

    options = JOBS[name]
    batch = heyoka.recommended_simd_size()
    triples = job(n=batch, **options)
    scales = SecularScales.of(triples)
    strengths = scales.strengths(np.zeros(batch, dtype=bool)).T[:5]
    e, j = triples.orbit_vectors
    start = np.vstack([e.T, j.T, np.ones((1, batch))])[: 6 if quadrupole_only else 7]
    years = N_CYCLES * PERIOD_YR * options.get("large", 1.0) ** 1.5
    for tolerance in 10.0 ** np.arange(-4.0, -12.0, -0.5):
        peer = heyoka.taylor_adaptive_batch(
            heyoka_system(quadrupole_only=quadrupole_only), start.copy(), tol=tolerance
        )
        if not quadrupole_only:
            peer.pars[:] = strengths

        def run(peer=peer):
            peer.set_time(0.0)
            peer.state[:] = start
            peer.propagate_until(years / scales.t_lk_yr[0])

        run()
        levels = [
            energy(state[:3], state[3:6], strengths[0], strengths[1])
            for state in (start, peer.state)
        ]
        drifted = float(np.abs(levels[1] - levels[0]).max())
        if drifted <= drift:
            break
    return least_time(run) / (batch * N_CYCLES), drifted, tolerance


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
        print_kozai(ours["quadrupole"], tolerance)
    if installed("rebound"):
        seconds = whfast_per_cycle()
        ratio = seconds / ours["+ octupole + relativity"]
        print(f"  REBOUND WHFast, direct: {seconds:.2f} s, {ratio:.2g} times as long")
    if installed("heyoka"):
        print_heyoka(ours, tolerance)


def print_kozai(ours: float, tolerance: float) -> None:
    seconds, error = kozai_per_cycle()
    print(
        f"  kozai, quadrupole: {seconds * 1e3:.2f} ms, {seconds / ours:.0f} times as "
        f"long; error of 1 - e_max {error:.1e}, ours "
        f"{our_quadrupole_error(tolerance):.1e}"
    )


def print_heyoka(ours: dict[str, float], tolerance: float) -> None:
    for name in ("quadrupole", "+ octupole + relativity"):
        drift = our_energy_drift(name, tolerance)
        seconds, theirs, at = heyoka_per_cycle(name, drift=drift)
        print(
            f"  heyoka, batch, {name}: {seconds * 1e6:.2f} us, "
            f"{seconds / ours[name]:.1f} times as long; energy drift {theirs:.1e} "
            f"(tolerance {at:.0e}), ours {drift:.1e}"
        )
    drift = our_energy_drift("quadrupole", tolerance)
    seconds, *_ = heyoka_per_cycle("quadrupole", drift=drift, quadrupole_only=True)
    print(
        "  heyoka, batch, stripped to the quadrupole (ours keep all terms): "
        f"{seconds * 1e6:.2f} us, {seconds / ours['quadrupole']:.1f} times as long"
    )


@numba.njit(error_model="numpy", fastmath={"contract", "nsz", "arcp", "reassoc"})
def step_fixed(work, tolerance):
    secular_kernels._try_step(work, tolerance, secular_kernels.FIXED)


@numba.njit(error_model="numpy", fastmath={"contract", "nsz", "arcp", "reassoc"})
def step_moving(work, tolerance):
    secular_kernels._try_step(work, tolerance, secular_kernels.MOVING)


def print_compilation() -> None:
    """Compile afresh: seconds, and what kind of arithmetic came out."""
    print("\nCompilation (afterwards cached) and arithmetic of the kernels")
    for step in (step_fixed, step_moving):
        step.compile((numba.float64[::1], numba.float64))
        print(f"  {step.__name__}, the loop over lanes: {arithmetic_of(step)}")
    for name in ("integrate_fixed", "integrate_moving"):
        kernel = getattr(secular_kernels, name)
        options = {
            key: kernel.targetoptions[key] for key in ("error_model", "fastmath")
        }
        start = time.perf_counter()
        fresh = numba.njit(kernel.signatures[0], nogil=True, **options)(kernel.py_func)
        seconds = time.perf_counter() - start
        print(f"  {name}, with all around it: {arithmetic_of(fresh)}; {seconds:.1f} s")


def arithmetic_of(kernel) -> str:
    code = next(iter(kernel.inspect_asm().values()))
    arithmetic = r"\tv?(?:add|sub|mul|div|sqrt|fn?m(?:add|sub)\d*)"
    packed = len(re.findall(arithmetic + "pd", code))
    scalar = len(re.findall(arithmetic + "sd", code))
    share = packed / (packed + scalar)
    return f"{packed} vector and {scalar} scalar instructions, {share:.1%} vector"


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
    two = least_time(run, repeats=2)
    one = least_time(lambda: run(threads=1), repeats=2)
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
        radius5 = a**5 * M1 * M2 / (7.5 * 0.37 * M0 * m_in * steep)  # at eps_tide 1
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
            companion_radius_rjup=(1e-14 * radius5) ** 0.2 / RJUP_AU,
            time_lag_s=0.0,
        )
        limit = one_minus_e(limiting_j(relativity=relativity, tide=1e-14))
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
        any_orbit = edges[hits > 0].max(initial=0.0)
        half = edges[hits >= 0.5].max(initial=0.0)
        fit = float(octupole_window(octupole))
        print(f"  {octupole:5.3f}   {any_orbit:.2f}   {half:.2f}   {fit:.2f}")


if __name__ == "__main__":
    print_per_cycle(1e-7)
    print_compilation()
    print_population(16_384)
    if "windows" in sys.argv[1:]:
        print_windows()
