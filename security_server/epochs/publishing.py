"""Reads of closed epochs; posts, proofs, answers, claims and published data come from their stored bytes only."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final

from chain.contracts.settlement import ClaimItem, Entry
from messages.host_server.billing import ContentLeaf, EpochHeaderResult, LeafResult, UsageLeaf, UsageResult
from messages.server_http import ContentCountsResult, EpochResult
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError, Refusal
from pywallet.protocol import Claim, Signed, compact
from pywallet.settlement import Answer, EpochHeader, usage_leaf, usage_tag
from security_server.chain.view import ChainView
from security_server.config import Keys
from security_server.db.connection import Connection
from security_server.db.queries import get
from security_server.db.rows import Row
from security_server.db.tables import epochs, sessions, usage_leaves
from security_server.db.writer import Store
from security_server.epochs.chain_agreement import ChainAgreement
from security_server.epochs.closed_epoch import ClosedEpoch
from security_server.epochs.epoch_store import read_commitment, read_epoch, read_vouchers
from security_server.epochs.settlement_state import STANDING, State

_KEEP: Final = 4
"""Decoded epochs in memory: a million leaves take 250 MB."""


class EpochPublisher:
    """Proofs and figures of closed epochs."""

    def __init__(
        self,
        *,
        keys: Keys,
        store: Store,
        chain: ChainView,
        agreement: ChainAgreement,
    ) -> None:
        self._keys = keys
        self._store = store
        self._chain = chain
        self._agreement = agreement
        self._address = keys.address
        self._decoded: OrderedDict[int, ClosedEpoch] = OrderedDict()
        self._decoding = asyncio.Lock()

    async def closed(self, epoch: int) -> ClosedEpoch:
        """A closed epoch, decoded.

        Raises:
            Refusal: ``claim.unknown``: there is no such epoch.
            GomaaError: ``server.epoch.damaged``: its bytes do not match the stored commitment.
        """
        async with self._decoding:
            committed = await self._store.run(lambda connection: read_commitment(connection, epoch))
            closed = self._decoded.get(epoch)
            # An import may have replaced the bytes by the chain's.
            if closed is not None and closed.commitment == committed:
                self._decoded.move_to_end(epoch)
                return closed
            row = await self._store.run(lambda connection: read_epoch(connection, epoch))
            if row is None:
                raise Refusal("claim.unknown", epoch=epoch)
            closed = await asyncio.to_thread(ClosedEpoch.of, row[0])
            if (closed.commitment, closed.data.epoch, closed.data.server) != (row[1], epoch, self._address):
                raise GomaaError("server.epoch.damaged", epoch=epoch)
            self._decoded[epoch] = closed
            if len(self._decoded) > _KEEP:
                self._decoded.popitem(last=False)
            return closed

    async def _agreed(self, epoch: int) -> ClosedEpoch:
        """A closed epoch that agrees with the chain.

        Raises as ``closed``; Unavailable ``server.mismatch.chain``: the chain holds another one.
        """
        self._agreement.require_epoch(epoch)
        return await self.closed(epoch)

    async def post_arguments(self, epoch: int) -> tuple[bytes, bytes, bytes, list[Entry]]:
        """Root, counts root, data hash and entries of a closed epoch.

        Raises:
            Refusal: ``claim.unknown``.
            GomaaError: ``server.epoch.damaged``: also for an imported epoch without its vouchers.
        """
        closed = await self.closed(epoch)
        vouchers = await self._store.run(lambda connection: read_vouchers(connection, epoch))
        if not closed.holds(vouchers):
            raise GomaaError("server.epoch.damaged", epoch=epoch, reason="entries")
        entries = [
            Entry(voucher.payer, voucher.net, voucher.cap, voucher.until, *compact(voucher.signature))
            for voucher in vouchers
        ]
        return closed.header.root, closed.data.counts_root, closed.data_hash, entries

    async def claim_item(
        self, claimed: Signed[Claim], *, signed: bool = True
    ) -> tuple[ClaimItem, Sequence[tuple[bytes, int]]]:
        """The contract's item for a claim, and its proof; ``signed``: True if the payee's signature is included.

        Raises Refusal: ``claim.unknown`` (no such leaf), ``claim.pending`` (not final yet); Unavailable
        ``server.mismatch.chain``.
        """
        claim = claimed.message
        closed = await self._agreed(claim.epoch)
        index = closed.payee_index.get(claim.payee)
        if index is None:
            raise Refusal("claim.unknown", epoch=claim.epoch)
        if not (await self._chain.epoch(claim.epoch)).final:
            raise Refusal("claim.pending", epoch=claim.epoch)
        amount = closed.data.payees[index].amount
        r, vs = compact(claimed.signature) if signed else (0, 0)
        item = ClaimItem(
            self._address, claim.epoch, closed.header, claim.payee, amount, index, closed.payees.depth, r, vs
        )
        return item, closed.payees.proof(index)

    async def leaf(self, epoch: int, payee: bytes) -> LeafResult:
        """A payee's leaf with its proof. Raises Refusal ``claim.unknown``, Unavailable ``server.mismatch.chain``."""
        closed = await self._agreed(epoch)
        index = closed.payee_index.get(payee)
        if index is None:
            raise Refusal("claim.unknown", epoch=epoch)
        return LeafResult(
            header=_header(closed.header),
            amount=str(closed.data.payees[index].amount),
            index=index,
            proof=[(to_hex(node), str(total)) for node, total in closed.payees.proof(index)],
        )

    async def answer(self, epoch: int, payee: bytes, challenged: int) -> Answer:
        """The answer to a challenge: the payee's leaf, of at least the receipt's amount, with its proof.

        Raises Refusal ``claim.unknown`` without such a leaf.
        """
        closed = await self.closed(epoch)
        index = closed.payee_index.get(payee)
        if index is None or closed.data.payees[index].amount < challenged:
            raise Refusal("claim.unknown", epoch=epoch)
        return Answer(closed.header, payee, closed.data.payees[index].amount, index, tuple(closed.payees.proof(index)))

    async def usage(self, device: bytes, epoch: int, session: bytes, content: bytes) -> UsageResult:
        """A listener's usage leaf and the content's leaf, proven; only for the session's own device.

        Raises Refusal: ``session.device``, ``claim.unknown``; Unavailable ``server.mismatch.chain``.
        """

        def read(connection: Connection) -> tuple[Row | None, Row | None]:
            row = get(connection, sessions, id=session)
            listener = None if row is None else row["listener"]
            used = (
                None if row is None else get(connection, usage_leaves, epoch=epoch, listener=listener, content=content)
            )
            return row, used

        row, used = await self._store.run(read)
        if row is None or row["device"] != device:
            raise Refusal("session.device")
        closed = await self._agreed(epoch)
        content_index = closed.content_index.get(content)
        if used is None or content_index is None:
            raise Refusal("claim.unknown", epoch=epoch)
        tag = usage_tag(self._keys.tag_secret(row["listener"], content), epoch)
        numbers = {name: used[name] for name in ("plays", "seeks", "seconds")}
        index = closed.usage_index.get(usage_leaf(tag, content, *numbers.values()))
        if index is None:
            raise GomaaError("server.epoch.damaged", epoch=epoch, reason="usage")
        return UsageResult(
            leaf=UsageLeaf(to_hex(tag), to_hex(content), **numbers),
            index=index,
            proof=_counts_proof(closed, index),
            content_leaf=ContentLeaf(**_content_counts(closed, content_index)),
            content_index=content_index,
            content_proof=_counts_proof(closed, content_index),
            header=_header(closed.header),
            digest=to_hex(closed.digest),
            counts_root=to_hex(closed.data.counts_root),
            data_hash=to_hex(closed.data_hash),
        )

    async def counts(self, epoch: int, content: bytes) -> ContentCountsResult:
        """A content's leaf and its proof under the counts root.

        Raises Refusal ``claim.unknown``, Unavailable ``server.mismatch.chain``.
        """
        closed = await self._agreed(epoch)
        index = closed.content_index.get(content)
        if index is None:
            raise Refusal("claim.unknown", epoch=epoch)
        return ContentCountsResult(
            **_content_counts(closed, index),
            index=index,
            proof=_counts_proof(closed, index),
            counts_root=to_hex(closed.data.counts_root),
        )

    async def epoch(self, epoch: int) -> EpochResult:
        """State of an epoch as of the last read of the chain, with its roots once it is closed."""
        row = await self._store.run(lambda connection: get(connection, epochs, epoch=epoch))
        if row is None:
            return EpochResult(epoch=epoch, state="none")
        state = row["settlement_state"]
        return EpochResult(
            epoch=epoch,
            state="final" if state == State.FINAL else "posted" if state in STANDING else "none",
            root=to_hex(row["root"]),
            total=str(row["total"]),
            counts_root=to_hex(row["counts_root"]),
            data_hash=to_hex(row["data_hash"]),
            transaction=None if row["transaction"] is None else to_hex(row["transaction"]),
            leaves=row["leaf_count"],
        )

    async def data(self, epoch: int) -> bytes:
        """The published bytes, whose keccak is the data hash.

        Raises Refusal ``claim.unknown``, Unavailable ``server.mismatch.chain``.
        """
        self._agreement.require_epoch(epoch)
        row = await self._store.run(lambda connection: read_epoch(connection, epoch))
        if row is None:
            raise Refusal("claim.unknown", epoch=epoch)
        return row[0]


def _content_counts(closed: ClosedEpoch, index: int) -> dict[str, Any]:
    """Fields of a content's leaf."""
    row = closed.data.contents[index]
    numbers = {name: getattr(row, name) for name in ("plays", "unvalidated", "seeks", "seconds")}
    return {"content": to_hex(row.content), **numbers}


def _counts_proof(closed: ClosedEpoch, index: int) -> list[str]:
    return [to_hex(node) for node in closed.counts.proof(index)]


def _header(header: EpochHeader) -> EpochHeaderResult:
    return EpochHeaderResult(root=to_hex(header.root), total=str(header.total), rest=to_hex(header.rest))
