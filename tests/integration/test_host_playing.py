"""The host between a browser and a security server: what is counted, what is refused, what lets a key through."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from native_host.playback.content_check import Facts
from native_host.playback.key_source import LONGEST_WAIT_MS
from pywallet.encoding.hex import ZERO_ADDRESS, to_hex
from pywallet.errors import GomaaError
from pywallet.policy import Count
from pywallet.protocol import Session, Signed
from pywallet.sps.signed_header import sign_header
from tests.integration.host_server import StandIn
from tests.integration.host_world import (
    CONTENT,
    DOMAIN,
    LISTENER,
    OWNER,
    PAYEE,
    POLICY,
    SERVER,
    START_S,
    World,
    header,
    world,
)

ONLINE = replace(POLICY, lease=None)


@pytest.fixture
async def server() -> AsyncIterator[StandIn]:
    """A security server."""
    async with StandIn(SERVER, DOMAIN).running() as one:
        yield one


@pytest.fixture
async def fan(tmp_path: Path, server: StandIn, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """A host whose browser has said hello."""
    async with world(tmp_path, server, monkeypatch) as one:
        yield one


async def refusal(work: Any) -> str:
    """The code with which a request is refused."""
    with pytest.raises(GomaaError) as caught:
        await work
    return caught.value.code


async def test_open_tells_what_was_verified(fan: World) -> None:
    """The reply names content, station, terms and where each segment lies in the file."""
    cose = sign_header(header(fan.server), OWNER)
    reply = await fan.open(cose=cose)

    assert (reply["content"], reply["title"], reply["duration_ms"]) == (to_hex(CONTENT), "Slow Tide", 180_000)
    assert reply["init"]["offset"] == 12 + len(cose)
    assert reply["segments"][0][:4] == [12 + len(cose) + 50, 100, 0, 2000]
    assert reply["segments"][1][:4] == [12 + len(cose) + 150, 101, 2000, 2000]
    assert reply["left"] == {"play": 3, "seek": 4}
    assert reply["station"]["domain"] == "radio.example"


async def test_play_and_seek_from_the_lease_need_no_server(fan: World) -> None:
    """With a lease the keys come at once, and the server hears of it afterwards."""
    await fan.prepared()
    fan.server.silent |= {"report", "grant", "lease"}

    play = await fan.invoke("play", 0, 0, 5)
    seek = await fan.invoke("seek", 30_000, 15, 3)

    assert fan.good(play["grant"], range(5))
    assert fan.good(seek["grant"], range(15, 18))
    assert (play["sequence"], seek["sequence"], seek["left"]) == (1, 2, {"play": 2, "seek": 3})
    assert "grant" not in fan.server.asked


async def test_without_a_lease_the_server_grants(fan: World) -> None:
    """Each grant is asked at the server and counted there once."""
    await fan.prepared(policy=ONLINE)

    play = await fan.invoke("play", 0, 0, 4)
    await fan.reported()

    assert fan.good(play["grant"], range(4))
    assert fan.server.order == [(fan.server.order[0][0], 1, "play")]
    assert fan.states() == [(1, "play", "reported", None)]


async def test_a_wait_for_keys_is_counted_once_told_and_passes(fan: World) -> None:
    """A seek for which no key comes yet is no refusal.

    It counts, code and time reach the browser, a renewal brings the keys.
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


async def test_the_row_is_on_the_disk_before_a_key_leaves(fan: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the ledger can't commit, no key comes and nothing is counted."""
    await fan.prepared()

    def full(*values: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(fan.host.ledger, "add_invocation", full)
    with pytest.raises((GomaaError, OSError)):
        await fan.invoke("play", 0, 0, 5)
    monkeypatch.undo()

    assert fan.states() == []


async def test_counts_are_refused_when_they_are_used_up(fan: World) -> None:
    """The fifth seek of four is policy.count.exhausted, recorded with amount zero, and moves nothing."""
    await fan.prepared()
    await fan.invoke("play", 0, 0, 1)
    for n in range(4):
        await fan.invoke("seek", n * 1000)

    assert await refusal(fan.invoke("seek", 9_000)) == "policy.count.exhausted"
    assert len(fan.states()) == 5
    assert fan.refused() == ["policy.count.exhausted"]


async def test_an_action_that_the_band_denies_is_refused(fan: World) -> None:
    """Download is not in the policy: nothing is counted."""
    await fan.prepared()
    await fan.invoke("play", 0, 0, 1)

    assert await refusal(fan.invoke("download")) == "policy.action.denied"
    assert len(fan.states()) == 1


async def test_renewals_are_recorded_and_never_counted(fan: World) -> None:
    """Heard time follows renewals; play and seek counters do not."""
    await fan.prepared()
    await fan.invoke("play", 0, 0, 5)
    for n in range(1, 7):
        fan.chain.now += 5_000
        reply = await fan.invoke("renew", n * 5_000, 5, 5)

    assert (reply["heard_ms"], reply["intervals"], reply["left"]) == (30_000, 1, {"play": 2, "seek": 4})


async def test_a_renewal_cannot_stand_in_for_a_seek(fan: World) -> None:
    """A position that time cannot have reached is refused, and keys far ahead are not given."""
    await fan.prepared()
    await fan.invoke("play", 0, 0, 5)

    assert await refusal(fan.invoke("renew", 100_000)) == "invocation.state"
    assert (await fan.invoke("renew", 0, 80, 5))["grant"] is None


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
async def test_sessions_that_do_not_fit_are_refused(fan: World, changes: dict[str, Any], code: str) -> None:
    """Another device's, another station's, an ended or a forged session has its own code."""
    await fan.open()

    assert await refusal(fan.ask("identify", stream="s", session=fan.session(**changes).to_json())) == code


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
async def test_tickets_that_do_not_fit_are_refused(fan: World, changes: dict[str, Any], code: str) -> None:
    """A ticket for something else, at another price, expired or forged never reaches the server."""
    await fan.open()
    session = fan.session()
    await fan.ask("identify", stream="s", session=session.to_json())

    assert await refusal(fan.ask("prepare", stream="s", ticket=fan.ticket(session, **changes).to_json())) == code
    assert "open" not in fan.server.asked


async def test_no_ticket_no_play(fan: World) -> None:
    """Without a ticket a play is refused and recorded."""
    await fan.open()
    await fan.ask("identify", stream="s", session=fan.session().to_json())

    assert await refusal(fan.invoke("play", 0, 0, 5)) == "ticket.missing"
    assert fan.refused() == ["ticket.missing"]


async def test_a_ticket_serves_one_play(fan: World) -> None:
    """A second play under the same ticket, and the same ticket again, are ticket.used."""
    await fan.open()
    session = fan.session()
    ticket = fan.ticket(session).to_json()
    await fan.ask("identify", stream="s", session=session.to_json())
    await fan.ask("prepare", stream="s", ticket=ticket)
    await fan.invoke("play", 0, 0, 1)

    assert await refusal(fan.invoke("play", 0, 0, 1)) == "ticket.used"
    await fan.invoke("stop", 0)
    assert await refusal(fan.ask("prepare", stream="s", ticket=ticket)) == "ticket.used"


async def test_a_ticket_ends_at_its_expiry_but_a_stop_is_kept(fan: World) -> None:
    """After the expiry no key comes; stopping is always possible."""
    await fan.prepared()
    await fan.invoke("play", 0, 0, 1)
    fan.chain.now = (START_S + 3_600) * 1000

    assert await refusal(fan.invoke("renew", 1_000, 1, 1)) == "ticket.expired"
    await fan.invoke("stop", 1_000)


async def test_a_fan_without_a_wallet_listens_as_the_hosts_own_listener(fan: World) -> None:
    """With session null the host signs one of its own, the same each time, that pays nobody."""
    await fan.open()
    first = await fan.ask("identify", stream="s", session=None)
    again = await fan.ask("identify", stream="s", session=None)
    session = Signed.from_json(Session, first["session"])
    await fan.ask("prepare", stream="s", ticket=fan.ticket(session).to_json())
    play = await fan.invoke("play", 0, 0, 2)

    assert first == again
    assert session.message.payee == ZERO_ADDRESS
    assert fan.good(play["grant"], range(2))


async def test_a_policy_may_ask_for_a_wallet(fan: World) -> None:
    """Where the band wants a wallet, the host's own listener and a session that pays nobody are refused."""
    await fan.open(policy=replace(POLICY, listener="wallet"))

    assert await refusal(fan.ask("identify", stream="s", session=None)) == "policy.wallet.required"
    none = fan.session(payee=ZERO_ADDRESS).to_json()
    assert await refusal(fan.ask("identify", stream="s", session=none)) == "policy.wallet.required"


async def test_a_lease_fails_closed(fan: World) -> None:
    """With the server away, an expired lease is lease.expired and a spent one lease.exhausted; nothing is counted."""
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


async def test_a_play_whose_keys_never_came_is_asked_again_and_counted_once(fan: World) -> None:
    """The server dies between commit and answer: the retry uses the same invocation."""
    await fan.prepared(policy=ONLINE)
    fan.server.silent.add("grant")
    work = fan.invoke("play", 0, 0, 2)

    async def cut() -> None:
        while "grant" not in fan.server.asked:
            await fan.server.push({"event": "epoch", "epoch": 1, "state": "posted"})
        for line in list(fan.server.lines):
            await line.close()

    import asyncio

    code, _ = await asyncio.gather(refusal(work), cut())
    fan.server.silent.clear()
    play = await fan.invoke("play", 0, 0, 2)
    await fan.reported()

    assert code == "server.unreachable"
    assert fan.good(play["grant"], range(2))
    assert (fan.server.counted("play"), fan.states()) == (1, [(1, "play", "reported", None)])


async def test_reports_come_in_order_before_a_later_grant(fan: World) -> None:
    """Actions under the lease reach the server before a grant with a higher number."""
    await fan.prepared()
    fan.server.silent.add("lease")
    await fan.invoke("play", 0, 0, 1)
    await fan.invoke("pause", 0)
    await fan.invoke("resume", 0)
    await fan.invoke("seek", 170_000, 85, 2)

    assert [number for _, number, _ in fan.server.order] == [1, 2, 3, 4]


async def test_what_the_server_refuses_gives_its_count_back_and_says_so(fan: World) -> None:
    """A seek the server refuses is marked with its code, its count returns, and the player is told."""
    await fan.prepared()
    fan.server.refuse["seek"] = "station.escrow.short"
    await fan.invoke("play", 0, 0, 1)
    await fan.invoke("seek", 1_000, 0, 1)
    problem = await fan.event("problem")

    assert problem["code"] == "station.escrow.short"
    assert fan.states()[1] == (2, "seek", "refused", "station.escrow.short")
    assert fan.host.streams["s"].lease is None


async def test_a_revoked_song_gives_no_further_key(fan: World) -> None:
    """The event reaches the player, the lease is shredded, and the next renewal is content.revoked."""
    await fan.prepared()
    await fan.invoke("play", 0, 0, 1)
    fan.host.withdrawals.withdraw(CONTENT, "content.revoked")
    event = await fan.event("revoked")

    assert event["code"] == "content.revoked"
    assert fan.host.streams["s"].lease.keys == {}  # type: ignore[union-attr]
    assert await refusal(fan.invoke("renew", 1_000, 1, 1)) == "content.revoked"
    await fan.invoke("stop", 1_000)


async def test_an_unregistered_site_plays_nothing(fan: World) -> None:
    """The terms can be read, but no listener can be bound and nothing is played."""
    fan.chain.facts = replace(fan.chain.facts, station=None)
    reply = await fan.open()

    assert reply["station"] is None
    assert await refusal(fan.ask("identify", stream="s", session=None)) == "station.unknown"


async def test_a_station_without_the_right_gets_no_play(fan: World) -> None:
    """A ticket for a song the station has no right to is station.right.missing."""
    fan.chain.facts = Facts(**{**vars(fan.chain.facts), "licensed": False})
    await fan.open()
    session = fan.session()
    await fan.ask("identify", stream="s", session=session.to_json())

    assert (
        await refusal(fan.ask("prepare", stream="s", ticket=fan.ticket(session).to_json())) == "station.right.missing"
    )


async def test_the_chain_down_at_open_is_said_and_playing_goes_on(fan: World) -> None:
    """A new song can't be opened; the one that plays lives on its lease."""
    await fan.prepared()
    await fan.invoke("play", 0, 0, 1)
    fan.chain.down = True

    assert await refusal(fan.open("other")) == "chain.unreachable"
    assert (await fan.invoke("renew", 0, 1, 2))["grant"] is not None


async def test_one_stream_at_a_time(fan: World) -> None:
    """While one tab plays, another one of the same listener is session.busy; after a stop it may."""
    await fan.prepared("a")
    await fan.invoke("play", 0, 0, 1, stream="a")
    await fan.prepared("b")

    assert await refusal(fan.invoke("play", 0, 0, 1, stream="b")) == "session.busy"
    await fan.ask("close", stream="a")
    await fan.invoke("play", 0, 0, 1, stream="b")
    await fan.reported()
    assert [action for _, _, action in fan.server.order] == ["play", "stop", "play"]


async def test_receipts_are_checked_and_never_lowered(fan: World) -> None:
    """A good receipt is told and kept; a lower one and a forged one are not."""
    session = await fan.prepared()
    identity = fan.host.streams["s"].session.id  # type: ignore[union-attr]
    forged = StandIn(LISTENER, DOMAIN).receipt(PAYEE, 5, 900, identity, CONTENT)
    for event in (
        fan.server.receipt(PAYEE, 5, 100, identity, CONTENT),
        forged,
        fan.server.receipt(PAYEE, 5, 90, identity, CONTENT),
        fan.server.receipt(PAYEE, 5, 110, identity, CONTENT),
    ):
        await fan.server.push(event)
    amounts = [(await fan.event("receipt"))["amount_wei"], (await fan.event("receipt"))["amount_wei"]]
    held = fan.host.ledger.receipt(fan.server.address, 5, session.message.payee)

    assert amounts == ["100", "110"]
    assert held is not None
    assert held.amount_wei == 110


async def test_everything_waits_for_hello(fan: World) -> None:
    """A strange version and a strange stream have their codes."""
    assert await refusal(fan.ask("hello", protocol=2)) == "host.version"
    assert await refusal(fan.invoke("play", stream="nobody")) == "host.stream.unknown"
    assert (
        await refusal(fan.ask("open", stream="s", header="AAAA", origin="x", key="A" * 43 + "="))
        == "sps.header.malformed"
    )


async def test_a_count_of_none_refuses_the_first(fan: World) -> None:
    """A limit of zero is a limit."""
    await fan.prepared(policy=replace(POLICY, counts={"play": Count(0)}))

    assert await refusal(fan.invoke("play", 0, 0, 1)) == "policy.count.exhausted"
