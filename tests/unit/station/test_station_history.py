"""A year of tickets costs a station nothing per request: no statement reads its tickets from end to end."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from pywallet.rules.statement_check import AcceptedLine, Verdict
from pywallet.settlement import Schedule
from station.db.ledger import Store
from station.db.listener_tickets import ListenerTickets
from station.db.retention import (
    BATCH,
    DAY_MS,
    KEPT_VOUCHERS,
    Retention,
)
from station.db.rows import TicketRow

SCHEDULE = Schedule(60, 5, 15, 15, 3_600, 75)
GROWING = {
    *("tickets", "rewarded_tickets", "listener_tickets", "statements", "vouchers"),
    *("settled_tickets", "acknowledgements"),
}


def test_every_statement_uses_an_index(tmp_path: Path) -> None:
    """SQLite's plan of each statement searches."""
    store = Store(f"sqlite:///{tmp_path}/db")
    listener_tickets = ListenerTickets(store.engine)
    asked: dict[str, Any] = {}

    def note(_: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        asked.setdefault(statement, parameters[0] if many else parameters)

    event.listen(store.engine, "before_cursor_execute", note)
    servers = [bytes([n]) * 20 for n in (3, 1, 2)]
    for server in servers:
        ticket = TicketRow(server, b"c" * 20, server + bytes(12), 10**12, 10**9 + 600, 30, 700, 5, 250, 4)
        number = store.issue(ticket, 10**30, 0, 100)
        with store.engine.begin() as db:
            listener_tickets.record(db, number, b"\x09" * 20, b"\x08" * 20, 1_000, 2_000, 18)
    assert store.servers() == set(servers)
    store.plays(0, 10)
    store.outstanding(servers[0], 1_000)
    listener_tickets.rewards_today(b"\x09" * 20, 1_000_000)
    listener_tickets.was_paid(b"\x09" * 20, b"\x08" * 20)
    listener_tickets.finished_plays(1_000)
    listener_tickets.mark_awarded([1])
    history = Retention(store, 1, SCHEDULE)
    for server in servers:
        agree(store, server, 1_000)
    asyncio.run(history.step(servers[0], 10**15))
    with store.engine.begin() as db:
        listener_tickets.count_unplayed(db, b"\x09" * 20, 1_000)
        listener_tickets.exceeds_real_time(b"\x09" * 20, 1_000_000, db)
        raw = db.connection.driver_connection
        assert raw is not None
        plans = {
            one: [step[3] for step in raw.execute(f"EXPLAIN QUERY PLAN {one}", given)]
            for one, given in asked.items()
            if one.split(None, 1)[0].upper() in ("SELECT", "UPDATE", "DELETE")
        }
    assert len(plans) >= 8
    for one, steps in plans.items():
        # The newest tickets are walked backwards until there are enough.
        scanned = [
            step
            for step in steps
            if step.startswith("SCAN ") and step.split()[1] in GROWING and "number DESC" not in one
        ]
        assert scanned == [], one
    store.close()


def agree(store: Store, server: bytes, time_ms: int, number: int | None = None, intervals: int = 3) -> None:
    """A statement and its voucher, for a ticket or for nothing; acknowledged at once."""
    lines = () if number is None else (AcceptedLine(number, intervals, 0, intervals, 0, 705, 0),)
    voucher = store.agree(server, time_ms, 1, 1, 2, Verdict(lines, (), 1, 1, 0), 500, "{}", "{}")
    store.sent(voucher, time_ms)
    if number is not None:
        store.acknowledge(server, time_ms, "{}", {number: intervals}, 3_600_000)


SERVER, LISTENER, BAND = b"s" * 20, b"l" * 20, b"b" * 20
NOW_MS = 1_700_000_000_000
OLD_MS = NOW_MS - 100 * DAY_MS


@pytest.fixture
def books(tmp_path: Path) -> tuple[Store, ListenerTickets, Retention]:
    """A station's books that keep ninety days."""
    store = Store(f"sqlite:///{tmp_path}/db")
    return store, ListenerTickets(store.engine), Retention(store, 90, SCHEDULE)


def issue(store: Store, issued_ms: int, listener_tickets: ListenerTickets | None = None) -> int:
    """A ticket of ten minutes; with ``listener_tickets`` one of the reward programme."""
    row = TicketRow(SERVER, b"c" * 20, b"n" * 32, issued_ms, issued_ms // 1000 + 600, 30, 700, 5, 500, 20)
    number = store.issue(row, 10**30, 0, 10**6)
    if listener_tickets is not None:
        with store.engine.begin() as db:
            listener_tickets.record(db, number, LISTENER, BAND, issued_ms // 1000, issued_ms // 1000 + 600, 18)
    return number


def test_only_what_is_settled_and_old_is_deleted(books: tuple[Store, ListenerTickets, Retention]) -> None:
    """Old: settled, unplayed; kept: signed for and not acknowledged, acknowledged only yesterday, set aside, young."""
    store, _, history = books
    settled, unplayed, unsettled, late, aside = (issue(store, OLD_MS + n) for n in range(5))
    young = issue(store, NOW_MS - DAY_MS)
    agree(store, SERVER, OLD_MS, settled)
    for number in (unsettled, young):
        agree(store, SERVER, OLD_MS)
        with store.engine.begin() as db:
            db.exec_driver_sql(f"UPDATE tickets SET vouchered_intervals = 2 WHERE number = {number}")
    agree(store, SERVER, NOW_MS - DAY_MS, late)
    with store.engine.begin() as db:
        db.exec_driver_sql("INSERT INTO quarantine VALUES (?, ?, 1, 'statement.line', '{}')", (SERVER, aside))
    assert asyncio.run(history.step(SERVER, NOW_MS)) >= 2
    assert set(store.tickets([settled, unplayed, unsettled, late, aside, young])) == {unsettled, late, aside, young}
    assert store.pruned_s(SERVER) == (OLD_MS + 1) // 1000 + 600
    # No number is given out twice.
    assert issue(store, NOW_MS) > young
    store.close()


def test_a_listener_stays_known_to_a_band(books: tuple[Store, ListenerTickets, Retention]) -> None:
    """Of three old plays that were paid the last one stays, and each until the book of points has it."""
    store, listener_tickets, history = books
    numbers = [issue(store, OLD_MS + n, listener_tickets) for n in range(3)]
    for number in numbers:
        agree(store, SERVER, OLD_MS, number)
    asyncio.run(history.step(SERVER, NOW_MS))
    assert set(store.tickets(numbers)) == set(numbers)
    listener_tickets.mark_awarded(numbers)
    asyncio.run(Retention(store, 90, SCHEDULE).step(SERVER, NOW_MS))
    assert set(store.tickets(numbers)) == {numbers[-1]}
    assert listener_tickets.was_paid(LISTENER, BAND)
    store.close()


def test_statements_and_vouchers_end_in_the_latest(books: tuple[Store, ListenerTickets, Retention]) -> None:
    """A year of rounds: the latest vouchers with their statements, and what is agreed, stay."""
    store, _, history = books
    for n in range(3 * KEPT_VOUCHERS):
        agree(store, SERVER, OLD_MS + n)
        store.refuse(SERVER, OLD_MS + n, 1, n, 1, "statement.mismatch", {"n": n}, "{}")
    agreed = store.agreed(SERVER)
    while asyncio.run(history.step(SERVER, NOW_MS)):
        pass
    with store.engine.connect() as db:
        left = [db.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() for table in ("vouchers", "statements")]
    assert left == [KEPT_VOUCHERS, 2 * KEPT_VOUCHERS]
    assert (store.agreed(SERVER), len(store.statements(SERVER, 5))) == (agreed, 5)
    store.close()


@pytest.mark.long
def test_deleting_goes_in_batches_and_nothing_is_deleted_where_all_is_kept(
    books: tuple[Store, ListenerTickets, Retention],
) -> None:
    """More than a batch takes two steps; ``keep_days`` 0 keeps everything."""
    store, _, history = books
    for n in range(BATCH + 1):
        issue(store, OLD_MS + n)
    assert asyncio.run(Retention(store, 0, SCHEDULE).step(SERVER, NOW_MS)) == 0
    assert [asyncio.run(history.step(SERVER, NOW_MS)) for _ in range(3)] == [BATCH, 1, 0]
    store.close()
