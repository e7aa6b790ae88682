"""Challenges off the chain: answers to them, reasons for them, and checks of published data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pywallet.protocol import Receipt
from pywallet.settlement.commitment import EpochHeader, commitment, entries_digest, rest
from pywallet.settlement.published_data import EpochData
from pywallet.settlement.tree import SumNode, SumTree, verify_leaf

DataFault = Literal["root", "total", "commitment"]
MissingLeaf = Literal["absent", "low"]


@dataclass(frozen=True)
class Answer:
    """A leaf under a posted header: an item of the contract's ``answerBatch``.

    Attributes:
        header: The posted header.
        payee: Address, 20 bytes.
        amount: Wei.
        index: Position of the leaf.
        proof: Siblings from the leaf up.
    """

    header: EpochHeader
    payee: bytes
    amount: int
    index: int
    proof: tuple[SumNode, ...]

    def holds(self) -> bool:
        """True if the proof leads to the header's root and total."""
        return verify_leaf(self.header, self.payee, self.amount, self.index, self.proof)


def answer_for(
    leaves: Sequence[tuple[bytes, int]], header: EpochHeader, payee: bytes, amount: int, tree: SumTree | None = None
) -> Answer | None:
    """The payee's largest leaf, if it covers a receipt.

    Args:
        leaves: (payee, wei) under the header.
        header: The posted header.
        payee: Address, 20 bytes.
        amount: Amount of the receipt, wei.
        tree: The tree over the same leaves, if it is built already.

    Returns:
        The answer; None where no leaf covers the receipt, see ``missing_leaf``.
    """
    own = [(value, index) for index, (owner, value) in enumerate(leaves) if owner == payee]
    best, index = max(own, default=(-1, 0))
    if best < amount:
        return None
    answer = Answer(header, payee, best, index, tuple((tree or SumTree(leaves)).proof(index)))
    return answer if answer.holds() else None


def missing_leaf(receipt: Receipt, data: EpochData) -> MissingLeaf | None:
    """Compare the published leaves with a receipt.

    Conclusive only where ``fault`` returns None: then the data have all leaves under the posted root.

    Returns:
        ``absent`` (no leaf), ``low`` (a smaller leaf), or None; None also for a receipt of another server or epoch,
        or over zero.
    """
    if (receipt.server, receipt.epoch) != (data.server, data.epoch) or receipt.amount == 0:
        return None
    best = max((row.amount for row in data.payees if row.payee == receipt.payee), default=None)
    if best is None:
        return "absent"
    return "low" if best < receipt.amount else None


def fault(data: EpochData, committed: bytes, tree: SumTree | None = None) -> DataFault | None:
    """Check published data against the commitment on the chain.

    Args:
        data: The published data.
        committed: The chain's ``commit`` word, 32 bytes.
        tree: The tree over the same leaves, if it is built already.

    Returns:
        None; ``root``: the payees' leaves do not hash to the root; ``total``: leaves or debits do not add up to the
        total; ``commitment``: consistent, but not what was posted.
    """
    built = tree or SumTree([(row.payee, row.amount) for row in data.payees])
    if built.root != data.root:
        return "root"
    if not built.total == data.total == sum(row.net for row in data.debits):
        return "total"
    return None if commitment(header_of(data)) == committed else "commitment"


def header_of(data: EpochData) -> EpochHeader:
    """The header under which the data were posted."""
    digest = entries_digest([(row.payer, row.net) for row in data.debits])
    return EpochHeader(data.root, data.total, rest(digest, data.counts_root, data.hash))
