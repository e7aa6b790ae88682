"""One failure and one success that the runner must report; not collected by itself."""

from __future__ import annotations

import asyncio


async def test_fails_after_waiting() -> None:
    """Fail after an iteration of the event loop."""
    await asyncio.sleep(0)
    raise AssertionError("as it should")


async def test_passes_after_waiting() -> None:
    """Pass after an iteration of the event loop."""
    await asyncio.sleep(0)
