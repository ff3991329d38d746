"""One companion listed twice: how that is recognised and which row is kept.

Two rows are one companion when the host is the same (by name, or by position) *and*
the orbit is (period within 5 %; without a period in one of them, mass and axis within
5 %). Two companions of one host therefore never merge: BD+20 2457, HD 163917 and
HD 81817 are real pairs. Within one catalogue only a repeated companion name counts.
"""

import re
from collections.abc import Hashable
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd

SAME_ORBIT = 0.05  # relative difference; catalogues quote different solutions
SAME_PLACE_ARCSEC = 60.0  # 2000-2016 proper motion of the nearest stars

_DASHES = str.maketrans({"−": "-", "–": "-", "—": "-"})
_COMPONENT = re.compile(
    r"(?<=[\d\s])\s*(a|b|ab)$"
)  # of a star: GJ 1245 B, LP 213-68 AB


class Duplicate(NamedTuple):
    """One merge: what matched, which row won and why."""

    host: str
    kept: str
    kept_source: str
    dropped: str
    dropped_source: str
    rule: str
    kept_because: str


def normalised_name(name: str) -> str:
    """Return the name in lower case without spaces, hyphens and their look-alikes."""
    return re.sub(r"[\s_-]+", "", name.translate(_DASHES).lower())


def normalised_host(name: str) -> str:
    """Return the host's `normalised_name` without a trailing component letter."""
    plain = name.translate(_DASHES).lower().strip()
    return normalised_name(_COMPONENT.sub("", plain) or plain)


def merge_duplicates(
    frame: pd.DataFrame, *, of_hosts: pd.Series
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the frame with one row per companion, and the table of merges.

    Parameters
    ----------
    frame : stacked table, unique index.
    of_hosts : names of the hosts that are looked at; the rest of the frame passes.
    """
    wanted = set(of_hosts.map(normalised_host))
    near = _hosts_at_one_place(frame, wanted)
    keys = frame["hostname"].map(normalised_host).replace(near)
    found: list[Duplicate] = []
    dropped: set[Hashable] = set()
    for key, rows in frame[keys.isin(wanted)].groupby(keys, sort=True):
        for first, second in combinations(rows.index, 2):
            if dropped & {first, second}:
                continue
            rule = _matching_rule(frame.loc[first], frame.loc[second])
            if rule:
                kept, lost, why = _choose(frame, first, second)
                dropped.add(lost)
                found.append(_duplicate(frame, str(key), kept, lost, rule, why))
    table = pd.DataFrame(found, columns=list(Duplicate._fields))
    return frame.drop(index=list(dropped)), table


def _hosts_at_one_place(frame: pd.DataFrame, wanted: set[str]) -> dict[str, str]:
    """Map each host at the position of a wanted one, but of another name, to it."""
    hosts = frame.assign(key=frame["hostname"].map(normalised_host))
    hosts = hosts.dropna(subset=["ra", "dec"]).drop_duplicates("key")
    aliases: dict[str, str] = {}
    for _, host in hosts[hosts["key"].isin(wanted)].sort_values("key").iterrows():
        if host["key"] not in aliases:
            near = hosts["key"][_separation_arcsec(hosts, host) < SAME_PLACE_ARCSEC]
            aliases |= dict.fromkeys(set(near) - {host["key"]}, host["key"])
    return aliases


def _separation_arcsec(rows: pd.DataFrame, host: pd.Series) -> pd.Series:
    d_ra = (rows["ra"] - host["ra"] + 180.0) % 360.0 - 180.0
    d_ra = d_ra * np.cos(np.radians(host["dec"]))
    return 3600.0 * np.hypot(d_ra, rows["dec"] - host["dec"])


def _matching_rule(first: pd.Series, second: pd.Series) -> str:
    """Return the rule by which two rows of one host are one companion, or nothing."""
    if first["source"] == second["source"]:
        same = normalised_name(first["pl_name"]) == normalised_name(second["pl_name"])
        return "same companion name in one catalogue" if same else ""
    by_name = normalised_host(first["hostname"]) == normalised_host(second["hostname"])
    host = "host name" if by_name else "host position"
    if pd.notna(first["pl_orbper"]) and pd.notna(second["pl_orbper"]):
        same = _close(first, second, "pl_orbper")
        return f"{host} and period within 5 %" if same else ""
    if _close(first, second, "pl_bmassj") and _close(first, second, "pl_orbsmax"):
        return f"{host}, mass and axis within 5 %"
    return ""


def _close(first: pd.Series, second: pd.Series, column: str) -> bool:
    return bool(abs(first[column] / second[column] - 1.0) <= SAME_ORBIT)


def _choose(
    frame: pd.DataFrame, first: Hashable, second: Hashable
) -> tuple[Hashable, Hashable, str]:
    """Keep the more complete row, then the truer mass, then the earlier catalogue."""
    one, two = frame.loc[first], frame.loc[second]
    needed = ["st_mass", "pl_bmassj", "pl_orbsmax", "pl_orbeccen"]
    complete = int(one[needed].notna().sum()), int(two[needed].notna().sum())
    true_mass = one["mass_provenance"] == "mass", two["mass_provenance"] == "mass"
    if complete[0] != complete[1]:
        order, why = complete, "has more of host mass, mass, axis and eccentricity"
    elif true_mass[0] != true_mass[1]:
        order, why = true_mass, "true mass rather than a minimum or inferred one"
    else:
        order, why = (1, 0), "earlier in the order of catalogues"
    return (first, second, why) if order[0] > order[1] else (second, first, why)


def _duplicate(
    frame: pd.DataFrame, host: str, kept: Hashable, lost: Hashable, rule: str, why: str
) -> Duplicate:
    winner, loser = frame.loc[kept], frame.loc[lost]
    return Duplicate(
        host=host,
        kept=winner["pl_name"],
        kept_source=winner["source"],
        dropped=loser["pl_name"],
        dropped_source=loser["source"],
        rule=rule,
        kept_because=why,
    )
