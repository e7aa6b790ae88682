"""Installation up to the first play: the commands and buttons that the player shows.

With a real host process, chain and server.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from chain.contracts.registry import Registry
from chain.deployment import Deployment
from native_host.install.browsers import manifest_path, place
from native_host.remote import network_setup
from native_host.remote.network_setup import require_safe
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError, InputError
from tests.integration.host_process import ROOT, HostProcess
from tests.integration.server_world import World, make_world


class Fan:
    """A computer with nothing on it, and the station that its browser is at."""

    def __init__(self, home: Path, world: World, station: str, record: dict[str, Any]) -> None:
        self.home = home
        self.world = world
        self.station = station
        self.record = record
        variables = {
            name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "CHROME_", "GOMAA_"))
        }
        self.environment = {**variables, "HOME": str(home), "PYTHONPATH": str(ROOT)}

    async def command(self, line: str) -> tuple[int, str]:
        """Run a command as it is shown."""
        words = line.split()
        program = f"import sys\nsys.argv[:] = {words!r}\nfrom gomaa.cli import main\nmain()"
        pipe = asyncio.subprocess.PIPE
        one = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-c",
            program,
            env=self.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=pipe,
            stderr=pipe,
        )
        out, err = await one.communicate()
        return one.returncode or 0, (out + err).decode()

    async def browser(self) -> HostProcess:
        """The host that a browser starts from its manifest."""
        manifest = json.loads(
            manifest_path(place("linux", "firefox"), self.home, self.home, "io.gomaa.host").read_text()
        )
        pipe = asyncio.subprocess.PIPE
        return HostProcess(
            await asyncio.create_subprocess_exec(manifest["path"], stdin=pipe, stdout=pipe, env=self.environment)
        )


@pytest.fixture
async def fan(tmp_path: Path) -> AsyncIterator[Fan]:
    """A station with its network, a real chain and a real security server."""
    (tmp_path / "server").mkdir()
    async with make_world(tmp_path / "server", real_time=True) as world, world.server(silence_s=0):
        registry = Registry(world.chain, world.deployment)
        await registry.add_server(world.platform_key, world.keys.address, world.url, world.keys.exchange_public)
        record: dict[str, Any] = {"name": "Radio", "network": world.deployment.to_json()}

        async def well_known(_: web.Request) -> web.Response:
            return web.json_response(record)

        app = web.Application()
        app.router.add_get(network_setup.RECORD, well_known)
        (tmp_path / "home").mkdir()
        async with TestServer(app) as server:
            yield Fan(tmp_path / "home", world, str(server.make_url("/")).rstrip("/"), record)


async def test_the_players_command_installs_a_working_host(fan: Fan) -> None:
    """In a fresh profile, with the station's URL; the content opens."""
    song = await fan.world.publish()
    code, said = await fan.command(f"gomaa host install --network {fan.station}")
    assert code == 0, said
    assert f"chain {fan.world.deployment.chain_id}" in said
    assert to_hex(fan.world.deployment.settlement) in said
    host = await fan.browser()
    try:
        assert [network["chain_id"] for network in (await host.hello())["networks"]] == [fan.world.deployment.chain_id]
        assert (await host.open(song.cose))["content"] == to_hex(song.content)
    finally:
        await host.kill()


async def test_a_station_network_is_added_after_consent(fan: Fan) -> None:
    """The bare command, the code, the confirmed network; this host and the next one open the content."""
    song = await fan.world.publish()
    code, said = await fan.command("gomaa host install")
    assert code == 0, said
    host = await fan.browser()
    try:
        assert (await host.hello())["networks"] == []
        with pytest.raises(GomaaError) as missing:
            await host.open(song.cose)
        assert missing.value.code == "host.network.missing"
        await _nothing_false_is_added(fan, host)
        answer = await host.ask("network", origin=fan.station, network=fan.record["network"])
        assert [network["chain_id"] for network in answer["networks"]] == [fan.world.deployment.chain_id]
        assert (await host.event("networks"))["networks"] == answer["networks"]
        assert (await host.open(song.cose))["content"] == to_hex(song.content)
        # The same one again is no error; another one under its number is.
        await host.ask("network", origin=fan.station, network=fan.record["network"])
        other = {**fan.record["network"], "settlement": "0x" + "11" * 20}
        assert await _code(host.ask("network", origin=fan.station, network=other)) == "host.network.taken"
    finally:
        await host.kill()
    again = await fan.browser()
    try:
        await again.hello()
        assert (await again.open(song.cose))["content"] == to_hex(song.content)
    finally:
        await again.kill()


async def test_a_damaged_network_is_added_again(fan: Fan) -> None:
    """From the player; the running host loads it."""
    song = await fan.world.publish()
    code, said = await fan.command(f"gomaa host install --network {fan.station}")
    assert code == 0, said
    (file,) = fan.home.rglob("networks/*.json")
    file.write_text("{")
    host = await fan.browser()
    try:
        await host.hello()
        with pytest.raises(GomaaError) as damaged:
            await host.open(song.cose)
        assert damaged.value.code == "host.network.damaged"
        await host.ask("network", origin=fan.station, network=fan.record["network"])
        assert (await host.open(song.cose))["content"] == to_hex(song.content)
    finally:
        await host.kill()


async def _nothing_false_is_added(fan: Fan, host: HostProcess) -> None:
    named = fan.record["network"]
    false = {
        "host.network.mismatch": {**named, "registry": "0x" + "11" * 20},
        "station.answer": {**named, "stake": 1},
        "chain.unreachable": {**named, "rpc": "ws://127.0.0.1:1"},
    }
    for code, network in (*false.items(), ("host.network.mismatch", {**named, "chain_id": 5})):
        assert await _code(host.ask("network", origin=fan.station, network=network)) == code
    for origin in ("https://radio.example", "http://radio.example", "file://", "nothing"):
        assert await _code(host.ask("network", origin=origin, network=named)) == "host.network.insecure"
    assert await _code(host.ask("network", origin=fan.station, network={})) == "station.answer"


async def test_a_station_without_network_installs_the_host(fan: Fan) -> None:
    """The manifests are written, and the command reports the missing network."""
    del fan.record["network"]
    code, said = await fan.command(f"gomaa host install --network {fan.station}")
    assert code == 1
    assert "host.network.none" in said
    host = await fan.browser()
    try:
        assert (await host.hello())["networks"] == []
    finally:
        await host.kill()


async def _code(work: Any) -> str:
    with pytest.raises(GomaaError) as caught:
        await work
    return caught.value.code


@pytest.mark.parametrize(
    ("origin", "rpc", "good"),
    [
        ("https://radio.example", "wss://node.example", True),
        ("https://radio.example", "ws://node.example", False),
        ("https://radio.example", "wss://localhost", False),
        ("https://radio.example", "wss://127.0.0.1:8545", False),
        ("http://radio.example", "wss://node.example", False),
        ("http://localhost:8080", "ws://127.0.0.1:8545", True),
        ("http://radio.localhost", "wss://node.example", True),
        ("http://localhost:8080", "ws://node.example", False),
        ("http://localhost.evil.example", "ws://127.0.0.1:8545", False),
    ],
)
def test_insecure_records_and_nodes_are_refused(origin: str, rpc: str, good: bool) -> None:
    """Records and nodes without TLS, and a node of this computer named by a station elsewhere."""
    deployment = Deployment.from_json({**_NETWORK, "rpc": rpc})
    if good:
        require_safe(origin, deployment)
        return
    with pytest.raises(InputError) as caught:
        require_safe(origin, deployment)
    assert caught.value.code == "host.network.insecure"


_ADDRESSES = ("token", "registry", "content_implementation", "settlement", "treasury", "rights")
_NETWORK: dict[str, Any] = {
    "chain_id": 1,
    **dict.fromkeys(_ADDRESSES, "0x" + "11" * 20),
    "block": 1,
    "schedule": {"length": 60, "grace": 5, "window": 15, "answer": 15, "late": 3600, "delay": 70},
    "stake": "1",
    "confirmations": 1,
}
