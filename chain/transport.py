"""The line to a node: one WebSocket, or HTTP requests behind the same small face."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final, Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from common.http_body import read_up_to

MAX_MESSAGE: Final = 64 << 20
FAULTS: Final = (OSError, TimeoutError, WebSocketException, ValueError)
"""What a lost or impossible connection raises."""


class Link(Protocol):
    """Text out, text in.

    Iteration ends when the line is gone; ``pushes`` says whether the node can speak without being asked.
    """

    pushes: bool

    async def send(self, text: str) -> None:
        """Hand over one message."""

    def __aiter__(self) -> AsyncIterator[str | bytes]:
        """What the node says."""

    async def close(self) -> None:
        """Hang up."""


async def open_link(url: str, timeout_s: float) -> Link:
    """Connect to ``ws://``, ``wss://``, ``http://`` or ``https://``. Raises one of ``FAULTS``."""
    if url.startswith(("http://", "https://")):
        return HttpLink(url, timeout_s)
    return SocketLink(
        await Straight(url, open_timeout=timeout_s, max_size=MAX_MESSAGE, compression=None, ping_interval=20)
    )


class Straight(connect):
    """A WebSocket to the address that was given.

    A redirect is an error, or whoever answers chooses what is asked next.
    """

    def process_redirect(self, exc: Exception) -> Exception | str:
        """See ``connect``."""
        return exc


class SocketLink:
    """A WebSocket."""

    pushes = True

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    async def send(self, text: str) -> None:
        """See Link."""
        await self._socket.send(text)

    def __aiter__(self) -> AsyncIterator[str | bytes]:
        """See Link."""
        return self._socket.__aiter__()

    async def close(self) -> None:
        """See Link."""
        await self._socket.close()


class HttpLink:
    """Each message is a POST; the answers come as they arrive.

    A request that fails ends the line, as a broken socket would.
    """

    pushes = False

    def __init__(self, url: str, timeout_s: float) -> None:
        import aiohttp

        self._url = url
        timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session = aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(), timeout=timeout, raise_for_status=True
        )
        self._came: asyncio.Queue[str | None] = asyncio.Queue()
        self._asking: set[asyncio.Task[None]] = set()

    async def send(self, text: str) -> None:
        """See Link."""
        task = asyncio.create_task(self._post(text))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _post(self, text: str) -> None:
        import aiohttp

        if self._session.closed:
            return
        try:
            headers = {"Content-Type": "application/json"}
            async with self._session.post(self._url, data=text, headers=headers, allow_redirects=False) as answer:
                if answer.status >= 300 or (answer.content_length or 0) > MAX_MESSAGE:
                    raise ValueError(answer.status)
                raw = await read_up_to(answer.content, MAX_MESSAGE + 1)
                if len(raw) > MAX_MESSAGE:
                    raise ValueError("too long")
                self._came.put_nowait(raw.decode())
        except (aiohttp.ClientError, *FAULTS):
            self._came.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        """See Link."""
        while (text := await self._came.get()) is not None:
            yield text

    async def close(self) -> None:
        """See Link."""
        for task in [*self._asking]:
            task.cancel()
        await self._session.close()
        self._came.put_nowait(None)
