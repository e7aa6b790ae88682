"""One network: its chain client, contract clients and time, and the contents that are watched for revocation."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

from pywallet.errors import GomaaError, Unavailable
from pywallet.protocol import Domain
from pywallet.redaction import place
from pywallet.rules.content_check import withdrawal

if TYPE_CHECKING:
    from chain.client import Chain
    from chain.clock import ChainClock
    from chain.contracts.content import Content
    from chain.contracts.registry import Registry
    from chain.contracts.settlement import Settlement
    from chain.contracts.token import Token
    from chain.deployment import Deployment

CONNECT_S: Final = 5.0
POLL_S: Final = 15.0
"""Interval at which the flags of watched contents are read: a lost connection may miss an event."""

OnWithdrawn = Callable[[bytes, str], None]


class Network:
    """One deployment, connected on first use; reads raise Unavailable ``chain.unreachable`` where that fails."""

    def __init__(self, deployment: Deployment, on_withdrawn: OnWithdrawn) -> None:
        self.deployment = deployment
        self._on_withdrawn = on_withdrawn
        self._stack = AsyncExitStack()
        self._lock = asyncio.Lock()
        self._chain: Chain | None = None
        self._clock: ChainClock | None = None
        self._watches: dict[bytes, asyncio.Task[None]] = {}

    @property
    def domain(self) -> Domain:
        """The EIP-712 domain of this network's messages."""
        domain: Domain = self.deployment.domain
        return domain

    async def ready(self) -> None:
        """Connect, unless it is connected.

        Raises:
            Unavailable: ``chain.unreachable``.
            GomaaError: ``chain.mismatch`` for a node of another chain.
        """
        if self._chain is not None:
            return
        async with self._lock:
            if self._chain is not None:
                return
            # Imported on first use: the ABI library delays the start, for which the browser waits.
            from chain.clock import ChainClock

            stack = AsyncExitStack()
            try:
                async with asyncio.timeout(CONNECT_S):
                    chain = await stack.enter_async_context(self.deployment.connect())
                    clock = await stack.enter_async_context(ChainClock(chain))
            except (TimeoutError, OSError) as e:
                await stack.aclose()
                raise Unavailable(
                    "chain.unreachable", node=place(self.deployment.rpc), reason=type(e).__name__
                ) from None
            except BaseException:
                await stack.aclose()
                raise
            self._stack, self._chain, self._clock = stack, chain, clock

    def now_ms(self) -> int:
        """The chain's time, Unix ms; before the first connection this computer's."""
        return int(self._clock.now_ms()) if self._clock is not None else time.time_ns() // 1_000_000

    def chain_ms(self) -> int | None:
        """The chain's time, Unix ms; None before the first connection."""
        return None if self._clock is None else int(self._clock.now_ms())

    @property
    def chain(self) -> Chain:
        """The connection. Raises Unavailable before ``ready``."""
        if self._chain is None:
            raise Unavailable("chain.unreachable", node=place(self.deployment.rpc))
        return self._chain

    @property
    def registry(self) -> Registry:
        """Client of the registry."""
        from chain.contracts.registry import Registry

        return Registry(self.chain, self.deployment)

    @property
    def settlement(self) -> Settlement:
        """Client of the settlement."""
        from chain.contracts.settlement import Settlement

        return Settlement(self.chain, self.deployment)

    @property
    def token(self) -> Token:
        """Client of the token."""
        from chain.contracts.token import Token

        return Token(self.chain, self.deployment)

    def content(self, address: bytes) -> Content:
        """Client of a content."""
        from chain.contracts.content import Content

        return Content(self.chain, address)

    def watch(self, content: bytes) -> None:
        """Watch a content until ``unwatch``; ``on_withdrawn`` is called once it is revoked or destroyed."""
        if content not in self._watches:
            self._watches[content] = asyncio.create_task(self._watch(content))

    def unwatch(self, content: bytes) -> None:
        """Stop watching a content."""
        task = self._watches.pop(content, None)
        if task is not None:
            task.cancel()

    async def close(self) -> None:
        """Stop watching, and disconnect."""
        for content in list(self._watches):
            self.unwatch(content)
        await self._stack.aclose()

    async def _watch(self, content: bytes) -> None:
        async with asyncio.TaskGroup() as group:
            for event, code in (("Revoked", "content.revoked"), ("Destroyed", "content.destroyed")):
                group.create_task(self._events(content, event, code))
            group.create_task(self._poll(content))

    async def _events(self, content: bytes, event: str, code: str) -> None:
        while True:
            with contextlib.suppress(GomaaError, OSError):
                async for _ in self.chain.watch([content], event):
                    self._on_withdrawn(content, code)
            await asyncio.sleep(1)

    async def _poll(self, content: bytes) -> None:
        while True:
            with contextlib.suppress(GomaaError, OSError):
                state = await self.content(content).state()
                code = None if state is None else withdrawal(state)
                if code is not None:
                    self._on_withdrawn(content, code)
            await asyncio.sleep(POLL_S)
