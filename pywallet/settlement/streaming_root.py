"""Streaming Merkle roots: leaves one by one, in O(depth) memory, without proofs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar

from pywallet.settlement.counts import inner
from pywallet.settlement.tree import SumNode, packed_leaf, packed_node

T = TypeVar("T")


class _Root(Generic[T]):
    # ``_pending[i]`` is the left node of an incomplete pair on level i.
    def __init__(self, join: Callable[[T, T], T], padding: T) -> None:
        self._join = join
        self._padding: Final = padding
        self._pending: list[T | None] = []

    def _add(self, item: T) -> None:
        for level, left in enumerate(self._pending):
            if left is None:
                self._pending[level] = item
                return
            item = self._join(left, item)
            self._pending[level] = None
        self._pending.append(item)

    def _end(self) -> T:
        carry: T | None = None
        for level, left in enumerate(self._pending):
            last = level == len(self._pending) - 1
            if left is not None and carry is not None:
                carry = self._join(left, carry)
            elif left is not None:
                carry = left if last else self._join(left, self._padding)
            elif carry is not None:
                carry = self._join(carry, self._padding)
        return self._padding if carry is None else carry


class SumRoot(_Root[bytes]):
    """The root of the ``SumTree`` over the same leaves."""

    def __init__(self) -> None:
        super().__init__(lambda left, right: packed_node(left + right), bytes(64))

    def add(self, payee: bytes, amount: int) -> None:
        """Append a leaf; ``amount`` in wei."""
        self._add(packed_leaf(payee, amount))

    def end(self) -> SumNode:
        """Root and total of the leaves."""
        node = self._end()
        return node[:32], int.from_bytes(node[32:], "big")


class CountsRoot(_Root[bytes]):
    """The root of the ``CountsTree`` over the same leaves."""

    def __init__(self) -> None:
        super().__init__(inner, bytes(32))

    def add(self, leaf_hash: bytes) -> None:
        """Append a leaf's hash."""
        self._add(leaf_hash)

    def end(self) -> bytes:
        """Root of the leaves."""
        return self._end()
