"""Counts tree: plays, seeks and seconds by content, and by listener under a tag that changes with the epoch."""

from __future__ import annotations

from collections.abc import Sequence

from pywallet.crypto import keccak256
from pywallet.settlement.tree import MAX_DEPTH


def _words(*values: int | bytes) -> bytes:
    return b"".join(v.rjust(32, b"\0") if isinstance(v, bytes) else v.to_bytes(32, "big") for v in values)


def content_leaf(content: bytes, plays: int, unvalidated: int, seeks: int, seconds: int) -> bytes:
    """Leaf of one content in this epoch: keccak(2, content, plays, unvalidated, seeks, seconds)."""
    return keccak256(_words(2, content, plays, unvalidated, seeks, seconds))


def usage_leaf(tag: bytes, content: bytes, plays: int, seeks: int, seconds: int) -> bytes:
    """Leaf of one listener and content, cumulative: keccak(3, tag, content, plays, seeks, seconds)."""
    return keccak256(_words(3, tag, content, plays, seeks, seconds))


def usage_tag(secret: bytes, epoch: int) -> bytes:
    """Tag of a listener in an epoch: keccak(secret, epoch); it is unlinkable without the 32-byte secret."""
    return keccak256(_words(secret, epoch))


class CountsTree:
    """Merkle tree over leaf hashes; inner nodes keccak(4, left, right), odd levels padded with zero."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self._count = len(leaves)
        self._levels: list[list[bytes]] = [list(leaves) or [bytes(32)]]
        while len(self._levels[-1]) > 1:
            level = self._levels[-1]
            if len(level) % 2:
                level.append(bytes(32))
            self._levels.append([inner(a, b) for a, b in zip(level[::2], level[1::2], strict=True)])

    @property
    def root(self) -> bytes:
        """The root, 32 bytes."""
        return self._levels[-1][0]

    def proof(self, index: int) -> list[bytes]:
        """The siblings from a leaf to the root. Raises IndexError where there is no such leaf."""
        if not 0 <= index < self._count:
            raise IndexError(index)
        out = []
        for level in self._levels[:-1]:
            out.append(level[index ^ 1])
            index >>= 1
        return out


def inner(left: bytes, right: bytes) -> bytes:
    """Inner node: keccak(4, left, right)."""
    # The leading 4 distinguishes inner nodes from leaves, which begin with 2 or 3.
    return keccak256(_words(4, left, right))


def verify_count(root: bytes, leaf: bytes, index: int, proof: Sequence[bytes]) -> bool:
    """True if ``leaf`` is at position ``index`` under ``root``."""
    if len(proof) > MAX_DEPTH or index < 0 or index >> len(proof) or any(len(p) != 32 for p in proof):
        return False
    digest = leaf
    for sibling in proof:
        digest = inner(sibling, digest) if index & 1 else inner(digest, sibling)
        index >>= 1
    return digest == root
