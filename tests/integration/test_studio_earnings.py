"""An artist lists and collects the earnings that a real server posted; a server's lie is found."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pywallet.crypto import address_of
from pywallet.errors import GomaaError
from pywallet.settlement import EpochData
from studio import earnings
from studio.server import ServerInfo
from tests.integration.server_world import World, make_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A deployed chain."""
    async with make_world(tmp_path) as made:
        yield made


async def play(world: World, host: Any) -> int:
    """Play ten seconds, vouchered and posted; return their epoch."""
    song = await world.publish()
    await world.to_epoch(await world.now_ms() // 60_000 + 1)
    now_ms = await world.now_ms()
    await host.hello(now_ms)
    session = world.session(address_of(host.device_key), now_ms // 1000)
    ticket = world.ticket(song, session, now_ms // 1000)
    await host.open(session, ticket)
    await host.grant(host.invocation(ticket, "play", 0, await world.travel(1)))
    for second in (5, 10):
        await host.report(host.invocation(ticket, "renew", second * 1000, await world.travel(5)))
    epoch = await world.now_ms() // 60_000
    statement, _ = await world.statement()
    await world.vouch(statement.spent, epoch)
    await world.to_epoch(epoch + 1)
    await world.call("POST", "/v1/epochs/close", headers={"Authorization": f"Bearer {world.keys.admin}"})
    return int(epoch)


async def test_earnings_are_listed_and_collected(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pending, then final, then collected once: the balance rises by the contract's amount.

    Altered published data are refused.
    """
    async with world.server(), world.host() as host:
        epoch = await play(world, host)
        owner = address_of(world.owner_key)
        server = ServerInfo(world.url, world.keys.address, world.keys.exchange_public)

        async def look() -> list[earnings.Earning]:
            return await earnings.proven_earnings(world.deployment, server, owner)

        found = await look()
        due = found[0].amount
        assert [(one.epoch, one.final, one.collected) for one in found] == [(epoch, False, False)]
        assert due % 2_000_003 == 0
        assert due > 0
        await world.to_epoch(epoch + 4)
        found = await look()
        assert [(one.final, one.collected) for one in found] == [(True, False)]
        before = await world.token.balance_of(owner)
        receipts = await earnings.collect(world.deployment, world.owner_key, owner, found)
        assert len(receipts) == 1
        assert await world.token.balance_of(owner) - before == due
        assert [one.collected for one in await look()] == [True]
        assert await earnings.proven_earnings(world.deployment, server, b"\x09" * 20) == []

        raw = await asyncio.to_thread(earnings._published, world.url, epoch)
        data = EpochData.decode(raw)
        richer = replace(data, payees=tuple(replace(row, amount=row.amount + 1) for row in data.payees))
        monkeypatch.setattr(earnings, "_published", lambda url, number: richer.encode())
        with pytest.raises(GomaaError, match=r"chain\.mismatch"):
            await look()


async def test_an_unreachable_server_is_reported(world: World) -> None:
    """Nothing posted: nothing is earned, and no request is sent to the server.

    Its absence is reported once it matters.
    """
    server = ServerInfo("http://127.0.0.1:1", world.keys.address, world.keys.exchange_public)
    assert await earnings.proven_earnings(world.deployment, server, address_of(world.owner_key)) == []
    with pytest.raises(GomaaError, match=r"server\.unreachable"):
        earnings._published("http://127.0.0.1:1", 5)
