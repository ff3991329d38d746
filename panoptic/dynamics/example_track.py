"""One way in, step by step: a triple of the secular map that shows how others went."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from panoptic.dynamics.feasibility import draw_orbits
from panoptic.dynamics.outcomes import Outcome, TripleEnsemble
from panoptic.dynamics.secular import Track, track
from panoptic.dynamics.secular_map import (
    SecularMap,
    follow,
    headline_outcome,
    lay_out,
)
from panoptic.statement import NotRun

Floats = NDArray[np.float64]

MOST_POINTS = 1600  # kept of a track: more than a printed line can show
_SHOWN_AFTER = 1.3  # of the time at which it was decided
_TOLD = (Outcome.MIGRATED, Outcome.DISRUPTED)  # what an example may show, by worth


@dataclass(frozen=True, slots=True)
class ExampleTrack:
    """One triple of the map at some of its steps, arrays (n_points,).

    The steps are thinned to those that draw the same line.
    """

    outcome: str  # migrated or disrupted
    cell: tuple[int, int]  # of the map: row by mass, column by axis
    draw: int  # number of it in the cell, from 0
    perturber_mass_msun: float  # mass of the perturber, Msun
    perturber_axis_au: float  # semi-major axis of the outer orbit, AU
    perturber_ecc: float  # eccentricity of the outer orbit at the start
    first_axis_au: float  # of the companion at the start, AU
    first_inclination_deg: float  # mutual inclination at the start, deg
    decided_at_yr: float  # when it had migrated or first came too close, yr
    n_steps: int  # taken
    t_yr: Floats  # time from the start, yr
    a_au: Floats  # semi-major axis of the companion, AU
    ecc: Floats  # eccentricity of the companion
    inclination_deg: Floats  # between the companion's and the outer orbit, deg
    pericentre_au: Floats  # a (1 - e) of the companion, AU


def example_track(found: SecularMap) -> ExampleTrack | NotRun:
    """Follow the first triple that migrated in the cell where most did.

    Where none migrated, one that was disrupted; not run where neither happened.
    """
    for outcome in _TOLD:
        counts = found.count(outcome)
        if counts.any():
            return _follow_first(found, int(counts.argmax()), outcome)
    return NotRun(f"none of {found.n_total} triples migrated or was disrupted")


def _follow_first(found: SecularMap, cell: int, outcome: Outcome) -> ExampleTrack:
    asked, model = found.request, found.request.model
    orbits = draw_orbits(
        [cell],
        asked.prior,
        axis_range_au=asked.inner.axis_au,
        n_draws=asked.n_draws,
        seed=asked.seed,
    )
    mass, axis_out = (float(column[cell]) for column in asked.grid.per_cell())
    triples, unstable = lay_out(asked.inner, orbits, mass, axis_out, model=model)
    ensemble = follow(triples, unstable, model=model)
    draw = int(np.argmax(headline_outcome(ensemble, model) == outcome))
    triple = triples.take(np.array([draw]))
    decided_at = _decided_at_yr(ensemble, draw, outcome, model.disruption_factor)
    whole = track(
        triple,
        t_end_yr=min(_SHOWN_AFTER * decided_at, model.horizon_gyr * 1e9),
        tolerance=model.tolerance,
        max_steps=model.max_steps,
    )
    kept = _turns_and_ends(whole)
    mass_index, axis_index = divmod(cell, asked.grid.shape[1])
    return ExampleTrack(
        outcome=outcome.name.lower(),
        cell=(mass_index, axis_index),
        draw=draw,
        perturber_mass_msun=mass,
        perturber_axis_au=axis_out,
        perturber_ecc=float(triple.outer_e[0]),
        first_axis_au=float(triple.inner_a_au[0]),
        first_inclination_deg=float(np.degrees(triple.inclination_rad[0])),
        decided_at_yr=decided_at,
        n_steps=len(whole.t_yr) - 1,
        t_yr=whole.t_yr[kept],
        a_au=whole.a_au[kept],
        ecc=whole.e[kept],
        inclination_deg=np.degrees(whole.inclination_rad[kept]),
        pericentre_au=(whole.a_au * whole.one_minus_e)[kept],
    )


def _decided_at_yr(
    ensemble: TripleEnsemble, draw: int, outcome: Outcome, disruption_factor: float
) -> float:
    if outcome is Outcome.MIGRATED:
        return float(ensemble.t_migrated_yr[draw])
    column = ensemble.disruption_factors.index(disruption_factor)
    return float(ensemble.t_inside_yr[draw, column])


def _turns_and_ends(whole: Track) -> NDArray[np.intp]:
    """Return at most `MOST_POINTS` steps that draw the same line as all of them.

    Time and the way the line goes on paper are cut into equal stretches (steps crowd
    where e is close to 1, and would cut unevenly); each keeps its ends and its
    extremes of e, and all turns of e are kept unless they are too many.
    """
    n = len(whole.t_yr)
    if n <= MOST_POINTS:
        return np.arange(n)
    drawn = np.stack(
        [
            whole.t_yr / whole.t_yr[-1],
            whole.e,
            whole.inclination_rad / np.pi,
            np.log10(whole.a_au),
            np.log10(whole.a_au * whole.one_minus_e),
        ]
    )
    way = np.abs(np.diff(drawn, axis=1)).sum(axis=0).cumsum()
    stretches = np.linspace(0.0, way[-1], MOST_POINTS // 8)
    times = np.linspace(0.0, whole.t_yr[-1], MOST_POINTS // 16)
    cuts = [0, n, *(np.searchsorted(way, stretches[1:]) + 1)]
    borders = np.unique([*cuts, *np.searchsorted(whole.t_yr, times)])
    turns = _turns(whole.one_minus_e)
    kept = {0, n - 1, *(turns if len(turns) <= MOST_POINTS // 4 else ())}
    for first, last in zip(borders[:-1], borders[1:], strict=True):
        stretch = whole.one_minus_e[first:last]
        kept |= {first, first + stretch.argmin(), first + stretch.argmax(), last - 1}
    return np.array(sorted(kept), dtype=np.intp)


def _turns(values: Floats) -> NDArray[np.intp]:
    """Return where a row of numbers turns from rising to falling, or back."""
    steps = np.sign(np.diff(values))
    return np.flatnonzero(steps[:-1] * steps[1:] < 0) + 1
