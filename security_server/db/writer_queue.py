"""Functions that wait for the writer thread, and an estimate of the time until they are called."""

from __future__ import annotations

import queue
from collections import deque
from typing import Final, Generic, TypeVar

T = TypeVar("T")

BATCH: Final = 64
"""Most functions of one transaction."""
_OLD: Final = 0.95
"""Weight of the mean before, for each function of a listener that is measured."""
_OLD_FLUSH: Final = 0.8
"""Weight of the mean before, for each flush that is measured."""


class WriterQueue(Generic[T]):
    """A queue with one reader: settlement's functions leave it first, then those of listeners' requests."""

    def __init__(self) -> None:
        self._tokens: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._settlement: deque[T] = deque()
        self._listeners: deque[T] = deque()

    def put(self, job: T, *, for_listener: bool) -> None:
        """Add one; callable from any thread."""
        (self._listeners if for_listener else self._settlement).append(job)
        # After the job, so that whoever takes the token finds one.
        self._tokens.put(True)

    def end(self) -> None:
        """End the queue after what is in it."""
        self._tokens.put(False)

    def take(self) -> T | None:
        """The next one, as soon as there is one; None at the end of the queue."""
        if not self._tokens.get():
            return None
        return (self._settlement or self._listeners).popleft()

    def empty(self) -> bool:
        """True if ``take`` would wait."""
        return self._tokens.empty()

    @property
    def listeners(self) -> int:
        """Functions of listeners' requests that wait."""
        return len(self._listeners)


class WriterTimes:
    """Recent means of the writer's times: written by its thread, read by others."""

    def __init__(self) -> None:
        self._function_s = 0.0
        self._flush_s = 0.0

    def measured(self, functions: int, functions_s: float, flush_s: float) -> None:
        """Record one transaction.

        Args:
            functions: Number of listeners' functions in it.
            functions_s: Seconds that these took together.
            flush_s: Seconds of writing the rows, and of the commit.
        """
        if functions:
            old = _OLD**functions
            self._function_s = old * self._function_s + (1 - old) * functions_s / functions
        self._flush_s = _OLD_FLUSH * self._flush_s + (1 - _OLD_FLUSH) * flush_s

    def wait_s(self, waiting: int) -> float:
        """Estimated seconds until a function is called for which so many functions of listeners are called before."""
        return waiting * self._function_s + waiting // BATCH * self._flush_s
