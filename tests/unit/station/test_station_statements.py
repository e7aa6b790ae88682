"""Statements: signed when true, caught when not, and nothing paid twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pywallet.errors import GomaaError, Refusal
from pywallet.protocol import statement_lines_hash
from pywallet.settlement import gross
from station.db.rows import TicketRow
from station.payments.statements import Outcome

Lie = Callable[[Any, list[Any]], tuple[Any, list[Any]]]


async def _round(world: Any) -> Any:
    server, url = next(iter(world.chain.urls.items()))
    return await world.station.bookkeeper.round(server, url)


async def _heard(world: Any, intervals: int = 3) -> Any:
    """A ticket under which so many intervals were heard, in as much time."""
    ticket = await world.ticket()
    world.chain.now += intervals * 30_000
    world.server.epoch = world.chain.now // 60_000
    world.server.heard(ticket, intervals)
    return ticket


def _net(ticket: Any, intervals: int) -> int:
    return intervals * (ticket.price + ticket.reward)


async def test_true_statement_is_signed(world: Any) -> None:
    """What was heard is vouchered to the wei, until the next epoch."""
    ticket = await _heard(world)
    outcome = await _round(world)
    assert outcome.cap == gross(_net(ticket, 3), 250)
    assert [(voucher.cap, voucher.until) for voucher in world.server.vouchers] == [
        (outcome.cap, world.server.epoch + 1)
    ]
    assert world.station.store.tickets([ticket.number])[ticket.number].vouchered == 3


async def test_nothing_new_signs_nothing(world: Any) -> None:
    """A statement without news makes no voucher."""
    await _round(world)
    await _heard(world)
    await _round(world)
    await _round(world)
    assert len(world.server.vouchers) == 1


async def test_caps_add_up(world: Any) -> None:
    """Three statements over two tickets end at the gross of all that was heard."""
    first = await _heard(world, 2)
    await _round(world)
    second = await _heard(world, 1)
    await _round(world)
    world.chain.now += 90_000
    world.server.epoch = world.chain.now // 60_000
    world.server.heard(first, 4)
    world.server.heard(second, 3)
    outcome = await _round(world)
    assert abs(outcome.cap - gross(_net(first, 7), 250)) <= 2
    assert [row.vouchered for row in world.station.store.tickets([first.number, second.number]).values()] == [4, 3]


async def test_voucher_is_durable_before_it_is_sent(world: Any) -> None:
    """A voucher that was lost on its way is in the books, and the same amount is signed again, once."""
    ticket = await _heard(world)
    world.server.lose_vouchers = True
    with pytest.raises(GomaaError):
        await _round(world)
    kept = world.station.store.voucher(ticket.server)
    assert (kept.cap, kept.sent_ms) == (gross(_net(ticket, 3), 250), None)
    world.server.lose_vouchers = False
    outcome = await _round(world)
    assert outcome.cap == kept.cap == world.server.vouchers[-1].cap
    assert world.station.store.voucher(ticket.server).sent_ms is not None


async def test_unsettled_voucher_is_not_signed_anew(world: Any) -> None:
    """While a server doesn't take a voucher, the same one is sent again and the books don't grow."""
    ticket = await _heard(world)
    world.server.lose_vouchers = True
    for _ in range(3):
        with pytest.raises(GomaaError):
            await _round(world)
    assert len(world.station.store.statements(ticket.server, 10)) == 1


async def test_voucher_of_the_next_epoch(world: Any) -> None:
    """A voucher that came too late is signed again for the next epoch, where the sum may have one wei more."""
    ticket = await _heard(world)
    world.server.lose_vouchers = True
    with pytest.raises(GomaaError):
        await _round(world)
    world.server.lose_vouchers = False
    world.chain.now += 60_000
    world.server.epoch += 1
    world.server.lie = _added(1)
    await _round(world)
    assert [(voucher.cap, voucher.until) for voucher in world.server.vouchers] == [
        (gross(_net(ticket, 3), 250) + 1, world.server.epoch + 1)
    ]


async def test_lost_books_start_from_the_chain(world: Any) -> None:
    """Without a voucher of its own the station takes what the chain debited as signed."""
    ticket = await _heard(world)
    world.chain.spent = world.server.cap = 10**18
    outcome = await _round(world)
    assert outcome.cap == 10**18 + gross(_net(ticket, 3), 250)


def _with(**changes: Any) -> Lie:
    """Say something else in the statement itself."""
    return lambda statement, lines: (replace(statement, **changes), lines)


def _line(**changes: Any) -> Lie:
    """Say something else in the first line, and keep the hash and, for amounts, the sum true to it."""

    def lie(statement: Any, lines: list[Any]) -> tuple[Any, list[Any]]:
        wrong = [replace(lines[0], **changes), *lines[1:]]
        spent = sum(gross(line.intervals * (line.price + line.reward), 250) for line in wrong)
        return replace(statement, lines=statement_lines_hash(wrong), spent=spent), wrong

    return lie


def _added(amount: int) -> Lie:
    return lambda statement, lines: (replace(statement, spent=statement.spent + amount), lines)


def _double(statement: Any, lines: list[Any]) -> tuple[Any, list[Any]]:
    both = [*lines, *lines]
    return replace(statement, lines=statement_lines_hash(both), spent=statement.spent * 2), both


LIES: dict[str, tuple[Lie, str]] = {
    "more intervals than time": (_line(intervals=5), "intervals"),
    "very many intervals": (_line(intervals=4_000_000_000), "intervals"),
    "another ticket": (_line(number=4711), "ticket"),
    "another price": (_line(price=10**18), "price"),
    "another reward": (_line(reward=10**18), "reward"),
    "another content": (_line(content=b"\x11" * 20), "content"),
    "another session": (_line(session=b"\x11" * 32), "session"),
    "another hash": (_with(lines=b"\x11" * 32), "lines"),
    "a wei for nothing": (
        lambda statement, lines: (replace(statement, spent=1, lines=statement_lines_hash([])), []),
        "spent",
    ),
    "no lines": (lambda statement, lines: (statement, []), "lines"),
    "another payer": (_with(payer=b"\x11" * 20), "parties"),
    "another server": (_with(server=b"\x11" * 20), "parties"),
    "a later epoch": (_with(epoch=1_800_000_000), "epoch"),
    "an epoch beyond all time": (_with(epoch=(1 << 256) - 1, spent=(1 << 256) - 1), "epoch"),
    "two wei too many": (_added(2), "spent"),
    "a jump": (_added(10**18), "spent"),
    "less than was heard": (_added(-(10**14)), "spent"),
    "a line twice": (_double, "order"),
}


@pytest.mark.parametrize("name", LIES)
async def test_lie_is_caught(world: Any, name: str) -> None:
    """Each lie is statement.mismatch, is written down with its reason, and nothing is signed."""
    lie, reason = LIES[name]
    ticket = await _heard(world)
    world.server.lie = lie
    with pytest.raises(Refusal) as refused:
        await _round(world)
    assert (refused.value.code, refused.value.detail["reason"]) == ("statement.mismatch", reason)
    assert world.server.vouchers == []
    assert world.station.store.voucher(ticket.server) is None
    row = world.station.store.statements(ticket.server, 5)[0]
    assert row.code == "statement.mismatch"
    assert reason in row.reason


async def test_a_statement_of_another_signer_is_refused(world: Any) -> None:
    """A statement that another key signed is not the server's."""
    await _heard(world)
    world.server.key = b"\x42" * 32
    with pytest.raises(Refusal) as refused:
        await _round(world)
    assert refused.value.detail["reason"] == "signature"
    assert world.server.vouchers == []


async def test_intervals_never_fall(world: Any) -> None:
    """A count below the one already signed for is caught."""
    ticket = await _heard(world)
    await _round(world)
    world.server.covered.clear()
    world.server.heard(ticket, 2)
    world.server.lie = lambda statement, lines: (replace(statement, spent=world.server.cap), lines)
    with pytest.raises(Refusal) as refused:
        await _round(world)
    assert refused.value.detail["reason"] == "intervals fell"


async def test_same_lie_is_written_once(world: Any) -> None:
    """Asking again every few seconds doesn't fill the books."""
    ticket = await _heard(world)
    world.server.lie = _added(10**18)
    for _ in range(3):
        with pytest.raises(Refusal):
            await _round(world)
    assert len(world.station.store.statements(ticket.server, 10)) == 1


async def test_truth_after_a_lie_is_signed(world: Any) -> None:
    """A server that corrects itself is paid what is true."""
    ticket = await _heard(world)
    world.server.lie = _added(10**18)
    with pytest.raises(Refusal):
        await _round(world)
    world.server.lie = None
    assert (await _round(world)).cap == gross(_net(ticket, 3), 250)


async def test_a_check_signs_nothing(world: Any) -> None:
    """A check without signing leaves the database unchanged."""
    ticket = await _heard(world)
    server, url = next(iter(world.chain.urls.items()))
    outcome = await world.station.bookkeeper.round(server, url, send=False)
    assert (outcome.new, world.server.vouchers) == (1, [])
    assert world.station.store.voucher(ticket.server) is None


async def test_rounds_survive_trouble(world: Any) -> None:
    """A round with the chain or the server down raises nothing, and the next one pays."""
    ticket = await _heard(world)
    world.chain.down = True
    await world.station.rounds.run_once()
    world.chain.down = False
    world.server.status = 500
    await world.station.rounds.run_once()
    world.server.status = 200
    await world.station.rounds.run_once()
    assert [voucher.cap for voucher in world.server.vouchers] == [gross(_net(ticket, 3), 250)]


async def test_a_server_that_the_books_do_not_name_is_asked(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found by the simulation.

    Books were lost, no ticket was asked for afterwards, and what had been heard was paid to nobody.
    """
    asked: list[bytes] = []

    async def ask(server: bytes, _url: str) -> Outcome:
        asked.append(server)
        return Outcome(server, 0, 0, 0)

    assert not world.station.store.servers()
    monkeypatch.setattr(world.station.bookkeeper, "round", ask)
    await world.station.rounds.run_once()
    # The station's own first round may have asked as well.
    assert set(asked) == {song.server for song in world.station.catalogue.songs}


async def test_operator_sees_the_mismatch(world: Any) -> None:
    """The account shows escrow, what is held and signed, and the refused statement with its reason."""
    ticket = await _heard(world)
    await _round(world)
    world.server.lie = _added(10**18)
    with pytest.raises(Refusal):
        await _round(world)
    async with world.client.get("/gomaa/account", headers={"Authorization": "Bearer operator"}) as response:
        value = await response.json()
    view = value["servers"][0]
    assert view["escrow_wei"] == str(world.chain.escrow)
    assert view["signed_wei"] == view["unposted_wei"] == str(gross(_net(ticket, 3), 250))
    assert (view["open_tickets"], view["voucher"]["sent"]) == (1, True)
    assert [row["code"] for row in view["statements"]] == ["statement.mismatch", None]
    assert int(view["usable_wei"]) == int(view["escrow_wei"]) - int(view["unposted_wei"]) - int(view["held_wei"])


def test_a_ticket_knows_from_its_worst_case_how_fast_its_song_may_be_heard() -> None:
    """Two hours of intervals in an hour's ticket are a free rate's; one hour's are the clock's.

    A very short ticket is never more.
    """
    ticket = TicketRow(
        b"",
        b"",
        b"",
        issued_ms=1_000_000,
        expiry_s=1_000 + 3_600,
        interval_s=30,
        price=1,
        reward=1,
        bps=0,
        max_intervals=3_600 // 30 + 1,
    )
    assert ticket.fastest == 1
    assert replace(ticket, max_intervals=2 * 3_600 // 30 + 1).fastest == 2
    assert replace(ticket, expiry_s=1_010, max_intervals=2 * 10 // 30 + 1).fastest == 1
