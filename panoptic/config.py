"""Everything a run may vary: one frozen section per stage, each checks itself.

A field's metadata carries what the command line says about it (`Option`), so that an
option, its default, its unit and its help exist once. The entry reads the whole; a
door is handed its own section; the rooms behind the doors take plain arguments.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar
from zlib import crc32

if TYPE_CHECKING:
    import numpy as np

S = TypeVar("S")


class Option(NamedTuple):
    """What the command line says of a field."""

    help: str
    parse: Callable[[str], Any] | None  # None: a switch without a value
    unit: str = ""
    metavar: str | tuple[str, ...] | None = None
    n_values: int | None = None
    choices: tuple[str, ...] | None = None
    quick: Any = None  # the value under --quick, unless the user gives one
    flag: str | None = None  # the spelling shown, where it is not --<field>


def option(
    default: Any,
    help: str,
    *,
    parse: Callable[[str], Any],
    **details: Any,
) -> Any:
    """Declare a field that is also a command-line option."""
    return field(default=default, metadata={"option": Option(help, parse, **details)})


def switch(help: str, **details: Any) -> Any:
    """Declare a field that is off unless its option is given."""
    return field(default=False, metadata={"option": Option(help, None, **details)})


def _endpoint(whose: str) -> Any:
    """Declare the URL of a service; unset, the environment or the built-in one holds.

    The environment variable is the option in capitals after PANOPTIC_.
    """
    return option(None, f"where to find {whose}", parse=str, metavar="URL")


def options(section: Any) -> Iterator[tuple[Field[Any], Option]]:
    """Yield the fields of a section that are options, in order."""
    for item in fields(section):
        if "option" in item.metadata:
            yield item, item.metadata["option"]


Plain = str | int | float | bool | None


def as_plain(section: Any) -> dict[str, Plain]:
    """Return a section's values as JSON can hold them."""
    values = {item.name: getattr(section, item.name) for item, _ in options(section)}
    return {
        name: value if isinstance(value, Plain) else str(value)
        for name, value in values.items()
    }


def from_plain(section: type[S], values: dict[str, Plain]) -> S:
    """Return the section that `as_plain` described.

    Raises
    ------
    ValueError, TypeError
        for a value or a name that the section does not take.
    """
    known = {item.name: option.parse for item, option in options(section)}
    read = dict(values)
    for name, parse in known.items():
        value = read.get(name)
        if parse is not None and isinstance(value, str):
            read[name] = parse(value)
    return section(**read)


class Range(NamedTuple):
    """A closed interval, written LOW:HIGH on the command line; one number is both."""

    low: float
    high: float

    @classmethod
    def parse(cls, text: str) -> Range:
        low, separator, high = text.partition(":")
        return cls(float(low), float(high if separator else low))

    def __str__(self) -> str:
        return f"{self.low:g}:{self.high:g}"


class GridShape(NamedTuple):
    """Cells along perturber mass and perturber distance, written NxM."""

    n_mass: int
    n_axis: int

    @classmethod
    def parse(cls, text: str) -> GridShape:
        n_mass, separator, n_axis = text.lower().partition("x")
        return cls(int(n_mass), int(n_axis if separator else n_mass))

    def __str__(self) -> str:
        return f"{self.n_mass}x{self.n_axis}"


def _require(holds: bool, message: str) -> None:  # noqa: FBT001 (an assertion)
    if not holds:
        raise ValueError(message)


def _require_positive(section: Any, *names: str) -> None:
    for name in names:
        value = getattr(section, name)
        _require(
            value is None or 0 < value < math.inf,
            f"{name} must be positive and finite, got {value}",
        )


def _require_range(section: Any, *names: str) -> None:
    for name in names:
        low, high = getattr(section, name)
        _require(
            0 < low <= high < math.inf,
            f"{name} must be 0 < low <= high and finite, got {low}:{high}",
        )


@dataclass(frozen=True, slots=True)
class InputOptions:
    """Input. Without any of these the tables that ship with the project are used."""

    ps: Path | None = option(
        None,
        "NASA Exoplanet Archive PSCompPars as CSV (web or TAP, .gz too); files given "
        "here and by --bd are the whole input",
        parse=Path,
        metavar="FILE",
    )
    bd: Path | None = option(
        None,
        "Brown Dwarf Companion Catalogue as CSV",
        parse=Path,
        metavar="FILE",
    )
    fetch: bool = switch("fetch what is not given as a file over the network")
    gaia_nss: Path | None = option(
        None,
        "Gaia DR3 two-body orbits (CSV with source_id and period): which hosts have "
        "an outer or inner companion",
        parse=Path,
        metavar="FILE",
    )
    fetch_gaia: bool = switch("fetch the hosts' Gaia DR3 orbits over the network")
    cache_dir: Path | None = option(
        None,
        "folder of fetched tables (without it the system's place for caches)",
        parse=Path,
        metavar="DIR",
    )
    max_age_days: float = option(
        1.0,
        "a cached table this young is used in place of the network",
        parse=float,
        unit="day",
    )
    offline: bool = switch("answer --fetch and --fetch_gaia from the cache alone")
    on_fetch_failure: str = option(
        "fail",
        "what to do when a service fails: fail, use the cached table of any age, or "
        "the one that ships with the project; SUMMARY says so",
        parse=str,
        metavar="{fail,cache,embedded}",
        choices=("fail", "cache", "embedded"),
    )
    fetch_attempts: int = option(4, "times a service is asked", parse=int)
    fetch_timeout_s: float = option(
        60.0, "longest silence of a service", parse=float, unit="s"
    )
    nasa_tap_url: str | None = _endpoint("the NASA Exoplanet Archive's TAP service")
    figshare_api_url: str | None = _endpoint("figshare's list of files")
    figshare_download_url: str | None = _endpoint("figshare's downloads")
    bd_mirror_url: str | None = _endpoint("the Brown Dwarf Companion Catalogue's copy")
    gaia_tap_url: str | None = _endpoint("the Gaia archive's TAP service")

    def __post_init__(self) -> None:
        _require(
            not self.offline or self.fetch or self.fetch_gaia,
            "offline says how --fetch and --fetch_gaia are answered (from the cache): "
            "give one of them too; without them nothing is fetched",
        )
        _require(
            self.max_age_days >= 0,
            f"max_age_days must not be negative, got {self.max_age_days}",
        )
        _require(
            1 <= self.fetch_attempts <= 20,
            f"fetch_attempts must be 1 to 20, got {self.fetch_attempts}",
        )
        _require_positive(self, "fetch_timeout_s")
        for name, url in self.endpoints.items():
            _require(
                url is None or url.startswith(("http://", "https://")),
                f"{name} must begin with http:// or https://, got {url}",
            )

    @property
    def endpoints(self) -> dict[str, str | None]:
        """The services' base URLs as given, None where they are not."""
        names = (item.name for item, _ in options(type(self)))
        return {name: getattr(self, name) for name in names if name.endswith("_url")}


@dataclass(frozen=True, slots=True)
class TargetOptions:
    """Studied object. Published TOI-6894 b, unless a value is given.

    Once a mass is given, radii come from relations, and eccentricity and [Fe/H] are
    unknown unless they are given too.
    """

    ARCHIVE_NAMES: ClassVar[dict[str, str]] = {
        "toi_mstar": "st_mass",
        "toi_mc_mj": "pl_bmassj",
        "toi_a_AU": "pl_orbsmax",
        "toi_ecc": "pl_orbeccen",
        "toi_feh": "st_metfe",
        "toi_rstar": "st_rad",
        "toi_rp_rj": "pl_radj",
        "toi_name": "pl_name",
    }

    toi_mstar: float | None = option(None, "host mass", parse=float, unit="Msun")
    toi_mc_mj: float | None = option(None, "companion mass", parse=float, unit="MJup")
    toi_a_AU: float | None = option(None, "semi-major axis", parse=float, unit="AU")
    toi_ecc: float | None = option(None, "eccentricity", parse=float)
    toi_feh: float | None = option(None, "host [Fe/H]", parse=float, unit="dex")
    toi_rstar: float | None = option(None, "host radius", parse=float, unit="Rsun")
    toi_rp_rj: float | None = option(None, "companion radius", parse=float, unit="RJup")
    toi_name: str | None = option(None, "name", parse=str)

    def __post_init__(self) -> None:
        _require_positive(
            self, "toi_mstar", "toi_mc_mj", "toi_a_AU", "toi_rstar", "toi_rp_rj"
        )
        ecc = self.toi_ecc
        _require(ecc is None or 0 <= ecc < 1, f"toi_ecc must be in [0, 1), got {ecc}")

    @property
    def overrides(self) -> dict[str, float | str | None]:
        """The given values by their archive names, None where nothing is given."""
        return {
            archive: getattr(self, name) for name, archive in self.ARCHIVE_NAMES.items()
        }


@dataclass(frozen=True, slots=True)
class SampleOptions:
    """Sample."""

    mstar_min: float = option(
        0.06, "least host mass, inclusive", parse=float, unit="Msun"
    )
    mstar_max: float = option(
        0.20, "largest host mass, inclusive", parse=float, unit="Msun"
    )
    q_split: float = option(0.01, "mass ratio between low q and high q", parse=float)
    ecc_zero_bound: float = option(
        0.1, "upper bound set on an eccentricity assumed to be 0", parse=float
    )

    def __post_init__(self) -> None:
        _require(
            0 < self.mstar_min <= self.mstar_max,
            f"need 0 < mstar_min <= mstar_max, got {self.mstar_min}, {self.mstar_max}",
        )
        _require_positive(self, "q_split")
        _require(
            0 < self.ecc_zero_bound < 1,
            f"ecc_zero_bound must be in (0, 1), got {self.ecc_zero_bound}",
        )

    @property
    def host_mass_range_msun(self) -> tuple[float, float]:
        return self.mstar_min, self.mstar_max


@dataclass(frozen=True, slots=True)
class StatisticsOptions:
    """Statistics."""

    bootstrap: int = option(1000, "bootstrap samples", parse=int, quick=100)
    permutations: int = option(
        999, "permutations of each permutation test", parse=int, quick=99
    )
    draws: int = option(
        100,
        "draws of each robustness check that involves chance",
        parse=int,
        quick=10,
    )
    simulations: int = option(
        100,
        "made-up samples of each control population",
        parse=int,
        quick=10,
    )
    anchors: Path | None = option(
        None,
        "CSV of labelled objects for the classifier (pl_name, label, reason, "
        "reference), or the word curated for the table that ships with the project; "
        "without it q decides",
        parse=Path,
        metavar="{FILE,curated}",
    )
    anchor_q_binary: float = option(
        0.01, "heuristic anchors: binary-like above this mass ratio", parse=float
    )
    anchor_q_planet: float = option(
        0.003, "heuristic anchors: planet-like below this mass ratio", parse=float
    )

    def __post_init__(self) -> None:
        _require(
            self.bootstrap >= 20, f"bootstrap must be at least 20, got {self.bootstrap}"
        )
        _require_positive(self, "draws", "simulations")
        _require(
            self.permutations >= 19,
            f"permutations must be at least 19, got {self.permutations}",
        )
        _require(
            0 < self.anchor_q_planet <= self.anchor_q_binary,
            "need 0 < anchor_q_planet <= anchor_q_binary, got "
            f"{self.anchor_q_planet}, {self.anchor_q_binary}",
        )


@dataclass(frozen=True, slots=True)
class MigrationOptions:
    """Migration map: Kozai-Lidov cycles raised by an outer perturber."""

    kl_grid: GridShape = option(
        GridShape(25, 25),
        "cells along perturber mass and distance",
        parse=GridShape.parse,
        metavar="NxM",
    )
    kl_model: str = option(
        "both",
        "which map: orbits followed (secular, the headline), the study's criterion",
        parse=str,
        metavar="{both,secular,criterion}",
        choices=("both", "secular", "criterion"),
    )
    kl_trials: int = option(2000, "criterion draws per cell", parse=int, metavar="N")
    kl_secular_trials: int = option(
        50,
        "draws per cell whose orbits are followed; 2000 for the full map",
        parse=int,
        quick=1,
        metavar="N",
    )
    kl_changed_trials: int = option(
        5,
        "draws per cell for each setting that the sensitivity table changes; 0 leaves "
        "these maps out",
        parse=int,
        quick=0,
        metavar="N",
    )
    kl_object_trials: int = option(
        200,
        "draws for each real close companion",
        parse=int,
        quick=10,
        metavar="N",
    )
    kl_horizon_gyr: float = option(
        1.0, "time in which migration must happen", parse=float, unit="Gyr"
    )
    kl_rcrit: float = option(
        5.0, "criterion's pericentre threshold", parse=float, unit="R_star"
    )
    kl_inner_au: Range = option(
        Range(1.0, 1.0),
        "companion's initial semi-major axis; LOW:HIGH draws it log-uniformly",
        parse=Range.parse,
        unit="AU",
    )
    kl_mout: Range = option(
        Range(0.01, 0.3), "perturber mass", parse=Range.parse, unit="Msun"
    )
    kl_aout: Range = option(
        Range(10.0, 1000.0), "perturber semi-major axis", parse=Range.parse, unit="AU"
    )
    kl_eout: Range = option(
        Range(0.0, 0.8), "perturber eccentricity", parse=Range.parse
    )
    kl_eout_law: str = option(
        "uniform",
        "distribution of the perturber's eccentricity; thermal is density 2 e",
        parse=str,
        metavar="{uniform,thermal}",
        choices=("uniform", "thermal"),
    )
    kl_inclination: Range = option(
        Range(0.0, 180.0),
        "mutual inclination, isotropic between these",
        parse=Range.parse,
        unit="deg",
    )
    kl_lag_s: float = option(
        1.0, "time lag of the tide in the companion", parse=float, unit="s"
    )
    kl_love: float = option(
        0.37, "Love number k2 of the companion (twice the apsidal one)", parse=float
    )
    kl_radius_rj: float | None = option(
        None,
        "companion radius of the map (else observed, else from the mass)",
        parse=float,
        unit="RJup",
    )
    kl_disruption: float = option(
        2.7, "pericentre that tears the companion apart", parse=float, unit="r_t"
    )
    kl_window: float = option(
        2.0, "arrived: final axis within this factor of the target's", parse=float
    )

    def __post_init__(self) -> None:
        _require(
            min(self.kl_grid) >= 1, f"kl_grid must be at least 1x1, got {self.kl_grid}"
        )
        _require_positive(
            self,
            "kl_trials",
            "kl_secular_trials",
            "kl_object_trials",
            "kl_horizon_gyr",
            "kl_rcrit",
            "kl_love",
            "kl_radius_rj",
            "kl_disruption",
        )
        _require(
            self.kl_changed_trials >= 0,
            f"kl_changed_trials must not be negative, got {self.kl_changed_trials}",
        )
        _require(
            0 <= self.kl_lag_s < math.inf,
            f"kl_lag_s must be 0 or more and finite, got {self.kl_lag_s}",
        )
        _require(
            1 <= self.kl_window < math.inf,
            f"kl_window must be 1 or more and finite, got {self.kl_window}",
        )
        _require_range(self, "kl_mout", "kl_aout", "kl_inner_au")
        _require(
            self.kl_inner_au.low < self.kl_aout.low,
            f"the perturber (kl_aout {self.kl_aout}) must lie outside the inner orbit "
            f"(kl_inner_au {self.kl_inner_au})",
        )
        low, high = self.kl_eout
        _require(
            0 <= low <= high < 1, f"kl_eout must lie in [0, 1), got {self.kl_eout}"
        )
        low, high = self.kl_inclination
        _require(
            0 <= low <= high <= 180,
            f"kl_inclination must lie in [0, 180], got {self.kl_inclination}",
        )


def _available_threads() -> int:
    """NUMBA_NUM_THREADS if set, else the cores this process may use."""
    stated = os.environ.get("NUMBA_NUM_THREADS", "")
    if stated.isdigit() and int(stated) > 0:
        return int(stated)
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class ComputeOptions:
    """Computing."""

    seed: int = option(6894, "seed of every random stage", parse=int)
    threads: int = field(
        default_factory=_available_threads,
        metadata={
            "option": Option(
                "threads of the numerics (NUMBA_NUM_THREADS, else all cores)", int
            )
        },
    )
    quick: bool = switch("a fast look, with reduced counts")
    resume: bool = switch(
        "go on where an interrupted run into the same folder stopped; refused where "
        "its migration settings differ"
    )
    dask: str | None = option(
        None,
        "compute the followed orbits on a Dask cluster: a scheduler's address, or "
        "local:N for N processes here",
        parse=str,
        metavar="ADDRESS",
    )

    def __post_init__(self) -> None:
        _require(self.seed >= 0, f"seed must not be negative, got {self.seed}")
        _require_positive(self, "threads")


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """Output."""

    outdir: Path | None = option(
        None,
        "results folder; an earlier run in it is replaced as a whole "
        "(default: results)",
        parse=Path,
        metavar="DIR",
    )
    logdir: Path = option(Path("logs"), "folder of the logs", parse=Path, metavar="DIR")
    errordir: Path = option(
        Path("errors"), "folder of the error logs", parse=Path, metavar="DIR"
    )
    log_basename: str = option("panoptic_vlms", "start of a log's name", parse=str)
    error_basename: str = option(
        "panoptic_vlms_error", "start of an error log's name", parse=str
    )
    quiet: bool = switch("print errors only")
    no_progress: bool = switch("no progress bars on a terminal", flag="--no-progress")

    @property
    def folder(self) -> Path:
        """Where a run puts its results."""
        return self.outdir or Path("results")


@dataclass(frozen=True, slots=True)
class FinishedRunOptions:
    """Finished runs. Instead of a run, one of these; all else is taken from there."""

    replot: Path | None = option(
        None,
        "make figures, summary and report again from the results alone",
        parse=Path,
        metavar="RESULTS",
    )
    verify: Path | None = option(
        None,
        "check all hashes, run again with the recorded inputs and settings, and say "
        "what differs",
        parse=Path,
        metavar="RESULTS",
    )
    compare: tuple[Path, Path] | None = option(
        None,
        "say what changed from one run to another, and write it into --outdir where "
        "that is given",
        parse=Path,
        metavar=("RESULTS_A", "RESULTS_B"),
        n_values=2,
    )

    def __post_init__(self) -> None:
        asked = [item.name for item in fields(self) if getattr(self, item.name)]
        _require(len(asked) <= 1, f"one at a time: {' and '.join(asked)}")


@dataclass(frozen=True, slots=True)
class RunConfig:
    """Settings of one run."""

    inputs: InputOptions = field(default_factory=InputOptions)
    target: TargetOptions = field(default_factory=TargetOptions)
    sample: SampleOptions = field(default_factory=SampleOptions)
    statistics: StatisticsOptions = field(default_factory=StatisticsOptions)
    migration: MigrationOptions = field(default_factory=MigrationOptions)
    compute: ComputeOptions = field(default_factory=ComputeOptions)
    outputs: OutputOptions = field(default_factory=OutputOptions)
    finished: FinishedRunOptions = field(default_factory=FinishedRunOptions)

    def rng(self, stage: str) -> np.random.Generator:
        """Return the generator of one stage, independent of every other stage's."""
        import numpy as np  # here, so that --help does not wait for it

        return np.random.default_rng([self.compute.seed, crc32(stage.encode())])
