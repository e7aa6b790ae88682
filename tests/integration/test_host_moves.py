"""Moves of a content to another security server, between plays and during one.

The host follows the chain, and nothing is lost or counted twice.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from pywallet.crypto import address_of, keccak256
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError
from pywallet.policy import Count, Policy, Price
from pywallet.protocol import Session, Signed
from tests.integration.host_server import StandIn
from tests.integration.host_world import DOMAIN, STATION, World

POLICY = Policy(("play", "seek"), Price(30, 20, 10), {"play": Count(3), "seek": Count(4)})
OTHER = keccak256(b"another server")


@pytest.fixture
async def later() -> AsyncIterator[StandIn]:
    """The server to which the content moves."""
    async with StandIn(OTHER, DOMAIN).running() as one:
        yield one


def move(fan: World, later: StandIn) -> None:
    """Set another server on the chain."""
    fan.chain.facts = replace(fan.chain.facts, server=later.address, server_url=later.url)


async def prepare(fan: World, session: Signed[Session], server: StandIn) -> None:
    """Prepare a new ticket that names a server."""
    await fan.prepare(fan.ticket(session, server=server.address).to_json())


async def follow(fan: World, later: StandIn) -> None:
    """Replace the session, which is refused, by one for the device at the new server, as the engine does."""
    session = fan.session()
    await fan.identify(session.to_json())
    await prepare(fan, session, later)


async def refusal(work: Any) -> str:
    """The code with which a request is refused."""
    with pytest.raises(GomaaError) as caught:
        await work
    return caught.value.code


async def test_a_content_moved_before_it_is_opened(fan: World, later: StandIn) -> None:
    """The header names the first server; the host uses the chain's."""
    move(fan, later)
    opened = await fan.open(policy=POLICY)
    assert opened["server"] == {"address": to_hex(later.address), "url": later.url}
    session = fan.session()
    await fan.identify(session.to_json())
    await prepare(fan, session, later)
    answer = await fan.invoke("play", 0, 0, 4)
    assert fan.good(answer["grant"], range(4))
    assert (fan.server.counted("play"), later.counted("play")) == (0, 1)


async def test_a_content_moved_between_two_plays(fan: World, server: StandIn, later: StandIn) -> None:
    """The next ticket names the new server, without another ``open``; each server gets its own reports."""
    session = await fan.prepared(policy=POLICY)
    assert fan.good((await fan.invoke("play", 0, 0, 4))["grant"], range(4))
    fan.chain.now += 5_000
    move(fan, later)
    await fan.invoke("stop", 5_000)
    with pytest.raises(GomaaError) as caught:
        await prepare(fan, session, later)
    assert (caught.value.code, caught.value.detail["device"]) == (
        "session.device",
        to_hex(fan.session().message.device),
    )
    assert later.sessions == {}
    await follow(fan, later)
    assert fan.good((await fan.invoke("play", 0, 0, 4))["grant"], range(4))
    fan.chain.now += 5_000
    await fan.invoke("stop", 5_000)
    await fan.reported()
    assert sorted((action, state) for _, action, state, _ in fan.states()) == [
        (name, "reported") for name in ("play", "play", "stop", "stop")
    ]
    assert [name for _, _, name in server.order] == [name for _, _, name in later.order] == ["play", "stop"]
    assert {one.device for one in server.sessions.values()}.isdisjoint(one.device for one in later.sessions.values())


async def test_a_content_moved_during_a_play(fan: World, server: StandIn, later: StandIn) -> None:
    """The play stays at the old server until its end, with keys, also after the page is opened again."""
    await fan.prepared(policy=POLICY)
    await fan.invoke("play", 0, 0, 4)
    move(fan, later)
    for second in (5, 10, 15):
        fan.chain.now += 5_000
        assert (await fan.invoke("renew", second * 1000, 4 + second, 2))["grant"] is not None
    again = await fan.open(policy=POLICY)
    assert again["going"] is not None
    await fan.ask("rejoin", stream="s")
    fan.chain.now += 5_000
    await fan.invoke("renew", 20_000, 20, 2)
    await fan.invoke("stop", 20_000)
    await fan.reported()
    assert {state for _, _, state, _ in fan.states()} == {"reported"}
    assert later.order == []


async def test_a_play_prepared_at_the_old_server_is_refused(fan: World, server: StandIn, later: StandIn) -> None:
    """Nothing counts, no event is sent, and the next ticket plays at the new server."""
    session = await fan.prepared(policy=POLICY)
    server.refuse["play"] = "server.moved"
    move(fan, later)
    assert await refusal(fan.invoke("play", 0, 0, 4)) == "server.moved"
    assert await refusal(prepare(fan, session, later)) == "session.device"
    await follow(fan, later)
    answer = await fan.invoke("play", 0, 0, 4)
    assert fan.good(answer["grant"], range(4))
    assert answer["left"]["play"] == 2
    assert [event for event in drained(fan) if event["event"] == "problem"] == []


def drained(fan: World) -> list[dict[str, Any]]:
    """All received events."""
    return [fan.events.get_nowait() for _ in range(fan.events.qsize())]


async def test_a_ticket_cannot_move_a_content(fan: World, server: StandIn, later: StandIn) -> None:
    """A ticket with another server than the chain's is refused, and the stream stays."""
    session = await fan.prepared(policy=POLICY)
    assert await refusal(prepare(fan, session, later)) == "ticket.mismatch"
    assert later.asked == []
    assert fan.good((await fan.invoke("play", 0, 0, 4))["grant"], range(4))
    assert server.counted("play") == 1


async def test_a_refusal_of_the_new_server_keeps_the_stream(fan: World, server: StandIn, later: StandIn) -> None:
    """Until there is a session for the new server, the old ticket's play continues."""
    session = await fan.prepared(policy=POLICY)
    await fan.invoke("play", 0, 0, 4)
    move(fan, later)
    stream = fan.host.streams["s"]
    assert await refusal(prepare(fan, session, later)) == "session.device"
    assert stream.server == server.address
    fan.chain.now += 5_000
    assert (await fan.invoke("renew", 5_000, 8, 2))["grant"] is not None


async def test_tag_secrets_are_kept_by_server(fan: World, later: StandIn) -> None:
    """Counts at the old server stay provable with its tag secret."""
    await fan.prepared(policy=POLICY)
    move(fan, later)
    assert await refusal(
        prepare(fan, fan.session(device=fan.host.device.address(fan.server.address, address_of(STATION))), later)
    )
    await follow(fan, later)
    rows = fan.host.ledger._rows("SELECT server FROM tag_secrets")
    assert {bytes(row[0]) for row in rows} == {fan.server.address, later.address}


async def test_a_device_limit_keeps_the_device_after_a_move(fan: World, server: StandIn, later: StandIn) -> None:
    """The new server has the devices of the old one: another address would exceed the limit."""
    limited = Policy(("play",), Price(30, 20, 10), {"play": Count(9)}, devices=1)
    before = (await fan.open(policy=limited))["device"]
    session = fan.session()
    await fan.identify(session.to_json())
    await prepare(fan, session, server)
    await fan.invoke("play", 0, 0, 4)
    await fan.invoke("stop", 0)
    await fan.ask("close", stream="s")
    move(fan, later)
    assert (await fan.open(policy=limited))["device"] == before == to_hex(session.message.device)
    await fan.identify(session.to_json())
    await prepare(fan, session, later)
    assert (await fan.invoke("play", 0, 0, 4))["grant"] is not None
    await fan.reported()
    assert {one.device for one in later.sessions.values()} == {session.message.device}
    # Songs without such a limit have another device there.
    assert (await fan.open("t", policy=POLICY))["device"] != before
