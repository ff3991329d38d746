"""The cache holds whole answers only, also where two runs fetch at once."""

import multiprocessing
from datetime import UTC, datetime
from pathlib import Path

import pytest

import data_fetchers
from panoptic.catalogues.cache import Cache
from panoptic.catalogues.kept import Damaged, Kept, from_bytes
from panoptic.catalogues.table import Origin
from panoptic.config import InputOptions
from tests import loopback
from tests.conftest import ROOT

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ANSWER = Kept(
    content=b"a,b\n1,2\n",
    url="http://x/tap",
    query="select a,b from t where c = 'd # e'",
    retrieved_utc="2026-11-21T12:00:00+00:00",
    n_rows=1,
)
PLANETS = {
    "pl_name": ["GJ 1 b"],
    "hostname": ["GJ 1"],
    "pl_orbsmax": [0.02],
    "pl_bmassj": [0.01],
    "st_mass": [0.1],
}


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache")


def test_a_kept_answer_is_read_back():
    assert from_bytes(ANSWER.as_bytes()) == ANSWER


def test_a_table_that_is_not_ours_is_nothing():
    assert from_bytes(b"# made by somebody\na,b\n1,2\n") is None


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"1,2", b"1,3"), (b"\n1,2\n", b"\n1,"), (b'"url"', b'"uri"'), (b"2026-", b"x-")],
    ids=["changed", "cut", "another line", "no date"],
)
def test_a_changed_answer_is_damaged(old, new):
    assert isinstance(from_bytes(ANSWER.as_bytes().replace(old, new)), Damaged)


def test_every_cut_of_an_answer_is_seen():
    whole = ANSWER.as_bytes()
    for length in range(len(whole)):
        assert not isinstance(from_bytes(whole[:length]), Kept)


def test_entries_are_named_after_the_question(cache):
    path = cache.path("PSCompPars", url="u", query="q")
    assert path.name.startswith("PSCompPars-")
    assert path != cache.path("PSCompPars", url="u", query="r")
    assert path != cache.path("PSCompPars", url="v", query="q")


def test_an_entry_is_stored_and_loaded(cache):
    path = cache.path("x", url="u", query="q")
    assert cache.load(path) is None
    cache.store(path, ANSWER)
    assert cache.load(path) == ANSWER


def test_a_foreign_file_in_its_place_is_refused(cache):
    path = cache.path("x", url="u", query="q")
    cache.folder.mkdir()
    path.write_bytes(b"a,b\n1,2\n")
    assert isinstance(cache.load(path), Damaged)


def test_a_write_that_fails_leaves_the_earlier_entry(cache, monkeypatch):
    path = cache.path("x", url="u", query="q")
    cache.store(path, ANSWER)

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        cache.store(path, Kept(b"", "", "", "2026-11-21T12:00:00+00:00", 0))
    assert cache.load(path) == ANSWER
    assert list(cache.folder.iterdir()) == [path]


def _fetch_in_a_process(inputs: InputOptions, results) -> None:
    table = data_fetchers.fetch(inputs, data_dir=ROOT / "data").tables[0]
    results.put((table.provenance.origin.value, table.raw))


def test_two_processes_at_once_ask_once(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    (tmp_path / "bd.csv").write_bytes(b"host_star,mass,period,Mstar\nLP 1,50,4,0.12\n")
    spawn = multiprocessing.get_context("spawn")
    with loopback.serve() as server:
        server.play("/tap", loopback.after(0.3, loopback.tap(PLANETS)))
        inputs = InputOptions(
            fetch=True,
            bd=tmp_path / "bd.csv",
            cache_dir=tmp_path / "cache",
            nasa_tap_url=f"{server.url}/tap",
        )
        results = spawn.Queue()
        processes = [
            spawn.Process(target=_fetch_in_a_process, args=(inputs, results))
            for _ in range(2)
        ]
        for process in processes:
            process.start()
        got = sorted(results.get(timeout=60) for _ in processes)
        for process in processes:
            process.join(timeout=60)
            assert process.exitcode == 0
    assert [origin for origin, _ in got] == [Origin.CACHE, Origin.NETWORK]
    assert got[0][1] == got[1][1]
    assert server.times_asked("/tap") == 2  # the count and the table
    entries = [path for path in (tmp_path / "cache").iterdir() if path.suffix == ".csv"]
    assert len(entries) == 1
    assert isinstance(from_bytes(entries[0].read_bytes()), Kept)
