"""Roots without trees are the trees' roots."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pywallet.crypto import keccak256
from pywallet.settlement import CountsRoot, CountsTree, SumRoot, SumTree


@given(st.integers(0, 70))
def test_streaming_roots_are_the_trees_roots(count: int) -> None:
    """Whatever the number of leaves, odd levels and none at all included, root and total agree."""
    leaves = [(keccak256(bytes([n]))[:20], n * n) for n in range(count)]
    sums, counts = SumRoot(), CountsRoot()
    for payee, amount in leaves:
        sums.add(payee, amount)
        counts.add(keccak256(payee))
    tree = SumTree(leaves)
    assert sums.end() == (tree.root, tree.total)
    assert counts.end() == CountsTree([keccak256(payee) for payee, _ in leaves]).root
