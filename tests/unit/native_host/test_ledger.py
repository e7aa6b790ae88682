"""The ledger: one transaction per invocation, counters equal to their rows, unique sequence numbers."""

from __future__ import annotations

import multiprocessing
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from native_host.ledger import InvocationRow, Ledger, ReceiptRow, SessionRow, TicketRow
from native_host.ledger.tables import VERSION
from pywallet.errors import Unavailable
from pywallet.policy import Count, Meter, Policy, Price
from pywallet.protocol.actions import STARTS

SESSION, TICKET, CONTENT, LISTENER = b"s" * 32, b"t" * 32, b"c" * 20, b"l" * 20
SERVER, STATION, PAYEE = b"v" * 20, b"r" * 20, b"p" * 20
POLICY = Policy(("play", "seek"), Price(30, 1, 1), {"play": Count(5), "seek": Count(3)})


def fill(ledger: Ledger) -> None:
    """One session and one ticket."""
    with ledger.write():
        ledger.add_session(SessionRow(SESSION, 31337, b"m" * 20, STATION, LISTENER, PAYEE, 10_000, "{}"))
        ledger.add_ticket(
            TicketRow(TICKET, SESSION, CONTENT, LISTENER, SERVER, "http://x", "radio.example", 5, 30, 1, 9_000)
        )


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A ledger with one session and one ticket."""
    with Ledger(tmp_path / "ledger.sqlite") as one:
        fill(one)
        yield one


def act(ledger: Ledger, action: str, time_ms: int = 1_000) -> int:
    """Record one action as the host does; its sequence number."""
    with ledger.write():
        sequence = ledger.next_sequence(SESSION)
        ticket = ledger.ticket(TICKET)
        assert ticket is not None
        meter = ticket.meter.advance(action, 0, time_ms)
        entry = InvocationRow(SESSION, sequence, TICKET, CONTENT, LISTENER, action, 0, time_ms, b"x" * 65)
        ledger.add_invocation(entry, meter, "playing" if meter.playing else "paused")
    return sequence


def test_an_interrupted_transaction_leaves_nothing(ledger: Ledger) -> None:
    """An error after the row was written reverts row, counter and sequence."""

    def interrupted() -> None:
        with ledger.write():
            sequence = ledger.next_sequence(SESSION)
            ledger.add_invocation(
                InvocationRow(SESSION, sequence, TICKET, CONTENT, LISTENER, "play", 0, 1, b""), Meter(), "playing"
            )
            raise RuntimeError

    with pytest.raises(RuntimeError):
        interrupted()

    assert ledger.unreported(SESSION, SERVER, 10) == []
    assert ledger.usage(LISTENER, CONTENT, POLICY, 1).plays == 0
    assert act(ledger, "play") == 1


def test_committed_rows_survive_a_restart(tmp_path: Path) -> None:
    """A second ledger on the same file has the counters and the meter."""
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as first:
        fill(first)
        act(first, "play", 1_000)
        act(first, "seek", 4_000)

    with Ledger(path) as second:
        usage, ticket = second.usage(LISTENER, CONTENT, POLICY, 4), second.ticket(TICKET)

    assert (usage.plays, usage.seeks, usage.seconds, usage.first_play_s) == (1, 1, 3, 1)
    assert ticket is not None
    assert (ticket.heard_ms, ticket.state) == (3_000, "playing")


def test_a_refused_invocation_is_uncounted_once(ledger: Ledger) -> None:
    """A refusal by the server lowers the counter once, also if it is repeated."""
    act(ledger, "play")
    sequence = act(ledger, "seek")
    for _ in range(2):
        with ledger.write():
            ledger.acknowledge(SESSION, [sequence], {sequence: "policy.count.exhausted"})

    assert ledger.usage(LISTENER, CONTENT, POLICY, 1).seeks == 0
    assert [entry.sequence for entry in ledger.unreported(SESSION, SERVER, 10)] == [1]


def test_a_refused_use_that_did_not_count_lowers_nothing(ledger: Ledger) -> None:
    """The play that a time limit left uncounted was never added."""
    act(ledger, "play")
    with ledger.write():
        sequence = ledger.next_sequence(SESSION)
        entry = InvocationRow(SESSION, sequence, TICKET, CONTENT, LISTENER, "play", 0, 2_000, b"x" * 65)
        ledger.add_invocation(entry, Meter(), "playing", counts=False)
    with ledger.write():
        ledger.acknowledge(SESSION, [1], {})
        ledger.acknowledge(SESSION, [sequence], {sequence: "session.busy"})

    assert ledger.usage_row(LISTENER, CONTENT).plays == 1


@pytest.mark.parametrize("action", sorted(STARTS))
def test_a_refused_start_ends_its_ticket(ledger: Ledger, action: str) -> None:
    """The play that the server has not is resumed by nothing."""
    sequence = act(ledger, action)
    with ledger.write():
        ledger.acknowledge(SESSION, [sequence], {sequence: "station.escrow.short"})

    ticket = ledger.ticket(TICKET)
    assert ticket is not None
    assert ticket.state == "ended"


def test_usage_is_the_larger_of_both_sides(ledger: Ledger) -> None:
    """The server's plays count, plus those of this computer that the server does not have yet."""
    act(ledger, "play")
    with ledger.write():
        ledger.set_server_usage(LISTENER, CONTENT, {"plays": 3, "seeks": 0, "seconds": 9, "first_play_s": 1})
    before = ledger.usage(LISTENER, CONTENT, POLICY, 1).plays
    with ledger.write():
        ledger.acknowledge(SESSION, [1], {})
    after = ledger.usage(LISTENER, CONTENT, POLICY, 1).plays

    assert (before, after) == (4, 3)


def test_a_server_cannot_lower_the_ledgers_counts(ledger: Ledger) -> None:
    """A report of fewer plays than the ledger has changes nothing."""
    act(ledger, "play")
    act(ledger, "seek")
    with ledger.write():
        ledger.acknowledge(SESSION, [1, 2], {})
        ledger.set_server_usage(LISTENER, CONTENT, {"plays": 0, "seeks": 0, "seconds": 0, "first_play_s": None})

    assert ledger.usage(LISTENER, CONTENT, POLICY, 1).plays == 1


def test_recurring_counts_restart_with_their_window(ledger: Ledger) -> None:
    """With ``per_s`` only uses of the current window count."""
    policy = Policy(("play", "seek"), Price(30, 1, 1), {"seek": Count(2, 60)})
    act(ledger, "seek", 10_000)
    act(ledger, "seek", 20_000)

    assert ledger.usage(LISTENER, CONTENT, policy, 69).used("seek") == 2
    assert ledger.usage(LISTENER, CONTENT, policy, 70).used("seek") == 0


def test_sequences_of_two_hosts_never_collide(tmp_path: Path) -> None:
    """Processes that write at the same time get each number once, without a gap."""
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as first:
        fill(first)

    with multiprocessing.get_context("spawn").Pool(4) as pool:
        numbers = [n for part in pool.map(_work, [path] * 4) for n in part]
    with Ledger(path) as again:
        usage = again.usage(LISTENER, CONTENT, POLICY, 1)

    assert sorted(numbers) == list(range(1, 41))
    assert usage.seeks == 40


def _work(path: Path) -> list[int]:
    with Ledger(path) as ledger:
        return [act(ledger, "seek") for _ in range(10)]


def test_the_sequence_never_falls_below_the_servers(ledger: Ledger) -> None:
    """A restored ledger continues after the server's last number."""
    with ledger.write():
        ledger.raise_sequence(SESSION, 41)

    assert act(ledger, "play") == 42


def test_a_lower_receipt_never_replaces_a_higher_one(ledger: Ledger) -> None:
    """A claim stays recorded when a higher receipt arrives."""
    row = ReceiptRow(SERVER, 7, PAYEE, 31337, b"m" * 20, 100, "{}", "{}", CONTENT, "radio.example")
    with ledger.write():
        kept = [ledger.add_receipt(row), ledger.add_receipt(ReceiptRow(**{**vars(row), "amount_wei": 99}))]
        ledger.set_claimed(row, "0xabc")
        kept.append(ledger.add_receipt(ReceiptRow(**{**vars(row), "amount_wei": 101})))
    held = ledger.receipt(SERVER, 7, PAYEE)

    assert kept == [True, False, True]
    assert held is not None
    assert (held.amount_wei, held.claim_transaction) == (101, "0xabc")


def test_a_refusal_has_no_amount(ledger: Ledger) -> None:
    """The table's check refuses an amount in a refusal."""
    with ledger.write():
        ledger.add_refusal(5, CONTENT, "radio.example", "play", "policy.expired")

    assert ledger.refusals(10)[0]["code"] == "policy.expired"
    with pytest.raises(Unavailable), ledger.write():
        ledger._change("UPDATE refusals SET amount_wei = '1'")


def test_unusable_ledgers_have_their_codes(tmp_path: Path) -> None:
    """A directory is ``host.ledger.damaged``; a newer file is ``host.ledger.version`` and is not changed."""
    newer = tmp_path / "newer.sqlite"
    with sqlite3.connect(newer) as db:
        db.execute("PRAGMA user_version=99")
    for path, code in ((tmp_path, "host.ledger.damaged"), (newer, "host.ledger.version")):
        with pytest.raises(Unavailable) as caught:
            Ledger(path)
        assert caught.value.code == code
    assert caught.value.detail == {"found": 99, "expected": VERSION}
    with sqlite3.connect(newer) as db:
        assert db.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
        assert db.execute("PRAGMA user_version").fetchone() == (99,)


def test_durability_settings(ledger: Ledger) -> None:
    """WAL mode with full synchronisation."""
    assert ledger._rows("PRAGMA synchronous") == [(2,)]
    assert ledger._rows("PRAGMA journal_mode") == [("wal",)]
