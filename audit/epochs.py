"""Check of one epoch's published data against the chain, leaf by leaf."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from audit.epoch_totals import EpochTotals, sum_epoch
from audit.events import ContractsAt
from audit.faults import Fault
from audit.prices import Prices
from audit.tables import EpochFile
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError
from pywallet.protocol.commission import commission
from pywallet.settlement import (
    FEW,
    ContentRow,
    CountsRoot,
    OwnerRow,
    PayeeRow,
    SegmentRow,
    SumRoot,
    UsageRow,
    content_leaf,
    entries_digest,
)


@dataclass(frozen=True)
class Post:
    """A post on the chain: the fields of its event, and its entries from the call data.

    ``entries`` (payer, net wei) is None where the call data cannot be decoded.
    """

    server: bytes
    epoch: int
    root: bytes
    total: int
    fee: int
    digest: bytes
    counts: bytes
    data: bytes
    entries: tuple[tuple[bytes, int], ...] | None
    transaction: bytes = bytes(32)


class EpochCheck:
    """Collects the faults of one epoch."""

    def __init__(self, posted: Post, at: ContractsAt, prices: Prices | None = None) -> None:
        """Initialise a check.

        Args:
            posted: The post.
            at: The contracts' state.
            prices: Prices of the contents; without them ``terms.price`` is not checked.
        """
        self.posted = posted
        self._prices = prices
        self.faults: list[Fault] = []
        self._at = at

    def fault(self, kind: str, subject: str = "", published: Any = "", expected: Any = "") -> None:
        """Record a fault: its kind, subject, published and expected value."""
        values = (_text(published), _text(expected))
        self.faults.append(Fault(kind, self.posted.server, self.posted.epoch, subject, *values))

    async def check(self, file: EpochFile, receipts: Mapping[bytes, int] | None = None) -> EpochTotals:
        """Check all of the epoch's data; faults are collected in ``faults``.

        Args:
            file: The published data.
            receipts: Payee to the highest amount, wei, that the server has signed.

        Returns:
            The epoch's totals.
        """
        if file.hash != self.posted.data:
            self.fault("data.hash", "", file.hash, self.posted.data)
        totals = await asyncio.to_thread(sum_epoch, file, self._at.deployment.schedule.length)
        await self._head(file)
        self._debits(totals)
        await asyncio.to_thread(self._leaves, totals, dict(receipts or {}))
        await asyncio.to_thread(self._counts, totals)
        self._rows(totals)
        await self._names(totals)
        await self._terms(totals)
        return totals

    async def _head(self, file: EpochFile) -> None:
        head, posted = file.head, self.posted
        rate = int(await self._at.registry("rate_at", posted.epoch))
        expected = {
            "server": posted.server,
            "epoch": posted.epoch,
            "root": posted.root,
            "total": posted.total,
            "counts_root": posted.counts,
            "bps": rate,
        }
        for name, value in expected.items():
            if getattr(head, name) != value:
                self.fault("data.header", name, getattr(head, name), value)
        if posted.entries is not None:
            fee = sum(commission(net, rate) for _, net in posted.entries)
            if fee != posted.fee:
                self.fault("payer.fee", "", posted.fee, fee)

    def _debits(self, totals: EpochTotals) -> None:
        published = [(row.payer, row.net) for row in totals.debits]
        if entries_digest(published) != self.posted.digest:
            posted = self.posted.entries or ()
            for index in range(max(len(published), len(posted))):
                entry, expected = (rows[index] if index < len(rows) else (b"", 0) for rows in (published, posted))
                if entry != expected:
                    self.fault(
                        "payer.debit",
                        to_hex(entry[0] or expected[0]),
                        f"{_text(entry[0])} {entry[1]}",
                        f"{_text(expected[0])} {expected[1]}",
                    )
        owed: dict[bytes, int] = {}
        for payer, net in published:
            owed[payer] = owed.get(payer, 0) + net
        nets, stations = totals.nets(), set(totals.stations)
        for payer in sorted((set(owed) & stations) | set(nets)):
            if owed.get(payer, 0) != nets.get(payer, 0):
                self.fault("payer.net", to_hex(payer), owed.get(payer, 0), nets.get(payer, 0))

        cost, debited = totals.listeners()
        if cost != debited:
            self.fault("payer.listeners", "", debited, cost)

    def _leaves(self, totals: EpochTotals, receipts: dict[bytes, int]) -> None:
        tree, earned = SumRoot(), totals.earned()
        rewards, before, total = 0, b"", 0
        for payee, amount, owned in totals.file.payees():
            tree.add(payee, amount)
            total += amount
            if payee <= before:
                self.fault("leaf.order", to_hex(payee))
            before = payee
            # A listener may name any payee, even an owner of contents: a leaf may hold both sums.
            expected = earned.pop(payee, 0)
            if owned != expected:
                self.fault("leaf.owner", to_hex(payee), owned, expected)
            elif amount < owned:
                self.fault("leaf.owner", to_hex(payee), amount, owned)
            rewards += amount - owned
            if receipts and amount < (promised := receipts.pop(payee, 0)):
                self.fault("leaf.receipt", to_hex(payee), amount, promised)
        for owner, expected in earned.items():
            if expected:
                self.fault("leaf.owner", to_hex(owner), 0, expected)
        for payee, promised in receipts.items():
            if promised:
                self.fault("leaf.receipt", to_hex(payee), 0, promised)
        if rewards != totals.rewards():
            self.fault("leaf.rewards", "", rewards, totals.rewards())
        root, _ = tree.end()
        if root != self.posted.root:
            self.fault("leaf.root", "", root, self.posted.root)
        if total != self.posted.total:
            self.fault("leaf.total", "", total, self.posted.total)

    def _counts(self, totals: EpochTotals) -> None:
        tree = CountsRoot()
        for row in totals.contents:
            tree.add(content_leaf(row.content, row.plays, row.unvalidated, row.seeks, row.seconds))
        for usage in totals.file.rows(UsageRow):
            tree.add(usage.leaf)
        root = tree.end()
        if root != self.posted.counts:
            self.fault("counts.root", "", root, self.posted.counts)
        refused = {row.content: 0 for row in totals.contents}
        for line in totals.lines():
            refused[line.content] += line.sums.refused
        for row in totals.contents:
            if row.unvalidated != refused[row.content]:
                self.fault("count.unvalidated", to_hex(row.content), row.unvalidated, refused[row.content])

    def _rows(self, totals: EpochTotals) -> None:
        for table in totals.unordered_tables:
            self.fault("data.form", table)
        if totals.unknown_indices:
            self.fault("play.index", f"{totals.unknown_indices} plays")
        if totals.invalid_plays:
            self.fault("play.row", f"{totals.invalid_plays} plays")
        leaves = totals.file.count(PayeeRow)
        for owner in totals.file.rows(OwnerRow):
            if owner.payee >= leaves:
                self.fault("play.index", f"owner of payee {owner.payee}")
        segments: Iterator[SegmentRow] = totals.file.rows(SegmentRow)
        for row in segments:
            if row.content >= len(totals.contents):
                self.fault("play.index", f"segment {row.segment}")
            elif row.listeners < FEW:
                self.fault(
                    "segment.few",
                    f"{to_hex(totals.contents[row.content].content)} segment {row.segment}",
                    row.listeners,
                    FEW,
                )
        assert totals.tickets is not None
        numbers, often = np.unique(totals.tickets, return_counts=True)
        for number in numbers[often > 1].tolist():
            self.fault("ticket.twice", f"{to_hex(totals.stations[number >> 32])} ticket {number & 0xFFFFFFFF}")

    async def _names(self, totals: EpochTotals) -> None:
        """Check contents, owners and stations against the registry."""
        await asyncio.gather(*(self._content(row) for row in totals.contents))
        for station in set(totals.stations):
            if not (await self._at.registry("station", station))[0]:
                self.fault("station.unknown", to_hex(station))

    async def _content(self, row: ContentRow) -> None:
        at, epoch = self._at, self.posted.epoch
        if not await at.registry("is_content", row.content):
            self.fault("content.unknown", to_hex(row.content))
            return
        try:
            owner = await at.owner_at(row.content, epoch)
            # A server that a content has moved away from may still post late plays.
            server = (
                row.server
                if await at.served(row.content, row.server, epoch)
                else await at.server_at(row.content, epoch)
            )
        except GomaaError as error:
            self.fault("content.unknown", to_hex(row.content), error.code)
            return
        if row.owner != owner:
            self.fault("content.owner", to_hex(row.content), row.owner, owner)
        if (row.server, server) != (self.posted.server, self.posted.server):
            self.fault("content.server", to_hex(row.content), row.server, server)

    async def _terms(self, totals: EpochTotals) -> None:
        """Check that no play was below its content's price, on which server and station could otherwise collude."""
        if self._prices is None:
            return
        schedule, epoch = self._at.deployment.schedule, self.posted.epoch
        # A play may be settled in a later epoch than it was heard in, by at most about the challenge period.
        begin_s, end_s = epoch * schedule.length - schedule.late, schedule.ends(epoch)
        reported = set()
        for line in totals.lines():
            if not line.sums.intervals or (line.content, line.terms) in reported:
                continue
            reported.add((line.content, line.terms))
            versions = await self._prices.between(line.content, begin_s, end_s)
            if versions and not any(
                line.terms.interval_s == version.interval_s and line.terms.price >= version.price
                for version in versions
            ):
                published = f"{line.terms.price} wei for {line.terms.interval_s} s"
                expected = ", ".join(f"{version.price} wei for {version.interval_s} s" for version in versions)
                self.fault("terms.price", to_hex(line.content), published, expected)


def _text(value: Any) -> str:
    return to_hex(value) if isinstance(value, bytes) else str(value)
