"""Facts of the contracts about contents, read in one request and used again while they are fresh."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from chain.contracts.content_facts import ContentFacts

FRESH_S: Final = 20.0
"""Time for which facts are used again, seconds. Watched contents are read anew before it ends."""
MOST_ENTRIES: Final = 256

Read = Callable[[bytes, str, int], Awaitable["ContentFacts"]]
"""Reads the facts of content, domain and epoch."""


@dataclass(frozen=True)
class _Entry:
    """Facts or the request that reads them, and the monotonic time at which it was sent, seconds."""

    facts: asyncio.Task[ContentFacts]
    at_s: float


class FreshFacts:
    """Facts by content, domain and epoch. Requests for the same facts at the same time are one."""

    def __init__(self, read: Read, now_s: Callable[[], float] = time.monotonic) -> None:
        """Begin without facts.

        Args:
            read: Reads the facts of content, domain and epoch.
            now_s: The monotonic clock, seconds.
        """
        self._read, self._now_s = read, now_s
        self._entries: dict[tuple[bytes, str, int], _Entry] = {}

    async def get(self, content: bytes, domain: str, epoch: int) -> ContentFacts:
        """Facts that are at most ``FRESH_S`` old and that no event has changed since. Raises as ``read``."""
        entry = self._entries.get((content, domain, epoch))
        if entry is None or self._now_s() - entry.at_s > FRESH_S:
            entry = self._begin(content, domain, epoch)
        return await self._facts(entry)

    async def refresh(self, content: bytes, epoch: int) -> ContentFacts:
        """Read a content's facts anew for every domain that has them. Raises as ``read``."""
        domains = {domain for known, domain, _ in self._entries if known == content} or {""}
        entries = [self._begin(content, domain, epoch) for domain in domains]
        found = await asyncio.gather(*map(self._facts, entries))
        return found[0]

    def forget(self, content: bytes | None = None) -> None:
        """Drop the facts of a content; None: of all."""
        for key in list(self._entries):
            if content is None or key[0] == content:
                del self._entries[key]

    def _begin(self, content: bytes, domain: str, epoch: int) -> _Entry:
        key = (content, domain, epoch)
        entry = _Entry(asyncio.ensure_future(self._read(content, domain, epoch)), self._now_s())
        # Facts of an epoch that is over are not asked for again.
        for other in [other for other in self._entries if other[:2] == key[:2]]:
            del self._entries[other]
        self._entries[key] = entry
        while len(self._entries) > MOST_ENTRIES:
            del self._entries[next(iter(self._entries))]
        entry.facts.add_done_callback(lambda task: self._end(key, entry, task))
        return entry

    def _end(self, key: tuple[bytes, str, int], entry: _Entry, task: asyncio.Task[ContentFacts]) -> None:
        """Drop a request that failed: the next one tries again."""
        if (task.cancelled() or task.exception() is not None) and self._entries.get(key) is entry:
            del self._entries[key]

    async def _facts(self, entry: _Entry) -> ContentFacts:
        # A caller that is cancelled does not end the request of the others.
        return await asyncio.shield(entry.facts)
