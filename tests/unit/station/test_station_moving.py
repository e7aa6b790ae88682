"""Songs that move to another security server: the operator learns from when, and that escrow is needed there."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from pywallet.encoding.hex import to_hex
from station.api.app import STATION
from station.chain_interface import Account, ContentServers
from tests.unit.station.conftest import NOW_S, SERVER

NEXT = b"\x4e" * 20
EPOCH = NOW_S // 60


async def moves(world: Any) -> Any:
    """As the operator's view has them after another look."""
    await world.client.server.app[STATION].moves.try_refresh()
    async with world.client.get("/gomaa/account", headers={"Authorization": "Bearer operator"}) as response:
        assert response.status == 200
        return (await response.json())["moves"]


async def test_nothing_moves(world: Any) -> None:
    """Songs that stay are not named; a silent chain changes nothing of what was known."""
    assert await moves(world) == []
    world.chain.moving[world.songs["letters"]] = ContentServers(SERVER, NEXT)
    world.chain.down = True
    assert await moves(world) == []
    world.chain.down = False
    assert len(await moves(world)) == 1


async def test_an_accepted_move_is_told_with_its_epoch_and_the_escrow_that_it_needs(
    world: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Proposed, accepted, begun without escrow: a warning each, once; with escrow there is nothing left to say."""
    caplog.set_level(logging.WARNING, "gomaa.station")
    content, station = world.songs["slow-tide"], world.client.server.app[STATION]
    world.chain.accounts[NEXT] = Account(0, 0, 0)

    async def step(servers: ContentServers) -> list[str]:
        world.chain.moving[content] = servers
        caplog.clear()
        for _ in range(2):
            await station.moves.try_refresh()
        return [record.getMessage() for record in caplog.records]

    proposed = await step(ContentServers(SERVER, SERVER, NEXT))
    assert len(proposed) == 1
    assert "is to move" in proposed[0]
    accepted = await step(ContentServers(SERVER, NEXT))
    assert len(accepted) == 1
    assert f"moves from epoch {EPOCH + 1} on to the security server {to_hex(NEXT)}" in accepted[0]
    assert "no escrow" in accepted[0]
    assert await moves(world) == [
        {
            "content": to_hex(content),
            "title": "Slow Tide Home",
            "server": to_hex(NEXT),
            "from_epoch": EPOCH + 1,
            "from_s": (EPOCH + 1) * 60,
            "escrow_wei": "0",
            "escrow_needed": True,
        }
    ]
    world.chain.now += 60_000
    # It has begun, and is as it was: nothing new to say, and still nothing to play.
    assert await step(ContentServers(NEXT, NEXT)) == []
    assert [one["from_epoch"] for one in await moves(world)] == [EPOCH + 1]
    world.chain.accounts[NEXT] = Account(0, 500, 100)
    assert await step(ContentServers(NEXT, NEXT)) == []
    assert await moves(world) == []


async def test_escrow_that_is_there_is_said(world: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A station that has prepared is told of the move, and of no lack."""
    caplog.set_level(logging.WARNING, "gomaa.station")
    world.chain.accounts[NEXT] = Account(0, 500, 100)
    world.chain.moving[world.songs["letters"]] = ContentServers(SERVER, NEXT)
    [move] = await moves(world)
    assert (move["escrow_wei"], move["escrow_needed"]) == ("400", False)
    assert "no escrow" not in caplog.text
