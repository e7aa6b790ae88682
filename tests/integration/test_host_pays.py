"""Vouchers of a listener that pays: only for what was heard, debited and covered by escrow."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from native_host.playback.site_grants import max_cost
from pywallet.crypto import address_of
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError, Refusal, Unavailable
from pywallet.protocol import (
    Session,
    Signed,
    StatementLine,
    Voucher,
    digest,
    sign,
)
from pywallet.settlement import gross
from tests.integration.host_world import CONTENT, DOMAIN, LISTENER, SERVER, World, world
from tests.integration.paying_listener import (
    BPS,
    LISTENER_ADDRESS,
    ORIGIN,
    PRICE,
    SCHEDULE,
    Books,
    Escrow,
    Registry,
    content_state,
    due_now,
    listen,
    owed,
    refusal,
    voucher,
)


@pytest.fixture
async def fan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[World, Books, Escrow]]:
    """A host, its server and the accounts on the chain."""
    books = Books(SERVER, DOMAIN)
    async with books.running(), world(tmp_path, books, monkeypatch) as one:
        escrow = Escrow()
        one.chain.settlement = escrow  # type: ignore[attr-defined]
        one.chain.registry = Registry()  # type: ignore[attr-defined]
        one.chain.content = lambda content: SimpleNamespace(state=content_state)  # type: ignore[attr-defined]
        one.chain.deployment.schedule = SCHEDULE
        one.chain.facts = replace(one.chain.facts, bps=BPS)
        yield one, books, escrow


async def test_heard_intervals_are_vouchered_once(fan: tuple[World, Books, Escrow]) -> None:
    """Price and commission of two intervals.

    The voucher is sent once, and the stop releases the third interval's debit.
    """
    one, books, _ = fan
    session = await listen(one, 65)
    books.state(session, 2)
    due = await due_now(one)
    assert (due["cap_wei"], due["added_wei"]) == (str(gross(2 * PRICE, BPS)),) * 2
    await one.ask("pay", stream="s", voucher=voucher(due))
    assert [signed.message.cap for signed in books.vouchers] == [gross(2 * PRICE, BPS)]
    # The same statement again asks for nothing, and the same voucher is not sent again.
    books.state(session, 2)
    assert await owed(one) is None
    assert await refusal(one.ask("pay", stream="s", voucher=voucher(due))) == "voucher.cap"
    assert len(books.vouchers) == 1
    day = one.chain.now // 86_400_000
    assert one.host.ledger.spent("*", day) == max_cost(3, PRICE, BPS)
    await one.invoke("stop", 65_000)
    assert one.host.ledger.spent("*", day) == max_cost(2, PRICE, BPS)


@pytest.mark.parametrize(
    "lie",
    [
        {"intervals": 3},
        {"intervals": 2, "spent": gross(2 * PRICE, BPS) + 2},
        {"intervals": 2, "number": 2},
        {"intervals": 2, "price": PRICE + 1},
        {"intervals": 2, "reward": 1},
        {"intervals": 2, "content": bytes(20)},
        {"intervals": 2, "key": LISTENER},
    ],
)
async def test_a_statement_beyond_the_heard_time_is_refused(
    fan: tuple[World, Books, Escrow], lie: dict[str, Any]
) -> None:
    """Too many intervals, another sum, ticket, price, content or signer: there is no voucher to sign."""
    one, books, _ = fan
    session = await listen(one, 65)
    books.state(session, **lie)
    assert await refusal(one.ask("owed", stream="s")) == "listener.statement"
    assert await refusal(one.ask("pay", stream="s", voucher=voucher({"cap_wei": "5", "until": 1}))) == "voucher.cap"
    assert books.vouchers == []


async def test_vouchers_are_limited_by_escrow_and_signer(fan: tuple[World, Books, Escrow]) -> None:
    """Requested escrow does not count; a voucher of another key or cap is not sent."""
    one, books, escrow = fan
    session = await listen(one, 65)
    books.state(session, 2)
    escrow.asked = escrow.escrow - gross(2 * PRICE, BPS) + 1
    assert await refusal(one.ask("owed", stream="s")) == "listener.escrow.short"
    escrow.asked = 0
    due = await due_now(one)
    assert await refusal(one.ask("pay", stream="s", voucher=voucher(due, SERVER))) == "voucher.signature"
    for more in (1, -1):
        assert await refusal(one.ask("pay", stream="s", voucher=voucher(due, more=more))) == "voucher.cap"
    assert books.vouchers == []


async def test_what_is_not_settled_yet_waits_with_its_code(fan: tuple[World, Books, Escrow]) -> None:
    """An epoch without room: the statement says so, or the voucher's answer, or its refusal; then nothing waits."""
    one, books, _ = fan
    session = await listen(one, 65)
    books.state_lines([], LISTENER_ADDRESS)
    books.stated["waiting"] = "server.epoch.full"
    assert await one.ask("owed", stream="s") == {"due": None, "waiting": "server.epoch.full"}
    books.state_lines([(line(session, 1), 0)], LISTENER_ADDRESS)
    due = await due_now(one)
    answer, books._voucher = books._voucher, _full  # type: ignore[method-assign]
    assert await one.ask("pay", stream="s", voucher=voucher(due)) == {"waiting": "server.epoch.full"}
    # Stated again, and refused again.
    assert await one.ask("owed", stream="s") == {"due": None, "waiting": "server.epoch.full"}
    books._voucher = lambda request: {**answer(request), "waiting": "listener.escrow.short"}  # type: ignore[method-assign]
    assert await one.ask("owed", stream="s") == {"due": None, "waiting": "listener.escrow.short"}
    books._voucher = answer  # type: ignore[method-assign]
    assert await owed(one) is None
    assert {signed.message.cap for signed in books.vouchers} == {gross(PRICE, BPS)}


def _full(request: dict[str, Any]) -> dict[str, Any]:
    raise Refusal("server.epoch.full")


async def test_an_unsent_voucher_is_sent_first(fan: tuple[World, Books, Escrow]) -> None:
    """The connection is lost after it was recorded: the same bytes are sent later, and no second cap is signed."""
    one, books, _ = fan
    session = await listen(one, 35)
    books.state(session, 1)
    due = await due_now(one)
    original, books._voucher = books._voucher, _away  # type: ignore[method-assign]
    assert await refusal(one.ask("pay", stream="s", voucher=voucher(due))) == "server.unreachable"
    books._voucher = original  # type: ignore[method-assign]
    assert await owed(one) is None
    assert [signed.to_json() for signed in books.vouchers] == [voucher(due)]


def _away(request: dict[str, Any]) -> dict[str, Any]:
    raise Unavailable("server.unreachable")


async def test_the_budget_ends_the_play_at_an_interval(fan: tuple[World, Books, Escrow]) -> None:
    """Debited for two intervals, the third is refused; what was heard stays owed, and the refusal is recorded."""
    one, books, _ = fan
    session = await listen(one, 55, max_cost(2, PRICE, BPS))
    one.chain.now += 5000
    assert await refusal(one.invoke("renew", 60_000)) == "site.budget"
    assert "site.budget" in one.refused()
    await one.invoke("pause", 60_000)
    books.state(session, 2)
    assert (await due_now(one))["cap_wei"] == str(gross(2 * PRICE, BPS))


async def test_a_site_without_grant_or_budget_costs_nothing(fan: tuple[World, Books, Escrow]) -> None:
    """It is refused before a debit."""
    one, _, _ = fan
    with pytest.raises(GomaaError) as caught:
        await listen(one, 5, 0)
    assert caught.value.code == "site.budget"
    await one.ask("site", origin=ORIGIN, day_wei="100000000", state="paused")
    with pytest.raises(GomaaError) as caught:
        await one.invoke("play", 0, 0, 1)
    assert caught.value.code == "site.paused"
    assert one.host.ledger.spent("*", one.chain.now // 86_400_000) == 0


def line(session: Signed[Session], intervals: int, number: int = 1) -> StatementLine:
    """A statement's line of the paid content."""
    told = {"content": CONTENT, "session": digest(session.message, DOMAIN), "price": PRICE, "reward": 0}
    return StatementLine(number=number, intervals=intervals, **told)


async def test_lines_of_another_computer_are_not_vouchered(fan: tuple[World, Books, Escrow]) -> None:
    """The same key listens elsewhere too: the voucher names only lines heard here."""
    one, books, _ = fan
    session = await listen(one, 65)
    other = replace(session.message, device=b"\x0d" * 20)
    elsewhere = line(Signed(other, bytes(65)), 3, 2)
    books.state_lines([(line(session, 2), 0), (elsewhere, 0)], LISTENER_ADDRESS)
    due = await due_now(one)
    assert due["cap_wei"] == str(gross(2 * PRICE, BPS))
    await one.ask("pay", stream="s", voucher=voucher(due))
    assert books.named == [[[1, 2]]]


async def test_a_voucher_of_another_computer_is_taken_over(fan: tuple[World, Books, Escrow]) -> None:
    """More is settled than this ledger has.

    Refused, until the server returns this key's own voucher for it.
    """
    one, books, _ = fan
    session = await listen(one, 65)
    elsewhere = gross(5 * PRICE, BPS)
    books.state_lines([(line(session, 2), 0)], LISTENER_ADDRESS, settled=elsewhere)
    books.show(LISTENER_ADDRESS, elsewhere, [], None)
    assert await refusal(one.ask("owed", stream="s")) == "listener.statement"
    forged = sign(Voucher(address_of(SERVER), LISTENER_ADDRESS, elsewhere, 10**6), DOMAIN, SERVER)
    books.show(LISTENER_ADDRESS, elsewhere, [], forged)
    assert await refusal(one.ask("owed", stream="s")) == "listener.statement"
    books.show(LISTENER_ADDRESS, elsewhere, [], sign(forged.message, DOMAIN, LISTENER))
    due = await due_now(one)
    assert due["cap_wei"] == str(elsewhere + gross(2 * PRICE, BPS))


async def test_an_unsettled_voucher_is_sent_again(
    fan: tuple[World, Books, Escrow],
) -> None:
    """The server states the same lines again, and gets the same voucher; a doubled sum is refused."""
    one, books, _ = fan
    session = await listen(one, 65)
    books.state_lines([(line(session, 2), 0)], LISTENER_ADDRESS)
    await one.ask("pay", stream="s", voucher=voucher(await due_now(one)))
    assert await owed(one) is None
    assert [signed.message.cap for signed in books.vouchers] == [gross(2 * PRICE, BPS)] * 2
    # Settled, and claimed as open all the same.
    books.state_lines([(line(session, 2), 0)], LISTENER_ADDRESS, settled=gross(2 * PRICE, BPS))
    books.show(LISTENER_ADDRESS, gross(2 * PRICE, BPS), [], None)
    assert await refusal(one.ask("owed", stream="s")) == "listener.statement"
    assert len(books.vouchers) == 2


async def test_a_lost_ledger_pays_plays_of_its_own_sessions(fan: tuple[World, Books, Escrow]) -> None:
    """A play from before the loss blocks the listener.

    It is paid at the chain's price, within the server's credit.
    """
    one, books, _ = fan
    session = await listen(one, 35)
    before = sign(replace(session.message, not_before=session.message.not_before - 1), DOMAIN, LISTENER)
    old = line(before, 2, 7)
    books.state_lines([(old, 0)], LISTENER_ADDRESS)
    shown = {"number": 7, "content": to_hex(CONTENT), "intervals": 2, "session": before.to_json()}
    # Signed by another key: nothing of it is believed.
    books.show(
        LISTENER_ADDRESS, 0, [], None, lost=[{**shown, "session": sign(before.message, DOMAIN, SERVER).to_json()}]
    )
    assert await refusal(one.ask("owed", stream="s")) == "listener.statement"
    books.show(LISTENER_ADDRESS, 0, [], None, lost=[{**shown, "intervals": 3}])
    assert await refusal(one.ask("owed", stream="s")) == "listener.statement"
    books.show(LISTENER_ADDRESS, 0, [], None, lost=[shown])
    due = await due_now(one)
    assert due["cap_wei"] == str(gross(2 * PRICE, BPS))
    await one.ask("pay", stream="s", voucher=voucher(due))
    assert books.named == [[[7, 2]]]
    # And no more of it afterwards.
    books.state_lines([(replace(old, intervals=4), 2)], LISTENER_ADDRESS, settled=gross(2 * PRICE, BPS))
    assert await refusal(one.ask("owed", stream="s")) == "listener.statement"
