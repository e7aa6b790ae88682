"""Tickets: what is signed, and each reason not to."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from pywallet.crypto import address_of, keccak256
from pywallet.encoding.hex import to_hex
from pywallet.policy import Policy
from pywallet.protocol import Signed, Ticket

WEI = 10**18


async def test_ticket_holds_the_terms(world: Any) -> None:
    """A ticket names server, content and session, carries the policy's amounts and the chain's commission, and outlives
    the song.
    """
    ticket = await world.ticket()
    assert ticket.server == next(iter(world.chain.urls))
    assert ticket.station == world.station.address
    assert ticket.content == world.songs["slow-tide"]
    assert ticket.session == world.session_id()
    assert (ticket.price, ticket.reward, ticket.bps) == (WEI // 125, WEI // 500, 250)
    song = world.station.catalogue.named("slow-tide")
    assert ticket.expiry > world.chain.now // 1000 + song.duration_ms // 1000


async def test_numbers_only_rise(world: Any) -> None:
    """Twelve requests at once get twelve different numbers, and a later one a higher."""
    tickets = await asyncio.gather(*(world.ticket() for _ in range(12)))
    numbers = {ticket.number for ticket in tickets}
    assert len(numbers) == 12
    assert (await world.ticket()).number > max(numbers)


async def test_number_is_written_before_it_is_answered(world: Any) -> None:
    """What was answered is in the log, field by field."""
    ticket = await world.ticket()
    row = world.station.store.tickets([ticket.number])[ticket.number]
    assert (row.server, row.content, row.session) == (ticket.server, ticket.content, ticket.session)
    assert (row.price, row.reward, row.bps, row.expiry_s) == (ticket.price, ticket.reward, ticket.bps, ticket.expiry)


async def test_declined_rewards_cost_no_reward(world: Any) -> None:
    """A session without a payee gets a ticket that pays the band alone."""
    ticket = await world.ticket(session=world.session(payee=bytes(20)))
    assert (ticket.price, ticket.reward) == (WEI // 125, 0)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"station": b"\x01" * 20}, "session.station"),
        ({"not_after": 1_799_999_999}, "session.expired"),
        ({"not_after": 1_800_000_000}, "session.expired"),
        ({"not_before": 1_800_000_100}, "session.expired"),
        ({"listener": b"\x07" * 20}, "session.signature"),
        ({"listener": bytes(20)}, "session.signature"),
        ({"device": bytes(20)}, "session.signature"),
    ],
)
async def test_session_must_hold(world: Any, change: dict[str, Any], code: str) -> None:
    """A session of another station, another time or another signer gets no ticket."""
    assert await world.refusal(session=world.session(**change)) == (403, code)


async def test_altered_session_is_refused(world: Any) -> None:
    """A field changed after signing is another signer's session."""
    signed = world.session()
    altered = replace(signed, message=replace(signed.message, payee=b"\xbb" * 20))
    assert await world.refusal(session=altered) == (403, "session.signature")


async def test_unknown_content_is_refused(world: Any) -> None:
    """A song that isn't on the shelf gets no ticket."""
    assert await world.refusal("nothing") == (403, "station.right.missing")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"revoked": True}, 410, "content.revoked"),
        ({"destroyed": True}, 410, "content.destroyed"),
        ({"licensed": False}, 403, "station.right.missing"),
        ({"owner": b"\x09" * 20}, 403, "content.owner"),
        ({"policy_hash": bytes(32)}, 403, "sps.policy.mismatch"),
        ({"price": 1}, 403, "sps.policy.mismatch"),
    ],
)
async def test_chain_has_the_last_word(world: Any, change: dict[str, Any], status: int, code: str) -> None:
    """What the contract says now decides, whatever the file says."""
    content = world.songs["slow-tide"]
    world.chain.contents[content] = replace(world.chain.contents[content], **change)
    assert await world.refusal() == (status, code)


async def test_content_without_contract_is_refused(world: Any) -> None:
    """A song on the shelf that no contract knows gets no ticket."""
    world.chain.contents.clear()
    assert await world.refusal() == (404, "content.unknown")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"stations": ["elsewhere.example"]}, "policy.station.denied"),
        ({"expires_s": 1_800_000_000}, "policy.expired"),
        ({"not_before_s": 1_800_000_001}, "policy.not_yet"),
        ({"permissions": ["seek"]}, "policy.action.denied"),
    ],
)
async def test_policy_is_asked(world: Any, write_song: Any, change: dict[str, Any], code: str) -> None:
    """The band's own terms refuse at the station already."""
    policy = {**_policy(world), **change}
    content = write_song(world.config.catalogue / "other.sps", title="Other", artist="Band", seed=9, policy=policy)
    world.station.catalogue.refresh()
    facts = next(iter(world.chain.contents.values()))
    made = Policy.from_dict(policy)
    world.chain.contents[content] = replace(facts, policy_hash=made.hash, price=made.price.owner)
    world.songs["other"] = content
    assert await world.refusal("other") == (403, code)


async def test_wallet_only_song_needs_a_payee(world: Any, write_song: Any) -> None:
    """A song for wallets gives no ticket to a session without one, and gives one with it."""
    policy = {**_policy(world), "listener": "wallet"}
    content = write_song(world.config.catalogue / "other.sps", title="Other", artist="Band", seed=9, policy=policy)
    world.station.catalogue.refresh()
    facts = next(iter(world.chain.contents.values()))
    world.chain.contents[content] = replace(facts, policy_hash=Policy.from_dict(policy).hash)
    world.songs["other"] = content
    assert await world.refusal("other", world.session(payee=bytes(20))) == (403, "policy.wallet.required")
    assert (await world.ticket("other")).reward == WEI // 500


async def test_chain_escrow_must_cover_the_worst(world: Any) -> None:
    """Without escrow on the chain there is no ticket, and none is written."""
    world.chain.escrow = 0
    assert await world.refusal() == (402, "station.escrow.short")
    assert world.station.store.plays(0, 10) == (0, [])


async def test_money_asked_back_is_gone(world: Any) -> None:
    """Escrow that is being withdrawn covers nothing."""
    world.chain.requested = world.chain.escrow
    assert await world.refusal() == (402, "station.escrow.short")


async def test_server_must_see_the_escrow_too(world: Any) -> None:
    """What the server counts as spent already can't be spent again."""
    world.server.usable = 0
    assert await world.refusal() == (402, "station.escrow.short")


async def test_open_tickets_hold_escrow(world: Any) -> None:
    """Escrow for a whole play and two held intervals gives two tickets, also when four are asked for at once."""
    first = await world.ticket()
    row = world.station.store.tickets([first.number])[first.number]
    each = (first.price + first.reward) * 1025 // 1000
    world.chain.escrow = row.outstanding * 1025 // 1000 + 2 * 2 * each
    results = await asyncio.gather(*(world.ask() for _ in range(4)))
    assert sorted(status for status, _ in results) == [200, 200, 402, 402]


@pytest.mark.long
async def test_tickets_that_are_not_played_hold_little_for_a_short_time(world: Any) -> None:
    """141 tickets for listeners who play none of them: two intervals each for two minutes, then nothing."""
    tickets = [await world.ticket(session=world.session(payee=bytes([n + 1]) * 20, **_listener(n))) for n in range(141)]
    store, each = world.station.store, tickets[0].price + tickets[0].reward
    server = tickets[0].server
    assert store.outstanding(server, world.chain.now // 1000) == (141, 141 * 2 * each)
    world.chain.now += 120_000
    assert store.outstanding(server, world.chain.now // 1000) == (141, 0)


async def test_a_ticket_holds_more_as_its_play_goes_on(world: Any) -> None:
    """Each vouchered interval lets a ticket hold two more, up to what it can still cost; after its end nothing."""
    ticket = await world.ticket()
    store, each = world.station.store, ticket.price + ticket.reward
    worst = store.tickets([ticket.number])[ticket.number].max_intervals
    for intervals in (1, 2, 5, 12):
        world.chain.now += 400_000 if intervals == 12 else 60_000
        world.server.epoch = world.chain.now // 60_000
        world.server.heard(ticket, intervals)
        await world.station.rounds.run_once()
        held = store.outstanding(ticket.server, world.chain.now // 1000)[1]
        assert held == min(worst - intervals, 2 + 2 * intervals) * each
    assert store.outstanding(ticket.server, ticket.expiry + 61) == (0, 0)


@pytest.mark.long
async def test_a_listener_has_few_tickets_that_are_not_played(world: Any) -> None:
    """Two tickets in each of sixteen sessions, and no more until one was played; another listener is not touched."""
    sessions = [world.session(payee=bytes([n + 1]) * 20) for n in range(17)]
    tickets = [await world.ticket(session=session) for session in sessions[:16] for _ in range(2)]
    assert await world.refusal(session=sessions[16]) == (429, "station.busy")
    await world.ticket(session=world.session(**_listener(1)))
    world.chain.now += 40_000
    world.server.heard(tickets[0], 1)
    world.server.epoch = world.chain.now // 60_000
    await world.station.rounds.run_once()
    await world.ticket(session=sessions[16])
    assert await world.refusal(session=sessions[16]) == (429, "station.busy")


def _listener(number: int) -> dict[str, Any]:
    """Another listener's key and address."""
    key = keccak256(b"listener %d" % number)
    return {"key": key, "listener": address_of(key)}


async def test_a_ticket_ends_with_its_session(world: Any) -> None:
    """Nothing is played after its session, so nothing is held for it."""
    ends_s = world.chain.now // 1000 + 100
    assert (await world.ticket(session=world.session(not_after=ends_s))).expiry == ends_s


async def test_free_songs_need_no_escrow(world: Any, write_song: Any) -> None:
    """A song that nobody pays for plays at a station without money."""
    policy = {**_policy(world), "price": {"interval_s": 30, "owner": 0, "reward": 0, "payer": "nobody"}}
    content = write_song(world.config.catalogue / "free.sps", title="Free", artist="Band", seed=9, policy=policy)
    world.station.catalogue.refresh()
    facts = next(iter(world.chain.contents.values()))
    world.chain.contents[content] = replace(facts, policy_hash=Policy.from_dict(policy).hash, price=0)
    world.songs["free"] = content
    world.chain.escrow = 0
    assert (await world.ticket("free")).price == 0


async def test_one_session_asks_only_so_often(world: Any) -> None:
    """The twenty-first ticket within a minute is refused; a minute later there is one."""
    for _ in range(20):
        await world.ticket()
    assert await world.refusal() == (429, "station.busy")
    other = world.session(payee=b"\xcc" * 20)
    await world.ticket(session=other)
    world.chain.now += 61_000
    await world.ticket()


async def test_an_unreachable_chain_is_reported(world: Any) -> None:
    """With the chain down there are no tickets, and the code says so."""
    world.chain.down = True
    status, value = await world.ask()
    assert (status, value["error"]["code"]) == (503, "chain.unreachable")


async def test_a_failing_server_is_reported(world: Any) -> None:
    """With a failing server there are no tickets, and the code says so."""
    world.server.status = 502
    status, value = await world.ask()
    assert value["error"]["code"] in ("server.answer", "server.unreachable")
    assert status >= 500


async def test_a_missing_server_is_reported(world: Any) -> None:
    """A server that doesn't listen is server.unreachable."""
    world.chain.urls = dict.fromkeys(world.chain.urls, "http://127.0.0.1:9")
    assert await world.refusal() == (503, "server.unreachable")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"null",
        b'{"content": "0x00"}',
        b'{"session": {"type": "Session"}}',
        b'"' + b"x" * 20_000 + b'"',
        b"[" * 9000,
    ],
)
async def test_garbage_is_coded(world: Any, body: bytes) -> None:
    """Bodies that aren't requests are message.schema, never a crash."""
    async with world.client.post("/gomaa/tickets", data=body, headers={"Content-Type": "application/json"}) as response:
        assert response.status == 400
        assert (await response.json())["error"]["code"] == "message.schema"


@pytest.mark.parametrize("content", ["", "0x", "0x" + "zz" * 20, "0x" + "00" * 21, 5, None, ["0x"], "00" * 20])
async def test_content_must_be_an_address(world: Any, content: Any) -> None:
    """Only an address names a song."""
    assert await world.refusal(content=content) == (400, "message.schema")


async def test_forms_of_other_sites_are_refused(world: Any) -> None:
    """A body that a foreign page's form could send is not read."""
    value = {"session": world.session().to_json(), "content": to_hex(world.songs["slow-tide"])}
    async with world.client.post("/gomaa/tickets", data={"x": str(value)}) as response:
        assert response.status == 400
    async with world.client.get("/gomaa/tickets") as response:
        assert response.status in (404, 405)


async def test_a_ticket_is_asked_for_without_a_body(world: Any) -> None:
    """As the extension asks, so that the browser adds no origin of the installation.

    A GET with the question in a header of its own.
    """
    value = {"session": world.session().to_json(), "content": to_hex(world.songs["slow-tide"])}
    question = base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
    async with world.client.get("/gomaa/tickets", headers={"GoMAA-Ask": question}) as response:
        assert (response.status, response.headers["Cache-Control"]) == (200, "no-store")
        ticket = Signed.from_json(Ticket, (await response.json())["ticket"]).message
    assert (ticket.station, ticket.content) == (world.station.address, world.songs["slow-tide"])
    for wrong in ("", "?", "e30", "W10", "bnVsbA", "A", "x" * 4000, "W1tb" * 1500):
        async with world.client.get("/gomaa/tickets", headers={"GoMAA-Ask": wrong}) as response:
            assert response.status == 400, wrong
            assert (await response.json())["error"]["code"] == "message.schema"
    # Another site's page has to ask for leave to send such a header, and gets none; a look ahead draws no ticket.
    async with world.client.options(
        "/gomaa/tickets", headers={"Access-Control-Request-Headers": "GoMAA-Ask"}
    ) as response:
        assert "Access-Control-Allow-Headers" not in response.headers
    async with world.client.head("/gomaa/tickets", headers={"GoMAA-Ask": question}) as response:
        assert response.status in (404, 405)


def _policy(world: Any) -> dict[str, Any]:
    return world.station.catalogue.named("slow-tide").policy.to_dict()


async def test_a_ticket_ends_with_the_right_that_lets_it_play(world: Any) -> None:
    """A rented right that ends in the middle of the song ends the ticket too."""
    whole = await world.ticket()
    world.chain.right_ends_s = whole.expiry - 20
    assert (await world.ticket()).expiry == whole.expiry - 20
