"""Settings, the books, the limiter and the words on the page."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from common.http_limits import RateLimiter
from pywallet.errors import GomaaError, InputError, Refusal
from pywallet.policy import Price
from pywallet.settlement import gross
from station.commands import station as command
from station.config import StationConfig, from_dict, load
from station.context import read_key
from station.db.ledger import HOLD_S, Store
from station.db.listener_tickets import ListenerTickets
from station.db.rows import TicketRow
from station.pages.views import (
    bars,
    clock,
    earns,
    price_shares,
    song_of_the_day,
)

BASE: dict[str, Any] = {
    "domain": "radio.example",
    "name": "R",
    "key_file": "k",
    "deployment_file": "d",
    "catalogue": "songs",
}


def test_paths_start_at_the_settings() -> None:
    """Relative paths, the database's too, are beside the settings file; a database URL stays."""
    config = from_dict({**BASE, "database": "books.db"}, Path("/srv/radio"))
    assert (config.key_file, config.catalogue) == (Path("/srv/radio/k"), Path("/srv/radio/songs"))
    assert config.database_url == "sqlite:////srv/radio/books.db"
    assert from_dict({**BASE, "database": "postgresql://db/x"}, Path("/srv")).database_url == "postgresql://db/x"


def test_proxies_are_addresses_and_networks() -> None:
    """One address is a network of one."""
    config = from_dict({**BASE, "trusted_proxies": ["127.0.0.1", "10.0.0.0/8"]}, Path())
    assert [str(one) for one in config.limits.trusted_proxies] == ["127.0.0.1/32", "10.0.0.0/8"]
    assert config.limits.busy == "station.busy"


@pytest.mark.parametrize(
    "change",
    [
        {"domain": None},
        {"surprise": 1},
        {"statement_seconds": 0},
        {"statement_seconds": True},
        {"servers": []},
        {"servers": {"x": "y"}},
        {"name": 7},
        {"connections": 0},
        {"requests_per_minute_address": 1.5},
        {"trusted_proxies": "10.0.0.0/8"},
        {"trusted_proxies": ["proxy.example"]},
    ],
)
def test_wrong_settings_are_named(change: dict[str, Any]) -> None:
    """Missing, unknown and ill-typed settings are message.schema."""
    raw = {name: value for name, value in {**BASE, **change}.items() if value is not None}
    with pytest.raises(InputError) as refused:
        from_dict(raw, Path())
    assert refused.value.code == "message.schema"


@pytest.mark.parametrize(
    ("domain", "origin"),
    [
        ("127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("[::1]:80", "http://[::1]:80"),
        ("localhost:1", "http://localhost:1"),
        ("radio.example", "https://radio.example"),
        ("radio.example:8443", "https://radio.example:8443"),
    ],
)
def test_origin(domain: str, origin: str) -> None:
    """Only this machine itself is without TLS."""
    assert from_dict({**BASE, "domain": domain}, Path()).origin == origin


def test_init_makes_a_station(tmp_path: Path) -> None:
    """`station init` writes settings that load, a key of its own that nobody else may read, and never overwrites."""
    arguments = ["init", "--domain", "127.0.0.1:9", "--name", 'Say "hi"\n', "--directory", str(tmp_path)]
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 0, result.output
    config = load(tmp_path / "station.toml")
    assert (config.domain, config.name) == ("127.0.0.1:9", 'Say "hi"\n')
    assert len(read_key(config.key_file)) == 32
    assert {
        path.name: path.stat().st_mode & 0o777 for path in tmp_path.glob("*.[kt]*") if path.suffix in (".key", ".token")
    } == {
        "station.key": 0o600,
        "admin.token": 0o600,
    }
    before = config.key_file.read_text()
    again = CliRunner().invoke(command, arguments)
    assert again.exit_code == 1
    assert config.key_file.read_text() == before


def test_bad_key_file_is_coded(tmp_path: Path) -> None:
    """A key file that is missing or isn't a key is message.schema."""
    (tmp_path / "k").write_text("0x12")
    for name in ("k", "none"):
        with pytest.raises(GomaaError) as refused:
            read_key(tmp_path / name)
        assert refused.value.code == "message.schema"


def _row(**changes: Any) -> TicketRow:
    values: dict[str, Any] = {
        "server": b"s" * 20,
        "content": b"c" * 20,
        "session": b"x" * 32,
        "issued_ms": 10**12,
        "expiry_s": 10**9 + 600,
        "interval_s": 30,
        "price": 10**30,
        "reward": 5,
        "bps": 250,
        "max_intervals": 4,
    }
    return TicketRow(**{**values, **changes})


KINDS = st.fixed_dictionaries(
    {
        "issued_ms": st.integers(0, 200).map(lambda seconds: 10**12 + 1000 * seconds),
        "expiry_s": st.sampled_from((10**9 + 30, 10**9 + 600)),
        "interval_s": st.sampled_from((10, 30)),
        "price": st.sampled_from((10**30, 0)),
        "bps": st.sampled_from((0, 250)),
        "max_intervals": st.sampled_from((1, 4, 9)),
        "vouchered": st.integers(0, 5),
    }
)


@given(st.lists(KINDS, max_size=12), st.integers(0, 240))
def test_open_tickets_hold_what_each_of_them_holds(kinds: list[dict[str, int]], now: int) -> None:
    """What the database groups is the sum over single tickets, by each one's own rule."""
    rows = [_row(**kind, number=number) for number, kind in enumerate(kinds, 1)]
    now_s = 10**9 + now
    open_ = [row for row in rows if row.expiry_s > now_s - HOLD_S]
    store = Store("sqlite://")
    with contextlib.closing(store):
        store.rebuild(rows)
        assert store.outstanding(b"s" * 20, now_s) == (len(open_), sum(row.held(now_s * 1000) for row in open_))
        new = _row(issued_ms=now_s * 1000)
        usable = gross(
            new.outstanding + sum(row.held(now_s * 1000) for row in open_), max([250, *(r.bps for r in open_)])
        )
        with pytest.raises(Refusal) as short:
            store.issue(new, usable - 1, 0, 99)
        assert int(short.value.detail["short_wei"]) == 1
        store.issue(new, usable, 0, 99)


def test_books_survive_a_restart(tmp_path: Path) -> None:
    """Numbers go on where they were, and amounts beyond 2^63 come back exact."""
    url = f"sqlite:///{tmp_path / 'b.db'}"
    store = Store(url)
    first = store.issue(_row(), 10**40, 0, 9)
    store.close()
    store = Store(url)
    assert store.issue(_row(), 10**40, 0, 9) == first + 1
    assert store.tickets([first])[first] == _row(number=first)
    store.close()


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE tickets DROP COLUMN settled_intervals",
        "ALTER TABLE vouchers ADD COLUMN more TEXT",
        "DROP TABLE vouchers",
        "DROP TABLE rewarded_tickets",
    ],
)
def test_a_database_of_another_version_is_refused_and_left_alone(tmp_path: Path, change: str) -> None:
    """A column less, a column more, a table less: the code names both versions, and nothing is made or changed."""
    path = tmp_path / "b.db"
    store = Store(f"sqlite:///{path}")
    ListenerTickets(store.engine)
    store.close()
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute(change)
        db.commit()
        before = list(db.iterdump())
    with pytest.raises(GomaaError) as error:
        ListenerTickets(Store(f"sqlite:///{path}").engine)
    assert error.value.code == "station.database.version"
    assert error.value.detail["found"] != error.value.detail["expected"]
    with contextlib.closing(sqlite3.connect(path)) as db:
        assert list(db.iterdump()) == before


def test_every_commit_is_synced(tmp_path: Path) -> None:
    """The database syncs at each commit and keeps a write-ahead log."""
    store = Store(f"sqlite:///{tmp_path / 'b.db'}")
    with store._engine.connect() as db:
        assert db.execute(sa.text("PRAGMA synchronous")).scalar() == 2
        assert db.execute(sa.text("PRAGMA journal_mode")).scalar() == "wal"
    store.close()


def test_numbers_are_never_used_again(tmp_path: Path) -> None:
    """A refused ticket leaves no hole that a later one could share, and a deleted row's number stays used."""
    store = Store(f"sqlite:///{tmp_path / 'b.db'}")
    first = store.issue(_row(), 10**40, 0, 9)
    with pytest.raises(Refusal):
        store.issue(_row(), 0, 0, 9)
    with store._engine.begin() as db:
        db.execute(sa.text("DELETE FROM tickets"))
    assert store.issue(_row(), 10**40, 0, 9) > first
    store.close()


def test_two_threads_cannot_spend_the_last_twice(tmp_path: Path) -> None:
    """Eight writers at once over escrow for a whole play and two held ones write three."""
    store = Store(f"sqlite:///{tmp_path / 'b.db'}")
    row = _row()
    usable = row.outstanding + 2 * row.held(row.issued_ms)
    codes: list[str] = []

    def work(n: int) -> None:
        try:
            store.issue(_row(session=bytes([n]) * 32, bps=0), usable, 0, 9)
        except Refusal as refusal:
            codes.append(refusal.code)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == ["station.escrow.short"] * 5
    assert store.plays(0, 99)[0] == 3
    store.close()


def test_limiter_refills() -> None:
    """An address has its minute's worth, then gets more with time; another address is not touched.

    Memory is bounded.
    """
    now = 0.0
    limiter = RateLimiter(3, lambda: now, keep=2)
    for _ in range(3):
        limiter.take("a")
    with pytest.raises(Refusal) as refused:
        limiter.take("a")
    assert (refused.value.code, refused.value.detail) == ("station.busy", {"retry_after": 20})
    limiter.take("b")
    now += 20
    limiter.take("a")
    limiter.take("c")
    assert len(limiter._buckets) == 2


@given(st.integers(0, 10**9))
def test_clock_reads_back(duration_ms: int) -> None:
    """A shown duration, read back, is the duration to the nearest second."""
    seconds = 0
    for part in clock(duration_ms).split(":"):
        seconds = seconds * 60 + int(part)
    assert abs(seconds * 1000 - duration_ms) <= 500


@given(st.binary(max_size=1000))
def test_bars_fit(waveform: bytes) -> None:
    """Bars stay in their field, whatever the waveform."""
    for x, y, height in bars(waveform):
        assert 0 <= x <= 637
        assert 0 <= float(y) <= 28
        assert 3 <= float(height) <= 52


@given(st.integers(0, 10**24), st.integers(0, 10**24), st.none() | st.integers(0, 2000))
def test_split_fills_the_bar(owner: int, reward: int, bps: int | None) -> None:
    """Parts lie beside each other inside the bar; nobody with nothing is shown."""
    x = 0.0
    for part in price_shares(Price(30, owner, reward), bps):
        assert float(part["x"]) >= x - 0.01
        x = float(part["x"]) + float(part["width"])
        assert part["exact"] != "0." + "0" * 18
    assert x <= 102


@pytest.mark.parametrize(
    ("price", "words"),
    [
        (Price(30, 8 * 10**15, 2 * 10**15), "earns 0.0020/30 s"),
        (Price(60, 8 * 10**15, 0), "free to hear"),
        (Price(60, 5 * 10**16, 0, "listener"), "you pay 0.0500/1 min"),
        (Price(30, 0, 0, "nobody"), "free to hear"),
    ],
)
def test_card_says_what_it_earns(price: Price, words: str) -> None:
    """A card says in one line what hearing the song gives or costs."""
    assert earns(price) == words


def test_song_of_the_day_goes_round() -> None:
    """Seven days of three songs show each; the operator's choice wins; an empty shelf has none."""

    class Song:
        def __init__(self, name: str) -> None:
            self.name = name

    songs: Any = [Song("a"), Song("b"), Song("c")]
    assert {song_of_the_day(songs, date(2030, 1, day)).name for day in range(1, 8)} == {"a", "b", "c"}
    assert song_of_the_day(songs, date(2030, 1, 1), "b").name == "b"
    assert song_of_the_day([], date(2030, 1, 1)) is None


def test_config_is_frozen() -> None:
    """Settings don't change while the station runs."""
    config = from_dict(BASE, Path())
    assert isinstance(config, StationConfig)
    with pytest.raises(AttributeError):
        config.name = "other"  # type: ignore[misc]
