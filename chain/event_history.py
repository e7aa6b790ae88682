"""Past events from nodes that limit the block range of a query: split into several queries, up to a bound."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from chain.node_answers import Declined, Unsupported

MIN_BLOCKS: Final = 10
"""Smallest block range of a query."""
MAX_QUERIES: Final = 64
"""Most queries for one list; one that needs more is declined."""
LIMIT_VALID_S: Final = 600.0
"""Time after which a learnt range is dropped, since the node may only have been busy, seconds."""

Query = Callable[[int, int | None], Awaitable[list[Any]]]


class EventHistory:
    """Collects past events within the block range that a node accepts, learnt from its responses."""

    def __init__(self) -> None:
        self._blocks = 0
        self._until = 0.0

    async def collect(
        self, query: Query, newest: Callable[[], Awaitable[int]], first: int, last: int | None
    ) -> list[Any]:
        """Events of blocks ``first`` to ``last`` (None: the newest), oldest first.

        Args:
            query: Fetches the events of the blocks from one to another, both included; None: the newest.
            newest: Fetches the number of the newest block.
            first: The first block.
            last: The last block; None: the newest.

        Returns:
            The node's raw logs.

        Raises:
            Declined: ``chain.unreachable``; the node refuses even the smallest range, or more than ``MAX_QUERIES`` are
                needed.
            GomaaError: As ``query``.
        """
        if not self._blocks or time.monotonic() > self._until:
            try:
                return await query(first, last)
            except Unsupported:
                raise
            except Declined:
                end = await newest() if last is None else last
                if end - first < MIN_BLOCKS:
                    raise
                self._shrink(end - first + 1)
        end = await newest() if last is None else last
        logs: list[Any] = []
        while first <= end:
            if end - first >= MAX_QUERIES * self._blocks:
                raise Declined("chain.unreachable", reason=f"the node answers for {self._blocks} blocks at a time")
            # The last query is open-ended: the newest block may have advanced meanwhile.
            final = first + self._blocks > end
            to = last if final else first + self._blocks - 1
            try:
                logs += await query(first, to)
            except Declined:
                if self._blocks == MIN_BLOCKS:
                    raise
                self._shrink(self._blocks)
                continue
            if final:
                break
            first += self._blocks
        return logs

    def _shrink(self, declined: int) -> None:
        self._blocks, self._until = max(MIN_BLOCKS, declined // 2), time.monotonic() + LIMIT_VALID_S
