"""Trusted time: the newest block's timestamp plus what has passed since, by a clock nobody sets."""

from __future__ import annotations

import asyncio
import contextlib
import time

from chain.client import Chain
from pywallet.errors import GomaaError


class ChainClock:
    """For ``async with``. ``now_ms()`` never runs backwards and never asks the network."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._offset_ms = 0
        self._last_ms = 0
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> ChainClock:
        self._set((await self._chain.block()).timestamp, first=True)
        self._task = asyncio.create_task(self._follow())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def now_ms(self) -> int:
        """Unix milliseconds on the chain's clock."""
        self._last_ms = max(self._last_ms, _monotonic_ms() + self._offset_ms)
        return self._last_ms

    def _set(self, timestamp_s: int, *, first: bool = False) -> None:
        # A block's second has passed when we hear of it; blocks that come late must not hold the clock back.
        offset = timestamp_s * 1000 - _monotonic_ms()
        self._offset_ms = offset if first else max(self._offset_ms, offset)

    async def _follow(self) -> None:
        while True:
            with contextlib.suppress(GomaaError):
                async for block in self._chain.heads():
                    self._set(block.timestamp)
            await asyncio.sleep(1)


def _monotonic_ms() -> int:
    return time.monotonic_ns() // 1_000_000
