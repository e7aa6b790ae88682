"""The rights of a policy beyond plain counts, as the security server enforces them."""

from __future__ import annotations

from dataclasses import replace

from security_server.db.queries import get
from security_server.db.tables import epoch_contents, usages
from security_server.playback.invocations import accept
from tests.unit.security_server.server_desk import CONTENT, LISTENER, START_MS, Desk, terms, undone

OTHER_DEVICE = bytes([9]) * 20


def test_a_timed_play_counts_once_it_was_heard_long_enough(desk: Desk) -> None:
    """Two plays of at least 30 seconds are allowed: short ones take none of them, the third long one may not begin."""
    desk.policy = terms(counts={"play": {"limit": 2, "unit": "timed", "after_s": 30}})
    session = desk.session()
    for number, seconds in enumerate((10, 40, 25, 30), 1):
        ticket = desk.ticket(session, number)
        assert desk.act(session, ticket, "play").code is None
        desk.hear(session, ticket, seconds)
        desk.act(session, ticket, "stop", seconds * 1000)
    assert desk.act(session, desk.ticket(session, 5), "play").code == "policy.count.exhausted"


def test_a_seek_soon_after_a_seek_is_the_same_seek(desk: Desk) -> None:
    """Within ten seconds a further seek is free and published as none; after them it counts; the limit holds."""
    desk.policy = terms(counts={"seek": {"limit": 2, "within_s": 10}})
    session = desk.session()
    ticket = desk.ticket(session, 1)
    desk.act(session, ticket, "play")
    for wait, code in ((1, None), (4, None), (4, None), (12, None), (3, None), (12, "policy.count.exhausted")):
        desk.wait(wait)
        assert desk.act(session, ticket, "seek", 5_000).code == code
    row = get(desk.connection, usages, listener=LISTENER, content=CONTENT)
    published = get(desk.connection, epoch_contents, epoch=7, content=CONTENT)
    assert row is not None
    assert published is not None
    assert (row["seeks"], published["seeks"]) == (2, 2)


def test_a_limit_of_heard_time_ends_the_play(desk: Desk) -> None:
    """Twenty seconds in all, over several plays: then a renewal and another play are refused."""
    by_unit = [
        {"counts": {"play": {"limit": limit, "unit": unit}}} for limit, unit in ((20, "second"), (10, "segment"))
    ]
    for limit in ({"metered_s": 20}, *by_unit):
        with undone(desk.connection):
            desk.policy = terms(**{"counts": {}, **limit})
            session = desk.session()
            first, second = desk.ticket(session, 1), desk.ticket(session, 2)
            desk.act(session, first, "play")
            desk.hear(session, first, 10)
            desk.act(session, first, "stop", 10_000)
            assert desk.act(session, second, "play").code is None
            assert desk.hear(session, second, 10).code is None
            desk.wait(5)
            code = desk.act(session, second, "renew", 15_000).code
            assert code == ("policy.metered.exhausted" if "metered_s" in limit else "policy.count.exhausted")
            assert desk.act(session, second, "stop", 15_000).code is None


def test_another_computer_counts_as_one_once_it_has_played(desk: Desk) -> None:
    """One device: the second computer of the same listener is refused, the first continues."""
    desk.policy = terms(devices=1)
    mine, other = desk.session(), desk.session(device=OTHER_DEVICE, number=2)
    first = desk.ticket(mine, 1)
    assert desk.act(mine, first, "play").code is None
    desk.act(mine, first, "stop")
    item = replace(desk.item(other, desk.ticket(other, 2), "play"), device=OTHER_DEVICE)
    assert desk.give(item).code == "policy.device.limit"
    assert desk.act(mine, desk.ticket(mine, 3), "play").code is None


def test_two_players_at_once_where_two_are_allowed(desk: Desk) -> None:
    """A second stream may play, a third may not, and only one of them is heard at a time."""
    desk.policy = terms(concurrent=2, counts={})
    session = desk.session()
    tickets = [desk.ticket(session, n) for n in (1, 2, 3)]
    assert desk.act(session, tickets[0], "play").code is None
    assert desk.act(session, tickets[1], "play").code is None
    assert desk.act(session, tickets[2], "play").code == "policy.concurrent.limit"
    desk.wait(5)
    for ticket in tickets[:2]:
        desk.act(session, ticket, "renew", 5_000)
    row = get(desk.connection, usages, listener=LISTENER, content=CONTENT)
    assert row is not None
    assert row["heard_ms"] == 5_000


def test_a_player_that_reports_late_is_among_those_who_sound(desk: Desk) -> None:
    """Times of a minute ago make no stream silent: the third of two is refused while the others are reported."""
    desk.policy = terms(concurrent=2, counts={})
    session = desk.session()
    tickets = [desk.ticket(session, n) for n in (1, 2, 3)]
    desk.wait(60)
    for step in range(4):
        for ticket in tickets[:2]:
            assert (
                desk.act(session, ticket, "renew" if step else "play", step * 5_000, START_MS + step * 5_000).code
                is None
            )
        desk.wait(5)
    assert desk.act(session, tickets[2], "play").code == "policy.concurrent.limit"


def test_territory_and_purpose_are_configured(desk: Desk) -> None:
    """Without a known territory a restricted song is refused; with the right one it plays."""
    desk.policy = terms(territories=["DE"], purposes=["private"])
    session = desk.session()
    ticket = desk.ticket(session, 1)
    assert desk.act(session, ticket, "play").code == "policy.territory.denied"
    desk.now = replace(desk.now, territory="DE")
    assert desk.act(session, ticket, "play").code == "policy.purpose.denied"
    desk.now = replace(desk.now, purpose="private")
    assert desk.act(session, ticket, "play").code is None


def test_only_the_allowed_part_may_be_reached(desk: Desk) -> None:
    """Play and seek outside the part are refused, inside they are not."""
    desk.policy = terms(part={"from_s": 10, "to_s": 30}, counts={})
    session = desk.session()
    ticket = desk.ticket(session, 1)
    assert desk.act(session, ticket, "play", 0).code == "policy.part.denied"
    assert desk.act(session, ticket, "play", 10_000).code is None
    assert desk.act(session, ticket, "seek", 30_000).code == "policy.part.denied"
    assert desk.act(session, ticket, "seek", 29_000).code is None


def test_a_song_that_listeners_pay_for_gives_its_preview(desk: Desk) -> None:
    """Without listening money the preview is heard and the play is not; the preview owes nothing."""
    price = {"interval_s": 10, "owner": 700, "reward": 0, "payer": "listener"}
    desk.policy = terms(permissions=["play", "preview"], preview_s=20, price=price, counts={})
    session = desk.session()
    ticket = desk.ticket(session, 1, 700, 0, payer=LISTENER)
    desk.now = replace(desk.now, money=replace(desk.now.money, escrow=700)) if desk.now.money else desk.now
    assert desk.act(session, ticket, "play").code == "listener.escrow.short"
    assert desk.act(session, ticket, "preview", 25_000).code == "policy.preview.over"
    assert desk.act(session, ticket, "preview").code is None


def test_invocations_with_old_times_get_no_keys(desk: Desk) -> None:
    """A host that signs its actions with earlier times gets no keys for them.

    The same report of a lease is still counted.
    """
    desk.policy = terms(expires_s=START_MS // 1000 + 30, counts={})
    session = desk.session()
    ticket = desk.ticket(session, 1)
    assert desk.act(session, ticket, "play").code is None
    desk.wait(60)
    back = desk.item(session, ticket, "seek", 5_000, START_MS)
    assert accept(desk.connection, back, desk.policy, desk.now, 20_000, online=True).code == "policy.expired"
    desk.wait(90)
    back = desk.item(session, ticket, "seek", 5_000, START_MS)
    assert accept(desk.connection, back, desk.policy, desk.now, 20_000, online=True).code == "invocation.time"
    assert desk.act(session, ticket, "seek", 5_000, START_MS + 10_000).code is None
