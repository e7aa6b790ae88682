"""Published data of epochs: fetched from their servers, verified with the chain's hash, read up to the payees."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from Crypto.Hash import keccak

from pywallet.errors import GomaaError, InputError, Unavailable
from pywallet.settlement import ContentRow, DebitRow, PayeeRow, StationRow, TermsRow
from pywallet.settlement.published_data import HEAD, MAGIC, VERSION

if TYPE_CHECKING:
    import aiohttp

MAX_BYTES: Final = 1 << 30
"""Largest published data that are fetched, bytes."""
MAX_KEPT: Final = 64 << 20
"""Bytes of the tables up to the payees: some two million payees."""
MAX_STATIONS: Final = 8_192
"""Stations of one epoch: the chain does not verify them, and each is read from the registry."""
_CHUNK: Final = 1 << 16
_READ: Final = (StationRow, ContentRow, TermsRow, DebitRow, PayeeRow)


@dataclass(frozen=True)
class Published:
    """Stations and payees of one epoch.

    Attributes:
        server: Address of the server, 20 bytes.
        epoch: Number of the epoch.
        stations: Addresses of the stations, 20 bytes each.
        rows: Payee (20 bytes) and amount (12 bytes, wei) of each leaf, joined.
    """

    server: bytes
    epoch: int
    stations: tuple[bytes, ...]
    rows: bytes

    def payees(self) -> Iterator[tuple[bytes, int]]:
        """(payee, amount in wei) of every leaf."""
        rows = self.rows
        for at in range(0, len(rows), PayeeRow.size()):
            yield rows[at : at + 20], int.from_bytes(rows[at + 20 : at + 32], "big")


class Reader:
    """Streaming reader: hashes all bytes, and keeps the tables up to the payees."""

    def __init__(self) -> None:
        self._hash = keccak.new(digest_bits=256)
        self._kept = bytearray()
        self._tables: list[tuple[int, int]] = []
        self._next = HEAD.size
        self.size = 0

    def feed(self, chunk: bytes) -> None:
        """Add the next bytes. Raises InputError ``message.schema`` above the limits."""
        self._hash.update(chunk)
        self.size += len(chunk)
        if len(self._tables) == len(_READ):
            if self.size > MAX_BYTES:
                raise InputError("message.schema", reason="published data are too long")
            return
        self._kept += chunk
        while len(self._tables) < len(_READ) and len(self._kept) >= self._next + 4:
            kind = _READ[len(self._tables)]
            begin = self._next + 4
            rows = int.from_bytes(self._kept[self._next : begin], "big")
            end = begin + rows * kind.size()
            if end > MAX_KEPT or (kind is StationRow and rows > MAX_STATIONS):
                raise InputError("message.schema", reason="published data are too long")
            if len(self._kept) < end:
                break
            self._tables.append((begin, end))
            self._next = end

    def end(self, server: bytes, epoch: int, data: bytes) -> Published:
        """Stations and payees of the bytes that were fed.

        Args:
            server: Address of the server, 20 bytes.
            epoch: Number of the epoch.
            data: Keccak-256 of the published data by the chain, 32 bytes.

        Raises:
            GomaaError: ``chain.mismatch`` where the bytes have another hash or are another epoch's.
        """
        if self._hash.digest() != data or len(self._tables) < len(_READ):
            raise GomaaError("chain.mismatch", epoch=epoch, reason="not the published data")
        magic, version, of, number, *_ = HEAD.unpack_from(self._kept)
        if (magic, version, of, number) != (MAGIC, VERSION, server, epoch):
            raise GomaaError("chain.mismatch", epoch=epoch, reason="published data of another epoch")
        (begin, end), *_, (first, last) = self._tables
        stations = tuple(bytes(self._kept[at : at + 20]) for at in range(begin, end, 20))
        return Published(server, epoch, stations, bytes(self._kept[first:last]))


async def fetch(session: aiohttp.ClientSession, url: str, server: bytes, epoch: int, data: bytes) -> Published:
    """Fetch one epoch's data from its server, without anything that identifies the reader.

    Args:
        session: HTTP session without cookies and user agent.
        url: URL of the server.
        server: Address of the server, 20 bytes.
        epoch: Number of the epoch.
        data: Keccak-256 of the published data by the chain, 32 bytes.

    Raises:
        Unavailable: ``server.unreachable`` where the server does not answer, ``server.epoch.damaged`` where it does not
            have the data.
        GomaaError: ``chain.mismatch`` where the data have another hash.
    """
    import aiohttp

    reader = Reader()
    try:
        async with session.get(f"{url.rstrip('/')}/v1/epochs/{epoch}/data", allow_redirects=False) as response:
            if response.status in (429, 500, 502, 503, 504):
                raise Unavailable("server.unreachable", server=url, status=response.status)
            if response.status != 200:
                raise Unavailable("server.epoch.damaged", epoch=epoch, status=response.status)
            async for chunk in response.content.iter_chunked(_CHUNK):
                reader.feed(chunk)
                await asyncio.sleep(0)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as e:
        raise Unavailable("server.unreachable", server=url, reason=type(e).__name__) from None
    return reader.end(server, epoch, data)
