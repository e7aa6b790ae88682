"""The search for a wallet's earlier rewards on one network.

Posts come from the chain (``recovery_posts``), their published data from the servers (``recovery_download``), and the
wallet derives the payees of the days in them (``pywallet.rewards.recovery``); here they are matched, so that no message
grows with the earnings of others. Progress is recorded in the ledger: an interrupted scan continues where it was, and a
complete one reads only new posts.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from messages.browser_host.recovery import AbsentServer, ScanResult, StationDay
from native_host.ledger import Ledger, PayeeRow, ReceiptRow
from native_host.ledger.receipt_store import UNSIGNED
from native_host.ledger.scan_store import ScanKey
from native_host.payments import claim_search, epoch_standing
from native_host.payments.published_data import Published
from native_host.payments.recovery_download import Batch, PostDownloads
from native_host.payments.recovery_posts import PostList
from native_host.remote.network import Network
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError
from pywallet.rewards import recovery

if TYPE_CHECKING:
    from chain.contracts.registry import StationEntry

MAX_WANTED: Final = 20
"""Station days that the wallet derives for one step: 480 payees, a fraction of a second in a browser."""
MAX_LOOKUPS: Final = 256
"""Stations that are read from the registry in one step."""
AT_ONCE: Final = 4
"""Concurrent reads of registry or epochs."""
YIELD_EVERY: Final = 512
"""Station days that are compared before other tasks run, such as those of a play."""

Day = tuple[int, bytes]
"""Day since 1970, and station."""


@dataclass(frozen=True)
class Match:
    """Amount that an epoch pays to a payee of this wallet, wei."""

    published: Published
    payee: PayeeRow
    amount: int


class RecoveryScans:
    """The scans of this process, by wallet and network."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._scans: dict[ScanKey, RecoveryScan] = {}

    def get(self, network: Network, scan: ScanKey) -> RecoveryScan:
        """The scan of a wallet on a network, at the progress in the ledger."""
        if scan not in self._scans:
            self._scans[scan] = RecoveryScan(self._ledger, network, scan)
        return self._scans[scan]

    def values(self) -> list[RecoveryScan]:
        """All scans of this process."""
        return list(self._scans.values())


class RecoveryScan:
    """One scan, in calls of ``step``. Everything that is not in the ledger can be fetched again."""

    def __init__(self, ledger: Ledger, network: Network, scan: ScanKey) -> None:
        self._ledger, self._network, self._scan = ledger, network, scan
        self._lock = asyncio.Lock()
        self._posts = PostList(ledger, network, scan)
        self._downloads = PostDownloads(ledger, network, scan)
        self._batch: Batch = {}
        self._recorded: set[bytes] = set()
        self._recorded_at = -1
        self._days: dict[Day, bytes] = {}
        self._stations: dict[bytes, StationEntry | None] = {}
        self._matches = 0

    async def step(self, fresh: bool, candidates: Iterable[tuple[bytes, int, bytes]]) -> ScanResult:
        """Continue the scan.

        Args:
            fresh: True if the wallet was just made: a scan that has not begun then begins now.
            candidates: (station, day, 24 payees) for the station days that the step before wanted.

        Raises:
            GomaaError: ``chain.unreachable``; ``chain.mismatch``.
        """
        async with self._lock:
            await self._network.ready()
            self._add_candidates(candidates)
            if not self._batch:
                await self._posts.update(fresh)
            wanted = await self._wanted()
            if wanted == []:
                await self._match()
                await self._fetch()
                wanted = await self._wanted()
                if wanted == []:
                    await self._match()
            return await self._status(wanted or [])

    def _add_candidates(self, candidates: Iterable[tuple[bytes, int, bytes]]) -> None:
        new = list(candidates)
        if not new:
            return
        with self._ledger.write():
            for station, day, payees in new:
                self._ledger.add_candidates(self._scan.wallet, day, station, payees)
        for station, day, payees in new:
            self._days[day, station] = payees

    async def _fetch(self) -> None:
        """Fetch the next batch, and load the payees derived before for its days; earlier days are dropped."""
        if self._batch or not self._posts.complete:
            return
        self._batch = await self._downloads.next_batch()
        span = self._span()
        if not span:
            return
        for day in [day for day in self._days if day[0] < span.start]:
            del self._days[day]
        for number, station, payees in self._ledger.candidate_days(self._scan.wallet, span.start, span.stop - 1):
            self._days[number, station] = payees

    def _span(self) -> range:
        """Days whose plays the batch can contain."""
        schedule, begin_s = self._network.deployment.schedule, self._posts.begin_s
        spans = [recovery.days(schedule, epoch, begin_s) for _, epoch in self._batch]
        return range(min(span.start for span in spans), max(span.stop for span in spans)) if spans else range(0)

    async def _wanted(self) -> list[Day] | None:
        """Station days of the batch that the wallet has not derived yet; None while stations are not read yet.

        A wallet has sessions only at stations that the registry lists, or has listed.
        """
        unknown = {
            station: None
            for _, published in self._batch.values()
            for station in published.stations
            if station not in self._stations
        }
        page = list(unknown)[:MAX_LOOKUPS]
        for at in range(0, len(page), AT_ONCE):
            await asyncio.gather(*map(self._station, page[at : at + AT_ONCE]))
        if len(unknown) > len(page):
            return None
        wanted: dict[Day, None] = {}
        schedule = self._network.deployment.schedule
        for (_, epoch), (_, published) in self._batch.items():
            days = recovery.days(schedule, epoch, self._posts.begin_s)
            for station in published.stations:
                if self._stations[station] is None:
                    continue
                for day in days:
                    if (day, station) not in self._days:
                        wanted[day, station] = None
                        if len(wanted) == MAX_WANTED:
                            return list(wanted)
        return list(wanted)

    async def _match(self) -> None:
        """Find this wallet's payees in the batch, and record what they earned."""
        if not self._batch:
            return
        ledger, scan = self._ledger, self._scan
        own = await self._own_payees()
        matches: list[Match] = []
        for _, published in self._batch.values() if own else ():
            matches += [Match(published, own[payee], amount) for payee, amount in published.payees() if payee in own]
            await asyncio.sleep(0)
        for match in matches:
            await self._station(match.payee.station_address)
        with ledger.write():
            ledger.add_payees(match.payee for match in matches if match.payee.payee not in self._recorded)
            for match in matches:
                ledger.add_leaf(self._receipt(match))
            for post, _ in self._batch.values():
                ledger.remove_post(scan, post)
            ledger.drop_candidates(scan.wallet, self._span().start)
        self._matches += len(matches)
        self._batch.clear()
        await self._record_state(matches)
        # Stations that the registry never listed are not kept.
        self._stations = {station: entry for station, entry in self._stations.items() if entry is not None}

    async def _own_payees(self) -> dict[bytes, PayeeRow]:
        """The payees of this wallet that the batch pays, both recorded and derived ones."""
        ledger, scan = self._ledger, self._scan
        if self._recorded_at != ledger.payee_changes:
            self._recorded, self._recorded_at = ledger.payees_of(scan.wallet, scan.chain_id), ledger.payee_changes
        paid: set[bytes] = set()
        for _, published in self._batch.values():
            paid.update(payee for payee, _ in published.payees())
            await asyncio.sleep(0)
        # Recorded payees match at any age: a payer may pay later than any bound.
        own = {
            payee: row
            for payee in paid & self._recorded
            if (row := ledger.payee(scan.wallet, payee, scan.chain_id)) is not None
        }
        for count, ((day, station), payees) in enumerate(self._days.items()):
            if count % YIELD_EVERY == 0:
                await asyncio.sleep(0)
            for hour, payee in enumerate(_split(payees)):
                if payee in paid and payee not in own:
                    entry = await self._station(station)
                    name = "" if entry is None else entry.name
                    number = day * recovery.HOURS + hour
                    own[payee] = PayeeRow(scan.wallet, payee, scan.chain_id, scan.settlement, station, number, name)
        return own

    async def _record_state(self, matches: list[Match]) -> None:
        """Record which of the matched receipts are final or claimed; ``summary`` reads so many only in rounds."""
        ledger, network = self._ledger, self._network
        rows = [
            row
            for match in matches
            if (
                row := ledger.receipt(
                    match.published.server, match.published.epoch, match.payee.payee, self._scan.chain_id
                )
            )
        ]
        unclaimed = [row for row in rows if row.claim_transaction is None]
        epochs = list({(row.server, row.epoch, row.chain_id) for row in unclaimed if not row.final})
        # What cannot be read now ``summary`` reads later.
        with contextlib.suppress(GomaaError):
            for at in range(0, len(epochs), AT_ONCE):
                await epoch_standing.record_final(ledger, network, epochs[at : at + AT_ONCE])
            for at in range(0, len(unclaimed), claim_search.MAX_PAYEES):
                await claim_search.record_claims(ledger, network, unclaimed[at : at + claim_search.MAX_PAYEES])

    def _receipt(self, match: Match) -> ReceiptRow:
        scan, entry = self._scan, self._stations[match.payee.station_address]
        return ReceiptRow(
            server=match.published.server,
            epoch=match.published.epoch,
            payee=match.payee.payee,
            chain_id=scan.chain_id,
            settlement=scan.settlement,
            amount_wei=match.amount,
            signed_json=UNSIGNED,
            detail_json=UNSIGNED,
            content=b"",
            station_domain="" if entry is None else entry.domain,
        )

    async def _station(self, station: bytes) -> StationEntry | None:
        """The registry's entry of a station, also of one that is removed; None for one that was never listed."""
        if station not in self._stations:
            self._stations[station] = await self._network.registry.station(station)
        return self._stations[station]

    async def _status(self, wanted: list[Day]) -> ScanResult:
        """The result of ``step``."""
        remaining = self._ledger.remaining_posts(self._scan)
        progress = self._ledger.scan_progress(self._scan)
        counts = Counter({server: count for server, count, _ in remaining})
        return ScanResult(
            listed=0 if progress is None else progress[1],
            left=counts.total(),
            found=self._matches,
            wants=[StationDay(to_hex(station), day) for day, station in wanted],
            more=bool(self._batch) or not self._posts.complete or self._downloads.ready(),
            away=[
                AbsentServer(to_hex(server), await self._downloads.url(server), count, code)
                for server, count, code in remaining
                if code is not None
            ],
        )


def _split(payees: bytes) -> Iterator[bytes]:
    """The addresses in a run of 20 bytes each."""
    return (payees[at : at + 20] for at in range(0, len(payees), 20))
