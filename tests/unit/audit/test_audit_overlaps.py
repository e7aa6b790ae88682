"""Listeners whose payees are owners or shared: consistent data pass, and any wei in the wrong place is found."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from audit.balances import EpochBalance
from audit.epoch_totals import sum_epoch
from audit.reports import fan
from audit.run import AuditedEpoch
from audit.tables import EpochFile
from audit.value import ValueScores
from pywallet.encoding.hex import to_hex
from pywallet.settlement import ContentRow, EpochData, PlayRow
from tests.unit.audit.audit_book import (
    BPS,
    CONTENTS,
    OWNERS,
    SERVER,
    FakeAt,
    Leaf,
    audited,
    fresh,
    honest,
    leaves_of,
    post,
    seal,
    with_leaves,
)

HONEST = honest()
NAMED = st.one_of(st.none(), st.sampled_from((*OWNERS[:2], b"\x45" * 20, b"\x01" * 20)))
"""Whom a listener names: nobody else, an owner, or somebody whom others name, too."""


def payee_of(named: Sequence[bytes | None]) -> Callable[[PlayRow], bytes]:
    """The payee of each ticket: the given one, or one of its own."""
    return lambda play: named[play.ticket % len(named)] or fresh(play)


def epochs() -> st.SearchStrategy[EpochData]:
    """Consistent epochs whose payees overlap with owners and with each other."""
    made = st.builds(
        lambda count, named: honest(count, payee=payee_of(named)),
        st.integers(0, 40),
        st.lists(NAMED, min_size=1, max_size=12),
    )
    return made


def found(data: EpochData, lying: EpochData) -> set[tuple[str, str]]:
    """Kinds and subjects of the faults of data that were posted with the right debits."""
    debits = tuple((row.payer, row.net) for row in data.debits)
    return {(fault.kind, fault.subject) for fault in asyncio.run(audited(lying, post(lying, debits)))}


@given(epochs())
def test_consistent_data_with_any_payees_pass(data: EpochData) -> None:
    """An owner or a shared address as payee would be reported as a fault."""
    receipts = {row.payee: row.amount for row in data.payees}
    assert asyncio.run(audited(data, receipts=receipts)) == []


@given(epochs(), st.data())
def test_any_changed_amount_or_part_is_found(data: EpochData, draw: Any) -> None:
    """A changed leaf or owner's part would pass."""
    leaves = leaves_of(data)
    index = draw.draw(st.integers(0, len(leaves) - 1))
    payee, amount, owned = leaves[index]
    part = draw.draw(st.booleans())
    value = draw.draw(st.integers(0, 10_000))
    assume(value != (owned if part else amount))
    lie: Leaf = (payee, amount, value) if part else (payee, value, owned)
    names = found(data, with_leaves(data, [*leaves[:index], lie, *leaves[index + 1 :]]))
    assert ("leaf.rewards", "") in names
    assert (("leaf.owner", to_hex(payee)) in names) == (part or value < owned)


@given(epochs(), st.data())
def test_a_wei_moved_between_owners_and_rewards_is_found(data: EpochData, draw: Any) -> None:
    """A wei moved within the same total would pass."""
    leaves = {payee: [amount, owned] for payee, amount, owned in leaves_of(data)}
    assume(any(owned for _, owned in leaves.values()))
    owner = draw.draw(st.sampled_from([payee for payee, (_, owned) in leaves.items() if owned]))
    other = draw.draw(st.sampled_from(sorted(leaves)))
    wei = draw.draw(st.sampled_from((1, -1)))
    leaves[owner][0] -= wei
    leaves[owner][1] -= wei
    leaves[other][0] += wei
    assume(leaves[other][0] >= leaves[other][1])
    names = found(data, with_leaves(data, [(payee, amount, owned) for payee, (amount, owned) in leaves.items()]))
    assert {("leaf.owner", to_hex(owner)), ("leaf.rewards", "")} <= names


@pytest.mark.parametrize("owner", OWNERS[:2])
async def test_one_leaf_has_earnings_and_rewards(owner: bytes) -> None:
    """A payee that is an owner would get two leaves, or one of the sums only."""
    data = honest(payee=lambda _: owner)
    assert [payee for payee, *_ in leaves_of(data)] == sorted(OWNERS[:2])
    assert await audited(data) == []
    lying = with_leaves(data, [(b"\1" * 20, 1, 0), *((p, a - (p == owner), o) for p, a, o in leaves_of(data))])
    assert await audited(lying) == []
    promised = next(row.amount for row in data.payees if row.payee == owner)
    assert [(one.kind, one.subject) for one in await audited(lying, receipts={owner: promised})] == [
        ("leaf.receipt", to_hex(owner))
    ]


async def test_an_owner_without_plays_may_be_a_payee() -> None:
    """A content without plays would make its owner's rewards a fault."""
    silent = ContentRow(b"\x35" * 20, b"\x45" * 20, SERVER, 0, 0, 0, 0)
    data = honest(payee=lambda play: silent.owner if play.ticket == 1 else fresh(play))
    data = seal(replace(data, contents=(*data.contents, silent)))
    at = FakeAt({**dict(zip(CONTENTS, OWNERS, strict=True)), silent.content: silent.owner})
    assert silent.owner in {row.payee for row in data.payees}
    assert await audited(data, at=at) == []


def test_a_fans_figures_are_its_rewards_only() -> None:
    """A fan's report would include the earnings of a band in the same leaf."""
    data = honest(payee=lambda play: OWNERS[0] if play.ticket % 2 else fresh(play))
    statement, value = fan(OWNERS), ValueScores(60, (data.epoch + 1) * 60, OWNERS)
    with EpochFile(data.encode()) as file:
        one = AuditedEpoch(sum_epoch(file, 60), EpochBalance(post(data), BPS, 0, 0), True, {})
        statement.take(one)
        value.take(one)
    amount, owned = next((amount, owned) for payee, amount, owned in leaves_of(data) if payee == OWNERS[0])
    assert 0 < owned < amount
    assert [(row["payee"], row["earned_wei"]) for row in statement.rows] == [(to_hex(OWNERS[0]), amount - owned)]
    assert value.listener.earned == amount - owned
