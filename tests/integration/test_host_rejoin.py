"""Resumed plays after a crash: counted once, at their position, and of no other stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from demo.waiting import TIMEOUT_S
from native_host.ledger import Ledger
from pywallet.errors import GomaaError
from pywallet.protocol import Signed, Ticket
from pywallet.rules.limits import SILENCE_MS
from tests.integration.host_server import StandIn
from tests.integration.host_world import DOMAIN, SERVER, World, world


@pytest.fixture
async def server() -> AsyncIterator[StandIn]:
    """A security server."""
    async with StandIn(SERVER, DOMAIN).running() as one:
        yield one


async def playing(one: World) -> Signed[Ticket]:
    """A play at ten seconds; its ticket."""
    await one.open()
    session = one.session()
    ticket = one.ticket(session)
    await one.identify(session.to_json())
    await one.prepare(ticket.to_json())
    await one.invoke("play", 0, 0, 5)
    one.chain.now += 10_000
    await one.invoke("renew", 10_000, 5, 5)
    return ticket


async def refused(work: Any) -> str:
    """The code of a refusal."""
    with pytest.raises(GomaaError) as caught:
        await work
    return caught.value.code


async def test_a_restarted_host_resumes_the_ticket(
    tmp_path: Path, server: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Position, heard time and counters are from the ledger, and the next keys arrive."""
    async with world(tmp_path, server, monkeypatch) as dead:
        ticket = await playing(dead)
        async with world(tmp_path, server, monkeypatch) as fan:
            fan.chain.now = dead.chain.now + 3_000
            opened = await fan.open()
            told = await fan.ask("rejoin", stream="s", ticket=ticket.to_json())
            renew = await fan.invoke("renew", 13_000, 6, 4)
            counted = fan.states()
            await fan.reported()

    # Not offered by itself: the ticket could be another browser's, which plays.
    assert opened["going"] is None
    assert (told["state"], told["position_ms"], told["heard_ms"], told["rewarded"]) == ("playing", 10_000, 10_000, True)
    assert fan.good(renew["grant"], range(6, 10))
    assert renew["heard_ms"] == 13_000
    assert [(sequence, action) for sequence, action, _, _ in counted] == [(1, "play"), (2, "renew"), (3, "renew")]
    assert (server.counted("play"), server.counted("renew")) == (1, 2)


async def test_an_invocation_without_its_reply_is_counted_once(
    tmp_path: Path, server: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The seek was committed and its keys were lost.

    The same request after the crash gets them, and is no second seek.
    """
    async with world(tmp_path, server, monkeypatch) as dead:
        ticket = await playing(dead)
        lost = await dead.invoke("seek", 60_000, 30, 3)
        async with world(tmp_path, server, monkeypatch) as fan:
            fan.chain.now = dead.chain.now
            await fan.open()
            await fan.ask("rejoin", stream="s", ticket=ticket.to_json())
            again = await fan.invoke("seek", 60_000, 30, 3)
            further = await fan.invoke("seek", 60_000, 30, 3)

    assert (again["sequence"], further["sequence"]) == (lost["sequence"], lost["sequence"] + 1)
    assert fan.good(again["grant"], range(30, 33))
    assert (again["left"]["seek"], further["left"]["seek"]) == (3, 2)


async def test_a_restarted_engine_is_offered_its_play(
    tmp_path: Path, server: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same stream is opened again in the running host, without the ticket."""
    async with world(tmp_path, server, monkeypatch) as fan:
        await playing(fan)
        opened = await fan.open()
        told = await fan.ask("rejoin", stream="s")
        pause = await fan.invoke("pause", 10_000)
        resume = await fan.invoke("resume", 10_000, 5, 3)

    assert opened["going"] == {"state": "playing", "position_ms": 10_000}
    assert told["position_ms"] == 10_000
    assert (pause["heard_ms"], resume["heard_ms"]) == (10_000, 10_000)
    assert fan.good(resume["grant"], range(5, 8))


async def test_a_restarted_browser_is_offered_the_play(
    tmp_path: Path, server: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the ledger remains.

    Once the old play is silent it is offered, and counts no second play.
    """
    async with world(tmp_path, server, monkeypatch) as dead:
        await playing(dead)
        async with world(tmp_path, server, monkeypatch) as fan:
            fan.chain.now = dead.chain.now + SILENCE_MS - 1
            early = await fan.open("new")
            fan.chain.now = dead.chain.now + SILENCE_MS
            late = await fan.open("other")
            await fan.ask("rejoin", stream="other")
            taken = await fan.open("third")
            second = await refused(fan.ask("rejoin", stream="third"))
            await fan.invoke("resume", 10_000, 5, 3, stream="other")
            await fan.reported()

    assert (early["going"], late["going"]) == (None, {"state": "playing", "position_ms": 10_000})
    assert (taken["going"], second) == (None, "ticket.missing")
    assert server.counted("play") == 1


async def test_plays_that_cannot_be_resumed(tmp_path: Path, server: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stopped play, an expired ticket and an unused ticket have their codes; the ledger is not changed."""
    async with world(tmp_path, server, monkeypatch) as fan:
        session = await fan.prepared()
        unused = fan.ticket(session)
        missing = await refused(fan.ask("rejoin", stream="s", ticket=unused.to_json()))
        ticket = await playing(fan)
        fan.chain.now += 4_000_000
        expired = await refused(fan.ask("rejoin", stream="s", ticket=ticket.to_json()))
        await fan.ask("close", stream="s")
        await fan.open()
        stopped = await refused(fan.ask("rejoin", stream="s", ticket=ticket.to_json()))
        actions = [action for _, action, _, _ in fan.states()]

    assert (missing, expired, stopped) == ("ticket.missing", "ticket.expired", "ticket.used")
    assert actions == ["play", "renew", "stop"]


async def test_a_play_of_an_earlier_version_is_resumed(
    tmp_path: Path, server: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its session names the one device of all stations, and ends with it; the next names the station's own."""
    with monkeypatch.context() as older:
        older.setattr("native_host.device_key.Device.key", lambda self, server, station: self.private_key)
        async with world(tmp_path, server, monkeypatch) as dead:
            ticket = await playing(dead)
            await dead.reported()
    with Ledger(dead.host.paths.ledger) as ledger, ledger.write():
        ledger._change("UPDATE invocations SET state = 'unreported'")
    server.accepted.clear()
    server.order.clear()
    async with world(tmp_path, server, monkeypatch) as fan:
        fan.chain.now = dead.chain.now
        async with asyncio.timeout(TIMEOUT_S):
            while any(state == "unreported" for _, _, state, _ in fan.states()):
                await asyncio.sleep(0.01)
        await fan.open()
        assert (await fan.ask("rejoin", stream="s", ticket=ticket.to_json()))["state"] == "playing"
        fan.chain.now += 3_000
        assert (await fan.invoke("renew", 13_000, 6, 4))["grant"] is not None
        await fan.invoke("stop", 13_000)
        await fan.reported()
        old = next(iter(server.sessions.values()))
        assert await refused(fan.identify(fan.session(device=old.device).to_json())) == "session.device"
        await fan.prepared()
        await fan.invoke("play", 0, 0, 4)
        await fan.reported()
        assert {state for _, _, state, _ in fan.states()} == {"reported"}
    assert [name for _, _, name in server.order] == ["play", "renew", "renew", "stop", "play"]
    assert len({one.device for one in server.sessions.values()}) == 2
