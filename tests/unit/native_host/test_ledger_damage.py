"""Damaged ledgers: detected, reported by the doctor, and salvaged without lowering a count."""

from __future__ import annotations

import contextlib
import errno
import shutil
import sqlite3
import stat
import struct
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from native_host.install import doctor
from native_host.install.commands import host as command
from native_host.ledger import InvocationRow, Ledger, PayeeRow, ReceiptRow, SessionRow, TicketRow
from native_host.ledger.repair import USED_UP, repair
from native_host.ledger.scan_store import Post, ScanKey
from native_host.messaging import framing
from native_host.messaging.dispatcher import Dispatcher
from native_host.paths import Paths
from pywallet.errors import Unavailable
from pywallet.policy import Count, Meter, Policy, Price

LISTENER, STATION, SERVER = b"l" * 20, b"r" * 20, b"v" * 20
POLICY = Policy(("play", "seek"), Price(30, 1, 1), {"play": Count(5), "seek": Count(3)})
PAGE = 2048
SONGS = 60


def content(number: int) -> bytes:
    """Address of a content, distributed like a hash."""
    return Random(number).randbytes(20)


def fill(path: Path) -> dict[bytes, int]:
    """Fill a ledger with many contents; the plays of each."""
    plays = {}
    with Ledger(path) as ledger:
        for number in range(SONGS):
            session, ticket, song = Random(-number).randbytes(32), Random(number + 500).randbytes(32), content(number)
            with ledger.write():
                ledger.add_content(song, f"Song {number}", "Tests")
                ledger.add_session(SessionRow(session, 31337, b"m" * 20, STATION, LISTENER, b"p" * 20, 10_000, "{}"))
                ledger.add_ticket(
                    TicketRow(ticket, session, song, LISTENER, SERVER, "http://x", "radio.example", 5, 30, 1, 9_000)
                )
                for time_ms in range(1, number % 5 + 2):
                    sequence = ledger.next_sequence(session)
                    entry = InvocationRow(session, sequence, ticket, song, LISTENER, "play", 0, time_ms, b"x" * 65)
                    ledger.add_invocation(entry, Meter(), "playing")
            plays[song] = number % 5 + 1
    return plays


def pages_of(path: Path, table: str) -> list[int]:
    """The leaves of a table, in order, numbered from 0 (sqlite.org/fileformat.html, section 1.6)."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        (root,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    data = path.read_bytes()

    def leaves(number: int) -> list[int]:
        page = data[(number - 1) * PAGE : number * PAGE]
        if page[0] not in (2, 5):
            return [number - 1]
        cells = struct.unpack(">H", page[3:5])[0]
        pointers = struct.unpack(f">{cells}H", page[12 : 12 + 2 * cells])
        children = [struct.unpack(">I", page[at : at + 4])[0] for at in pointers] + [struct.unpack(">I", page[8:12])[0]]
        return [leaf for child in children for leaf in leaves(child)]

    found = leaves(root)
    assert len(found) > 1, "the table has one page only"
    return found


def spoil(path: Path, pages: list[int]) -> None:
    """Overwrite pages with invalid bytes."""
    with path.open("r+b") as file:
        for page in pages:
            file.seek(page * PAGE)
            file.write(b"\xff" * PAGE)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """The folders of a host."""
    return Paths(tmp_path / "data", tmp_path / "config").make()


def counted(path: Path) -> dict[bytes, int]:
    """Plays by content, as the policy's decision uses them."""
    with Ledger(path) as ledger:
        return {content(n): ledger.usage(LISTENER, content(n), POLICY, 100).plays for n in range(SONGS)}


@pytest.mark.parametrize("table", ["usage", "invocations", "tickets", "sessions"])
@pytest.mark.parametrize("seed", range(3))
def test_no_count_is_lower_after_a_repair(paths: Paths, table: str, seed: int) -> None:
    """For any damaged page of a table, the plays of every content are as before.

    The doctor reports the damage before, and nothing afterwards.
    """
    plays = fill(paths.ledger)
    assert repair(paths.ledger) is None
    spoil(paths.ledger, Random(seed).sample(pages_of(paths.ledger, table), 1))
    found = {check.name: check for check in doctor.local(paths)}["ledger"]
    assert not found.ok
    assert "gomaa host repair" in found.message

    done = repair(paths.ledger)

    assert done is not None
    assert table in done.gaps
    assert done.kept.exists()
    assert {check.name: check for check in doctor.local(paths)}["ledger"].ok
    assert stat.S_IMODE(paths.ledger.stat().st_mode) == 0o600
    after = counted(paths.ledger)
    assert all(after[song] >= count for song, count in plays.items())
    # One page of one table loses no count: another table proves it.
    assert after == plays
    assert repair(paths.ledger) is None


def test_damaged_pages_lose_only_their_own_rows(paths: Paths) -> None:
    """Rows before and after several damaged pages are read."""
    fill(paths.ledger)
    pages = pages_of(paths.ledger, "invocations")
    with Ledger(paths.ledger) as ledger:
        ((all_rows,),) = ledger._rows("SELECT count(*) FROM invocations")
    spoil(paths.ledger, pages[2:5:2])
    done = repair(paths.ledger)
    assert done is not None
    assert done.rows["invocations"] >= all_rows * (len(pages) - 4) // len(pages)


def test_contents_without_any_counts_are_used_up(paths: Paths) -> None:
    """Where neither counters nor invocations remain, every limit is reached, and leases end."""
    plays = fill(paths.ledger)
    with Ledger(paths.ledger) as ledger, ledger.write():
        ledger._change(
            "INSERT INTO leases (ticket, first_segment, key_count, expiry_s, invocation_budget) "
            "VALUES (?, 0, 9, 99, 9)",
            b"t" * 32,
        )
    for table in ("usage", "invocations"):
        spoil(paths.ledger, pages_of(paths.ledger, table)[1:3])
    done = repair(paths.ledger)
    assert done is not None
    assert done.used_up > 0
    after = counted(paths.ledger)
    assert all(after[song] >= count for song, count in plays.items())
    assert sum(count >= USED_UP for count in after.values()) == done.used_up
    with Ledger(paths.ledger) as ledger:
        assert ledger._rows("SELECT end_code FROM leases") == [("host.ledger.damaged",)]


def test_lost_debits_set_budgets_to_zero(paths: Paths) -> None:
    """Where a debit may be lost, the budgets of sites are 0."""
    fill(paths.ledger)
    with Ledger(paths.ledger) as ledger, ledger.write():
        ledger._change("INSERT INTO sites VALUES ('https://a.example', 'allowed', '500', 1, 1)")
        for number in range(300):
            ledger._change(
                "INSERT INTO debits VALUES (?, ?, 'https://a.example', 1, '1')", number, Random(number).randbytes(32)
            )
    spoil(paths.ledger, pages_of(paths.ledger, "debits")[1:2])
    assert repair(paths.ledger) is not None
    with Ledger(paths.ledger) as ledger:
        (site,) = ledger.sites()
        assert (site.state, site.daily_budget_wei) == ("allowed", 0)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _text(path: Path) -> None:
    path.write_text("not a database, but long enough to be one " * 100)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _newer(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version=99")


SPOILT: dict[str, tuple[Callable[[Path], None], str]] = {
    "empty": (_empty, "host.ledger.damaged"),
    "text": (_text, "host.ledger.damaged"),
    "folder": (_folder, "host.ledger.damaged"),
    "newer": (_newer, "host.ledger.version"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_a_file_that_is_no_ledger_is_refused_and_kept(paths: Paths, name: str) -> None:
    """An empty file, another kind of file, a folder, a newer host's ledger.

    No new ledger replaces it.
    """
    change, code = SPOILT[name]
    fill(paths.ledger)
    change(paths.ledger)
    before = paths.ledger.read_bytes() if paths.ledger.is_file() else None
    with pytest.raises(Unavailable) as caught:
        Ledger(paths.ledger)
    assert caught.value.code == code
    assert not {check.name: check for check in doctor.local(paths)}["ledger"].ok
    if name != "newer":
        with pytest.raises(Unavailable):
            repair(paths.ledger)
    assert (paths.ledger.read_bytes() if paths.ledger.is_file() else None) == before


def test_a_ledger_in_use_is_not_repaired(paths: Paths) -> None:
    """Another host would write to the file that is set aside."""
    fill(paths.ledger)
    with Ledger(paths.ledger) as ledger:
        ledger._rows("SELECT count(*) FROM usage")
        with pytest.raises(Unavailable) as caught:
            repair(paths.ledger)
    assert caught.value.code == "host.ledger.busy"
    assert "browser" in str(caught.value)


async def test_file_failures_have_their_codes() -> None:
    """Errors of SQLite and the system have codes other than ``internal``, and the host keeps running."""
    out = bytearray()
    dispatcher = Dispatcher(out.extend)
    kinds: list[tuple[Exception, str]] = [
        (sqlite3.DatabaseError("of no number"), "host.ledger.failed"),
        (OSError(errno.EIO, "input/output error"), "host.ledger.failed"),
        (OSError(errno.ENOSPC, "no space left"), "host.disk.full"),
        (OSError(errno.EDQUOT, "quota"), "host.disk.full"),
        (OSError(errno.EROFS, "read-only"), "host.folder.denied"),
        (PermissionError(errno.EACCES, "denied", "ledger"), "host.folder.denied"),
        # Nothing of a file: the line to somebody.
        (ConnectionResetError(errno.ECONNRESET, "reset"), "internal"),
        (TimeoutError(errno.ETIMEDOUT, "late"), "internal"),
        (PermissionError(errno.EACCES, "denied"), "internal"),
        (ValueError("a bug"), "internal"),
        # An update has replaced the files of this process.
        (ModuleNotFoundError("half an installation"), "host.version"),
    ]
    numbers = {
        sqlite3.SQLITE_CORRUPT: "host.ledger.damaged",
        sqlite3.SQLITE_CORRUPT | (1 << 8): "host.ledger.damaged",
        sqlite3.SQLITE_NOTADB: "host.ledger.damaged",
        sqlite3.SQLITE_ERROR: "host.ledger.damaged",
        sqlite3.SQLITE_FULL: "host.disk.full",
        sqlite3.SQLITE_IOERR_SHMSIZE: "host.disk.full",
        sqlite3.SQLITE_READONLY_DIRECTORY: "host.folder.denied",
        sqlite3.SQLITE_CANTOPEN: "host.folder.denied",
        sqlite3.SQLITE_BUSY: "host.ledger.busy",
        sqlite3.SQLITE_IOERR: "host.ledger.failed",
    }
    for number, code in numbers.items():
        fault = sqlite3.DatabaseError("in whatever words")
        fault.sqlite_errorcode = number
        kinds.append((fault, code))
    for error, code in kinds:
        out.clear()

        async def fail(op: str, request: Any, error: Exception = error) -> Any:
            raise error

        dispatcher._run = fail  # type: ignore[method-assign]
        await dispatcher.handle(b'{"id": 7, "op": "doctor"}')
        (body,) = framing.frames(lambda n, data=bytes(out), at=[0]: _take(data, at, n))  # type: ignore[misc]
        assert isinstance(body, bytes)
        assert (msgspec.json.decode(body)["id"], msgspec.json.decode(body)["error"]["code"]) == (7, code)


def _take(data: bytes, at: list[int], size: int) -> bytes:
    piece = data[at[0] : at[0] + size]
    at[0] += len(piece)
    return piece


def test_the_repair_command_reports_its_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``gomaa host repair`` for a sound file, a damaged one, and one of which nothing can be read."""
    monkeypatch.setenv("GOMAA_HOME", str(tmp_path))
    path = Paths(tmp_path / "data", tmp_path / "config").make().ledger
    fill(path)
    copy = tmp_path / "copy"
    shutil.copy(path, copy)
    assert "is sound" in CliRunner().invoke(command, ["repair"]).output
    spoil(path, pages_of(path, "usage")[:1])
    done = CliRunner().invoke(command, ["repair"])
    assert done.exit_code == 0, done.output
    assert "usage" in done.output
    assert "with gaps" in done.output
    assert "kept as" in done.output
    path.write_bytes(b"")
    lost = CliRunner().invoke(command, ["repair"])
    assert lost.exit_code == 1
    assert "gomaa host repair --anew" in lost.output
    again = CliRunner().invoke(command, ["repair", "--anew"])
    assert again.exit_code == 0, again.output
    with Ledger(path) as ledger:
        assert ledger.integrity_faults() == []
    assert list(path.parent.glob("*.damaged-*"))


@pytest.mark.parametrize(
    ("table", "anew"), [("payees", True), ("receipts", True), ("scan_posts", True), ("usage", False)]
)
def test_lost_earnings_restart_the_recovery_scan(paths: Paths, table: str, anew: bool) -> None:
    """Without a gap in the earnings the scan keeps its progress."""
    fill(paths.ledger)
    place = ScanKey(b"w" * 20, 31337, b"m" * 20)
    with Ledger(paths.ledger) as ledger, ledger.write():
        ledger.add_posts(place, 9_000, (Post(epoch, SERVER, bytes(32)) for epoch in range(200)))
        for number in range(200):
            payee = Random(number).randbytes(20)
            ledger.add_payees([PayeeRow(place.wallet, payee, 31337, b"m" * 20, STATION, number)])
            ledger.add_leaf(
                ReceiptRow(SERVER, number, payee, 31337, b"m" * 20, 5, "null", "null", b"", "radio.example")
            )
    spoil(paths.ledger, pages_of(paths.ledger, table)[1:2])
    salvage = repair(paths.ledger)
    assert salvage is not None
    assert table in salvage.gaps
    with Ledger(paths.ledger) as ledger:
        assert (ledger.scan_progress(place) is None, ledger.posts(place, 1) == []) == (anew, anew)
