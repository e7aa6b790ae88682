"""Longer timeouts for everything that runs in the tests' own process, and a host with its server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chain.contracts.registry import Registry
from demo.waiting import TIMEOUT_S
from native_host.paths import Paths
from native_host.remote import network_files
from tests.integration.host_server import StandIn
from tests.integration.host_world import DOMAIN, SERVER, World, world
from tests.integration.server_world import World as ServerWorld
from tests.integration.server_world import make_world

ANSWERS = ("chain.connection.TIMEOUT_S", "native_host.remote.network.CONNECT_S", "studio.server.TIMEOUT_S")
"""How long nodes and servers that are there may take to answer.

One that is not there refuses the connection at once.
"""


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for answers that a busy machine delays; a test of a limit sets its own."""
    for name in ANSWERS:
        monkeypatch.setattr(name, TIMEOUT_S)


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


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[tuple[ServerWorld, Path]]:
    """A real world whose server runs, and a GOMAA_HOME with its network."""
    (tmp_path / "server").mkdir()
    async with make_world(tmp_path / "server", real_time=True) as real, real.server(silence_s=0):
        registry = Registry(real.chain, real.deployment)
        await registry.add_server(real.platform_key, real.keys.address, real.url, real.keys.exchange_public)
        network_files.add(
            Paths(tmp_path / "home" / "data", tmp_path / "home" / "config"), tmp_path / "server" / "deployment.json"
        )
        yield real, tmp_path / "home"
