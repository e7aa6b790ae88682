"""Refusal of requests about plays while more waits for the database than is committed in a second.

A request that is refused at once is repeated by its host; one that waits in a long queue is repeated too, once its host
has given up, and then the database works for nobody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from pywallet.errors import Refusal

MOST_S: Final = 1.0
"""Estimated wait from which on every request about a play is refused, seconds."""
FAIR_S: Final = 0.5
"""Estimated wait from which on those of a station with more than its share are refused, seconds."""
RETRY_S: Final = 1
"""Seconds after which a host tries again."""


class BackPressure:
    """Requests about plays that are executed now, by station.

    Settlement is never refused, and the writer takes its functions first (``Store.run``).

    Args:
        wait_s: Estimate of the seconds until a function that is queued now is called.
    """

    def __init__(self, wait_s: Callable[[], float]) -> None:
        self._wait_s = wait_s
        self._open: Counter[bytes | None] = Counter()
        self._total = 0

    @contextmanager
    def held(self, station: bytes | None) -> Iterator[None]:
        """Context manager around the execution of one request.

        Args:
            station: Whose play it is about, 20 bytes; None: not known, and all of these count as one station.

        Raises:
            Refusal: ``server.busy`` with ``retry_after``.
        """
        wait_s = self._wait_s()
        if wait_s > MOST_S or (wait_s > FAIR_S and self._has_more_than_its_share(station)):
            raise Refusal("server.busy", reason="database", retry_after=RETRY_S)
        self._open[station] += 1
        self._total += 1
        try:
            yield
        finally:
            self._total -= 1
            self._open[station] -= 1
            if not self._open[station]:
                del self._open[station]

    def _has_more_than_its_share(self, station: bytes | None) -> bool:
        return self._open[station] * len(self._open) > self._total
