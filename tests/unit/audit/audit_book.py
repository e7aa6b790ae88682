"""Consistent data of an epoch, a scripted chain, and an audit of both."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

from audit.epochs import EpochCheck
from audit.faults import Fault
from audit.file_check import Post
from audit.tables import EpochFile
from pywallet.crypto import keccak256
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
    Schedule,
    SegmentRow,
    StationRow,
    SumTree,
    TermsRow,
    UsageRow,
    content_leaf,
    entries_digest,
)

SCHEDULE = Schedule(60, 5, 15, 15, 3_600, 75)
BPS = 500
SERVER = b"\x11" * 20
STATIONS = (b"\x21" * 20, b"\x22" * 20)
CONTENTS = (b"\x31" * 20, b"\x32" * 20, b"\x33" * 20)
OWNERS = (b"\x41" * 20, b"\x42" * 20, b"\x41" * 20)
TERMS = (TermsRow(11, 0, 10), TermsRow(700, 300, 5))


def plays(count: int) -> tuple[PlayRow, ...]:
    """Plays in the order of a writer: every seventh is refused, and the terms alternate."""
    out = []
    for number in range(count):
        terms, refused = 1 - number % 2, number % 7 == 6
        heard = 0 if refused else TERMS[terms].interval_s * (1 + number % 5)
        tag = keccak256(number.to_bytes(4, "big"))[:7]
        out.append(
            PlayRow(
                number % 3 % 2,
                number % 3,
                NO_TERMS if refused else terms,
                number % 60,
                heard,
                number % 4,
                int(refused),
                number + 1,
                tag,
            )
        )
    return tuple(sorted(out, key=lambda row: (row.outcome == PlayOutcome.REFUSED, row.station, row.ticket)))


def fresh(play: PlayRow) -> bytes:
    """A payee that is used for one play."""
    return keccak256(b"payee" + play.tag)[:20]


def honest(
    count: int = 30,
    epoch: int = 1000,
    server: bytes = SERVER,
    contents: Any = CONTENTS,
    owners: Any = OWNERS,
    payee: Callable[[PlayRow], bytes] = fresh,
) -> EpochData:
    """Consistent data. ``contents`` and ``owners`` belong together; ``payee`` maps a ticket to its payee."""
    rows = plays(count)
    nets, owned, rewards = dict.fromkeys(STATIONS, 0), dict.fromkeys(owners, 0), dict[bytes, int]()
    for row in rows:
        if row.outcome == PlayOutcome.REFUSED:
            continue
        intervals, terms = row.heard_s // TERMS[row.terms].interval_s, TERMS[row.terms]
        nets[STATIONS[row.station]] += intervals * (terms.price + terms.reward)
        owned[owners[row.content]] += intervals * terms.price
        if intervals and terms.reward:
            rewards[payee(row)] = rewards.get(payee(row), 0) + intervals * terms.reward
    counted = []
    for index, (content, owner) in enumerate(zip(contents, owners, strict=True)):
        mine = [row for row in rows if row.content == index]
        refused = sum(row.outcome for row in mine)
        counted.append(
            ContentRow(content, owner, server, len(mine) - refused, refused, 3, sum(row.heard_s for row in mine))
        )
    leaves = [(one, owned.get(one, 0) + rewards.get(one, 0), owned.get(one, 0)) for one in sorted({*owned, *rewards})]
    return with_leaves(
        EpochData(
            server,
            epoch,
            bytes(32),
            0,
            bytes(32),
            BPS,
            stations=tuple(map(StationRow, STATIONS)),
            contents=tuple(counted),
            terms=TERMS,
            debits=tuple(DebitRow(payer, net) for payer, net in nets.items()),
            plays=rows,
            usages=tuple(UsageRow(keccak256(bytes([n]))) for n in range(4)),
            segments=(SegmentRow(0, 3, 20), SegmentRow(1, 0, 44)),
        ),
        leaves,
    )


Leaf = tuple[bytes, int, int]
"""A payee, its amount, and the part of it that it earned as owner, wei."""


def leaves_of(data: EpochData) -> list[Leaf]:
    """Leaves with the owners' parts, in order."""
    owned = {row.payee: row.owned for row in data.owners}
    return [(row.payee, row.amount, owned.get(index, 0)) for index, row in enumerate(data.payees)]


def with_leaves(data: EpochData, leaves: Iterable[Leaf]) -> EpochData:
    """The same data with these leaves, in order, under their roots."""
    rows = list(leaves)
    payees = tuple(PayeeRow(payee, amount) for payee, amount, _ in rows)
    owners = tuple(OwnerRow(index, owned) for index, (_, _, owned) in enumerate(rows) if owned)
    return seal(replace(data, payees=payees, owners=owners))


def seal(data: EpochData) -> EpochData:
    """The same tables under their roots and total, as a dishonest server posts them."""
    tree = SumTree([(row.payee, row.amount) for row in data.payees])
    leaves = [content_leaf(row.content, row.plays, row.unvalidated, row.seeks, row.seconds) for row in data.contents]
    counts = CountsTree(leaves + [row.leaf for row in data.usages])
    return replace(data, root=tree.root, total=tree.total, counts_root=counts.root)


def post(data: EpochData, entries: tuple[tuple[bytes, int], ...] | None = None) -> Post:
    """The post of these data; ``entries`` are the debits, by default those of the data."""
    debits = tuple((row.payer, row.net) for row in data.debits) if entries is None else entries
    fee = sum(net * BPS // 10_000 for _, net in debits)
    return Post(
        data.server, data.epoch, data.root, data.total, fee, entries_digest(debits), data.counts_root, data.hash, debits
    )


@dataclass
class FakeAt:
    """State of the registry and the contents."""

    owners: dict[bytes, bytes] = field(default_factory=lambda: dict(zip(CONTENTS, OWNERS, strict=True)))
    server: bytes = SERVER
    stations: tuple[bytes, ...] = STATIONS
    deployment: Any = field(default_factory=lambda: SimpleNamespace(schedule=SCHEDULE))

    async def registry(self, name: str, *arguments: Any) -> Any:
        """rate_at, is_content, station."""
        if name == "rate_at":
            return BPS
        return (
            arguments[0] in self.owners
            if name == "is_content"
            else ("radio.example" if arguments[0] in self.stations else "", "", True)
        )

    async def owner_at(self, content: bytes, epoch: int) -> bytes:
        """The owner of a content."""
        return self.owners[content]

    async def server_at(self, content: bytes, epoch: int) -> bytes:
        """The security server of a content."""
        return self.server

    async def served(self, content: bytes, server: bytes, epoch: int) -> bool:
        """True for the security server of a content."""
        return server == self.server


async def audited(
    data: EpochData,
    posted: Post | None = None,
    at: FakeAt | None = None,
    receipts: dict[bytes, int] | None = None,
    prices: Any = None,
) -> list[Fault]:
    """Faults that an audit finds in data under a post."""
    check = EpochCheck(posted or post(data), at or FakeAt(), prices)  # type: ignore[arg-type]
    with EpochFile(data.encode()) as file:
        await check.check(file, receipts)
    return check.faults
