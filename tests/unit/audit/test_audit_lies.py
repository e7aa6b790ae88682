"""Every field of the published data, changed: the audit names the table and, where possible, the row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.prices import PriceVersion
from pywallet.encoding.hex import to_hex
from pywallet.errors import InputError
from pywallet.settlement import NO_TERMS, DebitRow, EpochData, OwnerRow, SegmentRow, UsageRow, gross
from tests.unit.audit.audit_book import (
    BPS,
    CONTENTS,
    OWNERS,
    SERVER,
    STATIONS,
    FakeAt,
    audited,
    honest,
    leaves_of,
    post,
    seal,
    with_leaves,
)

HONEST = honest()
UNSEEN = {("plays", "second"), ("plays", "seeks"), ("plays", "ticket"), ("plays", "tag"), ("segments", "segment")}
"""What no sum contains: only the hash on the chain, or the listener who was there, can tell."""


def kinds(faults: list[Any]) -> set[str]:
    """Kinds of the faults."""
    return {fault.kind for fault in faults}


async def test_consistent_data_have_no_fault() -> None:
    """The audit would report faults of an honest server."""
    for count in (0, 1, 6, 7, 30, 300):
        assert await audited(honest(count)) == []


def tables() -> list[tuple[str, str]]:
    """(table, field) of every row kind in the data."""
    out = []
    for spec in fields(EpochData):
        value = getattr(HONEST, spec.name)
        if isinstance(value, tuple):
            out += [(spec.name, column.name) for column in fields(value[0])]
    return out


def changed(table: str, column: str, row: int = 0) -> EpochData:
    """The data with one field of one row changed."""
    rows = list(getattr(HONEST, table))
    value = getattr(rows[row], column)
    new = (
        bytes([value[0] ^ 1]) + value[1:] if isinstance(value, bytes) else value ^ 1 if column == "terms" else value + 1
    )
    # Only a refused play may be without terms, and it must be.
    terms = {"terms": NO_TERMS} if column == "outcome" else {}
    rows[row] = replace(rows[row], **{column: new, **terms})
    return replace(HONEST, **{table: tuple(rows)})


@pytest.mark.parametrize(("table", "column"), tables())
async def test_data_changed_after_the_post_have_another_hash(table: str, column: str) -> None:
    """Data changed after the post would pass."""
    found = await audited(changed(table, column), post(HONEST))
    assert "data.hash" in kinds(found)
    assert (len(found) > 1) == ((table, column) not in UNSEEN | {("segments", "listeners")})


@pytest.mark.parametrize(("table", "column"), tables())
async def test_a_posted_change_is_found_by_sums_or_the_registry(table: str, column: str) -> None:
    """A wrong field under its own roots and hash would pass."""
    lying = seal(changed(table, column))
    # Payers are debited by vouchers: the chain holds the honest entries, whatever the data say.
    found = await audited(lying, post(lying, tuple((row.payer, row.net) for row in HONEST.debits)))
    # A content's counters are the server's word: hosts and bands hold their own proofs against it.
    word = {("contents", name) for name in ("plays", "seeks", "seconds")} | {
        ("usages", "leaf"),
        ("segments", "listeners"),
    }
    # A listener's leaf under another name: its receipt tells (below).
    word.add(("payees", "payee"))
    assert bool(found) == ((table, column) not in UNSEEN | word), kinds(found)


Lie = Callable[[EpochData], EpochData]


def leaf(index: int, amount: int) -> Lie:
    """A leaf raised or lowered."""

    def lie(data: EpochData) -> EpochData:
        rows = list(data.payees)
        rows[index] = replace(rows[index], amount=rows[index].amount + amount)
        return replace(data, payees=tuple(rows))

    return lie


OWNER_AT = next(index for index, row in enumerate(HONEST.payees) if row.payee == OWNERS[0])
FAN_AT = next(index for index, row in enumerate(HONEST.payees) if row.payee not in OWNERS)


@pytest.mark.parametrize(
    ("lie", "kind", "subject"),
    [
        (leaf(OWNER_AT, -1), "leaf.owner", to_hex(OWNERS[0])),
        (lambda data: leaf(OWNER_AT, -1)(leaf(FAN_AT, 1)(data)), "leaf.owner", to_hex(OWNERS[0])),
        (leaf(FAN_AT, -1), "leaf.rewards", ""),
        (lambda data: with_leaves(data, leaves_of(data)[:FAN_AT] + leaves_of(data)[FAN_AT + 1 :]), "leaf.rewards", ""),
        (lambda data: with_leaves(data, [(b"\x01" * 20, 5, 0), *leaves_of(data)]), "leaf.rewards", ""),
        (lambda data: with_leaves(data, [(b"\x01" * 20, 5, 5), *leaves_of(data)]), "leaf.owner", "0x" + "01" * 20),
        (
            lambda data: with_leaves(data, leaves_of(data)[:OWNER_AT] + leaves_of(data)[OWNER_AT + 1 :]),
            "leaf.owner",
            to_hex(OWNERS[0]),
        ),
        (lambda data: replace(data, owners=data.owners[1:]), "leaf.owner", to_hex(OWNERS[0])),
        (lambda data: replace(data, owners=(*data.owners, OwnerRow(len(data.payees) - 1, 0))), "data.form", "owners"),
        (lambda data: replace(data, payees=data.payees[::-1]), "leaf.order", to_hex(HONEST.payees[0].payee)),
        (lambda data: replace(data, debits=data.debits[:1]), "payer.debit", to_hex(STATIONS[1])),
        (
            lambda data: replace(data, debits=(*data.debits, DebitRow(b"\x05" * 20, 0))),
            "payer.debit",
            to_hex(b"\x05" * 20),
        ),
        (
            lambda data: replace(data, plays=(*data.plays, data.plays[0])),
            "ticket.twice",
            f"{to_hex(STATIONS[0])} ticket 1",
        ),
        (lambda data: replace(data, plays=data.plays[1:]), "payer.net", to_hex(STATIONS[0])),
        (lambda data: replace(data, bps=BPS + 1), "data.header", "bps"),
        (lambda data: replace(data, epoch=data.epoch + 1), "data.header", "epoch"),
        (lambda data: replace(data, usages=(*data.usages, UsageRow(b"\1" * 32))), "counts.root", ""),
    ],
)
async def test_a_fault_names_its_subject(lie: Lie, kind: str, subject: str) -> None:
    """A fault would not name the leaf, payer, ticket or field."""
    lying = lie(HONEST)
    posted = (
        post(HONEST)
        if kind in ("data.header", "counts.root")
        else post(seal(lying), tuple((row.payer, row.net) for row in HONEST.debits))
    )
    found = await audited(lying if kind == "data.header" else seal(lying), posted)
    assert (kind, subject) in {(fault.kind, fault.subject) for fault in found}


def twice(rows: tuple[Any, ...]) -> tuple[Any, ...]:
    """The first row duplicated behind itself, so that its row number stays."""
    return (rows[0], *rows)


def turned(rows: tuple[Any, ...]) -> tuple[Any, ...]:
    """The first two rows exchanged."""
    return (rows[1], rows[0], *rows[2:])


@pytest.mark.parametrize("change", [twice, turned])
@pytest.mark.parametrize("table", ["stations", "contents", "terms", "debits", "owners", "segments", "plays"])
async def test_duplicate_and_unordered_rows_are_found(table: str, change: Any) -> None:
    """The same tables would have two encodings."""
    lying = seal(replace(HONEST, **{table: change(getattr(HONEST, table))}))
    found = await audited(lying, post(lying))
    assert ("data.form", table) in {(fault.kind, fault.subject) for fault in found} or (table, change) == (
        "plays",
        twice,
    )
    if (table, change) == ("plays", twice):
        assert "ticket.twice" in kinds(found)


async def test_a_ticket_under_two_rows_of_one_station_is_found() -> None:
    """A station with two rows would be charged twice for one ticket."""
    first = next(row for row in HONEST.plays if row.station == 0 and row.outcome == 0)
    stations = (*HONEST.stations, HONEST.stations[0])
    plays = (*HONEST.plays, replace(first, station=len(stations) - 1))
    found = await audited(seal(replace(HONEST, stations=stations, plays=plays)))
    assert ("ticket.twice", f"{to_hex(STATIONS[0])} ticket {first.ticket}") in {
        (fault.kind, fault.subject) for fault in found
    }
    assert ("data.form", "stations") in {(fault.kind, fault.subject) for fault in found}


class Priced:
    """Prices of contents."""

    def __init__(self, *versions: PriceVersion) -> None:
        self.versions = list(versions)
        self.asked: set[tuple[int, int]] = set()

    async def between(self, content: bytes, begin_s: int, end_s: int) -> list[PriceVersion]:
        """The same for every content."""
        self.asked.add((begin_s, end_s))
        return self.versions


@pytest.mark.parametrize(
    ("versions", "named"),
    [
        ((PriceVersion(1, 700, 5), PriceVersion(2, 11, 10)), set()),
        ((PriceVersion(1, 700, 5),), {"11 wei for 10 s"}),
        ((PriceVersion(1, 800, 5), PriceVersion(2, 11, 10)), {"700 wei for 5 s"}),
        ((PriceVersion(1, 600, 5), PriceVersion(2, 10, 10)), set()),
        ((PriceVersion(1, 700, 6), PriceVersion(2, 11, 10)), {"700 wei for 5 s"}),
    ],
)
async def test_plays_below_a_contents_price_are_found(versions: tuple[PriceVersion, ...], named: set[str]) -> None:
    """Server and station could agree on less than the contract's price, since all sums add up."""
    prices = Priced(*versions)
    found = await audited(HONEST, prices=prices)
    assert {(fault.kind, fault.published) for fault in found} == {("terms.price", said) for said in named}
    begin = HONEST.epoch * 60
    assert prices.asked == {(begin - 3_600, begin + 60)}


async def test_a_receipt_reveals_a_lowered_leaf() -> None:
    """A leaf lowered in favour of another would pass, since the sums are the same."""
    fan, other = HONEST.payees[FAN_AT], next(row for row in HONEST.payees[FAN_AT + 1 :] if row.payee not in OWNERS)
    there = HONEST.payees.index(other)
    lying = seal(leaf(FAN_AT, -100)(leaf(there, 100)(HONEST)))
    assert await audited(lying) == []
    found = await audited(lying, receipts={fan.payee: fan.amount, other.payee: other.amount})
    assert [(fault.kind, fault.subject, fault.published, fault.expected) for fault in found] == [
        ("leaf.receipt", to_hex(fan.payee), str(fan.amount - 100), str(fan.amount))
    ]
    absent = await audited(HONEST, receipts={b"\x77" * 20: 5})
    assert [(fault.kind, fault.published, fault.expected) for fault in absent] == [("leaf.receipt", "0", "5")]


@pytest.mark.parametrize(
    ("at", "kind"),
    [
        (FakeAt(owners=dict(zip(CONTENTS[:2], OWNERS[:2], strict=True))), "content.unknown"),
        (FakeAt(owners={**dict(zip(CONTENTS, OWNERS, strict=True)), CONTENTS[0]: b"\x4f" * 20}), "content.owner"),
        (FakeAt(server=b"\x12" * 20), "content.server"),
        (FakeAt(stations=STATIONS[:1]), "station.unknown"),
    ],
)
async def test_contents_owners_servers_and_stations_are_compared_with_the_registry(at: FakeAt, kind: str) -> None:
    """Unknown contents, former owners, other servers and unknown stations would pass."""
    assert kinds(await audited(HONEST, at=at)) == {kind}


async def test_a_wrong_commission_is_found() -> None:
    """The commission would be computed on the sum instead of each payer's net."""
    posted = replace(post(HONEST), fee=sum(gross(row.net, BPS) - row.net for row in HONEST.debits) + 1)
    assert kinds(await audited(HONEST, posted)) == {"payer.fee"}


async def test_a_stretch_with_few_listeners_is_found() -> None:
    """Listeners of a rare stretch could be identified."""
    raw = replace(HONEST, segments=(SegmentRow(0, 3, 20),)).encode()
    few = raw[:-4] + (19).to_bytes(4, "big")
    with pytest.raises(InputError):
        EpochData.decode(few)
    from audit.epochs import EpochCheck
    from audit.tables import EpochFile

    check = EpochCheck(post(HONEST), FakeAt())  # type: ignore[arg-type]
    with EpochFile(few) as file:
        await check.check(file)
    assert "segment.few" in kinds(check.faults)


@given(st.data())
def test_any_changed_byte_gives_faults_or_a_schema_error(data: Any) -> None:
    """The audit would fail with another exception."""
    import asyncio

    from audit.epochs import EpochCheck
    from audit.tables import EpochFile

    raw = bytearray(HONEST.encode())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    check = EpochCheck(post(HONEST), FakeAt())  # type: ignore[arg-type]
    try:
        with EpochFile(bytes(raw)) as file:
            asyncio.run(check.check(file))
    except InputError as error:
        assert error.code == "message.schema"
    else:
        assert "data.hash" in kinds(check.faults)
    assert HONEST.server == SERVER


async def test_an_owner_row_without_payee_is_found() -> None:
    """The streaming reader would accept what the strict one refuses."""
    from audit.epochs import EpochCheck
    from audit.tables import EpochFile

    at = HONEST.encode().index(b"".join(row.encode() for row in HONEST.owners))
    raw = HONEST.encode()[:at] + b"\xff" * 4 + HONEST.encode()[at + 4 :]
    with pytest.raises(InputError):
        EpochData.decode(raw)
    check = EpochCheck(post(HONEST), FakeAt())  # type: ignore[arg-type]
    with EpochFile(raw) as file:
        await check.check(file)
    assert ("play.index", "owner of payee 4294967295") in {(fault.kind, fault.subject) for fault in check.faults}
