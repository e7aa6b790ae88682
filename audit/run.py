"""The audit: replay of the events, then check of the data, epoch by epoch, in one process or many.

Memory is bounded by one epoch's tables of stations, contents and terms, not by the number of epochs or plays.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audit.balances import Balances, EpochBalance, compare, standing
from audit.epoch_totals import EpochTotals
from audit.epochs import EpochCheck
from audit.events import ContractsAt, debit_part, posted_entries, settlement_events
from audit.faults import Fault, FaultList
from audit.file_check import FileResult, FileTask, Post, check_file, malformed
from audit.prices import Prices
from audit.sources import Sources
from audit.store import AuditStore
from audit.tables import EpochFile
from audit.ticket_table import TicketTable
from chain.client import Chain
from chain.contracts.registry import Registry
from chain.deployment import Deployment
from common.spread import LocalPool, Pool
from pywallet.encoding.hex import to_hex
from pywallet.errors import InputError

Promised = Mapping[tuple[bytes, int], Mapping[bytes, int]]
"""Highest receipt of each payee by (server, epoch), wei."""


@dataclass(frozen=True)
class AuditedEpoch:
    """One audited epoch, as passed to ``on_epoch``; its file is open during the call only."""

    totals: EpochTotals
    balances: EpochBalance
    final: bool
    claims: Mapping[bytes, tuple[int, int, bytes]]


@dataclass
class AuditResult:
    """Result of an audit. ``figures`` are sums in wei and counts."""

    block: int
    faults: list[Fault] = field(default_factory=list)
    figures: dict[str, int] = field(default_factory=dict)
    balances: Balances | None = None

    @property
    def ok(self) -> bool:
        """True if there are no faults."""
        return not self.faults

    def to_json(self) -> dict[str, Any]:
        """The output of ``--json``; amounts are decimal strings in wei."""
        plain = {"epochs", "plays", "refused", "leaves", "claims"}
        figures = {name: value if name in plain else str(value) for name, value in self.figures.items()}
        return {
            "ok": self.ok,
            "block": self.block,
            "figures": figures,
            "faults": [fault.to_json() for fault in self.faults],
        }


async def registered_urls(chain: Chain, deployment: Deployment, servers: set[bytes]) -> dict[bytes, str]:
    """The URLs of servers, by the registry."""
    registry = Registry(chain, deployment)
    entries = {server: await registry.server(server) for server in servers}
    return {server: entry.url for server, entry in entries.items() if entry is not None}


async def audit(
    chain: Chain,
    deployment: Deployment,
    places: tuple[str, ...] = (),
    *,
    promised: Promised | None = None,
    keep: Path | None = None,
    on_epoch: Callable[[AuditedEpoch], None] | None = None,
    pool: Pool | None = None,
    scratch: Path | None = None,
) -> AuditResult:
    """Rebuild balances and epochs up to the latest block, and collect the faults.

    Args:
        chain: A node.
        deployment: The network.
        places: Folders and URLs of published data, which precede the registered servers.
        promised: Highest receipts.
        keep: Folder in which fetched data are kept.
        on_epoch: Called with each epoch that is not refunded, oldest first.
        pool: Where the data are checked; without it in this process. Its workers read ``places``, ``keep`` and
            ``scratch`` at the same paths.
        scratch: Folder of temporary files; without it the system's.

    Raises:
        GomaaError: ``spread.lost``, ``spread.file``, ``spread.failed``: a part of the work, which it names.
    """
    block = await chain.block()
    at = ContractsAt(chain, deployment, block.number)
    result = AuditResult(block.number)
    # Workers may still write there when an error ends the audit.
    with tempfile.TemporaryDirectory(prefix="gomaa-audit-", dir=scratch, ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary)
        claims, tickets = AuditStore(folder), TicketTable(folder)
        try:
            balances = result.balances = Balances(deployment.stake, claims)
            await _replay(chain, deployment, at, balances)
            urls = await registered_urls(chain, deployment, {server for server, _ in balances.epochs})
            async with Sources(places, urls.get, keep, folder) as sources:
                work = Work(pool or LocalPool(), at, sources, balances, promised or {}, folder)
                prices = Prices(chain, deployment, block.number)
                async with aclosing(work.checked()) as results:
                    async for epoch, path, checked in results:
                        result.faults += await _epoch(
                            epoch, path, checked, at, prices, claims, tickets, block.timestamp, on_epoch, result.figures
                        )
                        if path is not None:
                            sources.done(path)
            for (server, number), leaves in (promised or {}).items():
                if (server, number) not in balances.epochs and block.timestamp > deployment.schedule.post_until(number):
                    result.faults += [
                        Fault("leaf.receipt", server, number, to_hex(p), "0", str(a)) for p, a in leaves.items() if a
                    ]
            result.faults += await asyncio.to_thread(_differing, tickets)
            result.faults += await compare(balances, at)
            _totals(result.figures, balances)
        finally:
            claims.close()
            tickets.close()
    return result


def _differing(tickets: TicketTable) -> list[Fault]:
    faults = FaultList(None, None)
    for station, ticket, number in tickets.differing():
        faults.add("ticket.differs", f"{to_hex(station)} ticket {ticket}", epoch=number)
    return faults.end()


@dataclass
class Work:
    """The checks of all epochs' data, some of them under way at a time."""

    pool: Pool
    at: ContractsAt
    sources: Sources
    balances: Balances
    promised: Promised
    folder: Path

    async def checked(self) -> AsyncGenerator[tuple[EpochBalance, Path | None, FileResult | None], None]:
        """Each epoch, oldest first, with its data and their result; None where there are no data."""
        under_way: deque[tuple[EpochBalance, asyncio.Task[tuple[Path | None, FileResult | None]]]] = deque()
        try:
            for epoch in standing(self.balances):
                under_way.append((epoch, asyncio.create_task(self._check(epoch))))
                if len(under_way) >= self.pool.ahead:
                    first, task = under_way.popleft()
                    yield first, *await task
            while under_way:
                first, task = under_way.popleft()
                yield first, *await task
        finally:
            tasks = [task for _, task in under_way]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _check(self, epoch: EpochBalance) -> tuple[Path | None, FileResult | None]:
        posted = epoch.posted
        where = (posted.server, posted.epoch)
        path = await self.sources.find(posted)
        if path is None:
            return None, None
        task = FileTask(
            path,
            self.balances.with_entries(epoch),
            epoch.bps,
            self.at.deployment.schedule.length,
            self.promised.get(where, {}),
            {payee: claim[0] for payee, claim in self.balances.claims.claims(*where).items()},
            self.folder,
        )
        name = f"epoch {posted.epoch} of {to_hex(posted.server)}"
        return path, await self.pool.result(check_file, task, name)


async def _replay(chain: Chain, deployment: Deployment, at: ContractsAt, balances: Balances) -> None:
    async for event in settlement_events(chain, deployment, at.block):
        fields = event.fields
        if event.name == "Debited":
            taken = await debit_part(chain, deployment, event.transaction)
            balances.debit(
                fields["server"],
                fields["epoch"],
                () if taken is None else taken.entries,
                int(await at.registry("rate_at", fields["epoch"])),
            )
            continue
        if event.name != "Posted":
            balances.apply(event)
            continue
        entries = await posted_entries(chain, deployment, event.transaction)
        totals = {
            name: fields[name] for name in ("server", "epoch", "root", "total", "fee", "digest", "counts", "data")
        }
        posted = Post(**totals, entries=None if entries is None else tuple(entries), transaction=event.transaction)
        balances.post(posted, int(await at.registry("rate_at", posted.epoch)))


async def _epoch(
    epoch: EpochBalance,
    path: Path | None,
    checked: FileResult | None,
    at: ContractsAt,
    prices: Prices,
    claims: AuditStore,
    tickets: TicketTable,
    now_s: int,
    on_epoch: Callable[[AuditedEpoch], None] | None,
    figures: dict[str, int],
) -> list[Fault]:
    """The faults of one epoch: those of its data, and what the chain says of them."""
    posted = epoch.posted
    if path is None or checked is None:
        return [Fault("data.missing", posted.server, posted.epoch, "", "", to_hex(posted.data))]
    totals = checked.totals
    if totals is None:
        return checked.faults
    check = EpochCheck(posted, at, prices)
    await check.check_names(totals)
    faults = [*checked.faults, *check.faults, *checked.claim_faults]
    try:
        with EpochFile(path) as totals.file:
            await asyncio.to_thread(tickets.add, totals)
            _count(figures, totals, checked.leaves)
            if on_epoch is not None:
                meta = int(await at.settlement("epoch_meta", posted.server, posted.epoch))
                final = now_s >= (meta >> 192 & (1 << 40) - 1) and not meta >> 232
                on_epoch(AuditedEpoch(totals, epoch, final, claims.claims(posted.server, posted.epoch)))
    except InputError as error:
        # The data have changed since they were checked.
        faults.append(malformed(posted, error))
    totals.groups.delete()
    return faults


def _count(figures: dict[str, int], totals: EpochTotals, leaves: int) -> None:
    new = {
        "epochs": 1,
        "plays": totals.money.plays,
        "refused": totals.money.refused,
        "leaves": leaves,
        "owners_wei": sum(totals.money.earned.values()),
        "listeners_wei": totals.rewards(),
    }
    for name, value in new.items():
        figures[name] = figures.get(name, 0) + value


def _totals(figures: dict[str, int], balances: Balances) -> None:
    figures["debited_wei"] = sum(account.spent for account in balances.accounts.values())
    figures["escrow_wei"] = sum(account.escrow for account in balances.accounts.values())
    figures["bonds_wei"] = sum(server.bond for server in balances.servers.values())
    figures["commission_wei"] = sum(epoch.fee + epoch.collected for epoch in balances.epochs.values())
    figures["claimed_wei"] = sum(epoch.claimed for epoch in balances.epochs.values())
    figures["unclaimed_wei"] = sum(epoch.left for epoch in balances.epochs.values())
