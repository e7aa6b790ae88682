"""Prices of the terms against what server and station settle: both could agree on less, and every sum would add up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from audit.prices import Prices
from audit.run import audit
from chain.contracts.content import Content
from pywallet.crypto import address_of
from pywallet.encoding.hex import to_hex
from security_server.playback.admission import Admission
from tests.integration.server_songs import terms
from tests.integration.server_world import World, make_world
from tests.integration.test_audit_server import close, pay, play


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A deployed chain without a server."""
    async with make_world(tmp_path) as made:
        yield made


@pytest.mark.parametrize("less", [0, 1])
async def test_a_price_below_the_contracts_is_a_fault(world: World, monkeypatch: pytest.MonkeyPatch, less: int) -> None:
    """Server and station agree on a wei less: the audit names content and both prices."""

    async def looks_away(*_: object) -> None:
        return None

    monkeypatch.setattr(Admission, "_check_content", looks_away)
    async with world.server(), world.host() as host:
        song = await world.publish()
        price = song.policy.price
        genuine = world.ticket
        monkeypatch.setattr(
            world,
            "ticket",
            lambda *arguments, **changes: genuine(*arguments, **{"price": price.owner - less, **changes}),
        )
        await host.hello(await world.now_ms())
        await play(world, host, song, "one", 10)
        await pay(world)
        await close(world, await world.now_ms() // 60_000)
        found = (await audit(world.chain, world.deployment, (world.url,))).faults
    assert [(fault.kind, fault.subject) for fault in found] == ([("terms.price", to_hex(song.content))] if less else [])
    if less:
        assert (found[0].published, found[0].expected) == tuple(
            f"{price.owner - n} wei for {price.interval_s} s" for n in (less, 0)
        )


async def test_prices_are_those_in_force_at_their_time(world: World) -> None:
    """Versions by the contracts' events.

    Earlier and later ones, and events of other contracts, are not used.
    """
    async with world.server():
        song = await world.publish()
        made_s = await world.now_ms() // 1000
        price = song.policy.price
        band = Content(world.chain, song.content)
        changed = replace(terms(), price=replace(price, owner=price.owner + 5))
        await world.travel(100)
        await band.set_policy(world.owner_key, changed.hash, price.owner + 5, price.interval_s)
        changed_s = await world.now_ms() // 1000
        await world.travel(100)
        prices = Prices(world.chain, world.deployment, (await world.chain.block()).number)

        async def at(begin_s: int, end_s: int) -> list[int]:
            return [version.price - price.owner for version in await prices.between(song.content, begin_s, end_s)]

        assert await at(made_s, changed_s - 1) == [0]
        assert await at(made_s, changed_s + 50) == [0, 5]
        assert await at(changed_s, changed_s + 50) == [5]
        assert await prices.between(address_of(world.owner_key), made_s, changed_s) == []
