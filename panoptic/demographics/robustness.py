"""Do the answers hold when the sample, the readings or the errors are others?

One table: every row is the sample changed in one way, and says what mixture,
eccentricities and classifier answer then, or why they were not asked. Beside it stand
two controls, what the same rules say of populations made up to be one or two.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from panoptic.demographics.anchors import Anchors, AnchorSource, heuristic_anchors
from panoptic.demographics.companions import Companions
from panoptic.demographics.control_populations import (
    control_eccentricities,
    control_mixture,
)
from panoptic.demographics.eccentricity_passes import Policy
from panoptic.demographics.origin_classifier import (
    QuickScore,
    TargetFeatures,
    score_quickly,
)
from panoptic.demographics.robustness_findings import (
    ROBUSTNESS_COLUMNS,
    Check,
    RobustnessFindings,
    RobustnessRow,
    robustness_table,
)
from panoptic.demographics.robustness_statements import state_robustness
from panoptic.demographics.sample_variants import (
    SampleVariant,
    as_it_is,
    one_per_host,
    only,
    random_inclinations,
    redrawn_masses,
    true_masses,
    with_mass_limits,
)
from panoptic.demographics.variant_measures import (
    EccentricityCheck,
    contrast_eccentricities,
    weigh_deconvolved,
    weigh_mixture,
)
from panoptic.sample import MassProvenance
from panoptic.statement import NotRun

__all__ = [  # all that a caller needs
    "ROBUSTNESS_COLUMNS",
    "Check",
    "RobustnessFindings",
    "RobustnessRow",
    "check_robustness",
    "robustness_table",
    "state_robustness",
]

Progress = Callable[[int, int], None]

BASE_POLICY = Policy.AS_REPORTED  # the study's reading; the others are rows
_OTHER_POLICIES = tuple(policy for policy in Policy if policy is not BASE_POLICY)
ANCHOR_SHIFT = 3.0  # by which either threshold in q is moved: half a dex


@dataclass(frozen=True, slots=True)
class _Setting:
    """What every row is measured with."""

    companions: Companions
    target: TargetFeatures
    anchors: Anchors
    q_thresholds: tuple[float, float]
    q_split: float
    n_permutations: int
    rng: np.random.Generator


def check_robustness(
    companions: Companions,
    surroundings: Companions,
    target: TargetFeatures,
    *,
    anchors: Anchors,
    q_thresholds: tuple[float, float],
    host_mass_range_msun: tuple[float, float],
    q_split: float,
    n_draws: int,
    n_permutations: int,
    n_simulations: int,
    rng: np.random.Generator,
    progress: Progress | None = None,
) -> RobustnessFindings:
    """Change the sample in one way at a time and ask the questions again.

    Parameters
    ----------
    companions : every row of the host-mass window; main and mass-orbit sample are
        selected from them.
    surroundings : rows of hosts near the window, which draws of the masses may bring
        in; none is allowed.
    anchors : labels along the companions.
    q_thresholds : planet-like below, binary-like above: what the heuristic anchors are
        moved from, and what is tried in place of a table of anchors.
    n_draws : of variants that involve chance.
    n_simulations : made-up samples of each control population.
    """
    # A generator for each part: more draws in one move no number of another.
    rng, for_mixtures, for_eccentricities = rng.spawn(3)
    setting = _Setting(
        companions, target, anchors, q_thresholds, q_split, n_permutations, rng
    )
    plan = list(_plan(setting, surroundings, host_mass_range_msun, n_draws))
    rows = []
    for done, make in enumerate(plan, start=1):
        rows.append(make())
        if progress:
            progress(done, len(plan) + 2)
    whole = as_it_is(companions)
    main = companions.where(whole.main[0])
    mixture = control_mixture(
        main,
        companions.where(whole.mass_orbit[0]),
        n_simulations=n_simulations,
        rng=for_mixtures,
    )
    eccentricity = control_eccentricities(
        main, q_split=q_split, n_simulations=n_simulations, rng=for_eccentricities
    )
    if progress:
        progress(len(plan) + 2, len(plan) + 2)
    return RobustnessFindings(tuple(rows), mixture, eccentricity, anchors.source)


def _plan(
    setting: _Setting,
    surroundings: Companions,
    host_mass_range_msun: tuple[float, float],
    n_draws: int,
) -> Iterator[Callable[[], RobustnessRow]]:
    """Yield what makes each row, in the order of the table."""
    companions, rng = setting.companions, setting.rng
    base = as_it_is(companions)
    for check, variant in {
        Check.AS_IT_IS: base,
        Check.MASS_LIMITS: with_mass_limits(companions),
        Check.TRUE_MASSES: true_masses(companions),
    }.items():
        yield partial(_measure, setting, check, "", variant)
    for method in np.unique(companions.method):
        yield partial(_leave_out, setting, str(method))
    for policy in _OTHER_POLICIES:
        yield partial(_read_otherwise, setting, base, policy)
    yield partial(_deconvolve, setting, base)
    single = one_per_host(companions, n_draws=n_draws, rng=rng)
    yield partial(_measure, setting, Check.ONE_PER_HOST, "", single)
    for q_planet, q_binary in _other_thresholds(setting):
        yield partial(_move_anchors, setting, q_planet, q_binary)
    redrawn = redrawn_masses(
        companions,
        surroundings,
        host_mass_range_msun=host_mass_range_msun,
        n_draws=n_draws,
        rng=rng,
    )
    around = f"{len(surroundings)} rows around the window"
    yield partial(_measure, setting, Check.HOST_MASSES, around, redrawn)
    yield partial(_incline, setting, n_draws)


def _measure(
    setting: _Setting, check: Check, name: str, variant: SampleVariant
) -> RobustnessRow:
    """Ask everything of one variant."""
    return RobustnessRow(
        check=check,
        name=name,
        n_draws=variant.n_draws,
        main=weigh_mixture(variant, variant.main, rng=setting.rng),
        mass_orbit=weigh_mixture(variant, variant.mass_orbit, rng=setting.rng),
        eccentricity=_contrast(setting, variant, BASE_POLICY),
        origins=_score(setting, variant),
    )


def _contrast(
    setting: _Setting, variant: SampleVariant, policy: Policy
) -> EccentricityCheck | NotRun:
    return contrast_eccentricities(
        variant,
        policy,
        q_split=setting.q_split,
        n_permutations=setting.n_permutations,
        rng=setting.rng,
    )


def _score(setting: _Setting, variant: SampleVariant) -> QuickScore | NotRun:
    """The classifier on the rows that a variant without chance leaves."""
    if variant.n_draws > 1:
        return NotRun("the classifier is not refitted in every draw")
    kept = variant.mass_orbit[0]
    return score_quickly(
        setting.companions.where(kept),
        setting.target,
        anchors=setting.anchors.where(kept),
        rng=setting.rng,
    )


def _leave_out(setting: _Setting, method: str) -> RobustnessRow:
    """The row without a method; a sample that has none of it is not asked again."""
    companions = setting.companions
    found = companions.method == method
    row = _measure(setting, Check.WITHOUT_METHOD, method, only(companions, ~found))
    whole = as_it_is(companions)
    if (whole.main[0] & found).any():
        return row
    n_ecc = int(np.isfinite(companions.ecc[found]).sum())
    same = NotRun(
        f"no {method} row is in the main sample ({n_ecc} of {int(found.sum())} have an "
        "eccentricity): nothing changes"
    )
    return RobustnessRow(
        Check.WITHOUT_METHOD, method, 1, same, row.mass_orbit, same, row.origins
    )


def _read_otherwise(
    setting: _Setting, base: SampleVariant, policy: Policy
) -> RobustnessRow:
    same = NotRun("only the reading of the eccentricities changes")
    contrast = _contrast(setting, base, policy)
    return RobustnessRow(Check.READING, policy, 1, same, same, contrast, same)


def _other_thresholds(setting: _Setting) -> list[tuple[float, float]]:
    """Each threshold moved, and both, and one for both; a table's rivals are all."""
    low, high = setting.q_thresholds
    others = [
        (low / ANCHOR_SHIFT, high),
        (low, high * ANCHOR_SHIFT),
        (low / ANCHOR_SHIFT, high * ANCHOR_SHIFT),
        (high, high),
    ]
    if setting.anchors.source is AnchorSource.HEURISTIC:
        return [pair for pair in others if pair != (low, high)]
    return list(dict.fromkeys([(low, high), *others]))


def _move_anchors(setting: _Setting, q_planet: float, q_binary: float) -> RobustnessRow:
    """The classifier on labels by mass ratio: other ones, or in place of a table's."""
    same = NotRun("only the anchors of the classifier move")
    moved = heuristic_anchors(setting.companions, q_planet=q_planet, q_binary=q_binary)
    score = score_quickly(
        setting.companions, setting.target, anchors=moved, rng=setting.rng
    )
    return RobustnessRow(Check.ANCHORS, moved.rule, 1, same, same, same, score)


def _deconvolve(setting: _Setting, base: SampleVariant) -> RobustnessRow:
    same = NotRun("only the errors of log q and log a are taken out")
    main, mass_orbit = (
        weigh_deconvolved(setting.companions.where(rows[0]), rng=setting.rng)
        for rows in (base.main, base.mass_orbit)
    )
    return RobustnessRow(Check.ERRORS, "", 1, main, mass_orbit, same, same)


def _incline(setting: _Setting, n_draws: int) -> RobustnessRow:
    companions = setting.companions
    n_minimum = int((companions.mass_provenance == MassProvenance.MSINI).sum())
    if n_minimum == 0:
        none = NotRun("no row has a minimum mass")
        return RobustnessRow(Check.INCLINATIONS, "", 1, none, none, none, none)
    variant = random_inclinations(companions, n_draws=n_draws, rng=setting.rng)
    return _measure(setting, Check.INCLINATIONS, f"{n_minimum} minimum masses", variant)
