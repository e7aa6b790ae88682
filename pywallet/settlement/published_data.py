"""The published data of an epoch as canonical bytes (docs/settlement.md, Published data).

Layout, big-endian: ``GMED`` ‖ version u8 ‖ server 20 ‖ epoch u64 ‖ root 32 ‖ total u128 ‖ counts root 32 ‖ bps u16,
then nine tables, each a u32 row count and rows of fixed size. Rows refer to stations, contents, terms and payees by row
number.

No row identifies a wallet: payees are one-time addresses, the tag of a play has a meaning only for its listener, and of
a listener's counters only the leaf's hash is published, since cumulative numbers would link epochs.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Final, TypeVar

from pywallet.crypto import keccak256
from pywallet.errors import InputError
from pywallet.protocol.outcomes import PlayOutcome

MAGIC: Final = b"GMED"
VERSION: Final = 4
HEAD: Final = struct.Struct(">4sB20sQ32s16s32sH")
_PLAY: Final = struct.Struct(">III3sIBBI7s")


@dataclass(frozen=True, slots=True)
class _Row:
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
class StationRow(_Row):
    """A station with debits or plays."""

    LAYOUT = (("b", 20),)
    station: bytes


@dataclass(frozen=True, slots=True)
class ContentRow(_Row):
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
class TermsRow(_Row):
    """Price and reward in wei per interval, and the interval in seconds."""

    LAYOUT = (("u", 16), ("u", 16), ("u", 4))
    price: int
    reward: int
    interval_s: int


@dataclass(frozen=True, slots=True)
class DebitRow(_Row):
    """Debit of one payer for the epoch, wei without commission."""

    LAYOUT = (("b", 20), ("u", 16))
    payer: bytes
    net: int


@dataclass(frozen=True, slots=True)
class PayeeRow(_Row):
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
        return _Row.encode(self)


@dataclass(frozen=True, slots=True)
class OwnerRow(_Row):
    """Part of a payee's amount that it earned as owner of contents, wei; the remainder is rewards.

    Only payees that earned as owners have a row. Nearly all payees are one-time addresses of listeners, so this table
    is shorter than one more column of ``PayeeRow``.
    """

    LAYOUT = (("u", 4), ("u", 12))
    payee: int
    owned: int


@dataclass(frozen=True, slots=True)
class PlayRow(_Row):
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
        return _Row.encode(self)


@dataclass(frozen=True, slots=True)
class UsageRow(_Row):
    """Hash of one listener's leaf of the counts tree, whose tag and numbers only the listener's host has."""

    LAYOUT = (("b", 32),)
    leaf: bytes


@dataclass(frozen=True, slots=True)
class SegmentRow(_Row):
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

R = TypeVar("R", bound=_Row)


@dataclass(frozen=True)
class EpochData:
    """Published data of one epoch of one server.

    ``root`` and ``total`` (wei) are those of the sum tree, ``counts_root`` is that of the counts tree, ``bps`` is the
    commission.
    """

    server: bytes
    epoch: int
    root: bytes
    total: int
    counts_root: bytes
    bps: int
    stations: tuple[StationRow, ...] = ()
    contents: tuple[ContentRow, ...] = ()
    terms: tuple[TermsRow, ...] = ()
    debits: tuple[DebitRow, ...] = ()
    payees: tuple[PayeeRow, ...] = ()
    owners: tuple[OwnerRow, ...] = ()
    plays: tuple[PlayRow, ...] = ()
    usages: tuple[UsageRow, ...] = ()
    segments: tuple[SegmentRow, ...] = ()

    def __post_init__(self) -> None:
        sizes = ((self.server, 20), (self.root, 32), (self.counts_root, 32))
        if any(type(value) is not bytes or len(value) != size for value, size in sizes):
            raise InputError("message.schema", reason="server, root or counts root of a wrong size")
        if any(
            type(value) is not int or not 0 <= value < 1 << bits
            for value, bits in ((self.epoch, 64), (self.total, 128), (self.bps, 16))
        ):
            raise InputError("message.schema", reason="epoch, total or bps out of range")
        for play in self.plays:
            if play.station >= len(self.stations) or play.content >= len(self.contents):
                raise InputError("message.schema", reason="a play names a row that isn't there")
            if play.terms != NO_TERMS if play.outcome == PlayOutcome.REFUSED else play.terms >= len(self.terms):
                raise InputError("message.schema", reason="a paid play without terms, or a refused one with them")
        if any(owner.payee >= len(self.payees) for owner in self.owners):
            raise InputError("message.schema", reason="an owner names a payee that isn't there")
        for segment in self.segments:
            if segment.content >= len(self.contents):
                raise InputError("message.schema", reason="a segment names a row that isn't there")
            if segment.listeners < FEW:
                raise InputError("message.schema", reason="a segment that too few have heard")

    def encode(self) -> bytes:
        """Encode canonically. Raises InputError ``message.schema`` for a value outside its field."""
        head = HEAD.pack(
            MAGIC,
            VERSION,
            self.server,
            self.epoch,
            self.root,
            self.total.to_bytes(16, "big"),
            self.counts_root,
            self.bps,
        )
        money = (self.stations, self.contents, self.terms, self.debits, self.payees, self.owners)
        return head + b"".join(map(_table, (*money, self.plays, self.usages, self.segments)))

    @property
    def hash(self) -> bytes:
        """Data hash of the commitment: keccak of ``encode()``."""
        return keccak256(self.encode())

    @classmethod
    def decode(cls, raw: bytes, *, plays: bool = True) -> EpochData:
        """Decode canonical bytes.

        Args:
            raw: All bytes of an epoch's data.
            plays: Decode the plays too; proofs do not need this long table.

        Raises:
            InputError: ``message.schema`` for anything else, trailing bytes included.
        """
        if len(raw) < HEAD.size:
            raise InputError("message.schema", reason="the epoch's data end too early")
        magic, version, server, epoch, root, total, counts_root, bps = HEAD.unpack_from(raw)
        if magic != MAGIC or version != VERSION:
            raise InputError("message.schema", reason=f"not an epoch's data of version {VERSION}")
        at = HEAD.size
        stations, at = _rows(StationRow, raw, at)
        contents, at = _rows(ContentRow, raw, at)
        terms, at = _rows(TermsRow, raw, at)
        debits, at = _rows(DebitRow, raw, at)
        payees, at = _rows(PayeeRow, raw, at)
        owners, at = _rows(OwnerRow, raw, at)
        played, at = _rows(PlayRow, raw, at, read=plays)
        usages, at = _rows(UsageRow, raw, at)
        segments, at = _rows(SegmentRow, raw, at)
        if at != len(raw):
            raise InputError("message.schema", reason="bytes after the epoch's data")
        head = (server, epoch, root, int.from_bytes(total, "big"), counts_root, bps)
        return cls(*head, stations, contents, terms, debits, payees, owners, played, usages, segments)


def _table(rows: Sequence[_Row]) -> bytes:
    return len(rows).to_bytes(4, "big") + b"".join(row.encode() for row in rows)


def _rows(kind: type[R], raw: bytes, at: int, *, read: bool = True) -> tuple[tuple[R, ...], int]:
    size = kind.size()
    count = int.from_bytes(raw[at : at + 4], "big")
    at += 4
    end = at + count * size
    if at > len(raw) or end > len(raw):
        raise InputError("message.schema", reason="the epoch's data end too early")
    return tuple(kind.decode(raw[i : i + size]) for i in range(at, end, size)) if read else (), end
