"""Requests that a play costs: messages of the browser, requests to the server and to the chain."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from pywallet.errors import GomaaError
from tests.integration.host_server import StandIn
from tests.integration.host_world import DOMAIN, SERVER, World, world


@pytest.fixture
async def server() -> AsyncIterator[StandIn]:
    """A security server."""
    async with StandIn(SERVER, DOMAIN).running() as one:
        yield one


@pytest.fixture
async def fan(tmp_path: Path, server: StandIn, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """A host after ``hello``."""
    async with world(tmp_path, server, monkeypatch) as one:
        yield one


async def refusal(work: Any) -> str:
    """The code with which a request is refused."""
    with pytest.raises(GomaaError) as caught:
        await work
    return caught.value.code


async def test_ticket_and_lease_are_one_request_to_the_server(fan: World, server: StandIn) -> None:
    """The play has its keys from the lease that came with the opened ticket."""
    await fan.prepared()
    assert server.asked == ["hello", "open"]
    server.silent.add("grant")
    assert fan.good((await fan.invoke("play", 0, 0, 8))["grant"], range(8))


async def test_a_server_without_the_capability_is_asked_for_the_lease(fan: World, server: StandIn) -> None:
    """An older server refuses unknown fields of a request."""
    server.capabilities = []
    await fan.prepared()
    assert server.asked == ["hello", "open", "lease"]


async def test_a_refused_lease_leaves_the_ticket_open(fan: World, server: StandIn) -> None:
    """Its code is the answer; the same ticket is prepared again."""
    server.lease_refused = "policy.device.limit"
    await fan.open()
    session = fan.session()
    ticket = fan.ticket(session).to_json()
    await fan.ask("identify", stream="s", session=session.to_json())
    assert await refusal(fan.ask("prepare", stream="s", ticket=ticket)) == "policy.device.limit"
    server.lease_refused = ""
    assert (await fan.ask("prepare", stream="s", ticket=ticket))["count"] == 30
