"""The companions as arrays of one length: what every question is asked of."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from panoptic.constants import MSUN_MJUP

Floats = NDArray[np.float64]
Texts = NDArray[np.str_]
Flags = NDArray[np.bool_]
Signs = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Companions:
    """One row per companion, every array (n,); NaN where a number is not known.

    Errors are the mean of the catalogue's upper and lower ones, NaN where it gives
    none. `ecc_kind` and `mass_provenance` use the words of `panoptic.sample`.
    """

    name: Texts
    host: Texts
    method: Texts  # discoverymethod
    st_mass: Floats  # Msun
    st_mass_err: Floats
    mass_mjup: Floats
    mass_err_mjup: Floats
    mass_limit: Signs  # 1 the mass is an upper limit, -1 a lower one, 0 neither
    mass_provenance: Texts
    a_au: Floats
    a_err_au: Floats
    a_limit: Flags
    ecc: Floats
    ecc_err_upper: Floats
    ecc_err_lower: Floats
    ecc_kind: Texts
    ecc_bound: Floats  # upper (or lower) bound of a censored e
    metfe: Floats  # dex

    def __len__(self) -> int:
        return len(self.name)

    @property
    def q(self) -> Floats:
        return self.mass_mjup / (self.st_mass * MSUN_MJUP)

    @property
    def log_q(self) -> Floats:
        return np.log10(self.q)

    @property
    def log_a(self) -> Floats:
        return np.log10(self.a_au)

    @property
    def n_hosts(self) -> int:
        return len(np.unique(self.host))

    @classmethod
    def from_frame(cls, frame: pd.DataFrame) -> Companions:
        """Take the arrays out of (a part of) the stacked table of `panoptic.sample`."""

        def number(name: str) -> Floats:
            return frame[name].to_numpy(dtype=np.float64)

        def text(name: str) -> Texts:
            return frame[name].to_numpy(dtype=np.str_)

        def error(name: str) -> Floats:
            return 0.5 * (number(f"{name}err1") - number(f"{name}err2"))

        def limit(name: str) -> Signs:
            return frame[f"{name}lim"].fillna(0).to_numpy(dtype=np.int64)

        return cls(
            name=text("pl_name"),
            host=text("hostname"),
            method=text("discoverymethod"),
            st_mass=number("st_mass"),
            st_mass_err=error("st_mass"),
            mass_mjup=number("pl_bmassj"),
            mass_err_mjup=error("pl_bmassj"),
            mass_limit=limit("pl_bmassj"),
            mass_provenance=text("mass_provenance"),
            a_au=number("pl_orbsmax"),
            a_err_au=error("pl_orbsmax"),
            a_limit=limit("pl_orbsmax") != 0,
            ecc=number("pl_orbeccen"),
            ecc_err_upper=number("pl_orbeccenerr1"),
            ecc_err_lower=-number("pl_orbeccenerr2"),
            ecc_kind=text("ecc_kind"),
            ecc_bound=number("ecc_bound"),
            metfe=number("st_metfe"),
        )

    def where(self, keep: NDArray[np.bool_] | NDArray[np.intp]) -> Companions:
        """Return the rows that a mask keeps, or the rows of an index array."""
        return Companions(**{f.name: getattr(self, f.name)[keep] for f in fields(self)})
