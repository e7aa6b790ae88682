"""Heard time: metered by the server's clock, once for all tickets of a listener."""

from __future__ import annotations

import pytest

from pywallet.rules.limits import CLOCK_AHEAD_MS
from security_server.billing.accounts import outstanding
from security_server.db.queries import get
from security_server.db.tables import (
    tickets,
    usages,
)
from tests.unit.security_server.server_desk import CONTENT, LISTENER, START_MS, STATION, Desk, terms


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


def test_two_streams_never_count_the_same_time(desk: Desk) -> None:
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


def test_a_replaced_stream_counts_no_more_heard_time(desk: Desk) -> None:
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
    """Times ahead count by the server's clock and gain nothing; beyond a minute they are refused."""
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


def test_a_second_stream_sounds_unpaid(desk: Desk) -> None:
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


def test_heard_time_of_a_play_is_bounded_by_the_song(desk: Desk) -> None:
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


@pytest.mark.parametrize(
    ("rated", "speed", "heard_ms"), [(True, 10, 100_000), (True, 2, 100_000), (True, 0.5, 25_000), (False, 10, 50_000)]
)
def test_a_fast_rate_counts_at_most_the_fastest_of_the_terms(
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


def test_renewals_without_progress_count_half_a_second(desk: Desk) -> None:
    """Renewals without progress in the song count half a second in all."""
    session = desk.session()
    ticket = desk.ticket(session, 1)
    desk.act(session, ticket, "play")
    for _ in range(4):
        desk.wait(5)
        outcome = desk.act(session, ticket, "renew", 0)
    assert outcome.heard_ms == 500
