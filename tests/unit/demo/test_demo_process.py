"""Ports of the demo's services."""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
import sys

import pytest

from demo.process import free_port

IP_LOCAL_PORT_RANGE = 51
"""Option of Linux 6.3 and later: the ports among which the system picks one for this socket (ip(7))."""


def picking_from(port: int) -> socket.socket:
    """Return a socket for which the system can choose only this port."""
    one = socket.socket()
    try:
        one.setsockopt(socket.IPPROTO_IP, IP_LOCAL_PORT_RANGE, struct.pack("=I", port << 16 | port))
    except OSError:
        one.close()
        pytest.skip("this system can't narrow the choice of ports for one socket")
    return one


@pytest.mark.skipif(sys.platform != "linux", reason="ports are kept on Linux only")
def test_a_reserved_port_is_chosen_for_nothing_else() -> None:
    """Neither for another listener nor for a connection's local end, in the seconds before its service listens."""
    port = free_port()
    with picking_from(port) as listener, pytest.raises(OSError, match="in use") as refused:
        listener.bind(("127.0.0.1", 0))
    assert refused.value.errno == errno.EADDRINUSE
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        picking_from(port) as client,
        pytest.raises(OSError) as refused,
    ):
        client.connect(server.getsockname())
    assert refused.value.errno == errno.EADDRNOTAVAIL


def test_the_service_can_listen_on_its_reserved_port() -> None:
    """As uvicorn does, through asyncio."""
    port = free_port()

    async def listen() -> int:
        server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", port)
        async with server:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return int(server.sockets[0].getsockname()[1])

    assert asyncio.run(listen()) == port
