"""Not collected by itself: what the runner must report as one failure and one success."""

from __future__ import annotations

import asyncio


async def test_fails_after_waiting() -> None:
    """Fails, after the event loop has turned."""
    await asyncio.sleep(0)
    raise AssertionError("as it should")


async def test_passes_after_waiting() -> None:
    """Passes, after the event loop has turned."""
    await asyncio.sleep(0)
