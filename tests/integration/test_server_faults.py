"""Forged, replayed, short, revoked, garbage, killed: a code each time, and nothing lost or counted twice."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from chain.contracts.content import Content
from demo.waiting import TIMEOUT_S
from pywallet.crypto import address_of
from pywallet.encoding.hex import to_b64, to_hex
from pywallet.errors import GomaaError
from pywallet.policy import Policy
from pywallet.protocol import (
    Session,
    Signed,
    Ticket,
    digest,
)
from security_server.db.tables import content_keys, refusal_counts
from tests.integration.server_client import HostClient
from tests.integration.server_songs import Upload, make_song, terms
from tests.integration.server_world import TOKENS, World, make_world, private_key


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A deployed chain without a server."""
    async with make_world(tmp_path) as made:
        yield made


async def ready(world: World, host: HostClient, policy: Policy | None = None) -> tuple[Upload, Signed[Session], int]:
    """A published song, a device that said hello, a session."""
    song = await world.publish(policy)
    now_ms = await world.now_ms()
    await host.hello(now_ms)
    return song, world.session(address_of(host.device_key), now_ms // 1000), now_ms


async def code_of(awaitable: Any) -> str:
    """The code of a failure that must come."""
    with pytest.raises(GomaaError) as error:
        await awaitable
    return error.value.code


async def test_tickets_and_sessions_that_do_not_fit_are_refused_and_recorded(world: World) -> None:
    """Each wrong signature, address, date, price or number has its code; all are written down, none opens anything."""
    async with world.server() as core, world.host() as host:
        song, session, now_ms = await ready(world, host)
        now_s = now_ms // 1000
        device = address_of(host.device_key)
        other = world.session(device, now_s, "another listener")
        stranger = world.session(b"\x09" * 20, now_s)
        old = world.session(device, now_s - 8 * 86_400)
        cases: list[tuple[Signed[Session], Signed[Ticket], str]] = [
            (session, world.ticket(song, session, now_s, key=private_key("forger")), "ticket.signature"),
            (Signed(other.message, session.signature), world.ticket(song, other, now_s), "session.signature"),
            (stranger, world.ticket(song, stranger, now_s), "session.device"),
            (old, world.ticket(song, old, now_s), "session.expired"),
            (session, world.ticket(song, other, now_s), "ticket.mismatch"),
            (session, world.ticket(song, session, now_s, server=b"\x07" * 20), "ticket.mismatch"),
            (session, world.ticket(song, session, now_s, station=b"\x07" * 20), "ticket.signature"),
            (session, world.ticket(song, session, now_s, expiry=now_s - 1), "ticket.expired"),
            (session, world.ticket(song, session, now_s, price=2_000_002), "ticket.mismatch"),
            (session, world.ticket(song, session, now_s, reward=1), "ticket.mismatch"),
            (session, world.ticket(song, session, now_s, bps=499), "ticket.mismatch"),
            (session, world.ticket(song, session, now_s, content=b"\x07" * 20), "content.unknown"),
        ]
        foreign = world.session(device, now_s, station=address_of(private_key("pirate")))
        pirate = world.ticket(
            song, foreign, now_s, key=private_key("pirate"), station=address_of(private_key("pirate"))
        )
        cases.append((foreign, pirate, "station.unknown"))
        for signed, ticket, code in cases:
            assert await code_of(host.open(signed, ticket)) == code
        counted = select(refusal_counts.c.code, refusal_counts.c.count)
        noted = await core.store.run(
            lambda connection: {row["code"]: row["count"] for row in connection.execute(counted).mappings()}
        )
        assert noted == Counter(code for _, _, code in cases)
        good = world.ticket(song, session, now_s)
        await host.open(session, good)
        await host.open(session, good)
        again = world.ticket(song, session, now_s, number=good.message.number, expiry=now_s + 99)
        assert await code_of(host.open(session, again)) == "ticket.used"


async def test_a_license_taken_back_refuses_tickets(world: World) -> None:
    """After the band takes the station's licence back its next ticket isn't opened."""
    async with world.server(), world.host() as host:
        song, session, now_ms = await ready(world, host)
        await Content(world.chain, song.content).license(world.owner_key, world.station, False)
        assert await code_of(host.open(session, world.ticket(song, session, now_ms // 1000))) == "station.right.missing"


async def test_replays_and_numbers_that_go_backwards(world: World) -> None:
    """The same bytes are acknowledged and counted once; other bytes and lower numbers are refused by code."""
    async with world.server(), world.host() as host:
        song, session, now_ms = await ready(world, host)
        ticket = world.ticket(song, session, now_ms // 1000)
        await host.open(session, ticket)
        play = host.invocation(ticket, "play", 0, now_ms)
        first = await host.grant(play)
        again = await host.grant(play)
        assert again["usage"] == first["usage"]
        assert (await host.report(play, play))["usage"]["plays"] == 1
        other = host.invocation(ticket, "seek", 9_000, now_ms, sequence=1)
        assert (await host.report(other))["refused"] == [{"sequence": 1, "code": "invocation.replayed"}]
        await host.report(host.invocation(ticket, "seek", 9_000, now_ms, sequence=7))
        late = host.invocation(ticket, "seek", 9_000, now_ms, sequence=5)
        assert (await host.report(late))["refused"] == [{"sequence": 5, "code": "invocation.sequence"}]
        assert await code_of(host.grant(late)) == "invocation.sequence"
        assert (await host.report(play))["usage"]["seeks"] == 1


async def test_actions_of_another_device_are_not_taken(world: World) -> None:
    """An invocation with somebody else's signature is refused, whoever brings it."""
    async with world.server(), world.host() as host, world.host("thief") as thief:
        song, session, now_ms = await ready(world, host)
        ticket = world.ticket(song, session, now_ms // 1000)
        await host.open(session, ticket)
        await thief.hello(now_ms)
        genuine = host.invocation(ticket, "play", 0, now_ms)
        assert await code_of(thief.report(genuine)) == "invocation.signature"
        assert await code_of(thief.report(thief.invocation(ticket, "play", 0, now_ms))) == "ticket.missing"
        lease = {
            "ticket": to_hex(digest(ticket.message, world.deployment.domain)),
            "first": 0,
            "count": 1,
            "key": to_b64(bytes(32)),
        }
        assert await code_of(thief.ask("lease", **lease)) == "ticket.missing"
        assert (await host.report(genuine))["refused"] == []


async def test_keys_come_no_faster_than_the_music(world: World) -> None:
    """A play opens a minute and a bit; the rest waits for time or for a counted seek."""
    async with world.server(), world.host() as host:
        song, session, now_ms = await ready(world, host, terms(lease={"window_s": 2, "seconds": 9, "invocations": 1}))
        ticket = world.ticket(song, session, now_ms // 1000)
        await host.open(session, ticket)
        assert host.check_keys(await host.grant(host.invocation(ticket, "play", 0, now_ms), 0, 256), song)[-1] in (
            32,
            33,
        )
        assert host.check_keys(await host.grant(host.invocation(ticket, "renew", 0, now_ms), 40, 256), song) == []
        now_ms = await world.travel(10)
        assert host.check_keys(await host.grant(host.invocation(ticket, "renew", 10_000, now_ms), 0, 256), song)[
            -1
        ] in (37, 38)
        moved = await host.grant(host.invocation(ticket, "seek", 100_000, now_ms), 48, 256)
        assert host.check_keys(moved, song) == list(range(48, 60))
        assert moved["left"] == {"play": 4, "seek": 2}


async def test_an_empty_account_stops_the_music_before_it_starts(tmp_path: Path) -> None:
    """With escrow for less than the song, no ticket is opened; after a deposit it is."""
    async with make_world(tmp_path, escrow=1_000) as poor, poor.server(), poor.host() as host:
        song, session, now_ms = await ready(poor, host)
        ticket = poor.ticket(song, session, now_ms // 1000)
        assert await code_of(host.open(session, ticket)) == "station.escrow.short"
        await poor.settlement.deposit(poor.platform_key, poor.keys.address, poor.station, TOKENS)
        await host.open(session, ticket)


async def test_unconfirmed_plays_exhaust_the_credit(world: World) -> None:
    """A station that doesn't sign for two plays gets no third; its voucher opens the door again."""
    async with world.server(credit_plays=2) as core, world.host() as host:
        song, session, now_ms = await ready(world, host)
        for _ in range(2):
            ticket = world.ticket(song, session, now_ms // 1000)
            await host.open(session, ticket)
            await host.report(host.invocation(ticket, "play", 0, await world.now_ms()))
            now_ms = await world.travel(5)
            await host.report(host.invocation(ticket, "stop", 5_000, now_ms))
        third = world.ticket(song, session, now_ms // 1000)
        assert await code_of(host.open(session, third)) == "station.credit.exhausted"
        statement, _ = await world.statement()
        await world.vouch(statement.spent, await core.chain.now_ms() // 60_000)
        await host.open(session, third)


async def test_a_revocation_while_playing(world: World) -> None:
    """The host is told at once, the key is shredded, nothing more is granted, and the stop still counts."""
    async with world.server() as core, world.host() as host:
        song, session, now_ms = await ready(world, host)
        ticket = world.ticket(song, session, now_ms // 1000)
        await host.open(session, ticket)
        await host.grant(host.invocation(ticket, "play", 0, now_ms))
        await Content(world.chain, song.content).revoke(world.owner_key)
        assert await host.event("revoked") == {"event": "revoked", "content": to_hex(song.content)}
        assert await core.store.run(lambda connection: list(connection.execute(select(content_keys)))) == []
        now_ms = await world.now_ms()
        assert await code_of(host.grant(host.invocation(ticket, "renew", 100, now_ms))) == "content.revoked"
        assert (await host.report(host.invocation(ticket, "stop", 100, now_ms)))["refused"] == []
        assert await code_of(host.open(session, world.ticket(song, session, now_ms // 1000))) == "content.revoked"
        body = song.body(world.owner_key, world.keys.exchange_public)
        assert await code_of(world.call("PUT", f"/v1/contents/{to_hex(song.content)}", body)) == "content.revoked"


async def test_uploads_that_the_chain_does_not_confirm(world: World) -> None:
    """Unknown contents, other owners, other terms, other chains and other servers are refused."""
    async with world.server():
        song = await world.publish()
        path, public = f"/v1/contents/{to_hex(song.content)}", world.keys.exchange_public
        address, chain_id = world.keys.address, world.deployment.chain_id

        def made(
            key: bytes = world.owner_key, server: bytes = address, chain: int = chain_id, policy: Policy = song.policy
        ) -> dict[str, Any]:
            return make_song(song.content, key, server, public, chain, policy).body(key, public)

        assert await code_of(world.call("PUT", path, made(private_key("thief")))) == "content.owner"
        assert await code_of(world.call("PUT", path, made(policy=terms(counts={})))) == "sps.policy.mismatch"
        assert await code_of(world.call("PUT", path, made(chain=1))) == "sps.header.chain"
        assert await code_of(world.call("PUT", path, made(server=b"\x08" * 20))) == "server.mismatch"
        nowhere = b"\x08" * 20
        unknown = make_song(nowhere, world.owner_key, address, public, chain_id, song.policy)
        body = unknown.body(world.owner_key, public)
        assert await code_of(world.call("PUT", f"/v1/contents/{to_hex(nowhere)}", body)) == "content.unknown"


async def test_frames_and_bodies_that_are_garbage(world: World) -> None:
    """Before hello nothing is answered; garbage gets message.schema and the connection goes on."""
    async with world.server(), world.host() as host:
        assert await code_of(host.ask("leaf", epoch=0, payee=to_hex(bytes(20)))) == "message.denied"
        for text in ("garbage", "[]", '{"id": 0, "op": "nothing"}', '{"id": 0, "op": "hello", "protocol": "one"}'):
            future = host._waiting[0] = asyncio.get_running_loop().create_future()
            await host.socket.send_str(text)
            assert (await future)["error"]["code"] == "message.schema"
        assert await code_of(host.hello(1_000)) == "invocation.time"
        bad = {
            "protocol": 1,
            "device": to_hex(bytes(20)),
            "time_ms": await world.now_ms(),
            "signature": to_hex(bytes(65)),
        }
        assert await code_of(host.ask("hello", **bad)) == "invocation.signature"
        assert await code_of(host.ask("hello", **{**bad, "protocol": 2})) == "server.protocol"
        await host.hello(await world.now_ms())
        assert await code_of(host.ask("leaf", epoch=0, payee=to_hex(bytes(20)))) == "claim.unknown"
        assert await code_of(host.ask("report", invocations=[{"type": "Invocation"}])) == "message.schema"
        for method, path in (
            ("POST", "/v1/statements"),
            ("POST", "/v1/vouchers"),
            ("PUT", "/v1/contents/0x00"),
            ("GET", "/v1/epochs/x"),
        ):
            assert await code_of(world.call(method, path, {"x": 1})) == "message.schema"
        assert await code_of(world.call("POST", "/v1/epochs/close")) == "message.denied"
        assert (await world.call("GET", "/v1/info"))["server"] == to_hex(world.keys.address)


async def test_a_chain_that_is_gone_is_said_so(world: World) -> None:
    """Without the chain nothing new is granted once what is known of it is too old, and the code says why."""
    async with world.server(content_age_s=0.001, station_age_s=0.001), world.host() as host:
        song, session, now_ms = await ready(world, host)
        ticket = world.ticket(song, session, now_ms // 1000)
        await host.open(session, ticket)
        await host.grant(host.invocation(ticket, "play", 0, now_ms))
        world.anvil.stop()
        assert await code_of(host.grant(host.invocation(ticket, "renew", 10, now_ms))) == "chain.unreachable"


async def start(world: World) -> tuple[asyncio.subprocess.Process, str]:
    """The server as a process of its own."""
    config = world.folder / "server.toml"
    config.write_text(
        'deployment = "deployment.json"\nkeys = "keys.json"\ndatabase = "server.sqlite3"\n'
        "port = 0\nauto_close = false\nescrow_age_s = 0.001\n"
    )
    arguments = (sys.executable, "-m", "gomaa", "server", "run", "--config", str(config))
    process = await asyncio.create_subprocess_exec(
        *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), TIMEOUT_S)
    return process, json.loads(line)["listening"]


@pytest.fixture
async def real_time(tmp_path: Path) -> AsyncIterator[World]:
    """A deployed chain that runs on this machine's clock, as a server in a process of its own does."""
    async with make_world(tmp_path, real_time=True) as made:
        yield made


async def test_killed_between_report_and_voucher(real_time: World) -> None:
    """Kill -9 after every acknowledged step.

    What was acknowledged is there once, what is sent again isn't counted again.
    """
    world = real_time
    process, world.url = await start(world)
    try:
        async with world.host() as host:
            song, session, now_ms = await ready(world, host)
            ticket = world.ticket(song, session, now_ms // 1000)
            await host.open(session, ticket)
            sent = [host.invocation(ticket, "play", 0, now_ms)]
            await host.report(sent[0])
            for second in (5, 10, 15):
                now_ms = await world.travel(5)
                while (await world_now(world)) < now_ms:
                    pass
                sent.append(host.invocation(ticket, "renew", second * 1000, now_ms))
                before = await host.report(sent[-1])
                assert before["refused"] == []
            process.send_signal(signal.SIGKILL)
            await process.wait()
        process, world.url = await start(world)
        async with world.host() as host:
            await host.hello(now_ms)
            opened = await host.open(session, ticket)
            assert (opened["sequence"], opened["usage"]) == (4, before["usage"])
            after = await host.report(*sent)
            assert after == before
            statement, lines = await world.statement()
            assert [line["intervals"] for line in lines] == [7]
            epoch = now_ms // 60_000
            process.send_signal(signal.SIGKILL)
            await process.wait()
        process, world.url = await start(world)
        assert (await world.statement())[0].spent == statement.spent
        assert await world.vouch(statement.spent, epoch + 1) == 2
        process.send_signal(signal.SIGKILL)
        await process.wait()
        process, world.url = await start(world)
        assert await world.vouch(statement.spent, epoch + 1) == 0
        account = await world.account()
        assert (int(account["unposted_wei"]), int(account["unvouchered_wei"])) == (statement.spent, 0)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def world_now(world: World) -> int:
    """The clock of a server in another process, by a fresh hello."""
    async with world.host("clock") as clock:
        return int((await clock.hello(await world.now_ms()))["now_ms"])
