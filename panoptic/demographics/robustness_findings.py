"""The results of the robustness checks, and their table."""

from dataclasses import asdict, dataclass
from enum import StrEnum

from panoptic.demographics.anchors import AnchorSource
from panoptic.demographics.control_populations import (
    EccentricityControl,
    MixtureControl,
)
from panoptic.demographics.origin_classifier import QuickScore
from panoptic.demographics.variant_measures import EccentricityCheck, MixtureCheck
from panoptic.statement import NotRun


class Check(StrEnum):
    """What is changed."""

    AS_IT_IS = "as it is"
    MASS_LIMITS = "with mass limits"
    TRUE_MASSES = "true masses only"
    WITHOUT_METHOD = "without a method"
    READING = "eccentricities read otherwise"
    ERRORS = "errors of both axes taken out"
    ONE_PER_HOST = "one companion per host"
    ANCHORS = "anchors by mass ratio, moved"
    HOST_MASSES = "masses drawn from their errors"
    INCLINATIONS = "minimum masses over sin i"
    MIGRATION_MAP = "migration map"


@dataclass(frozen=True, slots=True)
class RobustnessRow:
    """The answers for one variant of the sample."""

    check: Check  # what is changed
    name: str  # which of its kind
    n_draws: int  # of the variant; 1 where nothing is drawn
    main: MixtureCheck | NotRun  # M_star, M_c, a and e known, no limits
    mass_orbit: MixtureCheck | NotRun  # the same without e
    eccentricity: EccentricityCheck | NotRun  # of the main sample
    origins: QuickScore | NotRun  # headline classifier
    coverage: float | None = None  # share of the migration map that is feasible


@dataclass(frozen=True, slots=True)
class RobustnessFindings:
    """The table, and what the same rules say of made-up populations."""

    rows: tuple[RobustnessRow, ...]  # the first is the sample as it is
    mixture_controls: tuple[MixtureControl, ...] | NotRun  # main sample
    eccentricity_controls: tuple[EccentricityControl, ...] | NotRun  # main sample
    anchor_source: AnchorSource  # of the anchors of all rows but those that move them

    def of(self, check: Check) -> tuple[RobustnessRow, ...]:
        """Return the rows of one kind."""
        return tuple(row for row in self.rows if row.check is check)


ROBUSTNESS_COLUMNS = (
    "check",
    "name",
    "n_draws",
    "n_rows",
    "n_hosts",
    "delta_bic",
    "delta_bic_low",
    "delta_bic_high",
    "chosen_k",
    "share_two",
    "mass_orbit_n_rows",
    "mass_orbit_n_hosts",
    "mass_orbit_delta_bic",
    "mass_orbit_delta_bic_low",
    "mass_orbit_delta_bic_high",
    "mass_orbit_chosen_k",
    "mass_orbit_share_two",
    "policy",
    "n_low_q",
    "n_high_q",
    "alpha_low_q",
    "beta_low_q",
    "alpha_high_q",
    "beta_high_q",
    "ks_d",
    "ks_d_low",
    "ks_d_high",
    "ks_p",
    "ks_p_host",
    "peto_p_host",
    "auroc",
    "p_target",
    "coverage",
    "not_run",
)
RobustnessCells = dict[str, float | int | str | None]


def robustness_table(findings: RobustnessFindings) -> list[RobustnessCells]:
    """Return the rows of robustness.csv, each with all `ROBUSTNESS_COLUMNS`.

    A cell is None where nothing was asked or found; `not_run` says why.
    """
    return [_cells(row) for row in findings.rows]


def _cells(row: RobustnessRow) -> RobustnessCells:
    cells: RobustnessCells = dict.fromkeys(ROBUSTNESS_COLUMNS)
    parts = {"": row.main, "mass_orbit_": row.mass_orbit}
    for prefix, part in parts.items():
        if not isinstance(part, NotRun):
            cells |= {f"{prefix}{name}": value for name, value in asdict(part).items()}
    for other in (row.eccentricity, row.origins):
        if not isinstance(other, NotRun):
            cells |= asdict(other)
    whys = {
        "main sample": row.main,
        "mass-orbit sample": row.mass_orbit,
        "eccentricities": row.eccentricity,
        "classifier": row.origins,
    }
    reasons = [
        f"{name}: {part.reason}"
        for name, part in whys.items()
        if isinstance(part, NotRun)
    ]
    return cells | {
        "check": row.check,
        "name": row.name,
        "n_draws": row.n_draws,
        "coverage": row.coverage,
        "not_run": "; ".join(reasons),
    }
