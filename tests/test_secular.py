"""The secular integrator against identities, closed forms, twins and published runs."""

import dataclasses
import math

import numpy as np
import pytest

from panoptic.constants import C_AU_YR, G_AU3_MSUN_YR2, RJUP_AU
from panoptic.dynamics.outcomes import Outcome, Settled
from panoptic.dynamics.reach import busiest_pericentre
from panoptic.dynamics.secular import Shortcuts, evolve, track
from panoptic.dynamics.triples import OuterOrbit, SecularScales, Triples
from tests import oracles_secular as slow


def joined(triples):
    """Several sets of triples as one."""
    columns = zip(*(dataclasses.astuple(one) for one in triples), strict=True)
    return Triples(*(np.concatenate(column) for column in columns))


def evolve_tlk(triples, t_lk, **options):
    """Integrate for a number of t_LK with nothing to stop it; all of one t_LK."""
    options = {
        "disruption_factors": (0.0,),
        "migrated_fraction": 0.0,
        "max_steps": 10**7,
        "shortcuts": Shortcuts.NONE,
        **options,
    }
    t_end_yr = t_lk * SecularScales.of(triples).t_lk_yr[0]
    return evolve(triples, t_end_yr=t_end_yr, **options)


# ---------------------------------------------------------------- identities


def test_the_love_number_is_twice_the_apsidal_constant():
    """Apsidal motion by the companion's bulge alone, Sterne (1939) form.

    d(pericentre)/dt = 15 k (m0/m1) (R1/a)^5 n (1 + 3e^2/2 + e^4/8) / (1 - e^2)^5, k the
    apsidal constant; rotation adds k (1 + m0/m1) (R1/a)^5 n (spin/n)^2 / (1 - e^2)^2.
    """
    a, e, m0, m1, k2 = 0.05, 0.3, 1.0, 1e-3, 0.37
    lonely = Triples.of(
        host_mass_msun=m0,
        companion_mass_msun=m1,
        perturber_mass_msun=1e-12,
        inner_a_au=a,
        inner_e=e,
        outer_a_au=1000.0,
        outer_e=0.0,
        inclination_rad=0.0,
        pericentre_rad=0.0,
        node_rad=0.0,
        love_number=k2,
        time_lag_s=0.0,
    )
    without = dataclasses.replace(lonely, love_number=np.zeros(1))
    years = 100.0

    def turned(triples):
        e_vector = track(triples, t_end_yr=years).e_vector[-1]
        return math.atan2(e_vector[1], e_vector[0])

    n = math.sqrt(G_AU3_MSUN_YR2 * (m0 + m1) / a**3)
    swelling = (RJUP_AU / a) ** 5
    spin = slow.hut(e**2)[1] / slow.hut(e**2)[2] / (1 - e**2) ** 1.5
    bulge = 15 * (m0 / m1) * (1 + 1.5 * e**2 + e**4 / 8) / (1 - e**2) ** 5
    rotation = (1 + m0 / m1) * spin**2 / (1 - e**2) ** 2
    expected = (k2 / 2) * swelling * n * (bulge + rotation) * years
    assert turned(lonely) - turned(without) == pytest.approx(expected, rel=1e-6)


def test_strengths_are_the_formulas():
    """The kernels' numbers from masses and sizes, written out once more."""
    m0, m1, m2, a, a_out, e_out = 0.2, 3e-3, 0.05, 0.8, 14.0, 0.4
    k2, lag_yr, radius = 0.3, 5.0 / 3.15576e7, 1.2 * RJUP_AU
    scales = SecularScales.of(
        heavy(
            host_mass_msun=m0,
            companion_mass_msun=m1,
            perturber_mass_msun=m2,
            inner_a_au=a,
            outer_a_au=a_out,
            outer_e=e_out,
            love_number=k2,
            time_lag_s=5.0,
            companion_radius_rjup=1.2,
        )
    )
    m_in, m_tot, j_out = m0 + m1, m0 + m1 + m2, math.sqrt(1 - e_out**2)
    n = math.sqrt(G_AU3_MSUN_YR2 * m_in / a**3)
    t_lk = (m_in / m2) * (a_out * j_out / a) ** 3 / n
    inner = (m0 * m1 / m_in) * math.sqrt(m_in * a)
    outer = (m_in * m2 / m_tot) * math.sqrt(m_tot * a_out)
    swelling = (radius / a) ** 5
    expected = [
        (m0 - m1) / m_in * a / a_out * e_out / j_out**2,
        t_lk * 3 * n * G_AU3_MSUN_YR2 * m_in / (a * C_AU_YR**2),
        t_lk * n * 7.5 * k2 * (m0 / m1) * swelling,
        t_lk * n * 0.5 * k2 * (m_in / m1) * swelling,
        t_lk * 6 * k2 * lag_yr * (m0 / m1) * swelling * n**2,
        inner / outer,
        j_out**3,
    ]
    assert scales.t_lk_yr[0] == pytest.approx(t_lk)
    fixed = scales.strengths(np.array([False]))[0]
    np.testing.assert_allclose(fixed, expected, rtol=1e-12)
    moving = scales.strengths(np.array([True]))[0]
    assert moving[0] == pytest.approx((m0 - m1) / m_in * a / a_out)


def test_exact_end():
    one = slow.triple(octupole=0.01)
    t_end_yr = 17.3 * SecularScales.of(one).t_lk_yr[0]
    assert track(one, t_end_yr=t_end_yr).t_yr[-1] == pytest.approx(t_end_yr, rel=1e-8)
    ended = evolve_tlk(one, 17.3)
    twin = slow.follow(one, 17.3).y[:, -1]
    assert ended.final_e[0] == pytest.approx(np.linalg.norm(twin[:3]), rel=1e-5)


def test_quadrupole_conserves_jz_and_energy():
    triples = slow.triple(e=0.3, inclination_deg=85)
    scales = SecularScales.of(triples)
    path = track(triples, t_end_yr=300 * scales.t_lk_yr[0], tolerance=1e-8)
    assert np.ptp(path.j_vector[:, 2]) < 2e-15
    unit = np.sum(path.e_vector**2, axis=1) + np.sum(path.j_vector**2, axis=1)
    assert np.abs(unit - 1).max() < 1e-14
    energies = [
        slow.energy(e, j, scales)
        for e, j in zip(path.e_vector[::50], path.j_vector[::50], strict=True)
    ]
    assert np.ptp(energies) < 1e-6


@pytest.mark.parametrize(
    ("tolerance", "drift"), [(1e-7, 2e-5), (1e-8, 1e-7), (1e-10, 1e-8)]
)
def test_energy_with_everything_that_does_not_dissipate(tolerance, drift):
    triples = slow.triple(
        relativity=1e-3,
        tide=1e-10,
        octupole=0.01,
        pericentre_deg=math.degrees(0.3),
        node_deg=math.degrees(1.0),
    )
    scales = SecularScales.of(triples)
    path = track(triples, t_end_yr=1000 * scales.t_lk_yr[0], tolerance=tolerance)
    start = slow.energy(path.e_vector[0], path.j_vector[0], scales)
    end = slow.energy(path.e_vector[-1], path.j_vector[-1], scales)
    assert abs(end - start) < drift  # of a function that runs from -5/8 to 10/8
    assert np.all(path.a_au == path.a_au[0])


def test_dissipation_alone_ends_on_the_circle_of_equal_angular_momentum():
    a, e = 1.0, 0.97
    alone = Triples.of(
        host_mass_msun=0.2,
        companion_mass_msun=3e-4,
        perturber_mass_msun=1e-12,
        inner_a_au=a,
        inner_e=e,
        outer_a_au=1e4,
        outer_e=0.0,
        inclination_rad=0.3,
        pericentre_rad=1.0,
        node_rad=2.0,
        time_lag_s=1e4,
    )
    path = track(alone, t_end_yr=3e10, tolerance=1e-12)
    circle = a * (1 - e**2)
    momentum = path.a_au * (1 - path.e) * (1 + path.e)
    assert path.e[-1] < 1e-6
    assert path.a_au[-1] == pytest.approx(circle, rel=1e-12)
    assert np.abs(momentum / circle - 1).max() < 1e-12


def test_rates_of_circularisation_at_small_e():
    """(1/e) de/dt = -(21/2) k2 dt_L n^2 (m0/m1) (R1/a)^5."""
    triples = dataclasses.replace(
        slow.triple(relativity=1e-6, tide=1e-8, e=1e-3, inclination_deg=0.0),
        time_lag_s=np.array([1e14]),
    )
    scales = SecularScales.of(triples)
    t_lk = 1e-3 / scales.decay[0]
    path = track(triples, t_end_yr=t_lk * scales.t_lk_yr[0], tolerance=1e-12)
    expected = -10.5 / 6 * scales.decay[0] * t_lk
    assert math.log(path.e[-1] / path.e[0]) == pytest.approx(expected, rel=1e-4)


# ---------------------------------------------------------------- closed forms


def test_largest_eccentricity_of_the_quadrupole():
    degrees = (45, 55, 65, 75, 80, 85, 88, 89, 89.5)
    triples = joined(
        slow.triple(e=1e-4, inclination_deg=angle, pericentre_deg=17)
        for angle in degrees
    )
    found = evolve_tlk(triples, 60.0, tolerance=1e-10).min_one_minus_e
    expected = [
        1 - math.sqrt(slow.quadrupole_period(1e-4, math.radians(i), 0.3)[1] * -1 + 1)
        for i in degrees
    ]
    np.testing.assert_allclose(found, expected, rtol=3e-6)
    circular = 1 - np.sqrt(1 - 5 / 3 * np.cos(np.radians(degrees)) ** 2)
    np.testing.assert_allclose(found, circular, rtol=1e-4)


def test_a_peak_is_met_and_not_stepped_over():
    """With steps so large that even the aimed step ends beside the peak."""
    degrees = (70, 75, 78, 80)
    triples = joined(slow.triple(inclination_deg=angle) for angle in degrees)
    found = evolve_tlk(triples, 20.0, tolerance=1e-6).min_one_minus_e
    j2 = [
        slow.quadrupole_period(0.01, math.radians(i), math.radians(45))[1]
        for i in degrees
    ]
    np.testing.assert_allclose(found, 1 - np.sqrt(1 - np.array(j2)), rtol=5e-5)


def test_largest_eccentricity_with_short_range_forces():
    cases = [
        (relativity, tide, angle)
        for relativity, tide in [
            (1e-3, 0),
            (1e-2, 0),
            (0.1, 0),
            (0.5, 0),
            (0, 1e-12),
            (0, 1e-9),
            (0, 1e-7),
            (1e-2, 1e-9),
        ]
        for angle in (60.0, 80.0, 90.0)
    ]
    for relativity, tide, angle in cases:
        one = slow.triple(
            relativity=relativity, tide=tide, e=1e-5, inclination_deg=angle
        )
        found = evolve_tlk(one, 80.0, tolerance=1e-9).min_one_minus_e[0]
        expected = slow.least_one_minus_e(math.radians(angle), SecularScales.of(one))
        assert found == pytest.approx(expected, rel=1e-7)


def test_exact_period():
    """From one eccentricity peak to the next: 7.05537085 t_LK."""
    triples = slow.triple(e=0.01, inclination_deg=85, pericentre_deg=45)
    period, j2 = slow.quadrupole_period(0.01, math.radians(85), math.radians(45))
    assert period == pytest.approx(7.05537085, rel=1e-8)
    assert math.sqrt(1 - j2) == pytest.approx(0.99365027, abs=1e-8)
    t_lk_yr = SecularScales.of(triples).t_lk_yr[0]
    path = track(triples, t_end_yr=5.5 * period * t_lk_yr, tolerance=1e-10)
    slope = np.sum(path.j_vector * np.gradient(path.j_vector, axis=0), axis=1)
    peaks = np.flatnonzero((slope[:-1] < 0) & (slope[1:] >= 0))
    assert len(peaks) >= 5
    times = path.t_yr[peaks] / t_lk_yr
    assert (times[4] - times[0]) / 4 == pytest.approx(period, rel=2e-3)


# ---------------------------------------------------------------- the plain twin


@pytest.mark.parametrize("case", range(3))
def test_track_follows_the_plain_twin(case):
    options = [
        {"relativity": 1e-3, "octupole": 0.02, "e": 0.2},
        {"relativity": 1e-2, "tide": 1e-9, "octupole": 0.01, "inclination_deg": 100},
        {"relativity": 1e-2, "tide": 1e-7, "inclination_deg": 87, "time_lag_s": 1e11},
    ][case]
    one = slow.triple(**options)
    scales = SecularScales.of(one)
    path = track(one, t_end_yr=15.0 * scales.t_lk_yr[0], tolerance=1e-12)
    twin = slow.follow(one, 15.0)
    np.testing.assert_allclose(path.e_vector[-1], twin.y[:3, -1], atol=2e-7)
    np.testing.assert_allclose(path.j_vector[-1], twin.y[3:6, -1], atol=2e-7)
    shrunk = path.a_au[-1] / path.a_au[0]
    assert shrunk == pytest.approx(math.exp(twin.y[6, -1]), rel=1e-8)
    if case == 2:
        assert shrunk < 0.99


# ---------------------------------------------------------------- published runs


def test_second_peak_of_the_common_job():
    """742,561 yr with the octupole and no other force; orbits 1e8 times as large feel
    no relativity, and their times are 1e12 as long."""
    large = 1e8
    job = Triples.of(
        host_mass_msun=0.2,
        companion_mass_msun=2.86e-4,
        perturber_mass_msun=0.1,
        inner_a_au=1.0 * large,
        inner_e=0.01,
        outer_a_au=50.0 * large,
        outer_e=0.3,
        inclination_rad=math.radians(85),
        pericentre_rad=math.radians(45),
        node_rad=math.pi,
        love_number=0.0,
    )
    path = track(job, t_end_yr=1e6 * large**1.5, tolerance=1e-12)
    height = path.one_minus_e
    second = (
        1
        + np.flatnonzero((height[1:-1] < height[:-2]) & (height[1:-1] < height[2:]))[1]
    )
    near = slice(second - 1, second + 2)
    parabola = np.polyfit(path.t_yr[near] / path.t_yr[second] - 1, height[near], 2)
    peak = path.t_yr[second] * (1 - parabola[1] / (2 * parabola[0]))
    assert peak / large**1.5 == pytest.approx(742_561, rel=1e-4)


def test_flips_of_naoz_et_al_2013_figure_3():
    """Flips near 3.8, 11.7 and 19.6 Myr (figure of MNRAS 431, 2155)."""
    triples = Triples.of(
        host_mass_msun=1.0,
        companion_mass_msun=1e-3,
        perturber_mass_msun=0.04,
        inner_a_au=6.0,
        inner_e=0.001,
        outer_a_au=100.0,
        outer_e=0.6,
        inclination_rad=math.radians(65),
        pericentre_rad=math.radians(45),
        node_rad=math.pi,
        love_number=0.0,
    )
    path = track(triples, t_end_yr=25e6)
    prograde = path.j_vector[:, 2] > 0
    flips = path.t_yr[1:][prograde[1:] != prograde[:-1]] / 1e6
    assert np.any(np.abs(flips - 3.8) < 0.3)
    assert np.any(np.abs(flips - 11.7) < 0.5)
    assert np.any(np.abs(flips - 19.6) < 0.6)


def test_the_octupole_window_at_one_strength():
    """eps_oct = 0.02: e_lim is reached up to cos^2 i = 0.09 within 500 t_LK (Munoz, Lai
    & Liu 2016 fit 0.10). The other strengths: docs/methods.md."""
    rng = np.random.default_rng(3)
    n = 20

    def reach(cos2):
        one = slow.triple(octupole=0.02, relativity=1e-4, tide=1e-14, e=1e-3)
        triples = joined(
            dataclasses.replace(
                one,
                inclination_rad=np.array([math.acos(math.sqrt(cos2))]),
                pericentre_rad=rng.uniform(0, 2 * np.pi, 1),
                node_rad=rng.uniform(0, 2 * np.pi, 1),
            )
            for _ in range(n)
        )
        limit = slow.least_one_minus_e(math.pi / 2, SecularScales.of(one))
        found = evolve_tlk(triples, 500.0).min_one_minus_e
        return np.mean(found < 1.5 * limit)

    assert reach(0.03) == 1.0
    assert 0.0 < reach(0.08) < 1.0
    assert reach(0.13) == 0.0


def test_outcomes_of_a_published_kind_of_population():
    """0.2 Msun, 0.3 MJup at 1 AU, 1 s: migrated 1.8 %, disrupted 13.6 % of 4000 draws,
    by an independent implementation; here of 1000."""
    triples = population(1000)
    found = evolve(
        triples,
        t_end_yr=1e9,
        unstable=triples.outer_a_au * (1 - triples.outer_e) < 4.0,
        max_steps=50_000,
    ).counts()
    assert 0.008 < found["migrated"] / 1000 < 0.032
    assert 0.10 < found["disrupted"] / 1000 < 0.17
    assert found["undecided"] < 35


def test_hot_jupiters_of_a_published_population():
    """Anderson, Storch & Lai 2016 (abstract, arXiv:1510.08918): planets at 1-5 AU, a
    star at 100-1000 AU: hot Jupiters 1-4 % for 1 MJup, up to 8 % for heavier, far fewer
    for 0.3 MJup; migrated or disrupted 11-14 % whatever the mass. Here a uniform and
    a_out log-uniform, a lag of 1 s, no spin of the star, 5 Gyr; docs/methods.md has
    more draws.
    """
    n, hot, drawn_in = 1000, [], []
    for mass_mjup in (0.3, 1.0, 5.0):
        rng = np.random.default_rng(2)
        triples = population(
            n,
            seed=2,
            host_mass_msun=1.0,
            companion_mass_msun=mass_mjup / 1047.57,
            perturber_mass_msun=1.0,
            inner_a_au=rng.uniform(1, 5, n),
            outer_a_au=np.exp(rng.uniform(*np.log([100, 1000]), n)),
        )
        found = evolve(
            triples,
            t_end_yr=5e9,
            unstable=triples.outer_a_au * (1 - triples.outer_e) < 20.0,
            max_steps=20_000,
        )
        migrated = (found.outcome == Outcome.MIGRATED) & (found.circular_a_au < 0.1)
        hot.append(np.mean(migrated))
        drawn_in.append(hot[-1] + np.mean(found.outcome == Outcome.DISRUPTED))
    assert hot[0] < 0.7 * hot[1] < hot[1] < hot[2]
    assert 0.01 < hot[1] < 0.045
    assert 0.03 < hot[2] < 0.08
    assert all(0.10 < share < 0.18 for share in drawn_in)
    assert max(drawn_in) < 1.2 * min(drawn_in)


def test_a_mild_case_against_direct_integration():
    """One cycle of e_max = 0.76 with REBOUND: three bodies, nothing averaged."""
    rebound = pytest.importorskip("rebound", reason="rebound is not installed")
    large, ratio = 1e3, 15.0
    one = Triples.of(
        host_mass_msun=1.0,
        companion_mass_msun=1e-5,
        perturber_mass_msun=0.5,
        inner_a_au=large,
        inner_e=0.1,
        outer_a_au=ratio * large,
        outer_e=0.1,
        inclination_rad=math.radians(60),
        pericentre_rad=math.radians(40),
        node_rad=math.radians(70),
        love_number=0.0,
    )
    t_lk_yr = SecularScales.of(one).t_lk_yr[0]
    path = track(one, t_end_yr=8 * t_lk_yr)
    direct = rebound.Simulation()
    direct.G = G_AU3_MSUN_YR2
    direct.add(m=1.0)
    angles = {"inc": one.inclination_rad[0], "Omega": one.node_rad[0]}
    direct.add(m=1e-5, a=large, e=0.1, omega=one.pericentre_rad[0], f=1.0, **angles)
    direct.add(m=0.5, a=ratio * large, e=0.1, f=2.0)
    direct.move_to_com()
    times = np.linspace(0, 8 * t_lk_yr, 200)
    seen = []
    for time in times:
        direct.integrate(time)
        seen.append(direct.particles[1].orbit(primary=direct.particles[0]).e)
    e_max, at = max(path.e), path.t_yr[np.argmax(path.e)]
    assert max(seen) == pytest.approx(e_max, abs=0.02)
    assert times[np.argmax(seen)] == pytest.approx(at, rel=0.08)


# ---------------------------------------------------------------- populations


def population(n, seed=1, **changed):
    rng = np.random.default_rng(seed)
    drawn = {
        "host_mass_msun": 0.2,
        "companion_mass_msun": 2.86e-4,
        "perturber_mass_msun": np.exp(rng.uniform(*np.log([0.02, 0.2]), n)),
        "inner_a_au": 1.0,
        "inner_e": 0.01,
        "outer_a_au": np.exp(rng.uniform(*np.log([20, 500]), n)),
        "outer_e": rng.uniform(0, 0.8, n),
        "inclination_rad": np.arccos(rng.uniform(-1, 1, n)),
        "pericentre_rad": rng.uniform(0, 2 * np.pi, n),
        "node_rad": rng.uniform(0, 2 * np.pi, n),
    }
    return Triples.of(**{**drawn, **changed})


LADDER = {"disruption_factors": (2.7, 2.0), "max_steps": 20_000}


@pytest.fixture(scope="module")
def sixty():
    triples = population(60)
    return triples, evolve(triples, t_end_yr=3e7, shortcuts=Shortcuts.NONE, **LADDER)


def same(one, other):
    def equal(name):
        a, b = getattr(one, name), getattr(other, name)
        if isinstance(a, np.ndarray):
            return a.tobytes() == b.tobytes()
        return a == b

    return all(equal(item.name) for item in dataclasses.fields(one))


def test_threads_order_and_company_change_no_bit(sixty):
    triples, alone = sixty
    options = {"t_end_yr": 3e7, "shortcuts": Shortcuts.NONE, **LADDER}
    assert same(alone, evolve(triples, threads=2, **options))
    shuffled = np.random.default_rng(3).permutation(60)
    other = evolve(triples.take(shuffled), **options)
    np.testing.assert_array_equal(other.final_e, alone.final_e[shuffled])
    np.testing.assert_array_equal(other.t_inside_yr, alone.t_inside_yr[shuffled])
    few = evolve(triples.take(np.arange(5)), **options)
    np.testing.assert_array_equal(few.final_a_au, alone.final_a_au[:5])


def test_a_shorter_time_needs_no_new_integration(sixty):
    triples, long = sixty
    for factor in (2.7, 2.0):
        short = evolve(
            triples,
            t_end_yr=1e7,
            disruption_factors=(factor,),
            max_steps=20_000,
            shortcuts=Shortcuts.NONE,
        )
        read_off = long.outcome_at(t_yr=1e7, disruption_factor=factor)
        np.testing.assert_array_equal(read_off, short.outcome)


def test_what_cannot_be_read_off_is_refused(sixty):
    _, long = sixty
    with pytest.raises(ValueError, match="integrated to"):
        long.outcome_at(t_yr=1e9, disruption_factor=2.7)
    with pytest.raises(ValueError, match="recorded are"):
        long.outcome_at(t_yr=1e6, disruption_factor=3.0)


def test_passages_are_ordered_and_met(sixty):
    triples, found = sixty
    outer, inner = found.t_inside_yr.T
    assert np.all(outer <= inner)
    assert np.any(np.isfinite(inner))
    inside = found.min_pericentre_au < 2.7 * triples.tidal_radius_au
    np.testing.assert_array_equal(np.isfinite(outer), inside)
    assert found.counts()["disrupted"] == np.count_nonzero(
        outer <= np.minimum(3e7, found.t_migrated_yr)
    )


def test_a_start_inside_the_radius_is_a_passage_at_once():
    deep = population(2, inner_e=0.995)
    found = evolve(deep, t_end_yr=1e6, disruption_factors=(2.7, 0.0))
    np.testing.assert_array_equal(found.t_inside_yr[:, 0], 0.0)
    assert found.counts()["disrupted"] == 2


# ---------------------------------------------------------------- massive companions


def heavy(*, large=1.0, **changed):
    """A brown dwarf of a very low-mass host and a near perturber: eta = 0.5.

    Orbits 1e12 times as large are the same without relativity.
    """
    given = {
        "host_mass_msun": 0.13,
        "companion_mass_msun": 0.045,
        "perturber_mass_msun": 0.02,
        "inner_a_au": 1.0 * large,
        "inner_e": 0.1,
        "outer_a_au": 12.0 * large,
        "outer_e": 0.2,
        "inclination_rad": math.radians(75),
        "pericentre_rad": 0.7,
        "node_rad": 1.9,
        "time_lag_s": 0.0,
        **changed,
    }
    return Triples.of(**given)


def test_moving_orbits_follow_the_plain_twin():
    one = heavy()
    scales = SecularScales.of(one)
    assert scales.eta[0] > 0.3
    path = track(one, t_end_yr=12.0 * scales.t_lk_yr[0], tolerance=1e-12)
    twin = slow.follow_moving(one, 12.0).y[:, -1]
    found = np.concatenate(
        [
            path.e_vector[-1],
            path.j_vector[-1],
            path.outer_e_vector[-1],
            path.outer_j_vector[-1],
        ]
    )
    np.testing.assert_allclose(found, twin, atol=1e-7)


def test_total_angular_momentum_and_energy_are_conserved():
    one = heavy()
    scales = SecularScales.of(one)
    path = track(one, t_end_yr=300 * scales.t_lk_yr[0], tolerance=1e-9)
    gamma = scales.eta[0] * scales.outer_j[0]
    total = gamma * path.j_vector + path.outer_j_vector
    np.testing.assert_allclose(total, np.tile(total[0], (len(total), 1)), atol=1e-12)
    assert np.ptp(path.outer_j_vector[:, 2]) > 0.1
    states = path.e_vector, path.j_vector, path.outer_e_vector, path.outer_j_vector
    energies = [
        slow.energy_moving(*(vectors[k] for vectors in states), scales)
        for k in range(0, len(path.e), 50)
    ]
    assert np.ptp(energies) < 1e-6 * abs(energies[0])


def test_momentum_is_conserved_while_tides_shrink_the_orbit():
    one = heavy(inclination_rad=math.radians(93), time_lag_s=3e8)
    scales = SecularScales.of(one)
    path = track(one, t_end_yr=40 * scales.t_lk_yr[0], tolerance=1e-10)
    shrunk = np.sqrt(path.a_au / path.a_au[0])[:, np.newaxis]
    assert shrunk[-1] < 0.9
    gamma = scales.eta[0] * scales.outer_j[0]
    total = gamma * shrunk * path.j_vector + path.outer_j_vector
    np.testing.assert_allclose(total, np.tile(total[0], (len(total), 1)), atol=1e-8)


def test_moving_orbits_have_the_test_particle_limit():
    light = heavy(companion_mass_msun=1e-9)
    t_end = 30.0 * SecularScales.of(light).t_lk_yr[0]
    fixed = track(light, t_end_yr=t_end, tolerance=1e-11)
    moving = track(
        light, t_end_yr=t_end, tolerance=1e-11, outer_orbit=OuterOrbit.MOVING
    )
    assert fixed.outer_e_vector.shape == fixed.e_vector.shape
    np.testing.assert_allclose(moving.e_vector[-1], fixed.e_vector[-1], atol=1e-5)
    np.testing.assert_allclose(moving.j_vector[-1], fixed.j_vector[-1], atol=1e-5)


@pytest.mark.parametrize("inclination_deg", [70, 95, 110])
def test_largest_eccentricity_of_a_massive_companion(inclination_deg):
    one = heavy(
        large=1e3,
        inner_e=1e-4,
        outer_e=0.0,
        host_mass_msun=0.1,
        companion_mass_msun=0.1,
        inclination_rad=math.radians(inclination_deg),
        love_number=0.0,
    )
    scales = SecularScales.of(one)
    found = evolve_tlk(one, 60.0, tolerance=1e-10).min_one_minus_e[0]
    expected = slow.least_one_minus_e_with_eta(
        math.radians(inclination_deg), scales.eta[0], scales
    )
    assert found == pytest.approx(expected, rel=1e-5)


def test_which_orbits_move_is_decided_by_momentum():
    masses = np.array([1e-4, 0.045])
    triples = heavy(companion_mass_msun=masses)
    eta = SecularScales.of(triples).eta
    assert eta[0] < 0.05 < eta[1]
    options = {"t_end_yr": 1e5, "shortcuts": Shortcuts.NONE}
    mixed = evolve(triples, **options)
    np.testing.assert_array_equal(mixed.outer_moves, [False, True])
    for k, outer_orbit in enumerate((OuterOrbit.FIXED, OuterOrbit.MOVING)):
        alone = evolve(triples.take(np.array([k])), outer_orbit=outer_orbit, **options)
        assert alone.final_e[0] == mixed.final_e[k]


def test_massive_triples_too_stiff_to_change_do_not():
    rng = np.random.default_rng(8)
    n = 60
    triples = heavy(
        inner_e=0.01,
        outer_a_au=rng.uniform(12, 80, n),
        outer_e=rng.uniform(0, 0.5, n),
        inclination_rad=np.arccos(rng.uniform(-0.3, 0.1, n)),
        companion_radius_rjup=2.0,
    )
    options = {"t_end_yr": 3e6, "max_steps": 20_000}
    fast = evolve(triples, **options)
    stiff = fast.settled_by == Settled.STIFFNESS
    assert fast.outer_moves.all()
    assert 5 < stiff.sum() < 60
    brute = evolve(triples, shortcuts=Shortcuts.NONE, **options)
    assert np.all(brute.outcome[stiff] == Outcome.UNCHANGED)
    assert np.any(brute.outcome == Outcome.DISRUPTED)


# ---------------------------------------------------------------- shortcuts


@pytest.fixture(scope="module")
def both_ways():
    """A sample of the default map's triples, with shortcuts and by brute force."""
    n, rng = 400, np.random.default_rng(7)
    triples = population(
        n,
        host_mass_msun=0.207,
        companion_mass_msun=1.6e-4,
        companion_radius_rjup=0.855,
        perturber_mass_msun=np.exp(rng.uniform(*np.log([0.01, 0.3]), n)),
        outer_a_au=np.exp(rng.uniform(*np.log([10, 1000]), n)),
    )
    options = {
        "t_end_yr": 1e9,
        "unstable": triples.outer_a_au * (1 - triples.outer_e) < 4.0,
        "max_steps": 30_000,
        "disruption_factors": (2.7, 2.0),
    }
    fast = evolve(triples, **options)
    return fast, evolve(triples, shortcuts=Shortcuts.NONE, **options)


def test_shortcuts_settle_most_and_never_wrongly(both_ways):
    fast, brute = both_ways
    decided = brute.outcome != Outcome.UNDECIDED
    np.testing.assert_array_equal(
        fast.outcome[decided & (fast.settled_by != Settled.INTEGRATION)],
        brute.outcome[decided & (fast.settled_by != Settled.INTEGRATION)],
    )
    settled = fast.settled_counts()
    assert settled["stiffness"] > 60
    assert settled["window"] > 120
    assert sum(settled.values()) == len(fast)
    assert fast.n_steps.sum() < 0.5 * brute.n_steps.sum()


def test_what_is_followed_is_followed_the_same_way(both_ways):
    fast, brute = both_ways
    followed = fast.settled_by == Settled.INTEGRATION
    assert np.any(fast.outcome[followed] == Outcome.DISRUPTED)
    for name in ("outcome", "t_inside_yr", "final_a_au", "min_pericentre_au"):
        np.testing.assert_array_equal(
            getattr(fast, name)[followed], getattr(brute, name)[followed]
        )


def test_the_unfollowed_have_no_history(both_ways):
    fast, _ = both_ways
    unseen = np.isin(fast.settled_by, (Settled.STIFFNESS, Settled.WINDOW))
    assert np.all(np.isnan(fast.min_pericentre_au[unseen]))
    assert np.all(fast.n_steps[unseen] == 0)
    np.testing.assert_array_equal(fast.t_stop_yr[unseen], 1e9)
    np.testing.assert_array_equal(fast.final_a_au[unseen], 1.0)


def test_cycles_of_a_circular_perturber_are_settled_by_the_first():
    rng = np.random.default_rng(2)
    triples = population(
        60, seed=2, outer_e=0.0, inclination_rad=np.arccos(rng.uniform(-0.3, 0.3, 60))
    )
    options = {"t_end_yr": 2e7, "max_steps": 40_000}
    fast = evolve(triples, **options)
    brute = evolve(triples, shortcuts=Shortcuts.NONE, **options)
    periodic = fast.settled_by == Settled.PERIODIC
    assert periodic.sum() > 20
    assert np.median(fast.n_steps[periodic]) < 60
    decided = brute.outcome != Outcome.UNDECIDED
    np.testing.assert_array_equal(fast.outcome[decided], brute.outcome[decided])
    still_to_come = brute.final_a_au / fast.final_a_au
    assert np.all(still_to_come[periodic & decided] > 0.97)
    np.testing.assert_allclose(
        fast.min_pericentre_au[periodic], brute.min_pericentre_au[periodic], rtol=1e-3
    )


def test_a_lasting_record_settles_and_holds():
    rng = np.random.default_rng(4)
    n = 24
    triples = population(
        n,
        seed=4,
        outer_a_au=rng.uniform(22, 30, n),
        outer_e=rng.uniform(0.02, 0.1, n),
        perturber_mass_msun=0.1,
        inclination_rad=np.arccos(np.sqrt(rng.uniform(0.03, 0.06, n))),
    )
    fast = evolve(triples, t_end_yr=1e9)
    steady = np.flatnonzero(fast.settled_by == Settled.STEADY)
    assert len(steady) >= 4
    brute = evolve(
        triples.take(steady), t_end_yr=1e9, shortcuts=Shortcuts.NONE, max_steps=150_000
    )
    assert not np.isin(brute.outcome, (Outcome.MIGRATED, Outcome.DISRUPTED)).any()


@pytest.fixture(scope="module")
def massive_both_ways():
    """Companions of 10-75 MJup on the default map's perturbers, eta from 0.05 on."""
    n, rng = 300, np.random.default_rng(12)
    triples = population(
        n,
        seed=12,
        host_mass_msun=rng.uniform(0.06, 0.2, n),
        companion_mass_msun=np.exp(rng.uniform(*np.log([10, 75]), n)) / 1047.57,
        perturber_mass_msun=np.exp(rng.uniform(*np.log([0.01, 0.3]), n)),
        inner_a_au=np.exp(rng.uniform(*np.log([1, 8]), n)),
        outer_a_au=np.exp(rng.uniform(*np.log([10, 300]), n)),
    )
    options = {
        "t_end_yr": 1e9,
        "unstable": triples.outer_a_au * (1 - triples.outer_e) < 4 * triples.inner_a_au,
        "max_steps": 60_000,
        "outer_orbit": OuterOrbit.MOVING,
    }
    fast = evolve(triples, **options)
    brute = evolve(triples, shortcuts=Shortcuts.NONE, **options)
    return triples, fast, brute


def test_shortcuts_of_massive_triples_are_never_wrong(massive_both_ways):
    _, fast, brute = massive_both_ways
    settled = fast.settled_counts()
    assert settled["window"] > 60
    assert settled["steady"] > 3
    early = (brute.outcome != Outcome.UNDECIDED) & (
        fast.settled_by != Settled.INTEGRATION
    )
    np.testing.assert_array_equal(fast.outcome[early], brute.outcome[early])
    followed = fast.settled_by == Settled.INTEGRATION
    np.testing.assert_array_equal(fast.t_stop_yr[followed], brute.t_stop_yr[followed])
    assert np.count_nonzero(brute.outcome == Outcome.DISRUPTED) > 10
    undecided = [
        np.count_nonzero(e.outcome == Outcome.UNDECIDED) for e in (fast, brute)
    ]
    assert undecided[0] < 0.6 * undecided[1]


def test_no_settled_massive_triple_ever_came_close(massive_both_ways):
    """Not only unchanged: by brute force none comes within twice the busy pericentre,
    the undecided included."""
    triples, fast, brute = massive_both_ways
    busy = busiest_pericentre(
        triples, SecularScales.of(triples), t_end_yr=1e9, widest_factor=2.7
    )
    early = np.isin(fast.settled_by, (Settled.WINDOW, Settled.STEADY))
    closest = brute.min_pericentre_au / (busy * triples.inner_a_au)
    assert early.sum() > 60
    assert closest[early].min() > 2.0


def test_the_window_of_massive_triples_lies_around_minus_half_eta():
    """eta = 1.15, no octupole: deep from 125 degrees, not from 55 degrees."""
    angles = np.radians([55.0, 125.0])
    triples = heavy(
        host_mass_msun=0.1,
        companion_mass_msun=0.0999,
        perturber_mass_msun=0.0114,
        inner_e=0.01,
        outer_e=0.0,
        outer_a_au=15.0,
        inclination_rad=angles,
    )
    assert SecularScales.of(triples).eta == pytest.approx([1.15, 1.15], abs=0.03)
    found = evolve(triples, t_end_yr=1e9, max_steps=5000)
    assert found.settled_by[0] == Settled.WINDOW
    assert found.settled_by[1] == Settled.INTEGRATION
    brute = evolve(triples, t_end_yr=3e6, shortcuts=Shortcuts.NONE)
    assert brute.min_one_minus_e[1] < 0.05 < 0.2 < brute.min_one_minus_e[0]


# ---------------------------------------------------------------- edges


def test_no_time_changes_nothing():
    found = evolve(population(5), t_end_yr=0.0)
    assert found.counts()["unchanged"] == 5
    assert found.n_steps.sum() == 0
    np.testing.assert_array_equal(found.final_a_au, 1.0)
    np.testing.assert_allclose(found.final_e, 0.01, rtol=1e-12)


def test_the_cap_leaves_a_triple_undecided():
    found = evolve(population(5), t_end_yr=1e9, max_steps=50, shortcuts=Shortcuts.NONE)
    assert found.counts()["undecided"] == 5
    assert np.all(found.n_steps == 50)
    assert np.all(found.t_stop_yr < 1e9)


def test_unstable_triples_are_not_integrated():
    triples = population(4, outer_a_au=1.2, inner_e=0.5)
    with pytest.raises(ValueError, match="inside the inner orbit in 4 of 4"):
        evolve(triples, t_end_yr=1e6)
    found = evolve(triples, t_end_yr=1e6, unstable=np.ones(4, dtype=bool))
    assert np.all(found.outcome == Outcome.UNSTABLE)
    assert found.n_steps.sum() == 0


def test_no_triples_are_an_empty_ensemble():
    none = population(0)
    found = evolve(none, t_end_yr=1e6)
    assert len(found) == 0
    assert sum(found.counts().values()) == 0
    with pytest.raises(ValueError, match="one row"):
        population(3, outer_e=np.zeros((2, 3)))


def test_a_track_is_of_one_triple():
    with pytest.raises(ValueError, match="one triple makes a track, got 2"):
        track(population(2), t_end_yr=1e6)


def test_progress_reaches_the_total():
    seen = []
    evolve(
        population(10),
        t_end_yr=1e5,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen[-1] == (10, 10)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"companion_mass_msun": 0.0}, "companion_mass_msun must be positive"),
        ({"outer_e": 1.0}, r"outer_e must be in \[0, 1\)"),
        ({"inner_e": -0.1}, r"inner_e must be in \[0, 1\)"),
        ({"inner_a_au": math.nan}, "inner_a_au must be positive and finite"),
        ({"time_lag_s": -1.0}, "time_lag_s must be 0 or more"),
    ],
)
def test_impossible_triples_are_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        population(3, **changed)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"t_end_yr": -1.0}, "t_end_yr"),
        ({"t_end_yr": math.inf}, "t_end_yr"),
        ({"t_end_yr": 1.0, "tolerance": 0.0}, "tolerance"),
        ({"t_end_yr": 1.0, "disruption_factors": ()}, "disruption_factors"),
        ({"t_end_yr": 1.0, "migrated_fraction": 1.0}, "migrated_fraction"),
        ({"t_end_yr": 1.0, "threads": 0}, "threads"),
        ({"t_end_yr": 1.0, "unstable": np.ones(2, dtype=bool)}, "unstable"),
    ],
)
def test_impossible_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        evolve(population(3), **options)
