"""Data that two stations or two servers receive of one fan: nothing in common, with and without a wallet."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from demo.waiting import TIMEOUT_S
from native_host.playback.content_check import Station
from pywallet.crypto import address_of, keccak256
from pywallet.encoding.hex import ZERO_ADDRESS, to_hex
from pywallet.errors import GomaaError, InputError
from pywallet.protocol import Session, Signed
from pywallet.worker_api import call
from pywallet.worker_api import wallet as purse
from tests.integration.host_server import StandIn
from tests.integration.host_world import CHAIN_ID, CONTENT, DOMAIN, SERVER, STATION, World, world

OTHER_SERVER, OTHER_STATION = keccak256(b"another server"), keccak256(b"another station")
WORDS = "legal winner thank year wave sausage worth useful legal winner thank yellow"
HOUR_S = 3_600
COMMON = {CONTENT.hex(), DOMAIN.settlement.hex(), ZERO_ADDRESS.hex()}
"""What is the same for all fans."""


@pytest.fixture
async def servers() -> AsyncIterator[tuple[StandIn, StandIn]]:
    """Two security servers."""
    async with StandIn(SERVER, DOMAIN).running() as one, StandIn(OTHER_SERVER, DOMAIN).running() as two:
        yield one, two


@pytest.fixture
async def fan(
    tmp_path: Path, servers: tuple[StandIn, StandIn], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    """The host of one fan."""
    async with world(tmp_path, servers[0], monkeypatch) as one:
        yield one
    purse._open = None


async def session_of(fan: World, opened: dict[str, Any], wallet: bool) -> Signed[Session] | None:
    """A session for a result of ``open``, as the engine signs it."""
    if not wallet:
        return None
    where = {"station": opened["station"]["address"], "device": opened["device"], "chain_id": CHAIN_ID}
    made = await call(
        "session.sign", {**where, "settlement": opened["settlement"], "now_s": opened["now_s"], "days": 7}
    )
    return Signed.from_json(Session, made["session"])


async def play_at(fan: World, server: StandIn, station: bytes, wallet: bool, name: str) -> Signed[Session]:
    """A play at a station; the session that server and station received."""
    fan.chain.facts = replace(
        fan.chain.facts, server=server.address, server_url=server.url, station=Station(address_of(station), name, name)
    )
    opened = await fan.open(name)
    signed = await session_of(fan, opened, wallet)
    answer = await fan.identify(None if signed is None else signed.to_json(), stream=name)
    session = Signed.from_json(Session, answer["session"])
    places = {"server": server.address, "station": address_of(station), "expiry": fan.chain.now // 1000 + HOUR_S}
    ticket = fan.ticket(session, station, **places)
    await fan.prepare(ticket.to_json(), stream=name)
    await fan.invoke("play", 0, 0, 4, stream=name)
    fan.chain.now += 10_000
    await fan.invoke("stop", 10_000, stream=name)
    await fan.reported()
    await fan.ask("close", stream=name)
    return session


def marks(texts: list[str]) -> set[str]:
    """Every address, hash, signature and key in the data that a party received."""
    found: set[str] = set()
    for text in texts:
        # An X25519 key is the stream's own in the engine; this browser has one for all.
        text = re.sub(r'"key": ?"[^"]*"', "", text)
        found |= {match.lower() for match in re.findall(r"(?:0x)?([0-9a-fA-F]{16,})", text)}
    return found


@pytest.mark.parametrize("wallet", [True, False], ids=["wallet", "without"])
async def test_stations_and_servers_receive_nothing_in_common(
    fan: World, servers: tuple[StandIn, StandIn], wallet: bool
) -> None:
    """Sessions, hellos, tickets, reports and requests of a fan at four pairs of station and server."""
    await call("wallet.create", {"mnemonic": WORDS, "password": "a good password"})
    got: dict[tuple[int, int], list[str]] = {}
    devices: dict[tuple[int, int], set[bytes]] = {}
    sessions: dict[tuple[int, int], Signed[Session]] = {}
    for s, server in enumerate(servers):
        for p, station in enumerate((STATION, OTHER_STATION)):
            before = len(server.received)
            sessions[s, p] = await play_at(fan, server, station, wallet, f"at{s}{p}")
            mine = server.received[before:]
            devices[s, p] = {device for device, _, _ in mine}
            got[s, p] = [text for _, _, text in mine]
            assert Counter(op for _, op, _ in mine) >= Counter(["hello", "open", "report"])
    assert all(len(found) == 1 for found in devices.values())
    assert len(set.union(*devices.values())) == 4
    names = {address_of(key).hex() for key in (SERVER, OTHER_SERVER, STATION, OTHER_STATION)}
    for one in got:
        for other in got:
            if one < other:
                shared = (marks(got[one]) & marks(got[other])) - COMMON - names
                # The key that a station knows a listener by is its own; at two servers it is the same station's fan.
                if one[1] == other[1]:
                    shared -= {sessions[one].message.listener.hex(), sessions[one].message.payee.hex()}
                assert shared == set(), (one, other)
    listeners = {(p, session.message.listener) for (_, p), session in sessions.items()}
    assert len(listeners) == len({listener for _, listener in listeners}) == 2


async def test_connections_do_not_identify_the_computer(
    fan: World, servers: tuple[StandIn, StandIn], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the local clock nor versions of Python and libraries; hellos have the chain's minute."""
    fan.chain.now += 17_321
    monkeypatch.setattr(
        "native_host.remote.server.time",
        SimpleNamespace(
            time_ns=lambda: (fan.chain.now + 47_003) * 1_000_000,
            monotonic=time.monotonic,
            monotonic_ns=time.monotonic_ns,
        ),
    )
    for number, server in enumerate(servers):
        server.now_s = fan.chain.now // 1000
        await play_at(fan, server, STATION, False, f"at {number}")
    hellos = [json.loads(text) for server in servers for _, op, text in server.received if op == "hello"]
    assert {hello["time_ms"] for hello in hellos} == {fan.chain.now // 60_000 * 60_000}
    assert {frozenset(hello) for hello in hellos} == {
        frozenset({"id", "op", "protocol", "device", "time_ms", "signature"})
    }
    for headers in (headers for server in servers for headers in server.came_with):
        assert set(headers) == {"Host", "Upgrade", "Connection", "Sec-WebSocket-Version"}


async def test_hello_uses_the_local_clock_after_an_old_block(fan: World, servers: tuple[StandIn, StandIn]) -> None:
    """The server refuses the first hello, whose time is the last block's."""
    refused: list[int] = []

    def hello(request: dict[str, Any]) -> dict[str, Any]:
        if abs(request["time_ms"] - time.time_ns() // 1_000_000) > 120_000:
            refused.append(request["time_ms"])
            raise InputError("invocation.time")
        return {"protocol": 1}

    servers[0]._hello = hello  # type: ignore[method-assign]
    await play_at(fan, servers[0], STATION, False, "one")
    assert refused == [fan.chain.now // 60_000 * 60_000]


async def test_anonymous_requests_have_fresh_keys(fan: World, servers: tuple[StandIn, StandIn]) -> None:
    """Leaves, claims and permits; receipts are requested as the device that earned them."""
    await call("wallet.create", {"mnemonic": WORDS, "password": "a good password"})
    server = servers[0]

    one = await play_at(fan, server, STATION, True, "one")
    two = await play_at(fan, server, OTHER_STATION, True, "two")
    known = {one.message.device, two.message.device}
    payees = [to_hex(session.message.payee) for session in (one, two)]
    before = len(server.received)
    for payee in payees:
        with suppress(GomaaError):
            await fan.ask("leaf", server=to_hex(server.address), epoch=1, payee=payee)
        with suppress(GomaaError):
            await fan.ask("relayer", chain_id=CHAIN_ID, payee=payee, amount_wei="1")
    asked = [(device, op) for device, op, _ in server.received[before:] if op != "hello"]
    assert [op for _, op in asked] == ["leaf", "relayer"] * 2
    assert len({device for device, _ in asked}) == 4
    assert known.isdisjoint(device for device, _ in asked)
    before = len(server.received)
    about = {"chain_id": CHAIN_ID, "settlement": to_hex(DOMAIN.settlement), "name": "Radio"}
    rows = [
        {"payee": payee, "station": to_hex(session.message.station), "number": fan.chain.now // 1000 // HOUR_S, **about}
        for payee, session in zip(payees, (one, two), strict=True)
    ]
    wallet = to_hex(address_of(keccak256(b"wallet")))
    await fan.ask("payees", wallet=wallet, payees=rows)
    await fan.ask("summary", wallet=wallet)
    receipts = {device: json.loads(text)["payees"] for device, op, text in server.received[before:] if op == "receipts"}
    assert receipts == {one.message.device: payees[:1], two.message.device: payees[1:]}


async def test_sessions_without_a_wallet_change_every_hour(fan: World, servers: tuple[StandIn, StandIn]) -> None:
    """Only the station's own listener key stays, because limits count by it."""
    first = await play_at(fan, servers[0], STATION, False, "first")
    again = await play_at(fan, servers[0], STATION, False, "again")
    assert again == first
    fan.chain.now += HOUR_S * 1000
    later = await play_at(fan, servers[0], STATION, False, "later")
    assert later.message.payee == ZERO_ADDRESS
    assert (later.message.listener, later.message.device) == (first.message.listener, first.message.device)
    assert later.message.not_after == first.message.not_after + HOUR_S
    assert later.signature != first.signature
    ids = fan.host.ledger._rows("SELECT DISTINCT session FROM tickets")
    assert len(ids) == 2
    assert first.message.not_after - first.message.not_before <= 86_400 + 60


async def test_idle_connections_are_closed(
    fan: World, servers: tuple[StandIn, StandIn], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above ``MAX_IDLE``; a later report or play opens its connection again, as the same device."""
    monkeypatch.setattr("native_host.remote.connections.MAX_IDLE", 0)
    server = servers[0]
    stations = [keccak256(bytes([number])) for number in range(2)]
    sessions = [
        await play_at(fan, server, station, False, f"station {number}") for number, station in enumerate(stations)
    ]
    async with asyncio.timeout(TIMEOUT_S):
        while len(server.lines) > 1:
            await asyncio.sleep(0.01)
    before = len(server.received)
    assert await play_at(fan, server, stations[0], False, "again") == sessions[0]
    assert next((device, op) for device, op, _ in server.received[before:]) == (sessions[0].message.device, "hello")
    assert {state for _, _, state, _ in fan.states()} == {"reported"}
