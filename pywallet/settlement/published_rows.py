"""Rows of the tables of an epoch's published data (docs/settlement.md, Published data)."""

from __future__ import annotations

import contextlib
import struct
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Final

from pywallet.errors import InputError

_PLAY: Final = struct.Struct(">III3sIBBI7s")


@dataclass(frozen=True, slots=True)
class Row:
    """Base of the rows."""

    # (kind, size) of each field: "b" for bytes, "u" for an unsigned integer; size in bytes.
    LAYOUT: ClassVar[tuple[tuple[str, int], ...]] = ()

    def encode(self) -> bytes:
        """Encode the row. Raises InputError ``message.schema`` for a value outside its field."""
        out = b""
        for spec, (kind, size) in zip(fields(self), self.LAYOUT, strict=True):
            value = getattr(self, spec.name)
            if kind == "b" and (not isinstance(value, bytes) or len(value) != size):
                raise InputError("message.schema", field=spec.name, reason=f"{size} bytes expected")
            if kind == "u" and (type(value) is not int or not 0 <= value < 1 << 8 * size):
                raise InputError(
                    "message.schema", field=spec.name, reason=f"an unsigned integer of {size} bytes expected"
                )
            out += value if kind == "b" else value.to_bytes(size, "big")
        return out

    @classmethod
    def size(cls) -> int:
        """Bytes per row."""
        return sum(size for _, size in cls.LAYOUT)

    @classmethod
    def decode(cls, raw: bytes) -> Any:
        """Decode a row from exactly ``size()`` bytes."""
        values: list[bytes | int] = []
        at = 0
        for kind, size in cls.LAYOUT:
            part = raw[at : at + size]
            values.append(part if kind == "b" else int.from_bytes(part, "big"))
            at += size
        return cls(*values)


@dataclass(frozen=True, slots=True)
class StationRow(Row):
    """A station with debits or plays."""

    LAYOUT = (("b", 20),)
    station: bytes


@dataclass(frozen=True, slots=True)
class ContentRow(Row):
    """A content with its owner and server in the epoch, and its counters; ``unvalidated`` plays were refused."""

    LAYOUT = (("b", 20), ("b", 20), ("b", 20), ("u", 8), ("u", 8), ("u", 8), ("u", 8))
    content: bytes
    owner: bytes
    server: bytes
    plays: int
    unvalidated: int
    seeks: int
    seconds: int


@dataclass(frozen=True, slots=True)
class TermsRow(Row):
    """Price and reward in wei per interval, and the interval in seconds."""

    LAYOUT = (("u", 16), ("u", 16), ("u", 4))
    price: int
    reward: int
    interval_s: int


@dataclass(frozen=True, slots=True)
class DebitRow(Row):
    """Debit of one payer for the epoch, wei without commission."""

    LAYOUT = (("b", 20), ("u", 16))
    payer: bytes
    net: int


@dataclass(frozen=True, slots=True)
class PayeeRow(Row):
    """One leaf of the sum tree, in leaf order."""

    LAYOUT = (("b", 20), ("u", 12))
    payee: bytes
    amount: int

    def encode(self) -> bytes:
        """Encode the row. Raises InputError ``message.schema`` for a value outside its field."""
        # Optimised: the longest table of a large epoch.
        if (
            type(self.payee) is bytes
            and len(self.payee) == 20
            and type(self.amount) is int
            and 0 <= self.amount < 1 << 96
        ):
            return self.payee + self.amount.to_bytes(12, "big")
        return Row.encode(self)


@dataclass(frozen=True, slots=True)
class OwnerRow(Row):
    """Part of a payee's amount that it earned as owner of contents, wei; the remainder is rewards.

    Only payees that earned as owners have a row. Nearly all payees are one-time addresses of listeners, so this table
    is shorter than one more column of ``PayeeRow``.
    """

    LAYOUT = (("u", 4), ("u", 12))
    payee: int
    owned: int


@dataclass(frozen=True, slots=True)
class PlayRow(Row):
    """One play, 32 bytes.

    Attributes:
        station: Row number.
        content: Row number.
        terms: Row number; ``NO_TERMS`` for a refused play, which costs nothing.
        second: Time of its settlement or refusal, seconds from the beginning of the epoch.
        heard_s: Heard time in whole intervals, seconds.
        seeks: Number of seeks.
        outcome: A ``PlayOutcome``.
        ticket: Number of the ticket.
        tag: Identifies the play to its listener only.
    """

    LAYOUT = (("u", 4), ("u", 4), ("u", 4), ("u", 3), ("u", 4), ("u", 1), ("u", 1), ("u", 4), ("b", 7))
    station: int
    content: int
    terms: int
    second: int
    heard_s: int
    seeks: int
    outcome: int
    ticket: int
    tag: bytes

    def encode(self) -> bytes:
        """Encode the row. Raises InputError ``message.schema`` for a value outside its field."""
        # Optimised: the other long table.
        with contextlib.suppress(struct.error, OverflowError, AttributeError, TypeError):
            second = self.second.to_bytes(3, "big")
            if len(self.tag) == 7:
                return _PLAY.pack(
                    self.station,
                    self.content,
                    self.terms,
                    second,
                    self.heard_s,
                    self.seeks,
                    self.outcome,
                    self.ticket,
                    self.tag,
                )
        return Row.encode(self)


@dataclass(frozen=True, slots=True)
class UsageRow(Row):
    """Hash of one listener's leaf of the counts tree, whose tag and numbers only the listener's host has."""

    LAYOUT = (("b", 32),)
    leaf: bytes


@dataclass(frozen=True, slots=True)
class SegmentRow(Row):
    """Number of listeners of a stretch of a content; ``segment`` counts ``SEGMENT_S`` from its beginning."""

    LAYOUT = (("u", 4), ("u", 2), ("u", 4))
    content: int
    segment: int
    listeners: int


SEGMENT_S: Final = 5
"""Length of a stretch whose listeners are counted, seconds."""
FEW: Final = 20
"""Fewest listeners of a stretch that is published; fewer could be identified."""

NO_TERMS: Final = (1 << 32) - 1
"""Row number of a refused play's terms, which has none."""
