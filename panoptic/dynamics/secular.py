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
    N_FIXED,
    PERIODIC,
    STEADY,
    J,
    S,
    T,
    integrate_fixed,
    record_fixed,
)
from panoptic.dynamics.triples import SecularScales, Triples

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
    inclination_rad: Floats  # to the plane of the initial outer orbit
    e_vector: Floats
    j_vector: Floats  # |j|^2 = 1 - e^2


def evolve(
    triples: Triples,
    *,
    t_end_yr: float,
    tolerance: float = 1e-7,
    disruption_factors: tuple[float, ...] = (2.7,),
    migrated_fraction: float = 0.1,
    max_steps: int = 100_000,
    unstable: NDArray[np.bool_] | None = None,
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
    foresight = (
        foresee(
            triples, scales, t_end_yr=t_end_yr, widest_factor=max(disruption_factors)
        )
        if shortcuts is Shortcuts.ALL
        else foresee_nothing(triples)
    )
    raw = _Raw.empty(triples, n_rungs=len(factors))
    horizon = t_end_yr / scales.t_lk_yr
    ladder = np.outer(triples.tidal_radius_au / triples.inner_a_au, factors)
    settled = foresight.settled
    settled[left_out | (t_end_yr == 0.0)] = Settled.NOT_ASKED
    followed = np.flatnonzero(settled == Settled.INTEGRATION)
    # The longest first, so that no lane is left alone with a long one at the end.
    followed = followed[np.argsort(-horizon[followed], kind="stable")]
    arguments = (
        raw.start,
        scales.strengths,
        horizon,
        ladder,
        foresight.periodic,
        foresight.steady_outside,
        math.sqrt(migrated_fraction),
        tolerance,
        max_steps,
        *raw.outputs,
    )
    with ThreadPoolExecutor(threads) as pool:
        jobs = {
            pool.submit(integrate_fixed, queue, *arguments): len(queue)
            for queue in _queues(followed, threads)
        }
        _wait(jobs, n_before=len(triples) - len(followed), progress=progress)
    return raw.as_ensemble(
        triples,
        scales,
        t_end_yr=float(t_end_yr),
        tolerance=tolerance,
        disruption_factors=disruption_factors,
        factors=factors,
        unstable=left_out,
        settled=settled,
    )


def track(
    triples: Triples,
    *,
    t_end_yr: float,
    tolerance: float = 1e-9,
    max_steps: int = 1_000_000,
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
    points = np.empty((max_steps + 1, N_FIXED))
    n_points = record_fixed(
        _start_states(triples)[0],
        scales.strengths[0],
        t_end_yr / scales.t_lk_yr[0],
        tolerance,
        points,
    )
    e_vector, j_vector, s, t = np.split(points[:n_points], (J, S, T), axis=1)
    j2 = np.sum(j_vector**2, axis=1)
    e = np.sqrt(np.maximum(1.0 - j2, 0.0))
    return Track(
        t_yr=t[:, 0] * scales.t_lk_yr[0],
        a_au=s[:, 0] ** 2 * triples.inner_a_au[0],
        e=e,
        one_minus_e=j2 / (1.0 + e),
        inclination_rad=np.arccos(np.clip(j_vector[:, 2] / np.sqrt(j2), -1.0, 1.0)),
        e_vector=e_vector,
        j_vector=j_vector,
    )


@dataclass(frozen=True, slots=True)
class _Raw:
    """What the kernel reads and fills, in its own units: a0 and t_LK."""

    start: Floats
    status: NDArray[np.uint8]
    n_steps: NDArray[np.int64]
    end: Floats
    closest: Floats
    least_one_minus_e: Floats
    inside: Floats

    @classmethod
    def empty(cls, triples: Triples, *, n_rungs: int) -> _Raw:
        n = len(triples)
        start = _start_states(triples)
        return cls(
            start=start,
            status=np.full(n, ENDED, dtype=np.uint8),
            n_steps=np.zeros(n, dtype=np.int64),
            end=start.copy(),
            closest=1.0 - triples.inner_e,
            least_one_minus_e=1.0 - triples.inner_e,
            inside=np.full((n, n_rungs), np.inf),
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
        triples: Triples,
        scales: SecularScales,
        *,
        t_end_yr: float,
        tolerance: float,
        disruption_factors: tuple[float, ...],
        factors: Floats,
        unstable: NDArray[np.bool_],
        settled: NDArray[np.uint8],
    ) -> TripleEnsemble:
        settled = settled.copy()
        settled[self.status == PERIODIC] = Settled.PERIODIC
        settled[self.status == STEADY] = Settled.STEADY
        closest = self.closest * triples.inner_a_au
        unseen = (settled == Settled.STIFFNESS) | (settled == Settled.WINDOW)
        known_to_the_end = np.isin(self.status, (ENDED, PERIODIC, STEADY))
        t_stop = np.where(known_to_the_end, t_end_yr, self.end[:, T] * scales.t_lk_yr)
        t_inside = self.inside * scales.t_lk_yr[:, np.newaxis]
        by_request = [int(np.flatnonzero(factors == f)[0]) for f in disruption_factors]
        t_migrated = np.where(self.status == MIGRATED, t_stop, np.inf)
        j2 = np.sum(self.end[:, J:S] ** 2, axis=1)
        final_e = np.sqrt(np.maximum(1.0 - j2, 0.0))
        least = np.where(unseen, np.nan, self.least_one_minus_e)
        return TripleEnsemble(
            outcome=decide(
                t_end_yr,
                t_stop_yr=t_stop,
                t_migrated_yr=t_migrated,
                t_inside_yr=t_inside[:, by_request[0]],
                unstable=unstable,
            ),
            settled_by=settled,
            t_end_yr=t_end_yr,
            tolerance=tolerance,
            disruption_factors=disruption_factors,
            t_stop_yr=t_stop,
            t_migrated_yr=t_migrated,
            t_inside_yr=t_inside[:, by_request],
            min_pericentre_au=np.where(unseen, np.nan, closest),
            max_e=1.0 - least,
            min_one_minus_e=least,
            final_a_au=self.end[:, S] ** 2 * triples.inner_a_au,
            final_e=np.where(unseen, np.nan, final_e),
            n_steps=self.n_steps,
        )


def _start_states(triples: Triples) -> Floats:
    e, j = triples.orbit_vectors
    n = len(triples)
    return np.ascontiguousarray(np.hstack([e, j, np.ones((n, 1)), np.zeros((n, 1))]))


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


def _queues(followed: NDArray[np.int_], threads: int) -> Iterator[NDArray[np.int_]]:
    """Cut a queue so that threads end together and each lane gets some dozens."""
    length = min(max(len(followed) // (8 * threads), 32 * LANES), 512 * LANES)
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
