"""The published data of an epoch as canonical bytes (docs/settlement.md, Published data).

Layout, big-endian: ``GMED`` ‖ version u8 ‖ server 20 ‖ epoch u64 ‖ root 32 ‖ total u128 ‖ counts root 32 ‖ bps u16,
then nine tables, each a u32 row count and rows of fixed size. Rows refer to stations, contents, terms and payees by row
number.

No row identifies a wallet: payees are one-time addresses, the tag of a play has a meaning only for its listener, and of
a listener's counters only the leaf's hash is published, since cumulative numbers would link epochs.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from pywallet.crypto import keccak256
from pywallet.errors import InputError
from pywallet.protocol.outcomes import PlayOutcome
from pywallet.settlement.published_rows import (
    FEW,
    NO_TERMS,
    ContentRow,
    DebitRow,
    OwnerRow,
    PayeeRow,
    PlayRow,
    Row,
    SegmentRow,
    StationRow,
    TermsRow,
    UsageRow,
)

MAGIC: Final = b"GMED"
VERSION: Final = 4
HEAD: Final = struct.Struct(">4sB20sQ32s16s32sH")

R = TypeVar("R", bound=Row)


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


def _table(rows: Sequence[Row]) -> bytes:
    return len(rows).to_bytes(4, "big") + b"".join(row.encode() for row in rows)


def _rows(kind: type[R], raw: bytes, at: int, *, read: bool = True) -> tuple[tuple[R, ...], int]:
    size = kind.size()
    count = int.from_bytes(raw[at : at + 4], "big")
    at += 4
    end = at + count * size
    if at > len(raw) or end > len(raw):
        raise InputError("message.schema", reason="the epoch's data end too early")
    return tuple(kind.decode(raw[i : i + size]) for i in range(at, end, size)) if read else (), end
