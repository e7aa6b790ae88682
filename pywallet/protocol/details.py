"""The words behind the hashes: a receipt's detail, a statement's lines, and lines that were settled."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pywallet.crypto import keccak256


def _words(*values: int | bytes) -> bytes:
    return b"".join(v.rjust(32, b"\0") if isinstance(v, bytes) else v.to_bytes(32, "big") for v in values)


def receipt_detail(
    content: bytes, session: bytes, plays: int, seeks: int, seconds: int, sequence: int, invocation: bytes
) -> bytes:
    """``Receipt.detail``: what the amount stands for, by the last invocation it includes."""
    return keccak256(_words(content, session, plays, seeks, seconds, sequence, invocation))


def destruction_digest(content: bytes, listener: bytes, time_ms: int, code: str) -> bytes:
    """What a device signs once it has destroyed its keys of a content: whose, when (Unix ms), and why."""
    return keccak256(b"gomaa/1 destroyed" + content + listener + time_ms.to_bytes(8, "big") + code.encode())


@dataclass(frozen=True)
class StatementLine:
    """The intervals of one ticket so far; price and reward in wei per interval."""

    number: int
    content: bytes
    session: bytes
    intervals: int
    price: int
    reward: int

    def encode(self) -> bytes:
        """abi.encode of the six fields."""
        return _words(self.number, self.content, self.session, self.intervals, self.price, self.reward)

    @property
    def net(self) -> int:
        """Wei without commission."""
        return self.intervals * (self.price + self.reward)


def receipts_digest(server: bytes, payee: bytes, time_s: int) -> bytes:
    """Digest that a payee's key signs to be told the payee's receipts.

    Args:
        server: Security server that is asked, 20 bytes.
        payee: Whose receipts, 20 bytes: also the signer.
        time_s: Now, Unix seconds.
    """
    return keccak256(b"gomaa/1 receipts" + server + payee + time_s.to_bytes(8, "big"))


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
        """abi.encode of the three fields."""
        return _words(self.number, self.epoch, self.intervals)


def settled_lines_hash(lines: Iterable[SettledLine]) -> bytes:
    """``Statement.lines`` of an acknowledgement: its prefix keeps it apart from a statement of what is owed."""
    ordered = sorted(lines, key=lambda line: (line.number, line.epoch))
    return keccak256(b"gomaa/1 settled" + b"".join(line.encode() for line in ordered))
