"""The audit: replay of the events, then check of the data, epoch by epoch.

Memory is bounded by one epoch's tables, not by the number of epochs or plays.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audit.balances import Balances, EpochBalance, compare, standing
from audit.epoch_totals import EpochTotals
from audit.epochs import EpochCheck, Post
from audit.events import ContractsAt, debit_part, posted_entries, settlement_events
from audit.faults import Fault
from audit.prices import Prices
from audit.sources import Sources
from audit.store import AuditStore, TicketFiles
from audit.tables import EpochFile
from chain.client import Chain
from chain.contracts.registry import Registry
from chain.deployment import Deployment
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
) -> AuditResult:
    """Rebuild balances and epochs up to the latest block, and collect the faults.

    Args:
        chain: A node.
        deployment: The network.
        places: Folders and URLs of published data, which precede the registered servers.
        promised: Highest receipts.
        keep: Folder in which fetched data are kept.
        on_epoch: Called with each epoch that is not refunded, oldest first.
    """
    block = await chain.block()
    at = ContractsAt(chain, deployment, block.number)
    result = AuditResult(block.number)
    with tempfile.TemporaryDirectory(prefix="gomaa-audit-") as scratch:
        claims, tickets = AuditStore(Path(scratch)), TicketFiles(Path(scratch))
        try:
            balances = result.balances = Balances(deployment.stake, claims)
            await _replay(chain, deployment, at, balances)
            urls = await registered_urls(chain, deployment, {server for server, _ in balances.epochs})
            async with Sources(places, urls.get, keep) as sources:
                prices = Prices(chain, deployment, block.number)
                for epoch in standing(balances):
                    result.faults += await _epoch(
                        epoch,
                        at,
                        prices,
                        sources,
                        claims,
                        tickets,
                        block.timestamp,
                        promised or {},
                        on_epoch,
                        result.figures,
                    )
            for (server, number), leaves in (promised or {}).items():
                if (server, number) not in balances.epochs and block.timestamp > deployment.schedule.post_until(number):
                    result.faults += [
                        Fault("leaf.receipt", server, number, to_hex(p), "0", str(a)) for p, a in leaves.items() if a
                    ]
            for station, ticket, number in tickets.differing():
                result.faults.append(Fault("ticket.differs", None, number, f"{to_hex(station)} ticket {ticket}"))
            result.faults += await compare(balances, at)
            _totals(result.figures, balances)
        finally:
            claims.close()
    return result


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
    at: ContractsAt,
    prices: Prices,
    sources: Sources,
    claims: AuditStore,
    tickets: TicketFiles,
    now_s: int,
    promised: Promised,
    on_epoch: Callable[[AuditedEpoch], None] | None,
    figures: dict[str, int],
) -> list[Fault]:
    posted = epoch.posted
    check = EpochCheck(posted, at, prices)
    path = await sources.find(posted)
    if path is None:
        check.fault("data.missing", "", "", posted.data)
        return check.faults
    try:
        with EpochFile(path) as file:
            totals = await check.check(file, promised.get((posted.server, posted.epoch)))
            tickets.add(totals)
            paid = claims.claims(posted.server, posted.epoch)
            _claims(check, totals, paid)
            _count(figures, totals)
            if on_epoch is not None:
                meta = int(await at.settlement("epoch_meta", posted.server, posted.epoch))
                on_epoch(AuditedEpoch(totals, epoch, now_s >= (meta >> 192 & (1 << 40) - 1) and not meta >> 232, paid))
    except InputError as error:
        check.fault("data.form", "", error.detail.get("reason", error.code))
    sources.done(path)
    return check.faults


def _claims(check: EpochCheck, totals: EpochTotals, paid: Mapping[bytes, tuple[int, int, bytes]]) -> None:
    if not paid:
        return
    left = dict(paid)
    for payee, amount, _ in totals.file.payees():
        claim = left.pop(payee, None)
        if claim is not None and claim[0] != amount:
            check.fault("claim.leaf", to_hex(payee), claim[0], amount)
    for payee, claim in left.items():
        check.fault("claim.leaf", to_hex(payee), claim[0], 0)


def _count(figures: dict[str, int], totals: EpochTotals) -> None:
    from pywallet.settlement import PayeeRow

    new = {
        "epochs": 1,
        "plays": sum(sums.plays for sums in totals.groups.values()),
        "refused": sum(sums.refused for sums in totals.groups.values()),
        "leaves": totals.file.count(PayeeRow),
        "owners_wei": sum(totals.earned().values()),
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
