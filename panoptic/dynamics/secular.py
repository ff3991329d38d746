"""Secular evolution of hierarchical triples: double-averaged, with tides.

`evolve` follows populations, `track` one system. Quadrupole and octupole of the
perturber, apsidal precession by general relativity and by the companion's tidal and
rotational bulge, and equilibrium tides; equations in docs/methods.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from panoptic.dynamics.outcomes import Settled, TripleEnsemble, decide
from panoptic.dynamics.reach import foresee, foresee_nothing
from panoptic.dynamics.secular_kernels import (
    ENDED,
    LANES,
    MIGRATED,
    MOVING,
    OUTER_E,
    OUTER_J,
    PERIODIC,
    STEADY,
    J,
    S,
    T,
    integrate_fixed,
    integrate_moving,
    record_fixed,
    record_moving,
)
from panoptic.dynamics.triples import OuterOrbit, SecularScales, Triples

Floats = NDArray[np.float64]


class Shortcuts(StrEnum):
    """Whether to follow triples of which it is known that nothing will happen."""

    ALL = "all"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Track:
    """One system at every step taken, arrays (n_points,) or (n_points, 3)."""

    t_yr: Floats
    a_au: Floats
    e: Floats
    one_minus_e: Floats  # without its rounding
    inclination_rad: Floats  # between the orbits
    e_vector: Floats
    j_vector: Floats  # |j|^2 = 1 - e^2
    outer_e_vector: Floats
    outer_j_vector: Floats


def evolve(
    triples: Triples,
    *,
    t_end_yr: float,
    tolerance: float = 1e-7,
    disruption_factors: tuple[float, ...] = (2.7,),
    migrated_fraction: float = 0.1,
    max_steps: int = 100_000,
    unstable: NDArray[np.bool_] | None = None,
    outer_orbit: OuterOrbit = OuterOrbit.BY_MOMENTUM,
    shortcuts: Shortcuts = Shortcuts.ALL,
    threads: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> TripleEnsemble:
    """Integrate triples until they migrate, are disrupted or reach `t_end_yr`.

    Parameters
    ----------
    t_end_yr : 0 is allowed: then nothing has changed yet.
    tolerance : of one step, for e and s absolute and for j relative.
    disruption_factors : pericentres, in tidal radii, whose first passage is kept. The
        first decides `outcome`, the least ends an integration.
    migrated_fraction : of the initial axis; a triple that shrinks below it migrated.
    max_steps : per triple, accepted or not; one that needs more is undecided.
    unstable : (n,), True for triples that are not to be integrated.
    outer_orbit : whether the perturber's orbit is fixed (the companion a test
        particle), moves, or moves where its angular momentum is not much larger.
    shortcuts : whether triples that cannot change are settled early; which were, and
        by what, is in `settled_by`.
    threads : the same bytes for any number.
    progress : called with triples done and in all.

    Raises
    ------
    ValueError
        for numbers outside their domain, and if a triple that is not marked unstable
        has the perturber's pericentre inside the inner orbit's apocentre.
    """
    factors = _check_options(
        t_end_yr, tolerance, disruption_factors, migrated_fraction, max_steps, threads
    )
    left_out = _checked_mask(triples, unstable)
    scales = SecularScales.of(triples)
    moving = scales.moving(outer_orbit)
    foresight = (
        foresee(
            triples,
            scales,
            moving,
            t_end_yr=t_end_yr,
            widest_factor=max(disruption_factors),
        )
        if shortcuts is Shortcuts.ALL
        else foresee_nothing(triples)
    )
    settled = foresight.settled.copy()
    settled[left_out | (t_end_yr == 0.0)] = Settled.NOT_ASKED
    run = _Run.prepare(triples, scales, moving, t_end_yr=t_end_yr, factors=factors)
    arguments = (
        run.start,
        scales.strengths(moving),
        run.horizon,
        run.ladder,
        foresight.periodic,
        foresight.steady_outside,
        math.sqrt(migrated_fraction),
        tolerance,
        max_steps,
        *run.outputs,
    )
    n_before = int(np.count_nonzero(settled != Settled.INTEGRATION))
    with ThreadPoolExecutor(threads) as pool:
        jobs = {
            pool.submit(kernel, queue, *arguments): len(queue)
            for kernel, chosen in (
                (integrate_moving, moving),
                (integrate_fixed, ~moving),
            )
            for queue in _queues(
                np.flatnonzero(chosen & (settled == Settled.INTEGRATION)),
                run.horizon,
                threads,
            )
        }
        _wait(jobs, n_before=n_before, progress=progress)
    return run.as_ensemble(
        settled, unstable=left_out, tolerance=tolerance, factors=disruption_factors
    )


def track(
    triples: Triples,
    *,
    t_end_yr: float,
    tolerance: float = 1e-9,
    max_steps: int = 1_000_000,
    outer_orbit: OuterOrbit = OuterOrbit.BY_MOMENTUM,
) -> Track:
    """Follow one triple to `t_end_yr`, whatever happens to it, and keep every step.

    It ends before `t_end_yr` if `max_steps` come first.

    Raises
    ------
    ValueError
        if there is not exactly one triple, or the perturber crosses the inner orbit.
    """
    if len(triples) != 1:
        raise ValueError(f"one triple makes a track, got {len(triples)}")
    _check_options(t_end_yr, tolerance, (1.0,), 0.5, max_steps, 1)
    _checked_mask(triples, None)
    scales = SecularScales.of(triples)
    moving = scales.moving(outer_orbit)
    kernel = record_moving if moving[0] else record_fixed
    (start,) = _start_states(triples, scales)
    points = np.empty((max_steps + 1, len(start)))
    n_points = kernel(
        start,
        scales.strengths(moving)[0],
        t_end_yr / scales.t_lk_yr[0],
        tolerance,
        points,
    )
    points = points[:n_points]
    if not moving[0]:
        points[:, OUTER_E:] = start[OUTER_E:]
    j_vector, outer_j_vector = points[:, J:S], points[:, OUTER_J:]
    j2 = np.sum(j_vector**2, axis=1)
    outer_j2 = np.sum(outer_j_vector**2, axis=1)
    cosine = np.sum(j_vector * outer_j_vector, axis=1) / np.sqrt(j2 * outer_j2)
    e = _eccentricity(points)
    return Track(
        t_yr=points[:, T] * scales.t_lk_yr[0],
        a_au=points[:, S] ** 2 * triples.inner_a_au[0],
        e=e,
        one_minus_e=j2 / (1.0 + e),
        inclination_rad=np.arccos(np.clip(cosine, -1.0, 1.0)),
        e_vector=points[:, :J],
        j_vector=j_vector,
        outer_e_vector=points[:, OUTER_E:OUTER_J],
        outer_j_vector=outer_j_vector,
    )


@dataclass(frozen=True, slots=True)
class _Run:
    """What the kernels read and fill, in their own units: a0 and t_LK."""

    triples: Triples
    moving: NDArray[np.bool_]
    t_end_yr: float
    t_lk_yr: Floats
    horizon: Floats
    rungs: Floats  # disruption factors, descending
    ladder: Floats
    start: Floats
    status: NDArray[np.uint8]
    n_steps: NDArray[np.int64]
    end: Floats
    closest: Floats
    least_one_minus_e: Floats
    inside: Floats

    @classmethod
    def prepare(
        cls,
        triples: Triples,
        scales: SecularScales,
        moving: NDArray[np.bool_],
        *,
        t_end_yr: float,
        factors: Floats,
    ) -> _Run:
        n = len(triples)
        start = _start_states(triples, scales)
        return cls(
            triples=triples,
            moving=moving,
            t_end_yr=float(t_end_yr),
            t_lk_yr=scales.t_lk_yr,
            horizon=t_end_yr / scales.t_lk_yr,
            rungs=factors,
            ladder=np.outer(triples.tidal_radius_au / triples.inner_a_au, factors),
            start=start,
            status=np.full(n, ENDED, dtype=np.uint8),
            n_steps=np.zeros(n, dtype=np.int64),
            end=start.copy(),
            closest=1.0 - triples.inner_e,
            least_one_minus_e=1.0 - triples.inner_e,
            inside=np.full((n, len(factors)), np.inf),
        )

    @property
    def outputs(self) -> tuple[NDArray[Any], ...]:
        return (
            self.status,
            self.n_steps,
            self.end,
            self.closest,
            self.least_one_minus_e,
            self.inside,
        )

    def as_ensemble(
        self,
        settled: NDArray[np.uint8],
        *,
        unstable: NDArray[np.bool_],
        tolerance: float,
        factors: tuple[float, ...],
    ) -> TripleEnsemble:
        """Return the results in years and AU, the factors in the order asked for."""
        settled = settled.copy()
        settled[self.status == PERIODIC] = Settled.PERIODIC
        settled[self.status == STEADY] = Settled.STEADY
        a0 = self.triples.inner_a_au
        t_known = np.where(
            np.isin(self.status, (ENDED, PERIODIC, STEADY)),
            self.t_end_yr,
            self.end[:, T] * self.t_lk_yr,
        )
        t_migrated = np.where(self.status == MIGRATED, t_known, np.inf)
        columns = [int(np.flatnonzero(self.rungs == factor)[0]) for factor in factors]
        t_inside = self.inside[:, columns] * self.t_lk_yr[:, np.newaxis]
        unseen = (settled == Settled.STIFFNESS) | (settled == Settled.WINDOW)
        final_e = _eccentricity(self.end)
        least = np.where(unseen, np.nan, self.least_one_minus_e)
        return TripleEnsemble(
            outcome=decide(
                self.t_end_yr,
                t_stop_yr=t_known,
                t_migrated_yr=t_migrated,
                t_inside_yr=t_inside[:, 0],
                unstable=unstable,
            ),
            settled_by=settled,
            outer_moves=self.moving,
            t_end_yr=self.t_end_yr,
            tolerance=tolerance,
            disruption_factors=factors,
            t_stop_yr=t_known,
            t_migrated_yr=t_migrated,
            t_inside_yr=t_inside,
            min_pericentre_au=np.where(unseen, np.nan, self.closest * a0),
            max_e=1.0 - least,
            min_one_minus_e=least,
            final_a_au=self.end[:, S] ** 2 * a0,
            final_e=np.where(unseen, np.nan, final_e),
            n_steps=self.n_steps,
        )


def _start_states(triples: Triples, scales: SecularScales) -> Floats:
    """Return e, j, s, t and the outer e, j, (n, 14)."""
    e, j = triples.orbit_vectors
    start = np.zeros((len(triples), len(MOVING)))
    start[:, :J], start[:, J:S], start[:, S] = e, j, 1.0
    start[:, OUTER_E] = triples.outer_e  # along x
    start[:, OUTER_J + 2] = scales.outer_j  # along z
    return start


def _eccentricity(states: Floats) -> Floats:
    """Return e from the vector that has more digits of it, (n,)."""
    e = np.sqrt(np.sum(states[:, :J] ** 2, axis=1))
    j2 = np.sum(states[:, J:S] ** 2, axis=1)
    return np.where(e < 0.1, e, np.sqrt(np.maximum(1.0 - j2, 0.0)))


def _check_options(
    t_end_yr: float,
    tolerance: float,
    disruption_factors: tuple[float, ...],
    migrated_fraction: float,
    max_steps: int,
    threads: int,
) -> Floats:
    """Return the disruption factors in descending order, each once."""
    if not (math.isfinite(t_end_yr) and t_end_yr >= 0.0):
        raise ValueError(f"t_end_yr must be finite and 0 or more, got {t_end_yr}")
    if not 1e-14 <= tolerance <= 1e-3:
        raise ValueError(f"tolerance must be in [1e-14, 1e-3], got {tolerance}")
    if not disruption_factors or min(disruption_factors) < 0.0:
        raise ValueError(f"disruption_factors must be 0 or more: {disruption_factors}")
    if not 0.0 <= migrated_fraction < 1.0:
        raise ValueError(f"migrated_fraction must be in [0, 1): {migrated_fraction}")
    if max_steps < 1 or threads < 1:
        raise ValueError(
            f"max_steps and threads must be at least 1, got {max_steps} and {threads}"
        )
    return np.array(sorted(set(disruption_factors), reverse=True))


def _checked_mask(
    triples: Triples, unstable: NDArray[np.bool_] | None
) -> NDArray[np.bool_]:
    mask = np.zeros(len(triples), dtype=np.bool_) if unstable is None else unstable
    if mask.shape != (len(triples),):
        raise ValueError(
            f"unstable must have shape ({len(triples)},), got {mask.shape}"
        )
    crossing = ~mask & ~triples.are_nested
    if crossing.any():
        raise ValueError(
            f"the perturber comes inside the inner orbit in {crossing.sum()} of "
            f"{len(triples)} triples, the first is number {np.argmax(crossing)}: mark "
            "them unstable"
        )
    return mask


def _queues(
    followed: NDArray[np.int_], horizon: Floats, threads: int
) -> Iterator[NDArray[np.int_]]:
    """Cut a queue so that threads end together and each lane gets some systems.

    The longest first, so that no lane is left alone with a long one at the end.
    """
    followed = followed[np.argsort(-horizon[followed], kind="stable")]
    n_pieces = 1 if threads == 1 else 8 * threads
    length = min(max(len(followed) // n_pieces, 8 * LANES), 512 * LANES)
    for first in range(0, len(followed), length):
        yield followed[first : first + length]


def _wait(
    jobs: dict[Future[None], int],
    *,
    n_before: int,
    progress: Callable[[int, int], None] | None,
) -> None:
    done, total = n_before, n_before + sum(jobs.values())
    for job in as_completed(jobs):
        job.result()
        done += jobs[job]
        if progress is not None:
            progress(done, total)
