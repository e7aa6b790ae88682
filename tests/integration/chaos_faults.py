"""Faults of server processes, of their way to PostgreSQL, and of PostgreSQL, each with the time until hosts go on."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from demo.waiting import TIMEOUT_S
from security_server.db.sessions import ANSWER_S, IDLE_S
from tests.integration.chaos_hosts import ChaosHost
from tests.integration.server_processes import Servers

KINDS: Final = ("kill", "stop", "partition", "slow")
LASTS_S: Final = IDLE_S + ANSWER_S
"""How long a process is stopped or cut off, seconds: longer than any limit of a lock, transaction or request."""
SLOW_S: Final = 5.0
"""How long the database is slow, seconds."""
DELAYS_S: Final = (0.05, 0.2)
"""Bounds of the delay of a message of a slow database, seconds."""


@dataclass(frozen=True)
class Fault:
    """A fault and what was measured, seconds.

    Attributes:
        kind: What was done.
        led: True if it was done to the leading process.
        hosts: Hosts that were connected to the process.
        answered_s: Longest time from the next request of one of these hosts to its acknowledgement by another process.
        led_s: Time until another process leads; None: the leading one was not concerned.
    """

    kind: str
    led: bool
    hosts: int
    answered_s: float
    led_s: float | None


class Faults:
    """Causes faults.

    Args:
        servers: The processes.
        hosts: Hosts that play.
        dice: Chooses the process.
    """

    def __init__(self, servers: Servers, hosts: Sequence[ChaosHost], dice: random.Random) -> None:
        self._servers, self._hosts, self._dice = servers, hosts, dice

    async def cause(self, kind: str, *, leader: bool) -> Fault:
        """Cause a fault, wait until hosts and leadership have gone on, and end it."""
        if kind == "failover":
            return await self._fail_over()
        leading = await self._servers.until_led()
        others = [process.number for process in self._servers.processes if process.number != leading]
        number = leading if leader else self._dice.choice(others)
        process = self._servers.processes[number]
        concerned = [host for host in self._hosts if host.connected == number]
        began = time.monotonic()
        if kind == "kill":
            process.kill()
        elif kind == "stop":
            process.stop()
        elif kind == "partition":
            self._servers.proxies[number].hold()
        else:
            self._servers.proxies[number].delay(*DELAYS_S)
        try:
            if kind == "slow":
                await asyncio.sleep(SLOW_S)
                return Fault(kind, leader, len(concerned), 0.0, None)
            led = asyncio.create_task(self._led(number, began)) if leader else None
            answered_s = max([await _answered_s(host, number, began) for host in concerned], default=0.0)
            led_s = await led if led is not None else None
            await asyncio.sleep(max(0.0, LASTS_S - (time.monotonic() - began)) if kind != "kill" else 0)
            return Fault(kind, leader, len(concerned), round(answered_s, 2), led_s)
        finally:
            if kind == "kill":
                await process.start()
            elif kind == "stop":
                process.go_on()
            elif kind == "partition":
                self._servers.proxies[number].pass_on()
            else:
                self._servers.proxies[number].delay(0.0, 0.0)

    async def _led(self, but: int, began: float) -> float:
        await self._servers.until_led(but)
        return round(time.monotonic() - began, 2)

    async def _fail_over(self) -> Fault:
        began = time.monotonic()
        primary = await asyncio.to_thread(self._servers.cluster.fail_over)
        for proxy in self._servers.proxies:
            await asyncio.to_thread(proxy.direct, primary.port)
        answered_s = max([await _answered_s(host, None, began) for host in self._hosts], default=0.0)
        await self._servers.until_led()
        return Fault("failover", True, len(self._hosts), round(answered_s, 2), round(time.monotonic() - began, 2))


async def _answered_s(host: ChaosHost, number: int | None, began: float) -> float:
    """Seconds from the host's first request after ``began`` to its answer by another process than ``number``."""
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            found = [at - max(asked, began) for asked, at, by in host.answers if at > began and by != number]
            if found:
                return found[0]
            await asyncio.sleep(0.02)


def sequence(dice: random.Random, rounds: int) -> list[tuple[str, bool]]:
    """Kinds of faults, and True for those of the leading process: each kind of both in each round, and one failover."""
    found = [(kind, leader) for _ in range(rounds) for kind in KINDS for leader in (True, False)]
    dice.shuffle(found)
    found.insert(dice.randrange(len(found) // 2, len(found)), ("failover", True))
    return found
