"""The door to the settlement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass

from chain.abi import event, function
from chain.client import Chain, Log, TxReceipt, decode_log
from chain.deployment import Deployment
from pywallet.settlement import Header, Schedule

_M32, _M40, _M96, _M128 = ((1 << n) - 1 for n in (32, 40, 96, 128))


@dataclass(frozen=True)
class Lane:
    """A server's standing: bond in wei, its last posted epoch, and the epoch from which on it posts no more."""

    bond: int
    last: int | None
    retired: int | None


@dataclass(frozen=True)
class EpochState:
    """One epoch of one server. ``ready`` (Unix s, 0: not posted), ``left`` and ``fee`` in wei, ``open`` challenges."""

    commit: bytes
    ready: int
    left: int
    fee: int
    open: int
    void: bool
    final: bool


@dataclass(frozen=True)
class Entry:
    """One payer's debit under its voucher; r and vs are the voucher's signature (EIP-2098)."""

    payer: bytes
    net: int
    cap: int
    until: int
    r: int
    vs: int


@dataclass(frozen=True)
class ClaimItem:
    """One leaf to be paid; r and vs are the payee's signature over its Claim."""

    server: bytes
    epoch: int
    header: Header
    payee: bytes
    amount: int
    index: int
    depth: int
    r: int
    vs: int


@dataclass(frozen=True)
class Paid:
    """One ``Claimed`` event."""

    server: bytes
    epoch: int
    payee: bytes
    to: bytes
    amount: int
    tip: int


class Settlement:
    """Escrow, epochs, claims. Amounts in wei."""

    def __init__(self, chain: Chain, deployment: Deployment) -> None:
        self._chain = chain
        self._deployment = deployment
        self._address = deployment.settlement

    @property
    def schedule(self) -> Schedule:
        """The epochs' clock."""
        return self._deployment.schedule

    async def account(self, server: bytes, payer: bytes) -> tuple[int, int]:
        """Spent so far (cumulative gross) and escrow left."""
        word = int((await self._chain.call(self._address, function("Settlement", "account"), server, payer))[0])
        return word >> 128, word & _M128

    async def requested(self, server: bytes, payer: bytes) -> int:
        """What the payer has asked back."""
        return int((await self._chain.call(self._address, function("Settlement", "request"), server, payer))[0][0])

    async def lane(self, server: bytes) -> Lane:
        """A server's standing."""
        word = int((await self._chain.call(self._address, function("Settlement", "lane"), server))[0])
        last, retired = (word >> 96) & _M32, word >> 128
        return Lane(word & _M96, last - 1 if last else None, retired - 1 if retired else None)

    async def epoch(self, server: bytes, epoch: int) -> EpochState:
        """How an epoch stands."""
        commit = (await self._chain.call(self._address, function("Settlement", "commit"), server, epoch))[0]
        word = int((await self._chain.call(self._address, function("Settlement", "meta"), server, epoch))[0])
        final = bool((await self._chain.call(self._address, function("Settlement", "final"), server, epoch))[0])
        return EpochState(commit, word >> 192 & _M40, word & _M96, word >> 96 & _M96, word >> 232 & 0xFFFF, bool(word >> 248), final)

    async def deposit(self, private_key: bytes, server: bytes, payer: bytes, amount: int) -> TxReceipt:
        """Fill a payer's escrow with one server (approve the contract first)."""
        return await self._chain.transact(private_key, self._address, function("Settlement", "deposit"), server, payer, amount)

    async def bond(self, private_key: bytes, server: bytes, amount: int) -> TxReceipt:
        """Put tokens behind a server's word (approve the contract first)."""
        return await self._chain.transact(private_key, self._address, function("Settlement", "bond"), server, amount)

    async def post(self, private_key: bytes, epoch: int, root: bytes, counts: bytes, data: bytes, entries: Sequence[Entry]) -> TxReceipt:
        """Close an epoch of the key's server."""
        rows = [astuple(entry) for entry in entries]
        return await self._chain.transact(private_key, self._address, function("Settlement", "post"), epoch, root, counts, data, rows)

    async def claim(
        self, private_key: bytes, items: Sequence[ClaimItem], nodes: Sequence[tuple[bytes, int]], to: bytes, tip: int = 0
    ) -> TxReceipt:
        """Pay leaves of final epochs to ``to``; ``nodes`` are the items' proofs one after the other."""
        rows = [astuple(item) for item in items]
        return await self._chain.transact(private_key, self._address, function("Settlement", "claim"), rows, list(nodes), to, tip)

    async def collect(self, private_key: bytes, server: bytes, epoch: int) -> TxReceipt:
        """Send an epoch's commission to the treasury."""
        return await self._chain.transact(private_key, self._address, function("Settlement", "collect"), server, epoch)

    async def is_claimed(self, server: bytes, epoch: int, index: int, depth: int) -> bool:
        """Whether a leaf has been paid."""
        return bool((await self._chain.call(self._address, function("Settlement", "claimed"), server, epoch, index, depth))[0])

    async def claimed(self, transaction: bytes) -> list[Paid]:
        """What a transaction paid; empty while it is not in a block."""
        found = await self._chain.request("eth_getTransactionReceipt", "0x" + transaction.hex())
        if found is None:
            return []
        what = event("Settlement", "Claimed")
        topic = "0x" + what.topic.hex()
        mine = [item for item in found["logs"] if item["topics"][0] == topic and item["address"].lower() == "0x" + self._address.hex()]
        return [_paid(decode_log(what, item)) for item in mine]

    async def claims_of(self, payee: bytes) -> list[Paid]:
        """Every claim of a payee."""
        return [_paid(log) for log in await self._logs("Claimed", (None, None, payee))]

    async def posts(self, server: bytes) -> list[Log]:
        """Every ``Posted`` event of a server."""
        return await self._logs("Posted", (server,))

    async def _logs(self, name: str, topics: Sequence[bytes | None]) -> list[Log]:
        return await self._chain.logs(self._address, event("Settlement", name), self._deployment.block, topics)


def _paid(log: Log) -> Paid:
    return Paid(**log.fields)
