"""The audit: events, then data, epoch by epoch.

Memory is bounded by one epoch's tables, not by the number of epochs or plays.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audit.epoch_totals import EpochTotals
from audit.epochs import EpochCheck, Posted
from audit.events import ContractsAt, debit_part, posted_entries, settlement_events
from audit.faults import Fault
from audit.ledger import Claims, Tickets
from audit.money import EpochMoney, Money, compare, standing
from audit.prices import Prices
from audit.sources import Sources
from audit.tables import EpochFile
from chain.client import Chain
from chain.contracts.registry import Registry
from chain.deployment import Deployment
from pywallet.encoding.hex import to_hex
from pywallet.errors import InputError

Promised = Mapping[tuple[bytes, int], Mapping[bytes, int]]
"""(server, epoch) to payee to the highest amount of a genuine receipt, wei."""


@dataclass(frozen=True)
class AuditedEpoch:
    """One audited epoch, as passed to ``see``; its file is valid only during the call."""

    totals: EpochTotals
    money: EpochMoney
    final: bool
    claims: Mapping[bytes, tuple[int, int, bytes]]


@dataclass
class Result:
    """Result of an audit. ``figures`` are sums in wei and counts."""

    block: int
    faults: list[Fault] = field(default_factory=list)
    figures: dict[str, int] = field(default_factory=dict)
    money: Money | None = None

    @property
    def ok(self) -> bool:
        """Whether there are no faults."""
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
    found = {server: await registry.server(server) for server in servers}
    return {server: entry.url for server, entry in found.items() if entry is not None}


async def audit(
    chain: Chain,
    deployment: Deployment,
    places: tuple[str, ...] = (),
    *,
    promised: Promised | None = None,
    keep: Path | None = None,
    see: Callable[[AuditedEpoch], None] | None = None,
) -> Result:
    """Rebuild balances and epochs up to the latest block and collect the faults.

    ``places``: folders and URLs of published data, before those of the
    registry; ``keep``: a folder that gets what was fetched; ``see`` is
    handed each epoch that stands, oldest first, with its data open.
    """
    block = await chain.block()
    at = ContractsAt(chain, deployment, block.number)
    result = Result(block.number)
    with tempfile.TemporaryDirectory(prefix="gomaa-audit-") as scratch:
        claims, tickets = Claims(Path(scratch)), Tickets(Path(scratch))
        try:
            money = result.money = Money(deployment.stake, claims)
            await _replay(chain, deployment, at, money)
            urls = await registered_urls(chain, deployment, {server for server, _ in money.epochs})
            async with Sources(places, urls.get, keep) as sources:
                prices = Prices(chain, deployment, block.number)
                for epoch in standing(money):
                    result.faults += await _epoch(
                        epoch,
                        at,
                        prices,
                        sources,
                        claims,
                        tickets,
                        block.timestamp,
                        promised or {},
                        see,
                        result.figures,
                    )
            for (server, number), leaves in (promised or {}).items():
                if (server, number) not in money.epochs and block.timestamp > deployment.schedule.post_until(number):
                    result.faults += [
                        Fault("leaf.receipt", server, number, to_hex(p), "0", str(a)) for p, a in leaves.items() if a
                    ]
            for station, ticket, number in tickets.differing():
                result.faults.append(Fault("ticket.differs", None, number, f"{to_hex(station)} ticket {ticket}"))
            result.faults += await compare(money, at)
            _totals(result.figures, money)
        finally:
            claims.close()
    return result


async def _replay(chain: Chain, deployment: Deployment, at: ContractsAt, money: Money) -> None:
    async for event in settlement_events(chain, deployment, at.block):
        what = event.fields
        if event.name == "Debited":
            taken = await debit_part(chain, deployment, event.transaction)
            money.debit(
                what["server"],
                what["epoch"],
                () if taken is None else taken.entries,
                int(await at.registry("rate_at", what["epoch"])),
            )
            continue
        if event.name != "Posted":
            money.apply(event)
            continue
        entries = await posted_entries(chain, deployment, event.transaction)
        totals = {name: what[name] for name in ("server", "epoch", "root", "total", "fee", "digest", "counts", "data")}
        posted = Posted(**totals, entries=None if entries is None else tuple(entries), transaction=event.transaction)
        money.post(posted, int(await at.registry("rate_at", posted.epoch)))


async def _epoch(
    epoch: EpochMoney,
    at: ContractsAt,
    prices: Prices,
    sources: Sources,
    claims: Claims,
    tickets: Tickets,
    now_s: int,
    promised: Promised,
    see: Callable[[AuditedEpoch], None] | None,
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
            if see is not None:
                meta = int(await at.settlement("epoch_meta", posted.server, posted.epoch))
                see(AuditedEpoch(totals, epoch, now_s >= (meta >> 192 & (1 << 40) - 1) and not meta >> 232, paid))
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


def _totals(figures: dict[str, int], money: Money) -> None:
    figures["debited_wei"] = sum(account.spent for account in money.accounts.values())
    figures["escrow_wei"] = sum(account.escrow for account in money.accounts.values())
    figures["bonds_wei"] = sum(server.bond for server in money.servers.values())
    figures["commission_wei"] = sum(epoch.fee + epoch.collected for epoch in money.epochs.values())
    figures["claimed_wei"] = sum(epoch.claimed for epoch in money.epochs.values())
    figures["unclaimed_wei"] = sum(epoch.left for epoch in money.epochs.values())
