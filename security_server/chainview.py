"""What the server asks of the chain: cached only for as long as it is safe, and never past a lost connection."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

from chain.abi import event
from chain.client import Chain
from chain.clock import ChainClock
from chain.content import Content, ContentState
from chain.deployment import Deployment
from chain.registry import Registry, ServerEntry
from chain.settlement import EpochState, Lane, Settlement
from pywallet.errors import GomaaError, Refusal
from pywallet.settlement import Answer
from security_server.accounts import Money
from security_server.config import Config

log = logging.getLogger("gomaa.server")
T = TypeVar("T")
_MOST: Final = 10_000
REPLACED: Final = 64
"""So many blocks back is looked for challenges again."""


class Cache:
    """Answers with an age limit, one question at a time per key."""

    def __init__(self) -> None:
        self._values: dict[Any, tuple[float, Any]] = {}
        self._locks: dict[Any, asyncio.Lock] = {}

    async def get(self, key: Any, age_s: float, ask: Callable[[], Awaitable[T]]) -> T:
        """The cached answer if it is younger than ``age_s`` seconds, else a new one."""
        found = self._values.get(key)
        if found is not None and time.monotonic() - found[0] < age_s:
            return found[1]  # type: ignore[no-any-return]
        async with self._locks.setdefault(key, asyncio.Lock()):
            found = self._values.get(key)
            if found is not None and time.monotonic() - found[0] < age_s:
                return found[1]  # type: ignore[no-any-return]
            asked = time.monotonic()
            value = await ask()
            if len(self._values) >= _MOST:
                self._values.clear()
                self._locks.clear()
            self._values[key] = (asked, value)
            return value

    def forget(self, kind: str) -> None:
        """Drop all answers of one kind (the key's first element)."""
        for key in [key for key in self._values if key[0] == kind]:
            del self._values[key]


class ChainView:
    """Every read and write of the server, for its own address. Raises Unavailable ``chain.unreachable``."""

    def __init__(self, chain: Chain, clock: ChainClock, deployment: Deployment, address: bytes, config: Config) -> None:
        self._chain = chain
        self._clock = clock
        self._deployment = deployment
        self._address = address
        self._config = config
        self._asked: set[tuple[int, bytes, int]] = set()
        self._asked_from = deployment.block
        self._registry = Registry(chain, deployment)
        self._settlement = Settlement(chain, deployment)
        self._cache = Cache()
        self._sending = asyncio.Lock()
        self._followed: dict[bytes, list[asyncio.Task[None]]] = {}
        self._revoked: Callable[[bytes, str], Awaitable[None]] | None = None

    async def now_ms(self) -> int:
        """The chain's time, milliseconds; it never runs backwards."""
        return self._clock.now_ms()

    async def content(self, content: bytes, fresh: bool = False) -> ContentState:
        """A content's contract. Raises Refusal ``content.unknown``."""

        async def ask() -> ContentState:
            # A contract of somebody else's making could say anything about itself.
            state = await Content(self._chain, content).state() if await self._registry.is_content(content) else None
            if state is None:
                raise Refusal("content.unknown")
            return state

        return await self._cache.get(("content", content), 0 if fresh else self._config.content_age_s, ask)

    async def licensed(self, content: bytes, station: bytes) -> bool:
        """Whether the band licenses this content to the station."""
        ask = lambda: Content(self._chain, content).licensed(station)  # noqa: E731
        return await self._cache.get(("license", content, station), self._config.escrow_age_s, ask)

    async def station_domain(self, station: bytes) -> str | None:
        """The domain of a registered, active station, else None."""

        async def ask() -> str | None:
            entry = await self._registry.station(station)
            return entry.domain if entry is not None and entry.active else None

        return await self._cache.get(("station", station), self._config.station_age_s, ask)

    async def rate(self, epoch: int) -> int:
        """The commission of an epoch, basis points."""
        return await self._cache.get(("rate", epoch), 3600, lambda: self._registry.rate_at(epoch))

    async def owner_at(self, content: bytes, epoch: int) -> bytes:
        """Who earns with a content in an epoch; asked of the chain each time: a sale moves it."""
        return await Content(self._chain, content).owner_at(epoch)

    async def server_at(self, content: bytes, epoch: int, fresh: bool = False) -> bytes:
        """Whose an epoch of a content is: asked by the clock's epoch, since the newest block may be of the one before."""
        ask = lambda: Content(self._chain, content).server_at(epoch)  # noqa: E731
        return await self._cache.get(("server", content, epoch), 0 if fresh else self._config.content_age_s, ask)

    async def proposed_server(self, content: bytes) -> bytes | None:
        """To which server a content's owner would move it, or None; never cached."""
        return await Content(self._chain, content).proposed_server()

    async def server_entry(self, server: bytes) -> ServerEntry | None:
        """What the registry says of a security server."""
        return await self._cache.get(("entry", server), self._config.station_age_s, lambda: self._registry.server(server))

    async def accept_content(self, key: bytes, content: bytes) -> None:
        """Become a content's server with the next epoch; returns once that is in a block."""
        async with self._sending:
            await Content(self._chain, content).accept_server(key)
        self._cache.forget("server")

    async def money(self, payer: bytes, fresh: bool = False) -> Money:
        """A payer's account with this server."""

        async def ask() -> Money:
            spent, escrow = await self._settlement.account(self._address, payer)
            requested = await self._settlement.requested(self._address, payer)
            length = self._settlement.schedule.length
            return Money(escrow, requested, spent, await self.rate(await self.now_ms() // 1000 // length))

        return await self._cache.get(("money", payer), 0 if fresh else self._config.escrow_age_s, ask)

    def forget_money(self) -> None:
        """A post has changed the accounts."""
        self._cache.forget("money")

    async def lane(self) -> Lane:
        """This server's bond, last epoch, retirement."""
        return await self._cache.get(("lane",), self._config.escrow_age_s, lambda: self._settlement.lane(self._address))

    async def epoch(self, epoch: int) -> EpochState:
        """An epoch of this server on the chain, never cached."""
        return await self._settlement.epoch(self._address, epoch)

    async def post(self, key: bytes, epoch: int, root: bytes, counts: bytes, data: bytes, entries: Sequence[Any]) -> bytes:
        """Post an epoch; the transaction's hash once it is in a block."""
        async with self._sending:
            return (await self._settlement.post(key, epoch, root, counts, data, entries)).hash

    async def claim(self, key: bytes, items: Sequence[Any], nodes: Sequence[Any], to: bytes, tip: int) -> bytes:
        """Send a claim; the transaction's hash once it is in a block."""
        async with self._sending:
            return (await self._settlement.claim(key, items, nodes, to, tip)).hash

    async def answer(self, key: bytes, epoch: int, challenged: int, shown: Answer) -> bytes:
        """Answer a challenge; the transaction's hash once it is in a block."""
        async with self._sending:
            return (await self._settlement.answer(key, self._address, epoch, challenged, shown)).hash

    async def challenges(self, from_epoch: int) -> list[tuple[int, bytes, int]]:
        """Open challenges of this server: (epoch, payee, amount challenged), from an epoch on, oldest first."""
        head = (await self._chain.block()).number
        what = event("Settlement", "Challenged")
        for log in await self._chain.logs(self._deployment.settlement, what, self._asked_from, (self._address,)):
            self._asked.add((int(log.fields["epoch"]), bytes(log.fields["payee"]), int(log.fields["amount"])))
        # Blocks may still be replaced: the newest ones are read again in the next round.
        self._asked_from = max(self._asked_from, head - REPLACED)
        found = [one for one in sorted(self._asked) if one[0] >= from_epoch]
        self._asked = {one for one in found if await self._settlement.open_challenge(self._address, *one) is not None}
        return sorted(self._asked)

    def on_revoked(self, act: Callable[[bytes, str], Awaitable[None]]) -> None:
        """Whom to tell when a followed content is revoked or destroyed."""
        self._revoked = act

    def follow(self, content: bytes) -> None:
        """Watch a content's contract from now on."""
        if content not in self._followed:
            loop = asyncio.get_running_loop()
            self._followed[content] = [
                loop.create_task(self._watch(content, "Revoked", "content.revoked")),
                loop.create_task(self._watch(content, "Destroyed", "content.destroyed")),
            ]

    async def _watch(self, content: bytes, event: str, code: str) -> None:
        while True:
            try:
                async for _ in self._chain.watch([content], event):
                    self._cache.forget("content")
                    if self._revoked is not None:
                        await self._revoked(content, code)
            except GomaaError as error:
                log.warning("watching %s: %s", content.hex(), error)
            await asyncio.sleep(1)

    async def close(self) -> None:
        """Stop watching and hang up."""
        tasks = [task for pair in self._followed.values() for task in pair]
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
