"""The deepest tree, of 32 levels: its last leaf is claimed and answered like any other."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from chain.contracts.settlement import ClaimItem
from pywallet.crypto import address_of
from pywallet.settlement import SumTree
from pywallet.settlement.tree import MAX_DEPTH, SumNode, leaf, node
from tests.contracts.anvil_world import EPOCH, Book, World, reverts
from tests.contracts.challenged import DUE, posted

LAST = (1 << MAX_DEPTH) - 1
EMPTY: SumNode = (bytes(32), 0)
SAFE = bytes([0x77]) * 20


class _Deep(SumTree):
    """One payee at the last of 2**32 indices, beside padding."""

    def __init__(self, payee: bytes, amount: int) -> None:
        super().__init__([(payee, amount)])
        here = leaf(payee, amount)
        for _ in range(MAX_DEPTH):
            here = node(EMPTY, here)
        self._root = here[0]

    @property
    def root(self) -> bytes:
        """The root's hash."""
        return self._root

    @property
    def depth(self) -> int:
        """Depth of the tree, the most that the contract accepts."""
        return MAX_DEPTH

    def proof(self, index: int) -> list[SumNode]:
        """Padding on every level."""
        return [EMPTY] * MAX_DEPTH


@dataclass(frozen=True)
class DeepBook(Book):
    """A book whose only leaf is the last of the deepest tree."""

    @property
    def tree(self) -> SumTree:
        """The posted tree."""
        return _Deep(*self.leaves[0])


def deep(w: World) -> DeepBook:
    """A post with 500 wei for the fan."""
    return DeepBook(EPOCH, ((address_of(w.fan), 500),), ((address_of(w.station), 500),))


def item(w: World, book: Book) -> ClaimItem:
    """The fan's leaf, signed for SAFE, at its index."""
    return replace(w.item(book, 0, w.fan, SAFE), index=LAST)


def test_the_last_leaf_of_the_deepest_tree_is_paid_once(w: World) -> None:
    """By `claimOne`, then refused both ways."""
    book = deep(w)
    w.final(book)
    row, nodes = item(w, book), book.tree.proof(LAST)
    w.claim([row], nodes, SAFE)
    assert w.balance(SAFE) == 500
    assert w.call("Settlement", "claimed", address_of(w.server), EPOCH, LAST, MAX_DEPTH)
    assert not w.call("Settlement", "claimed", address_of(w.server), EPOCH, LAST - 1, MAX_DEPTH)
    with reverts("settlement: leaf claimed"):
        w.send(w.relayer, "Settlement", "claim", [row.row()], nodes, SAFE, 0)


def test_a_batch_accepts_the_deepest_proofs(w: World) -> None:
    """Depth 32 is within the bound of `claim` too."""
    book = deep(w)
    w.final(book)
    row, nodes = item(w, book), book.tree.proof(LAST)
    w.send(w.relayer, "Settlement", "claim", [row.row()], nodes, SAFE, 0)
    assert w.balance(SAFE) == 500


@pytest.mark.parametrize("past", [0, 1])
def test_an_answer_accepts_the_deepest_proof(w: World, past: int) -> None:
    """At its index, and not at the next one."""
    book = deep(w)
    posted(w, book)
    w.at(DUE)
    w.challenge(w.receipt(book, address_of(w.fan), 500))
    if past:
        with reverts("settlement: index out of range"):
            w.answer(book, 0, 500, index=LAST + 1)
    else:
        w.answer(book, 0, 500, index=LAST)
    assert w.server_state()[1] == past
