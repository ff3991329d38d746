"""What the origin classifier sees of an object, and which of it each model may use."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from panoptic.demographics.companions import Companions, Floats, Texts
from panoptic.sample import EccKind


class Feature(StrEnum):
    """One thing a model may use; METHOD stands for one dummy per detection method."""

    LOG_Q = "log q"
    LOG_A = "log a"
    ECC = "e"
    LOG_MSTAR = "log M_star"
    METFE = "[Fe/H]"
    MEASURED_ECC = "e where measured"
    METHOD = "method"
    ECC_MISSING = "e missing"
    METFE_MISSING = "[Fe/H] missing"


HEADLINE = (Feature.LOG_A, Feature.ECC, Feature.LOG_MSTAR, Feature.METFE)
CONTRACT = (Feature.LOG_Q, *HEADLINE, Feature.METHOD)

# Each row asks what one kind of knowledge is worth: the mass ratio that made the
# labels, the way an object was found, and what nobody measured of it.
ABLATIONS: tuple[tuple[Feature, ...], ...] = (
    (Feature.LOG_Q,),
    (Feature.LOG_Q, *HEADLINE),
    (*HEADLINE, Feature.METHOD),
    (Feature.METHOD,),
    (Feature.ECC_MISSING, Feature.METFE_MISSING),
    (Feature.LOG_A,),
    (Feature.ECC, Feature.LOG_MSTAR, Feature.METFE),
    (Feature.LOG_A, Feature.LOG_MSTAR, Feature.METFE),
    (Feature.LOG_A, Feature.ECC, Feature.METFE),
    (Feature.LOG_A, Feature.ECC, Feature.LOG_MSTAR),
    (Feature.LOG_A, Feature.MEASURED_ECC, Feature.LOG_MSTAR, Feature.METFE),
)


@dataclass(frozen=True, slots=True)
class TargetFeatures:
    """The studied object as the classifier sees it; None where not known."""

    name: str
    log_q: float
    log_a: float  # a in AU
    ecc: float | None
    st_mass: float  # Msun
    metfe: float | None  # dex
    method: str


@dataclass(frozen=True, slots=True)
class OriginFeatures:
    """Every feature of n objects, NaN where not known, and whose host is whose."""

    log_q: Floats
    log_a: Floats
    ecc: Floats
    measured_ecc: Floats  # NaN unless the eccentricity is a measurement
    log_mstar: Floats
    metfe: Floats
    method: Texts
    host: Texts

    def __len__(self) -> int:
        return len(self.log_q)

    @classmethod
    def of_companions(cls, companions: Companions) -> "OriginFeatures":
        measured = companions.ecc_kind == EccKind.MEASURED
        return cls(
            log_q=companions.log_q,
            log_a=companions.log_a,
            ecc=companions.ecc,
            measured_ecc=np.where(measured, companions.ecc, np.nan),
            log_mstar=np.log10(companions.st_mass),
            metfe=companions.metfe,
            method=companions.method,
            host=companions.host,
        )

    @classmethod
    def of_target(cls, target: TargetFeatures) -> "OriginFeatures":
        ecc = math.nan if target.ecc is None else target.ecc
        metfe = math.nan if target.metfe is None else target.metfe
        return cls(
            log_q=np.array([target.log_q]),
            log_a=np.array([target.log_a]),
            ecc=np.array([ecc]),
            measured_ecc=np.array([ecc]),
            log_mstar=np.log10([target.st_mass]),
            metfe=np.array([metfe]),
            method=np.array([target.method], dtype=np.str_),
            host=np.array([target.name], dtype=np.str_),
        )

    def where(self, keep: NDArray[np.bool_] | NDArray[np.intp]) -> "OriginFeatures":
        return OriginFeatures(
            **{f.name: getattr(self, f.name)[keep] for f in fields(self)}
        )

    def followed_by(self, other: "OriginFeatures") -> "OriginFeatures":
        return OriginFeatures(
            **{
                f.name: np.concatenate([getattr(self, f.name), getattr(other, f.name)])
                for f in fields(self)
            }
        )


@dataclass(frozen=True, slots=True)
class Design:
    """The matrix of one model.

    x : (n, p); the first `n_scaled` columns are quantities, NaN where not known, to
        be imputed and standardised; the rest are 0 or 1.
    names : (p,) column names.
    """

    x: Floats
    names: tuple[str, ...]
    n_scaled: int

    def where(self, rows: NDArray[np.int64]) -> "Design":
        return Design(self.x[rows], self.names, self.n_scaled)


_QUANTITY = {
    Feature.LOG_Q: "log_q",
    Feature.LOG_A: "log_a",
    Feature.ECC: "ecc",
    Feature.LOG_MSTAR: "log_mstar",
    Feature.METFE: "metfe",
    Feature.MEASURED_ECC: "measured_ecc",
}


def design(
    objects: OriginFeatures, wanted: Sequence[Feature], methods: Sequence[str]
) -> Design:
    """Return the columns a model uses; a method not in `methods` is 0 in them all."""
    quantities = [feature for feature in wanted if feature in _QUANTITY]
    columns = [getattr(objects, _QUANTITY[feature]) for feature in quantities]
    names = [str(feature) for feature in quantities]
    for feature in wanted:
        if feature is Feature.ECC_MISSING:
            columns.append(np.isnan(objects.ecc).astype(float))
            names.append(str(feature))
        elif feature is Feature.METFE_MISSING:
            columns.append(np.isnan(objects.metfe).astype(float))
            names.append(str(feature))
        elif feature is Feature.METHOD:
            columns += [(objects.method == m).astype(float) for m in methods]
            names += [f"method {m}" for m in methods]
    return Design(np.column_stack(columns), tuple(names), len(quantities))
