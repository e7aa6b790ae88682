"""Overview of a running server, for its metrics and the operator's page."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import Final

from pywallet.errors import GomaaError
from pywallet.settlement import Schedule
from security_server.billing.claim_relay import ClaimRelay, Standing
from security_server.chain.view import ChainView
from security_server.db.reader import Reader
from security_server.epochs.chain_agreement import ChainAgreement
from security_server.host_connections import HostConnections
from security_server.operations.open_requests import OpenRequests
from security_server.operations.quotas import StationQuotas
from security_server.operations.readiness import Readiness
from security_server.operations.stored_overview import Owed, StoredOverview, read_overview

log = logging.getLogger("gomaa.server")

AGE_S: Final = 10.0
"""Seconds for which an overview is used again."""
MOST_STATIONS: Final = 100
"""Stations in an overview: those that owe most."""


@dataclass(frozen=True)
class StationStanding:
    """One station.

    Attributes:
        address: 20 bytes.
        domain: Its domain in the registry; None: not registered or not read.
        open_plays: Plays that this process serves; None: no quota is set, and they are not counted.
        owed: What it has not signed a voucher for.
        escrow_wei: Free escrow, wei; None: not read.
    """

    address: bytes
    domain: str | None
    open_plays: int | None
    owed: Owed
    escrow_wei: int | None


@dataclass(frozen=True)
class Overview:
    """State of a server at one moment.

    Attributes:
        missing: What is missing to serve; empty: ready.
        hosts: Connected hosts.
        requests: Requests that are executed.
        epoch: The clock's epoch.
        stored: The database's part.
        differing: Epochs whose post on the chain differs from the database.
        relayer: Account that pays for claims, 20 bytes.
        standing: State of that account.
        bond_wei: The server's bond, wei; None: not read.
        stations: The stations that owe most, most first.
    """

    missing: tuple[str, ...]
    hosts: int
    requests: int
    epoch: int
    stored: StoredOverview
    differing: tuple[int, ...]
    relayer: bytes
    standing: Standing
    bond_wei: int | None
    stations: tuple[StationStanding, ...]


class OverviewSource:
    """Reads overviews, at most one in ``AGE_S`` seconds."""

    def __init__(
        self,
        *,
        reader: Reader,
        chain: ChainView,
        schedule: Schedule,
        agreement: ChainAgreement,
        relay: ClaimRelay,
        hosts: HostConnections,
        requests: OpenRequests,
        readiness: Readiness,
        quotas: StationQuotas,
    ) -> None:
        self._reader = reader
        self._chain = chain
        self._schedule = schedule
        self._agreement = agreement
        self._relay = relay
        self._hosts = hosts
        self._requests = requests
        self._readiness = readiness
        self._quotas = quotas
        self._reading = asyncio.Lock()
        self._last: tuple[float, Overview] | None = None

    async def read(self) -> Overview:
        """The overview, not older than ``AGE_S`` seconds. Raises what the database raises."""
        async with self._reading:
            if self._last is None or time.monotonic() - self._last[0] > AGE_S:
                self._last = (time.monotonic(), await self._read())
            return self._last[1]

    async def _read(self) -> Overview:
        now_ms = await self._chain.now_ms()
        stored = await self._reader.run(lambda connection: read_overview(connection, now_ms))
        most = sorted(stored.owed.items(), key=lambda item: -item[1].net_wei)[:MOST_STATIONS]
        return Overview(
            missing=tuple(await self._readiness.missing()),
            hosts=len(self._hosts),
            requests=self._requests.count,
            epoch=self._schedule.epoch_of(now_ms // 1000),
            stored=stored,
            differing=tuple(sorted(self._agreement.differing)),
            relayer=self._relay.address,
            standing=self._relay.standing,
            bond_wei=await self._bond(),
            stations=tuple(await asyncio.gather(*(self._station(address, owed) for address, owed in most))),
        )

    async def _bond(self) -> int | None:
        try:
            return (await self._chain.lane()).bond
        except GomaaError as error:
            log.warning("reading the bond: %s", error)
            return None

    async def _station(self, address: bytes, owed: Owed) -> StationStanding:
        domain, escrow_wei = None, None
        try:
            domain = await self._chain.station_domain(address)
            escrow_wei = (await self._chain.money(address)).free
        except GomaaError as error:
            log.warning("reading a station's escrow: %s", error)
        open_plays = self._quotas.open_plays(address) if self._quotas.limited else None
        return StationStanding(address, domain, open_plays, owed, escrow_wei)
