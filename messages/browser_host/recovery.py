"""Messages of the recovery scan, which finds a wallet's earlier receipts in published data."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from messages.fields import Address, Index, Number


class Candidates(Struct, frozen=True):
    """Payees that a wallet has at a station on a day, one for each hour.

    Attributes:
        station: Address of the station.
        day: Days since 1970-01-01.
        payees: 24 addresses of 20 bytes, joined, in base64.
    """

    station: Address
    day: Index
    payees: Annotated[str, Meta(pattern=r"^[A-Za-z0-9+/]{640}$")]


class Scan(Struct, frozen=True):
    """Runs one step of a wallet's recovery scan, which finds its receipts in published data.

    Attributes:
        wallet: First account of the wallet.
        chain_id: Network to scan.
        fresh: True if the wallet was just made: it has no earlier receipts.
        candidates: Payees of the station days in ``wants`` of the step before, 64 at most.
    """

    wallet: Address
    chain_id: Number
    fresh: bool = False
    candidates: Annotated[list[Candidates], Meta(max_length=64)] = []


class StationDay(Struct, frozen=True):
    """A day at a station whose payees are wanted.

    Attributes:
        station: Address of the station.
        day: Days since 1970-01-01.
    """

    station: Address
    day: Number


class AbsentServer(Struct, frozen=True):
    """A security server whose published data could not be fetched; a later step retries.

    Attributes:
        server: Address of the server.
        url: Registered URL; null if none is known.
        epochs: Number of its epochs that are missing.
        code: Code of the error.
    """

    server: Address
    url: str | None
    epochs: Number
    code: str


class ScanResult(Struct, frozen=True):
    """Progress of the recovery scan.

    Attributes:
        listed: Posted epochs found on the chain.
        left: Posted epochs not searched yet.
        found: Receipts found by this host process.
        wants: Station days whose payees the next step needs.
        more: True if the next step can run now.
        away: Servers whose published data could not be fetched.
    """

    listed: Number
    left: Number
    found: Number
    wants: list[StationDay]
    more: bool
    away: list[AbsentServer]
