"""Roots without trees: leaf after leaf, in memory that grows with the depth only.

Whoever needs no proofs needs no more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar

from pywallet.settlement.counts import inner
from pywallet.settlement.tree import Node, packed_leaf, packed_node

T = TypeVar("T")


class _Root(Generic[T]):
    # ``_waiting[i]`` is the left half of a pair on level i whose right half has not come yet.
    def __init__(self, join: Callable[[T, T], T], padding: T) -> None:
        self._join = join
        self._padding: Final = padding
        self._waiting: list[T | None] = []

    def _add(self, item: T) -> None:
        for level, left in enumerate(self._waiting):
            if left is None:
                self._waiting[level] = item
                return
            item = self._join(left, item)
            self._waiting[level] = None
        self._waiting.append(item)

    def _end(self) -> T:
        carry: T | None = None
        for level, left in enumerate(self._waiting):
            last = level == len(self._waiting) - 1
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
        """The next leaf, wei."""
        self._add(packed_leaf(payee, amount))

    def end(self) -> Node:
        """Root and total of what was added."""
        found = self._end()
        return found[:32], int.from_bytes(found[32:], "big")


class CountsRoot(_Root[bytes]):
    """The root of the ``CountsTree`` over the same leaves."""

    def __init__(self) -> None:
        super().__init__(inner, bytes(32))

    def add(self, leaf_hash: bytes) -> None:
        """The next leaf's hash."""
        self._add(leaf_hash)

    def end(self) -> bytes:
        """The root of what was added."""
        return self._end()
