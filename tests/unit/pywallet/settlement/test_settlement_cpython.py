"""Hashes of settlement against eth-abi and eth-utils."""

from __future__ import annotations

from eth_abi import encode
from eth_utils import keccak
from hypothesis import given
from hypothesis import strategies as st

from pywallet.settlement import (
    CountsTree,
    EpochHeader,
    SumTree,
    commitment,
    content_leaf,
    entries_digest,
    rest,
    usage_leaf,
    usage_tag,
)

addresses = st.binary(min_size=20, max_size=20)
words = st.binary(min_size=32, max_size=32)
numbers = st.integers(0, (1 << 256) - 1)
wei = st.integers(0, (1 << 96) - 1)


def text(address: bytes) -> str:
    """An address as eth-abi takes it."""
    return "0x" + address.hex()


@given(addresses, numbers, numbers, numbers, numbers, words, words)
def test_counts_leaves(content: bytes, a: int, b: int, c: int, d: int, tag: bytes, secret: bytes) -> None:
    """A counts leaf or tag would differ from abi.encode."""
    kinds = ["uint256", "address", "uint256", "uint256", "uint256", "uint256"]
    assert content_leaf(content, a, b, c, d) == keccak(encode(kinds, [2, text(content), a, b, c, d]))
    kinds = ["uint256", "bytes32", "address", "uint256", "uint256", "uint256"]
    assert usage_leaf(tag, content, a, b, c) == keccak(encode(kinds, [3, tag, text(content), a, b, c]))
    assert usage_tag(secret, a) == keccak(encode(["bytes32", "uint256"], [secret, a]))


@given(st.lists(st.tuples(addresses, wei), max_size=20))
def test_sum_tree(payees: list[tuple[bytes, int]]) -> None:
    """The tree would differ from a recursive one with eth-abi."""
    level = [(keccak(encode(["uint256", "address", "uint256"], [0, text(p), a])), a) for p, a in payees] or [
        (bytes(32), 0)
    ]
    while len(level) > 1:
        level += [(bytes(32), 0)] * (len(level) % 2)
        kinds = ["uint256", "bytes32", "uint256", "bytes32", "uint256"]
        level = [
            (keccak(encode(kinds, [1, *left, *right])), left[1] + right[1])
            for left, right in zip(level[::2], level[1::2], strict=True)
        ]
    tree = SumTree(payees)
    assert (tree.root, tree.total) == level[0]


@given(st.lists(words, min_size=1, max_size=20))
def test_counts_tree(leaves: list[bytes]) -> None:
    """An inner node would differ from abi.encode(4, left, right)."""
    level = leaves[:]
    while len(level) > 1:
        level += [bytes(32)] * (len(level) % 2)
        level = [
            keccak(encode(["uint256", "bytes32", "bytes32"], [4, a, b]))
            for a, b in zip(level[::2], level[1::2], strict=True)
        ]
    assert CountsTree(leaves).root == level[0]


@given(st.lists(st.tuples(addresses, wei), max_size=10), words, words, words, numbers)
def test_commitment(debits: list[tuple[bytes, int]], root: bytes, counts: bytes, data: bytes, total: int) -> None:
    """Digest, rest or commitment would differ from abi.encode."""
    digest = bytes(32)
    for payer, net in debits:
        digest = keccak(encode(["bytes32", "address", "uint256"], [digest, text(payer), net]))
    assert entries_digest(debits) == digest
    tail = keccak(encode(["bytes32"] * 3, [digest, counts, data]))
    assert rest(digest, counts, data) == tail
    assert commitment(EpochHeader(root, total, tail)) == keccak(
        encode(["bytes32", "uint256", "bytes32"], [root, total, tail])
    )
