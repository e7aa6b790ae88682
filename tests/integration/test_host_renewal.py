"""Renewal terms, renderer versions, and the inputs of the decision in the result of ``open``."""

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
    """A host after ``hello``."""
    async with world(tmp_path, server, monkeypatch) as one:
        yield one


async def until(holds: Callable[[], bool]) -> None:
    """Wait for a condition, half a minute at most."""
    async with asyncio.timeout(TIMEOUT_S):
        while not holds():
            await asyncio.sleep(0.02)


async def test_a_silent_connection_is_pinged(fan: World, server: StandIn) -> None:
    """A pause longer than the renewal's time is not refused while the server answers pings."""
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


async def test_reconnection_follows_the_terms(fan: World, server: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without renewal terms the pauses grow to 15 seconds, with ``retry_s`` of two they stay at two."""
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


async def test_the_host_checks_the_renderer_version(fan: World) -> None:
    """Before anything else is done for the content."""
    cose = sign_header(replace(header(fan.server), renderer={"version": "2"}), OWNER)
    with pytest.raises(GomaaError) as caught:
        await fan.open(cose=cose)
    assert caught.value.code == "sps.version"
    assert fan.host.streams == {}


async def test_open_returns_the_inputs_of_the_decision(fan: World) -> None:
    """Uses that count now by action, and the context, so that ``left`` is right for recurring and timed counts."""
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
