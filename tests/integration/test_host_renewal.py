"""What a song's terms ask of the line to its server, of the player, and of what the page is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from demo.waiting import TIMEOUT_S
from native_host.remote.server import MAX_PAUSE_S
from pywallet.errors import GomaaError
from pywallet.policy import Count, Renewal
from pywallet.sps import sign_header
from tests.integration.host_server import StandIn
from tests.integration.host_world import DOMAIN, OWNER, POLICY, SERVER, World, header, world

FREE = replace(POLICY, counts={}, lease=None)


@pytest.fixture
async def server() -> AsyncIterator[StandIn]:
    """A security server that a test may stop."""
    async with AsyncExitStack() as stack:
        one = StandIn(SERVER, DOMAIN)
        running = AsyncExitStack()
        await running.enter_async_context(one.running())
        one.stop = running.aclose  # type: ignore[attr-defined]
        stack.push_async_callback(running.aclose)
        yield one


@pytest.fixture
async def fan(tmp_path: Path, server: StandIn, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """A host whose browser has said hello."""
    async with world(tmp_path, server, monkeypatch) as one:
        yield one


async def until(holds: Callable[[], bool]) -> None:
    """Wait for something that will be, half a minute at most."""
    async with asyncio.timeout(TIMEOUT_S):
        while not holds():
            await asyncio.sleep(0.02)


async def test_a_quiet_line_is_asked_for_a_sign_of_life(fan: World, server: StandIn) -> None:
    """A pause longer than the renewal's time doesn't end in a refusal while the server is there.

    It was reached meanwhile.
    """
    await fan.prepared(policy=replace(FREE, renewal=Renewal(5, 1, 0)))
    await fan.invoke("play", 0, 0, 1)
    await fan.invoke("pause", 500)
    await fan.reported()
    line = next(iter(fan.host.connections))
    asked, heard = len(server.asked), line._last_message_at
    assert heard is not None
    await until(lambda: (line._last_message_at or 0) > heard + 5)
    assert len(server.asked) == asked
    await fan.invoke("resume", 500, 0, 1)


async def test_after_an_outage_the_server_is_tried_as_often_as_the_terms_say(
    fan: World, server: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without such terms the pauses grow to a quarter of a minute.

    With ``retry_s`` of two seconds no longer than that.
    """
    pauses: list[float] = []

    def draw(low: float, high: float) -> float:
        pauses.append(high)
        return 0.001

    monkeypatch.setattr("common.retry.random.uniform", draw)
    await fan.prepared()
    await server.stop()  # type: ignore[attr-defined]
    await until(lambda: MAX_PAUSE_S in pauses)
    await fan.open("t", replace(FREE, renewal=Renewal(60, 2, 0)))
    pauses.clear()
    await until(lambda: len(pauses) > 8)
    assert max(pauses[1:]) == 2


async def test_a_song_for_a_later_player_is_refused_by_the_host_too(fan: World) -> None:
    """What the header asks of the renderer is asked before anything else is done for the song."""
    cose = sign_header(replace(header(fan.server), renderer={"version": "2"}), OWNER)
    with pytest.raises(GomaaError) as caught:
        await fan.open(cose=cose)
    assert caught.value.code == "sps.version"
    assert fan.host.streams == {}


async def test_the_page_is_told_all_that_the_decision_knows(fan: World) -> None:
    """Uses that count now, by action, and where and when.

    So "left" is right for counts that come back and for timed ones.
    """
    policy = replace(FREE, counts={"play": Count(2, per_s=100), "seek": Count(5, within_s=10)})
    await fan.prepared(policy=policy)
    await fan.invoke("play")
    await fan.invoke("seek", 30_000)
    await fan.invoke("stop", 30_000)
    told = await fan.open(policy=policy)
    assert told["usage"]["counts"] == {"play": 1}
    assert told["usage"]["last_s"] == {"seek": fan.chain.now // 1000}
    assert told["context"]["domain"] == "radio.example"
    assert told["left"] == {"play": 1, "seek": 4}
    fan.chain.now += 200_000
    later = await fan.open(policy=policy)
    assert (later["usage"]["plays"], later["usage"]["counts"], later["left"]["play"]) == (1, {"play": 0}, 2)
