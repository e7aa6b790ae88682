"""One chain as the host sees it: reads, trusted time, and the contracts it follows for revocation."""

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
LOOK_AGAIN_S: Final = 15.0
"""A lost connection may swallow an event: the flags of open contents are read again this often."""

OnWithdrawn = Callable[[bytes, str], None]


class Network:
    """One deployment. Connects on first use; everything raises Unavailable ``chain.unreachable`` while that fails."""

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
        """Connect if that has not happened yet."""
        if self._chain is not None:
            return
        async with self._lock:
            if self._chain is not None:
                return
            # Here and not above: these bring the ABI library, and the browser waits for our start.
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
        """Trusted Unix time: the chain's; this computer's before the chain was ever reached."""
        return int(self._clock.now_ms()) if self._clock is not None else time.time_ns() // 1_000_000

    def chain_ms(self) -> int | None:
        """The chain's time, Unix ms; None before it was ever reached."""
        return None if self._clock is None else int(self._clock.now_ms())

    @property
    def chain(self) -> Chain:
        """The connection. Raises Unavailable before ``ready``."""
        if self._chain is None:
            raise Unavailable("chain.unreachable", node=place(self.deployment.rpc))
        return self._chain

    @property
    def registry(self) -> Registry:
        """The registry's door."""
        from chain.contracts.registry import Registry

        return Registry(self.chain, self.deployment)

    @property
    def settlement(self) -> Settlement:
        """The settlement's door."""
        from chain.contracts.settlement import Settlement

        return Settlement(self.chain, self.deployment)

    @property
    def token(self) -> Token:
        """The token's door."""
        from chain.contracts.token import Token

        return Token(self.chain, self.deployment)

    def content(self, address: bytes) -> Content:
        """A content's door."""
        from chain.contracts.content import Content

        return Content(self.chain, address)

    def watch(self, content: bytes) -> None:
        """Follow a content until ``unwatch``; ``on_withdrawn`` is called once it is revoked or destroyed."""
        if content not in self._watches:
            self._watches[content] = asyncio.create_task(self._follow(content))

    def unwatch(self, content: bytes) -> None:
        """Stop following a content."""
        task = self._watches.pop(content, None)
        if task is not None:
            task.cancel()

    async def close(self) -> None:
        """Stop following and hang up."""
        for content in list(self._watches):
            self.unwatch(content)
        await self._stack.aclose()

    async def _follow(self, content: bytes) -> None:
        async with asyncio.TaskGroup() as group:
            for event, code in (("Revoked", "content.revoked"), ("Destroyed", "content.destroyed")):
                group.create_task(self._events(content, event, code))
            group.create_task(self._look(content))

    async def _events(self, content: bytes, event: str, code: str) -> None:
        while True:
            with contextlib.suppress(GomaaError, OSError):
                async for _ in self.chain.watch([content], event):
                    self._on_withdrawn(content, code)
            await asyncio.sleep(1)

    async def _look(self, content: bytes) -> None:
        while True:
            with contextlib.suppress(GomaaError, OSError):
                state = await self.content(content).state()
                code = None if state is None else withdrawal(state)
                if code is not None:
                    self._on_withdrawn(content, code)
            await asyncio.sleep(LOOK_AGAIN_S)
