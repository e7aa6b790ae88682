"""Past events of nodes that answer for so many blocks at a time: as many questions as it takes, up to a bound."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from chain.node_answers import Declined, Unsupported

LEAST: Final = 10
"""Blocks of the smallest question."""
PARTS: Final = 64
"""Questions for one list: what takes more is declined."""
KEPT_S: Final = 600.0
"""A node that declined may have been busy only: after so long it is asked for everything again."""

Ask = Callable[[int, int | None], Awaitable[list[Any]]]


class Past:
    """Limits of a node, as its answers have shown them."""

    def __init__(self) -> None:
        self._blocks = 0
        self._until = 0.0

    async def collect(self, ask: Ask, newest: Callable[[], Awaitable[int]], first: int, last: int | None) -> list[Any]:
        """Events of blocks ``first`` to ``last`` (None: the newest), oldest first.

        Args:
            ask: One question: events of the blocks from one to another, both included.
            newest: The number of the newest block.
            first: The first block.
            last: The last block.

        Raises:
            Declined: The node does not answer, or for too few blocks at a time.
            GomaaError: As ``ask``.
        """
        if not self._blocks or time.monotonic() > self._until:
            try:
                return await ask(first, last)
            except Unsupported:
                raise
            except Declined:
                end = await newest() if last is None else last
                if end - first < LEAST:
                    raise
                self._smaller(end - first + 1)
        end = await newest() if last is None else last
        found: list[Any] = []
        while first <= end:
            if end - first >= PARTS * self._blocks:
                raise Declined("chain.unreachable", reason=f"the node answers for {self._blocks} blocks at a time")
            # To the newest block, if it is the last part: it may have become older meanwhile.
            final = first + self._blocks > end
            to = last if final else first + self._blocks - 1
            try:
                found += await ask(first, to)
            except Declined:
                if self._blocks == LEAST:
                    raise
                self._smaller(self._blocks)
                continue
            if final:
                break
            first += self._blocks
        return found

    def _smaller(self, declined: int) -> None:
        self._blocks, self._until = max(LEAST, declined // 2), time.monotonic() + KEPT_S
