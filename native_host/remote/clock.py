"""Trusted time from this computer's, the chain's and the servers' clocks, and detection of a clock set back."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

AGREE_MS: Final = 1_000
"""Tolerance between a server's clock and this computer's."""
LEAD_MS: Final = 15_000
"""Most that a server's clock may lead this computer's and be used alone."""
ROLLBACK_MS: Final = 120_000
"""A clock is corrected by seconds, not by minutes."""
DAY_MS: Final = 86_400_000


def day_of(time_ms: int) -> int:
    """The day of a budget, counted from 1970 in UTC, so that every day has 24 hours."""
    return time_ms // DAY_MS


def system_ms() -> int:
    """This computer's clock, Unix ms; not trusted."""
    return time.time_ns() // 1_000_000


def steady_ms() -> int:
    """The monotonic clock, ms."""
    return time.monotonic_ns() // 1_000_000


class Clock:
    """Trusted time and rollbacks.

    Args:
        newest_ms: The latest time that the ledger has, Unix ms.
        local: This computer's clock, Unix ms; not trusted.
        steady: A monotonic clock, ms.
    """

    def __init__(self, newest_ms: int, local: Callable[[], int], steady: Callable[[], int] = steady_ms) -> None:
        self._local, self._steady = local, steady
        self._newest_ms = newest_ms
        self._drift_ms = local() - steady()
        self._last_ms: dict[int, int] = {}

    def now_ms(self, chain_ms: int, server_ms: int | None, others_ms: int | None = None, chain_id: int = 0) -> int:
        """Trusted Unix time in ms.

        The chain's time is the floor: setting this computer's clock back gains nothing. Between rare blocks the clock
        of the server that receives the time is used: this computer's error, equal for all servers, would link its
        devices to each other. Time runs backwards only where a server disproves a time that came from this computer's
        clock alone. Each network has its own time, so that blocks ahead of time on one do not affect another.

        Args:
            chain_ms: The chain's time.
            server_ms: The clock of the server that receives the time; None: not known. It is ignored where it leads
                this computer's by more than ``LEAD_MS``.
            others_ms: The latest clock of other servers, which bounds this computer's; None: not known.
            chain_id: The network.
        """
        last_ms = self._last_ms.get(chain_id, 0)
        own = self._local()
        server_clock_ms = others_ms if server_ms is None else server_ms
        if server_ms is not None and server_ms <= own + LEAD_MS:
            own = server_ms
        elif server_clock_ms is not None:
            own = min(own, server_clock_ms + AGREE_MS)
        if server_clock_ms is not None and last_ms > max(chain_ms, server_clock_ms + AGREE_MS):
            last_ms = 0
        self._last_ms[chain_id] = last_ms = max(last_ms, chain_ms, own)
        return last_ms

    def rolled_back(self, trusted_ms: int | None) -> bool:
        """Return whether this computer's clock was set back while the host ran, or against the ledger's newest time.

        Args:
            trusted_ms: Time of chain or server, Unix ms; None while neither is known. A clock that was set back to it,
                or nearer to it, was corrected.
        """
        local, drift_ms = self._local(), self._local() - self._steady()
        agrees = trusted_ms is not None and abs(local - trusted_ms) <= ROLLBACK_MS
        expected = max(self._steady() + self._drift_ms, self._newest_ms)
        if expected - local <= ROLLBACK_MS:
            if agrees:
                self._drift_ms = max(self._drift_ms, drift_ms)
            return False
        if trusted_ms is None or not (agrees or abs(local - trusted_ms) < abs(expected - trusted_ms)):
            return True
        self._drift_ms, self._newest_ms = drift_ms, 0
        return False
