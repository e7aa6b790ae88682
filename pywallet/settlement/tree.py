"""The Merkle-sum tree over an epoch's payees (settlement, section Encodings)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pywallet.platform import keccak256
from pywallet.settlement.commitment import Header

MAX_DEPTH: Final = 32
Node = tuple[bytes, int]
PADDING: Final[Node] = (bytes(32), 0)


def _word(value: int) -> bytes:
    return value.to_bytes(32, "big")


def leaf(payee: bytes, amount: int) -> Node:
    """keccak(0, payee, amount) and the amount."""
    return keccak256(_word(0) + payee.rjust(32, b"\0") + _word(amount)), amount


def node(left: Node, right: Node) -> Node:
    """keccak(1, hL, sumL, hR, sumR) and the sum."""
    return keccak256(_word(1) + left[0] + _word(left[1]) + right[0] + _word(right[1])), left[1] + right[1]


class SumTree:
    """The tree of one epoch. ``leaves``: (payee, wei) in leaf order; a level of odd length gets a padding node (0x0, 0)."""

    def __init__(self, leaves: Sequence[tuple[bytes, int]]) -> None:
        if len(leaves) > 1 << MAX_DEPTH:
            raise ValueError("too many leaves")
        self._count = len(leaves)
        self._levels: list[list[Node]] = [[leaf(payee, amount) for payee, amount in leaves] or [PADDING]]
        while len(self._levels[-1]) > 1:
            level = self._levels[-1]
            if len(level) % 2:
                level.append(PADDING)
            self._levels.append([node(a, b) for a, b in zip(level[::2], level[1::2], strict=True)])

    @property
    def root(self) -> bytes:
        """The root's hash, 32 bytes."""
        return self._levels[-1][0][0]

    @property
    def total(self) -> int:
        """The sum of all amounts, wei."""
        return self._levels[-1][0][1]

    @property
    def depth(self) -> int:
        """The length of every proof."""
        return len(self._levels) - 1

    def proof(self, index: int) -> list[Node]:
        """The siblings of a leaf, from the bottom. Raises IndexError for a leaf that isn't there."""
        if not 0 <= index < self._count:
            raise IndexError(index)
        out = []
        for level in self._levels[:-1]:
            out.append(level[index ^ 1])
            index >>= 1
        return out


def verify_leaf(header: Header, payee: bytes, amount: int, index: int, proof: Sequence[Node]) -> bool:
    """Whether (payee, amount) is leaf ``index`` under the header's root, and the sums add up to its total."""
    if len(proof) > MAX_DEPTH or index < 0 or index >> len(proof) or amount < 0 or any(total < 0 for _, total in proof):
        return False
    if amount >> 256 or any(total >> 256 or len(digest) != 32 for digest, total in proof):
        return False
    here = leaf(payee, amount)
    for sibling in proof:
        here = node(sibling, here) if index & 1 else node(here, sibling)
        if here[1] >> 256:
            return False
        index >>= 1
    return here == (header.root, header.total)
