"""What the server asks of the chain: cached only for as long as it is safe, and never past a lost connection."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from chain.abi import event
from chain.client import Chain
from chain.clock import ChainClock
from chain.contracts.content import Content, ContentState
from chain.contracts.registry import Registry, ServerEntry
from chain.contracts.settlement import (
    Entry,
    EpochState,
    Lane,
    Settlement,
)
from chain.contracts.token import Holding, Token
from chain.deployment import Deployment
from chain.node_answers import number
from chain.sender import fees
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError, Refusal
from pywallet.settlement import Answer, EpochHeader
from pywallet.wallet.permit import Permit
from security_server.billing.accounts import Money
from security_server.config import Config
from security_server.epochs.closed_epoch import Voucher
from security_server.epochs.voucher_calldata import debited_vouchers

log = logging.getLogger("gomaa.server")
T = TypeVar("T")
_MOST: Final = 10_000


@dataclass(frozen=True)
class Asked:
    """A challenge's event: amount in wei, and its block's number."""

    epoch: int
    payee: bytes
    amount: int
    block: int


@dataclass(frozen=True)
class Refunded:
    """The event of a void epoch whose debits went back."""

    epoch: int
    block: int


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
        self._registry = Registry(chain, deployment)
        self._settlement = Settlement(chain, deployment)
        self._token = Token(chain, deployment)
        self._cache = Cache()
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
        """Whose an epoch of a content is.

        Asked by the clock's epoch, since the newest block may be of the one before.
        """
        ask = lambda: Content(self._chain, content).server_at(epoch)  # noqa: E731
        return await self._cache.get(("server", content, epoch), 0 if fresh else self._config.content_age_s, ask)

    async def proposed_server(self, content: bytes) -> bytes | None:
        """To which server a content's owner would move it, or None; never cached."""
        return await Content(self._chain, content).proposed_server()

    async def server_entry(self, server: bytes) -> ServerEntry | None:
        """What the registry says of a security server."""
        return await self._cache.get(
            ("entry", server), self._config.station_age_s, lambda: self._registry.server(server)
        )

    async def accept_content(self, key: bytes, content: bytes) -> None:
        """Become a content's server with the next epoch; returns once that is in a block."""
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

    async def lane(self, fresh: bool = False) -> Lane:
        """This server's bond, last epoch, retirement."""
        return await self._cache.get(
            ("lane",), 0 if fresh else self._config.escrow_age_s, lambda: self._settlement.lane(self._address)
        )

    @property
    def first_block(self) -> int:
        """The first block with these contracts."""
        return self._deployment.block

    async def epoch(self, epoch: int) -> EpochState:
        """An epoch of this server on the chain, never cached."""
        return await self._settlement.epoch(self._address, epoch)

    async def head(self) -> int:
        """The newest block's number."""
        return (await self._chain.block()).number

    async def events(self, first: int, last: int) -> tuple[list[Asked], list[Refunded]]:
        """Challenges and refunds of this server in a range of blocks, both ends included."""
        logs = [
            await self._chain.logs(
                self._deployment.settlement, event("Settlement", name), first, (self._address,), last
            )
            for name in ("Challenged", "Refunded")
        ]
        asked = [
            Asked(int(one.fields["epoch"]), bytes(one.fields["payee"]), int(one.fields["amount"]), one.block)
            for one in logs[0]
        ]
        return asked, [Refunded(int(one.fields["epoch"]), one.block) for one in logs[1]]

    async def is_open(self, epoch: int, payee: bytes, amount: int) -> bool:
        """Whether a challenge waits for an answer."""
        return await self._settlement.open_challenge(self._address, epoch, payee, amount) is not None

    async def vouchers(self, epoch: int, digest: bytes) -> list[Voucher] | None:
        """The vouchers under the debits of a posted epoch, from call data by their digest.

        None where they are not to be had.
        """
        return await debited_vouchers(self._chain, self._deployment, self._address, epoch, digest)

    async def pending(self, transaction: bytes) -> bool:
        """Whether a transaction is known to the node and waits for a block."""
        found = await self._chain.request("eth_getTransactionByHash", to_hex(transaction))
        return isinstance(found, dict) and found.get("blockNumber") is None

    async def post(
        self, key: bytes, epoch: int, root: bytes, counts: bytes, data: bytes, entries: Sequence[Entry]
    ) -> bytes:
        """Post an epoch; the transaction's hash once it is in a block."""
        return (await self._settlement.post(key, epoch, root, counts, data, entries)).hash

    async def refund(
        self,
        key: bytes,
        epoch: int,
        header: EpochHeader,
        counts: bytes,
        data: bytes,
        debits: Sequence[tuple[bytes, int]],
    ) -> bytes:
        """Give a void epoch's debits back; the transaction's hash once it is in a block."""
        return (await self._settlement.refund(key, self._address, epoch, header, counts, data, debits)).hash

    async def claim(
        self, key: bytes, items: Sequence[Any], nodes: Sequence[Any], to: bytes, tip: int
    ) -> tuple[bytes, int]:
        """Send a claim; the transaction's hash and its gas once it is in a block."""
        done = await self._settlement.claim(key, items, nodes, to, tip)
        return done.hash, done.gas_used

    async def paid(self, epoch: int, payee: bytes) -> tuple[bytes, bytes] | None:
        """The transaction that paid a leaf of this server, and to whom; None: it is not paid."""
        found = await self._settlement.history("Claimed", self._address, epoch, payee)
        return (found[-1].transaction, bytes(found[-1].fields["to"])) if found else None

    async def held(self, holder: bytes, spender: bytes) -> Holding | None:
        """What lies at an address, never cached; None: nothing."""
        found = await self._token.holdings([holder], spender)
        return found[0] if found else None

    async def permit(self, key: bytes, permit: Permit, signature: bytes) -> tuple[bytes, int]:
        """Bring an owner's permit to the token; the transaction's hash and its gas once it is in a block."""
        done = await self._token.permit(key, permit.owner, permit.spender, permit.amount, permit.deadline, signature)
        return done.hash, done.gas_used

    async def transfer_from(self, key: bytes, owner: bytes, to: bytes, amount: int) -> tuple[bytes, int]:
        """Send tokens that a permit allows; the transaction's hash and its gas once it is in a block."""
        done = await self._token.transfer_from(key, owner, to, amount)
        return done.hash, done.gas_used

    @property
    def token(self) -> bytes:
        """The token's address."""
        return self._deployment.token

    async def is_owner(self, address: bytes) -> bool:
        """Whether the registry knows an address as an owner of a content, who is paid without a signature.

        Never cached: whoever has just bought is one, and a reorganisation may take that back.
        """
        return await self._registry.is_owner(address)

    async def balance(self, address: bytes) -> int:
        """The network's own coins of an account, wei."""
        return number(await self._chain.request("eth_getBalance", to_hex(address), "latest"))

    async def gas_price(self) -> int:
        """What a transaction offers at most now, wei per gas."""
        tip, base = await fees(self._chain)
        most = 2 * base + tip
        return most if self._config.max_fee is None else min(most, self._config.max_fee)

    async def gas_price_now(self) -> int:
        """What gas costs in the newest block with the usual tip, wei; whatever the operator would pay at most."""
        return sum(await fees(self._chain))

    @property
    def stake(self) -> int:
        """What a challenge puts at stake, wei of GoMAA."""
        return self._deployment.stake

    async def draft(self, epoch: int) -> int:
        """Entries that are debited for an epoch that is not posted."""
        return (await self._settlement.draft(self._address, epoch)).count

    async def undo(self, key: bytes, epoch: int) -> bytes | None:
        """Give a draft's debits back, whoever made it.

        The last transaction's hash once it is in a block, None where there is no draft.

        Raises GomaaError ``chain.mismatch``: its entries are not to be had from the node.
        """
        draft = await self._settlement.draft(self._address, epoch)
        if not draft.count:
            return None
        found = await self.vouchers(epoch, draft.digest)
        if found is None:
            raise GomaaError("chain.mismatch", epoch=epoch, reason="the draft's transactions are not to be had")
        debits = [(one.payer, one.net) for one in found]
        done = await self._settlement.undo(key, self._address, epoch, debits)
        return None if done is None else done.hash

    async def answer_batch(self, key: bytes, epoch: int, shown: Sequence[tuple[int, Answer]]) -> bytes:
        """Answer challenges to one epoch: challenged amounts and leaves.

        The transaction's hash once it is in a block.
        """
        return (await self._settlement.answer_batch(key, self._address, epoch, shown)).hash

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
