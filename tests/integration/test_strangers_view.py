"""What servers and stations tell a stranger who has the chain, all published data and a device.

Nothing that ties a row to a person.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import sqlite3
import typing
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from demo.waiting import TIMEOUT_S
from pywallet.crypto import address_of
from pywallet.crypto import sign as sign_digest
from pywallet.encoding.hex import ZERO_ADDRESS, to_hex
from pywallet.errors import GomaaError
from pywallet.protocol import (
    Action,
    Invocation,
    Session,
    Signed,
    Ticket,
    Voucher,
    destruction_digest,
    digest,
    receipts_digest,
    sign,
)
from pywallet.rewards.points_request import PointsRequest
from pywallet.settlement import EpochData
from pywallet.sps.container import MAGIC
from security_server.api import requests
from security_server.api.app import PARTS, create_app
from station.api.app import STATION
from station.api.app import create_app as create_station
from station.api.responses import QUESTION
from station.config import StationConfig
from tests.integration.server_client import HostClient
from tests.integration.server_songs import Upload, terms
from tests.integration.server_world import SCHEDULE, World, make_world, private_key
from tests.integration.test_listener_pays import TERMS, fill, owed

Client = TestClient[Any, Any]
STRANGER = private_key("stranger")


@dataclass
class Scene:
    """Fans who have listened, in an epoch that is published and in one that is not; and what a stranger has of it."""

    world: World
    server: web.Application
    station: web.Application
    speaks: tuple[Client, Client]
    """Over HTTP to the server and to the station."""
    songs: tuple[Upload, Upload]
    voucher: Signed[Voucher]
    """The listener's, as the chain published it."""
    published: EpochData
    said: list[str] = field(default_factory=list)
    """Everything that the stranger was told."""

    def knows(self, name: str) -> list[str]:
        """Values of a path's variable that the stranger can try."""
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
            "payee": [to_hex(one) for one in addresses],
            "payer": [to_hex(one) for one in addresses],
        }
        assert name in known, f"a route has a variable {name}: say what of it a stranger can know"
        return known[name]


@asynccontextmanager
async def station_of(world: World, songs: tuple[Upload, ...]) -> AsyncIterator[tuple[web.Application, Client]]:
    """A station with these songs."""
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
    """The station's ticket."""
    async with client.post(
        "/gomaa/tickets", json={"session": session.to_json(), "content": to_hex(song.content)}
    ) as response:
        answer = await response.json()
    assert "ticket" in answer, answer
    return Signed.from_json(Ticket, answer["ticket"])


async def agreed(world: World, station: web.Application) -> None:
    """Have the station hear of the chain's time; the server has (``World.travel``)."""
    now_ms = await world.now_ms()
    async with asyncio.timeout(TIMEOUT_S):
        while await station[STATION].chain.now_ms() < now_ms:
            # A block that came before the station listened for blocks says nothing to it, the next one does.
            await world.travel(1)


async def listen(world: World, host: HostClient, ticket: Signed[Ticket], seconds: int) -> None:
    """Play and hear."""
    await host.grant(host.invocation(ticket, "play", 0, await world.now_ms()))
    for second in range(5, seconds + 1, 5):
        await host.report(host.invocation(ticket, "renew", second * 1000, await world.travel(5)))


async def fans_of(world: World, station: Client, songs: tuple[Upload, Upload], epoch: int) -> Signed[Voucher]:
    """A fan with a wallet, one without, one who pays; and a refused play. The voucher of who pays."""
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
                said = (await owed(host, session))["statement"]["message"]
                message = Voucher(
                    world.keys.address, address_of(private_key(listener)), int(said["spent"]), int(said["epoch"]) + 1
                )
                paid = sign(message, world.deployment.domain, private_key(listener))
                await host.ask("voucher", voucher=paid.to_json())
    assert paid is not None
    return paid


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """Fans who have listened in an epoch that is published."""
    async with make_world(tmp_path) as world:
        app = await create_app(world.config(requests_per_minute_address=100_000))
        async with TestClient(TestServer(app)) as server:
            world.url, world.core = str(server.make_url("")).rstrip("/"), app[PARTS]
            songs = (await world.publish(), await world.publish(terms(**TERMS), "paid"))
            await fill(world, 100 * TERMS["price"]["owner"])
            async with station_of(world, songs) as (station, client):
                await world.to_epoch(await world.now_ms() // 60_000 + 1)
                epoch = await world.now_ms() // 60_000
                await agreed(world, station)
                voucher = await fans_of(world, client, songs, epoch)
                await agreed(world, station)
                await station[STATION].rounds.run_once()
                await world.to_epoch(epoch + 1)
                await world.call("POST", "/v1/epochs/close", headers={"Authorization": f"Bearer {world.keys.admin}"})
                raw = await (await world.http.get(f"{world.url}/v1/epochs/{epoch}/data")).read()
                made = Scene(world, app, station, (server, client), songs, voucher, EpochData.decode(raw))
                assert len(made.published.plays) >= 3
                yield made


def written(second: int) -> set[str]:
    """A time as pages write it."""
    return {
        moment.isoformat(timespec="seconds")[:19]
        for moment in (datetime.fromtimestamp(second), datetime.fromtimestamp(second, UTC))
    }


def hidden(world: World, published: EpochData) -> dict[str, str]:
    """What no stranger has: text to the place it stands at, of every row of both databases that is not published."""
    whole = published.encode()
    begin_s = published.epoch * SCHEDULE.length
    seconds = {begin_s + play.second for play in published.plays}
    numbers = {play.ticket for play in published.plays}
    found: dict[str, str] = {}
    for path in (world.folder / "server.sqlite3", world.folder / "station.sqlite3"):
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
            for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                rows = database.execute(f"SELECT * FROM {table}")
                for row in rows:
                    for (column, *_), value in zip(rows.description, row, strict=True):
                        if isinstance(value, bytes) and 16 <= len(value) <= 256 and value not in whole:
                            for text in (value.hex(), base64.b64encode(value).decode()):
                                found[text] = f"{found.get(text, '')} {table}.{column}"
                        elif isinstance(value, int) and _exact(column, value, seconds, numbers):
                            found[str(value)] = f"{table}.{column}"
                            if column != "number":
                                second = value // 1000 if column.endswith("_ms") else value
                                found |= dict.fromkeys(written(second), f"{table}.{column}")
    for public in known_to_all(world):
        found.pop(public.hex(), None)
        found.pop(base64.b64encode(public).decode(), None)
    return found


def _exact(column: str, value: int, seconds: set[int], numbers: set[int]) -> bool:
    """Whether a number tells a row from others: a time or a ticket's number."""
    if value < 1 << 24:
        return False
    if column.endswith("_ms"):
        return value // 1000 not in seconds
    return (column.endswith("_s") and value not in seconds) or (column == "number" and value not in numbers)


def known_to_all(world: World) -> Iterator[bytes]:
    """What stands on the chain or belongs to server, station and band."""
    with sqlite3.connect(f"file:{world.folder / 'server.sqlite3'}?mode=ro", uri=True) as database:
        for query in (
            "SELECT root, entries_digest, counts_root, data_hash, commitment, transaction_ FROM epochs",
            "SELECT content, header_owner, policy_hash FROM contents",
            "SELECT signature, payer FROM entries",
            "SELECT signature, payer FROM debits",
        ):
            for row in database.execute(query.replace("transaction_", '"transaction"')):
                yield from (bytes(value) for value in row if value is not None)
    yield from (world.station, world.keys.address, address_of(world.owner_key), bytes(20))


async def asks(scene: Scene, host: HostClient, op: str, **fields: Any) -> None:
    """One operation; result or error are what the stranger was told."""
    try:
        scene.said.append(json.dumps(await host.ask(op, **fields)))
    except GomaaError as error:
        scene.said.append(json.dumps(error.to_json()))


async def operations(scene: Scene, host: HostClient) -> set[str]:
    """Every operation of a host, with what is published where the stranger has it; the operations."""
    world, song, data = scene.world, scene.songs[0], scene.published
    now_ms = await world.now_ms()
    device, payees = host.device_key, [to_hex(row.payee) for row in data.payees]
    own = [
        world.session(address_of(device), now_ms // 1000, f"of the stranger {n}", row.payee)
        for n, row in enumerate(data.payees)
    ]
    other = world.session(address_of(private_key("another")), now_ms // 1000, "bare")
    tickets = [await ticket_of(scene.speaks[1], session, song) for session in own]
    for session, ticket in zip(own, tickets, strict=True):
        await asks(scene, host, "open", session=session.to_json(), ticket=ticket.to_json())
        invocation = host.invocation(ticket, "play", 0, now_ms, 1).to_json()
        keys = {"first": 0, "count": 1, "key": base64.b64encode(host.exchange[1]).decode()}
        await asks(scene, host, "lease", ticket=to_hex(digest(ticket.message, host.domain)), **keys)
        await asks(scene, host, "grant", invocation=invocation, **keys)
        await asks(scene, host, "report", invocations=[invocation])
    sessions = [to_hex(digest(session.message, host.domain)) for session in (*own, other)]
    numbers = [[play.ticket, 1] for play in data.plays]
    claim = {
        "server": to_hex(world.keys.address),
        "epoch": str(data.epoch),
        "payee": payees[0],
        "to": payees[0],
        "tip": "0",
    }
    signature = to_hex(sign_digest(device, receipts_digest(world.keys.address, data.payees[0].payee, now_ms // 1000)))
    asked: list[tuple[str, dict[str, Any]]] = [
        *(("statement", {"session": session}) for session in sessions),
        *(
            ("books", {"session": session, **more})
            for session in sessions
            for more in ({}, {"voucher": scene.voucher.to_json()})
        ),
        *(
            ("usage", {"epoch": data.epoch, "session": s, "content": to_hex(one.content)})
            for s in sessions
            for one in scene.songs
        ),
        ("voucher", {"voucher": scene.voucher.to_json(), "lines": numbers}),
        ("voucher", {"voucher": scene.voucher.to_json()}),
        (
            "receipts",
            {"payees": [*payees, to_hex(world.station), to_hex(address_of(world.owner_key)), to_hex(ZERO_ADDRESS)]},
        ),
        *(("leaf", {"epoch": epoch, "payee": payee}) for epoch in (data.epoch, data.epoch + 1) for payee in payees),
        ("claim", {"claims": [{"type": "Claim", "message": claim, "signature": signature}]}),
        *(("relayer", {"payee": payee, "amount": "1"}) for payee in payees),
        ("sweep", {"sweep": {}, "permit": signature}),
        *(
            (
                "destroyed",
                {
                    "content": to_hex(song.content),
                    "listener": payee,
                    "time_ms": now_ms,
                    "code": "x",
                    "signature": signature,
                },
            )
            for payee in payees
        ),
    ]
    for op, fields in asked:
        await asks(scene, host, op, **fields)
    return {op for op, _ in asked} | {"hello", "open", "lease", "grant", "report"}


async def bodies(scene: Scene) -> list[Any]:
    """Bodies that any route may be sent: well-formed ones about other people, signed by the stranger."""
    world, data = scene.world, scene.published
    asking, proof = await world.asking(STRANGER), await world.proof(STRANGER)
    found: list[Any] = [
        None,
        {"wrong": "field"},
        {"content": to_hex(scene.songs[0].content)},
        asking,
        proof,
        {**asking, "disputed": []},
    ]
    for row in data.payees:
        found.append({**proof, "payee": to_hex(row.payee)})
        found.append({**proof, "payee": to_hex(row.payee), "epoch": data.epoch})
    found += [{**asking, "payer": to_hex(payer)} for payer in (*(row.payer for row in data.debits), world.station)]
    voucher = {"voucher": scene.voucher.to_json(), "lines": [[play.ticket, 1] for play in data.plays]}
    found += [voucher, {"time_s": asking["time_s"], "signature": asking["signature"], **voucher}]
    now_s = await world.now_ms() // 1000
    session = world.session(address_of(STRANGER), now_s, "of the stranger", data.payees[0].payee)
    found.append({"session": session.to_json(), "content": to_hex(scene.songs[0].content)})
    look = PointsRequest(world.station, "radio.example", now_s, "look")
    found.append({"time_s": now_s, "what": "look", "signature": to_hex(look.sign(STRANGER))})
    return found


def packed(body: Any) -> dict[str, str]:
    """The header by which the extension asks a station."""
    return {QUESTION: base64.urlsafe_b64encode(json.dumps(body).encode()).decode().rstrip("=")}


async def routes(scene: Scene) -> int:
    """Every route of both, with every body; how many requests."""
    asked = 0
    sent = await bodies(scene)
    for app, client in zip((scene.server, scene.station), scene.speaks, strict=True):
        for route in app.router.routes():
            if route.resource is None or route.method in ("HEAD", "OPTIONS"):
                continue
            pattern = route.resource.canonical
            names = re.findall(r"{(\w+)}", pattern)
            method = "GET" if route.method == "*" else route.method
            for values in product(*(scene.knows(name) for name in names)):
                path = pattern.format_map(dict(zip(names, values, strict=True)))
                for body in sent if method != "GET" or app is scene.station else [None]:
                    options: dict[str, Any] = (
                        {} if body is None else {"headers": packed(body)} if method == "GET" else {"json": body}
                    )
                    async with client.request(method, path, **options) as response:
                        read = await response.read()
                        # The published data are what they are; everything else is searched.
                        if not path.endswith("/data"):
                            scene.said.append(
                                f"{method} {path} {dict(response.headers)} {read.decode('utf-8', 'replace')} "
                                f"{read.hex()}"
                            )
                    asked += 1
    return asked


async def test_a_stranger_is_told_nothing_of_a_fan(scene: Scene) -> None:
    """Every route, every operation and every event.

    No session, listener, device, ticket, invocation, preimage, signature or exact time
    of anybody's row; nothing of who is paid, owes or has settled what.
    """
    world = scene.world
    await agreed(world, scene.station)
    # An epoch that nobody has seen yet, of which the listener's part is settled and the station's is not.
    await fans_of(world, scene.speaks[1], scene.songs, scene.published.epoch + 1)
    secrets = hidden(world, scene.published)
    assert {word.split(".")[0] for place in secrets.values() for word in place.split()} >= {
        *("sessions", "tickets", "invocations", "receipts", "lines", "listeners"),
    }
    await world.travel(10)
    await agreed(world, scene.station)
    async with world.host("stranger") as host:
        await host.hello(await world.now_ms())
        tried = await operations(scene, host)
        assert tried == {str(each.__struct_config__.tag) for each in typing.get_args(requests.Operation)}
        # Others are paid while the stranger's line stands, and its sessions name their payees.
        await agreed(world, scene.station)
        await scene.station[STATION].rounds.run_once()
        await asks(scene, host, "receipts", payees=[to_hex(row.payee) for row in scene.published.payees])
        scene.said.extend(json.dumps(host.events.get_nowait()) for _ in range(host.events.qsize()))
    assert await routes(scene) > 200
    now = hidden(world, scene.published)
    secrets |= {text: place for text, place in now.items() if " receipts." in place}
    told = {place: said for text, place in secrets.items() for said in scene.said if text in said}
    assert told == {}
    for said in scene.said:
        # Ticket numbers are published: which of them a payer has settled or owes is not.
        assert not re.search(r'"lines": ?\[[\[{]|"detail": ?{"content"', said), said


async def test_what_is_there_is_answered_as_what_is_not(scene: Scene) -> None:
    """Sessions, tickets, payees and payers of others, as if they were guessed right, and ones that nobody has.

    The same answers.
    """
    world, station = scene.world, scene.speaks[1]
    await agreed(world, scene.station)
    await fans_of(world, station, scene.songs, scene.published.epoch + 1)
    now_ms = await world.now_ms()
    with sqlite3.connect(f"file:{world.folder / 'server.sqlite3'}?mode=ro", uri=True) as database:
        columns = "id, session, content, listener, payee, payer, number"
        rows = database.execute(f"SELECT {columns} FROM tickets ORDER BY opened_ms DESC LIMIT 3").fetchall()
    assert {row[3] == row[5] for row in rows} == {True, False}
    nobody = (b"\x11" * 32, b"\x22" * 32, rows[0][2], b"\x33" * 20, b"\x44" * 20, b"\x55" * 20, 1 << 30)

    async def answers(host: HostClient, row: tuple[Any, ...]) -> list[str]:
        ticket, session, content, listener, payee, payer, number = row
        message = Invocation(session, ticket, content, int(Action.of("play")), 0, 1, now_ms)
        invocation = sign(message, host.domain, host.device_key).to_json()
        keys = {"first": 0, "count": 1, "key": base64.b64encode(host.exchange[1]).decode()}
        destroyed = sign_digest(host.device_key, destruction_digest(content, listener, now_ms, "x"))
        asked = (
            ("lease", {"ticket": to_hex(ticket), **keys}),
            ("grant", {"invocation": invocation, **keys}),
            ("report", {"invocations": [invocation]}),
            ("statement", {"session": to_hex(session)}),
            ("books", {"session": to_hex(session)}),
            ("usage", {"epoch": scene.published.epoch + 1, "session": to_hex(session), "content": to_hex(content)}),
            ("voucher", {"voucher": scene.voucher.to_json(), "lines": [[number, 2]]}),
            ("receipts", {"payees": [to_hex(payee), to_hex(payer)]}),
            ("leaf", {"epoch": scene.published.epoch + 1, "payee": to_hex(payee)}),
            ("destroyed", {"content": to_hex(content), "listener": to_hex(listener), "time_ms": now_ms, "code": "x",
                           "signature": to_hex(destroyed)}),
        )  # fmt: skip
        said = []
        for op, fields in asked:
            said.append(re.sub(r"0x[0-9a-f]{40}", "0x", json.dumps(await host.frame({"id": 1, "op": op, **fields}))))
        asking, proof = await world.asking(host.device_key), await world.proof(host.device_key)
        voucher = {"voucher": scene.voucher.to_json(), "lines": [[number, 2]]}
        for path, body in (
            ("accounts", {**asking, "payer": to_hex(payer)}),
            ("statements", {**asking, "payer": to_hex(payer)}),
            ("books", {**asking, "payer": to_hex(payer)}),
            ("receipts", {**proof, "payee": to_hex(payee)}),
            ("vouchers", voucher),
            ("vouchers", {**voucher, "time_s": asking["time_s"], "signature": asking["signature"]}),
        ):
            async with scene.speaks[0].post(f"/v1/{path}", json=body) as response:
                said.append(f"{response.status} {response.headers.get('Retry-After')} {await response.text()}")
        return said

    async with world.host("stranger") as host:
        await host.hello(now_ms)
        expected = await answers(host, nobody)
        for row in rows:
            assert await answers(host, row) == expected


async def test_those_whom_it_is_about_are_told(scene: Scene) -> None:
    """A payer's account and a payee's receipts for its key, the whole receipts for the devices of its listener.

    The stranger's view above
    is not that of a server that answers nothing.
    """
    world, data = scene.world, scene.published
    assert int((await world.account())["escrow_wei"]) > 0
    payee = private_key("wallet payee")
    (receipt,) = (await world.call("POST", "/v1/receipts", {**await world.proof(payee), "epoch": data.epoch}))[
        "receipts"
    ]
    assert receipt.keys() == {"receipt"}
    async with world.host(f"device of wallet {data.epoch}") as host:
        await host.hello(await world.now_ms())
        (whole,) = (await host.ask("receipts", payees=[to_hex(address_of(payee))]))["receipts"]
    assert (whole["receipt"], whole["detail"]["plays"]) == (receipt["receipt"], 1)
    for wrong in ({"time_s": (await world.proof(payee))["time_s"] - 300}, {"payee": to_hex(address_of(STRANGER))}):
        with pytest.raises(GomaaError) as error:
            await world.call("POST", "/v1/receipts", {**await world.proof(payee), **wrong})
        assert error.value.code in ("invocation.time", "claim.signature")
    voucher = {"voucher": scene.voucher.to_json(), "lines": [[play.ticket, 1] for play in data.plays]}
    assert (await world.call("POST", "/v1/vouchers", voucher))["settled"] is None
    key = private_key("listener")
    proven = await world.asking(key)
    answer = await world.call(
        "POST", "/v1/vouchers", {**voucher, "time_s": proven["time_s"], "signature": proven["signature"]}
    )
    assert [line[2] for line in answer["settled"]["lines"]] == [1]
