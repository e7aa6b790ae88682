"""Who is counted among those who heard a part: by the policy's ``tracking`` and the listener's own word."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import insert

from pywallet.policy import Policy
from pywallet.settlement import SEGMENT_S
from security_server.db.tables import tracked
from security_server.epochs.played_passages import most_played
from tests.unit.security_server.server_desk import CONTENT, Desk

CASES = [
    ("never", None, False),
    ("never", True, False),
    ("opt_in", None, False),
    ("opt_in", True, True),
    ("opt_in", False, False),
    ("opt_out", None, True),
    ("opt_out", True, True),
    ("opt_out", False, False),
]


@pytest.mark.parametrize(("tracking", "choice", "counted"), CASES)
def test_the_terms_and_the_listener_decide(tracking: str, choice: bool | None, counted: bool) -> None:
    """The terms, then the listener's choice; by default only listeners that agreed."""
    raw = {"permissions": ["play"], "price": {"interval_s": 30, "owner": 0, "reward": 0, "payer": "nobody"}}
    policy = Policy.from_dict({**raw, "tracking": tracking})
    assert policy.tracks(choice) is counted
    assert Policy.from_dict(raw).tracks(None) is False


def test_only_listeners_who_may_be_are_counted(desk: Desk) -> None:
    """Three hear the first ten seconds, two of them with tickets that may be counted: two are published."""
    for number in (1, 2, 3):
        listener = bytes([40 + number]) * 20
        session = desk.session(listener=listener, number=number)
        ticket = desk.ticket(session, number, listener=listener)
        if number != 2:
            desk.connection.execute(insert(tracked).values(ticket=ticket))
        assert desk.act(session, ticket, "play").code is None
        desk.hear(session, ticket, 10)
        assert desk.act(session, ticket, "stop", 10_000).code is None
    heard = most_played(desk.connection, 7, few=1)
    assert {who for _, _, who in heard} == {2}
    assert {content for content, _, _ in heard} == {CONTENT}
    assert most_played(desk.connection, 7, few=3) == ()


def test_what_is_heard_across_the_border_of_two_epochs_is_counted_once(desk: Desk) -> None:
    """Ten seconds before the border, ten after, with a renewal at twelve: no segment is missing and none is in both."""
    session = desk.session()
    ticket = desk.ticket(session, 1)
    desk.connection.execute(insert(tracked).values(ticket=ticket))
    assert desk.act(session, ticket, "play").code is None
    desk.hear(session, ticket, 10)
    desk.wait(2)
    desk.now = replace(desk.now, epoch=desk.now.epoch + 1)
    assert desk.act(session, ticket, "renew", 12_000).code is None
    desk.wait(8)
    assert desk.act(session, ticket, "stop", 20_000).code is None

    before, after = ([segment for _, segment, _ in most_played(desk.connection, epoch, few=1)] for epoch in (7, 8))

    assert before == list(range(10 // SEGMENT_S))
    assert after == list(range(10 // SEGMENT_S, 20 // SEGMENT_S))
