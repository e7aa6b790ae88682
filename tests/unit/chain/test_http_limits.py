"""HTTP limits: client addresses, rates, connections, sizes and times."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from common import http_limits
from common.http_limits import (
    Gate,
    Limits,
    RateLimiter,
    Runner,
    Slots,
    client_address,
    networks,
)
from pywallet.errors import GomaaError, InputError, Refusal

PROXIES = networks(["10.0.0.0/8", "127.0.0.1", "fd00::/8"])


def asked(peer: str, **headers: str) -> str:
    """The address for which a request with these headers from this peer counts."""
    request = make_mocked_request(
        "GET", "/", headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    return client_address(request.clone(remote=peer), PROXIES)


@pytest.mark.parametrize(
    ("peer", "headers", "address"),
    [
        ("203.0.113.9", {}, "203.0.113.9"),
        ("203.0.113.9", {"X_Forwarded_For": "198.51.100.1"}, "203.0.113.9"),
        ("203.0.113.9", {"Forwarded": "for=198.51.100.1"}, "203.0.113.9"),
        ("10.1.2.3", {"X_Forwarded_For": "198.51.100.1"}, "198.51.100.1"),
        ("10.1.2.3", {"X_Forwarded_For": "192.0.2.66, 198.51.100.1"}, "198.51.100.1"),
        ("10.1.2.3", {"X_Forwarded_For": "192.0.2.66, 198.51.100.1, 10.9.9.9"}, "198.51.100.1"),
        ("10.1.2.3", {"X_Forwarded_For": "192.0.2.66, garbage"}, "10.1.2.3"),
        ("10.1.2.3", {"Forwarded": 'for="[2001:db8:1:2::7]:4711";proto=https'}, "2001:db8:1:2::/64"),
        ("10.1.2.3", {"Forwarded": "for=198.51.100.1:80"}, "198.51.100.1"),
        ("10.1.2.3", {"Forwarded": "for=192.0.2.1", "X_Forwarded_For": "198.51.100.1"}, "10.1.2.3"),
        ("10.1.2.3", {}, "10.1.2.3"),
        ("fd00::1", {"X_Forwarded_For": "2001:db8:1:2:3::7"}, "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", {}, "203.0.113.9"),
        ("::ffff:10.0.0.1", {"X_Forwarded_For": "198.51.100.1"}, "198.51.100.1"),
    ],
)
def test_only_trusted_proxies_name_the_client(peer: str, headers: dict[str, str], address: str) -> None:
    """A client could choose its own address by a header."""
    assert asked(peer, **headers) == address


def test_networks_of_a_configuration() -> None:
    """A malformed network would not be named by its field."""
    with pytest.raises(InputError) as refused:
        networks(["10.0.0.0/8", "proxy.example"])
    assert refused.value.detail["field"] == "trusted_proxies"


def test_slots_are_limited_in_all_and_per_key() -> None:
    """A released slot would stay occupied."""
    slots = Slots(3, 2, "server.busy")
    for key in ("a", "a", "b"):
        slots.enter(key)
    for key in ("a", "c"):
        with pytest.raises(Refusal):
            slots.enter(key)
    slots.leave("a")
    slots.enter("a")
    with pytest.raises(Refusal), slots.held("c"):
        pass


def test_a_flood_does_not_keep_its_own_bucket_empty() -> None:
    """Refused requests would use up tokens, so that a client is blocked for ever."""
    now = 0.0
    limiter = RateLimiter(60, lambda: now, code="server.busy")
    for _ in range(60):
        limiter.take("a")
    for _ in range(100):
        with pytest.raises(Refusal):
            limiter.take("a")
    now = 1.0
    limiter.take("a")


@asynccontextmanager
async def serving(limits: Limits, **handlers: Callable[[web.Request], Any]) -> AsyncIterator[int]:
    """An application behind a gate; its port."""
    gate = Gate(limits, {"/long": 100_000}, 1_000)

    @web.middleware
    async def errors(request: web.Request, handler: Any) -> web.StreamResponse:
        try:
            return await handler(request)
        except GomaaError as error:
            return web.json_response(error.to_json(), status=400)

    args = {**http_limits.HANDLER_ARGS}
    app = web.Application(middlewares=[errors, gate.middleware()], handler_args=args)
    app.add_routes([web.route("*", f"/{name}", handler) for name, handler in handlers.items()])
    runner = Runner(app, gate)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def echo(request: web.Request) -> web.Response:
    """Respond with the length of the body."""
    return web.Response(text=str(len(await request.read())))


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time limits in tenths of a second."""
    monkeypatch.setattr(http_limits, "HANDLER_ARGS", {"keepalive_timeout": 0.2, "lingering_time": 0.1})
    monkeypatch.setattr(http_limits, "BODY_S", 0.2)


@pytest.mark.parametrize(
    "half",
    [
        b"",
        b"GET /echo HTTP/1.1\r\nHost: x\r\n",
        b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf",
        b"G",
    ],
)
async def test_incomplete_requests_are_closed(brief: None, half: bytes) -> None:
    """An incomplete request would hold its connection."""
    async with serving(Limits(), echo=echo) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(half)
        rest = await reader.read()
        writer.close()
    assert (b"did not come in time" in rest) == (b"half" in half)


def test_the_time_limits_are_short() -> None:
    """The real limits would be longer than seconds."""
    assert http_limits.HANDLER_ARGS["keepalive_timeout"] == http_limits.HEAD_S <= 30
    assert http_limits.BODY_S + http_limits.LINGER_S <= 30


async def test_bodies_are_limited_by_route() -> None:
    """A route would accept a body above its limit."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield bytes(100)

    async with serving(Limits(), echo=echo, long=echo) as port, aiohttp.ClientSession() as session:
        for path, data, status in (
            ("echo", bytes(1_000), 200),
            ("echo", bytes(1_001), 400),
            ("echo", chunks(), 400),
            ("long", bytes(100_000), 200),
            ("long", bytes(100_001), 400),
            ("nowhere", bytes(1_001), 400),
        ):
            async with session.post(f"http://127.0.0.1:{port}/{path}", data=data) as response:
                assert response.status == status, (path, await response.text())


async def test_requests_per_address_are_limited() -> None:
    """An address could send more by a header of its own."""
    async with serving(Limits(requests_per_minute=3), echo=echo) as port, aiohttp.ClientSession() as session:
        said = []
        for number in range(5):
            headers = {"X-Forwarded-For": f"198.51.100.{number}"}
            async with session.get(f"http://127.0.0.1:{port}/echo", headers=headers) as response:
                said.append((response.status, "server.busy" in await response.text()))
        assert said == [(200, False)] * 3 + [(400, True)] * 2
    trusting = Limits(trusted_proxies=networks(["127.0.0.1"]), requests_per_minute=3)
    async with serving(trusting, echo=echo) as port, aiohttp.ClientSession() as session:
        for number in range(5):
            headers = {"X-Forwarded-For": f"198.51.100.{number}"}
            async with session.get(f"http://127.0.0.1:{port}/echo", headers=headers) as response:
                assert response.status == 200


async def test_connections_per_address_are_limited() -> None:
    """An address could hold more connections, or a closed one would still count."""
    async with serving(Limits(connections_per_address=3), echo=echo) as port, AsyncExitStack() as stack:
        opened = []
        for _ in range(3):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            stack.callback(writer.close)
            writer.write(b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 200")
            opened.append(writer)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n")
        with suppress(ConnectionError):
            assert await reader.read() == b""
        opened[0].close()
        await opened[0].wait_closed()
        while True:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            stack.callback(writer.close)
            writer.write(b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n")
            try:
                if await reader.readline():
                    break
            except ConnectionError:
                continue
