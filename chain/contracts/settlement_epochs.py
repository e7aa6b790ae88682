"""The part of the settlement client that posts, undoes and refunds epochs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Final

from chain.client import TxReceipt
from chain.contracts.contract_client import ContractClient
from pywallet.crypto import address_of
from pywallet.errors import GomaaError
from pywallet.settlement import EpochHeader, entries_digest

MOST_ENTRIES: Final = 256
"""Debits in one transaction."""

_MASK_23, _MASK_40, _MASK_96 = ((1 << bits) - 1 for bits in (23, 40, 96))


@dataclass(frozen=True)
class EpochState:
    """State of one epoch of one server."""

    commit: bytes
    """The commitment, zero if nothing is posted."""

    ready: int
    """Unix s from which the post is final; 0: not posted."""

    left: int
    """Wei that are not yet claimed; of a draft the sum of its nets."""

    fee: int
    """Commission that is not yet collected, wei."""

    open: int
    """Open challenges that block finality."""

    void: bool
    final: bool


@dataclass(frozen=True)
class Draft:
    """The debits of an epoch that is not posted: count, sums of nets and commissions in wei, digest of the entries."""

    count: int
    total: int
    fee: int
    digest: bytes


@dataclass(frozen=True)
class Entry:
    """One payer's debit under its voucher.

    ``net`` and ``cap`` (cumulative gross) in wei, ``until`` is the voucher's last epoch, ``r`` and ``vs`` are its
    signature (EIP-2098).
    """

    payer: bytes
    net: int
    cap: int
    until: int
    r: int
    vs: int


class EpochCalls(ContractClient):
    """Posting of epochs, in as many transactions as their entries take. Amounts in wei."""

    async def epoch(self, server: bytes, epoch: int) -> EpochState:
        """The state of an epoch."""
        commit = await self._call("commitment", server, epoch)
        word = int(await self._call("epoch_meta", server, epoch))
        final = bool(await self._call("final", server, epoch))
        return EpochState(
            commit,
            word >> 192 & _MASK_40,
            word & _MASK_96,
            word >> 96 & _MASK_96,
            word >> 232 & _MASK_23,
            bool(word >> 255),
            final,
        )

    async def draft(self, server: bytes, epoch: int) -> Draft:
        """The debits of an epoch that is not posted; all zero if there are none, and for posted epochs."""
        state = await self.epoch(server, epoch)
        if state.ready:
            return Draft(0, 0, 0, bytes(32))
        count, digest = await self._debited(server, epoch)
        return Draft(count, state.left, state.fee, digest)

    async def _debited(self, server: bytes, epoch: int) -> tuple[int, bytes]:
        """Count and digest of the entries that were debited before the post, also of a posted epoch."""
        digest, count = await self._call("draft", server, epoch)
        return int(count), bytes(digest)

    async def _matching(self, server: bytes, epoch: int, debits: Sequence[tuple[bytes, int]]) -> tuple[int, bytes]:
        """As ``_debited``. Raises GomaaError ``chain.mismatch`` unless ``debits`` begin with just those entries."""
        count, digest = await self._debited(server, epoch)
        if count > len(debits) or entries_digest(debits[:count]) != digest:
            raise GomaaError("chain.mismatch", epoch=epoch, reason="the draft is of other entries", count=count)
        return count, digest

    async def post(
        self, private_key: bytes, epoch: int, root: bytes, counts: bytes, data: bytes, entries: Sequence[Entry]
    ) -> TxReceipt:
        """Post an epoch of the key's server, and continue where an earlier call ended.

        Each part names the digest that it is added to, so that no entry is debited twice.

        Args:
            private_key: The server's.
            epoch: Its number.
            root: Root of the payees' sum tree.
            counts: Root of the counts tree.
            data: keccak of the published data.
            entries: All of the epoch's, in order.

        Returns:
            The last transaction's receipt.

        Raises:
            GomaaError: ``chain.mismatch`` if other entries than the first of these are debited already;
                ``chain.reverted``.
        """
        debits = [(entry.payer, entry.net) for entry in entries]
        done, digest = await self._matching(address_of(private_key), epoch, debits)
        while len(entries) - done > MOST_ENTRIES:
            end = done + MOST_ENTRIES
            part = [astuple(entry) for entry in entries[done:end]]
            # One block is enough: the next part names this part's digest, and reverts if a reorganisation removed it.
            await self._transact(private_key, "debit", epoch, digest, part, depth=1)
            done, digest = end, entries_digest(debits[done:end], digest)
        rows = [astuple(entry) for entry in entries[done:]]
        return await self._transact(private_key, "post", epoch, root, counts, data, digest, rows)

    async def undo(
        self, private_key: bytes, server: bytes, epoch: int, debits: Sequence[tuple[bytes, int]]
    ) -> TxReceipt | None:
        """Return all debits of a draft, the last ones first.

        Args:
            private_key: The server's, or anyone's once the epoch cannot be posted.
            server: Whose draft.
            epoch: Its number.
            debits: (payer, net wei) in the order of the epoch's entries, at least those that are debited.

        Returns:
            The last transaction's receipt; None if there is no draft.

        Raises:
            GomaaError: ``chain.mismatch`` if other entries than these are debited; ``chain.reverted``.
        """
        count, _ = await self._matching(server, epoch, debits)
        receipt = None
        while count:
            begin = max(0, count - MOST_ENTRIES)
            row = (server, epoch, entries_digest(debits[:begin]), list(debits[begin:count]))
            receipt = await self._transact(private_key, "undo", *row)
            count = begin
        return receipt

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
        """Return the debits of a void epoch, in as many transactions as it takes; continues an earlier call.

        Args:
            private_key: Anyone's.
            server: Whose epoch.
            epoch: Its number.
            header: What was posted.
            counts: Root of the counts tree.
            data: keccak of the published data.
            debits: (payer, net wei) of all entries, in the order they were posted.

        Returns:
            The last transaction's receipt.

        Raises:
            GomaaError: ``chain.mismatch`` if other entries than these were debited; ``chain.reverted``.
        """
        count, _ = await self._matching(server, epoch, debits)
        receipt = None
        state = await self.epoch(server, epoch)
        if state.ready or not count:
            row = (server, epoch, header.root, header.total, counts, data, list(debits[count:]))
            receipt = await self._transact(private_key, "refund", *row)
        undone = await self.undo(private_key, server, epoch, debits)
        last = undone or receipt
        assert last is not None
        return last

    async def collect(self, private_key: bytes, server: bytes, epoch: int) -> TxReceipt:
        """Transfer a final epoch's commission to the treasury. Anyone's key."""
        return await self._transact(private_key, "collect", server, epoch)
