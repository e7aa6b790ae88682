"""Trusted time: block timestamps, extrapolated by the monotonic clock.

Each block gives a sample: its timestamp minus the monotonic clock at its arrival. A delayed block gives a lower sample,
so the highest of the recent samples counts. A single header must not shift the clock for good:

- A block's timestamp is no lower than its parent's. A later block with a lower timestamp disproves an
  earlier sample, which is dropped.
- A step of more than ``STEP_MS``, either way, is taken only when the node confirms it by its newest
  block: a chain whose time jumps (in a test, or after this machine slept) is followed at once, a header of one message
  is not.
- A sample is dropped after ``MAX_SAMPLES`` blocks, so that a step below ``STEP_MS`` that is not disproved ends too.

``now_ms`` never runs backwards, with one exception: when the clock had followed a block from the future that the chain
has since replaced. Without it the clock would stand still for as long as that block was ahead.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from dataclasses import dataclass
from typing import Final

from chain.client import Chain
from chain.node_answers import Block
from pywallet.errors import GomaaError

STEP_MS: Final = 15_000
"""Longest step that a single header may cause, milliseconds."""
MAX_SAMPLES: Final = 64
"""Most samples that are kept."""


@dataclass(frozen=True, slots=True)
class _Sample:
    """A block's number and timestamp (Unix s), and its timestamp minus the monotonic clock, ms."""

    number: int
    timestamp: int
    offset_ms: int


class ChainClock:
    """The chain's clock, for ``async with``. ``now_ms()`` makes no request."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._samples: deque[_Sample] = deque(maxlen=MAX_SAMPLES)
        self._last_ms = 0
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> ChainClock:
        self._samples.append(_sample(await self._chain.block()))
        self._task = asyncio.create_task(self._follow())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def now_ms(self) -> int:
        """Unix milliseconds on the chain's clock."""
        self._last_ms = max(self._last_ms, self._estimate(self._samples))
        return self._last_ms

    def _estimate(self, samples: deque[_Sample]) -> int:
        return _monotonic_ms() + max(sample.offset_ms for sample in samples)

    async def _follow(self) -> None:
        while True:
            with contextlib.suppress(GomaaError):
                async for block in self._chain.heads():
                    await self._on_block(block)
            await asyncio.sleep(1)

    async def _on_block(self, block: Block) -> None:
        """Add a new block's sample; a long step is confirmed by the node first."""
        samples = self._with(_sample(block))
        if abs(self._estimate(samples) - self.now_ms()) > STEP_MS:
            # The node's present newest block replaces the header that was pushed.
            samples = self._with(_sample(await self._chain.block()))
        after = self._estimate(samples)
        self._samples = samples
        if self._last_ms - after > STEP_MS:
            self._last_ms = after

    def _with(self, new: _Sample) -> deque[_Sample]:
        """The samples and one more, without those that it disproves."""
        kept = (old for old in self._samples if old.number >= new.number or old.timestamp <= new.timestamp)
        return deque((*kept, new), maxlen=MAX_SAMPLES)


def _sample(block: Block) -> _Sample:
    return _Sample(block.number, block.timestamp, block.timestamp * 1000 - _monotonic_ms())


def _monotonic_ms() -> int:
    return time.monotonic_ns() // 1_000_000
