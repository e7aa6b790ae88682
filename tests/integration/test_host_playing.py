"""Plays through the host: keys, counts, leases and renewals."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from native_host.playback.key_source import LONGEST_WAIT_MS
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError
from pywallet.policy import Count
from pywallet.sps.signed_header import sign_header
from tests.integration.host_server import StandIn
from tests.integration.host_world import (
    CONTENT,
    DOMAIN,
    OWNER,
    POLICY,
    SERVER,
    START_S,
    World,
    header,
)

ONLINE = replace(POLICY, lease=None)


async def refusal(work: Any) -> str:
    """The code with which a request is refused."""
    with pytest.raises(GomaaError) as caught:
        await work
    return caught.value.code


async def test_open_returns_the_verified_content(fan: World) -> None:
    """Content, station, terms, and the place of each segment in the file."""
    cose = sign_header(header(fan.server), OWNER)
    reply = await fan.open(cose=cose)

    assert (reply["content"], reply["title"], reply["duration_ms"]) == (to_hex(CONTENT), "Slow Tide", 180_000)
    assert reply["init"]["offset"] == 12 + len(cose)
    assert reply["segments"][0][:4] == [12 + len(cose) + 50, 100, 0, 2000]
    assert reply["segments"][1][:4] == [12 + len(cose) + 150, 101, 2000, 2000]
    assert reply["left"] == {"play": 3, "seek": 4}
    assert reply["station"]["domain"] == "radio.example"


async def test_play_and_seek_from_the_lease_need_no_server(fan: World) -> None:
    """With a lease the keys are returned at once, and the actions are reported afterwards."""
    await fan.prepared()
    fan.server.silent |= {"report", "grant", "lease"}

    play = await fan.invoke("play", 0, 0, 5)
    seek = await fan.invoke("seek", 30_000, 15, 3)

    assert fan.good(play["grant"], range(5))
    assert fan.good(seek["grant"], range(15, 18))
    assert (play["sequence"], seek["sequence"], seek["left"]) == (1, 2, {"play": 2, "seek": 3})
    assert "grant" not in fan.server.asked


async def test_without_a_lease_the_server_grants(fan: World) -> None:
    """Each action is one grant of the server, counted once."""
    await fan.prepared(policy=ONLINE)

    play = await fan.invoke("play", 0, 0, 4)
    await fan.reported()

    assert fan.good(play["grant"], range(4))
    assert fan.server.order == [(fan.server.order[0][0], 1, "play")]
    assert fan.states() == [(1, "play", "reported", None)]


async def test_a_delayed_grant_is_counted_once(fan: World) -> None:
    """A seek without keys yet is no refusal.

    It counts, code and time are returned, and a renewal gets the keys.
    """
    await fan.prepared(policy=ONLINE)
    await fan.invoke("play", 0, 0, 4)
    fan.server.wait = {"code": "invocation.pace", "retry_ms": 4_000, "more": "of the server's own"}

    seek = await fan.invoke("seek", 90_000, 45, 4)
    assert (seek["grant"]["keys"], seek["grant"]["wait"]) == ([], {"code": "invocation.pace", "retry_ms": 4_000})
    fan.server.wait = {"code": "invocation.pace", "retry_ms": 1 << 40}
    longer = await fan.invoke("renew", 90_000, 45, 4)
    assert longer["grant"]["wait"]["retry_ms"] == LONGEST_WAIT_MS
    fan.server.wait = None
    renew = await fan.invoke("renew", 90_000, 45, 4)
    assert fan.good(renew["grant"], range(45, 49))
    assert "wait" not in renew["grant"]
    assert fan.server.counted("seek") == 1
    assert fan.refused() == []

    fan.server.wait = {"code": "no such code", "retry_ms": 1}
    assert await refusal(fan.invoke("renew", 90_000, 49, 4)) == "server.answer"


async def test_the_row_is_committed_before_a_key_is_released(fan: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the ledger cannot commit, no key is released and nothing is counted."""
    await fan.prepared()

    def full(*values: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(fan.host.ledger, "add_invocation", full)
    with pytest.raises((GomaaError, OSError)):
        await fan.invoke("play", 0, 0, 5)
    monkeypatch.undo()

    assert fan.states() == []


async def test_a_used_up_count_is_refused(fan: World) -> None:
    """The fifth seek of four is ``policy.count.exhausted``, recorded with amount zero, and counts nothing."""
    await fan.prepared()
    await fan.invoke("play", 0, 0, 1)
    for n in range(4):
        await fan.invoke("seek", n * 1000)

    assert await refusal(fan.invoke("seek", 9_000)) == "policy.count.exhausted"
    assert len(fan.states()) == 5
    assert fan.refused() == ["policy.count.exhausted"]


async def test_an_action_outside_the_terms_is_refused(fan: World) -> None:
    """The terms have no download: nothing is counted."""
    await fan.prepared()
    await fan.invoke("play", 0, 0, 1)

    assert await refusal(fan.invoke("download")) == "policy.action.denied"
    assert len(fan.states()) == 1


async def test_renewals_are_recorded_and_never_counted(fan: World) -> None:
    """Renewals add heard time; the counts of plays and seeks stay."""
    await fan.prepared()
    await fan.invoke("play", 0, 0, 5)
    for n in range(1, 7):
        fan.chain.now += 5_000
        reply = await fan.invoke("renew", n * 5_000, 5, 5)

    assert (reply["heard_ms"], reply["intervals"], reply["left"]) == (30_000, 1, {"play": 2, "seek": 4})


async def test_a_renewal_cannot_replace_a_seek(fan: World) -> None:
    """A position that time cannot have reached is refused, and keys far ahead are not released."""
    await fan.prepared()
    await fan.invoke("play", 0, 0, 5)

    assert await refusal(fan.invoke("renew", 100_000)) == "invocation.state"
    assert (await fan.invoke("renew", 0, 80, 5))["grant"] is None


async def test_a_lease_ends_without_the_server(fan: World) -> None:
    """``lease.expired`` or ``lease.exhausted``; nothing is counted."""
    fan.server.budget = 2
    async with StandIn(SERVER, DOMAIN, budget=2, now_s=START_S).running() as near:
        fan.server = near
        fan.chain.facts = replace(fan.chain.facts, server_url=near.url)
        await fan.prepared()
        near.silent.add("lease")
        await fan.invoke("play", 0, 0, 1)
        await fan.invoke("seek", 1_000, 0, 1)
        await fan.reported()
    before = len(fan.states())

    assert await refusal(fan.invoke("seek", 2_000, 1, 1)) == "lease.exhausted"
    fan.chain.now += 601_000
    assert await refusal(fan.invoke("seek", 2_000, 1, 1)) == "lease.expired"
    assert len(fan.states()) == before


async def test_one_stream_at_a_time(fan: World) -> None:
    """A second stream of the same listener is ``session.busy`` until the first one stops."""
    await fan.prepared("a")
    await fan.invoke("play", 0, 0, 1, stream="a")
    await fan.prepared("b")

    assert await refusal(fan.invoke("play", 0, 0, 1, stream="b")) == "session.busy"
    await fan.ask("close", stream="a")
    await fan.invoke("play", 0, 0, 1, stream="b")
    await fan.reported()
    assert [action for _, _, action in fan.server.order] == ["play", "stop", "play"]


async def test_a_count_of_zero_refuses_the_first_play(fan: World) -> None:
    """A limit of zero is a limit."""
    await fan.prepared(policy=replace(POLICY, counts={"play": Count(0)}))

    assert await refusal(fan.invoke("play", 0, 0, 1)) == "policy.count.exhausted"
