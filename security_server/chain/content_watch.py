"""Subscriptions to the contracts of contents."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from chain.client import Chain
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError
from security_server.chain.cache import Cache

log = logging.getLogger("gomaa.server")

RETRY_S = 1
"""Seconds between the end of a subscription and the next one."""

OnWithdrawn = Callable[[bytes, str], Awaitable[None]]
"""Callback for a content that is revoked or destroyed: content, error code."""


class ContentWatch:
    """Watches contents' contracts and calls back when one is revoked or destroyed.

    Args:
        chain: The node.
        cache: Its values of kind ``content`` are dropped at every event.
    """

    def __init__(self, chain: Chain, cache: Cache) -> None:
        self._chain = chain
        self._cache = cache
        self._tasks: dict[bytes, list[asyncio.Task[None]]] = {}
        self._on_withdrawn: OnWithdrawn | None = None

    def on_withdrawn(self, callback: OnWithdrawn) -> None:
        """Set the callback."""
        self._on_withdrawn = callback

    def follow(self, content: bytes) -> None:
        """Watch a content's contract from now on."""
        if content not in self._tasks:
            loop = asyncio.get_running_loop()
            self._tasks[content] = [
                loop.create_task(self._watch(content, "Revoked", "content.revoked")),
                loop.create_task(self._watch(content, "Destroyed", "content.destroyed")),
            ]

    async def _watch(self, content: bytes, event: str, code: str) -> None:
        while True:
            try:
                async for _ in self._chain.watch([content], event):
                    self._cache.forget("content")
                    if self._on_withdrawn is not None:
                        await self._on_withdrawn(content, code)
            except GomaaError as error:
                log.warning("watching %s: %s", to_hex(content), error)
            await asyncio.sleep(RETRY_S)

    async def close(self) -> None:
        """Stop watching."""
        tasks = [task for pair in self._tasks.values() for task in pair]
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
