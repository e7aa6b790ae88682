"""Streaming roots against the trees."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pywallet.crypto import keccak256
from pywallet.settlement import CountsRoot, CountsTree, SumRoot, SumTree


@given(st.integers(0, 70))
def test_streaming_roots_are_the_trees_roots(count: int) -> None:
    """A streaming root or total would differ from the tree's for some number of leaves."""
    leaves = [(keccak256(bytes([n]))[:20], n * n) for n in range(count)]
    sums, counts = SumRoot(), CountsRoot()
    for payee, amount in leaves:
        sums.add(payee, amount)
        counts.add(keccak256(payee))
    tree = SumTree(leaves)
    assert sums.end() == (tree.root, tree.total)
    assert counts.end() == CountsTree([keccak256(payee) for payee, _ in leaves]).root
