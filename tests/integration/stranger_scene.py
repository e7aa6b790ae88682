"""Scene of the privacy tests: plays at a server and a station, and what a third party can obtain of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from demo.waiting import TIMEOUT_S
from pywallet.crypto import address_of
from pywallet.encoding.hex import ZERO_ADDRESS, to_hex
from pywallet.protocol import (
    Session,
    Signed,
    Ticket,
    Voucher,
    sign,
)
from pywallet.settlement import EpochData
from pywallet.sps.container import MAGIC
from security_server.api.app import PARTS, create_app
from station.api.app import STATION
from station.api.app import create_app as create_station
from station.config import StationConfig
from tests.integration.server_client import HostClient
from tests.integration.server_songs import Upload, terms
from tests.integration.server_world import World, make_world, private_key
from tests.integration.test_listener_pays import TERMS, fill, owed

Client = TestClient[Any, Any]


@dataclass
class Scene:
    """A server and a station with plays of a published epoch and of a later one; and a third party's data."""

    world: World
    server: web.Application
    station: web.Application
    clients: tuple[Client, Client]
    """HTTP clients of the server and of the station."""
    songs: tuple[Upload, Upload]
    voucher: Signed[Voucher]
    """The listener's, as the chain published it."""
    published: EpochData
    responses: list[str] = field(default_factory=list)
    """Everything that the stranger has received."""

    def path_values(self, name: str) -> list[str]:
        """Values of a path's variable that the third party can try."""
        data = self.published
        addresses = (
            [row.payee for row in data.payees]
            + [row.payer for row in data.debits]
            + [row.content for row in data.contents]
        )
        known = {
            "epoch": [str(data.epoch), str(data.epoch + 1)],
            "content": [to_hex(song.content) for song in self.songs],
            "name": ["song", "paid"],
            "part": ["0", "index.json"],
            "path": ["x", "gomaa/x"],
            "payee": [to_hex(address) for address in addresses],
            "payer": [to_hex(address) for address in addresses],
            "server": [to_hex(self.world.keys.address)],
        }
        assert name in known, f"a route has a variable {name}: say what of it a stranger can know"
        return known[name]


@asynccontextmanager
async def station_of(world: World, songs: tuple[Upload, ...]) -> AsyncIterator[tuple[web.Application, Client]]:
    """Start a station with these songs."""
    shelf = world.folder / "songs"
    shelf.mkdir()
    for name, song in zip(("song", "paid"), songs, strict=True):
        (shelf / f"{name}.sps").write_bytes(MAGIC + len(song.cose).to_bytes(4, "big") + song.cose)
    (world.folder / "station.key").write_text(to_hex(world.station_key))
    config = StationConfig(
        domain="radio.example",
        name="Radio Example",
        key_file=world.folder / "station.key",
        deployment_file=world.folder / "deployment.json",
        catalogue=shelf,
        database=str(world.folder / "station.sqlite3"),
        servers={world.keys.address: world.url},
        statement_seconds=3600,
    )
    app = create_station(config)
    async with TestClient(TestServer(app)) as client:
        yield app, client


async def ticket_of(client: Client, session: Signed[Session], song: Upload) -> Signed[Ticket]:
    """Request a ticket from the station."""
    async with client.post(
        "/gomaa/tickets", json={"session": session.to_json(), "content": to_hex(song.content)}
    ) as response:
        answer = await response.json()
    assert "ticket" in answer, answer
    return Signed.from_json(Ticket, answer["ticket"])


async def clocks_agree(world: World, station: web.Application) -> None:
    """Wait until the station's clock has the chain's time; the server's has it (``World.travel``)."""
    now_ms = await world.now_ms()
    async with asyncio.timeout(TIMEOUT_S):
        while await station[STATION].chain.now_ms() < now_ms:
            # A block from before the station's subscription does not set its clock, the next one does.
            await world.travel(1)


async def listen(world: World, host: HostClient, ticket: Signed[Ticket], seconds: int) -> None:
    """Play for some seconds, with reports every 5 s."""
    await host.grant(host.invocation(ticket, "play", 0, await world.now_ms()))
    for second in range(5, seconds + 1, 5):
        await host.report(host.invocation(ticket, "renew", second * 1000, await world.travel(5)))


async def fans_of(world: World, station: Client, songs: tuple[Upload, Upload], epoch: int) -> Signed[Voucher]:
    """Plays of a fan with a wallet, one without, and one who pays; return the payer's voucher."""
    now_s = await world.now_ms() // 1000
    paid = None
    for name, song, changes in (
        ("wallet", songs[0], {}),
        ("bare", songs[0], {"payee": ZERO_ADDRESS}),
        ("paying", songs[1], {}),
    ):
        async with world.host(f"device of {name} {epoch}") as host:
            await host.hello(await world.now_ms())
            listener = "listener" if name == "paying" else name
            session = world.session(address_of(host.device_key), now_s, listener, **changes)
            ticket = await ticket_of(station, session, song)
            await host.open(session, ticket)
            await listen(world, host, ticket, 10)
            await host.ask("report", invocations=[host.invocation(ticket, "play", 0, await world.now_ms()).to_json()])
            if name == "paying":
                statement = (await owed(host, session))["statement"]["message"]
                message = Voucher(
                    world.keys.address,
                    address_of(private_key(listener)),
                    int(statement["spent"]),
                    int(statement["epoch"]) + 1,
                )
                paid = sign(message, world.deployment.domain, private_key(listener))
                await host.ask("voucher", voucher=paid.to_json())
    assert paid is not None
    return paid


@asynccontextmanager
async def published_scene(folder: Path) -> AsyncIterator[Scene]:
    """A scene in which three fans have listened in an epoch that is published."""
    async with make_world(folder) as world:
        app = await create_app(world.config(requests_per_minute_address=100_000))
        async with TestClient(TestServer(app)) as server:
            world.url, world.parts = str(server.make_url("")).rstrip("/"), app[PARTS]
            songs = (await world.publish(), await world.publish(terms(**TERMS), "paid"))
            await fill(world, 100 * TERMS["price"]["owner"])
            async with station_of(world, songs) as (station, client):
                await world.to_epoch(await world.now_ms() // 60_000 + 1)
                epoch = await world.now_ms() // 60_000
                await clocks_agree(world, station)
                voucher = await fans_of(world, client, songs, epoch)
                await clocks_agree(world, station)
                await station[STATION].rounds.run_once()
                await world.to_epoch(epoch + 1)
                await world.call("POST", "/v1/epochs/close", headers={"Authorization": f"Bearer {world.keys.admin}"})
                raw = await (await world.http.get(f"{world.url}/v1/epochs/{epoch}/data")).read()
                made = Scene(world, app, station, (server, client), songs, voucher, EpochData.decode(raw))
                assert len(made.published.plays) >= 3
                yield made
