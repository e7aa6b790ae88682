"""One network: its chain client, contract clients and time, and the contents whose facts are kept fresh."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

from native_host.remote.content_facts import FreshFacts
from pywallet.errors import GomaaError, Unavailable
from pywallet.protocol import Domain
from pywallet.redaction import place
from pywallet.rules.content_check import withdrawal

if TYPE_CHECKING:
    from chain.client import Chain
    from chain.clock import ChainClock
    from chain.contracts.content import Content
    from chain.contracts.content_facts import ContentFacts
    from chain.contracts.registry import Registry
    from chain.contracts.settlement import Settlement
    from chain.contracts.token import Token
    from chain.deployment import Deployment

CONNECT_S: Final = 5.0
POLL_S: Final = 15.0
"""Interval at which the facts of watched contents are read: a lost connection may miss an event."""
LINGER_S: Final = 60.0
"""Time for which a content is watched after its last stream, seconds: a page that is opened again finds its facts."""
MOST_LINGERING: Final = 32

_CODES: Final = {"Revoked": "content.revoked", "Destroyed": "content.destroyed"}
"""Code of a content's event that withdraws it."""
_CHANGES: Final = (*_CODES, "Licensed", "PolicySet", "ServerMoved", "OwnerSet")
"""Events of a content that change its facts."""
_CHANGES_OF_ALL: Final = {
    "Registry": ("StationSet", "StationVerified", "StationSuspended", "StationReinstated", "ServerSet", "RateSet"),
    "Settlement": ("Bonded", "Retired", "Unbonded", "Slashed"),
}
"""Events of other contracts that change the facts of contents."""

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
        self._facts = FreshFacts(self._read_content)
        self._watches: dict[bytes, asyncio.Task[None]] = {}
        self._lingering: dict[bytes, asyncio.TimerHandle] = {}
        self._watches_of_all: list[asyncio.Task[None]] = []

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

    async def facts(self, content: bytes, domain: str) -> ContentFacts:
        """Present facts of the contracts about a content at a domain: stored ones while fresh, else one request.

        Args:
            content: Address of the content, 20 bytes.
            domain: Domain of the page, ``host[:port]``.

        Raises:
            GomaaError: ``chain.mismatch``; Unavailable ``chain.unreachable``.
        """
        return await self._facts.get(content, domain, self._epoch())

    def forget(self, content: bytes) -> None:
        """Have the facts of a content read anew when they are needed next."""
        self._facts.forget(content)

    def watch(self, content: bytes) -> None:
        """Watch a content until ``unwatch``; ``on_withdrawn`` is called once it is revoked or destroyed."""
        lingering = self._lingering.pop(content, None)
        if lingering is not None:
            lingering.cancel()
        if content not in self._watches:
            self._watches[content] = asyncio.create_task(self._watch(content))
        if not self._watches_of_all:
            self._watches_of_all = [asyncio.create_task(self._follow(name)) for name in _CHANGES_OF_ALL]

    def unwatch(self, content: bytes) -> None:
        """Stop watching a content, after ``LINGER_S``."""
        if content not in self._watches or content in self._lingering:
            return
        loop = asyncio.get_running_loop()
        self._lingering[content] = loop.call_later(LINGER_S, self._end_watch, content)
        if len(self._lingering) > MOST_LINGERING:
            self._end_watch(next(iter(self._lingering)))

    async def close(self) -> None:
        """Stop watching, and disconnect."""
        for content in list(self._watches):
            self._end_watch(content)
        for task in self._watches_of_all:
            task.cancel()
        await self._stack.aclose()

    def _end_watch(self, content: bytes) -> None:
        lingering = self._lingering.pop(content, None)
        if lingering is not None:
            lingering.cancel()
        task = self._watches.pop(content, None)
        if task is not None:
            task.cancel()

    def _epoch(self) -> int:
        """The clock's epoch: the newest block may be of the one before."""
        epoch: int = self.deployment.schedule.epoch_of(self.now_ms() // 1000)
        return epoch

    async def _read_content(self, content: bytes, domain: str, epoch: int) -> ContentFacts:
        from chain.contracts.content_facts import read_content

        return await read_content(self.chain, self.deployment, content, domain, epoch)

    async def _watch(self, content: bytes) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._events(content))
            group.create_task(self._poll(content))

    async def _events(self, content: bytes) -> None:
        while True:
            with contextlib.suppress(GomaaError, OSError):
                async for log in self.chain.watch([content], *_CHANGES):
                    self._facts.forget(content)
                    if log.name in _CODES:
                        self._on_withdrawn(content, _CODES[log.name])
            await asyncio.sleep(1)

    async def _follow(self, contract: str) -> None:
        """Forget the facts of all contents when registry or settlement change what they say."""
        address = self.deployment.registry if contract == "Registry" else self.deployment.settlement
        while True:
            with contextlib.suppress(GomaaError, OSError):
                async for _ in self.chain.watch([address], *_CHANGES_OF_ALL[contract], contract=contract):
                    self._facts.forget()
            await asyncio.sleep(1)

    async def _poll(self, content: bytes) -> None:
        while True:
            await asyncio.sleep(POLL_S)
            with contextlib.suppress(GomaaError, OSError):
                state = (await self._facts.refresh(content, self._epoch())).state
                code = None if state is None else withdrawal(state)
                if code is not None:
                    self._on_withdrawn(content, code)
