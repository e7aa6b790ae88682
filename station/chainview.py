"""What a station asks of the chain, as one small port, and its only real implementation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from chain.client import Chain
from chain.clock import ChainClock
from chain.content import Content
from chain.deployment import Deployment
from chain.registry import Registry
from chain.settlement import Settlement
from pywallet.errors import GomaaError, Unavailable
from pywallet.messages import Domain
from pywallet.settlement import Schedule

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ContentFacts:
    """A recording on the chain now; ``price`` wei per interval to the owner, ``licensed`` for this station."""

    owner: bytes
    policy_hash: bytes
    price: int
    server: bytes
    revoked: bool
    destroyed: bool
    licensed: bool


@dataclass(frozen=True, slots=True)
class Account:
    """This station's money with one server, in wei: debited so far, escrow left, and asked back of that."""

    spent: int
    escrow: int
    requested: int


class ChainView(Protocol):
    """Reads only. Every method raises Unavailable(chain.unreachable) when the chain doesn't answer."""

    domain: Domain
    schedule: Schedule

    async def now_ms(self) -> int:
        """The chain's time, milliseconds."""

    async def content(self, content: bytes, station: bytes) -> ContentFacts | None:
        """The recording, or None where no contract of the registry stands."""

    async def account(self, server: bytes, station: bytes) -> Account:
        """The station's account with this server."""

    async def rate(self, epoch: int) -> int:
        """Commission in that epoch, basis points."""

    async def server_url(self, server: bytes) -> str | None:
        """Where a registered, active server answers."""

    async def close(self) -> None:
        """Give the connection back."""


class ChainDoor:
    """The chain behind a deployment. Connects when first asked, and again after it was lost."""

    def __init__(self, deployment: Deployment, timeout_s: float = 5.0) -> None:
        self.domain: Domain = deployment.domain
        self.schedule: Schedule = deployment.schedule
        self._deployment = deployment
        self._timeout = timeout_s
        self._chain: Chain | None = None
        self._clock: ChainClock | None = None
        self._lock = asyncio.Lock()

    async def now_ms(self) -> int:
        """See ChainView."""
        return await self._ask(self._now())

    async def content(self, content: bytes, station: bytes) -> ContentFacts | None:
        """See ChainView."""
        return await self._ask(self._content(content, station))

    async def account(self, server: bytes, station: bytes) -> Account:
        """See ChainView."""
        return await self._ask(self._account(server, station))

    async def rate(self, epoch: int) -> int:
        """See ChainView."""
        return await self._ask(self._rate(epoch))

    async def server_url(self, server: bytes) -> str | None:
        """See ChainView."""
        return await self._ask(self._server_url(server))
