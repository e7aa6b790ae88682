"""Reads the rows of an ended epoch in a deterministic order, and encodes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, and_, select, union
from sqlalchemy.engine import RowMapping

from pywallet.protocol.outcomes import PlayOutcome
from pywallet.settlement import (
    NO_TERMS,
    ContentRow,
    CountsTree,
    DebitRow,
    EpochData,
    OwnerRow,
    PayeeRow,
    PlayRow,
    SegmentRow,
    StationRow,
    SumTree,
    TermsRow,
    UsageRow,
)
from security_server.chain.voucher_calldata import DebitVoucher
from security_server.db.connection import Connection
from security_server.db.tables import (
    debits,
    epoch_contents,
    epoch_owners,
    epoch_usages,
    invocations,
    lines,
    payees,
    tickets,
)
from security_server.epochs.played_passages import most_played
from security_server.epochs.settled_lines import play_tag

_LAST_S: Final = (1 << 24) - 1
"""The published second's width; epochs are shorter."""


@dataclass(frozen=True)
class ContentCount:
    """One content's counters in the epoch, and its owner."""

    content: bytes
    owner: bytes
    plays: int
    unvalidated: int
    seeks: int
    seconds: int


@dataclass(frozen=True)
class UsageCount:
    """One listener's cumulative counters of one content, at the epoch's end."""

    listener: bytes
    content: bytes
    plays: int
    seeks: int
    seconds: int


@dataclass(frozen=True)
class Frozen:
    """All rows of an epoch.

    ``plays`` are settled lines and refused plays, oldest ticket first; ``owned`` has pairs of a row of ``payees`` and
    the part of its amount that it earned as owner, wei.
    """

    server: bytes
    epoch: int
    rate: int
    payees: tuple[tuple[bytes, int], ...]
    owned: tuple[tuple[int, int], ...]
    debits: tuple[DebitVoucher, ...]
    contents: tuple[ContentCount, ...]
    usages: tuple[UsageCount, ...]
    plays: tuple[RowMapping, ...]
    owners: dict[bytes, bytes]
    segments: tuple[tuple[bytes, int, int], ...]


def counted_contents(connection: Connection, epoch: int) -> set[bytes]:
    """Contents of the epoch whose owner in it is not stored yet: counted, settled or refused, but not paid in it."""
    counted = select(epoch_contents.c.content).where(epoch_contents.c.epoch == epoch)
    settled = select(lines.c.content).where(lines.c.epoch == epoch)
    refused = (
        select(tickets.c.content)
        .join(invocations, tickets.c.id == invocations.c.ticket)
        .where(_refused_plays(epoch))
        .distinct()
    )
    owned = select(epoch_owners.c.content).where(epoch_owners.c.epoch == epoch)
    return set(connection.execute(union(counted, settled, refused)).scalars()) - set(
        connection.execute(owned).scalars()
    )


def _refused_plays(epoch: int) -> ColumnElement[bool]:
    return and_(invocations.c.epoch == epoch, invocations.c.code.is_not(None), invocations.c.action == "play")


def freeze_rows(connection: Connection, server: bytes, epoch: int, rate: int) -> Frozen:
    """Read an epoch that has ended, ordered by address: the same database gives the same roots."""
    leaves = (
        select(payees.c.payee, payees.c.amount, payees.c.owner_amount)
        .where(payees.c.epoch == epoch)
        .order_by(payees.c.payee)
    )
    paid = connection.execute(leaves).all()
    owed = connection.execute(select(debits).where(debits.c.epoch == epoch).order_by(debits.c.payer)).mappings()
    owned = connection.execute(
        select(epoch_owners.c.content, epoch_owners.c.owner).where(epoch_owners.c.epoch == epoch)
    )
    owners: dict[bytes, bytes] = {row.content: row.owner for row in owned}
    counted = connection.execute(
        select(epoch_contents).where(epoch_contents.c.epoch == epoch).order_by(epoch_contents.c.content)
    ).mappings()
    used = connection.execute(
        select(epoch_usages)
        .where(epoch_usages.c.epoch == epoch)
        .order_by(epoch_usages.c.listener, epoch_usages.c.content)
    ).mappings()
    return Frozen(
        server,
        epoch,
        rate,
        tuple((row.payee, row.amount) for row in paid),
        tuple((index, row.owner_amount) for index, row in enumerate(paid) if row.owner_amount),
        tuple(DebitVoucher(row["payer"], row["net"], row["cap"], row["until"], row["signature"]) for row in owed),
        tuple(
            ContentCount(
                row["content"],
                owners[row["content"]],
                row["plays"],
                row["unvalidated"],
                row["seeks"],
                row["heard_ms"] // 1000,
            )
            for row in counted
        ),
        tuple(UsageCount(row["listener"], row["content"], row["plays"], row["seeks"], row["seconds"]) for row in used),
        _plays(connection, epoch),
        owners,
        most_played(connection, epoch),
    )


def _plays(connection: Connection, epoch: int) -> tuple[RowMapping, ...]:
    """Settled lines, then refused plays; of a ticket only what never changes is read."""
    settled = connection.execute(
        select(lines).where(lines.c.epoch == epoch).order_by(lines.c.station_address, lines.c.number)
    ).mappings()
    names = ("station_address", "content", "number", "payee", "session", "payer")
    refused = connection.execute(
        select(*(tickets.c[name] for name in names), invocations.c.sequence, invocations.c.received_ms)
        .join(tickets, tickets.c.id == invocations.c.ticket)
        .where(_refused_plays(epoch))
        .order_by(tickets.c.station_address, tickets.c.number, invocations.c.sequence)
    ).mappings()
    return (*settled.all(), *refused.all())


def encode(frozen: Frozen, tree: SumTree, counts: CountsTree, length_s: int, usages: Sequence[bytes] = ()) -> EpochData:
    """The published data.

    ``length_s``: an epoch's length, for the second within it; ``usages``: the listeners' leaves, hashed.
    """
    # Listeners who paid are in the debits only: no play names one of them.
    paying = {row["payer"] for row in frozen.plays} - {row["station_address"] for row in frozen.plays}
    stations = sorted(
        {row["station_address"] for row in frozen.plays} | {debit.payer for debit in frozen.debits} - paying
    )
    # Refused plays cost nothing and have no row in the price table, so that no stranger's tickets fill it.
    terms = sorted({_terms(row) for row in frozen.plays if "settled_intervals" in row})
    rows = content_rows(frozen)
    where = {row.content: index for index, row in enumerate(rows)}
    places = {station: index for index, station in enumerate(stations)}
    numbers = {term: index for index, term in enumerate(terms)}
    begin = frozen.epoch * length_s
    plays = []
    for row in frozen.plays:
        paid = "settled_intervals" in row
        second = (row["settled_s"] if paid else row["received_ms"] // 1000) - begin
        plays.append(
            PlayRow(
                station=places[row["station_address"]],
                content=where[row["content"]],
                terms=numbers[_terms(row)] if paid else NO_TERMS,
                second=min(max(second, 0), _LAST_S),
                # Time that is paid in this epoch, in whole intervals, so that an auditor can multiply it out.
                heard_s=row["settled_intervals"] * row["interval_s"] if paid else 0,
                seeks=min(row["seeks"], 0xFF) if paid else 0,
                outcome=_outcome(row) if paid else PlayOutcome.REFUSED,
                ticket=row["number"],
                tag=row["tag"] if paid else play_tag(row["payee"], row["session"], row["sequence"]),
            )
        )
    return EpochData(
        server=frozen.server,
        epoch=frozen.epoch,
        root=tree.root,
        total=tree.total,
        counts_root=counts.root,
        bps=frozen.rate,
        stations=tuple(StationRow(station) for station in stations),
        contents=rows,
        terms=tuple(TermsRow(*row) for row in terms),
        debits=tuple(DebitRow(debit.payer, debit.net) for debit in frozen.debits),
        payees=tuple(PayeeRow(payee, amount) for payee, amount in frozen.payees),
        owners=tuple(OwnerRow(payee, owned) for payee, owned in frozen.owned),
        plays=tuple(plays),
        usages=tuple(UsageRow(leaf) for leaf in usages),
        segments=tuple(
            SegmentRow(where[content], segment, listeners)
            for content, segment, listeners in frozen.segments
            if content in where
        ),
    )


def _terms(row: RowMapping) -> tuple[int, int, int]:
    return row["price"], row["reward"], row["interval_s"]


def _outcome(row: RowMapping) -> int:
    return PlayOutcome.PAID_BY_STATION if row["payer"] == row["station_address"] else PlayOutcome.PAID_BY_LISTENER


def content_rows(frozen: Frozen) -> tuple[ContentRow, ...]:
    """Contents that were counted, and those that were only settled: heard in one epoch, vouchered in the next."""
    rows = {
        count.content: ContentRow(count.content, count.owner, frozen.server, *_counters(count))
        for count in frozen.contents
    }
    for row in frozen.plays:
        if row["content"] not in rows:
            rows[row["content"]] = ContentRow(row["content"], frozen.owners[row["content"]], frozen.server, 0, 0, 0, 0)
    return tuple(rows[content] for content in sorted(rows))


def _counters(count: ContentCount) -> tuple[int, int, int, int]:
    return count.plays, count.unvalidated, count.seeks, count.seconds
