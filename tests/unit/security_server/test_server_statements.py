"""Statements and vouchers to the wei: nothing twice, nothing beyond escrow or bond."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from sqlalchemy import select

from pywallet.crypto import address_of
from pywallet.errors import Refusal
from pywallet.protocol import (
    Voucher,
    receipt_detail,
    require_signer,
    sign,
)
from pywallet.settlement import gross
from security_server.billing.accounts import outstanding
from security_server.billing.epoch_facts import EpochFacts
from security_server.billing.receipt_signing import IssuedReceipt
from security_server.billing.settling import settle_voucher
from security_server.billing.statements import StatementDraft, draft_statement
from security_server.chain.money import Money
from security_server.db.queries import get
from security_server.db.tables import debits, payees
from tests.budget import budget
from tests.unit.security_server.server_desk import DOMAIN, OWNER, PAYEE, START_MS, STATION, Desk, undone

SERVER_KEY, STATION_KEY = b"\x11" * 32, b"\x22" * 32
SERVER = address_of(SERVER_KEY)
RICH = Money(10**9, 0, 0, 500)


def stated(desk: Desk, epoch: int = 7, money: Money = RICH, bond: int = 10**9) -> StatementDraft:
    """Ask for the station's statement."""
    return draft_statement(desk.connection, STATION, epoch, money, bond)


def pay(
    desk: Desk, cap: int, epoch: int = 7, money: Money = RICH, bond: int = 10**9, until: int | None = None
) -> list[IssuedReceipt]:
    """Hand in a voucher."""
    voucher = sign(
        Voucher(server=SERVER, payer=STATION, cap=cap, until=epoch + 1 if until is None else until), DOMAIN, STATION_KEY
    )
    facts = EpochFacts(DOMAIN, SERVER, SERVER_KEY, epoch, START_MS // 1000, money, bond)
    return settle_voucher(desk.connection, voucher, facts).issued


def heard(desk: Desk, number: int, seconds: int, session: bytes | None = None) -> bytes:
    """One play of some length; the session, so that it can go on."""
    session = session or desk.session()
    ticket = desk.ticket(session, number)
    assert desk.act(session, ticket, "play").code is None
    desk.hear(session, ticket, seconds)
    desk.act(session, ticket, "stop", seconds * 1000)
    return session


def test_a_voucher_pays_owner_and_listener_what_was_heard(desk: Desk) -> None:
    """Three intervals: 3 x 700 to the owner, 3 x 300 to the payee, commission on the sum, receipts signed for both."""
    heard(desk, 1, 30)
    answer = stated(desk)
    assert [(line.number, line.intervals) for line in answer.lines] == [(1, 3)]
    assert answer.spent == gross(3_000, 500) == 3_150
    issued = pay(desk, answer.spent)
    assert {one.receipt.message.payee: one.receipt.message.amount for one in issued} == {OWNER: 2_100, PAYEE: 900}
    for one in issued:
        require_signer(one.receipt, DOMAIN, SERVER, "server.mismatch")
        facts = (one.content, one.session, one.plays, one.seeks, one.seconds, one.sequence, one.invocation)
        assert one.receipt.message.detail == receipt_detail(*facts)
        assert (one.plays, one.seconds) == (1, 30)


def test_a_repeated_statement_adds_nothing(desk: Desk) -> None:
    """A statement repeated is the same; a voucher repeated settles nothing more."""
    heard(desk, 1, 30)
    first, second = stated(desk), stated(desk)
    assert first == second
    assert len(pay(desk, first.spent)) == 2
    assert pay(desk, first.spent) == []
    assert stated(desk).lines == ()
    assert stated(desk).spent == first.spent


def test_a_voucher_below_the_statement_settles_what_it_covers(desk: Desk) -> None:
    """One wei too little settles two of three intervals; the third waits, and its own voucher settles it."""
    heard(desk, 1, 30)
    pay(desk, stated(desk).spent - 1)
    row = get(desk.connection, payees, epoch=7, payee=OWNER)
    assert row is not None
    assert row["amount"] == 1_400
    assert [
        (line.intervals, count) for line, count in zip(stated(desk).lines, stated(desk).counts.values(), strict=True)
    ] == [(3, 2)]
    pay(desk, stated(desk).spent)
    assert stated(desk).lines == ()
    assert stated(desk).spent == 3_150


def test_a_voucher_that_covers_not_one_interval_is_refused_and_changes_nothing(desk: Desk) -> None:
    """Less than one interval's gross: a code, and the same statement as before."""
    heard(desk, 1, 30)
    before = stated(desk)
    with pytest.raises(Refusal) as error:
        pay(desk, 1_049)
    assert error.value.code == "voucher.cap"
    assert get(desk.connection, payees, epoch=7, payee=OWNER) is None
    assert stated(desk) == before


def test_a_voucher_of_yesterday_is_refused(desk: Desk) -> None:
    """A voucher whose last epoch is over can't be posted, so it settles nothing."""
    heard(desk, 1, 10)
    with pytest.raises(Refusal) as error:
        pay(desk, stated(desk).spent, until=6)
    assert error.value.code == "voucher.signature"


def test_receipts_are_cumulative_in_an_epoch(desk: Desk) -> None:
    """A second voucher's receipt names the epoch's whole amount."""
    session = heard(desk, 1, 20)
    pay(desk, stated(desk).spent)
    heard(desk, 2, 10, session)
    issued = pay(desk, stated(desk).spent)
    assert {one.receipt.message.payee: one.receipt.message.amount for one in issued} == {OWNER: 2_100, PAYEE: 900}


def test_a_voucher_in_the_next_epoch_settles_there_and_its_cap_is_enough(desk: Desk) -> None:
    """Lines stated in epoch 7 whose voucher comes in epoch 8 are epoch 8's; the caps cover the debits of both."""
    session = heard(desk, 1, 30)
    pay(desk, stated(desk).spent)
    heard(desk, 2, 30, session)
    late = stated(desk)
    pay(desk, late.spent, epoch=8)
    seven, eight = (get(desk.connection, debits, epoch=e, payer=STATION) for e in (7, 8))
    assert seven is not None
    assert eight is not None
    assert (seven["net"], eight["net"]) == (3_000, 3_000)
    assert gross(seven["net"], 500) <= seven["cap"]
    assert gross(seven["net"], 500) + gross(eight["net"], 500) <= eight["cap"]


def test_escrow_is_checked_when_the_voucher_arrives(desk: Desk) -> None:
    """A station that asked its escrow back meanwhile is refused, and nothing is promised to anybody."""
    heard(desk, 1, 30)
    answer = stated(desk)
    with pytest.raises(Refusal) as error:
        pay(desk, answer.spent, money=replace(RICH, requested=RICH.escrow - 1_049))
    assert error.value.code == "station.escrow.short"
    assert get(desk.connection, payees, epoch=7, payee=PAYEE) is None
    pay(desk, answer.spent, money=replace(RICH, requested=RICH.escrow - 3_149))
    row = get(desk.connection, debits, epoch=7, payer=STATION)
    assert row is not None
    assert row["net"] == 2_000
    assert len(pay(desk, answer.spent, money=replace(RICH, requested=RICH.escrow - 3_150))) == 2


def test_receipts_never_exceed_the_bond(desk: Desk) -> None:
    """A statement is cut to whole intervals the bond covers; a retiring server gives no receipts."""
    heard(desk, 1, 30)
    assert [line.intervals for line in stated(desk, bond=2_999).lines] == [2]
    answer = stated(desk)
    for bond in (0, 999):
        with pytest.raises(Refusal) as error:
            pay(desk, answer.spent, bond=bond)
        assert error.value.code == "server.unbonded"
    amounts = [one.receipt.message.amount for one in pay(desk, answer.spent, bond=2_999)]
    assert sum(amounts) == 2_000
    amounts = [one.receipt.message.amount for one in pay(desk, answer.spent, bond=3_000)]
    assert sum(amounts) == 3_000


def test_what_is_outstanding_moves_from_heard_to_vouchered(desk: Desk) -> None:
    """The same money is counted once on its way: unvouchered, then the epoch's, then unposted."""
    heard(desk, 1, 30)
    before = outstanding(desk.connection, STATION, 7)
    assert (before.unposted, before.current_net, before.unvouchered_net, before.plays) == (0, 0, 3_000, 1)
    pay(desk, stated(desk).spent)
    after = outstanding(desk.connection, STATION, 7)
    assert (after.unposted, after.current_net, after.unvouchered_net, after.plays) == (0, 3_000, 0, 0)
    later = outstanding(desk.connection, STATION, 8)
    assert (later.unposted, later.current_net) == (3_150, 0)


def test_a_listener_who_declines_rewards_gets_no_receipt(desk: Desk) -> None:
    """With a zero payee only the owner is paid."""
    session = desk.session(payee=bytes(20))
    ticket = desk.ticket(session, 1, reward=0, payee=bytes(20))
    desk.act(session, ticket, "play")
    desk.hear(session, ticket, 20)
    issued = pay(desk, stated(desk).spent)
    assert [(one.receipt.message.payee, one.receipt.message.amount) for one in issued] == [(OWNER, 1_400)]


@budget(0.4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(st.integers(1, 5), st.integers(1, 997), st.integers(0, 997), st.booleans(), st.booleans()),
        min_size=1,
        max_size=8,
    ),
    bps=st.integers(0, 3_000),
)
def test_every_debit_is_covered_by_its_voucher(
    desk: Desk, steps: list[tuple[int, int, int, bool, bool]], bps: int
) -> None:
    """Whatever is heard, vouched for and crosses epochs.

    Payees' sums are the debits, and each cap covers all debits so far.
    """
    with undone(desk.connection):
        money, epoch = Money(10**15, 0, 0, bps), 7
        desk.sequence.clear()
        desk.policy = desk.policy.from_dict(
            {"permissions": ["play"], "price": {"interval_s": 5, "owner": 1, "reward": 1}}
        )
        desk.now = replace(desk.now, money=money)
        session = desk.session()
        for number, (intervals, price, reward, vouch, cross) in enumerate(steps, 1):
            ticket = desk.ticket(session, number, price, reward)
            desk.act(session, ticket, "play")
            desk.hear(session, ticket, intervals * 5)
            desk.act(session, ticket, "stop", intervals * 5_000)
            answer = stated(desk, epoch, money)
            epoch += cross
            desk.now = replace(desk.now, epoch=epoch)
            if vouch:
                pay(desk, answer.spent, epoch, money)
        spent = 0
        for row in desk.connection.execute(select(debits).order_by(debits.c.epoch)).mappings():
            spent += gross(row["net"], bps)
            assert spent <= row["cap"]
            amounts = desk.connection.execute(select(payees.c.amount).where(payees.c.epoch == row["epoch"])).scalars()
            assert sum(amounts) == row["net"]
        final = stated(desk, epoch, money)
        assert final.settled == spent
