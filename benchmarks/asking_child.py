"""Processor time of a server while a child process asks it."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any


async def asked_s(
    module: str,
    url: str,
    hosts: Any,
    answers: int,
    folder: Path,
    *,
    ready: Callable[[], Awaitable[object]] | None = None,
    clock: Callable[[], float] = time.process_time,
) -> float:
    """Processor seconds, by default of this process, from the child's start to its last answer.

    Args:
        module: The child's; it takes ``url`` and a file of ``hosts``, prints ``ready``, reads a line, asks, and prints
            the answers by code as JSON.
        url: Whom it asks: by default a server in this process.
        hosts: Frames to send, as JSON.
        answers: Number of answers, all ``ok``.
        folder: Where the file is written.
        ready: Awaited once the child is ready, before the clock starts.
        clock: Processor time so far of whom it asks, seconds.

    Raises:
        RuntimeError: A request was refused.
    """
    path = folder / "frames.json"
    path.write_text(json.dumps(hosts))
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(sys.executable, "-m", module, url, str(path), stdin=pipe, stdout=pipe)
    assert child.stdin is not None
    assert child.stdout is not None
    assert await child.stdout.readline() == b"ready\n"
    if ready is not None:
        await ready()
    child.stdin.write(b"go\n")
    start = clock()
    counted = json.loads(await child.stdout.readline())
    spent = clock() - start
    assert await child.wait() == 0
    if counted != {"ok": answers}:
        raise RuntimeError(f"not every request was answered: {counted}")
    return spent
