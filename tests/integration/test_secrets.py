"""A node's URL with a secret: no answer of server or station and no log contains it, on any route or operation."""

from __future__ import annotations

import dataclasses
import json
import logging
import typing
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from pywallet.crypto import address_of
from pywallet.crypto import sign as sign_digest
from pywallet.encoding.hex import to_hex
from pywallet.protocol import hello_digest, statement_digest
from pywallet.sps.container import MAGIC
from security_server.api import requests
from security_server.api.app import create_app
from station.api.app import create_app as create_station
from station.config import StationConfig
from tests.integration.server_songs import Upload
from tests.integration.server_world import World, make_world, private_key

USER, PASSWORD, KEY = "operator-of-the-node", "hunter22hunter22", "0123456789abcdef-api-key"
ADMIN = "admin-token-of-the-station"
Client = TestClient[Any, Any]


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """A world whose node has a URL with user, password and key, in the deployment and in the server's configuration."""
    async with make_world(tmp_path) as made:
        secret = made.anvil.rpc.replace("ws://", f"ws://{USER}:{PASSWORD}@") + f"/?key={KEY}"
        made.deployment = dataclasses.replace(made.deployment, rpc=secret)
        made.deployment.save(made.folder / "deployment.json")
        monkeypatch.setattr("chain.connection.BACKOFF_S", (0.01, 0.05))
        yield made


def secrets(world: World) -> Iterator[str]:
    """Values that nobody outside may read; a path would describe the operator's machine."""
    yield from (
        USER,
        PASSWORD,
        KEY,
        ADMIN,
        world.keys.admin,
        str(world.folder),
        "deployment.json",
        "keys.json",
        "Traceback",
    )


def samples(world: World, song: Upload, now_ms: int) -> dict[str, dict[str, Any]]:
    """One well-formed request of every operation of a host."""
    device = private_key("device")
    session = world.session(address_of(device), now_ms // 1000)
    ticket = world.ticket(song, session, now_ms // 1000)
    named = {"ticket": "0x" + "11" * 32, "first": 0, "count": 1, "key": "A" * 43 + "="}
    signature = "0x" + "22" * 65
    return {
        "hello": {
            "protocol": 1,
            "device": to_hex(address_of(device)),
            "time_ms": now_ms,
            "signature": to_hex(sign_digest(device, hello_digest(world.keys.address, now_ms))),
        },
        "open": {"session": session.to_json(), "ticket": ticket.to_json()},
        "lease": named,
        "grant": {"invocation": {}, **{name: named[name] for name in ("first", "count", "key")}},
        "report": {"invocations": []},
        "destroyed": {
            "content": to_hex(song.content),
            "listener": to_hex(b"\x01" * 20),
            "time_ms": now_ms,
            "code": "content.revoked",
            "signature": signature,
        },
        "statement": {"session": "0x" + "11" * 32},
        "books": {"session": "0x" + "11" * 32},
        "voucher": {"voucher": {}},
        "receipts": {"payees": [to_hex(b"\x01" * 20)]},
        "leaf": {"epoch": now_ms // 60_000, "payee": to_hex(b"\x01" * 20)},
        "usage": {"epoch": now_ms // 60_000, "session": "0x" + "11" * 32, "content": to_hex(song.content)},
        "claim": {"claims": [{}]},
        "relayer": {"payee": to_hex(b"\x01" * 20), "amount": "7"},
        "sweep": {"sweep": {}, "permit": signature},
    }


async def test_the_server_does_not_disclose_its_nodes_key(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """With the node down every route and operation answers with a code; neither answers nor logs have a secret."""
    caplog.set_level(logging.DEBUG, "gomaa")
    app = await create_app(
        world.config(rpc=world.deployment.rpc, escrow_age_s=0.001, content_age_s=0.001, auto_close=True)
    )
    said: list[str] = []
    async with TestClient(TestServer(app)) as client:
        world.url = str(client.make_url("")).rstrip("/")
        song = await world.publish()
        now_ms = await world.now_ms()
        asked = samples(world, song, now_ms)
        assert asked.keys() == {str(each.__struct_config__.tag) for each in typing.get_args(requests.Operation)}
        socket = await client.ws_connect("/v1/host")
        await socket.send_json({"id": 1, "op": "hello", **asked.pop("hello")})
        assert (await socket.receive_json())["ok"]
        world.anvil.stop()
        for op, fields in asked.items():
            await socket.send_json({"id": 2, "op": op, **fields})
            said.append(await socket.receive_str())
        assert "chain.unreachable" in {json.loads(text).get("error", {}).get("code") for text in said}
        await socket.close()
        said.extend([text async for text in answers(client, app, bodies(world, song, now_ms))])
    assert any("chain.unreachable" in text for text in said[len(asked) :])
    said.extend(record.getMessage() + (caplog.handler.format(record)) for record in caplog.records)
    for secret in secrets(world):
        assert not any(secret in text for text in said), secret


def bodies(world: World, song: Upload, now_ms: int) -> dict[str, Any]:
    """Bodies of requests, by route."""
    statement = to_hex(sign_digest(world.station_key, statement_digest(world.keys.address, now_ms // 1000)))
    return {
        "/v1/contents/{content}": song.body(world.owner_key, world.keys.exchange_public),
        "/v1/statements": {"payer": to_hex(world.station), "time_s": now_ms // 1000, "signature": statement},
        "/v1/vouchers": {"voucher": {}},
        "/v1/claims": {"claims": [{}]},
        "/gomaa/tickets": {
            "session": world.session(b"\x01" * 20, now_ms // 1000).to_json(),
            "content": to_hex(song.content),
        },
        "/gomaa/points": {"session": world.session(b"\x01" * 20, now_ms // 1000).to_json()},
    }


async def answers(client: Client, app: web.Application, given: dict[str, Any]) -> AsyncIterator[str]:
    """Return every route's answer: headers and body."""
    for route in app.router.routes():
        if route.resource is None or route.method in ("HEAD", "OPTIONS"):
            continue
        pattern, method = route.resource.canonical, "GET" if route.method == "*" else route.method
        path = pattern.format_map(dict.fromkeys(("content", "payer", "payee", "server"), "0x" + "11" * 20) | NAMES)
        for body in (given.get(pattern), {"wrong": "field"}):
            headers = {"Authorization": f"Bearer {ADMIN}"} if "account" in path else {}
            options = {"json": body} if body is not None and method != "GET" else {}
            async with client.request(method, path, headers=headers, **options) as response:
                yield f"{method} {path} {response.status} {dict(response.headers)} " + (await response.read()).decode(
                    "utf-8", "replace"
                )


NAMES = {"epoch": "7", "name": "song", "part": "x", "path": "gomaa/x"}


async def test_the_station_does_not_disclose_its_nodes_key(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """The same at a station; the operator's account shows host and port of the unreachable node, and no more."""
    caplog.set_level(logging.DEBUG, "gomaa")
    shelf = world.folder / "songs"
    shelf.mkdir()
    async with world.server():
        song = await world.publish()
        now_ms = await world.now_ms()
        (shelf / "song.sps").write_bytes(MAGIC + len(song.cose).to_bytes(4, "big") + song.cose)
        (world.folder / "station.key").write_text(to_hex(world.station_key))
        (world.folder / "admin.token").write_text(ADMIN)
        config = StationConfig(
            domain="radio.example",
            name="Radio Example",
            key_file=world.folder / "station.key",
            deployment_file=world.folder / "deployment.json",
            catalogue=shelf,
            database=str(world.folder / "station.sqlite3"),
            servers={world.keys.address: world.url.replace("://", f"://{USER}:{PASSWORD}@")},
            statement_seconds=3600,
            admin_token_file=world.folder / "admin.token",
        )
        app = create_station(config)
        async with TestClient(TestServer(app)) as client:
            given = bodies(world, song, now_ms)
            before = [text async for text in answers(client, app, given)]
            assert any("POST /gomaa/tickets 200" in text for text in before)
            world.anvil.stop()
            said = [text async for text in answers(client, app, given)]
    assert any("/gomaa/tickets 503" in text and "chain.unreachable" in text for text in said)
    said += before
    said.extend(record.getMessage() + caplog.handler.format(record) for record in caplog.records)
    for secret in (USER, PASSWORD, KEY, str(world.folder), "deployment.json", "Traceback"):
        assert not any(secret in text for text in said), secret
