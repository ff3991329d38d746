"""Fetching from a real server on loopback, and every way in which a service fails.

A failure ends with exit code 3 and a message that names the service, the URL, what
came and the way out; the cache stays as it was, byte for byte.
"""

import hashlib
import json
import random
import re
import socket
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

import data_fetchers
from panoptic.catalogues import nasa_archive
from panoptic.catalogues.table import Catalogues, Origin
from panoptic.catalogues.transport import USER_AGENT, Patience, Transport
from panoptic.config import InputOptions
from panoptic.failures import CatalogueUnavailable, ExitCode
from panoptic.reporting.artifacts import ResultsFolder
from panoptic_vlms_project import main
from tests import loopback
from tests.conftest import ROOT
from tests.loopback import Loopback, cut, ok, redirect, status, tap, tap_answer

DATA = ROOT / "data"
TAP = "/TAP/sync"
LISTING = "/v2/articles/24156393/files"
FILE = "/files/77"
API_FILE = "/v2/file/download/77"
MIRROR = "/mirror/BD_catalogue_20-11-23.csv"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

PLANETS = {
    "pl_name": ["GJ 1 b", "GJ 1 c", "GJ 2 b"],
    "hostname": ["GJ 1", "GJ 1", "GJ 2"],
    "discoverymethod": ["Radial Velocity", "Radial Velocity", "Transit"],
    "pl_orbper": [3.265, 12.91, 5.0],
    "pl_orbsmax": [0.02, 0.05, 0.033],
    "pl_orbeccen": [0.1, 0.0, None],
    "pl_bmassj": [0.01, 0.02, 0.1],
    "pl_bmassprov": ["Msini", "Msini", "Mass"],
    "st_mass": [0.1, 0.1, 0.19],
    "st_met": [0.1, 0.1, None],
    "st_metratio": ["[Fe/H]", "[Fe/H]", None],
    "ra": [10.0, 10.0, 200.0],
    "dec": [-5.0, -5.0, 60.0],
    "sy_dist": [5.0, 5.0, 12.0],
    "gaia_dr3_id": ["Gaia DR3 111", "Gaia DR3 111", None],
}
DWARFS = (
    b"host_star,method,mass,p_mass,m_mass,msini,period,ecc,p_ecc,m_ecc,Mstar,source\n"
    b"LP 1,Gaia binary_masses,51.6,12.2,11.7,,414.6,0.2,0.04,0.04,0.12,binary-masses\n"
    b"LP 2,transit,33.7,2.8,2.8,,2.889,0.01,0.01,0.01,0.19,10.3847/1538-3881/ab9b84\n"
)
ASKED = nasa_archive.query((0.06, 0.20)).adql
WHOLE = tap_answer(ASKED, PLANETS)
COUNT = ok(b"count(*)\n3\n")
HTML = b"<!DOCTYPE html><html><head><title>Just a moment...</title></head></html>"


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def server():
    with loopback.serve() as played:
        yield played


class Clock:
    """Time that passes only in sleep, and is remembered."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def transport(clock=None, *, now=NOW, **patience) -> Transport:
    quick = {"attempts": 2, "read_timeout_s": 2.0, "deadline_s": 2.0} | patience
    return Transport(
        Patience(**quick),
        sleep=(clock or Clock()).sleep,
        utc_now=lambda: now,
        rng=random.Random(1),
    )


def options(server: Loopback, cache: Path, **given) -> InputOptions:
    urls = {
        "nasa_tap_url": f"{server.url}{TAP}",
        "figshare_api_url": f"{server.url}/v2",
        "figshare_download_url": f"{server.url}/files",
        "bd_mirror_url": f"{server.url}/mirror",
    }
    return InputOptions(**({"fetch": True, "cache_dir": cache} | urls | given))


def fetch(inputs: InputOptions, asker: Transport | None = None) -> Catalogues:
    return data_fetchers.fetch(
        inputs, data_dir=DATA, transport=asker or transport(attempts=1)
    )


@pytest.fixture
def planets_only(server, tmp_path):
    """Options by which only the archive is asked, and a filled cache."""
    (tmp_path / "bd.csv").write_bytes(DWARFS)
    inputs = options(server, tmp_path / "cache", bd=tmp_path / "bd.csv")
    server.play(TAP, tap(PLANETS))
    fetch(inputs, transport(now=NOW - timedelta(days=30)))
    server.asked.clear()
    return inputs


@pytest.fixture
def dwarfs_only(server, tmp_path):
    (tmp_path / "ps.csv").write_bytes(WHOLE)
    return options(server, tmp_path / "cache", ps=tmp_path / "ps.csv")


def contents(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.suffix != ".lock"
    }


# --- the archive answers


def test_planets_are_fetched_with_their_provenance(server, planets_only):
    table = fetch(planets_only).tables[0]
    whence = table.provenance
    assert whence.origin is Origin.NETWORK
    assert whence.location == f"{server.url}{TAP}"
    assert whence.query == ASKED
    assert whence.n_rows == 3
    assert whence.retrieved_utc == "2026-11-21T12:00:00+00:00"
    assert whence.sha256 == hashlib.sha256(WHOLE).hexdigest()
    assert table.raw == WHOLE
    assert table.frame["gaia_dr3_id"].tolist() == ["111", "111", ""]
    assert server.headers[-1]["User-Agent"] == USER_AGENT
    assert server.times_asked(TAP) == 2


def test_the_query_names_columns_window_and_order():
    assert "order by pl_name" in ASKED
    assert "between 0.048 and 0.25" in ASKED
    assert "*" not in ASKED


@pytest.mark.parametrize("how", ["gzip", "redirect", "429", "503", "hangs up", "byte"])
def test_what_can_be_overcome_is_overcome(server, planets_only, how):
    asker, clock = None, Clock()
    if how == "gzip":
        server.play(TAP, COUNT, loopback.compressed(WHOLE))
    elif how == "redirect":
        server.play("/moved", ok(WHOLE))
        server.play(TAP, COUNT, redirect(f"{server.url}/moved"))
    elif how == "429":
        server.play(TAP, COUNT, status(429, b"slow down", Retry_After="7"), ok(WHOLE))
        asker = transport(clock)
    elif how == "503":
        server.play(TAP, status(503), COUNT, status(503), ok(WHOLE))
        asker = transport(clock)
    elif how == "hangs up":
        server.play(TAP, loopback.hang_up, COUNT, loopback.hang_up, ok(WHOLE))
        asker = transport(clock)
    else:
        server.play(TAP, COUNT, ok(b"\xef\xbb\xbf" + WHOLE))
    table = fetch(planets_only, asker).tables[0]
    assert table.raw == WHOLE
    assert table.provenance.origin is Origin.NETWORK
    if how == "429":
        assert clock.slept == [7.0]
    if how == "503":
        assert len(clock.slept) == 2
        assert all(1.0 <= slept < 1.5 for slept in clock.slept)


def test_waits_grow_and_are_bounded(server, planets_only):
    clock = Clock()
    server.play(TAP, status(503))
    with pytest.raises(CatalogueUnavailable, match="asked 6 times"):
        fetch(planets_only, transport(clock, attempts=6, longest_wait_s=9.0))
    assert len(clock.slept) == 5
    for slept, least in zip(clock.slept, [1.0, 2.0, 4.0, 8.0, 9.0], strict=True):
        assert least <= slept <= min(1.5 * least, 9.0)


def test_a_retry_after_as_a_date_is_honoured(server, planets_only):
    clock = Clock()
    server.play(
        TAP, status(429, Retry_After="Sat, 21 Nov 2026 12:00:20 GMT"), tap(PLANETS)
    )
    fetch(planets_only, transport(clock))
    assert clock.slept == [20.0]


def test_a_retry_after_that_is_too_long_ends_the_run(server, planets_only):
    clock = Clock()
    server.play(TAP, status(429, Retry_After="3600"))
    with pytest.raises(CatalogueUnavailable, match="asking to wait 3600 s"):
        fetch(planets_only, transport(clock, attempts=4))
    assert clock.slept == []


def test_an_optional_column_that_is_refused_is_left_out(server, planets_only):
    server.play(
        TAP,
        COUNT,
        ok(b'{"status":"error","msg":"\'GAIA_DR3_ID\': invalid identifier"}'),
        tap(PLANETS),
    )
    table = fetch(planets_only).tables[0]
    assert "gaia_dr3_id" not in table.provenance.query
    assert "no column gaia_dr3_id" in table.provenance.note
    assert set(table.frame["gaia_dr3_id"]) == {""}


# --- the archive fails

BAD_ANSWERS = {
    "json error": (
        ok(b'{"status":"error","msg":"ORA-00933: SQL command not properly ended"}'),
        "JSON (ORA-00933: SQL command not properly ended) came in place of a table",
    ),
    "column refused": (
        ok(b'{"status":"error","msg":"\'PL_BMASSJ\': invalid identifier"}'),
        "does not know the column pl_bmassj",
    ),
    "votable error": (
        ok(
            b'<?xml version="1.0"?><VOTABLE><RESOURCE><INFO name="QUERY_STATUS" '
            b'value="ERROR">Bad table</INFO></RESOURCE></VOTABLE>'
        ),
        "a VOTable error (Bad table) came in place of a table",
    ),
    "old error": (
        ok(b"ERROR<br>\nError Type: UserError - unknown table"),
        "an error message (ERROR",
    ),
    "html": (ok(HTML), 'an HTML page titled "Just a moment..." came'),
    "challenge": (
        status(403, HTML, cf_mitigated="challenge"),
        "HTTP 403 Forbidden, a Cloudflare challenge",
    ),
    "forbidden": (status(403, b"no"), "HTTP 403 Forbidden, no"),
    "not found": (status(404), "HTTP 404 Not Found, an empty body"),
    "empty 202": (
        status(202, x_amzn_waf_action="challenge"),
        "HTTP 202 Accepted without a file, an AWS challenge",
    ),
    "plain 202": (status(202), "HTTP 202 Accepted, an empty body"),
    "503 for ever": (status(503, b"busy"), "HTTP 503 Service Unavailable, busy"),
    "500": (status(500), "HTTP 500"),
    "empty": (ok(b""), "an empty body came"),
    "cut with length": (
        cut(WHOLE, at=200, says_length=True),
        "IncompleteRead(200 bytes",
    ),
    "cut without length": (
        cut(WHOLE, at=WHOLE.index(b'"GJ 2 b",') + 9, says_length=False),
        "fields where the header has",
    ),
    "cut at a line end": (
        cut(WHOLE, at=WHOLE.index(b'"GJ 2'), says_length=False),
        "2 rows came where the service counts 3",
    ),
    "cut in the last field": (
        cut(WHOLE, at=len(WHOLE) - 1, says_length=False),
        "the last line was cut",
    ),
    "cut in a chunk": (loopback.cut_in_a_chunk(WHOLE), "the connection broke"),
    "wrong order": (
        ok(WHOLE.replace(b"pl_name,hostname", b"hostname,pl_name")),
        "its columns in another order",
    ),
    "extra column": (
        ok(WHOLE.replace(b"\n", b",1\n").replace(b"dr3_id,1", b"dr3_id,secret")),
        "columns not asked for (secret)",
    ),
    "missing column": (
        ok(b"pl_name,hostname\na b,a\na c,a\nb b,b\n"),
        "without the columns sy_snum, pl_controv_flag, discoverymethod, disc_year, "
        "pl_orbper and 45 more",
    ),
    "zero rows": (ok(WHOLE.splitlines(keepends=True)[0]), "0 rows came"),
    "too many rows": (ok(WHOLE + WHOLE.splitlines(keepends=True)[1]), "4 rows came"),
    "latin-1": (ok(WHOLE.replace(b"GJ 1 b", b"GJ \xe9 b")), "not UTF-8 (byte 0xe9)"),
    "broken gzip": (ok(b"\x1f\x8bno", Content_Encoding="gzip"), "its compression"),
    "drip": (loopback.drip(WHOLE, every_s=0.02), "was not whole after 0.5 s"),
    "silence": (loopback.after(1.5, ok(WHOLE)), "no answer in time"),
    "too large": (loopback.bomb(3_000_000), "more than 1 MiB came"),
    "redirects": (redirect(TAP), "redirects without end"),
    "hangs up": (loopback.hang_up, "the connection broke"),
    "negative mass": (
        ok(tap_answer(ASKED, PLANETS | {"pl_bmassj": [-1.0, 0.1, 0.1]})),
        "must be positive",
    ),
    "other units": (
        ok(tap_answer(ASKED, PLANETS | {"st_mass": [104.0, 104.0, 190.0]})),
        "1047.6",
    ),
}
TRANSIENT = {
    "503 for ever",
    "500",
    "empty",
    "cut with length",
    "cut without length",
    "cut at a line end",
    "cut in the last field",
    "cut in a chunk",
    "zero rows",
    "too many rows",
    "latin-1",
    "broken gzip",
    "drip",
    "silence",
    "hangs up",
}


def must_fail(inputs: InputOptions, asker: Transport) -> str:
    before = contents(inputs.cache_dir) if inputs.cache_dir.exists() else {}
    with pytest.raises(CatalogueUnavailable) as caught:
        fetch(inputs, asker)
    after = contents(inputs.cache_dir) if inputs.cache_dir.exists() else {}
    assert after == before
    assert caught.value.exit_code is ExitCode.CATALOGUE_UNAVAILABLE
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("case", BAD_ANSWERS)
def test_a_bad_answer_is_refused(server, planets_only, case):
    answer, came = BAD_ANSWERS[case]
    server.play(TAP, COUNT, answer)
    limits = {"read_timeout_s": 0.4, "deadline_s": 0.5, "largest_body_bytes": 2**20}
    message = must_fail(planets_only, transport(attempts=2, **limits))
    assert came in message
    assert f"{server.url}{TAP}" in message
    assert "--ps FILE" in message
    tables_asked = server.times_asked(TAP) - 1
    if case != "redirects":
        assert tables_asked == (2 if case in TRANSIENT else 1)


@pytest.mark.parametrize("case", ["json error", "challenge", "html", "empty", "drip"])
def test_a_bad_count_is_refused(server, planets_only, case):
    server.play(TAP, BAD_ANSWERS[case][0])
    message = must_fail(planets_only, transport(deadline_s=0.3))
    assert f"the NASA Exoplanet Archive at {server.url}{TAP}" in message


def test_a_table_without_rows_is_refused(server, planets_only):
    server.play(TAP, tap({name: [] for name in PLANETS}))
    assert "no rows" in must_fail(planets_only, transport())


def test_a_refused_connection_is_said(planets_only):
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/TAP/sync"
    inputs = replace(planets_only, nasa_tap_url=url)
    assert f"{url}: no connection ([Errno" in must_fail(inputs, transport())


def test_an_unknown_host_is_said(planets_only):
    url = "http://no-such-archive.invalid/TAP/sync"
    inputs = replace(planets_only, nasa_tap_url=url)
    assert "host name cannot be resolved" in must_fail(inputs, transport())


def test_what_is_no_url_is_said(planets_only):
    inputs = replace(planets_only, nasa_tap_url="http://[")
    assert "http://[: this is not a URL." in must_fail(inputs, transport(attempts=3))


def test_a_failure_of_tls_is_said(server, planets_only):
    url = f"{server.url}{TAP}".replace("http:", "https:")
    inputs = replace(planets_only, nasa_tap_url=url)
    assert f"{url}: no secure connection" in must_fail(inputs, transport())


# --- figshare and the mirror


def listed(content: bytes = DWARFS, **changes: object) -> loopback.Answer:
    file = {
        "id": 77,
        "name": "BD_catalogue_20-11-23.csv",
        "size": len(content),
        "computed_md5": hashlib.md5(content, usedforsecurity=False).hexdigest(),
        "is_link_only": False,
    }
    older = file | {"id": 5, "name": "BD_catalogue.csv", "computed_md5": "0"}
    other = file | {"id": 99, "name": "README.txt"}
    return ok(json.dumps([older, file | changes, other]).encode())


def test_the_newest_listed_file_is_fetched(server, dwarfs_only):
    server.play(LISTING, listed())
    server.play(FILE, redirect(f"{server.url}/storage"))
    server.play("/storage", ok(DWARFS))
    table = fetch(dwarfs_only).tables[1]
    assert table.raw == DWARFS
    assert table.provenance.origin is Origin.NETWORK
    assert table.provenance.location == f"{server.url}{FILE}"
    assert "md5" in table.provenance.note
    assert table.frame["pl_name"].tolist() == ["LP 1 b", "LP 2 b"]


REFUSED_DOWNLOADS = {
    "empty 202": status(202, x_amzn_waf_action="challenge"),
    "403": status(403),
    "wrong md5": ok(DWARFS.replace(b"51.6", b"15.6")),
    "html": ok(HTML),
    "cut": cut(DWARFS, at=200, says_length=True),
    "empty": ok(b""),
}


@pytest.mark.parametrize("case", REFUSED_DOWNLOADS)
def test_a_refused_download_is_had_elsewhere(server, dwarfs_only, case):
    server.play(LISTING, listed())
    server.play(FILE, REFUSED_DOWNLOADS[case])
    server.play(API_FILE, ok(DWARFS))
    table = fetch(dwarfs_only).tables[1]
    assert table.provenance.location == f"{server.url}{API_FILE}"
    assert table.raw == DWARFS


@pytest.mark.parametrize("case", REFUSED_DOWNLOADS)
def test_without_figshare_the_mirror_is_asked(server, dwarfs_only, case):
    server.play(LISTING, listed())
    server.play(FILE, REFUSED_DOWNLOADS[case])
    server.play(API_FILE, REFUSED_DOWNLOADS[case])
    server.play(MIRROR, ok(DWARFS))
    table = fetch(dwarfs_only).tables[1]
    assert table.provenance.location == f"{server.url}{MIRROR}"
    assert "from the mirror, because figshare" in table.provenance.note
    assert table.raw == DWARFS


@pytest.mark.parametrize(
    ("listing", "came"),
    [
        (ok(HTML), "an HTML page"),
        (ok(b"[]"), "no catalogue CSV among its files (none)"),
        (listed(name="notes.pdf", computed_md5=None), "md5 0"),
        (ok(b'{"message": "gone"}'), "JSON (gone) came in place of a list of files"),
        (status(403, HTML, cf_mitigated="challenge"), "Cloudflare challenge"),
    ],
    ids=["html", "none", "other names", "message", "challenge"],
)
def test_where_all_fail_each_is_named(server, dwarfs_only, listing, came):
    server.play(LISTING, listing)
    server.play("/files/5", ok(DWARFS))
    server.play("/v2/file/download/5", ok(DWARFS))
    server.play(MIRROR, status(404))
    message = must_fail(dwarfs_only, transport(attempts=1))
    assert came in message
    assert (
        f"Then the mirror of the Brown Dwarf Companion Catalogue at {server.url}"
        in (message)
    )
    assert message.count("--bd FILE") == 1


# --- the cache


def test_a_young_answer_is_not_asked_for_again(server, planets_only):
    first = fetch(planets_only).tables[0]
    server.asked.clear()
    later = transport(now=NOW + timedelta(hours=23))
    again = fetch(planets_only, later).tables[0]
    assert server.asked == []
    assert again.provenance.origin is Origin.CACHE
    assert again.provenance.retrieved_utc == first.provenance.retrieved_utc
    assert again.stands_in_because == ""
    pd.testing.assert_frame_equal(again.frame, first.frame, check_exact=True)


def test_an_old_answer_is_asked_for_again(server, planets_only):
    assert fetch(planets_only).tables[0].provenance.origin is Origin.NETWORK
    fetch(planets_only, transport(now=NOW + timedelta(days=2)))
    assert server.times_asked(TAP) == 4


def test_no_age_is_young_enough_for_zero_days(server, planets_only):
    inputs = replace(planets_only, max_age_days=0.0)
    fetch(inputs)
    fetch(inputs, transport(now=NOW + timedelta(seconds=1)))
    assert server.times_asked(TAP) == 4


def test_another_window_is_another_question(server, planets_only):
    fetch(planets_only)
    data_fetchers.fetch(
        planets_only,
        data_dir=DATA,
        host_mass_range_msun=(0.06, 0.5),
        transport=transport(),
    )
    assert server.times_asked(TAP) == 4


def test_offline_reads_the_cache_and_says_its_age(server, planets_only):
    got = fetch(replace(planets_only, offline=True))
    assert server.asked == []
    assert got.tables[0].provenance.origin is Origin.CACHE
    assert got.stand_ins == (
        "PSCompPars: the table cached on 2026-10-22, 30.0 days old, because "
        "--offline was given",
    )


def test_offline_without_a_cache_fails(server, dwarfs_only):
    inputs = replace(dwarfs_only, offline=True)
    message = must_fail(inputs, transport())
    assert "--offline forbids" in message
    assert "--bd FILE" in message
    assert server.asked == []


def test_a_damaged_entry_is_refused_and_fetched_anew(server, planets_only):
    (entry,) = planets_only.cache_dir.glob("*.csv")
    entry.write_bytes(entry.read_bytes().replace(b"0.02", b"0.03"))
    offline = replace(planets_only, offline=True)
    assert "sha256" in must_fail(offline, transport())
    young = transport(now=NOW - timedelta(days=30))
    table = fetch(planets_only, young).tables[0]
    assert table.provenance.origin is Origin.NETWORK
    assert "was refused" in table.remarks[-1]
    assert fetch(planets_only, young).tables[0].provenance.origin is Origin.CACHE


@pytest.mark.parametrize("asked_for", ["cache", "embedded"])
def test_another_table_stands_in_only_when_asked(server, planets_only, asked_for):
    server.play(TAP, status(403, HTML, cf_mitigated="challenge"))
    must_fail(planets_only, transport())
    before = contents(planets_only.cache_dir)
    got = fetch(replace(planets_only, on_fetch_failure=asked_for))
    (said,) = got.stand_ins
    assert "Cloudflare challenge" in said
    assert ("cached on 2026-10-22" if asked_for == "cache" else "2026-06-02") in said
    origin = Origin.CACHE if asked_for == "cache" else Origin.EMBEDDED
    assert got.tables[0].provenance.origin is origin
    assert contents(planets_only.cache_dir) == before


def test_without_a_table_to_stand_in_the_run_fails(server, dwarfs_only):
    server.play(LISTING, status(403))
    server.play(MIRROR, status(403))
    inputs = replace(dwarfs_only, on_fetch_failure="cache")
    assert "there is no such table" in must_fail(inputs, transport())


def test_a_cache_that_cannot_be_written_does_not_end_the_run(
    server, planets_only, tmp_path
):
    (tmp_path / "taken").write_text("a file where a folder should be")
    table = fetch(replace(planets_only, cache_dir=tmp_path / "taken")).tables[0]
    assert table.provenance.origin is Origin.NETWORK
    assert "could not be kept" in table.remarks[-1]


# --- repeating a run


@pytest.mark.parametrize("source", ["network", "cache"])
def test_what_is_kept_gives_the_same_rows_again(server, tmp_path, source):
    server.play(TAP, tap(PLANETS))
    server.play(LISTING, listed())
    server.play(FILE, ok(DWARFS))
    inputs = options(server, tmp_path / "cache")
    got = fetch(inputs)
    if source == "cache":
        got = fetch(inputs)
        assert got.tables[0].provenance.origin is Origin.CACHE
    files = {}
    for option, table in zip(("ps", "bd"), got.tables, strict=True):
        files[option] = tmp_path / f"{option}.csv"
        files[option].write_bytes(table.kept)
    again = fetch(InputOptions(**files))
    for first, second in zip(got.tables, again.tables, strict=True):
        pd.testing.assert_frame_equal(first.frame, second.frame, check_exact=True)
        assert second.kept == first.kept
        assert second.provenance.retrieved_utc == first.provenance.retrieved_utc
        assert second.provenance.query == first.provenance.query


def test_the_embedded_tables_are_read_as_files_too(tmp_path):
    got = fetch(InputOptions())
    files = {}
    for option, table in zip(("ps", "bd"), got.tables, strict=True):
        files[option] = tmp_path / f"{option}.csv"
        files[option].write_bytes(table.kept)
    again = fetch(InputOptions(**files))
    for first, second in zip(got.tables, again.tables, strict=True):
        pd.testing.assert_frame_equal(first.frame, second.frame, check_exact=True)


def test_a_kept_file_that_was_changed_says_so(server, planets_only, tmp_path):
    kept = fetch(planets_only).tables[0].kept
    path = tmp_path / "kept.csv"
    path.write_bytes(kept.replace(b"0.02", b"0.03"))
    table = fetch(InputOptions(ps=path)).tables[0]
    assert "was changed after it was fetched" in table.remarks[-1]


# --- the command

COMMAND_FAILS = {
    "challenge": status(403, HTML, cf_mitigated="challenge"),
    "json error": ok(b'{"status":"error","msg":"ORA-00933"}'),
    "busy": status(503),
    "cut": cut(WHOLE, at=100, says_length=True),
    "hangs up": loopback.hang_up,
}


def command(server, planets_only, tmp_path, *more: str) -> int:
    return main(
        [
            *("--fetch", "--bd", str(planets_only.bd), "--nasa_tap_url"),
            *(f"{server.url}{TAP}", "--cache_dir", str(planets_only.cache_dir)),
            *("--fetch_attempts", "1", "--outdir", str(tmp_path / "results")),
            *("--logdir", str(tmp_path / "logs")),
            *("--errordir", str(tmp_path / "errors"), *more),
        ]
    )


@pytest.mark.parametrize("case", COMMAND_FAILS)
def test_the_command_ends_with_3_and_touches_nothing(
    server, planets_only, tmp_path, capsys, case
):
    results = tmp_path / "results"
    with ResultsFolder(results) as folder:
        folder.text("earlier.txt", "an earlier result")
        folder.finish({})
    before = contents(results) | contents(planets_only.cache_dir)
    server.play(TAP, COMMAND_FAILS[case])
    code = command(server, planets_only, tmp_path)
    assert code == ExitCode.CATALOGUE_UNAVAILABLE
    assert contents(results) | contents(planets_only.cache_dir) == before
    said = capsys.readouterr().err
    assert f"{server.url}{TAP}" in said
    assert "--ps FILE" in said
    assert "Traceback" not in said


def test_the_command_refuses_what_cannot_be_meant(capsys):
    for options in (
        ["--offline"],
        ["--max_age_days", "-1"],
        ["--fetch_attempts", "0"],
        ["--nasa_tap_url", "ftp://x"],
        ["--on_fetch_failure", "guess"],
    ):
        with pytest.raises(SystemExit) as caught:
            main(options)
        assert caught.value.code == ExitCode.USAGE
    assert "give one of them too" in capsys.readouterr().err


# --- where the services are


def test_an_environment_variable_moves_a_service(server, planets_only, monkeypatch):
    monkeypatch.setenv("PANOPTIC_NASA_TAP_URL", f"{server.url}/elsewhere/")
    server.play("/elsewhere", tap(PLANETS))
    fetch(planets_only)
    assert server.times_asked("/elsewhere") == 0  # the option wins
    table = fetch(replace(planets_only, nasa_tap_url=None)).tables[0]
    assert table.provenance.location == f"{server.url}/elsewhere"


def test_the_table_of_failures_lists_what_is_tried():
    folder = ROOT / "docs"
    written = "".join(
        path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.md"))
    )
    for case in BAD_ANSWERS:
        tries = "all" if case in TRANSIENT else "1"
        assert re.search(rf"^\| {case} \| .* \| {tries} \| ", written, re.M), case
