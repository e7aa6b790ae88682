"""Plays that begin with their preparation: ``play`` of ``prepare`` and ``open``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from demo.waiting import TIMEOUT_S
from pywallet.encoding.hex import to_b64
from pywallet.errors import GomaaError
from pywallet.policy import Count
from pywallet.sps.signed_header import sign_header
from tests.host_messages import part_of
from tests.integration.host_server import StandIn
from tests.integration.host_world import DOMAIN, OWNER, POLICY, SERVER, World, header, world

PLAY = {"action": "play", "position_ms": 0, "segment": 0, "count": 5}
NONE = {"result": None, "error": None}
ONLINE = replace(POLICY, lease=None)


@pytest.fixture
async def fan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """A host after ``hello``, and its server."""
    async with StandIn(SERVER, DOMAIN).running() as server, world(tmp_path, server, monkeypatch) as one:
        yield one


def request(fan: World, **changes: Any) -> dict[str, Any]:
    """Fields of a ``prepare`` with session, ticket and play."""
    session = fan.session()
    fields = {"session": session.to_json(), "ticket": fan.ticket(session).to_json(), "play": PLAY}
    return {"stream": "s", **fields, **changes}


async def disconnect_at(fan: World, op: str) -> None:
    """Lose the server's connections once it has a request, to which it does not reply."""
    fan.server.silent.add(op)
    async with asyncio.timeout(TIMEOUT_S):
        while op not in fan.server.asked:
            await asyncio.sleep(0)
    fan.server.silent.discard(op)
    for line in list(fan.server.lines):
        await line.close()


async def test_prepare_plays_in_one_message(fan: World) -> None:
    """The play is what ``invoke`` would have recorded, with its keys, count and report."""
    await fan.open()
    result = await fan.ask("prepare", **request(fan))
    play = part_of(result["play"])

    assert part_of(result["ticket"])["lease"]["count"] == 30
    assert fan.good(play["grant"], range(5))
    assert (play["sequence"], play["left"]) == (1, {"play": 2, "seek": 4})
    await fan.reported()
    assert fan.states() == [(1, "play", "reported", None)]
    assert fan.server.counted("play") == 1


async def test_open_plays_in_one_message(fan: World) -> None:
    """``open`` with everything has the keys; its usage and remaining uses are those before the play."""
    opening = {"header": to_b64(sign_header(header(fan.server), OWNER)), "origin": "https://radio.example"}
    await fan.open()
    wanted = request(fan)
    result = await fan.ask("open", key=to_b64(fan.renderer[1]), **opening, **wanted)

    assert fan.good(part_of(result["play"])["grant"], range(5))
    assert (result["usage"]["plays"], result["left"]["play"], part_of(result["play"])["left"]["play"]) == (0, 3, 2)
    assert [row[:2] for row in fan.states()] == [(1, "play")]


async def test_without_an_open_ticket_nothing_is_played(fan: World) -> None:
    """A refused session, a refused ticket, a refused lease and no ticket leave the play out."""
    await fan.open()
    bare = await fan.ask("prepare", **request(fan, ticket=None))
    stranger = await fan.ask("prepare", **request(fan, session=fan.session(device=bytes(range(20))).to_json()))
    fan.server.closed = "station.escrow.short"
    short = await fan.ask("prepare", **request(fan))
    fan.server.closed, fan.server.lease_refused = "", "policy.count.exhausted"
    spent = await fan.ask("prepare", **request(fan))

    assert [result["play"] for result in (bare, stranger, short, spent)] == [NONE] * 4
    assert spent["ticket"]["error"]["code"] == "policy.count.exhausted"
    assert (fan.states(), fan.refused()) == ([], [])


async def test_a_refused_play_is_recorded_and_leaves_its_ticket(fan: World) -> None:
    """The refusal is an activity of the listener, as that of ``invoke``; the open ticket plays what is allowed."""
    terms = replace(POLICY, permissions=("play",), counts={"play": Count(1)})
    await fan.open(policy=terms)
    result = await fan.ask("prepare", **request(fan, play={**PLAY, "action": "preview"}))

    assert part_of(result["ticket"])["lease"]
    assert result["play"]["error"]["code"] == "policy.action.denied"
    assert (fan.states(), fan.refused()) == ([], ["policy.action.denied"])
    assert (await fan.invoke("play", 0, 0, 1))["sequence"] == 1


async def test_only_a_play_begins_with_the_preparation(fan: World) -> None:
    """An action that does not begin a play is no part of the request's schema."""
    await fan.open()
    with pytest.raises(GomaaError, match=r"host\.message\.schema"):
        await fan.ask("prepare", **request(fan, play={**PLAY, "action": "hold"}))


@pytest.mark.parametrize("again", ["prepare", "invoke"])
async def test_a_play_whose_keys_did_not_arrive_is_repeated(fan: World, again: str) -> None:
    """After a lost connection the same request is the same invocation: it has the keys, and counts once."""
    await fan.open(policy=ONLINE)
    wanted = request(fan)
    lost, _ = await asyncio.gather(fan.ask("prepare", **wanted), disconnect_at(fan, "grant"))
    assert (lost["ticket"]["error"], lost["play"]["error"]["code"]) == (None, "server.unreachable")

    if again == "prepare":
        play = part_of((await fan.ask("prepare", **wanted))["play"])
    else:
        play = await fan.invoke("play", 0, 0, 5)
    await fan.reported()
    assert fan.good(play["grant"], range(5))
    assert fan.states() == [(1, "play", "reported", None)]
    assert fan.server.counted("play") == 1
    assert fan.server.asked.count("open") == 1


async def test_a_play_that_has_its_keys_is_not_repeated(fan: World) -> None:
    """The same request after its reply is ``ticket.used``, and counts nothing."""
    await fan.open()
    wanted = request(fan)
    await fan.ask("prepare", **wanted)
    again = await fan.ask("prepare", **wanted)

    assert (again["ticket"]["error"]["code"], again["play"]) == ("ticket.used", NONE)
    assert [row[:2] for row in fan.states()] == [(1, "play")]


async def test_another_play_of_the_ticket_is_not_the_lost_one(fan: World) -> None:
    """Another position is no repetition: the ticket has its play."""
    await fan.open(policy=ONLINE)
    wanted = request(fan)
    await asyncio.gather(fan.ask("prepare", **wanted), disconnect_at(fan, "grant"))
    other = await fan.ask("prepare", **{**wanted, "play": {**PLAY, "position_ms": 2_000}})

    assert (other["ticket"]["error"]["code"], other["play"]) == ("ticket.used", NONE)
    assert [row[:2] for row in fan.states()] == [(1, "play")]
