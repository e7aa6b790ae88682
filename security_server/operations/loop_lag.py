"""Measurement of the event loop's delay."""

from __future__ import annotations

import asyncio
from typing import Final

from security_server.operations.metrics import Metrics

EVERY_S: Final = 0.5
"""Seconds between two measurements."""


async def measure_lag(metrics: Metrics) -> None:
    """Record until cancelled how late the event loop resumes a task that sleeps."""
    loop = asyncio.get_running_loop()
    while True:
        wanted = loop.time() + EVERY_S
        await asyncio.sleep(EVERY_S)
        metrics.loop_delayed(max(0.0, loop.time() - wanted))
