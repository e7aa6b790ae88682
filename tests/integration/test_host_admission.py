"""Sessions, tickets and sites that the host accepts for a play."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from native_host.playback.content_check import Facts
from pywallet.encoding.hex import ZERO_ADDRESS
from pywallet.errors import GomaaError
from pywallet.protocol import Session, Signed
from tests.integration.host_world import (
    LISTENER,
    POLICY,
    START_S,
    World,
)

ONLINE = replace(POLICY, lease=None)


async def refusal(work: Any) -> str:
    """The code with which a request is refused."""
    with pytest.raises(GomaaError) as caught:
        await work
    return caught.value.code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"device": b"\1" * 20}, "session.device"),
        ({"station": b"\1" * 20}, "session.station"),
        ({"not_after": START_S - 1}, "session.expired"),
        ({"not_before": START_S + 3_000}, "session.expired"),
        ({"listener": b"\1" * 20}, "session.signature"),
    ],
)
async def test_invalid_sessions_are_refused(fan: World, changes: dict[str, Any], code: str) -> None:
    """Of another device or station, expired or forged."""
    await fan.open()

    assert await refusal(fan.identify(fan.session(**changes).to_json())) == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"content": b"\1" * 20}, "ticket.mismatch"),
        ({"session": b"\1" * 32}, "ticket.mismatch"),
        ({"server": b"\1" * 20}, "ticket.mismatch"),
        ({"price": 19}, "ticket.mismatch"),
        ({"reward": 9}, "ticket.mismatch"),
        ({"reward": 11}, "ticket.mismatch"),
        ({"bps": 10_001}, "ticket.mismatch"),
        ({"expiry": START_S}, "ticket.expired"),
        ({"key": LISTENER}, "ticket.signature"),
    ],
)
async def test_invalid_tickets_are_refused(fan: World, changes: dict[str, Any], code: str) -> None:
    """For something else, at another price, expired or forged; the server gets no request."""
    await fan.open()
    session = fan.session()
    await fan.identify(session.to_json())

    assert await refusal(fan.prepare(fan.ticket(session, **changes).to_json())) == code
    assert "open" not in fan.server.asked


async def test_a_play_needs_a_ticket(fan: World) -> None:
    """Without one it is refused and recorded."""
    await fan.open()
    await fan.identify(fan.session().to_json())

    assert await refusal(fan.invoke("play", 0, 0, 5)) == "ticket.missing"
    assert fan.refused() == ["ticket.missing"]


async def test_a_ticket_is_for_one_play(fan: World) -> None:
    """A second play under it, and the same ticket again, are ``ticket.used``."""
    await fan.open()
    session = fan.session()
    ticket = fan.ticket(session).to_json()
    await fan.identify(session.to_json())
    await fan.prepare(ticket)
    await fan.invoke("play", 0, 0, 1)

    assert await refusal(fan.invoke("play", 0, 0, 1)) == "ticket.used"
    await fan.invoke("stop", 0)
    assert await refusal(fan.prepare(ticket)) == "ticket.used"


async def test_a_stop_is_recorded_after_the_tickets_expiry(fan: World) -> None:
    """After the expiry no key is released; a stop is always accepted."""
    await fan.prepared()
    await fan.invoke("play", 0, 0, 1)
    fan.chain.now = (START_S + 3_600) * 1000

    assert await refusal(fan.invoke("renew", 1_000, 1, 1)) == "ticket.expired"
    await fan.invoke("stop", 1_000)


async def test_without_a_wallet_the_host_signs_the_session(fan: World) -> None:
    """With ``session`` null: the same each time, without a payee."""
    await fan.open()
    first = await fan.identify(None)
    again = await fan.identify(None)
    session = Signed.from_json(Session, first["session"])
    await fan.prepare(fan.ticket(session).to_json())
    play = await fan.invoke("play", 0, 0, 2)

    assert first == again
    assert session.message.payee == ZERO_ADDRESS
    assert fan.good(play["grant"], range(2))


async def test_terms_may_require_a_wallet(fan: World) -> None:
    """The host's own listener and a session without a payee are refused."""
    await fan.open(policy=replace(POLICY, listener="wallet"))

    assert await refusal(fan.identify(None)) == "policy.wallet.required"
    none = fan.session(payee=ZERO_ADDRESS).to_json()
    assert await refusal(fan.identify(none)) == "policy.wallet.required"


async def test_an_unregistered_site_plays_nothing(fan: World) -> None:
    """The terms are returned, but no session can be bound."""
    fan.chain.facts = replace(fan.chain.facts, station=None)
    reply = await fan.open()

    assert reply["station"] is None
    assert await refusal(fan.identify(None)) == "station.unknown"


async def test_a_station_without_the_right_is_refused(fan: World) -> None:
    """A ticket for the content is ``station.right.missing``."""
    fan.chain.facts = Facts(**{**vars(fan.chain.facts), "licensed": False})
    await fan.open()
    session = fan.session()
    await fan.identify(session.to_json())

    assert await refusal(fan.prepare(fan.ticket(session).to_json())) == "station.right.missing"


async def test_wrong_version_stream_and_header_are_refused(fan: World) -> None:
    """Each with its code."""
    assert await refusal(fan.ask("hello", protocol=2)) == "host.version"
    assert await refusal(fan.invoke("play", stream="nobody")) == "host.stream.unknown"
    assert (
        await refusal(fan.ask("open", stream="s", header="AAAA", origin="x", key="A" * 43 + "="))
        == "sps.header.malformed"
    )
