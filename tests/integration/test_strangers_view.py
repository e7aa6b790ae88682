"""Privacy of fans against a third party who has the chain, all published data and a device."""

from __future__ import annotations

import base64
import json
import re
import sqlite3
import typing
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from pywallet.crypto import address_of
from pywallet.crypto import sign as sign_digest
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError
from pywallet.protocol import (
    Action,
    Invocation,
    destruction_digest,
    sign,
)
from security_server.api import requests
from station.api.app import STATION
from tests.integration.server_client import HostClient
from tests.integration.server_world import private_key
from tests.integration.stranger_requests import STRANGER, send, send_operations, send_routes
from tests.integration.stranger_scene import Scene, clocks_agree, fans_of, published_scene
from tests.integration.unpublished_values import unpublished_values


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """Three fans have played in an epoch that is published."""
    async with published_scene(tmp_path) as made:
        yield made


async def test_responses_to_a_stranger_have_no_unpublished_value(scene: Scene) -> None:
    """A route, operation or event discloses a session, listener, device, ticket, signature or exact time of a fan."""
    world = scene.world
    await clocks_agree(world, scene.station)
    # An unpublished epoch, of which the listener's part is settled and the station's is not.
    await fans_of(world, scene.clients[1], scene.songs, scene.published.epoch + 1)
    secrets = unpublished_values(world, scene.published)
    assert {word.split(".")[0] for place in secrets.values() for word in place.split()} >= {
        *("sessions", "tickets", "invocations", "receipts", "lines", "listeners"),
    }
    await world.travel(10)
    await clocks_agree(world, scene.station)
    async with world.host("stranger") as host:
        await host.hello(await world.now_ms())
        tried = await send_operations(scene, host)
        assert tried == {str(each.__struct_config__.tag) for each in typing.get_args(requests.Operation)}
        # Other payees are paid while the third party is connected, and its sessions name these payees.
        await clocks_agree(world, scene.station)
        await scene.station[STATION].rounds.run_once()
        await send(scene, host, "receipts", payees=[to_hex(row.payee) for row in scene.published.payees])
        scene.responses.extend(json.dumps(host.events.get_nowait()) for _ in range(host.events.qsize()))
    assert await send_routes(scene) > 200
    now = unpublished_values(world, scene.published)
    secrets |= {text: place for text, place in now.items() if " receipts." in place}
    told = {place: said for text, place in secrets.items() for said in scene.responses if text in said}
    assert told == {}
    for said in scene.responses:
        # Ticket numbers are published; which of them a payer has settled or owes is not.
        assert not re.search(r'"lines": ?\[[\[{]|"detail": ?{"content"', said), said


async def test_existing_and_missing_ids_have_the_same_answers(scene: Scene) -> None:
    """An answer discloses whether a session, ticket, payee or payer of others exists."""
    world, station = scene.world, scene.clients[1]
    await clocks_agree(world, scene.station)
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
            async with scene.clients[0].post(f"/v1/{path}", json=body) as response:
                said.append(f"{response.status} {response.headers.get('Retry-After')} {await response.text()}")
        return said

    async with world.host("stranger") as host:
        await host.hello(now_ms)
        expected = await answers(host, nobody)
        for row in rows:
            assert await answers(host, row) == expected


async def test_payers_payees_and_devices_get_their_own_data(scene: Scene) -> None:
    """The server refuses a payer its account, a payee its receipts, or a device the whole receipts."""
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
