"""The physical map: what becomes of each cell's triples when their orbits are followed.

Every draw is integrated once, to the longest horizon and down to the smallest
disruption radius; shorter horizons and wider radii are read off the times that were
kept. The draws are those of the criterion map.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from panoptic.constants import MSUN_MJUP, RSUN_AU
from panoptic.dynamics.feasibility import DrawnOrbits, draw_orbits, wilson_interval
from panoptic.dynamics.kozai_lidov import (
    largest_eccentricity,
    mardling_aarseth_ratio,
    order_of_magnitude_time_yr,
)
from panoptic.dynamics.outcomes import Outcome, Settled, TripleEnsemble
from panoptic.dynamics.perturbers import (
    InnerOrbit,
    OuterOrbitPrior,
    PerturberGrid,
    Progress,
    require_outside,
    require_positive,
)
from panoptic.dynamics.scale_out import Work, Workers, compute, items_per_block
from panoptic.dynamics.secular import evolve
from panoptic.dynamics.triples import Triples

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Flags = NDArray[np.bool_]

N_OUTCOMES = len(Outcome)
ARRIVED = N_OUTCOMES  # column of the migrated that end near the target's axis
KEPT_NAME = "map"  # of the target's map, among the kept works


@dataclass(frozen=True, slots=True)
class SecularModel:
    """Physics and thresholds of the integration.

    Raises
    ------
    ValueError
        for a number outside its domain, or a headline value that is not on its ladder.
    """

    horizon_gyr: float = 1.0  # time the triples are followed for, headline, Gyr
    disruption_factor: float = 2.7  # pericentre in tidal radii that destroys
    horizons_gyr: tuple[float, ...] = (1.0,)  # all that are counted, Gyr
    disruption_factors: tuple[float, ...] = (2.7, 2.0)  # all counted, tidal radii
    love_number: float = 0.37  # k2 of the companion, twice its apsidal constant
    time_lag_s: float = 1.0  # of the tide in the companion, s
    first_ecc: float = 0.01  # of the companion; a circular orbit would never start
    window_factor: float = 2.0  # arrived: final a within this factor of the target's
    tolerance: float = 1e-7  # error allowed in an integration step
    max_steps: int = 100_000  # after which a draw is undecided

    def __post_init__(self) -> None:
        for name in ("horizon_gyr", "disruption_factor", "love_number", "first_ecc"):
            require_positive(name, getattr(self, name))
        if not (self.time_lag_s >= 0 and self.window_factor >= 1):
            raise ValueError(
                "time_lag_s must be 0 or more and window_factor at least 1, got "
                f"{self.time_lag_s} and {self.window_factor}"
            )
        if self.horizon_gyr not in self.horizons_gyr:
            raise ValueError(f"{self.horizon_gyr} Gyr is not in {self.horizons_gyr}")
        if self.disruption_factor not in self.disruption_factors:
            raise ValueError(
                f"factor {self.disruption_factor} is not in {self.disruption_factors}"
            )


@dataclass(frozen=True, slots=True)
class SecularRequest:
    """All that a map depends on: equal requests have equal answers, bit for bit.

    Raises
    ------
    ValueError
        for no draws, a threshold or axis that is not positive, or perturbers that all
        lie inside the inner orbit.
    """

    grid: PerturberGrid  # the perturbers
    inner: InnerOrbit  # host, companion and its start
    prior: OuterOrbitPrior  # of the perturbers' orbits
    model: SecularModel  # physics and thresholds
    target_axis_au: float  # today's, to count what arrives, AU
    r_crit_rstar: float  # of the criterion that the outcomes are compared with
    n_draws: int  # per cell
    seed: int  # of the counter-based draws

    def __post_init__(self) -> None:
        for name in ("n_draws", "r_crit_rstar", "target_axis_au"):
            require_positive(name, getattr(self, name))
        require_outside(self.grid, self.inner)

    @property
    def cells_per_block(self) -> int:
        """Cells that are settled, kept and sent out together."""
        return items_per_block(self.grid.n_cells, n_draws=self.n_draws)


@dataclass(frozen=True, slots=True)
class CellBlock:
    """Some neighbouring cells of a map."""

    request: SecularRequest
    cells: range


@dataclass(frozen=True, slots=True)
class BlockTally:
    """How the draws of a block of cells ended; whole numbers only."""

    counts: Counts  # (n_cells, n_horizons, n_factors, N_OUTCOMES + 1)
    agreement: Counts  # (2, N_OUTCOMES): criterion no and yes, by headline outcome
    settled: Counts  # (len(Settled),) draws by what decided them
    steps: Counts  # (N_OUTCOMES,) integration steps by headline outcome

    @classmethod
    def together(cls, tallies: Sequence[Self]) -> Self:
        """Return the blocks one after the other, what is not per cell summed."""
        return cls(
            counts=np.concatenate([tally.counts for tally in tallies]),
            **{
                item.name: np.sum([getattr(t, item.name) for t in tallies], axis=0)
                for item in fields(cls)
                if item.name != "counts"
            },
        )


@dataclass(frozen=True, slots=True)
class SecularMap:
    """Outcomes over a grid of perturbers, counted by horizon and disruption factor.

    Outcomes are in the order of `Outcome`; one column more, `ARRIVED`, counts the
    migrated that end within `window_factor` of the target's axis.
    """

    request: SecularRequest  # what the map depends on
    counts: Counts  # (n_mass, n_axis, n_horizons, n_factors, N_OUTCOMES + 1)
    agreement: Counts  # (2, N_OUTCOMES): criterion no and yes, by headline outcome
    settled: dict[str, int]  # draws by what decided them
    steps: dict[str, int]  # integration steps by headline outcome

    def count(
        self,
        outcome: int,
        *,
        horizon_gyr: float | None = None,
        disruption_factor: float | None = None,
    ) -> Counts:
        """Return the (n_mass, n_axis) counts of an `Outcome`, or of `ARRIVED`.

        Headline horizon and factor unless others of the ladders are given.
        """
        model = self.request.model
        horizon = horizon_gyr or model.horizon_gyr
        factor = disruption_factor or model.disruption_factor
        return self.counts[
            :,
            :,
            model.horizons_gyr.index(horizon),
            model.disruption_factors.index(factor),
            outcome,
        ]

    def fraction(self, outcome: int) -> Floats:
        """Return the headline share of an outcome per cell, (n_mass, n_axis)."""
        return self.count(outcome) / self.request.n_draws

    def interval(self, outcome: int) -> tuple[Floats, Floats]:
        """Return its 95 % interval (Wilson) per cell."""
        return wilson_interval(self.count(outcome), self.request.n_draws)

    @property
    def n_total(self) -> int:
        return self.request.n_draws * self.request.grid.n_cells


def map_secular(
    request: SecularRequest,
    *,
    workers: Workers | None = None,
    progress: Progress | None = None,
) -> SecularMap:
    """Return how the triples of every cell end, whoever computes them.

    progress : called with cells done and in all.
    """
    tallies = compute(
        map_work(request),
        workers=Workers() if workers is None else workers,
        progress=progress,
    )
    return read_map(request, tallies)


def map_work(
    request: SecularRequest, *, name: str = KEPT_NAME
) -> Work[CellBlock, BlockTally]:
    """Return what must be computed for a map; its blocks are kept under the name."""
    n_cells, length = request.grid.n_cells, request.cells_per_block
    blocks = [
        CellBlock(request, range(first, min(first + length, n_cells)))
        for first in range(0, n_cells, length)
    ]
    return Work(
        name,
        request,
        settle_block,
        blocks,
        BlockTally,
        size=lambda block: len(block.cells),
    )


def read_map(request: SecularRequest, tallies: Sequence[BlockTally]) -> SecularMap:
    """Return the map whose work came out so."""
    whole = BlockTally.together(tallies)
    return SecularMap(
        request=request,
        counts=whole.counts.reshape(*request.grid.shape, *whole.counts.shape[1:]),
        agreement=whole.agreement,
        settled=named(Settled, whole.settled),
        steps=named(Outcome, whole.steps),
    )


def settle_block(block: CellBlock) -> BlockTally:
    """Draw and follow the triples of some cells; the same block, the same tally."""
    asked, model = block.request, block.request.model
    orbits = draw_orbits(
        block.cells,
        asked.prior,
        axis_range_au=asked.inner.axis_au,
        n_draws=asked.n_draws,
        seed=asked.seed,
    )
    mass, axis_out = (column[block.cells, None] for column in asked.grid.per_cell())
    ensemble = follow(
        *lay_out(asked.inner, orbits, mass, axis_out, model=model), model=model
    )
    counts = tally(
        ensemble, (len(block.cells), asked.n_draws), model, asked.target_axis_au
    )
    outcome = headline_outcome(ensemble, model)
    passes = _passes_criterion(asked, orbits, mass, axis_out).ravel()
    return BlockTally(
        counts=counts,
        agreement=np.array(
            [
                np.bincount(outcome[chosen], minlength=N_OUTCOMES)
                for chosen in (~passes, passes)
            ]
        ),
        settled=np.bincount(ensemble.settled_by, minlength=len(Settled)),
        steps=np.array([ensemble.n_steps[outcome == o].sum() for o in Outcome]),
    )


def lay_out(
    inner: InnerOrbit,
    orbits: DrawnOrbits,
    mass_msun: ArrayLike,
    axis_out_au: ArrayLike,
    *,
    model: SecularModel,
) -> tuple[Triples, Flags]:
    """Return drawn orbits as triples, row after row, and which are unstable.

    mass_msun, axis_out_au : of the perturbers; broadcast with the orbits.
    """
    mass, axis_out = (
        np.broadcast_to(np.asarray(values, dtype=np.float64), orbits.ecc_out.shape)
        for values in (mass_msun, axis_out_au)
    )
    triples = Triples.of(
        host_mass_msun=inner.host_mass_msun,
        companion_mass_msun=inner.companion_mass_mjup / MSUN_MJUP,
        perturber_mass_msun=mass.ravel(),
        inner_a_au=orbits.axis_au.ravel(),
        inner_e=model.first_ecc,
        outer_a_au=axis_out.ravel(),
        outer_e=orbits.ecc_out.ravel(),
        inclination_rad=np.arccos(orbits.cos_inclination.ravel()),
        pericentre_rad=orbits.pericentre_rad.ravel(),
        node_rad=orbits.node_rad.ravel(),
        companion_radius_rjup=inner.companion_radius_rjup,
        love_number=model.love_number,
        time_lag_s=model.time_lag_s,
    )
    return triples, ~_is_stable(inner, orbits, mass, axis_out).ravel()


def follow(triples: Triples, unstable: Flags, *, model: SecularModel) -> TripleEnsemble:
    """Integrate triples on this thread, the unstable left out."""
    return evolve(
        triples,
        t_end_yr=max(model.horizons_gyr) * 1e9,
        tolerance=model.tolerance,
        disruption_factors=model.disruption_factors,
        max_steps=model.max_steps,
        unstable=unstable,
    )


def headline_outcome(
    ensemble: TripleEnsemble, model: SecularModel
) -> NDArray[np.uint8]:
    """Return the outcomes at the model's own horizon and disruption factor, (n,)."""
    return ensemble.outcome_at(
        t_yr=model.horizon_gyr * 1e9, disruption_factor=model.disruption_factor
    )


def tally(
    ensemble: TripleEnsemble,
    shape: tuple[int, int],
    model: SecularModel,
    target_axis_au: ArrayLike,
) -> Counts:
    """Count outcomes per row, (n_rows, n_horizons, n_factors, N_OUTCOMES + 1).

    shape : rows and draws of the ensemble, row after row.
    target_axis_au : what the arrived arrive at, of all or of each row.
    """
    target = np.broadcast_to(target_axis_au, shape[0]).repeat(shape[1])
    ratio = ensemble.circular_a_au / target
    near = (ratio >= 1.0 / model.window_factor) & (ratio <= model.window_factor)
    ladder = (len(model.horizons_gyr), len(model.disruption_factors))
    counts = np.empty((shape[0], *ladder, N_OUTCOMES + 1), dtype=np.int64)
    for h, horizon in enumerate(model.horizons_gyr):
        for f, factor in enumerate(model.disruption_factors):
            outcome = ensemble.outcome_at(t_yr=horizon * 1e9, disruption_factor=factor)
            for code in Outcome:
                ended = (outcome == code).reshape(shape)
                counts[:, h, f, code] = ended.sum(axis=1)
            arrived = ((outcome == Outcome.MIGRATED) & near).reshape(shape)
            counts[:, h, f, ARRIVED] = arrived.sum(axis=1)
    return counts


def named(codes: type[Outcome] | type[Settled], numbers: Counts) -> dict[str, int]:
    """Return numbers in the order of an enumeration by its names in lower case."""
    return {code.name.lower(): int(numbers[code]) for code in codes}


def _is_stable(
    inner: InnerOrbit, orbits: DrawnOrbits, mass: Floats, axis_out: Floats
) -> Flags:
    needed = mardling_aarseth_ratio(
        mass / inner.mass_msun,
        ecc_out=orbits.ecc_out,
        cos_inclination=orbits.cos_inclination,
    )
    return axis_out / orbits.axis_au > needed


def _passes_criterion(
    asked: SecularRequest, orbits: DrawnOrbits, mass: Floats, axis_out: Floats
) -> Flags:
    """Return what the study's criterion says of each draw, (n_cells, n_draws)."""
    t_kl = order_of_magnitude_time_yr(
        asked.inner.mass_msun,
        mass,
        axis_au=orbits.axis_au,
        axis_out_au=axis_out,
        ecc_out=orbits.ecc_out,
    )
    pericentre = orbits.axis_au * (1.0 - largest_eccentricity(orbits.cos_inclination))
    r_crit = asked.r_crit_rstar * asked.inner.host_radius_rsun * RSUN_AU
    return (
        _is_stable(asked.inner, orbits, mass, axis_out)
        & (t_kl <= asked.model.horizon_gyr * 1e9)
        & (pericentre <= r_crit)
    )
