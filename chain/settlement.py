"""The door to the settlement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass

from chain.abi import event, function, to_address
from chain.client import Chain, Log, TxReceipt, decode_log
from chain.deployment import Deployment
from pywallet.messages import Receipt, Signed, compact
from pywallet.settlement import Answer, Header, Schedule

_M23, _M32, _M40, _M96, _M128 = ((1 << n) - 1 for n in (23, 32, 40, 96, 128))


@dataclass(frozen=True)
class Lane:
    """A server's standing: bond in wei, its last posted epoch, its retirement's epoch (the last it may post), open challenges."""

    bond: int
    last: int | None
    retired: int | None
    open: int = 0


@dataclass(frozen=True)
class OpenChallenge:
    """A demand for a leaf: who asks, until when (Unix s) it can be answered for sure, and whether the epoch waits for the answer."""

    by: bytes
    deadline: int
    blocking: bool


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
        return int((await self._chain.call(self._address, function("Settlement", "requests"), server, payer))[0][0])

    async def withdrawable(self, server: bytes, payer: bytes) -> tuple[int, int]:
        """What the payer has asked back, and when (Unix s) it can be withdrawn; (0, 0) if nothing."""
        amount, ready = (await self._chain.call(self._address, function("Settlement", "requests"), server, payer))[0]
        return int(amount), int(ready)

    async def lane(self, server: bytes) -> Lane:
        """A server's standing."""
        word = int((await self._chain.call(self._address, function("Settlement", "lane"), server))[0])
        last, retired = (word >> 96) & _M32, (word >> 128) & _M32
        return Lane(word & _M96, last - 1 if last else None, retired - 1 if retired else None, word >> 160)

    async def lane_owner(self, server: bytes) -> bytes | None:
        """Who bonded the server first, and so may add to the bond and retire it; None if nobody has."""
        found = to_address((await self._chain.call(self._address, function("Settlement", "lane_owner"), server))[0])
        return found if any(found) else None

    async def epoch(self, server: bytes, epoch: int) -> EpochState:
        """How an epoch stands."""
        commit = (await self._chain.call(self._address, function("Settlement", "commit"), server, epoch))[0]
        word = int((await self._chain.call(self._address, function("Settlement", "meta"), server, epoch))[0])
        final = bool((await self._chain.call(self._address, function("Settlement", "final"), server, epoch))[0])
        return EpochState(commit, word >> 192 & _M40, word & _M96, word >> 96 & _M96, word >> 232 & _M23, bool(word >> 255), final)

    async def open_challenge(self, server: bytes, epoch: int, payee: bytes, amount: int) -> OpenChallenge | None:
        """The open challenge for a receipt of that payee and amount, or None."""
        how = function("Settlement", "ch")
        by, deadline, blocking = (await self._chain.call(self._address, how, server, epoch, payee, amount))[0]
        return OpenChallenge(to_address(by), int(deadline), bool(blocking)) if any(to_address(by)) else None

    async def deposit(self, private_key: bytes, server: bytes, payer: bytes, amount: int) -> TxReceipt:
        """Fill a payer's escrow with one server (approve the contract first)."""
        return await self._chain.transact(private_key, self._address, function("Settlement", "deposit"), server, payer, amount)

    async def request(self, private_key: bytes, server: bytes, amount: int) -> TxReceipt:
        """Ask escrow back from the server; it replaces an earlier request, and its delay begins now. The payer's key."""
        return await self._chain.transact(private_key, self._address, function("Settlement", "request"), server, amount)

    async def withdraw(self, private_key: bytes, server: bytes) -> TxReceipt:
        """Take what was asked back, after the delay. The payer's key."""
        return await self._chain.transact(private_key, self._address, function("Settlement", "withdraw"), server)

    async def bond(self, private_key: bytes, server: bytes, amount: int) -> TxReceipt:
        """Put tokens behind a server's word (approve the contract first). The first to do so owns the lane; nobody else may add."""
        return await self._chain.transact(private_key, self._address, function("Settlement", "bond"), server, amount)

    async def retire(self, private_key: bytes, server: bytes) -> TxReceipt:
        """End a lane: the running epoch is the last it may post. The lane owner's key."""
        return await self._chain.transact(private_key, self._address, function("Settlement", "retire"), server)

    async def unbond(self, private_key: bytes, server: bytes) -> TxReceipt:
        """Take a retired lane's bond back, once nothing can be challenged any more. The lane owner's key."""
        return await self._chain.transact(private_key, self._address, function("Settlement", "unbond"), server)

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

    async def challenge(self, private_key: bytes, receipt: Signed[Receipt]) -> TxReceipt:
        """Demand to see a receipt's leaf (approve the contract for the stake first). Anyone's key."""
        row = astuple(receipt.message)
        how = function("Settlement", "challenge")
        return await self._chain.transact(private_key, self._address, how, row, *compact(receipt.signature))

    async def answer(self, private_key: bytes, server: bytes, epoch: int, challenged: int, shown: Answer) -> TxReceipt:
        """Show the leaf that a receipt over ``challenged`` wei demands. Anyone's key."""
        row = (server, epoch, shown.payee, challenged, astuple(shown.header), shown.amount, shown.index, list(shown.proof))
        return await self._chain.transact(private_key, self._address, function("Settlement", "answer"), *row)

    async def slash(self, private_key: bytes, server: bytes, epoch: int, payee: bytes, challenged: int) -> TxReceipt:
        """Take the bond of a server that left a challenge unanswered beyond its deadline. Anyone's key."""
        return await self._chain.transact(private_key, self._address, function("Settlement", "slash"), server, epoch, payee, challenged)

    async def refund(
        self, private_key: bytes, server: bytes, epoch: int, header: Header, counts: bytes, data: bytes, debits: Sequence[tuple[bytes, int]]
    ) -> TxReceipt:
        """Give a void epoch's debits (payer, net wei), in the order they were posted, back to the payers. Anyone's key."""
        row = (server, epoch, header.root, header.total, counts, data, list(debits))
        return await self._chain.transact(private_key, self._address, function("Settlement", "refund"), *row)

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

    async def history(self, name: str, server: bytes, epoch: int | None = None, payee: bytes | None = None) -> list[Log]:
        """Every event of a server by its name (Challenged, Answered, Slashed, Refunded, Claimed, Posted, Retired...), oldest first."""
        indexed = (server, None if epoch is None else epoch.to_bytes(32, "big"), payee)
        return await self._logs(name, indexed[: sum(event("Settlement", name).indexed)])

    async def _logs(self, name: str, topics: Sequence[bytes | None]) -> list[Log]:
        return await self._chain.logs(self._address, event("Settlement", name), self._deployment.block, topics)


def _paid(log: Log) -> Paid:
    return Paid(**log.fields)
