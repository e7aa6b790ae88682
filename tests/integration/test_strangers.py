"""Unknown clients hold no connection, cost no key agreements and leave no rows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import WSMsgType
from sqlalchemy import func, select

from demo.waiting import TIMEOUT_S
from pywallet.crypto import address_of
from pywallet.crypto import sign as sign_digest
from pywallet.crypto.key_wrap import Unwrapper
from pywallet.encoding.hex import to_b64, to_hex
from pywallet.errors import GomaaError
from pywallet.protocol import destruction_digest, hello_digest, statement_digest
from security_server.db.connection import Connection
from security_server.db.tables import METADATA, refusal_counts
from tests.integration.server_songs import make_song, terms
from tests.integration.server_world import World, make_world, private_key


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A deployed chain without a server."""
    async with make_world(tmp_path) as made:
        yield made


async def code_of(awaitable: Any) -> str:
    """Return the code of an expected failure."""
    with pytest.raises(GomaaError) as error:
        await awaitable
    return error.value.code


def rows(connection: Connection) -> dict[str, int]:
    """Return the number of rows of each table."""
    return {
        table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
        for table in METADATA.sorted_tables
    }


async def test_a_socket_without_a_hello_is_closed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence, or messages other than hello: the connection is closed after the same short time."""
    monkeypatch.setattr("security_server.api.host_socket.HELLO_S", 0.3)
    async with world.server():
        silent = await world.http.ws_connect(f"{world.url}/v1/host")
        talking = await world.http.ws_connect(f"{world.url}/v1/host")
        await talking.send_json({"id": 1, "op": "receipts", "payees": []})
        assert (await talking.receive_json())["error"]["code"] == "message.denied"
        for socket in (silent, talking):
            assert (await socket.receive()).type == WSMsgType.CLOSE
            assert socket.close_code == 1008
        async with world.host() as host:
            await host.hello(await world.now_ms())
            assert (await host.ask("receipts", payees=[]))["receipts"] == []


async def test_sockets_of_an_address_and_frames_of_a_host_are_limited(world: World) -> None:
    """One socket more is refused with the busy code; one frame more too, and the connection stays."""
    async with (
        world.server(connections_per_address=2, frames_per_minute=5),
        world.host() as host,
        world.host("other") as other,
    ):
        async with world.http.get(f"{world.url}/v1/host", headers=UPGRADE) as response:
            assert (response.status, (await response.json())["error"]["code"]) == (429, "server.busy")
            assert int(response.headers["Retry-After"]) > 0
        await host.hello(await world.now_ms())
        codes = [await code_of(host.ask("statement", session="0x" + "11" * 32)) for _ in range(6)]
        assert codes == ["session.device"] * 4 + ["server.busy"] * 2
        await other.hello(await world.now_ms())


async def test_a_host_that_reads_nothing_is_disconnected(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its output queue is bounded in time as well as in number, whatever it sends."""
    monkeypatch.setattr("security_server.api.host_socket.SEND_S", 0.3)
    async with world.server() as core:
        deaf = await world.http.ws_connect(f"{world.url}/v1/host")
        now_ms, device = await world.now_ms(), private_key("deaf")
        signature = to_hex(sign_digest(device, hello_digest(world.keys.address, now_ms)))
        hello = {"protocol": 1, "device": to_hex(address_of(device)), "time_ms": now_ms, "signature": signature}
        await deaf.send_json({"id": 1, "op": "hello", **hello})
        assert (await deaf.receive_json())["ok"]
        for _ in range(500):
            await core.hosts.push({"event": "x" * 100_000})
        async with asyncio.timeout(TIMEOUT_S):
            while core.hosts._connections:
                await asyncio.sleep(0.02)


UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "A" * 22 + "==",
}


async def test_an_unauthorised_upload_costs_no_key_agreement(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """4,096 keys: for an unknown content, by another account than the owner, and by the owner for one key epoch."""
    opened: list[bytes] = []
    genuine = Unwrapper.unwrap

    def counted(self: Unwrapper, wrapped: bytes, aad: bytes) -> bytes:
        opened.append(wrapped)
        return genuine(self, wrapped, aad)

    monkeypatch.setattr(Unwrapper, "unwrap", counted)
    async with world.server():
        song = await world.publish()
        assert len(opened) == 1
        many = [[epoch, to_b64(bytes(60))] for epoch in range(4_096)]
        unknown = make_song(
            b"\x07" * 20, world.owner_key, world.keys.address, world.keys.exchange_public, 31337, terms()
        )
        for content, owner, code in (
            (unknown, world.owner_key, "content.unknown"),
            (song, private_key("stranger"), "content.owner"),
            (song, world.owner_key, "message.schema"),
        ):
            body = content.body(owner, world.keys.exchange_public)
            body = resigned(content, owner, body, many)
            assert await code_of(world.call("PUT", f"/v1/contents/{to_hex(content.content)}", body)) == code
        assert len(opened) == 1


def resigned(song: Any, owner: bytes, body: dict[str, Any], keys: list[Any]) -> dict[str, Any]:
    """Return an upload with other keys, signed for them."""
    from pywallet.encoding.hex import from_b64
    from pywallet.protocol import upload_digest

    wrapped = [from_b64(key) for _, key in keys]
    signed = upload_digest(song.content, from_b64(body["header"]), from_b64(body["ephemeral"]), wrapped)
    return {**body, "keys": keys, "signature": to_hex(sign_digest(owner, signed))}


async def test_unauthorised_requests_leave_no_rows(world: World) -> None:
    """Unsigned tickets, destruction of unknown keys, statements without debts.

    Only counts by day and code.
    """
    async with world.server() as core:
        song = await world.publish()
        before = await core.store.run(rows)
        now_ms = await world.now_ms()
        for number in range(8):
            async with world.host(f"stranger {number}") as host:
                await host.hello(now_ms)
                device = address_of(host.device_key)
                session = world.session(device, now_ms // 1000, f"listener {number}")
                ticket = world.ticket(song, session, now_ms // 1000, key=private_key("forger"))
                assert await code_of(host.open(session, ticket)) == "ticket.signature"
                listener = address_of(private_key(f"listener {number}"))
                signature = to_hex(
                    sign_digest(host.device_key, destruction_digest(song.content, listener, now_ms, "content.revoked"))
                )
                word = {
                    "content": to_hex(song.content),
                    "listener": to_hex(listener),
                    "time_ms": now_ms,
                    "code": "content.revoked",
                }
                assert await code_of(host.ask("destroyed", **word, signature=signature)) == "ticket.missing"
            payer = private_key(f"payer {number}")
            asked = to_hex(sign_digest(payer, statement_digest(world.keys.address, now_ms // 1000)))
            body = {"payer": to_hex(address_of(payer)), "time_s": now_ms // 1000, "signature": asked}
            assert (await world.call("POST", "/v1/statements", body))["lines"] == []
        after = await core.store.run(rows)
        assert after.pop("refusal_counts") == before.pop("refusal_counts") + 1
        assert after == before
        counted = select(refusal_counts.c.request_kind, refusal_counts.c.code, refusal_counts.c.count)
        assert await core.store.run(lambda connection: connection.execute(counted).all()) == [
            ("ticket", "ticket.signature", 8)
        ]
