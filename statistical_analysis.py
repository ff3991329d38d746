"""Which sub-sample answers which question, in which order, and what is not asked.

The mixture looks at all four samples, because the demand for an eccentricity decides
which companions are left; the eccentricities need the complete rows, mass limits
included for the classes that censor them; the classifier sees every row of the window
that has a mass ratio; the dynamics asks of the target alone.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from panoptic.config import ComputeOptions, MigrationOptions, StatisticsOptions
from panoptic.demographics.anchors import (
    Anchors,
    AnchorSource,
    AnchorTable,
    heuristic_anchors,
    label_by_table,
    read_anchor_table,
)
from panoptic.demographics.companions import Companions
from panoptic.demographics.eccentricity import (
    EccentricityFindings,
    investigate_eccentricities,
)
from panoptic.demographics.mass_mixture import (
    MassMixtureFindings,
    investigate_mass_mixture,
)
from panoptic.demographics.origin_classifier import (
    ClassifierFindings,
    TargetFeatures,
    classify_origins,
)
from panoptic.demographics.robustness import (
    Check,
    RobustnessFindings,
    RobustnessRow,
    check_robustness,
)
from panoptic.dynamics.migration import (
    MigrationFindings,
    MigrationModel,
    MigrationSettings,
    ObservedCompanion,
    check_migration,
    investigate_migration,
)
from panoptic.dynamics.perturbers import (
    EccentricityLaw,
    OuterOrbitPrior,
    PerturberGrid,
)
from panoptic.dynamics.scale_out import BlockStore, Workers
from panoptic.dynamics.secular_map import SecularModel
from panoptic.dynamics.sensitivity import DISRUPTION_FACTORS, HORIZONS_GYR
from panoptic.failures import InputUnusable
from panoptic.findings import Findings
from panoptic.sample import AxisOrigin, CompanionSample, MassProvenance
from panoptic.statement import NotRun
from panoptic.target import Target

CURATED = "curated"  # the word for the table of anchors that ships with the project

Progress = Callable[[int, int], None]
Stage = Callable[[str], AbstractContextManager[Progress]]
Generators = Callable[[str], np.random.Generator]  # one per name, from the seed


class LabelledAnchors(NamedTuple):
    """A table of anchors as it was read."""

    table: AnchorTable
    source: AnchorSource
    text: str


def analyse(
    sample: CompanionSample,
    target: Target,
    *,
    labelled: LabelledAnchors | None,
    statistics: StatisticsOptions,
    migration: MigrationOptions,
    compute: ComputeOptions,
    rng: Generators,
    stage: Stage,
    store: BlockStore | None = None,
) -> Findings:
    """Ask every question; one that cannot be asked says so and the rest goes on.

    Parameters
    ----------
    labelled : the anchors of `read_anchors`.
    compute : the seed of the map's counter-based draws, and who computes.
    rng : gives each question its own generator, so that none moves another's numbers.
    stage : opens a stage by its title and hands out its progress callback.
    store : keeps the finished cells of the map, should the run be interrupted.

    Raises
    ------
    InputUnusable
        for an anchors file that cannot be used, unfinished work of other settings in
        the store, or a Dask cluster that cannot be used; before anything is asked.
    """
    # First: what will be refused (a name that no companion bears, unfinished work of
    # other settings) should not cost a whole run.
    anchors = _anchors(sample, target, labelled, statistics)
    observed, others = _observed_target(target), _observed_companions(sample)
    settings = _migration_settings(migration, seed=compute.seed)
    workers = Workers(compute.threads, compute.dask, store)
    check_migration(observed, others, settings=settings, workers=workers)
    with stage("Mass mixture") as progress:
        mixture = _ask_mixture(sample, statistics, rng("mass mixture"), progress)
    with stage("Eccentricities") as progress:
        eccentricity = _ask_eccentricities(
            sample, statistics, rng("eccentricity"), progress
        )
    with stage("Origin classifier") as progress:
        classifier = _ask_classifier(
            sample, target, anchors, statistics, rng("origin classifier"), progress
        )
    with stage("Robustness") as progress:
        robustness = _ask_robustness(
            sample, target, anchors, statistics, rng("robustness"), progress
        )
    with stage("Migration") as progress:
        found = investigate_migration(
            observed, others, settings=settings, workers=workers, progress=progress
        )
    return Findings(
        mixture=mixture,
        eccentricity=eccentricity,
        classifier=classifier,
        robustness=_with_coverage(robustness, found),
        migration=found,
    )


def _ask_mixture(
    sample: CompanionSample,
    settings: StatisticsOptions,
    rng: np.random.Generator,
    progress: Progress,
) -> MassMixtureFindings | NotRun:
    return investigate_mass_mixture(
        Companions.from_frame(sample.main),
        Companions.from_frame(sample.complete),
        Companions.from_frame(sample.mass_orbit),
        Companions.from_frame(sample.mass_orbit_with_limits),
        q_split=sample.q_split,
        n_bootstrap=settings.bootstrap,
        n_permutations=settings.permutations,
        rng=rng,
        progress=progress,
    )


def _ask_eccentricities(
    sample: CompanionSample,
    settings: StatisticsOptions,
    rng: np.random.Generator,
    progress: Progress,
) -> EccentricityFindings | NotRun:
    return investigate_eccentricities(
        Companions.from_frame(sample.main),
        q_split=sample.q_split,
        n_bootstrap=settings.bootstrap,
        n_permutations=settings.permutations,
        rng=rng,
        progress=progress,
    )


def _ask_classifier(
    sample: CompanionSample,
    target: Target,
    anchors: Anchors,
    settings: StatisticsOptions,
    rng: np.random.Generator,
    progress: Progress,
) -> ClassifierFindings | NotRun:
    found = classify_origins(
        Companions.from_frame(sample.scored),
        _features(target),
        anchors=anchors,
        n_bootstrap=settings.bootstrap,
        n_permutations=settings.permutations,
        rng=rng,
        progress=progress,
    )
    if isinstance(found, NotRun):
        return found
    return replace(found, target_name=target.label)  # matched by its plain name


def _features(target: Target) -> TargetFeatures:
    return TargetFeatures(
        name=target.pl_name,
        log_q=target.log_q,
        log_a=target.log_a,
        ecc=target.pl_orbeccen,
        st_mass=target.st_mass,
        metfe=target.st_metfe,
        method=target.discoverymethod,
    )


def _ask_robustness(
    sample: CompanionSample,
    target: Target,
    anchors: Anchors,
    settings: StatisticsOptions,
    rng: np.random.Generator,
    progress: Progress,
) -> RobustnessFindings:
    return check_robustness(
        Companions.from_frame(sample.scored),
        Companions.from_frame(sample.surroundings),
        _features(target),
        anchors=anchors,
        q_thresholds=(settings.anchor_q_planet, settings.anchor_q_binary),
        host_mass_range_msun=sample.host_mass_range_msun,
        q_split=sample.q_split,
        n_draws=settings.draws,
        n_permutations=settings.permutations,
        n_simulations=settings.simulations,
        rng=rng,
        progress=progress,
    )


def _with_coverage(
    robustness: RobustnessFindings, migration: MigrationFindings | NotRun
) -> RobustnessFindings:
    """Add the criterion map under other horizons and thresholds to the table."""
    if isinstance(migration, NotRun):
        return robustness
    same = NotRun("only the migration map changes")
    rows = tuple(
        RobustnessRow(
            check=Check.MIGRATION_MAP,
            name=f"{variant.horizon_gyr:g} Gyr, {variant.r_crit_rstar:g} R_star",
            n_draws=1,
            main=same,
            mass_orbit=same,
            eccentricity=same,
            origins=same,
            coverage=variant.coverage,
        )
        for variant in migration.criterion_variants
    )
    return replace(robustness, rows=(*robustness.rows, *rows))


def read_anchors(
    path: Path | None, *, data_dir: Path, text: str | None = None
) -> LabelledAnchors | None:
    """Return the table of anchors a run was given, None where q decides.

    Parameters
    ----------
    path : a CSV, or the word "curated" for the table that ships with the project.
    text : what the table held when it was read before; the file is not read then.

    Raises
    ------
    InputUnusable
        where the file is missing or cannot be used.
    """
    if path is None:
        return None
    is_curated = str(path) == CURATED
    place = data_dir / "curated_anchors.csv" if is_curated else path
    if text is None:
        text = _text_of(place)
    source = AnchorSource.CURATED if is_curated else AnchorSource.USER
    return LabelledAnchors(read_anchor_table(text, location=str(path)), source, text)


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise InputUnusable(
            f"the anchors file {path} cannot be read: {error}. Give a CSV with the "
            "columns pl_name, label, reason and reference, or leave --anchors out."
        ) from error


def _anchors(
    sample: CompanionSample,
    target: Target,
    labelled: LabelledAnchors | None,
    settings: StatisticsOptions,
) -> Anchors:
    companions = Companions.from_frame(sample.scored)
    if labelled is None:
        return heuristic_anchors(
            companions,
            q_planet=settings.anchor_q_planet,
            q_binary=settings.anchor_q_binary,
        )
    return label_by_table(
        labelled.table,
        companions,
        source=labelled.source,
        target_name=target.pl_name,
    )


def _observed_target(target: Target) -> ObservedCompanion:
    return ObservedCompanion(
        name=target.label,
        host_mass_msun=target.st_mass,
        mass_mjup=target.pl_bmassj,
        axis_au=target.pl_orbsmax,
        host_radius_rsun=target.st_rad,
        radius_rjup=target.pl_radj,
    )


def _migration_settings(settings: MigrationOptions, *, seed: int) -> MigrationSettings:
    horizons = sorted({settings.kl_horizon_gyr, *HORIZONS_GYR})
    factors = sorted({settings.kl_disruption, *DISRUPTION_FACTORS}, reverse=True)
    return MigrationSettings(
        grid=PerturberGrid.log_spaced(
            settings.kl_mout,
            settings.kl_aout,
            n_mass=settings.kl_grid.n_mass,
            n_axis=settings.kl_grid.n_axis,
        ),
        inner_axis_au=(settings.kl_inner_au.low, settings.kl_inner_au.high),
        prior=OuterOrbitPrior(
            ecc_range=settings.kl_eout,
            ecc_law=EccentricityLaw(settings.kl_eout_law),
            inclination_range_deg=settings.kl_inclination,
        ),
        secular=SecularModel(
            horizon_gyr=settings.kl_horizon_gyr,
            disruption_factor=settings.kl_disruption,
            horizons_gyr=tuple(horizons),
            disruption_factors=tuple(factors),
            love_number=settings.kl_love,
            time_lag_s=settings.kl_lag_s,
            window_factor=settings.kl_window,
        ),
        seed=seed,
        model=MigrationModel(settings.kl_model),
        n_draws=settings.kl_trials,
        n_secular_draws=settings.kl_secular_trials,
        n_changed_draws=settings.kl_changed_trials,
        n_companion_draws=settings.kl_object_trials,
        r_crit_rstar=settings.kl_rcrit,
        companion_radius_rjup=settings.kl_radius_rj,
    )


def _observed_companions(sample: CompanionSample) -> tuple[ObservedCompanion, ...]:
    """Return the rows of the window.

    A limit is not known, nor is a mass that follows from a radius, nor an axis of
    which only the projection on the sky is seen.
    """
    companions = Companions.from_frame(sample.frame)
    known_mass = (companions.mass_limit == 0) & (
        companions.mass_provenance != MassProvenance.MASS_RADIUS
    )
    mass = np.where(known_mass, companions.mass_mjup, np.nan)
    projected = sample.frame["a_origin"].to_numpy() == AxisOrigin.PROJECTED
    axis = np.where(companions.a_limit | projected, np.nan, companions.a_au)
    siblings = sample.frame.groupby("hostname")["pl_name"].transform("count") - 1
    return tuple(
        ObservedCompanion(
            name=str(companions.name[row]),
            host_mass_msun=float(companions.st_mass[row]),
            mass_mjup=_known(mass[row]),
            axis_au=_known(axis[row]),
            host_radius_rsun=_known(sample.frame["st_rad"].iloc[row]),
            radius_rjup=_known(sample.frame["pl_radj"].iloc[row]),
            n_siblings=int(siblings.iloc[row]),
        )
        for row in range(len(companions))
    )


def _known(value: float) -> float | None:
    return float(value) if value > 0 else None
