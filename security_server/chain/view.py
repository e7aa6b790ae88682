"""The server's reads and transactions on the chain, with short-lived caches of the reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chain.client import Chain
from chain.clock import ChainClock
from chain.contracts.content import Content, ContentState
from chain.contracts.registry import Registry, ServerEntry
from chain.contracts.settlement import (
    Entry,
    EpochState,
    ServerState,
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
from security_server.chain.admission_facts import keep_admission
from security_server.chain.cache import Cache
from security_server.chain.challenge_events import ChallengeEvent, RefundEvent, read_events
from security_server.chain.content_watch import ContentWatch, OnWithdrawn
from security_server.chain.money import Money
from security_server.chain.voucher_calldata import DebitVoucher, debited_vouchers
from security_server.config import Config


class ChainView:
    """Reads and transactions for this server's own address. All raise Unavailable ``chain.unreachable``."""

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
        self._watch = ContentWatch(chain, self._cache)

    async def now_ms(self) -> int:
        """The chain's time, Unix milliseconds; monotonic."""
        return self._clock.now_ms()

    async def content(self, content: bytes, fresh: bool = False) -> ContentState:
        """A content's contract. Raises Refusal ``content.unknown``."""

        async def read() -> ContentState:
            # A contract outside of the registry could return anything about itself.
            state = await Content(self._chain, content).state() if await self._registry.is_content(content) else None
            if state is None:
                raise Refusal("content.unknown")
            return state

        return await self._cache.get(("content", content), 0 if fresh else self._config.content_age_s, read)

    async def read_ahead(self, content: bytes, station: bytes, epoch: int) -> None:
        """Read what decides whether a station's ticket opens, in one request, where it may be out of date.

        The methods of each fact then have it at hand. What they would refuse stays theirs to read.

        Args:
            content: 20 bytes.
            station: 20 bytes.
            epoch: The clock's epoch.
        """
        config = self._config
        age_s = min(config.content_age_s, config.escrow_age_s, config.station_age_s)

        async def read() -> None:
            await keep_admission(self._cache, self._chain, self._deployment, self._address, content, station, epoch)

        await self._cache.get(("ahead", content, station, epoch), age_s, read)

    async def licensed(self, content: bytes, station: bytes) -> bool:
        """True if the content is licensed to the station."""
        read = lambda: Content(self._chain, content).licensed(station)  # noqa: E731
        return await self._cache.get(("license", content, station), self._config.escrow_age_s, read)

    async def station_domain(self, station: bytes) -> str | None:
        """The domain of a registered, active station, else None."""

        async def read() -> str | None:
            entry = await self._registry.station(station)
            return entry.domain if entry is not None and entry.active else None

        return await self._cache.get(("station", station), self._config.station_age_s, read)

    async def rate(self, epoch: int) -> int:
        """The commission of an epoch, basis points."""
        return await self._cache.get(("rate", epoch), 3600, lambda: self._registry.rate_at(epoch))

    async def owner_at(self, content: bytes, epoch: int) -> bytes:
        """Owner of a content in an epoch, 20 bytes. Never cached: a sale changes it."""
        return await Content(self._chain, content).owner_at(epoch)

    async def server_at(self, content: bytes, epoch: int, fresh: bool = False) -> bytes:
        """Address of the server that serves a content in an epoch.

        Args:
            content: 20 bytes.
            epoch: The clock's epoch; the newest block may be of the one before.
            fresh: True to bypass the cache.
        """
        read = lambda: Content(self._chain, content).server_at(epoch)  # noqa: E731
        return await self._cache.get(("server", content, epoch), 0 if fresh else self._config.content_age_s, read)

    async def proposed_server(self, content: bytes) -> bytes | None:
        """The server that a content's owner proposes, or None. Never cached."""
        return await Content(self._chain, content).proposed_server()

    async def server_entry(self, server: bytes) -> ServerEntry | None:
        """A security server's entry in the registry, or None."""
        return await self._cache.get(
            ("entry", server), self._config.station_age_s, lambda: self._registry.server(server)
        )

    async def accept_content(self, key: bytes, content: bytes) -> None:
        """Accept a content from the next epoch on; returns once the transaction is in a block."""
        await Content(self._chain, content).accept_server(key)
        self._cache.forget("server")

    async def money(self, payer: bytes, fresh: bool = False) -> Money:
        """A payer's account with this server."""

        async def read() -> Money:
            spent, escrow = await self._settlement.account(self._address, payer)
            requested = await self._settlement.requested(self._address, payer)
            length = self._settlement.schedule.length
            return Money(escrow, requested, spent, await self.rate(await self.now_ms() // 1000 // length))

        return await self._cache.get(("money", payer), 0 if fresh else self._config.escrow_age_s, read)

    def forget_money(self) -> None:
        """Drop cached accounts, after a post has changed them."""
        self._cache.forget("money")

    async def lane(self, fresh: bool = False) -> ServerState:
        """This server's bond, last epoch, retirement."""
        return await self._cache.get(
            ("lane",), 0 if fresh else self._config.escrow_age_s, lambda: self._settlement.server_state(self._address)
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

    async def events(self, first: int, last: int) -> tuple[list[ChallengeEvent], list[RefundEvent]]:
        """Challenges and refunds of this server in a range of blocks, both ends included."""
        return await read_events(self._chain, self._deployment, self._address, first, last)

    async def is_open(self, epoch: int, payee: bytes, amount: int) -> bool:
        """True if a challenge is open."""
        return await self._settlement.open_challenge(self._address, epoch, payee, amount) is not None

    async def vouchers(self, epoch: int, digest: bytes) -> list[DebitVoucher] | None:
        """The vouchers of the debits of a posted epoch, from call data by their digest.

        None: the node does not have them.
        """
        return await debited_vouchers(self._chain, self._deployment, self._address, epoch, digest)

    async def pending(self, transaction: bytes) -> bool:
        """True if the node has a transaction that is not in a block."""
        response = await self._chain.request("eth_getTransactionByHash", to_hex(transaction))
        return isinstance(response, dict) and response.get("blockNumber") is None

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
        """Refund a void epoch's debits; the transaction's hash once it is in a block."""
        return (await self._settlement.refund(key, self._address, epoch, header, counts, data, debits)).hash

    async def claim(
        self, key: bytes, items: Sequence[Any], nodes: Sequence[Any], to: bytes, tip: int
    ) -> tuple[bytes, int]:
        """Send a claim; the transaction's hash and its gas once it is in a block."""
        done = await self._settlement.claim(key, items, nodes, to, tip)
        return done.hash, done.gas_used

    async def paid(self, epoch: int, payee: bytes) -> tuple[bytes, bytes] | None:
        """The transaction that paid a leaf of this server, and its recipient; None: not paid."""
        events = await self._settlement.history("Claimed", self._address, epoch, payee)
        return (events[-1].transaction, bytes(events[-1].fields["to"])) if events else None

    async def held(self, holder: bytes, spender: bytes) -> Holding | None:
        """Tokens at an address and the spender's allowance; None: no tokens. Never cached."""
        holdings = await self._token.holdings([holder], spender)
        return holdings[0] if holdings else None

    async def permit(self, key: bytes, permit: Permit, signature: bytes) -> tuple[bytes, int]:
        """Send an owner's permit to the token; the transaction's hash and its gas once it is in a block."""
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
        """True if an address is an owner of a content in the registry; owners are paid without a signature.

        Never cached: a sale, or a reorganisation of the chain, changes it.
        """
        return await self._registry.is_owner(address)

    async def balance(self, address: bytes) -> int:
        """The network's own coins of an account, wei."""
        return number(await self._chain.request("eth_getBalance", to_hex(address), "latest"))

    async def gas_price(self) -> int:
        """Highest fee that a transaction offers now, wei per gas."""
        tip, base = await fees(self._chain)
        most = 2 * base + tip
        return most if self._config.max_fee is None else min(most, self._config.max_fee)

    async def gas_price_now(self) -> int:
        """Price of gas in the newest block with the usual tip, wei, regardless of the operator's limit."""
        return sum(await fees(self._chain))

    @property
    def stake(self) -> int:
        """Stake of a challenge, wei of GoMAA."""
        return self._deployment.stake

    async def draft(self, epoch: int) -> int:
        """Number of entries that are debited for an epoch that is not posted."""
        return (await self._settlement.draft(self._address, epoch)).count

    async def undo(self, key: bytes, epoch: int) -> bytes | None:
        """Return a draft's debits, whichever database made it.

        The last transaction's hash once it is in a block; None: there is no draft.

        Raises GomaaError ``chain.mismatch``: the node does not have its transactions.
        """
        draft = await self._settlement.draft(self._address, epoch)
        if not draft.count:
            return None
        vouchers = await self.vouchers(epoch, draft.digest)
        if vouchers is None:
            raise GomaaError("chain.mismatch", epoch=epoch, reason="the draft's transactions are not to be had")
        debits = [(voucher.payer, voucher.net) for voucher in vouchers]
        done = await self._settlement.undo(key, self._address, epoch, debits)
        return None if done is None else done.hash

    async def answer_batch(self, key: bytes, epoch: int, shown: Sequence[tuple[int, Answer]]) -> bytes:
        """Answer challenges to one epoch: challenged amounts and leaves.

        The transaction's hash once it is in a block.
        """
        return (await self._settlement.answer_batch(key, self._address, epoch, shown)).hash

    def on_withdrawn(self, callback: OnWithdrawn) -> None:
        """Set the callback for followed contents that are revoked or destroyed."""
        self._watch.on_withdrawn(callback)

    def follow(self, content: bytes) -> None:
        """Watch a content's contract from now on."""
        self._watch.follow(content)

    async def close(self) -> None:
        """Stop watching."""
        await self._watch.close()
