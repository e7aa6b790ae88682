"""The challenge game off chain.

What answers a challenge, what entitles to one, and what is wrong with published data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pywallet.protocol import Receipt
from pywallet.settlement.commitment import Header, commitment, entries_digest, rest
from pywallet.settlement.published_data import EpochData
from pywallet.settlement.tree import Node, SumTree, verify_leaf

Fault = Literal["root", "total", "commitment"]
Grievance = Literal["absent", "low"]


@dataclass(frozen=True)
class Answer:
    """A leaf under a posted header: what ``answer`` on the chain wants to see.

    Amount in wei, ``proof`` from the bottom.
    """

    header: Header
    payee: bytes
    amount: int
    index: int
    proof: tuple[Node, ...]

    def holds(self) -> bool:
        """Whether the proof leads to the header's root and total."""
        return verify_leaf(self.header, self.payee, self.amount, self.index, self.proof)


def answer_for(
    leaves: Sequence[tuple[bytes, int]], header: Header, payee: bytes, amount: int, tree: SumTree | None = None
) -> Answer | None:
    """The payee's greatest leaf, if it honours a receipt over ``amount`` wei.

    ``leaves`` (payee, wei) are those of the header. None means that there is
    no such leaf, and then ``grievance`` says what the receipt's holder may do.
    ``tree`` spares building one over the same leaves.
    """
    mine = [(value, index) for index, (who, value) in enumerate(leaves) if who == payee]
    best, index = max(mine, default=(-1, 0))
    if best < amount:
        return None
    found = Answer(header, payee, best, index, tuple((tree or SumTree(leaves)).proof(index)))
    return found if found.holds() else None


def grievance(receipt: Receipt, data: EpochData) -> Grievance | None:
    """What ``data`` owes the receipt's payee: ``absent`` (no leaf), ``low`` (a smaller leaf), or None (nothing).

    The data prove absence only if ``fault`` finds nothing wrong with them:
    then these are all the leaves under the posted root. Receipts of another
    server or epoch, or over nothing, are no grievance.
    """
    if (receipt.server, receipt.epoch) != (data.server, data.epoch) or receipt.amount == 0:
        return None
    best = max((row.amount for row in data.payees if row.payee == receipt.payee), default=None)
    if best is None:
        return "absent"
    return "low" if best < receipt.amount else None


def fault(data: EpochData, committed: bytes, tree: SumTree | None = None) -> Fault | None:
    """What is wrong with published data against the chain's ``commit`` word, or None.

    ``root``: the payees' leaves do not hash to the root; ``total``: leaves or
    debits do not add up to the total; ``commitment``: all fits together, but
    it is not what was posted.
    """
    built = tree or SumTree([(row.payee, row.amount) for row in data.payees])
    if built.root != data.root:
        return "root"
    if not built.total == data.total == sum(row.net for row in data.debits):
        return "total"
    return None if commitment(header_of(data)) == committed else "commitment"


def header_of(data: EpochData) -> Header:
    """The header that the published data were posted under."""
    digest = entries_digest([(row.payer, row.net) for row in data.debits])
    return Header(data.root, data.total, rest(digest, data.counts_root, data.hash))
