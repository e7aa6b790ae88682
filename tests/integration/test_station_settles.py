"""A real station, security server and chain.

Tickets, vouchers for what was heard, refusals with their codes.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from chain.contracts.content import Content
from pywallet.crypto import address_of
from pywallet.encoding.hex import to_hex
from pywallet.protocol import (
    Session,
    Signed,
    Ticket,
    require_signer,
)
from pywallet.settlement import gross
from pywallet.sps.container import MAGIC
from station.api.app import STATION, create_app
from station.config import StationConfig
from tests.integration.server_songs import Upload
from tests.integration.server_world import BPS, TOKENS, World, make_world

Client = TestClient[Any, Any]


@contextlib.asynccontextmanager
async def _station(world: World, song: Upload) -> AsyncIterator[Client]:
    """The station over the world's chain and server. Its own rounds are an hour apart; tests call them."""
    shelf = world.folder / "songs"
    shelf.mkdir()
    (shelf / "song.sps").write_bytes(MAGIC + len(song.cose).to_bytes(4, "big") + song.cose)
    (world.folder / "station.key").write_text(to_hex(world.station_key))
    config = StationConfig(
        domain="radio.example",
        name="Radio Example",
        key_file=world.folder / "station.key",
        deployment_file=world.folder / "deployment.json",
        catalogue=shelf,
        database=str(world.folder / "station.sqlite3"),
        servers={world.keys.address: world.url},
        statement_seconds=3600,
    )
    async with TestClient(TestServer(create_app(config))) as client:
        yield client


async def _ask(client: Client, session: Signed[Session], content: bytes) -> tuple[int, dict[str, Any]]:
    async with client.post(
        "/gomaa/tickets", json={"session": session.to_json(), "content": to_hex(content)}
    ) as response:
        return response.status, await response.json()


async def test_heard_time_is_vouchered(tmp_path: Path) -> None:
    """A station's ticket opens at the server; heard time is stated, checked and vouchered to the wei, once."""
    async with make_world(tmp_path) as world, world.server() as core:
        song = await world.publish()
        async with _station(world, song) as client, world.host() as host:
            now_ms = await world.now_ms()
            session = world.session(address_of(host.device_key), now_ms // 1000)
            status, value = await _ask(client, session, song.content)
            assert status == 200, value
            ticket = Signed.from_json(Ticket, value["ticket"])
            require_signer(ticket, world.deployment.domain, world.station, "ticket.signature")
            assert (ticket.message.server, ticket.message.bps) == (world.keys.address, BPS)
            await host.hello(await core.chain.now_ms())
            await host.open(session, ticket)
            await host.report(host.invocation(ticket, "play", 0, await core.chain.now_ms()))
            position = 0
            for _ in range(3):
                await world.travel(4)
                position += 4_000
                result = await host.report(host.invocation(ticket, "renew", position, await core.chain.now_ms()))
            assert result["intervals"] >= 5
            station = client.app[STATION]
            await station.rounds.run_once()
            voucher = station.store.voucher(world.keys.address)
            assert voucher is not None
            assert voucher.sent_ms is not None
            price = song.policy.price
            assert voucher.cap == gross(result["intervals"] * (price.owner + price.reward), BPS)
            event = await host.event("receipt")
            assert event["receipt"]["type"] == "Receipt"
            await station.rounds.run_once()
            assert station.store.voucher(world.keys.address) == voucher
            assert [row.code for row in station.store.statements(world.keys.address, 9)] == [None]


async def test_the_station_follows_the_chain(tmp_path: Path) -> None:
    """A revoked licence gives station.right.missing, a revoked song content.revoked, an unknown address no ticket."""
    async with make_world(tmp_path) as world, world.server():
        song = await world.publish()
        async with _station(world, song) as client:
            session = world.session(b"\x01" * 20, await world.now_ms() // 1000)
            assert (await _ask(client, session, song.content))[0] == 200
            content = Content(world.chain, song.content)
            await content.license(world.owner_key, world.station, False)
            status, value = await _ask(client, session, song.content)
            assert (status, value["error"]["code"]) == (403, "station.right.missing")
            await content.revoke(world.owner_key)
            status, value = await _ask(client, session, song.content)
            assert (status, value["error"]["code"]) == (410, "content.revoked")


@pytest.mark.parametrize("escrow", [0, 1_000])
async def test_no_ticket_without_escrow(tmp_path: Path, escrow: int) -> None:
    """Without escrow for a play's worst case there is no ticket; after a deposit there is one."""
    async with make_world(tmp_path, escrow=escrow) as world, world.server():
        song = await world.publish()
        async with _station(world, song) as client:
            session = world.session(b"\x01" * 20, await world.now_ms() // 1000)
            status, value = await _ask(client, session, song.content)
            assert (status, value["error"]["code"]) == (402, "station.escrow.short")
            await world.settlement.deposit(world.platform_key, world.keys.address, world.station, TOKENS)
            status, value = await _ask(client, session, song.content)
            assert status == 200, value


async def test_an_unreachable_chain_or_server_is_reported(tmp_path: Path) -> None:
    """With the server down tickets give server.unreachable, with the chain down chain.unreachable.

    The page still loads.
    """
    async with make_world(tmp_path) as world:
        async with world.server():
            song = await world.publish()
        async with _station(world, song) as client:
            session = world.session(b"\x01" * 20, await world.now_ms() // 1000)
            status, value = await _ask(client, session, song.content)
            assert (status, value["error"]["code"]) == (503, "server.unreachable")
            world.anvil.stop()
            status, value = await _ask(client, session, song.content)
            assert (status, value["error"]["code"]) == (503, "chain.unreachable")
            async with client.get("/") as response:
                assert response.status == 200
