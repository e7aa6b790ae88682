"""Credit and escrow: a play is refused where its payer's vouchers lag or its escrow is short."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from security_server.billing.accounts import Outstanding, outstanding
from security_server.chain.money import Money
from security_server.db.connection import Connection, Rows
from security_server.db.queries import new
from security_server.db.tables import payers, tickets
from tests.unit.security_server.server_desk import LISTENER, STATION, Desk, terms


def test_plays_without_a_voucher_are_bounded_at_every_interval(desk: Desk) -> None:
    """Forty tickets opened before any was played: five are heard, the others wait for the station's voucher."""
    desk.policy, desk.now = terms(counts={}), replace(desk.now, credit_plays=5)
    session = desk.session()
    opened = [desk.ticket(session, n) for n in range(1, 41)]
    codes = []
    for ticket in opened:
        if (code := desk.act(session, ticket, "play").code) is None:
            code = desk.hear(session, ticket, 10).code
            desk.act(session, ticket, "stop", 10_000)
        codes.append(code)
    assert codes == [None] * 5 + ["station.credit.exhausted"] * 35
    assert outstanding(desk.connection, STATION, 7).plays == 5
    desk.connection.execute(
        update(tickets).values(vouchered_intervals=tickets.c.heard_intervals, unvouchered_intervals=0)
    )
    assert desk.act(session, opened[6], "play").code is None


def test_a_station_that_has_paid_has_credit_for_a_time(desk: Desk) -> None:
    """Beyond its number of plays it goes on for ``credit_s``, from when the play that waits for longest was heard."""
    desk.policy, desk.now = terms(counts={}), replace(desk.now, credit_plays=2, credit_s=60)
    session = desk.session()

    def heard(number: int) -> str | None:
        ticket = desk.ticket(session, number)
        if (code := desk.act(session, ticket, "play").code) is None:
            code = desk.hear(session, ticket, 10).code
            desk.act(session, ticket, "stop", 10_000)
        return code

    assert [heard(number) for number in range(1, 4)] == [None, None, "station.credit.exhausted"]
    new(desk.connection, payers, payer=STATION, base_gross=0, base_epoch=-1)
    # Each is heard for ten seconds; at the end of the eighth the first one of all has waited for sixty.
    assert [heard(number) for number in range(4, 9)] == [None] * 4 + ["station.credit.exhausted"]
    paid = {"vouchered_intervals": tickets.c.heard_intervals, "unvouchered_intervals": 0}
    desk.connection.execute(update(tickets).where(tickets.c.number.in_((1, 2))).values(paid))
    desk.now = replace(desk.now, time_ms=desk.now.time_ms + 1_000)
    assert heard(10) is None


def test_credit_does_not_end_below_the_minimum_of_a_voucher(desk: Desk) -> None:
    """A station's credit of one play, with a minimum of three plays.

    The second and third are heard, the fourth waits.
    """
    desk.policy, desk.now = terms(counts={}), replace(desk.now, credit_plays=1, least_wei=3_000)
    session = desk.session()
    codes = []
    for number in range(1, 5):
        ticket = desk.ticket(session, number)
        if (code := desk.act(session, ticket, "play").code) is None:
            code = desk.hear(session, ticket, 10).code
            desk.act(session, ticket, "stop", 10_000)
        codes.append(code)
    # Three plays are 3,150 wei with the commission.
    assert codes == [None, None, None, "station.credit.exhausted"]
    assert outstanding(desk.connection, STATION, 7).is_below_minimum(500, 3_151)


def test_a_listeners_credit_reaches_as_far_as_the_minimum(desk: Desk) -> None:
    """Two intervals of 700 wei are below the minimum of a voucher: the third is heard without one."""
    desk.policy, desk.now = terms(counts={}), replace(desk.now, listener_credit=2, least_wei=2_000)
    session = desk.session()
    ticket = desk.ticket(session, 1, reward=0, payer=LISTENER)
    desk.act(session, ticket, "play")
    codes = [desk.hear(session, ticket, 10, 10_000 * n).code for n in range(4)]
    assert codes == [None, None, "listener.voucher.missing", "listener.voucher.missing"]


@given(
    st.integers(0, 10_000),
    st.integers(0, 10_000),
    st.integers(0, 10_000),
    st.integers(0, 10_000),
    st.integers(1, 1_000),
)
def test_intervals_until_a_voucher_is_taken(
    current: int, unvouchered: int, bps: int, least_wei: int, each: int
) -> None:
    """So many intervals more, and not one fewer, reach the minimum."""
    owed = Outstanding(0, current, unvouchered, 1)
    more = owed.until_settled(bps, least_wei, each)
    assert not owed.is_below_minimum(bps, least_wei, more * each)
    assert more == 0 or owed.is_below_minimum(bps, least_wei, (more - 1) * each)


def test_what_is_owed_is_the_same_from_the_database(desk: Desk) -> None:
    """Sums over rows in memory and an aggregate in SQL agree; the latter serves where rows do not stay in memory."""
    desk.policy = terms(counts={})
    desk.now = replace(desk.now, money=Money(escrow=10**30, requested=0, spent=0, bps=500))
    session = desk.session()
    for number, reward in enumerate((300, 0, 300, 10**24), 1):
        ticket = desk.ticket(session, number, reward=reward)
        desk.act(session, ticket, "play")
        desk.hear(session, ticket, 10 * number)
        desk.act(session, ticket, "stop", 10_000 * number)
    owed = outstanding(desk.connection, STATION, 7)
    assert (owed.plays, owed.intervals) == (4, 10)
    desk.connection.flush()
    asked = Connection(desk.connection.raw, Rows(desk.connection.raw.dialect, is_kept=False))
    assert outstanding(asked, STATION, 7) == owed


def test_a_play_continues_at_the_credit_limit(desk: Desk) -> None:
    """The limit counts plays: the last one of the credit is heard to its end, another one begins nothing."""
    desk.policy, desk.now = terms(counts={}), replace(desk.now, credit_plays=1)
    session = desk.session()
    first, second = desk.ticket(session, 1), desk.ticket(session, 2)
    desk.act(session, first, "play")
    assert desk.hear(session, first, 40).intervals == 4
    desk.act(session, first, "stop", 40_000)
    assert desk.act(session, second, "play").code == "station.credit.exhausted"


def test_a_play_ends_when_the_escrow_is_used_up(desk: Desk) -> None:
    """With escrow for two intervals, the renewal that would fill the third is refused and nothing is owed for it."""
    each = 1_000 + 1_000 * 500 // 10_000
    desk.now = replace(desk.now, money=Money(2 * each, 0, 0, 500))
    session = desk.session()
    ticket = desk.ticket(session, 1)
    assert desk.act(session, ticket, "play").code is None
    assert desk.hear(session, ticket, 25).intervals == 2
    desk.wait(5)
    assert desk.act(session, ticket, "renew", 30_000).code == "station.escrow.short"
    assert outstanding(desk.connection, STATION, 7).unvouchered_net == 2_000


def test_free_songs_owe_nothing(desk: Desk) -> None:
    """Without price and reward, heard intervals are counted and nothing is due."""
    desk.policy = terms(price={"interval_s": 10, "owner": 0, "reward": 0, "payer": "nobody"})
    desk.now = replace(desk.now, money=None)
    session = desk.session()
    ticket = desk.ticket(session, 1, price=0, reward=0)
    desk.act(session, ticket, "play")
    assert desk.hear(session, ticket, 20).intervals == 2
    assert outstanding(desk.connection, STATION, 7).unvouchered_net == 0
