"""Streaming reader of an epoch's published data, table by table."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from Crypto.Hash import keccak

from pywallet.errors import InputError
from pywallet.settlement import (
    ContentRow,
    DebitRow,
    EpochData,
    OwnerRow,
    PayeeRow,
    PlayRow,
    SegmentRow,
    StationRow,
    TermsRow,
    UsageRow,
)
from pywallet.settlement.published_data import HEAD, MAGIC, VERSION

ROWS_PER_READ: Final = 1 << 18
"""Rows that are read at a time: 8 MiB of plays."""

PLAY: Final = np.dtype(
    [
        ("station", ">u4"),
        ("content", ">u4"),
        ("terms", ">u4"),
        ("second", "u1", 3),
        ("heard", ">u4"),
        ("seeks", "u1"),
        ("outcome", "u1"),
        ("ticket", ">u4"),
        ("tag", "u1", 7),
    ]
)
_TABLES: Final = (StationRow, ContentRow, TermsRow, DebitRow, PayeeRow, OwnerRow, PlayRow, UsageRow, SegmentRow)
_PAYEE: Final = struct.Struct(">20s12s")


@dataclass(frozen=True)
class Head:
    """The head of the data: server, epoch, roots and totals."""

    server: bytes
    epoch: int
    root: bytes
    total: int
    counts_root: bytes
    bps: int


class EpochFile:
    """One epoch's data in a file or in memory. For ``with``. Raises InputError ``message.schema`` for other bytes."""

    def __init__(self, source: Path | bytes) -> None:
        # Read, not mapped: mapped pages count as memory of the process for as long as the kernel keeps them.
        self._source = source if isinstance(source, bytes) else source.open("rb", buffering=0)
        try:
            self._size = len(source) if isinstance(source, bytes) else source.stat().st_size
            self._open()
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        magic, version, server, epoch, root, total, counts_root, bps = HEAD.unpack(self._read(0, HEAD.size))
        if magic != MAGIC or version != VERSION:
            raise InputError("message.schema", reason=f"not an epoch's data of version {VERSION}")
        self.head = Head(server, epoch, root, int.from_bytes(total, "big"), counts_root, bps)
        self._where: dict[Any, tuple[int, int]] = {}
        at = HEAD.size
        for kind in _TABLES:
            count = int.from_bytes(self._read(at, 4), "big")
            at += 4
            self._where[kind] = (at, count)
            at += count * kind.size()
        if at > self._size:
            raise InputError("message.schema", reason="the epoch's data end too early")
        if at != self._size:
            raise InputError("message.schema", reason="bytes after the epoch's data")

    def __enter__(self) -> EpochFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        if not isinstance(self._source, bytes):
            self._source.close()

    def _read(self, at: int, size: int) -> bytes:
        if isinstance(self._source, bytes):
            raw = self._source[at : at + size]
        else:
            raw = os.pread(self._source.fileno(), size, at)
        if len(raw) != size:
            raise InputError("message.schema", reason="the epoch's data end too early")
        return raw

    @property
    def hash(self) -> bytes:
        """Keccak of all bytes."""
        digest = keccak.new(digest_bits=256)
        for at in range(0, self._size, 1 << 20):
            digest.update(self._read(at, min(1 << 20, self._size - at)))
        return digest.digest()

    def count(self, kind: Any) -> int:
        """The number of rows of a table."""
        return self._where[kind][1]

    def rows(self, kind: Any) -> Iterator[Any]:
        """The rows of a table, one after the other."""
        size = kind.size()
        for part in self._parts(kind):
            for start in range(0, len(part), size):
                yield kind.decode(part[start : start + size])

    def _parts(self, kind: Any) -> Iterator[bytes]:
        """The bytes of a table, at most ``ROWS_PER_READ`` rows at a time."""
        at, count = self._where[kind]
        size = kind.size()
        for first in range(0, count, ROWS_PER_READ):
            yield self._read(at + first * size, min(ROWS_PER_READ, count - first) * size)

    def payees(self) -> Iterator[tuple[bytes, int, int]]:
        """The leaves of the sum tree in order: payee, wei, and the part that the payee earned as owner of contents."""
        owned = {row.payee: row.owned for row in self.rows(OwnerRow)}
        index = 0
        for part in self._parts(PayeeRow):
            for payee, amount in _PAYEE.iter_unpack(part):
                yield payee, int.from_bytes(amount, "big"), owned.get(index, 0)
                index += 1

    def plays(self) -> Iterator[np.ndarray[Any, Any]]:
        """The plays, ``ROWS_PER_READ`` rows at a time, as arrays of ``PLAY``."""
        for part in self._parts(PlayRow):
            yield np.frombuffer(part, dtype=PLAY)

    def whole(self) -> EpochData:
        """Decode all data, for small epochs. Raises InputError ``message.schema``."""
        return EpochData.decode(self._read(0, self._size))
