"""Acceptance of invocations: each is counted once, in order."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from sqlalchemy import select

from messages.host_server.playback import UsageCounters
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
from tests.unit.security_server.server_desk import CONTENT, LISTENER, START_MS, Desk, terms, undone


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


def test_expired_tickets_and_sessions_can_only_end(desk: Desk) -> None:
    """After the ticket's expiry a renewal is refused and a stop is taken."""
    session = desk.session()
    ticket = desk.ticket(session, 1, expiry_s=8)
    desk.act(session, ticket, "play")
    desk.wait(9)
    assert desk.act(session, ticket, "renew", 9_000).code == "ticket.expired"
    assert desk.act(session, ticket, "stop", 9_000).code is None


def test_foreign_devices_and_unknown_tickets_are_refused(desk: Desk) -> None:
    """Another device's session has the code of a ticket that was never opened.

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
    """For any order and repetition of invocations, plays and seeks are the accepted ones."""
    with undone(desk.connection):
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


@pytest.mark.parametrize("action", ["download", "copy", "transfer"])
def test_absent_permissions_are_refused(desk: Desk, action: str) -> None:
    """Absent permissions are denied while playing."""
    session = desk.session()
    ticket = desk.ticket(session, 1)
    desk.act(session, ticket, "play")
    assert desk.act(session, ticket, action).code == "policy.action.denied"
