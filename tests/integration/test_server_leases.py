"""Keys ahead of time follow the same terms as keys for an action, also where the host has no policy of its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chain.connection import RpcConnection
from chain.contracts.content import Content
from pywallet.crypto import address_of
from pywallet.encoding.hex import to_b64, to_hex
from pywallet.errors import GomaaError
from pywallet.protocol import Signed, Ticket, digest
from security_server.chain.cache import Cache
from tests.integration.server_client import HostClient
from tests.integration.server_songs import terms
from tests.integration.server_world import make_world

LEASE = {"window_s": 3_600, "seconds": 600, "invocations": 20}


async def lease(host: HostClient, ticket: Signed[Ticket]) -> dict[str, Any]:
    """Ask for the keys of the whole song."""
    identity = to_hex(digest(ticket.message, host.domain))
    return await host.ask("lease", ticket=identity, first=0, count=60, key=to_b64(host.exchange[1]))


async def test_keys_ahead_keep_to_preview_and_devices(tmp_path: Path) -> None:
    """An unpaid song leases its preview and no more; a second computer of one leases nothing, the first one all."""
    async with make_world(tmp_path) as world, world.server(), world.host() as mine, world.host("second") as other:
        now_ms = await world.now_ms()
        now_s = now_ms // 1000
        for host in (mine, other):
            await host.hello(now_ms)
        first, second = (world.session(address_of(host.device_key), now_s) for host in (mine, other))
        price = {"interval_s": 2, "owner": 2_000_003, "reward": 0, "payer": "listener"}
        paid = await world.publish(
            terms(permissions=["preview", "play"], preview_s=10, counts={}, price=price, lease=LEASE), "paid"
        )
        ticket = world.ticket(paid, first, now_s, price=0, reward=0)
        await mine.open(first, ticket)
        assert mine.check_keys(await lease(mine, ticket), paid) == [0, 1, 2, 3, 4]

        single = await world.publish(terms(devices=1, counts={}, lease=LEASE), "single")
        tickets = [world.ticket(single, session, now_s) for session in (first, second)]
        await mine.open(first, tickets[0])
        await mine.grant(mine.invocation(tickets[0], "play", 0, now_ms))
        await other.open(second, tickets[1])
        with pytest.raises(GomaaError) as error:
            await lease(other, tickets[1])
        assert error.value.code == "policy.device.limit"
        assert len(mine.check_keys(await lease(mine, tickets[0]), single)) == 60


async def test_a_ticket_is_opened_with_its_lease(tmp_path: Path) -> None:
    """In one request; a refused lease is a code beside the opened ticket, which gives keys for actions then."""
    async with make_world(tmp_path) as world, world.server(), world.host() as host:
        now_ms = await world.now_ms()
        now_s = now_ms // 1000
        await host.hello(now_ms)
        session = world.session(address_of(host.device_key), now_s)
        wish = {"first": 0, "count": 60, "key": to_b64(host.exchange[1])}
        leased = await world.publish(terms(counts={}, lease=LEASE), "leased")
        ticket = world.ticket(leased, session, now_s)
        opened = await host.ask("open", session=session.to_json(), ticket=ticket.to_json(), lease=wish)
        assert opened["lease"]["error"] is None
        assert len(host.check_keys(opened["lease"]["result"], leased)) == 60

        online = await world.publish(replace(terms(counts={}), lease=None), "online")
        ticket = world.ticket(online, session, now_s)
        opened = await host.ask("open", session=session.to_json(), ticket=ticket.to_json(), lease=wish)
        assert (opened["lease"]["result"], opened["lease"]["error"]["code"]) == (None, "policy.action.denied")
        granted = await host.grant(host.invocation(ticket, "play", 0, now_ms, sequence=1))
        assert host.check_keys(granted, online)[0] == 0


async def test_a_ticket_costs_one_request_to_the_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All facts of a new ticket with its lease are read in one; a ticket soon after reads none.

    A revocation that is read so refuses the ticket.
    """
    async with (
        make_world(tmp_path) as world,
        world.server(content_age_s=600.0, escrow_age_s=600.0) as parts,
        world.host() as host,
    ):
        now_ms = await world.now_ms()
        now_s, asked = now_ms // 1000, 0
        await host.hello(now_ms)
        session = world.session(address_of(host.device_key), now_s)
        song = await world.publish(terms(counts={}, lease=LEASE))
        wish = {"first": 0, "count": 60, "key": to_b64(host.exchange[1])}
        request = RpcConnection.request

        async def counted(self: RpcConnection, method: str, *params: Any) -> Any:
            nonlocal asked
            asked += self is parts.chain._chain and method == "eth_call"
            return await request(self, method, *params)

        async def opened() -> int:
            nonlocal asked
            asked, ticket = 0, world.ticket(song, session, now_s)
            result = await host.ask("open", session=session.to_json(), ticket=ticket.to_json(), lease=wish)
            assert host.check_keys(result["lease"]["result"], song)
            return asked

        monkeypatch.setattr(RpcConnection, "request", counted)
        parts.chain._cache = parts.chain._watch._cache = Cache()
        assert [await opened(), await opened()] == [1, 0]
        parts.chain._cache = parts.chain._watch._cache = Cache()
        await Content(world.chain, song.content).revoke(world.owner_key)
        with pytest.raises(GomaaError, match=r"content\.revoked"):
            await opened()
