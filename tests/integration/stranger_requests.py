"""Requests of a third party: every operation and every route, with published values."""

from __future__ import annotations

import base64
import json
import re
from itertools import product
from typing import Any

from messages.station_http import BODY_HEADER
from pywallet.crypto import address_of
from pywallet.crypto import sign as sign_digest
from pywallet.encoding.hex import ZERO_ADDRESS, to_hex
from pywallet.errors import GomaaError
from pywallet.protocol import (
    digest,
    receipts_digest,
)
from pywallet.rewards.points_request import PointsRequest
from tests.integration.server_client import HostClient
from tests.integration.server_world import private_key
from tests.integration.stranger_scene import Scene, ticket_of

STRANGER = private_key("stranger")


async def send(scene: Scene, host: HostClient, op: str, **fields: Any) -> None:
    """Send one operation; records the result or error."""
    try:
        scene.responses.append(json.dumps(await host.ask(op, **fields)))
    except GomaaError as error:
        scene.responses.append(json.dumps(error.to_json()))


async def send_operations(scene: Scene, host: HostClient) -> set[str]:
    """Send every operation of a host, with published values where possible; return their names."""
    world, song, data = scene.world, scene.songs[0], scene.published
    now_ms = await world.now_ms()
    device, payees = host.device_key, [to_hex(row.payee) for row in data.payees]
    own = [
        world.session(address_of(device), now_ms // 1000, f"of the stranger {n}", row.payee)
        for n, row in enumerate(data.payees)
    ]
    other = world.session(address_of(private_key("another")), now_ms // 1000, "bare")
    tickets = [await ticket_of(scene.clients[1], session, song) for session in own]
    for session, ticket in zip(own, tickets, strict=True):
        await send(scene, host, "open", session=session.to_json(), ticket=ticket.to_json())
        invocation = host.invocation(ticket, "play", 0, now_ms, 1).to_json()
        keys = {"first": 0, "count": 1, "key": base64.b64encode(host.exchange[1]).decode()}
        await send(scene, host, "lease", ticket=to_hex(digest(ticket.message, host.domain)), **keys)
        await send(scene, host, "grant", invocation=invocation, **keys)
        await send(scene, host, "report", invocations=[invocation])
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
        await send(scene, host, op, **fields)
    return {op for op, _ in asked} | {"hello", "open", "lease", "grant", "report"}


async def bodies(scene: Scene) -> list[Any]:
    """Request bodies for all routes: well-formed, about other accounts, signed by the third party."""
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
    """The extension's request header to a station."""
    return {BODY_HEADER: base64.urlsafe_b64encode(json.dumps(body).encode()).decode().rstrip("=")}


async def send_routes(scene: Scene) -> int:
    """Request every route of server and station with every body; returns the number of requests."""
    count = 0
    sent = await bodies(scene)
    for app, client in zip((scene.server, scene.station), scene.clients, strict=True):
        for route in app.router.routes():
            if route.resource is None or route.method in ("HEAD", "OPTIONS"):
                continue
            pattern = route.resource.canonical
            names = re.findall(r"{(\w+)}", pattern)
            method = "GET" if route.method == "*" else route.method
            for values in product(*(scene.path_values(name) for name in names)):
                path = pattern.format_map(dict(zip(names, values, strict=True)))
                for body in sent if method != "GET" or app is scene.station else [None]:
                    options: dict[str, Any] = (
                        {} if body is None else {"headers": packed(body)} if method == "GET" else {"json": body}
                    )
                    async with client.request(method, path, **options) as response:
                        read = await response.read()
                        # Published data are not searched.
                        if not path.endswith("/data"):
                            scene.responses.append(
                                f"{method} {path} {dict(response.headers)} {read.decode('utf-8', 'replace')} "
                                f"{read.hex()}"
                            )
                    count += 1
    return count
