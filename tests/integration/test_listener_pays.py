"""A listener pays with a real chain and a real server: escrow, intervals, vouchers, settlement, audit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from audit.reports import fan, society, station
from audit.run import audit
from pywallet.crypto import address_of
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError
from pywallet.protocol import (
    Session,
    Signed,
    Ticket,
    Voucher,
    digest,
    sign,
)
from pywallet.settlement import EpochData, gross
from tests.integration.server_client import HostClient
from tests.integration.server_songs import Upload, terms
from tests.integration.server_world import BPS, SCHEDULE, World, make_world, private_key

PRICE = 2_000_003
TERMS: dict[str, Any] = {
    "permissions": ["play", "preview", "seek"],
    "preview_s": 6,
    "price": {"interval_s": 10, "owner": PRICE, "reward": 0, "payer": "listener"},
    "counts": {},
}
FAN = private_key("listener")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A deployed chain without a server."""
    async with make_world(tmp_path) as made:
        yield made


async def fill(world: World, amount: int) -> None:
    """Deposit listening money for the fan's key, from any account."""
    await world.settlement.deposit(world.platform_key, world.keys.address, address_of(FAN), amount)


async def begin(world: World, host: HostClient, song: Upload) -> tuple[Signed[Session], Signed[Ticket]]:
    """Open a session and a ticket for which the station pays nothing."""
    now_ms = await world.now_ms()
    session = world.session(address_of(host.device_key), now_ms // 1000)
    ticket = world.ticket(song, session, now_ms // 1000, price=0, reward=0)
    await host.open(session, ticket)
    return session, ticket


async def hear(world: World, host: HostClient, ticket: Signed[Ticket], start_s: int, end_s: int) -> None:
    """Play from one second to another."""
    for second in range(start_s + 5, end_s + 1, 5):
        now_ms = await world.travel(5)
        assert (await host.report(host.invocation(ticket, "renew", second * 1000, now_ms)))["refused"] == []


async def owed(host: HostClient, session: Signed[Session]) -> dict[str, Any]:
    """Request the statement of the session's listener."""
    return await host.ask("statement", session=to_hex(digest(session.message, host.domain)))


async def vouch(
    world: World, host: HostClient, answer: dict[str, Any], key: bytes = FAN, more: int = 0, payer: bytes = b""
) -> int:
    """Sign a statement's amount, or another one; return the number of released receipts."""
    said = answer["statement"]["message"]
    cap, until = int(said["spent"]) + more, int(said["epoch"]) + 1
    message = Voucher(server=world.keys.address, payer=payer or address_of(FAN), cap=cap, until=until)
    voucher = sign(message, world.deployment.domain, key).to_json()
    return int((await host.ask("voucher", voucher=voucher))["receipts"])


async def code(work: Any) -> str:
    """Return the code with which a request is refused."""
    with pytest.raises(GomaaError) as error:
        await work
    return error.value.code


async def test_a_song_paid_by_its_listener_is_settled_to_the_wei(world: World) -> None:
    """Played, vouchered, posted, final, audited: artist and listener agree with the chain, the station pays nothing."""
    async with world.server(), world.host() as host:
        song = await world.publish(terms(**TERMS))
        await fill(world, 10 * PRICE)
        await world.to_epoch(await world.now_ms() // 60_000 + 1)
        epoch = await world.now_ms() // 60_000
        await host.hello(await world.now_ms())
        session, ticket = await begin(world, host, song)
        granted = await host.grant(host.invocation(ticket, "play", 0, await world.now_ms()), 0, 64)
        # Two intervals of ten seconds may be played before a voucher is required, whatever the buffer.
        assert host.check_keys(granted, song) == list(range(10))
        await hear(world, host, ticket, 0, 10)
        answer = await owed(host, session)
        assert [line["intervals"] for line in answer["lines"]] == [1]
        assert await vouch(world, host, answer) == 1
        await hear(world, host, ticket, 10, 25)
        await host.report(host.invocation(ticket, "stop", 25_000, await world.now_ms()))
        assert await vouch(world, host, await owed(host, session)) == 1
        # The same voucher again releases and costs nothing.
        assert await vouch(world, host, await owed(host, session)) == 0

        await world.to_epoch(epoch + 1)
        assert world.closing is not None
        await world.closing.round()
        spent, escrow = await world.settlement.account(world.keys.address, address_of(FAN))
        assert (spent, escrow) == (gross(2 * PRICE, BPS), 10 * PRICE - gross(2 * PRICE, BPS))
        assert (await world.settlement.account(world.keys.address, world.station))[0] == 0
        await world.travel(SCHEDULE.grace + SCHEDULE.window + 1)
        await world.closing.round()
        raw = await (await world.http.get(f"{world.url}/v1/epochs/{epoch}/data")).read()
        data = EpochData.decode(raw)
        assert [(row.payer, row.net) for row in data.debits] == [(address_of(FAN), 2 * PRICE)]
        # No row names the listener: stations only, and the payer.
        assert [row.station for row in data.stations] == [world.station]
        assert [(row.outcome, row.heard_s) for row in data.plays] == [(2, 20)]

        mine, theirs, all_of_it = fan([], [address_of(FAN)]), station(world.station), society(SCHEDULE.length)
        for statement in (mine, theirs, all_of_it):
            result = await audit(world.chain, world.deployment, (world.url,), on_epoch=statement.take)
            assert (result.ok, result.faults) == (True, [])
        assert (mine.total("spent_wei"), theirs.total("gross_wei")) == (gross(2 * PRICE, BPS), 0)
        assert all_of_it.total("GrossRevenue_wei") == gross(2 * PRICE, BPS)

        before = await world.token.balance_of(address_of(world.owner_key))
        await pay_out(world, host, epoch)
        assert await world.token.balance_of(address_of(world.owner_key)) - before == 2 * PRICE


async def pay_out(world: World, host: HostClient, epoch: int) -> None:
    """Push the artist's earning to it."""
    from pywallet.protocol import Claim

    owner = address_of(world.owner_key)
    claim = Claim(server=world.keys.address, epoch=epoch, payee=owner, to=owner, tip=0)
    await host.ask("claim", claims=[sign(claim, world.deployment.domain, world.owner_key).to_json()])


async def test_nothing_plays_without_escrow_or_vouchers(world: World) -> None:
    """No escrow: only the free preview plays.

    With escrow the second unvouchered interval is the last one; a voucher lets it continue.
    """
    async with world.server(), world.host() as host:
        song = await world.publish(terms(**TERMS))
        await host.hello(await world.now_ms())
        session, ticket = await begin(world, host, song)
        play = host.invocation(ticket, "play", 0, await world.now_ms())
        assert await code(host.grant(play)) == "listener.escrow.short"
        assert (
            await code(host.grant(host.invocation(ticket, "play", 0, await world.now_ms()))) == "listener.escrow.short"
        )
        await host.grant(host.invocation(ticket, "preview", 0, await world.now_ms()))
        await hear(world, host, ticket, 0, 5)
        await host.report(host.invocation(ticket, "stop", 5_000, await world.now_ms()))
        assert (await owed(host, session))["lines"] == []

        await fill(world, gross(2 * PRICE, BPS))
        _, ticket = await begin(world, host, song)
        await host.grant(host.invocation(ticket, "play", 0, await world.now_ms()))
        await hear(world, host, ticket, 0, 15)
        assert (
            await code(host.grant(host.invocation(ticket, "renew", 20_000, await world.travel(5))))
            == "listener.voucher.missing"
        )
        assert await vouch(world, host, await owed(host, session)) == 1
        # Escrow for two intervals: the third is refused, whatever is signed.
        assert (
            await code(host.grant(host.invocation(ticket, "renew", 25_000, await world.travel(5))))
            == "listener.escrow.short"
        )


async def test_invalid_vouchers_of_a_listener_settle_nothing(world: World) -> None:
    """Forged by another key, lower than owed, and of an escrow under withdrawal: each refused with its code."""
    async with world.server(), world.host() as host, world.host("stranger") as stranger:
        song = await world.publish(terms(**TERMS))
        await fill(world, 10 * PRICE)
        await host.hello(await world.now_ms())
        await stranger.hello(await world.now_ms())
        session, ticket = await begin(world, host, song)
        await host.grant(host.invocation(ticket, "play", 0, await world.now_ms()))
        await hear(world, host, ticket, 0, 10)
        assert await code(owed(stranger, session)) == "session.device"
        answer = await owed(host, session)
        assert await code(vouch(world, host, answer, private_key("mallory"))) == "voucher.signature"
        assert await code(vouch(world, host, answer, more=-1)) == "voucher.cap"
        await world.chain.request("anvil_setBalance", to_hex(address_of(FAN)), hex(10**20))
        await world.settlement.request(FAN, world.keys.address, 10 * PRICE)
        assert await code(vouch(world, host, answer)) == "listener.escrow.short"
