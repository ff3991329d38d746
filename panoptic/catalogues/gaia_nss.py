"""Gaia DR3's two-body orbits, and which hosts of the sample have one.

Solutions are in `gaiadr3.nss_two_body_orbit`, masses in `gaiadr3.binary_masses`, which
has no orbits: they are joined by source_id. One source can have several solutions.
Most orbits are inside a few AU. Positions are of epoch 2016.0.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from panoptic.catalogues import columns
from panoptic.catalogues.csv_dialects import TextTable
from panoptic.catalogues.kept import Kept
from panoptic.catalogues.service import Service
from panoptic.catalogues.table import CatalogueTable, Provenance
from panoptic.catalogues.tap import Query, ask_tap
from panoptic.catalogues.transport import Transport
from panoptic.failures import InputUnusable
from panoptic.orbits import period_days, semi_major_axis_au

CATALOGUE = "GaiaNSS"
SERVICE = "the Gaia archive (ESA)"
WAY_OUT = (
    "Run the query of docs/methods.md with a browser at "
    "https://gea.esac.esa.int/archive and give its CSV by --gaia_nss FILE, or run "
    "without --fetch_gaia."
)

EPOCH_YR = 2016.0
EARLIEST_HOST_EPOCH_YR = 1991.25  # Hipparcos; the catalogues do not say theirs
SAME_PLACE_ARCSEC = 3.0
SAME_PARALLAX = 0.2  # relative difference between 1/distance and Gaia's parallax
SAME_PERIOD = 0.05  # relative; within it an orbit is that of the listed companion
SEARCH_RADIUS_DEG = 0.08  # the fastest star, 10.4 arcsec/yr, since 1991.25
HOSTS_PER_QUERY = 40  # keeps the URL well below 8 kB

# Published orbital errors are too small by these factors (Nagarajan & El-Badry 2024,
# unverified).
ERROR_FACTOR_FAINT = 1.3
ERROR_FACTOR_BRIGHT = 1.7
FAINT_G_MAG = 14.0

_NUMBERS = (
    "period",
    "period_error",
    "eccentricity",
    "eccentricity_error",
    "semi_amplitude_primary",
    "mass_ratio",
    "significance",
    "goodness_of_fit",
    "ra",
    "dec",
    "pmra",
    "pmdec",
    "parallax",
    "phot_g_mean_mag",
    "m1",
    "m2",
    "m2_lower",
    "m2_upper",
    "fluxratio",
)
_FROM_ORBIT = (
    "source_id",
    "nss_solution_type",
    "period",
    "period_error",
    "eccentricity",
    "eccentricity_error",
    "semi_amplitude_primary",
    "mass_ratio",
    "significance",
    "goodness_of_fit",
    "flags",
)
_FROM_SOURCE = ("ra", "dec", "pmra", "pmdec", "parallax", "phot_g_mean_mag")
_FROM_MASSES = (
    "m1",
    "m2",
    "m2_lower",
    "m2_upper",
    "fluxratio",
    "combination_method",
)


class Meaning(NamedTuple):
    """What a column holds."""

    unit: str
    meaning: str


PERTURBER_COLUMNS = {
    "hostname": Meaning("", "host star, as in the stacked table"),
    "gaia_dr3_id": Meaning("", "Gaia DR3 source_id of the solution"),
    "match_rule": Meaning("", "source_id or position"),
    "separation_arcsec": Meaning(
        "arcsec", "from the source's track of 1991.25-2016 to the host; by position"
    ),
    "nss_solution_type": Meaning("", "Gaia's word for the model"),
    "n_solutions": Meaning("", "two-body solutions of this source"),
    "relation": Meaning(
        "",
        "outer, inner, between the catalogued companions; catalogued_companion "
        "(period within 5 %); unknown (no period to compare with)",
    ),
    "period_days": Meaning("day", "orbital period"),
    "period_err_days": Meaning("day", "its error as published"),
    "ecc": Meaning("", "eccentricity"),
    "ecc_err": Meaning("", "its error as published"),
    "error_factor": Meaning(
        "",
        "by which published errors are too small: 1.3 for G > 14, else 1.7 "
        "(Nagarajan & El-Badry 2024)",
    ),
    "st_mass": Meaning("Msun", "host mass of the catalogue"),
    "m1_msun": Meaning("Msun", "primary mass of binary_masses"),
    "m2_msun": Meaning("Msun", "secondary mass of binary_masses"),
    "m2_lower_msun": Meaning("Msun", "its lower bound (16 %)"),
    "m2_upper_msun": Meaning("Msun", "its upper bound (84 %)"),
    "fluxratio": Meaning("", "secondary to primary in G"),
    "combination_method": Meaning("", "what the masses were derived from"),
    "a_au": Meaning("AU", "semi-major axis by Kepler's third law"),
    "a_from": Meaning("", "the masses used; without m2 the axis is a lower bound"),
    "significance": Meaning("", "Gaia's significance of the solution"),
    "goodness_of_fit": Meaning("", "Gaia's goodness of fit"),
}


class Host(NamedTuple):
    """What identifies a host, and what is known to orbit it; NaN or "" if unknown."""

    hostname: str
    st_mass: float  # Msun
    gaia_dr3_id: str
    ra: float  # deg, ICRS, of an epoch that the catalogues do not say
    dec: float
    sy_dist: float  # pc
    periods: tuple[float, ...]  # days; by Kepler's third law where only a is known

    @property
    def is_placed(self) -> bool:
        return bool(np.isfinite(self.ra) and np.isfinite(self.dec))


def hosts_to_search(
    frames: Sequence[pd.DataFrame], host_mass_range_msun: tuple[float, float]
) -> tuple[Host, ...]:
    """Return the hosts of the window, each with the first value known of it."""
    rows = pd.concat(frames, ignore_index=True)
    rows = rows[rows["st_mass"].between(*host_mass_range_msun)]
    by_kepler = pd.Series(period_days(rows["pl_orbsmax"], rows["st_mass"]), rows.index)
    rows = rows.assign(period=rows["pl_orbper"].fillna(by_kepler))
    hosts = []
    for hostname, of_host in rows.groupby("hostname", sort=True):
        ids = [given for given in of_host["gaia_dr3_id"] if given]
        first = of_host[["st_mass", "ra", "dec", "sy_dist"]].bfill().iloc[0]
        hosts.append(
            Host(
                hostname=str(hostname),
                st_mass=float(first["st_mass"]),
                gaia_dr3_id=ids[0] if ids else "",
                ra=float(first["ra"]),
                dec=float(first["dec"]),
                sy_dist=float(first["sy_dist"]),
                periods=tuple(of_host["period"].dropna().tolist()),
            )
        )
    return tuple(hosts)


def queries(hosts: Sequence[Host]) -> Iterator[Query]:
    """Yield what to ask: hosts by source_id, those without one around their position.

    Hosts with neither are not searched.
    """
    ids = [host.gaia_dr3_id for host in hosts if host.gaia_dr3_id]
    for some in _batches(ids):
        yield _query(f"n.source_id in ({','.join(some)})")
    circles = [
        "1=contains(point('ICRS',g.ra,g.dec),circle('ICRS',"
        f"{host.ra:.6f},{host.dec:.6f},{SEARCH_RADIUS_DEG}))"
        for host in hosts
        if not host.gaia_dr3_id and host.is_placed
    ]
    for some in _batches(circles):
        yield _query(f"({' or '.join(some)})")


def _batches(items: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(items), HOSTS_PER_QUERY):
        yield items[start : start + HOSTS_PER_QUERY]


def service(transport: Transport, url: str, hosts: Sequence[Host]) -> Service:
    """Return the archive at this URL, to be asked for the orbits of these hosts.

    Raises
    ------
    InputUnusable
        where no host has a source_id or a position to look for.
    """
    asked = tuple(queries(hosts))
    if not asked:
        raise InputUnusable(
            f"--fetch_gaia: none of the {len(hosts)} hosts in the window has a Gaia "
            "DR3 source_id (gaia_dr3_id) or a position (ra, dec) to look for. Leave "
            "--fetch_gaia out, or give a table with these columns."
        )
    return Service(
        catalogue=CATALOGUE,
        url=url,
        query="; ".join(query.adql for query in asked),
        ask=partial(ask, transport, url, asked),
        read=partial(read_nss, hosts=hosts),
        way_out=WAY_OUT,
    )


def ask(transport: Transport, url: str, asked: Sequence[Query]) -> Kept:
    """Return all answers to `queries`, of which there is one at least, as one table.

    Raises
    ------
    CatalogueUnavailable
        as `panoptic.catalogues.tap.ask_tap`.
    """
    answers = [
        ask_tap(transport, SERVICE, url, query, way_out=WAY_OUT) for query in asked
    ]
    header, _, first = answers[0].content.partition(b"\n")
    others = b"".join(answer.content.partition(b"\n")[2] for answer in answers[1:])
    return Kept(
        content=header + b"\n" + first + others,
        url=url,
        query="; ".join(answer.query for answer in answers),
        retrieved_utc=answers[-1].retrieved_utc,
        n_rows=sum(answer.n_rows for answer in answers),
        note=f"{len(answers)} queries",
    )


def read_nss(
    table: TextTable, *, hosts: Sequence[Host], provenance: Provenance
) -> CatalogueTable:
    """Return the hosts' solutions: the columns of `PERTURBER_COLUMNS`, one row each.

    table : answers to `queries`, or a user's file with source_id (or DESIGNATION) and
    period; all else is optional and empty where it is absent. Rows without a period
    say that a star was searched and has no solution.

    Raises
    ------
    InputUnusable
        for a missing column or a text in place of a number.
    """
    solutions = _solutions(table)
    frame = cross_match(hosts, solutions)
    by_id = sum(bool(host.gaia_dr3_id) for host in hosts)
    by_place = sum(not host.gaia_dr3_id and host.is_placed for host in hosts)
    remark = (
        f"Gaia DR3 two-body orbits: {frame['hostname'].nunique()} of {len(hosts)} "
        f"hosts have one ({by_id} looked for by source_id, {by_place} by position, "
        f"{len(hosts) - by_id - by_place} have neither and were not looked for)"
    )
    return CatalogueTable(frame, provenance, table.raw, (remark,))


def cross_match(hosts: Sequence[Host], solutions: pd.DataFrame) -> pd.DataFrame:
    """Return the solutions that belong to hosts, by `PERTURBER_COLUMNS`.

    By source_id where the host has one; else the nearest source whose track since
    1991.25 passes within 3 arcsec of the host's position, and whose parallax agrees
    within 20 % with the host's distance where both are known.
    """
    rows = []
    for host in hosts:
        if host.gaia_dr3_id:
            own = solutions[solutions["source_id"] == host.gaia_dr3_id]
            rule, separation = "source_id", np.nan
        else:
            own, separation = _at_position(host, solutions)
            rule = "position"
        matched = {
            "match_rule": rule,
            "separation_arcsec": separation,
            "n_solutions": len(own),
        }
        rows += [_perturber(host, own.loc[row]) | matched for row in own.index]
    found = pd.DataFrame(rows, columns=list(PERTURBER_COLUMNS))
    order = ["hostname", "gaia_dr3_id", "nss_solution_type"]
    return found.sort_values(order, kind="stable", ignore_index=True)


def _query(condition: str) -> Query:
    return Query(
        table=(
            "gaiadr3.nss_two_body_orbit as n "
            "join gaiadr3.gaia_source as g on g.source_id = n.source_id "
            "left outer join gaiadr3.binary_masses as m on m.source_id = n.source_id"
        ),
        columns=(
            *(f"n.{name}" for name in _FROM_ORBIT),
            *(f"g.{name}" for name in _FROM_SOURCE),
            *(f"m.{name}" for name in _FROM_MASSES),
        ),
        condition=condition,
        order_by="n.source_id",
    )


def _solutions(table: TextTable) -> pd.DataFrame:
    """Return the rows with a period, one per source and model.

    Where `binary_masses` has several rows for a source, the one whose combination
    begins with the solution's model is taken, else one with a mass.
    """
    table = _in_lower_case(table)
    columns.require_columns(table, ("source_id", "designation"), ("period",))
    frame = pd.DataFrame({name: columns.numbers(table, name) for name in _NUMBERS})
    frame["source_id"] = _source_ids(table)
    for name in ("nss_solution_type", "combination_method"):
        frame[name] = columns.texts(table, name)
    frame = frame[(frame["source_id"] != "") & frame["period"].notna()]
    of_model = [
        combination.startswith(model) and model != ""
        for combination, model in zip(
            frame["combination_method"], frame["nss_solution_type"], strict=True
        )
    ]
    ranked = frame.assign(of_model=of_model, has_mass=frame["m2"].notna()).sort_values(
        ["source_id", "nss_solution_type", "of_model", "has_mass", *_NUMBERS],
        ascending=[True, True, False, False, *[True] * len(_NUMBERS)],
        kind="stable",
    )
    return ranked.drop_duplicates(["source_id", "nss_solution_type"], ignore_index=True)


def _in_lower_case(table: TextTable) -> TextTable:
    """Return the table with lower-case column names: the archive writes SOURCE_ID."""
    lowered = {name.lower(): cells for name, cells in table.columns.items()}
    return replace(table, columns=lowered)


def _source_ids(table: TextTable) -> list[str]:
    """Return DR3 source_ids as digits, from the designation where there is no other."""
    designated = [
        cell.removeprefix("Gaia DR3 ") if cell.startswith("Gaia DR3 ") else ""
        for cell in columns.texts(table, "designation")
    ]
    return columns.either(columns.texts(table, "source_id"), designated)


def _at_position(host: Host, solutions: pd.DataFrame) -> tuple[pd.DataFrame, float]:
    """Return the solutions of the nearest source that fits a host, and how near."""
    none = solutions.iloc[:0]
    if not host.is_placed:
        return none, np.nan
    near = solutions[(solutions["dec"] - host.dec).abs() < SEARCH_RADIUS_DEG]
    separation = _track_separation_arcsec(host.ra, host.dec, near)
    relative_parallax = near["parallax"].to_numpy() * host.sy_dist / 1000.0
    agrees = np.isnan(relative_parallax) | (
        np.abs(relative_parallax - 1.0) <= SAME_PARALLAX
    )
    fits = (separation <= SAME_PLACE_ARCSEC) & agrees
    if not fits.any():
        return none, np.nan
    nearest = int(np.argmin(np.where(fits, separation, np.inf)))
    own = solutions[solutions["source_id"] == near["source_id"].iloc[nearest]]
    return own, float(separation[nearest])


def _track_separation_arcsec(
    ra_deg: float, dec_deg: float, sources: pd.DataFrame
) -> NDArray[np.float64]:
    """Return the least distance from a point to where sources were since 1991.25.

    On the tangent plane; a source without a proper motion stays where it was in 2016.
    """
    d_ra = (sources["ra"].to_numpy() - ra_deg + 180.0) % 360.0 - 180.0
    x = 3600.0 * d_ra * np.cos(np.radians(dec_deg))
    y = 3600.0 * (sources["dec"].to_numpy() - dec_deg)
    vx = sources["pmra"].fillna(0.0).to_numpy() / 1000.0
    vy = sources["pmdec"].fillna(0.0).to_numpy() / 1000.0
    speed_squared = vx**2 + vy**2
    with np.errstate(invalid="ignore", divide="ignore"):
        nearest = np.where(speed_squared > 0, -(x * vx + y * vy) / speed_squared, 0.0)
    years = np.clip(nearest, EARLIEST_HOST_EPOCH_YR - EPOCH_YR, 0.0)
    return np.hypot(x + vx * years, y + vy * years)


def _perturber(host: Host, solution: pd.Series) -> dict[str, object]:
    m1, m2 = solution["m1"], solution["m2"]
    has_m1, has_m2 = bool(np.isfinite(m1)), bool(np.isfinite(m2))
    total = (m1 if has_m1 else host.st_mass) + (m2 if has_m2 else 0.0)
    is_faint = solution["phot_g_mean_mag"] > FAINT_G_MAG
    return {
        "hostname": host.hostname,
        "gaia_dr3_id": solution["source_id"],
        "nss_solution_type": solution["nss_solution_type"],
        "relation": _relation(solution["period"], host.periods),
        "period_days": solution["period"],
        "period_err_days": solution["period_error"],
        "ecc": solution["eccentricity"],
        "ecc_err": solution["eccentricity_error"],
        "error_factor": ERROR_FACTOR_FAINT if is_faint else ERROR_FACTOR_BRIGHT,
        "st_mass": host.st_mass,
        "m1_msun": m1,
        "m2_msun": m2,
        "m2_lower_msun": solution["m2_lower"],
        "m2_upper_msun": solution["m2_upper"],
        "fluxratio": solution["fluxratio"],
        "combination_method": solution["combination_method"],
        "a_au": float(semi_major_axis_au(solution["period"], total)),
        "a_from": ("m1" if has_m1 else "st_mass") + (" + m2" if has_m2 else ""),
        "significance": solution["significance"],
        "goodness_of_fit": solution["goodness_of_fit"],
    }


def _relation(period: float, known: tuple[float, ...]) -> str:
    """Say where an orbit lies among the catalogued companions' of the same host."""
    if not known:
        return "unknown"
    if any(abs(period / other - 1.0) <= SAME_PERIOD for other in known):
        return "catalogued_companion"
    if period > max(known):
        return "outer"
    return "inner" if period < min(known) else "between"
