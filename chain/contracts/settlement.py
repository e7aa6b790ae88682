"""The door to the settlement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Final

from chain.abi import event, function, to_address
from chain.client import Chain, Log, Topics, TxReceipt, decode_log
from chain.deployment import Deployment
from pywallet.crypto import address_of
from pywallet.errors import GomaaError, InputError
from pywallet.protocol import Receipt, Signed, compact
from pywallet.settlement import Answer, EpochHeader, Schedule, entries_digest
from pywallet.settlement.schedule import ANSWERS_A_BATCH

MOST_ENTRIES: Final = 256
"""Debits in one transaction."""

MOST_ANSWERS: Final = ANSWERS_A_BATCH
"""Answers in one transaction."""

_M23, _M32, _M40, _M96, _M128 = ((1 << n) - 1 for n in (23, 32, 40, 96, 128))


@dataclass(frozen=True)
class Lane:
    """A server's standing.

    Bond in wei, the epoch it debited or posted last, its retirement's (the last it may post), open challenges.
    """

    bond: int
    last: int | None
    retired: int | None
    open: int = 0


@dataclass(frozen=True)
class OpenChallenge:
    """A demand for a leaf.

    Who asks, until when (Unix s) it can be answered for sure, and whether the epoch waits for the answer.
    """

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
class Draft:
    """What of an epoch is debited and not yet posted.

    Entries, sum of their nets and of the commissions in wei, and their digest.
    """

    count: int
    total: int
    fee: int
    digest: bytes


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
    """One leaf to be paid; r and vs are the payee's signature over its Claim.

    Root and total of the header follow from the proof.
    """

    server: bytes
    epoch: int
    header: EpochHeader
    payee: bytes
    amount: int
    index: int
    depth: int
    r: int
    vs: int

    def row(self) -> tuple[bytes, int, bytes, bytes, int, int, int, int, int]:
        """As the contract takes it."""
        leaf = (self.payee, self.amount, self.index, self.depth)
        return (self.server, self.epoch, self.header.rest, *leaf, self.r, self.vs)


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
        return EpochState(
            commit, word >> 192 & _M40, word & _M96, word >> 96 & _M96, word >> 232 & _M23, bool(word >> 255), final
        )

    async def open_challenge(self, server: bytes, epoch: int, payee: bytes, amount: int) -> OpenChallenge | None:
        """The open challenge for a receipt of that payee and amount, or None."""
        how = function("Settlement", "ch")
        by, deadline, blocking = (await self._chain.call(self._address, how, server, epoch, payee, amount))[0]
        return OpenChallenge(to_address(by), int(deadline), bool(blocking)) if any(to_address(by)) else None

    async def deposit(self, private_key: bytes, server: bytes, payer: bytes, amount: int) -> TxReceipt:
        """Fill a payer's escrow with one server (approve the contract first)."""
        return await self._chain.transact(
            private_key, self._address, function("Settlement", "deposit"), server, payer, amount
        )

    async def request(self, private_key: bytes, server: bytes, amount: int) -> TxReceipt:
        """Ask escrow back from the server; it replaces an earlier request, and its delay begins now.

        The payer's key.
        """
        return await self._chain.transact(private_key, self._address, function("Settlement", "request"), server, amount)

    async def withdraw(self, private_key: bytes, server: bytes) -> TxReceipt:
        """Take what was asked back, after the delay. The payer's key."""
        return await self._chain.transact(private_key, self._address, function("Settlement", "withdraw"), server)

    async def bond(self, private_key: bytes, server: bytes, amount: int) -> TxReceipt:
        """Put tokens behind a server's word (approve the contract first).

        The first to do so owns the lane; nobody else may add.
        """
        return await self._chain.transact(private_key, self._address, function("Settlement", "bond"), server, amount)

    async def retire(self, private_key: bytes, server: bytes) -> TxReceipt:
        """End a lane: the running epoch is the last it may post. The lane owner's key."""
        return await self._chain.transact(private_key, self._address, function("Settlement", "retire"), server)

    async def unbond(self, private_key: bytes, server: bytes) -> TxReceipt:
        """Take a retired lane's bond back, once nothing can be challenged any more. The lane owner's key."""
        return await self._chain.transact(private_key, self._address, function("Settlement", "unbond"), server)

    async def draft(self, server: bytes, epoch: int) -> Draft:
        """What is debited for an epoch that is not posted; all zero where nothing is, and for posted epochs."""
        state = await self.epoch(server, epoch)
        if state.ready:
            return Draft(0, 0, 0, bytes(32))
        count, digest = await self._debited(server, epoch)
        return Draft(count, state.left, state.fee, digest)

    async def _debited(self, server: bytes, epoch: int) -> tuple[int, bytes]:
        """Count and digest of the entries that were debited before the post, also of a posted epoch."""
        digest, count = (await self._chain.call(self._address, function("Settlement", "draft"), server, epoch))[0]
        return int(count), bytes(digest)

    async def _matching(self, server: bytes, epoch: int, debits: Sequence[tuple[bytes, int]]) -> tuple[int, bytes]:
        """As ``_debited``. Raises GomaaError chain.mismatch unless the first of ``debits`` are just those."""
        count, digest = await self._debited(server, epoch)
        if count > len(debits) or entries_digest(debits[:count]) != digest:
            raise GomaaError("chain.mismatch", epoch=epoch, reason="the draft is of other entries", count=count)
        return count, digest

    async def post(
        self, private_key: bytes, epoch: int, root: bytes, counts: bytes, data: bytes, entries: Sequence[Entry]
    ) -> TxReceipt:
        """Close an epoch of the key's server, in as many transactions as its entries take, and go on where an earlier
        call ended.

        Each part names the digest that it is added to, so none is debited twice, whatever became of a transaction.

        Args:
            private_key: The server's.
            epoch: Its number.
            root: Of the sum tree.
            counts: Root of the counts tree.
            data: Hash of the published data.
            entries: All debits of the epoch, in their order.

        Returns:
            The receipt of the post itself.

        Raises:
            GomaaError: chain.mismatch if other entries than these are debited for the epoch (``undo`` gives them back);
                chain.reverted.
        """
        debits = [(entry.payer, entry.net) for entry in entries]
        done, digest = await self._matching(address_of(private_key), epoch, debits)
        while len(entries) - done > MOST_ENTRIES:
            end = done + MOST_ENTRIES
            part = [astuple(entry) for entry in entries[done:end]]
            # A block is enough: what follows names this part's digest, and fails where a reorganisation has taken it.
            await self._chain.transact(
                private_key, self._address, function("Settlement", "debit"), epoch, digest, part, depth=1
            )
            done, digest = end, entries_digest(debits[done:end], digest)
        rows = [astuple(entry) for entry in entries[done:]]
        how = function("Settlement", "post")
        return await self._chain.transact(private_key, self._address, how, epoch, root, counts, data, digest, rows)

    async def undo(
        self, private_key: bytes, server: bytes, epoch: int, debits: Sequence[tuple[bytes, int]]
    ) -> TxReceipt | None:
        """Give all debits of a draft back, the last ones first.

        With the server's key, or with anyone's once it cannot be posted.

        Args:
            private_key: The sender's.
            server: Whose draft.
            epoch: Its number.
            debits: (payer, net wei) in the order of the epoch's entries, at least those that are debited.

        Returns:
            The last transaction's receipt; None if there is no draft.

        Raises:
            GomaaError: chain.mismatch if other entries than these are debited; chain.reverted.
        """
        count, _ = await self._matching(server, epoch, debits)
        receipt = None
        while count:
            begin = max(0, count - MOST_ENTRIES)
            row = (server, epoch, entries_digest(debits[:begin]), list(debits[begin:count]))
            receipt = await self._chain.transact(private_key, self._address, function("Settlement", "undo"), *row)
            count = begin
        return receipt

    async def claim(
        self,
        private_key: bytes,
        items: Sequence[ClaimItem],
        nodes: Sequence[tuple[bytes, int]],
        to: bytes,
        tip: int = 0,
    ) -> TxReceipt:
        """Pay leaves of final epochs to ``to``; ``nodes`` are the items' proofs one after the other.

        A single leaf costs less gas.
        """
        if len(items) == 1:
            row = (items[0].row(), list(nodes), to, tip)
            return await self._chain.transact(private_key, self._address, function("Settlement", "claimOne"), *row)
        rows = [item.row() for item in items]
        return await self._chain.transact(
            private_key, self._address, function("Settlement", "claim"), rows, list(nodes), to, tip
        )

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
        return await self.answer_batch(private_key, server, epoch, [(challenged, shown)])

    async def answer_batch(
        self, private_key: bytes, server: bytes, epoch: int, shown: Sequence[tuple[int, Answer]]
    ) -> TxReceipt:
        """Answer challenges to one epoch in one transaction. Anyone's key.

        The contract passes over challenges that somebody else has closed meanwhile.

        Args:
            private_key: The sender's.
            server: Whose epoch.
            epoch: Its number.
            shown: The challenged amounts (wei) and their leaves, at most ``MOST_ANSWERS``, all under one header.

        Raises:
            InputError: message.schema for none, for too many, or for several headers.
            GomaaError: chain.reverted; ``detail.reason`` is ``none`` if all of them are closed already.
        """
        headers = {answer.header for _, answer in shown}
        if len(headers) != 1 or len(shown) > MOST_ANSWERS:
            raise InputError("message.schema", field="answers", reason=f"1 to {MOST_ANSWERS} under one header")
        rows = [(one.payee, challenged, one.amount, one.index, len(one.proof)) for challenged, one in shown]
        nodes = [node for _, one in shown for node in one.proof]
        row = (server, epoch, headers.pop().rest, rows, nodes)
        return await self._chain.transact(private_key, self._address, function("Settlement", "answerBatch"), *row)

    async def dismiss(self, private_key: bytes, server: bytes, epoch: int, payee: bytes, challenged: int) -> TxReceipt:
        """Close a challenge at or below what was shown to the payee already. Anyone's key."""
        return await self._chain.transact(
            private_key, self._address, function("Settlement", "dismiss"), server, epoch, payee, challenged
        )

    async def answered(self, commitment: bytes, payee: bytes) -> int:
        """The payee's greatest leaf, wei, that an answer has shown under a commitment; zero if none."""
        return int((await self._chain.call(self._address, function("Settlement", "answered"), commitment, payee))[0])

    async def slash(self, private_key: bytes, server: bytes, epoch: int, payee: bytes, challenged: int) -> TxReceipt:
        """Take the bond of a server that left a challenge unanswered beyond its deadline. Anyone's key."""
        return await self._chain.transact(
            private_key, self._address, function("Settlement", "slash"), server, epoch, payee, challenged
        )

    async def refund(
        self,
        private_key: bytes,
        server: bytes,
        epoch: int,
        header: EpochHeader,
        counts: bytes,
        data: bytes,
        debits: Sequence[tuple[bytes, int]],
    ) -> TxReceipt:
        """Give a void epoch's debits (payer, net wei), all of them in the order they were posted, back to the payers.

        Anyone's key.

        An epoch of several parts takes as many transactions, and what is left of an earlier call's work is done.

        Returns:
            The last transaction's receipt.

        Raises:
            GomaaError: chain.mismatch if other entries than these were debited; chain.reverted.
        """
        count, _ = await self._matching(server, epoch, debits)
        receipt = None
        state = await self.epoch(server, epoch)
        if state.ready or not count:
            row = (server, epoch, header.root, header.total, counts, data, list(debits[count:]))
            receipt = await self._chain.transact(private_key, self._address, function("Settlement", "refund"), *row)
        undone = await self.undo(private_key, server, epoch, debits)
        last = undone or receipt
        assert last is not None
        return last

    async def is_claimed(self, server: bytes, epoch: int, index: int, depth: int) -> bool:
        """Whether a leaf has been paid."""
        return bool(
            (await self._chain.call(self._address, function("Settlement", "claimed"), server, epoch, index, depth))[0]
        )

    async def claimed(self, transaction: bytes) -> list[Paid]:
        """What a transaction paid; empty while it is not in a block."""
        found = await self._chain.request("eth_getTransactionReceipt", "0x" + transaction.hex())
        if found is None:
            return []
        what = event("Settlement", "Claimed")
        topic = "0x" + what.topic.hex()
        mine = [
            item
            for item in found["logs"]
            if item["topics"][0] == topic and item["address"].lower() == "0x" + self._address.hex()
        ]
        return [_paid(decode_log(what, item)) for item in mine]

    async def claims_of(self, payee: bytes) -> list[Paid]:
        """Every claim of a payee."""
        return [_paid(log) for log in await self._logs("Claimed", (None, None, payee))]

    async def claims_by(self, payees: Sequence[bytes]) -> list[Log]:
        """Every ``Claimed`` event of any of these payees, oldest first, in one question."""
        return await self._logs("Claimed", (None, None, payees))

    async def posted_between(self, first: int, last: int) -> list[Log]:
        """``Posted`` events of all servers in blocks ``first`` to ``last``, oldest first."""
        return await self._chain.logs(self._address, event("Settlement", "Posted"), first, (), last)

    async def posts(self, server: bytes) -> list[Log]:
        """Every ``Posted`` event of a server."""
        return await self._logs("Posted", (server,))

    async def history(
        self, name: str, server: bytes, epoch: int | None = None, payee: bytes | None = None
    ) -> list[Log]:
        """Every event of a server by its name (Challenged, Answered, Slashed, Refunded, Claimed, Posted, Retired...),
        oldest first.
        """
        indexed = (server, None if epoch is None else epoch.to_bytes(32, "big"), payee)
        return await self._logs(name, indexed[: sum(event("Settlement", name).indexed)])

    async def _logs(self, name: str, topics: Topics) -> list[Log]:
        return await self._chain.logs(self._address, event("Settlement", name), self._deployment.block, topics)


def _paid(log: Log) -> Paid:
    return Paid(**log.fields)
