"""A closed epoch, read from its canonical bytes: roots, trees and places. Nothing here reads a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pywallet.crypto import keccak256
from pywallet.errors import GomaaError, InputError
from pywallet.settlement import (
    CountsTree,
    EpochData,
    EpochHeader,
    SumTree,
    commitment,
    content_leaf,
    entries_digest,
    rest,
)
from security_server.chain.voucher_calldata import DebitVoucher


@dataclass(frozen=True)
class ClosedEpoch:
    """What is posted, proven and published of one epoch.

    Attributes:
        data: All tables but the plays.
        header: What the chain's commitment is over.
        digest: Of the entries.
        data_hash: keccak of the bytes.
        commitment: The word that the chain must hold.
        payees: The sum tree.
        counts: The tree of counts and usages.
        payee_index: Payee to leaf.
        content_index: Content to leaf of the counts tree.
        usage_index: Usage leaf's hash to leaf of the counts tree.
    """

    data: EpochData
    header: EpochHeader
    digest: bytes
    data_hash: bytes
    commitment: bytes
    payees: SumTree
    counts: CountsTree
    payee_index: Mapping[bytes, int]
    content_index: Mapping[bytes, int]
    usage_index: Mapping[bytes, int]

    @classmethod
    def of(cls, raw: bytes) -> ClosedEpoch:
        """Decode an epoch's bytes and check their roots.

        Raises:
            GomaaError: ``server.epoch.damaged``: other bytes, or tables that are not those of the roots.
        """
        try:
            data = EpochData.decode(raw, plays=False)
        except InputError as error:
            raise GomaaError("server.epoch.damaged", reason=error.detail.get("reason")) from None
        leaves = [(row.payee, row.amount) for row in data.payees]
        payees, counts = SumTree(leaves), counts_tree(data)
        if (payees.root, payees.total, counts.root) != (data.root, data.total, data.counts_root):
            raise GomaaError("server.epoch.damaged", epoch=data.epoch, reason="roots")
        digest, data_hash = entries_digest((row.payer, row.net) for row in data.debits), keccak256(raw)
        header = EpochHeader(data.root, data.total, rest(digest, data.counts_root, data_hash))
        first = len(data.contents)
        return cls(
            data,
            header,
            digest,
            data_hash,
            commitment(header),
            payees,
            counts,
            {payee: index for index, (payee, _) in enumerate(leaves)},
            {row.content: index for index, row in enumerate(data.contents)},
            {row.leaf: first + index for index, row in enumerate(data.usages)},
        )

    def holds(self, vouchers: Sequence[DebitVoucher]) -> bool:
        """Whether these are the vouchers of the epoch's debits, in their order."""
        return [(voucher.payer, voucher.net) for voucher in vouchers] == [
            (row.payer, row.net) for row in self.data.debits
        ]


def counts_tree(data: EpochData) -> CountsTree:
    """The counts tree of an epoch's tables: contents, then usages."""
    leaves = [content_leaf(row.content, row.plays, row.unvalidated, row.seeks, row.seconds) for row in data.contents]
    return CountsTree(leaves + [row.leaf for row in data.usages])
