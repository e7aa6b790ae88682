"""What is over is deleted in small pieces, and what may still be asked for is not."""

from __future__ import annotations

import pytest
from sqlalchemy import func, insert, select, update

from security_server import retention
from security_server.content.contents import depends_on_old_plays
from security_server.db.connection import Connection
from security_server.db.cursors import ENDED, read_cursor
from security_server.db.queries import new, put
from security_server.db.tables import (
    METADATA,
    debits,
    epoch_contents,
    epoch_refused,
    epoch_terms,
    epochs,
    invocations,
    payers,
    receipts,
    sessions,
    tickets,
    tracked,
)
from security_server.epochs.epoch_store import ended
from security_server.epochs.settlement_state import State
from security_server.retention import (
    Ages,
    first_unsettled,
    prune,
)
from tests.unit.security_server.server_desk import CONTENT, LISTENER, START_MS, STATION, Desk, terms

DAY_S = 86_400
NOW_S = START_MS // 1000


def close(connection: Connection, epoch: int, state: str) -> None:
    """An epoch's row, as closing writes it."""
    plain = dict.fromkeys(("root", "entries_digest", "counts_root", "data_hash", "commitment", "data"), bytes(32))
    new(
        connection,
        epochs,
        epoch=epoch,
        settlement_state=state,
        bps=500,
        total=0,
        leaf_count=0,
        transaction=None,
        **plain,
    )


def count(connection: Connection) -> dict[str, int]:
    """Rows of each table that has any."""
    found = {
        table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
        for table in METADATA.sorted_tables
    }
    return {name: rows for name, rows in found.items() if rows and name != "cursors"}


def play(desk: Desk, number: int, session: bytes | None = None, content: bytes = CONTENT, due: int = 0) -> bytes:
    """A ticket with its play; the ticket."""
    session = desk.session(number=number) if session is None else session
    ticket = desk.ticket(session, number, content=content)
    for sequence in (1, 2):
        values = {"action": "play", "position_ms": 0, "signed_ms": 0, "received_ms": 0, "signature": bytes(65)}
        new(
            desk.connection,
            invocations,
            session=session,
            sequence=sequence,
            id=ticket,
            ticket=ticket,
            epoch=7,
            **values,
        )
    desk.connection.execute(insert(tracked).values(ticket=ticket))
    desk.connection.execute(update(tickets).where(tickets.c.id == ticket).values(unvouchered_intervals=due))
    return ticket


def test_the_cursor_of_ended_epochs_stays_before_one_that_cannot_be_closed(desk: Desk) -> None:
    """Epochs before the cursor are not read again; one that is left open stays after it."""
    for epoch in (3, 4, 5, 9):
        new(desk.connection, epoch_contents, epoch=epoch, content=CONTENT, plays=1)
    assert ended(desk.connection, 9) == [3, 4, 5]
    assert read_cursor(desk.connection, ENDED) is None
    close(desk.connection, 3, "closed")
    close(desk.connection, 5, "closed")
    assert ended(desk.connection, 9) == [4]
    assert read_cursor(desk.connection, ENDED) == 4
    close(desk.connection, 4, "closed")
    assert ended(desk.connection, 9) == []
    assert read_cursor(desk.connection, ENDED) == 6
    assert ended(desk.connection, 10) == [9]
    assert read_cursor(desk.connection, ENDED) == 6


@pytest.mark.parametrize("state", [state for state in State if state not in (State.FINAL, State.MISSED)])
def test_settled_epochs_end_at_one_that_is_not_over(desk: Desk, state: State) -> None:
    """In any state but the last two; and it goes back where the chain takes an epoch's end back."""
    for epoch in range(3, 8):
        close(desk.connection, epoch, "final" if epoch % 2 else "missed")
    ended(desk.connection, 9)
    assert first_unsettled(desk.connection) == 8
    desk.connection.execute(update(epochs).where(epochs.c.epoch == 5).values(settlement_state=str(state)))
    assert first_unsettled(desk.connection) == 5


def test_a_debit_is_deleted_once_it_is_in_its_payers_base(desk: Desk) -> None:
    """Until then it is the only record of what was settled."""
    for epoch in (3, 4):
        values = {"net": 100, "bps": 500, "cap": 1, "until": 9, "signature": bytes(65)}
        new(desk.connection, debits, epoch=epoch, payer=STATION, **values)
    run(desk)
    assert count(desk.connection) == {"debits": 2}
    put(desk.connection, payers, {"payer": STATION}, base_gross=105, base_epoch=3, **payer_columns())
    run(desk)
    assert count(desk.connection) == {"debits": 1, "payers": 1}


def payer_columns() -> dict[str, object]:
    """Values for whatever else a payer's row must have."""
    named = {"payer", "base_gross", "base_epoch"}
    return {
        one.name: 0
        for one in payers.columns
        if one.name not in named and not one.nullable and one.server_default is None
    }


OLD = Ages(epoch=8, time_s=NOW_S + 30 * DAY_S, receipts_epoch=8, whole=True)


def run(desk: Desk, ages: Ages = OLD, kept: tuple[bytes, ...] = ()) -> int:
    """Prune until nothing is left to do; how many steps that deleted something."""
    steps = 0
    while deleted := prune(desk.connection, kept, ages):
        assert deleted <= retention.BATCH
        steps += 1
    return steps


def test_rows_of_a_final_epoch_are_deleted(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plays, tickets, sessions, lines: in pieces of the batch's size, until nothing is left."""
    monkeypatch.setattr(retention, "BATCH", 2)
    for number in range(1, 6):
        play(desk, number)
    assert run(desk) == 5 + 3 + 3
    assert count(desk.connection) == {}


def test_bounds_of_a_final_epoch_are_deleted(desk: Desk) -> None:
    """Terms and kept refusals of each station and epoch would stay for ever."""
    for epoch in (6, 7):
        terms_row = {"station_address": STATION, "price": 1, "reward": 1, "interval_s": 2}
        new(desk.connection, epoch_terms, epoch=epoch, **terms_row)
        new(desk.connection, epoch_refused, epoch=epoch, station_address=STATION, kept_refusals=1)
    assert run(desk, Ages(7, NOW_S, 7, True)) == 2
    assert count(desk.connection) == {"epoch_terms": 1, "epoch_refused": 1}


def test_rows_of_open_or_recent_epochs_stay(desk: Desk) -> None:
    """An epoch that is open keeps its plays, and they keep their tickets and sessions."""
    play(desk, 1)
    before = count(desk.connection)
    assert run(desk, Ages(7, NOW_S + 30 * DAY_S, 7, False)) == 0
    assert run(desk, Ages(8, NOW_S, 8, True)) == 1
    assert count(desk.connection) == {name: rows for name, rows in before.items() if name != "invocations"}


def test_unpaid_tickets_and_those_of_counts_over_all_time_stay(desk: Desk) -> None:
    """A ticket that is not paid stays, and one whose terms count devices or plays of a length."""
    play(desk, 1, due=3)
    play(desk, 2, content=b"\x77" * 20)
    play(desk, 3)
    run(desk, kept=(b"\x77" * 20,))
    left = desk.connection.execute(select(tickets.c.number).order_by(tickets.c.number)).scalars().all()
    assert left == [1, 2]
    assert desk.connection.execute(select(func.count()).select_from(sessions)).scalar() == 2
    assert depends_on_old_plays(terms(devices=2))
    assert depends_on_old_plays(terms(counts={"play": {"limit": 3, "unit": "timed", "after_s": 30}}))
    assert not depends_on_old_plays(terms())


def test_a_receipt_stays_until_it_was_claimed_or_is_very_old(desk: Desk) -> None:
    """Claimed here: with the epoch's rows. Otherwise for as long as the operator says."""
    plain = dict.fromkeys(("session", "invocation", "detail_hash"), bytes(32)) | dict.fromkeys(
        ("plays", "seeks", "seconds", "sequence"), 0
    )
    for epoch in (3, 4, 5):
        for payee in (LISTENER, STATION):
            values = {"source": bytes(32), "amount": 1, "content": CONTENT, "signature": bytes(65), **plain}
            new(desk.connection, receipts, epoch=epoch, payee=payee, **values)
    claims = METADATA.tables["claims"]
    known = {"recipient": LISTENER, "transaction": bytes(32), "sent_ms": 0}
    values = {
        **known,
        **{column.name: 0 for column in claims.columns if not column.nullable and column.name not in known},
    }
    new(desk.connection, claims, **{**values, "epoch": 4, "payee": LISTENER})
    run(desk, Ages(5, NOW_S, 4, True))
    left = desk.connection.execute(
        select(receipts.c.epoch, receipts.c.payee).order_by(receipts.c.epoch, receipts.c.payee)
    ).all()
    assert left == [(4, STATION), (5, STATION), (5, LISTENER)]
