"""Chain client of the station; implements ``station.chain_interface.ChainView``."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from typing import TypeVar

from chain.client import Chain
from chain.clock import ChainClock
from chain.contracts.content import Content
from chain.contracts.registry import Registry
from chain.contracts.rights import Rights
from chain.contracts.settlement import Settlement
from chain.deployment import Deployment
from pywallet.errors import Unavailable
from pywallet.protocol import Domain
from pywallet.settlement import Schedule
from station.chain_interface import Account, ContentFacts, ContentServers, Post

T = TypeVar("T")


class ChainClient:
    """The chain of a deployment; connects on first use, and again after a loss.

    Args:
        deployment: Addresses and node.
        timeout_s: Limit for one read, s.
    """

    def __init__(self, deployment: Deployment, timeout_s: float = 5.0) -> None:
        self.domain: Domain = deployment.domain
        self.schedule: Schedule = deployment.schedule
        self._deployment = deployment
        self._timeout = timeout_s
        self._chain: Chain | None = None
        self._clock: ChainClock | None = None
        self._stack: AsyncExitStack | None = None
        self._lock = asyncio.Lock()
        self._registered: set[bytes] = set()

    async def now_ms(self) -> int:
        """See ChainView."""
        return await self._within_timeout(self._now())

    async def content(self, content: bytes, station: bytes) -> ContentFacts | None:
        """See ChainView."""
        return await self._within_timeout(self._content(content, station))

    async def servers_of(self, content: bytes, epoch: int) -> ContentServers:
        """See ChainView."""
        return await self._within_timeout(self._servers_of(content, epoch))

    async def right_until(self, content: bytes, station: bytes, until_s: int) -> int:
        """See ChainView."""
        return await self._within_timeout(self._right_until(content, station, until_s))

    async def account(self, server: bytes, station: bytes) -> Account:
        """See ChainView."""
        return await self._within_timeout(self._account(server, station))

    async def rate(self, epoch: int) -> int:
        """See ChainView."""
        return await self._within_timeout(self._rate(epoch))

    async def server_url(self, server: bytes) -> str | None:
        """See ChainView."""
        return await self._within_timeout(self._server_url(server))

    async def last_posted(self, server: bytes) -> int | None:
        """See ChainView."""
        return await self._within_timeout(self._last_posted(server))

    async def post(self, server: bytes, epoch: int) -> Post | None:
        """See ChainView."""
        return await self._within_timeout(self._post(server, epoch))

    async def close(self) -> None:
        """See ChainView."""
        async with self._lock:
            if self._stack is not None:
                await self._stack.aclose()
            self._stack = self._chain = self._clock = None

    async def _now(self) -> int:
        return int((await self._connected())[1].now_ms())

    async def _content(self, content: bytes, station: bytes) -> ContentFacts | None:
        chain, clock = await self._connected()
        contract = Content(chain, content)
        # Only contracts made by the registry are trusted, and these for ever.
        if content not in self._registered:
            if not await Registry(chain, self._deployment).is_content(content):
                return None
            self._registered.add(content)
        # By the clock's epoch: the newest block may be of the one before, and a move begins with an epoch.
        epoch = self.schedule.epoch_of(clock.now_ms() // 1000)
        state, licensed, server = await asyncio.gather(
            contract.state(), contract.licensed(station), contract.server_at(epoch)
        )
        if state is None:
            return None
        return ContentFacts(
            state.owner,
            state.policy_hash,
            state.price,
            server,
            state.revoked,
            state.destroyed,
            state.open_license or licensed,
        )

    async def _servers_of(self, content: bytes, epoch: int) -> ContentServers:
        chain, _ = await self._connected()
        contract = Content(chain, content)
        return ContentServers(
            *await asyncio.gather(contract.server_at(epoch), contract.server_at(epoch + 1), contract.proposed_server())
        )

    async def _right_until(self, content: bytes, station: bytes, until_s: int) -> int:
        chain, clock = await self._connected()
        rights, low = Rights(chain, self._deployment), clock.now_ms() // 1000
        # Without a right the station plays by the owner's licence, which does not expire.
        now, then = await asyncio.gather(rights.holds(station, content, low), rights.holds(station, content, until_s))
        if not now or then:
            return until_s
        high = until_s
        while high - low > 1:
            middle = (low + high) // 2
            if await rights.holds(station, content, middle):
                low = middle
            else:
                high = middle
        return high

    async def _account(self, server: bytes, station: bytes) -> Account:
        chain, _ = await self._connected()
        settlement = Settlement(chain, self._deployment)
        (spent, escrow), requested = await asyncio.gather(
            settlement.account(server, station), settlement.requested(server, station)
        )
        return Account(spent, escrow, requested)

    async def _rate(self, epoch: int) -> int:
        chain, _ = await self._connected()
        return int(await Registry(chain, self._deployment).rate_at(epoch))

    async def _server_url(self, server: bytes) -> str | None:
        chain, _ = await self._connected()
        entry = await Registry(chain, self._deployment).server(server)
        return entry.url if entry is not None and entry.active else None

    async def _last_posted(self, server: bytes) -> int | None:
        chain, _ = await self._connected()
        return (await Settlement(chain, self._deployment).server_state(server)).last

    async def _post(self, server: bytes, epoch: int) -> Post | None:
        chain, _ = await self._connected()
        state = await Settlement(chain, self._deployment).epoch(server, epoch)
        return Post(state.commit, state.final, state.void) if any(state.commit) else None

    async def _connected(self) -> tuple[Chain, ChainClock]:
        """The connection and its clock; connects if there is none."""
        async with self._lock:
            if self._chain is None or self._clock is None:
                async with AsyncExitStack() as stack:
                    self._chain = await stack.enter_async_context(self._deployment.connect())
                    self._clock = await stack.enter_async_context(ChainClock(self._chain))
                    self._stack = stack.pop_all()
            return self._chain, self._clock

    async def _within_timeout(self, call: Awaitable[T]) -> T:
        try:
            return await asyncio.wait_for(call, self._timeout)
        except (TimeoutError, OSError) as error:
            raise Unavailable("chain.unreachable", reason=type(error).__name__) from error
