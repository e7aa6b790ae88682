"""Transports to a node: no redirects, no cookies, bounded responses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import BaseTestServer, TestServer

from chain import transport
from chain.transport import TRANSPORT_ERRORS, open_transport
from native_host.remote.server import Server
from pywallet.errors import Unavailable

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[BaseTestServer]:
    """A web server with one response."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    async with TestServer(app) as server:
        yield server


@asynccontextmanager
async def elsewhere(asked: list[str], status: int = 307) -> AsyncIterator[BaseTestServer]:
    """A server that redirects to a private service, and the requests that reach it."""

    async def private(request: web.Request) -> web.StreamResponse:
        asked.append(f"{request.method} {request.path}")
        return web.Response(text='{"id": 1, "result": "0x1"}')

    async with serving(private) as inside:

        async def moved(request: web.Request) -> web.StreamResponse:
            scheme = "ws" if "Upgrade" in request.headers else "http"
            return web.Response(
                status=status, headers={"Location": str(inside.make_url("/private").with_scheme(scheme))}
            )

        async with serving(moved) as server:
            yield server


async def said(url: str) -> str | bytes | None:
    """A node's first message, None at the end of the connection."""
    link = await open_transport(url, 5)
    try:
        await link.send("{}")
        async for text in link:
            return text
        return None
    finally:
        await link.close()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_of_a_node_are_not_followed(status: int) -> None:
    """A node could direct requests to a private service."""
    asked: list[str] = []
    async with elsewhere(asked, status) as server:
        assert await said(str(server.make_url("/"))) is None
        with pytest.raises(TRANSPORT_ERRORS):
            await open_transport(str(server.make_url("/")).replace("http", "ws", 1), 5)
    assert asked == []


async def test_redirects_of_a_security_server_are_not_followed() -> None:
    """A security server could direct the host to a private service."""
    asked: list[str] = []
    async with elsewhere(asked) as server:
        line = Server(bytes(20), str(server.make_url("/")), b"\x01" * 32, lambda: 0, lambda *_: None, _unwatched)
        with pytest.raises(Unavailable, match=r"server\.unreachable"):
            await line.ready(1)
        await line.close()
    assert asked == []


async def test_cookies_are_not_sent_back() -> None:
    """A node could recognise a client by a cookie."""
    cookies: list[str | None] = []

    async def marking(request: web.Request) -> web.StreamResponse:
        cookies.append(request.headers.get("Cookie"))
        return web.Response(text="{}", headers={"Set-Cookie": "fan=known; Path=/"})

    async with serving(marking) as server:
        link = await open_transport(f"http://localhost:{server.port}/", 5)
        for _ in range(2):
            await link.send("{}")
            assert await anext(aiter(link)) == "{}"
        await link.close()
    assert cookies == [None, None]


@pytest.mark.parametrize("encoding", ["identity", "deflate"])
async def test_an_endless_response_ends_the_connection(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    """A response without end, or a compressed one, would exhaust the memory."""
    monkeypatch.setattr(transport, "MAX_MESSAGE", 1 << 20)
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        if encoding == "deflate":
            response.enable_compression(web.ContentCoding.deflate)
        await response.prepare(request)
        while sent < 1 << 30:
            await response.write(bytes(1 << 18))
            sent += 1 << 18
            await asyncio.sleep(0)
        return response

    async with serving(endless) as server:
        assert await said(str(server.make_url("/"))) is None
    assert sent < 1 << 30


async def _unwatched(_server: Server, _up: bool) -> None:
    """State of a connection that is not used."""
