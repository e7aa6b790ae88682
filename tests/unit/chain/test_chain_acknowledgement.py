"""The WebSocket to a node on a real line."""

from __future__ import annotations

import socket

import pytest
from websockets.asyncio.server import ServerConnection, serve

from chain.transport import open_transport

MESSAGES = 20


@pytest.mark.skipif(not hasattr(socket, "TCP_QUICKACK"), reason="an option of Linux")
async def test_every_answer_is_acknowledged_at_once() -> None:
    """A node that uses Nagle's algorithm would keep each next answer for 40 ms."""

    async def echo(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    async with serve(echo, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        transport = await open_transport(f"ws://127.0.0.1:{port}", 10)
        line = transport._socket.transport.get_extra_info("socket")  # type: ignore[attr-defined]
        await transport.send("0")
        seen = 0
        async for _ in transport:
            assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK) == 1
            seen += 1
            if seen == MESSAGES:
                break
            await transport.send(str(seen))
        await transport.close()
