"""Merkle-sum tree over an epoch's payees (docs/settlement.md, Encodings)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pywallet.crypto import keccak256
from pywallet.settlement.commitment import EpochHeader

MAX_DEPTH: Final = 32
SumNode = tuple[bytes, int]
"""Hash and sum of a node, wei."""
_LEAF: Final = bytes(32)
_NODE: Final = (1).to_bytes(32, "big")
_SIZE: Final = 64


def _word(value: int) -> bytes:
    return value.to_bytes(32, "big")


def leaf(payee: bytes, amount: int) -> SumNode:
    """A leaf: keccak(0, payee, amount), and the amount in wei."""
    return keccak256(_word(0) + payee.rjust(32, b"\0") + _word(amount)), amount


def node(left: SumNode, right: SumNode) -> SumNode:
    """An inner node: keccak(1, hL, sumL, hR, sumR), and the sum in wei."""
    return keccak256(_word(1) + left[0] + _word(left[1]) + right[0] + _word(right[1])), left[1] + right[1]


def packed_leaf(payee: bytes, amount: int) -> bytes:
    """A leaf as hash ‖ sum, 64 bytes; two of these are the preimage of a node."""
    word = amount.to_bytes(32, "big")
    return keccak256(_LEAF + payee.rjust(32, b"\0") + word) + word


def packed_node(pair: bytes) -> bytes:
    """An inner node as hash ‖ sum, 64 bytes, from its two children, 128 bytes."""
    total = int.from_bytes(pair[32:64], "big") + int.from_bytes(pair[96:], "big")
    return keccak256(_NODE + pair) + total.to_bytes(32, "big")


class SumTree:
    """The tree of one epoch. A level of odd length is padded with a node (0x0, 0).

    A node takes 64 bytes, so a million leaves take 128 MB.
    """

    def __init__(self, leaves: Sequence[tuple[bytes, int]]) -> None:
        """Build the tree.

        Args:
            leaves: (payee, wei) in leaf order.

        Raises:
            ValueError: More than 2^``MAX_DEPTH`` leaves.
        """
        if len(leaves) > 1 << MAX_DEPTH:
            raise ValueError("too many leaves")
        self._count = len(leaves)
        level = bytearray()
        for payee, amount in leaves:
            level += packed_leaf(payee, amount)
        level = level or bytearray(_SIZE)
        self._levels = [level]
        while len(level) > _SIZE:
            if len(level) // _SIZE % 2:
                level += bytes(_SIZE)
            above = bytearray()
            for at in range(0, len(level), 2 * _SIZE):
                above += packed_node(bytes(level[at : at + 2 * _SIZE]))
            level = above
            self._levels.append(level)

    @property
    def root(self) -> bytes:
        """The root's hash, 32 bytes."""
        return bytes(self._levels[-1][:32])

    @property
    def total(self) -> int:
        """The sum of all amounts, wei."""
        return int.from_bytes(self._levels[-1][32:], "big")

    @property
    def depth(self) -> int:
        """Depth of the tree, and length of every proof."""
        return len(self._levels) - 1

    def proof(self, index: int) -> list[SumNode]:
        """The siblings from a leaf to the root. Raises IndexError where there is no such leaf."""
        if not 0 <= index < self._count:
            raise IndexError(index)
        out = []
        for level in self._levels[:-1]:
            at = (index ^ 1) * _SIZE
            out.append((bytes(level[at : at + 32]), int.from_bytes(level[at + 32 : at + _SIZE], "big")))
            index >>= 1
        return out


def verify_leaf(header: EpochHeader, payee: bytes, amount: int, index: int, proof: Sequence[SumNode]) -> bool:
    """True if (payee, amount) is leaf ``index`` under the header's root and total."""
    if len(proof) > MAX_DEPTH or index < 0 or index >> len(proof) or amount < 0 or any(total < 0 for _, total in proof):
        return False
    if amount >> 256 or any(total >> 256 or len(digest) != 32 for digest, total in proof):
        return False
    current = leaf(payee, amount)
    for sibling in proof:
        current = node(sibling, current) if index & 1 else node(current, sibling)
        if current[1] >> 256:
            return False
        index >>= 1
    return current == (header.root, header.total)
