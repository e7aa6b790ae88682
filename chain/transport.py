"""Transports of JSON-RPC messages to a node: WebSocket and HTTP behind one interface."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Final, Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from common.http_body import read_up_to

MAX_MESSAGE: Final = 64 << 20
"""Longest message that a node may send, bytes."""
TRANSPORT_ERRORS: Final = (OSError, TimeoutError, WebSocketException, ValueError)
"""Exceptions that a lost or refused connection raises."""


class Transport(Protocol):
    """Common transport interface: text messages in both directions.

    Iteration yields what the node sends, and ends when the connection is lost.
    """

    pushes: bool
    """True if the node can send without a request, as subscriptions need."""

    async def send(self, text: str) -> None:
        """Send one message. Raises one of ``TRANSPORT_ERRORS``."""

    def __aiter__(self) -> AsyncIterator[str | bytes]:
        """Iterate over the node's messages."""

    async def close(self) -> None:
        """Close the connection."""


async def open_transport(url: str, timeout_s: float) -> Transport:
    """Connect to a node.

    Args:
        url: A ``ws://``, ``wss://``, ``http://`` or ``https://`` URL.
        timeout_s: Limit for opening a WebSocket, and for each HTTP request, seconds.

    Raises:
        TRANSPORT_ERRORS: The node cannot be reached.
    """
    if url.startswith(("http://", "https://")):
        return HttpTransport(url, timeout_s)
    return WebSocketTransport(
        await NoRedirectConnect(url, open_timeout=timeout_s, max_size=MAX_MESSAGE, compression=None, ping_interval=20)
    )


class NoRedirectConnect(connect):
    """A WebSocket connection that treats a redirect as an error.

    A redirect would let the answering server choose the address that is contacted next.
    """

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Return the exception, so that no redirect is followed."""
        return exc


class WebSocketTransport:
    """A WebSocket as a transport."""

    pushes = True

    def __init__(self, connection: ClientConnection) -> None:
        self._socket = connection

    async def send(self, text: str) -> None:
        """See ``Transport``."""
        await self._socket.send(text)

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        """See ``Transport``."""
        async for message in self._socket:
            self._acknowledge()
            yield message

    def _acknowledge(self) -> None:
        """Acknowledge what has arrived without the system's delay of 40 ms.

        A node that uses Nagle's algorithm (RFC 896) keeps its next answer until the one before is acknowledged.
        """
        connection = self._socket.transport.get_extra_info("socket")
        if connection is not None and hasattr(socket, "TCP_QUICKACK"):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    async def close(self) -> None:
        """See ``Transport``."""
        await self._socket.close()


class HttpTransport:
    """HTTP as a transport: each message is a POST, responses are yielded in the order of their arrival.

    A failed request ends the iteration, as a broken socket would.
    """

    pushes = False

    def __init__(self, url: str, timeout_s: float) -> None:
        import aiohttp

        self._url = url
        timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session = aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(), timeout=timeout, raise_for_status=True
        )
        self._received: asyncio.Queue[str | None] = asyncio.Queue()
        self._requests: set[asyncio.Task[None]] = set()

    async def send(self, text: str) -> None:
        """See ``Transport``."""
        task = asyncio.create_task(self._post(text))
        self._requests.add(task)
        task.add_done_callback(self._requests.discard)

    async def _post(self, text: str) -> None:
        import aiohttp

        if self._session.closed:
            return
        try:
            headers = {"Content-Type": "application/json"}
            async with self._session.post(self._url, data=text, headers=headers, allow_redirects=False) as response:
                if response.status >= 300 or (response.content_length or 0) > MAX_MESSAGE:
                    raise ValueError(response.status)
                raw = await read_up_to(response.content, MAX_MESSAGE + 1)
                if len(raw) > MAX_MESSAGE:
                    raise ValueError("too long")
                self._received.put_nowait(raw.decode())
        except (aiohttp.ClientError, *TRANSPORT_ERRORS):
            self._received.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        """See ``Transport``."""
        while (text := await self._received.get()) is not None:
            yield text

    async def close(self) -> None:
        """See ``Transport``."""
        for task in [*self._requests]:
            task.cancel()
        await self._session.close()
        self._received.put_nowait(None)
