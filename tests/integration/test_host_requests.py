"""Requests that a play costs: messages of the browser, requests to the server and to the chain."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pywallet.encoding.hex import ZERO_ADDRESS
from pywallet.errors import GomaaError
from pywallet.protocol import Session, Signed
from pywallet.sps.signed_header import sign_header
from tests.integration.host_server import StandIn
from tests.integration.host_world import LISTENER, OWNER, START_S, World, header, world


async def exchange(fan: World, stream: str = "s", **parts: Any) -> dict[str, Any]:
    """Header, session and ticket in one message."""
    before = fan.number
    result = await fan.open(stream, **parts)
    assert fan.number == before + 1
    return result


async def test_one_message_opens_the_song_with_its_ticket_and_lease(fan: World, server: StandIn) -> None:
    """The server gets one request; the play has its keys from the lease."""
    session = fan.session()
    opened = await exchange(fan, session=session.to_json(), ticket=fan.ticket(session).to_json())
    assert opened["session"]["result"]["session"] == session.to_json()
    assert opened["ticket"]["result"]["lease"]["count"] == 30
    assert server.asked == ["hello", "open"]
    server.silent.add("grant")
    assert fan.good((await fan.invoke("play", 0, 0, 8))["grant"], range(8))


async def test_a_ticket_that_comes_later_is_one_message_more(fan: World, server: StandIn) -> None:
    """Session and ticket together."""
    opened = await exchange(fan)
    assert (opened["session"], opened["ticket"]) == ({"result": None, "error": None},) * 2
    session, before = fan.session(), fan.number
    answer = await fan.ask("prepare", stream="s", session=session.to_json(), ticket=fan.ticket(session).to_json())
    assert answer["ticket"]["result"]["lease"]["count"] == 30
    assert (fan.number - before, server.asked) == (1, ["hello", "open"])


async def test_without_a_wallet_the_song_is_opened_with_the_hosts_session(fan: World, server: StandIn) -> None:
    """The station's ticket can be asked for at once; it is one message more, without a session."""
    opened = await exchange(fan, session=None)
    session = Signed.from_json(Session, opened["session"]["result"]["session"])
    assert session.message.payee == ZERO_ADDRESS
    await fan.prepare(fan.ticket(session).to_json())
    assert server.asked == ["hello", "open"]


async def test_a_refused_lease_leaves_the_ticket_open(fan: World, server: StandIn) -> None:
    """Its code is the answer; the same ticket is prepared again."""
    server.lease_refused = "policy.device.limit"
    session = fan.session()
    ticket = fan.ticket(session).to_json()
    opened = await exchange(fan, session=session.to_json(), ticket=ticket)
    assert opened["ticket"]["error"]["code"] == "policy.device.limit"
    server.lease_refused = ""
    assert (await fan.prepare(ticket))["lease"]["count"] == 30


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"price": 19}, "ticket.mismatch"),
        ({"expiry": START_S}, "ticket.expired"),
        ({"key": LISTENER}, "ticket.signature"),
    ],
)
async def test_a_refused_ticket_leaves_song_and_session(
    fan: World, server: StandIn, changes: dict[str, Any], code: str
) -> None:
    """The next ticket is prepared without them."""
    session = fan.session()
    opened = await exchange(fan, session=session.to_json(), ticket=fan.ticket(session, **changes).to_json())
    assert (opened["title"], opened["ticket"]["error"]["code"]) == ("Slow Tide", code)
    assert opened["session"]["error"] is None
    assert "open" not in server.asked
    await fan.prepare(fan.ticket(session).to_json())


async def test_a_refused_session_leaves_the_song(fan: World, server: StandIn) -> None:
    """The ticket is not opened; the next session and ticket are taken."""
    expired = fan.session(not_after=START_S - 1)
    opened = await exchange(fan, session=expired.to_json(), ticket=fan.ticket(expired).to_json())
    assert opened["session"]["error"]["code"] == "session.expired"
    assert opened["ticket"] == {"result": None, "error": None}
    assert "open" not in server.asked
    session = fan.session()
    answer = await fan.ask("prepare", stream="s", session=session.to_json(), ticket=fan.ticket(session).to_json())
    assert answer["ticket"]["error"] is None


async def test_a_server_that_refuses_or_has_gone_leaves_the_song(fan: World, server: StandIn) -> None:
    """The terms are shown; the same ticket is opened when the server is back."""
    session = fan.session()
    ticket = fan.ticket(session).to_json()
    server.closed = "station.escrow.short"
    opened = await exchange(fan, session=session.to_json(), ticket=ticket)
    assert (opened["title"], opened["ticket"]["error"]["code"]) == ("Slow Tide", "station.escrow.short")
    server.closed = ""
    server.silent.add("open")
    lost = asyncio.ensure_future(exchange(fan, session=session.to_json(), ticket=ticket))
    while server.asked[-1] != "open" or len(server.asked) < 3:
        await asyncio.sleep(0)
    await asyncio.gather(*(line.close() for line in list(server.lines)))
    assert (await lost)["ticket"]["error"]["code"] == "server.unreachable"
    server.silent.clear()
    assert (await fan.prepare(ticket))["lease"]["count"] == 30


async def test_a_chain_that_has_gone_or_does_not_know_the_header_opens_nothing(fan: World, server: StandIn) -> None:
    """The whole message is refused, and neither session nor ticket reach the server."""
    session = fan.session()
    parts = {"session": session.to_json(), "ticket": fan.ticket(session).to_json()}
    fan.chain.down = True
    with pytest.raises(GomaaError) as gone:
        await fan.open(**parts)
    fan.chain.down = False
    unknown = replace(header(server), owner=b"\1" * 20)
    with pytest.raises(GomaaError) as refused:
        await fan.open(cose=sign_header(unknown, OWNER), **parts)
    assert (gone.value.code, refused.value.code) == ("chain.unreachable", "sps.header.signature")
    assert server.asked == []
    assert (await exchange(fan, **parts))["ticket"]["error"] is None


async def test_a_play_that_can_be_resumed_takes_no_new_ticket(fan: World, server: StandIn) -> None:
    """Its own is in the ledger; the ticket of the message stays unused."""
    session = await fan.prepared()
    await fan.invoke("play", 0, 0, 4)
    before = len(server.asked)
    fresh = fan.ticket(session).to_json()
    again = await exchange(fan, session=session.to_json(), ticket=fresh)
    assert again["going"] is not None
    assert again["ticket"] == {"result": None, "error": None}
    assert "open" not in server.asked[before:]
    await fan.ask("rejoin", stream="s")
    await fan.invoke("stop", 0)
    assert (await fan.prepare(fresh))["lease"] is not None


async def test_two_tabs_have_a_ticket_each(fan: World, server: StandIn) -> None:
    """Opened at the same time; one plays, the other is told so."""
    session = fan.session()
    one, two = await asyncio.gather(
        *(fan.open(name, session=session.to_json(), ticket=fan.ticket(session).to_json()) for name in ("one", "two"))
    )
    assert one["ticket"]["error"] is two["ticket"]["error"] is None
    assert server.asked.count("open") == 2
    await fan.invoke("play", 0, 0, 4, stream="one")
    with pytest.raises(GomaaError) as busy:
        await fan.invoke("play", 0, 0, 4, stream="two")
    assert busy.value.code == "session.busy"


async def test_the_next_host_opens_the_same_ticket(
    tmp_path: Path, server: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host that ended between exchange and play has counted nothing; the play under the ticket counts once."""
    async with world(tmp_path, server, monkeypatch) as first:
        session = first.session()
        parts = {"session": session.to_json(), "ticket": first.ticket(session).to_json()}
        assert (await exchange(first, **parts))["ticket"]["error"] is None
    async with world(tmp_path, server, monkeypatch) as second:
        opened = await exchange(second, **parts)
        assert (opened["going"], opened["ticket"]["error"]) == (None, None)
        assert second.good((await second.invoke("play", 0, 0, 4))["grant"], range(4))
        await second.reported()
        assert server.counted("play") == 1
