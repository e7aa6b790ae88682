"""Each way in which books fell out of step for good, and how they come together again (docs/protocol.md,
Resynchronisation).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from pywallet.errors import Refusal
from pywallet.settlement import gross
from security_server.db.tables import (
    debits,
    epoch_owners,
    epochs,
    tickets,
)
from tests.unit.security_server.books_chain import SCHEDULE, SERVER
from tests.unit.security_server.books_world import CONTENTS, BooksWorld, row_of


@pytest.fixture
def world(tmp_path: Path) -> Iterator[BooksWorld]:
    """A station and a server that agree, with nothing heard yet."""
    made = BooksWorld(tmp_path)
    yield made
    made.close()


def play(world: BooksWorld, intervals: int = 3, price: int = 700, reward: int = 300) -> int:
    """A ticket under which so much was heard; its number."""
    number = world.issue(CONTENTS[0], price, reward)
    world.hear(number, intervals)
    return number


def rows(world: BooksWorld, table: Any) -> list[dict[str, Any]]:
    """All rows of a server's table."""
    return world.run(
        world.store.run(lambda connection: [dict(row) for row in connection.execute(select(table)).mappings()])
    )


def next_epoch(world: BooksWorld) -> int:
    """The running epoch ends and is posted; the new one."""
    world.chain.now_s = SCHEDULE.ends(world.epoch)
    world.post()
    return world.epoch


def test_a_refused_voucher_settles_later(world: BooksWorld) -> None:
    """The station signs, its escrow is short at that moment.

    When it is there again the same lines settle once, and the next ones too.
    """
    first = play(world)
    world.door.during = lambda: setattr(world.chain, "requested", world.chain.escrow)
    assert world.settle() is None
    assert world.due() == {first: 3}
    world.chain.requested = 0
    world.chain.now_s += 6
    play(world, 2)
    assert world.settle() is not None
    assert world.due() == {}
    assert [row["net"] for row in rows(world, debits)] == [5_000]
    assert world.caps[-1] == gross(5_000, 500)


def test_a_commission_that_rises_while_a_voucher_is_under_way(world: BooksWorld) -> None:
    """Signed at 5 %, arrived at 30 %.

    What the cap covers settles at the new rate, the rest is signed for anew, and both epochs post.
    """
    play(world, 10)
    world.chain.rates[world.epoch + 1] = 3_000
    world.line.fault = "delayed"
    assert world.settle() is None
    world.line.fault = "none"
    epoch = next_epoch(world)
    world.deliver_late()
    # 10,500 wei at 30 % are eight intervals of 1,000.
    assert [(row["epoch"], row["net"], row["bps"]) for row in rows(world, debits)] == [(epoch, 8_000, 3_000)]
    for _ in range(2):
        assert world.settle() is not None
    assert world.due() == {}
    assert [(row["epoch"], row["net"]) for row in rows(world, debits)] == [(epoch, 10_000)]
    next_epoch(world)
    assert world.chain.spent == 13_000


def test_a_voucher_that_is_processed_over_the_boundary_settles_by_the_new_epochs_facts(world: BooksWorld) -> None:
    """The epoch ends while account, rate and owners are read.

    They are read again, and what is written is the new epoch's.
    """
    play(world)
    world.chain.rates[world.epoch + 1] = 1_000
    buyer = b"\xbb" * 20
    world.chain.sales[CONTENTS[0], world.epoch + 1] = buyer
    epoch = world.epoch
    world.line.fault = "delayed"
    world.settle()
    world.line.fault = "none"

    world.door.during = lambda: setattr(world.chain, "now_s", SCHEDULE.ends(world.epoch))
    world.deliver_late()
    assert world.epoch == epoch + 1
    for _ in range(2):
        world.settle()
    for row in rows(world, debits):
        assert row["bps"] == world.chain.rate_at(row["epoch"])
    for owner in rows(world, epoch_owners):
        assert owner["owner"] == world.chain.owner(owner["content"], owner["epoch"])
    assert world.due() == {}


def test_an_epoch_that_closes_between_facts_and_transaction(world: BooksWorld) -> None:
    """The server's own closing is faster than the clock that the voucher saw: nothing enters the closed epoch."""
    play(world)
    closed = world.epoch
    world.chain.rates[closed + 1] = 1_000
    values = row_of(epochs, epoch=closed, settlement_state="closed")
    tasks = []

    def close() -> None:
        world.chain.now_s = SCHEDULE.ends(closed)
        work = world.store.run(lambda connection: connection.execute(epochs.insert().values(**values)) and None)
        tasks.append(world.loop.create_task(work))

    world.line.fault = "delayed"
    world.settle()
    world.line.fault = "none"
    world.door.during = close
    world.deliver_late()
    assert [(row["epoch"], row["bps"]) for row in rows(world, debits)] == [(closed + 1, 1_000)]


def test_a_station_that_lost_its_books_goes_on_and_pays_nothing_twice(world: BooksWorld) -> None:
    """Settled and unsettled plays, then no book at all.

    Tickets come back signed, the rest is paid once, no number is used again.
    """
    first = play(world)
    assert world.settle() is not None
    second = play(world, 2)
    world.hear(first, 1)
    world.lose("station")
    assert world.settle() is not None
    assert world.due() == {}
    assert world.caps[-1] == gross(6_000, 500)
    third = play(world, 1)
    assert third > second
    assert world.settle() is not None
    next_epoch(world)
    assert world.chain.spent == gross(7_000, 500)
    assert world.chain.paid == {first: 4, second: 2, third: 1}


def test_a_station_restored_from_a_backup_goes_on(world: BooksWorld) -> None:
    """An older copy of the book: caps and tickets since then are learnt from its own signatures."""
    first = play(world)
    world.settle()
    world.save("station")
    second = play(world, 4)
    world.settle()
    world.lose("station")
    third = play(world, 2)
    assert third > second
    world.settle()
    world.settle()
    assert world.due() == {}
    assert world.caps[-1] == gross(9_000, 500)
    assert first in world.heard


def test_a_server_without_its_database_states_nothing_that_was_paid(world: BooksWorld) -> None:
    """A posted epoch is gone from the server's books; hosts show their tickets again.

    The acknowledgement says what was settled.
    """
    number = play(world)
    world.settle()
    next_epoch(world)
    assert world.chain.spent == gross(3_000, 500)
    world.lose("server")
    world.open_ticket(number)
    world.hear(number, 2)
    assert world.due() == {number: 5}
    for _ in range(3):
        world.settle()
    assert world.due() == {}
    next_epoch(world)
    assert world.chain.spent == gross(5_000, 500)
    assert world.chain.paid == {number: 5}


def test_an_unposted_epoch_that_the_server_lost_is_settled_again(world: BooksWorld) -> None:
    """Acknowledged but never posted, then lost: the station owes it still, and signs no more than before."""
    number = play(world)
    world.settle()
    cap = world.caps[-1]
    world.lose("server")
    world.open_ticket(number)
    for _ in range(3):
        world.settle()
    assert world.due() == {}
    assert world.caps[-1] == cap
    next_epoch(world)
    assert world.chain.spent == cap


def test_a_wrong_line_is_set_aside_and_the_others_are_paid(world: BooksWorld) -> None:
    """A server that counts one play too high.

    That line waits with its code, the rest settles, and the truth settles later.
    """
    good, bad = play(world), play(world)

    def count(intervals: int) -> None:
        change = (
            update(tickets)
            .where(tickets.c.number == bad)
            .values(heard_intervals=intervals, unvouchered_intervals=intervals)
        )
        world.run(world.store.run(lambda connection: connection.execute(change) and None))

    count(4_000)
    for _ in range(3):
        outcome = world.settle()
        assert outcome is None or outcome.aside == 1
    assert world.due() == {bad: 4_000}
    assert [(row.number, row.code) for row in world.station.quarantine(SERVER)] == [(bad, "statement.line")]
    assert world.chain.paid == {}
    play(world, 1)
    assert world.settle() is not None
    assert world.due() == {bad: 4_000}
    count(3)
    assert world.settle() is not None
    assert (world.due(), world.station.quarantine(SERVER)) == ({}, [])
    next_epoch(world)
    assert world.chain.spent == gross(7_000, 500)
    assert good in world.chain.paid


def test_disputed_lines_never_crowd_out_the_others(world: BooksWorld) -> None:
    """With escrow for a few intervals only, the lines that the station does not agree to are stated last."""
    bad, good = play(world, 3), play(world, 2)
    change = update(tickets).where(tickets.c.number == bad).values(heard_intervals=4_000, unvouchered_intervals=4_000)
    world.run(world.store.run(lambda connection: connection.execute(change) and None))
    world.chain.escrow = gross(50_000, 500)
    world.door.forget_money()
    for _ in range(3):
        world.settle()
    assert world.due() == {bad: 4_000}
    assert good not in world.due()


def test_a_server_that_states_a_settled_line_again_gets_no_signature(world: BooksWorld) -> None:
    """What was settled is claimed as open, with its sum: the station's own sum of what it agreed to says no."""
    number = play(world)
    world.settle()
    change = update(tickets).where(tickets.c.number == number).values(vouchered_intervals=0, unvouchered_intervals=3)
    world.run(world.store.run(lambda connection: connection.execute(change) and None))
    signed = len(world.caps)
    for _ in range(3):
        world.settle()
    assert set(world.caps[signed:]) == {gross(3_000, 500)}
    assert [row["net"] for row in rows(world, debits)] == [3_000]


def test_a_statement_for_nothing_is_refused(world: BooksWorld) -> None:
    """A server whose settled sum is above all that was ever agreed to gets nothing."""
    play(world)
    world.settle()
    change = update(debits).values(net=4_000)
    world.run(world.store.run(lambda connection: connection.execute(change) and None))
    play(world, 1)
    before = world.caps[-1]
    with pytest.raises(Refusal) as refused:
        world.run(world.keeper.round(SERVER, "http://server"))
    assert (refused.value.code, refused.value.detail["reason"]) == ("statement.mismatch", "spent")
    voucher = world.station.voucher(SERVER)
    assert voucher is not None
    assert voucher.cap == before


def test_a_ticket_with_lost_settlements_is_settled_further(world: BooksWorld) -> None:
    """Settled since the backup while nothing was owed at the resynchronisation.

    Found by the machine with 2,000 examples.
    """
    number = play(world)
    world.save("station")
    world.settle()
    world.lose("station")
    world.settle()
    world.hear(number, 1)
    assert world.settle() is not None
    assert (world.due(), world.station.quarantine(SERVER)) == ({}, [])
    assert world.caps[-1] == gross(4_000, 500)


def test_amounts_below_the_minimum_wait_with_a_code(tmp_path: Path) -> None:
    """Below the server's minimum: no line, a code; with the next play it is enough, and all of it settles."""
    world = BooksWorld(tmp_path, least_wei=2_000)
    try:
        play(world, 1)
        outcome = world.settle()
        assert outcome is not None
        assert (outcome.waiting, outcome.new, rows(world, debits)) == ("statement.minimum", 0, [])
        play(world, 1)
        outcome = world.settle()
        assert outcome is not None
        assert (outcome.waiting, outcome.new) == (None, 2)
        assert [row["net"] for row in rows(world, debits)] == [2_000]
    finally:
        world.close()


def test_what_was_deleted_as_settled_is_not_paid_again(world: BooksWorld) -> None:
    """The server gets a backup back in which an old play is unpaid.

    The station has deleted it and signs for nothing.
    """
    old = play(world)
    world.save("server")
    assert world.settle() is not None
    world.post()
    world.age()
    assert (world.station.tickets([old]), world.station.pruned_s(SERVER) > 0) == ({}, True)
    before = list(world.caps)
    world.lose("server")
    for _ in range(3):
        world.settle()
    assert [row.number for row in world.station.quarantine(SERVER)] == [old]
    assert world.caps[-1] == before[-1]
    # A new play is paid as ever.
    fresh = play(world)
    for _ in range(3):
        world.settle()
    assert set(world.due()) == {old}
    assert world.station.tickets([fresh])[fresh].vouchered > 0


def test_an_unpaid_play_is_never_deleted(world: BooksWorld) -> None:
    """Stated for a season without escrow for it: it stays, and is paid when there is some."""
    number = play(world)
    world.chain.requested = world.chain.escrow
    world.age()
    assert number in world.station.tickets([number])
    world.chain.requested = 0
    world.age()
    world.age()
    assert (world.due(), world.station.tickets([number])) == ({}, {})
