"""Check of one epoch's published data against its post, without a network: leaf by leaf, in any process."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from audit.epoch_totals import EpochTotals, sum_epoch
from audit.faults import Fault, FaultList, text_of
from audit.tables import EpochFile
from pywallet.encoding.hex import to_hex
from pywallet.errors import InputError
from pywallet.protocol.commission import commission
from pywallet.settlement import (
    FEW,
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


@dataclass(frozen=True)
class FileTask:
    """One epoch's data to check, which every process of the audit can read.

    Attributes:
        path: The data.
        posted: The post, with its entries.
        rate: Commission of the epoch, basis points.
        length_s: Length of an epoch, seconds.
        receipts: Payee to the highest amount, wei, that the server has signed.
        paid: Payee to the claimed amount, wei.
        folder: Where tables that do not fit in memory are written.
    """

    path: Path
    posted: Post
    rate: int
    length_s: int
    receipts: Mapping[bytes, int]
    paid: Mapping[bytes, int]
    folder: Path


@dataclass(frozen=True)
class FileResult:
    """Result of a ``FileTask``: the faults, those of the claims, the totals, and the number of leaves.

    ``totals`` is None where the bytes are no epoch's data, and has no file.
    """

    faults: list[Fault]
    claim_faults: list[Fault]
    totals: EpochTotals | None
    leaves: int = 0


def check_file(task: FileTask) -> FileResult:
    """Check one epoch's data. Raises OSError where the data or ``folder`` cannot be read or written."""
    check = FileCheck(task.posted, task.rate)
    claims = FaultList(task.posted.server, task.posted.epoch)
    try:
        with EpochFile(task.path) as file:
            totals = check.run(file, task.length_s, task.receipts, task.folder)
            _claims(claims, file, task.paid)
            # Made here, so that the process that asked for it has only to read it.
            _ = totals.money
            return FileResult(check.faults(), claims.end(), totals, file.count(PayeeRow))
    except InputError as error:
        return FileResult([*check.faults(), malformed(task.posted, error)], [], None)
    except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
        # The second: no room for what does not fit in memory.
        raise OSError(errno.EIO, str(error), str(task.folder)) from error


def malformed(posted: Post, error: InputError) -> Fault:
    """The fault of bytes that are no epoch's data."""
    return Fault("data.form", posted.server, posted.epoch, "", str(error.detail.get("reason", error.code)))


def _claims(faults: FaultList, file: EpochFile, paid: Mapping[bytes, int]) -> None:
    if not paid:
        return
    left = dict(paid)
    for payee, amount, _ in file.payees():
        claimed = left.pop(payee, None)
        if claimed is not None and claimed != amount:
            faults.add("claim.leaf", to_hex(payee), claimed, amount)
    for payee, claimed in left.items():
        faults.add("claim.leaf", to_hex(payee), claimed, 0)


class FileCheck:
    """Collects the faults of one epoch's data."""

    def __init__(self, posted: Post, rate: int) -> None:
        """Initialise a check.

        Args:
            posted: The post.
            rate: Commission of the epoch, basis points.
        """
        self.posted = posted
        self._rate = rate
        self._faults = FaultList(posted.server, posted.epoch)

    def faults(self) -> list[Fault]:
        """The faults so far."""
        return self._faults.end()

    def run(
        self, file: EpochFile, length_s: int, receipts: Mapping[bytes, int] | None = None, folder: Path | None = None
    ) -> EpochTotals:
        """Check all of the epoch's data.

        Args:
            file: The published data.
            length_s: Length of an epoch, seconds.
            receipts: Payee to the highest amount, wei, that the server has signed.
            folder: As for ``sum_epoch``.

        Returns:
            The epoch's totals.
        """
        if file.hash != self.posted.data:
            self._faults.add("data.hash", "", file.hash, self.posted.data)
        totals = sum_epoch(file, length_s, folder)
        self._head(file)
        self._debits(totals)
        self._leaves(totals, dict(receipts or {}))
        self._counts(totals)
        self._rows(totals)
        return totals

    def _head(self, file: EpochFile) -> None:
        head, posted, rate = file.head, self.posted, self._rate
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
                self._faults.add("data.header", name, getattr(head, name), value)
        if posted.entries is not None:
            fee = sum(commission(net, rate) for _, net in posted.entries)
            if fee != posted.fee:
                self._faults.add("payer.fee", "", posted.fee, fee)

    def _debits(self, totals: EpochTotals) -> None:
        published = [(row.payer, row.net) for row in totals.debits]
        if entries_digest(published) != self.posted.digest:
            posted = self.posted.entries or ()
            for index in range(max(len(published), len(posted))):
                entry, expected = (rows[index] if index < len(rows) else (b"", 0) for rows in (published, posted))
                if entry != expected:
                    self._faults.add(
                        "payer.debit",
                        to_hex(entry[0] or expected[0]),
                        f"{text_of(entry[0])} {entry[1]}",
                        f"{text_of(expected[0])} {expected[1]}",
                    )
        owed: dict[bytes, int] = {}
        for payer, net in published:
            owed[payer] = owed.get(payer, 0) + net
        nets, stations = totals.nets(), set(totals.stations)
        for payer in sorted((set(owed) & stations) | set(nets)):
            if owed.get(payer, 0) != nets.get(payer, 0):
                self._faults.add("payer.net", to_hex(payer), owed.get(payer, 0), nets.get(payer, 0))

        cost, debited = totals.listeners()
        if cost != debited:
            self._faults.add("payer.listeners", "", debited, cost)

    def _leaves(self, totals: EpochTotals, receipts: dict[bytes, int]) -> None:
        tree, earned = SumRoot(), totals.earned()
        rewards, before, total = 0, b"", 0
        for payee, amount, owned in totals.file.payees():
            tree.add(payee, amount)
            total += amount
            if payee <= before:
                self._faults.add("leaf.order", to_hex(payee))
            before = payee
            # A listener may name any payee, even an owner of contents: a leaf may hold both sums.
            expected = earned.pop(payee, 0)
            if owned != expected:
                self._faults.add("leaf.owner", to_hex(payee), owned, expected)
            elif amount < owned:
                self._faults.add("leaf.owner", to_hex(payee), amount, owned)
            rewards += amount - owned
            if receipts and amount < (promised := receipts.pop(payee, 0)):
                self._faults.add("leaf.receipt", to_hex(payee), amount, promised)
        for owner, expected in earned.items():
            if expected:
                self._faults.add("leaf.owner", to_hex(owner), 0, expected)
        for payee, promised in receipts.items():
            if promised:
                self._faults.add("leaf.receipt", to_hex(payee), 0, promised)
        if rewards != totals.rewards():
            self._faults.add("leaf.rewards", "", rewards, totals.rewards())
        root, _ = tree.end()
        if root != self.posted.root:
            self._faults.add("leaf.root", "", root, self.posted.root)
        if total != self.posted.total:
            self._faults.add("leaf.total", "", total, self.posted.total)

    def _counts(self, totals: EpochTotals) -> None:
        tree = CountsRoot()
        for row in totals.contents:
            tree.add(content_leaf(row.content, row.plays, row.unvalidated, row.seeks, row.seconds))
        for usage in totals.file.rows(UsageRow):
            tree.add(usage.leaf)
        root = tree.end()
        if root != self.posted.counts:
            self._faults.add("counts.root", "", root, self.posted.counts)
        for row in totals.contents:
            refused = totals.money.refused_of.get(row.content, 0)
            if row.unvalidated != refused:
                self._faults.add("count.unvalidated", to_hex(row.content), row.unvalidated, refused)

    def _rows(self, totals: EpochTotals) -> None:
        for table in totals.unordered_tables:
            self._faults.add("data.form", table)
        if totals.unknown_indices:
            self._faults.add("play.index", f"{totals.unknown_indices} plays")
        if totals.invalid_plays:
            self._faults.add("play.row", f"{totals.invalid_plays} plays")
        leaves = totals.file.count(PayeeRow)
        for owner in totals.file.rows(OwnerRow):
            if owner.payee >= leaves:
                self._faults.add("play.index", f"owner of payee {owner.payee}")
        segments: Iterator[SegmentRow] = totals.file.rows(SegmentRow)
        for row in segments:
            if row.content >= len(totals.contents):
                self._faults.add("play.index", f"segment {row.segment}")
            elif row.listeners < FEW:
                self._faults.add(
                    "segment.few",
                    f"{to_hex(totals.contents[row.content].content)} segment {row.segment}",
                    row.listeners,
                    FEW,
                )
        for key in totals.repeated.first:
            self._faults.add("ticket.twice", f"{to_hex(totals.stations[key >> 32])} ticket {key & 0xFFFFFFFF}")
        self._faults.more("ticket.twice", totals.repeated.count - len(totals.repeated.first))
