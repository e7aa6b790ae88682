"""Cache of reads of the chain, with an age limit per read."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

T = TypeVar("T")
_MOST: Final = 10_000
"""Most entries; beyond that the cache starts anew."""


class Cache:
    """Values with an age limit; concurrent requests for one key are one read."""

    def __init__(self) -> None:
        self._values: dict[Any, tuple[float, Any]] = {}
        self._locks: dict[Any, asyncio.Lock] = {}

    async def get(self, key: Any, age_s: float, read: Callable[[], Awaitable[T]]) -> T:
        """The cached value, or a new one.

        Args:
            key: A tuple whose first element is the kind.
            age_s: Seconds for which a value is used; 0: always a new one.
            read: Reads the value.
        """
        entry = self._values.get(key)
        if entry is not None and time.monotonic() - entry[0] < age_s:
            return entry[1]  # type: ignore[no-any-return]
        async with self._locks.setdefault(key, asyncio.Lock()):
            entry = self._values.get(key)
            if entry is not None and time.monotonic() - entry[0] < age_s:
                return entry[1]  # type: ignore[no-any-return]
            started = time.monotonic()
            value = await read()
            self.put(key, started, value)
            return value

    def put(self, key: Any, started: float, value: Any) -> None:
        """Keep a value that was read, unless one that was read later is there.

        Args:
            key: As of ``get``.
            started: Monotonic time at which its read began, seconds.
            value: The value.
        """
        entry = self._values.get(key)
        if entry is not None and entry[0] > started:
            return
        if len(self._values) >= _MOST:
            self._values.clear()
            self._locks.clear()
        self._values[key] = (started, value)

    def forget(self, kind: str) -> None:
        """Drop all values of one kind (the key's first element)."""
        for key in [key for key in self._values if key[0] == kind]:
            del self._values[key]
