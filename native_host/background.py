"""Tasks that run beside the requests."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any

from pywallet.errors import GomaaError


class BackgroundTasks:
    """Tasks whose expected failures (``GomaaError``) are suppressed. All end with the host."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run a coroutine beside the requests."""
        task = asyncio.create_task(_suppressed(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def cancel(self) -> None:
        """Cancel every task that still runs."""
        for task in list(self._tasks):
            task.cancel()


async def _suppressed(work: Coroutine[Any, Any, Any]) -> None:
    with contextlib.suppress(GomaaError, asyncio.CancelledError):
        await work
