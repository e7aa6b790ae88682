"""Challenged for everything at once, an honest server keeps its bond.

Answers go out together, whatever the blocks' time.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from sqlalchemy import select

from pywallet.crypto import address_of
from pywallet.errors import Unavailable
from pywallet.protocol import Receipt, Signed
from security_server.db.tables import challenges
from tests.integration.server_client import HostClient
from tests.integration.server_songs import Upload
from tests.integration.server_world import World, make_world
from tests.integration.test_audit_server import pay

MANY = 25


async def many_receipts(world: World, host: HostClient, song: Upload) -> list[Signed[Receipt]]:
    """Of one listener who is paid every two seconds: as many receipts of one payee."""
    now_ms = await world.now_ms()
    session = world.session(address_of(host.device_key), now_ms // 1000, "one")
    ticket = world.ticket(song, session, now_ms // 1000)
    await host.open(session, ticket)
    await host.report(host.invocation(ticket, "play", 0, now_ms))
    out = []
    for number in range(1, MANY + 1):
        now_ms = await world.travel(2)
        await host.report(host.invocation(ticket, "renew", number * 2000, now_ms))
        await pay(world)
        out.append(Signed.from_json(Receipt, (await host.event("receipt"))["receipt"]))
    return out


async def many_payees(world: World, host: HostClient, song: Upload) -> list[Signed[Receipt]]:
    """Of as many listeners who are paid together."""
    now_ms = await world.now_ms()
    tickets = []
    for number in range(MANY):
        session = world.session(address_of(host.device_key), now_ms // 1000, f"fan {number}")
        tickets.append(world.ticket(song, session, now_ms // 1000))
        await host.open(session, tickets[-1])
        await host.report(host.invocation(tickets[-1], "play", 0, now_ms))
    now_ms = await world.travel(3)
    for ticket in tickets:
        await host.report(host.invocation(ticket, "renew", 2000, now_ms))
    await pay(world)
    return [Signed.from_json(Receipt, (await host.event("receipt"))["receipt"]) for _ in range(MANY)]


async def challenge_at_once(world: World, key: bytes, receipts: list[Signed[Receipt]]) -> None:
    """Every challenge in one block."""
    await world.chain.request("evm_setAutomine", False)
    waiting = asyncio.gather(*(world.settlement.challenge(key, one) for one in receipts))
    async with asyncio.timeout(60):
        while int((await world.chain.request("txpool_status"))["pending"], 16) < len(receipts):
            assert not waiting.done(), waiting.exception()
            await world.chain.block()
    await world.chain.request("evm_mine")
    await waiting
    await world.chain.request("evm_setAutomine", True)


async def test_fifty_concurrent_challenges_are_answered(tmp_path: Path) -> None:
    """25 receipts of one payee and 25 payees, 15 s to answer, a block a second.

    Answered in two transactions by a node that limits logs.
    """
    async with make_world(tmp_path) as world, world.server() as parts, world.host() as host:
        song = await world.publish()
        await world.to_epoch(await world.now_ms() // 60_000 + 1)
        await host.hello(await world.now_ms())
        receipts = await many_receipts(world, host, song)
        await world.to_epoch(await world.now_ms() // 60_000 + 1)
        assert world.closing is not None
        await world.closing.round()
        receipts += await many_payees(world, host, song)
        await world.to_epoch(await world.now_ms() // 60_000 + 1)
        await world.closing.round()
        thief = world.anvil.keys[5]
        await world.token.transfer(world.platform_key, address_of(thief), 2 * MANY * world.deployment.stake)
        await world.token.approve(thief, world.deployment.settlement, 10**30)
        await world.travel(6)
        bond = (await world.settlement.server_state(parts.address)).bond
        await challenge_at_once(world, thief, receipts)
        answering = world.answering
        assert answering is not None
        asked = limit_logs(parts.chain)
        before = (await world.chain.block()).number
        assert await answering.round() == 2 * MANY
        assert (await world.chain.block()).number - before <= 3
        assert max(asked) <= 20
        lane = await world.settlement.server_state(parts.address)
        assert (lane.bond, lane.open) == (bond + 2 * MANY * world.deployment.stake, 0)
        assert await answering.round() == 0
        rows = await parts.store.run(
            lambda connection: connection.execute(select(challenges.c.closed_block)).scalars().all()
        )
        assert len(rows) == 2 * MANY
        assert None not in rows


def limit_logs(view: Any) -> list[int]:
    """Let the server's node refuse more than 20 blocks of logs at once; the ranges that it answers are noted."""
    events = view.events
    answered: list[int] = []

    async def limited(first: int, last: int) -> Any:
        if last - first >= 20:
            raise Unavailable("chain.unreachable", method="eth_getLogs", reason="query exceeds 20 blocks")
        answered.append(last - first + 1)
        return await events(first, last)

    view.events = limited
    return answered
