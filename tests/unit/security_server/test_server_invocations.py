"""The server's own decision: counted once, in order, by its own clock."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from sqlalchemy import select, update

from messages.host_server.playback import UsageCounters
from pywallet.rules.limits import CLOCK_AHEAD_MS
from security_server.billing.accounts import Outstanding, outstanding
from security_server.chain.money import Money
from security_server.db.queries import get
from security_server.db.tables import (
    epoch_contents,
    epoch_usages,
    invocations,
    refusal_counts,
    tickets,
    usages,
)
from tests.budget import budget
from tests.unit.security_server.server_desk import CONTENT, LISTENER, START_MS, STATION, Desk, terms


def test_a_play_counts_once_and_its_intervals_fill(desk: Desk) -> None:
    """Thirty heard seconds at ten-second intervals are one play, thirty seconds and three intervals due."""
    session = desk.session()
    ticket = desk.ticket(session, 1)
    assert desk.act(session, ticket, "play").code is None
    outcome = desk.hear(session, ticket, 30)
    assert (outcome.heard_ms, outcome.intervals) == (30_000, 3)
    row = get(desk.connection, tickets, id=ticket)
    assert row is not None
    assert row["unvouchered_intervals"] == 3
    assert outcome.usage == UsageCounters(plays=1, seeks=0, seconds=30, first_play_s=START_MS // 1000)
    assert outcome.left == {"play": 2, "seek": 2}


def test_the_same_bytes_again_are_acknowledged_and_counted_once(desk: Desk) -> None:
    """A replayed report gives the first answer and moves nothing."""
    session = desk.session()
    ticket = desk.ticket(session, 1)
    item = desk.item(session, ticket, "play")
    first = desk.give(item)
    again = desk.give(item)
    assert (first.code, first.replay, again.code, again.replay) == (None, False, None, True)
    assert again.usage == first.usage
    assert again.usage is not None
    assert again.usage.plays == 1


def test_other_bytes_under_a_used_number_are_replays(desk: Desk) -> None:
    """A second action with a used sequence number is refused, noted, and counts nothing."""
    session = desk.session()
    ticket = desk.ticket(session, 1)
    desk.act(session, ticket, "play")
    outcome = desk.give(desk.item(session, ticket, "seek", 50_000, sequence=1))
    assert outcome.code == "invocation.replayed"
    row = get(desk.connection, usages, listener=LISTENER, content=CONTENT)
    assert row is not None
    assert row["seeks"] == 0
    assert desk.connection.execute(select(refusal_counts.c.code)).scalars().all() == ["invocation.replayed"]


def test_a_sequence_that_goes_backwards_is_refused(desk: Desk) -> None:
    """Number 2 after number 5 is out of order and not counted."""
    session = desk.session()
    ticket = desk.ticket(session, 1)
    desk.act(session, ticket, "play")
    assert desk.give(desk.item(session, ticket, "seek", 9_000, sequence=5)).code is None
    outcome = desk.give(desk.item(session, ticket, "seek", 9_000, sequence=3))
    assert (outcome.code, outcome.sequence) == ("invocation.sequence", 5)


def test_limits_hold_and_refused_plays_are_recorded_with_nothing(desk: Desk) -> None:
    """The fourth of three plays is refused, counted as unvalidated, and costs nothing."""
    session = desk.session()
    for number in range(1, 4):
        ticket = desk.ticket(session, number)
        assert desk.act(session, ticket, "play").code is None
        assert desk.act(session, ticket, "stop").code is None
    last = desk.ticket(session, 4)
    assert desk.act(session, last, "play").code == "policy.count.exhausted"
    assert desk.act(session, last, "renew", 5_000).code == "invocation.state"
    row = get(desk.connection, epoch_contents, epoch=7, content=CONTENT)
    assert row is not None
    assert (row["plays"], row["unvalidated"], row["heard_ms"]) == (3, 1, 0)


def test_one_ticket_is_one_play(desk: Desk) -> None:
    """A second play on a ticket is refused, before and after its stop."""
    session = desk.session()
    ticket = desk.ticket(session, 1)
    desk.act(session, ticket, "play")
    assert desk.act(session, ticket, "play").code == "ticket.used"
    desk.act(session, ticket, "stop")
    assert desk.act(session, ticket, "play").code == "ticket.used"
    assert desk.act(session, ticket, "resume").code == "invocation.state"


def test_one_stream_per_listener_until_it_stops_or_falls_silent(desk: Desk) -> None:
    """Another play is busy while the first sounds; after a stop, or twenty silent seconds, it takes over."""
    session = desk.session()
    first, second, third = (desk.ticket(session, n) for n in (1, 2, 3))
    desk.act(session, first, "play")
    desk.wait(5)
    assert desk.act(session, second, "play").code == "session.busy"
    assert desk.act(session, first, "stop", 5_000).code is None
    assert desk.act(session, second, "play").code is None
    desk.wait(19)
    assert desk.act(session, third, "play").code == "session.busy"
    desk.wait(1)
    assert desk.act(session, third, "play").code is None
    assert desk.act(session, second, "renew", 20_000).code == "session.busy"


def test_two_streams_never_count_the_same_moment(desk: Desk) -> None:
    """What the second stream heard is not added to the first one's stop."""
    session = desk.session()
    first, second = desk.ticket(session, 1), desk.ticket(session, 2)
    desk.act(session, first, "play")
    desk.wait(21)
    desk.act(session, second, "play")
    desk.wait(10)
    desk.act(session, second, "stop", 10_000)
    outcome = desk.act(session, first, "stop", 31_000)
    assert outcome.code is None
    row = get(desk.connection, usages, listener=LISTENER, content=CONTENT)
    assert row is not None
    assert row["heard_ms"] == 10_000


def test_a_stream_that_was_taken_over_hears_nothing_more(desk: Desk) -> None:
    """The first stream's stop, while the second one sounds, adds nothing to what was heard."""
    session = desk.session()
    first, second = desk.ticket(session, 1), desk.ticket(session, 2)
    desk.act(session, first, "play")
    desk.wait(21)
    desk.act(session, second, "play")
    desk.wait(4)
    outcome = desk.act(session, first, "stop", 25_000)
    assert (outcome.code, outcome.heard_ms) == (None, 0)
    desk.wait(1)
    assert desk.act(session, second, "renew", 5_000).heard_ms == 5_000


def test_a_clock_ahead_gains_nothing_and_a_wrong_one_is_refused(desk: Desk) -> None:
    """A host that runs ahead is heard by the server's clock: nothing is gained; beyond a minute it is told."""
    session = desk.session()
    ticket = desk.ticket(session, 1)
    assert desk.act(session, ticket, "play", time_ms=START_MS + CLOCK_AHEAD_MS + 1).code == "invocation.time"
    assert desk.act(session, ticket, "play", time_ms=START_MS + CLOCK_AHEAD_MS).code is None
    for second in range(5, 61, 5):
        desk.wait(5)
        outcome = desk.act(session, ticket, "renew", second * 1000, START_MS + second * 1000 + CLOCK_AHEAD_MS)
        assert (outcome.code, outcome.heard_ms) == (None, second * 1000)


def test_no_time_before_the_opening_is_heard(desk: Desk) -> None:
    """A lease's report of the minute before its ticket was opened counts nothing; of the ten seconds after it, ten."""
    session = desk.session()
    ticket = desk.ticket(session, 1)
    early = START_MS - 60_000
    desk.act(session, ticket, "play", 0, early)
    desk.wait(10)
    for step in range(1, 15):
        outcome = desk.act(session, ticket, "renew", step * 5_000, early + step * 5_000)
        assert (outcome.code, outcome.heard_ms) == (None, max(0, (step - 12) * 5_000))


@pytest.mark.parametrize("concurrent", [1, 4])
def test_many_tickets_of_one_listener_have_one_clock(desk: Desk, concurrent: int) -> None:
    """Fifteen tickets, each reported with times of its own for the same minute: one minute is paid."""
    desk.policy = terms(concurrent=concurrent, counts={})
    sessions = [desk.session(number=n, payee=bytes([200 + n]) * 20) for n in range(1, 16)]
    tickets_ = [desk.ticket(session, n) for n, session in enumerate(sessions, 1)]
    desk.wait(60)
    for n, (session, ticket) in enumerate(zip(sessions, tickets_, strict=True)):
        begin = START_MS - n * 60_000 if n % 2 else START_MS
        for step in range(13):
            desk.act(session, ticket, "renew" if step else "play", step * 5_000, begin + step * 5_000)
        desk.act(session, ticket, "stop", 60_000, begin + 60_000)
    row = get(desk.connection, usages, listener=LISTENER, content=CONTENT)
    assert row is not None
    assert row["heard_ms"] == 60_000
    assert outstanding(desk.connection, STATION, 7).intervals == 6


def test_beside_a_stream_that_is_heard_another_sounds_unpaid(desk: Desk) -> None:
    """Where two may play at once, both positions go on and one is paid; the other is not paid later either."""
    desk.policy = terms(concurrent=2, counts={})
    session = desk.session()
    first, second = desk.ticket(session, 1), desk.ticket(session, 2)
    desk.act(session, first, "play")
    desk.act(session, second, "play")
    for step in range(1, 7):
        desk.wait(5)
        for ticket in (first, second):
            assert desk.act(session, ticket, "renew", step * 5_000).code is None
    rows = [get(desk.connection, tickets, id=ticket) for ticket in (first, second)]
    found = [(row["heard_ms"], row["sounded_ms"], row["position_ms"]) for row in rows if row]
    assert found == [(0, 30_000, 30_000), (30_000, 30_000, 30_000)]
    desk.act(session, second, "stop", 30_000)
    desk.wait(5)
    assert desk.act(session, first, "renew", 35_000).heard_ms == 5_000


def test_a_song_of_two_minutes_is_not_heard_for_twelve(desk: Desk) -> None:
    """One play without a jump, positions beyond the end and back and forth, for 765 s: two minutes are paid."""
    desk.policy, desk.duration_ms = terms(counts={}), 120_000
    for number, position in enumerate((lambda s: s * 1000, lambda s: 15_000 * (s % 2), lambda _: 1 << 40), 1):
        session = desk.session(number=number)
        ticket = desk.ticket(session, number)
        desk.act(session, ticket, "play")
        for second in range(5, 766, 5):
            desk.wait(5)
            outcome = desk.act(session, ticket, "renew", position(second))
        desk.act(session, ticket, "stop", 0)
        assert outcome.heard_ms <= 120_000


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


def test_no_credit_ends_before_a_voucher_would_be_taken(desk: Desk) -> None:
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
    """Two intervals of 700 wei are too little for a voucher: the third is heard before one is asked for."""
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


def test_a_play_that_owes_already_goes_on_at_the_limit(desk: Desk) -> None:
    """The limit counts plays: the last one of the credit is heard to its end, another one begins nothing."""
    desk.policy, desk.now = terms(counts={}), replace(desk.now, credit_plays=1)
    session = desk.session()
    first, second = desk.ticket(session, 1), desk.ticket(session, 2)
    desk.act(session, first, "play")
    assert desk.hear(session, first, 40).intervals == 4
    desk.act(session, first, "stop", 40_000)
    assert desk.act(session, second, "play").code == "station.credit.exhausted"


@pytest.mark.parametrize(
    ("rated", "speed", "heard_ms"), [(True, 10, 100_000), (True, 2, 100_000), (True, 0.5, 25_000), (False, 10, 50_000)]
)
def test_a_rate_of_ten_earns_two_where_the_terms_free_the_rate_and_one_elsewhere(
    desk: Desk, rated: bool, speed: float, heard_ms: int
) -> None:
    """Fifty seconds of the clock.

    An honest rate counts its music, positions ten times as fast count the fastest rate of the terms.
    """
    desk.policy = terms(permissions=["play", "seek", "rate"] if rated else ["play", "seek"])
    session = desk.session()
    ticket = desk.ticket(session, 1)
    desk.act(session, ticket, "play")
    for step in range(1, 11):
        desk.wait(5)
        outcome = desk.act(session, ticket, "renew", round(step * 5_000 * speed))
    assert outcome.heard_ms == heard_ms


def test_sitting_still_is_not_listening(desk: Desk) -> None:
    """Renewals without progress in the song count half a second in all."""
    session = desk.session()
    ticket = desk.ticket(session, 1)
    desk.act(session, ticket, "play")
    for _ in range(4):
        desk.wait(5)
        outcome = desk.act(session, ticket, "renew", 0)
    assert outcome.heard_ms == 500


def test_expired_tickets_and_sessions_can_only_end(desk: Desk) -> None:
    """After the ticket's expiry a renewal is refused and a stop is taken."""
    session = desk.session()
    ticket = desk.ticket(session, 1, expiry_s=8)
    desk.act(session, ticket, "play")
    desk.wait(9)
    assert desk.act(session, ticket, "renew", 9_000).code == "ticket.expired"
    assert desk.act(session, ticket, "stop", 9_000).code is None


def test_foreign_devices_and_unknown_tickets_are_refused(desk: Desk) -> None:
    """Another device's session is answered as a ticket that was never opened.

    One of another session of this device is not its own.
    """
    session = desk.session(device=b"\x09" * 20)
    ticket = desk.ticket(session, 1)
    assert desk.act(session, ticket, "play").code == "ticket.missing"
    own = desk.session(number=2)
    assert desk.act(own, b"\xee" * 32, "play").code == "ticket.missing"
    assert desk.act(own, ticket, "play").code == "ticket.mismatch"


def test_revoked_content_can_only_be_stopped(desk: Desk) -> None:
    """After a revocation a renewal is refused with its code and a stop still ends the play."""
    session = desk.session()
    ticket = desk.ticket(session, 1)
    desk.act(session, ticket, "play")
    desk.wait(5)
    desk.now = replace(desk.now, revoked=True)
    assert desk.act(session, ticket, "renew", 5_000).code == "content.revoked"
    assert desk.act(session, ticket, "stop", 5_000).code is None


def test_escrow_that_runs_out_ends_the_music(desk: Desk) -> None:
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


def test_recurring_counts_come_back(desk: Desk) -> None:
    """Two plays in every hour: the third waits for the next window."""
    desk.policy = terms(counts={"play": {"limit": 2, "per_s": 3_600}})
    session = desk.session()
    for number, code in ((1, None), (2, None), (3, "policy.count.exhausted")):
        ticket = desk.ticket(session, number, expiry_s=86_400)
        assert desk.act(session, ticket, "play").code == code
        desk.act(session, ticket, "stop")
    desk.wait(3_600)
    assert desk.act(session, desk.ticket(session, 4, expiry_s=86_400), "play").code is None


def test_free_songs_owe_nothing(desk: Desk) -> None:
    """Without price and reward, heard intervals are counted and nothing is due."""
    desk.policy = terms(price={"interval_s": 10, "owner": 0, "reward": 0, "payer": "nobody"})
    desk.now = replace(desk.now, money=None)
    session = desk.session()
    ticket = desk.ticket(session, 1, price=0, reward=0)
    desk.act(session, ticket, "play")
    assert desk.hear(session, ticket, 20).intervals == 2
    assert outstanding(desk.connection, STATION, 7).unvouchered_net == 0


@budget(0.4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["play", "pause", "resume", "seek", "renew", "stop"]),
            st.integers(0, 8_000),
            st.integers(0, 3),
        ),
        max_size=30,
    ),
    repeats=st.lists(st.integers(0, 29), max_size=5),
)
def test_counters_are_the_sum_of_what_was_accepted(
    desk: Desk, steps: list[tuple[str, int, int]], repeats: list[int]
) -> None:
    """Whatever a host sends, in whatever order and however often, plays and seeks are the accepted ones."""
    with desk.connection.begin_nested() as savepoint:
        desk.sequence.clear()
        session = desk.session()
        opened = desk.now.time_ms
        made = [desk.ticket(session, number) for number in range(1, 5)]
        items = []
        for action, gap_ms, which in steps:
            desk.wait(gap_ms / 1000)
            items.append(desk.item(session, made[which], action, gap_ms))
            desk.give(items[-1])
        for index in repeats:
            if index < len(items):
                desk.give(items[index])
        rows = desk.connection.execute(select(invocations.c.action).where(invocations.c.code.is_(None))).scalars().all()
        usage = get(desk.connection, usages, listener=LISTENER, content=CONTENT)
        plays, seeks, heard = (usage["plays"], usage["seeks"], usage["heard_ms"]) if usage else (0, 0, 0)
        assert (plays, seeks) == (rows.count("play"), rows.count("seek"))
        assert plays <= 3
        assert seeks <= 2
        assert heard <= desk.now.time_ms - opened
        leaf = get(desk.connection, epoch_usages, epoch=7, listener=LISTENER, content=CONTENT)
        assert (leaf is None) == (usage is None)
        if leaf is not None:
            assert (leaf["plays"], leaf["seeks"], leaf["seconds"]) == (plays, seeks, heard // 1000)
        savepoint.rollback()


@pytest.mark.parametrize("action", ["download", "copy", "transfer"])
def test_what_the_band_does_not_permit_is_refused(desk: Desk, action: str) -> None:
    """Absent permissions are denied while playing."""
    session = desk.session()
    ticket = desk.ticket(session, 1)
    desk.act(session, ticket, "play")
    assert desk.act(session, ticket, action).code == "policy.action.denied"
