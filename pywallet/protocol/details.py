"""Hashed fields of signed messages: details of receipts, lines of statements and acknowledgements."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pywallet.crypto import keccak256


def _words(*values: int | bytes) -> bytes:
    return b"".join(v.rjust(32, b"\0") if isinstance(v, bytes) else v.to_bytes(32, "big") for v in values)


def receipt_detail(
    content: bytes, session: bytes, plays: int, seeks: int, seconds: int, sequence: int, invocation: bytes
) -> bytes:
    """``Receipt.detail``: keccak of the counters and the last invocation that the amount includes."""
    return keccak256(_words(content, session, plays, seeks, seconds, sequence, invocation))


@dataclass(frozen=True)
class StatementLine:
    """Cumulative intervals of one ticket; price and reward in wei per interval."""

    number: int
    content: bytes
    session: bytes
    intervals: int
    price: int
    reward: int

    def encode(self) -> bytes:
        """ABI encoding of the six fields."""
        return _words(self.number, self.content, self.session, self.intervals, self.price, self.reward)

    @property
    def net(self) -> int:
        """Amount without commission, wei."""
        return self.intervals * (self.price + self.reward)


def statement_lines_hash(lines: Iterable[StatementLine]) -> bytes:
    """``Statement.lines``: keccak of the lines in ticket-number order."""
    return keccak256(b"".join(line.encode() for line in sorted(lines, key=lambda line: line.number)))


@dataclass(frozen=True)
class SettledLine:
    """Intervals of one ticket that were settled in one epoch."""

    number: int
    epoch: int
    intervals: int

    def encode(self) -> bytes:
        """ABI encoding of the three fields."""
        return _words(self.number, self.epoch, self.intervals)


def settled_lines_hash(lines: Iterable[SettledLine]) -> bytes:
    """``Statement.lines`` of an acknowledgement; a prefix distinguishes it from a statement of what is owed."""
    ordered = sorted(lines, key=lambda line: (line.number, line.epoch))
    return keccak256(b"gomaa/1 settled" + b"".join(line.encode() for line in ordered))
