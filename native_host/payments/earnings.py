"""A wallet's earnings: receipts from servers, final epochs and claims from the chain.

Servers and chain are read in rounds of a fixed size, and only where something can have changed: final epochs stay
final, and a receipt stays claimed once its claim has the network's confirmations.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from typing import Final

from messages.browser_host.earnings import ReceiptEntry
from native_host.ledger import Ledger, PayeeRow, ReceiptRow
from native_host.ledger.payee_store import Key
from native_host.payments import receipts
from native_host.payments.claim_search import ClaimSearch
from native_host.payments.epoch_standing import EpochKey, EpochStandings, Standing
from native_host.playback.device_keys import DeviceKeys
from native_host.remote.connections import ServerConnections
from native_host.remote.network import Network
from native_host.remote.networks import Networks
from pywallet.encoding.hex import to_hex
from pywallet.errors import Refusal

PATIENCE_S: Final = 1.5
"""Longest wait for servers, seconds."""
RECENT_MS: Final = 15 * 86_400_000
"""Age of plays whose receipts are fetched: a session lasts a week. Later receipts are in the published data."""
MAX_SESSIONS: Final = 1_024
"""Sessions whose receipts are fetched in one round."""


class WalletEarnings:
    """Receipts of wallets, from servers, chain and ledger."""

    def __init__(self, ledger: Ledger, networks: Networks, connections: ServerConnections, keys: DeviceKeys) -> None:
        self._ledger, self._networks = ledger, networks
        self._connections, self._keys = connections, keys
        self.standings = EpochStandings(ledger, networks)
        self.claims = ClaimSearch(ledger, networks)

    async def fetch_receipts(self, wallet: bytes) -> None:
        """Fetch receipts issued while this host was not running, each from its own server as its session's device."""
        # A network whose time is ahead does not age the plays of others.
        since_ms = max(0, min(self._ledger.newest_ms(), time.time_ns() // 1_000_000) - RECENT_MS)
        wanted: dict[tuple[bytes, str, int, bytes], list[str]] = {}
        for server, url, identity in self._ledger.recent_sessions(wallet, since_ms, MAX_SESSIONS):
            session = self._ledger.session(identity)
            with contextlib.suppress(Refusal):
                if session is not None and session.chain_id in self._networks:
                    key = self._keys.of_session(session, server)
                    place = (server, url, session.chain_id, key)
                    if place in wanted or self._connections.may_poll(server, key):
                        wanted.setdefault(place, []).append(to_hex(session.payee))
        # One request for each station's device, so that a server cannot link two stations.
        requests = [
            self._fetch(server, url, self._networks[chain_id], key, payees)
            for (server, url, chain_id, key), payees in wanted.items()
        ]
        # An unreachable server does not delay the popup, which shows the ledger's receipts.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*requests, return_exceptions=True), PATIENCE_S)

    async def _fetch(self, server: bytes, url: str, network: Network, key: bytes, payees: list[str]) -> None:
        async with self._connections.borrow(server, url, network, key) as connection:
            result = await connection.request("receipts", dict, payees=payees, since_epoch=0)
        receipts.store_all(self._ledger, server, network.domain, result.get("receipts"))

    def page(
        self, wallet: bytes, after: Key, limit: int, state: str | None, standings: Mapping[EpochKey, Standing]
    ) -> list[ReceiptEntry]:
        """Receipts of a wallet as ``summary`` and ``earnings`` return them, newest epoch first.

        Args:
            wallet: First account of the wallet, 20 bytes.
            after: Key of the last receipt of the page before; ``NEWEST`` for the first page.
            limit: Receipts at most.
            state: As ``PayeeStore.earnings``.
            standings: States of epochs that were just read; others are as they were read last.
        """
        return [self._row(row, payee, standings) for row, payee in self._ledger.earnings(wallet, after, limit, state)]

    def _row(self, row: ReceiptRow, payee: PayeeRow, standings: Mapping[EpochKey, Standing]) -> ReceiptEntry:
        key = row.server, row.epoch, row.chain_id
        standing = standings.get(key) or self.standings.cached(key)
        network = self._networks.get(row.chain_id)
        due_s = standing.due_s if standing else network.deployment.schedule.due(row.epoch) if network else None
        return ReceiptEntry(
            server=to_hex(row.server),
            epoch=row.epoch,
            payee=to_hex(row.payee),
            amount_wei=str(row.amount_wei),
            content=to_hex(row.content),
            title=self._ledger.title_and_artist(row.content)[0],
            station=row.station_domain,
            station_name=payee.station_name,
            station_address=to_hex(payee.station_address),
            number=payee.session_number,
            chain_id=row.chain_id,
            settlement=to_hex(row.settlement),
            state="claimed" if row.claim_transaction else "claimable" if row.final else "pending",
            at_payee=bool(row.at_payee),
            due_s=due_s,
            transaction=row.claim_transaction,
        )
