"""Reported invocations that the server refuses: they concern their own ticket's play, and no other one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pywallet.errors import GomaaError
from tests.integration.host_world import POLICY, World

ONLINE = replace(POLICY, lease=None)


def state(fan: World, stream: str) -> str:
    """State of a stream's ticket in the ledger."""
    ticket = fan.host.streams[stream].ticket
    assert ticket is not None
    row = fan.host.ledger.ticket(ticket)
    assert row is not None
    return row.state


def problems(fan: World) -> list[str]:
    """Codes of the ``problem`` events so far, by order."""
    events = [fan.events.get_nowait() for _ in range(fan.events.qsize())]
    return [event["code"] for event in events if event["event"] == "problem"]


async def second(fan: World) -> None:
    """Another player of the same session, with its own ticket."""
    await fan.open("b")
    session = fan.session()
    await fan.identify(session.to_json(), stream="b")
    await fan.prepare(fan.ticket(session).to_json(), stream="b")


async def test_a_refused_hold_is_over_and_stops_no_play(fan: World) -> None:
    """The host records no release of it, no ``problem`` event is sent, and the ticket can still be played."""
    await fan.prepared()
    await second(fan)
    fan.server.refuse["hold"] = "invocation.time"
    await fan.invoke("play", 0, 0, 1, stream="b")
    await fan.invoke("hold", 0, 0, 1)
    await fan.reported()
    assert (state(fan, "s"), state(fan, "b")) == ("none", "playing")
    lease = fan.host.streams["b"].lease

    await fan.invoke("stop", stream="b")
    await fan.prepare(fan.ticket(fan.session()).to_json(), stream="s")
    await fan.reported()

    assert problems(fan) == []
    assert lease is not None
    assert lease.keys
    assert [(action, code) for _, action, _, code in fan.states()] == [
        ("play", None),
        ("hold", "invocation.time"),
        ("stop", None),
    ]
    await fan.invoke("play", 0, 0, 1)
    assert state(fan, "s") == "playing"


async def test_a_hold_refused_after_its_play_leaves_the_play(fan: World) -> None:
    """The report of the hold comes after the press: the play is the server's to decide by itself."""
    await fan.prepared()
    fan.server.refuse["hold"] = "invocation.time"
    await fan.invoke("hold", 0, 0, 1)
    await fan.invoke("play", 0, 0, 1)
    await fan.reported()

    assert (state(fan, "s"), problems(fan)) == ("playing", [])


async def test_a_refused_play_stops_its_own_player_only(fan: World) -> None:
    """The ticket is over and its player gets the code; the other one of the session stays as it is."""
    await fan.prepared()
    await second(fan)
    fan.server.refuse["play"] = "station.escrow.short"
    await fan.invoke("play", 0, 0, 1)
    await fan.reported()

    assert state(fan, "s") == "ended"
    assert fan.host.streams["s"].lease is None
    assert fan.host.streams["b"].lease is not None
    assert problems(fan) == ["station.escrow.short"]


async def test_a_late_refusal_of_the_last_ticket_leaves_the_next_play(fan: World) -> None:
    """The player has another ticket when the refusal of the last one's stop arrives."""
    await fan.open("s", ONLINE)
    session = fan.session()
    await fan.identify(session.to_json())
    await fan.prepare(fan.ticket(session).to_json())
    fan.server.refuse["stop"] = "invocation.time"
    fan.server.silent.add("report")
    await fan.invoke("play", 0, 0, 1)
    await fan.invoke("stop")
    await fan.prepare(fan.ticket(session).to_json())
    fan.server.silent.clear()
    for line in list(fan.server.lines):
        await line.close()
    await fan.host.servers.of_stream(fan.host.streams["s"]).ready()
    await fan.reported()

    assert fan.states()[-1][1:] == ("stop", "refused", "invocation.time")
    assert problems(fan) == []


async def test_after_a_refused_seek_the_play_goes_on_where_it_was(fan: World) -> None:
    """Position and pacing are again those from before the jump, which was not made."""
    await fan.prepared(policy=ONLINE)
    await fan.invoke("play", 0, 0, 1)
    fan.chain.now += 5_000
    fan.server.refuse["seek"] = "policy.count.exhausted"
    with pytest.raises(GomaaError) as seek:
        await fan.invoke("seek", 120_000, 60, 1)
    fan.chain.now += 5_000
    renewed = await fan.invoke("renew", 10_000, 5, 1)

    assert seek.value.code == "policy.count.exhausted"
    assert fan.good(renewed["grant"], range(5, 6))
    assert renewed["heard_ms"] == 10_000
    assert problems(fan) == []


async def test_a_seek_repeated_while_the_server_is_busy_counts_once(fan: World) -> None:
    """The first attempt is recorded and stays unreported: the next one is the same invocation."""
    await fan.prepared(policy=ONLINE)
    await fan.invoke("play", 0, 0, 1)
    fan.server.busy.add("grant")
    with pytest.raises(GomaaError) as busy:
        await fan.invoke("seek", 60_000, 30, 1)
    fan.server.busy.clear()
    seek = await fan.invoke("seek", 60_000, 30, 1)
    await fan.reported()

    assert busy.value.code == "server.busy"
    assert fan.good(seek["grant"], range(30, 31))
    assert [action for _, action, _, _ in fan.states()] == ["play", "seek"]
    assert fan.server.counted("seek") == 1
