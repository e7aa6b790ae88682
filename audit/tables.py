"""Streaming reader of an epoch's published data, table by table."""

from __future__ import annotations

import mmap
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
        self._map: mmap.mmap | None = None
        if isinstance(source, Path):
            if not source.stat().st_size:
                raise InputError("message.schema", reason="the epoch's data end too early")
            with source.open("rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._raw = memoryview(self._map if self._map is not None else source)  # type: ignore[arg-type]
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        if len(self._raw) < HEAD.size:
            raise InputError("message.schema", reason="the epoch's data end too early")
        magic, version, server, epoch, root, total, counts_root, bps = HEAD.unpack_from(self._raw)
        if magic != MAGIC or version != VERSION:
            raise InputError("message.schema", reason=f"not an epoch's data of version {VERSION}")
        self.head = Head(server, epoch, root, int.from_bytes(total, "big"), counts_root, bps)
        self._where: dict[Any, tuple[int, int]] = {}
        at = HEAD.size
        for kind in _TABLES:
            count = int.from_bytes(self._raw[at : at + 4], "big")
            at += 4
            self._where[kind] = (at, count)
            at += count * kind.size()
            if at > len(self._raw):
                raise InputError("message.schema", reason="the epoch's data end too early")
        if at != len(self._raw):
            raise InputError("message.schema", reason="bytes after the epoch's data")

    def __enter__(self) -> EpochFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._raw.release()
        if self._map is not None:
            self._map.close()

    @property
    def hash(self) -> bytes:
        """Keccak of all bytes."""
        digest = keccak.new(digest_bits=256)
        for at in range(0, len(self._raw), 1 << 20):
            digest.update(self._raw[at : at + (1 << 20)])
        return digest.digest()

    def count(self, kind: Any) -> int:
        """The number of rows of a table."""
        return self._where[kind][1]

    def rows(self, kind: Any) -> Iterator[Any]:
        """The rows of a table, one after the other."""
        at, count = self._where[kind]
        size = kind.size()
        for start in range(at, at + count * size, size):
            yield kind.decode(bytes(self._raw[start : start + size]))

    def payees(self) -> Iterator[tuple[bytes, int, int]]:
        """The leaves of the sum tree in order: payee, wei, and the part that the payee earned as owner of contents."""
        owned = {row.payee: row.owned for row in self.rows(OwnerRow)}
        at, count = self._where[PayeeRow]
        size, index = PayeeRow.size(), 0
        for start in range(at, at + count * size, size * ROWS_PER_READ):
            part = self._raw[start : min(start + size * ROWS_PER_READ, at + count * size)]
            for payee, amount in _PAYEE.iter_unpack(part):
                yield payee, int.from_bytes(amount, "big"), owned.get(index, 0)
                index += 1

    def plays(self) -> Iterator[np.ndarray[Any, Any]]:
        """The plays, ``ROWS_PER_READ`` rows at a time, as arrays of ``PLAY``, copied from the file."""
        at, count = self._where[PlayRow]
        for first in range(0, count, ROWS_PER_READ):
            some = min(ROWS_PER_READ, count - first)
            start = at + first * PLAY.itemsize
            yield np.frombuffer(bytes(self._raw[start : start + some * PLAY.itemsize]), dtype=PLAY)

    def whole(self) -> EpochData:
        """Decode all data, for small epochs. Raises InputError ``message.schema``."""
        return EpochData.decode(bytes(self._raw))
