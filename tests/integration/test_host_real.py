"""A real host process, chain and security server: one complete play, and crashes at any point."""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from chain.contracts.content import Content
from chain.contracts.registry import Registry
from demo.waiting import TIMEOUT_S
from native_host.paths import Paths
from native_host.remote import network_files
from pywallet.crypto.key_wrap import unwrap
from pywallet.encoding.hex import from_b64, from_hex, to_hex
from pywallet.errors import GomaaError
from pywallet.protocol import (
    Claim,
    Session,
    Signed,
    Ticket,
    sign,
)
from pywallet.sps.segments import segment_aad, segment_key
from tests.integration.host_process import HostProcess, host_process
from tests.integration.server_songs import EPOCH, Upload, terms
from tests.integration.server_world import World, make_world, private_key

KILLS = int(os.environ.get("GOMAA_KILLS", "50"))


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[tuple[World, Path]]:
    """A world whose server runs, and a GOMAA_HOME with its network."""
    (tmp_path / "server").mkdir()
    async with make_world(tmp_path / "server", real_time=True) as world, world.server(silence_s=0):
        registry = Registry(world.chain, world.deployment)
        await registry.add_server(world.platform_key, world.keys.address, world.url, world.keys.exchange_public)
        network_files.add(
            Paths(tmp_path / "home" / "data", tmp_path / "home" / "config"), tmp_path / "server" / "deployment.json"
        )
        yield world, tmp_path / "home"


async def record_payee(host: HostProcess, world: World, wallet: str, payee: str, number: int = 0) -> None:
    """Record a payee of the wallet."""
    where = {
        "station": to_hex(world.station),
        "chain_id": world.deployment.chain_id,
        "settlement": to_hex(world.deployment.settlement),
    }
    await host.ask("payees", wallet=wallet, payees=[{"payee": payee, "number": number, "name": "Radio", **where}])


async def begin(world: World, host: HostProcess, song: Upload, stream: str = "s") -> Signed[Session]:
    """``hello``, ``open``, ``identify`` and ``prepare``."""
    await host.hello()
    await host.open(song.cose, stream)
    return await again(world, host, song, stream)


async def again(world: World, host: HostProcess, song: Upload, stream: str = "s") -> Signed[Session]:
    """``identify`` and ``prepare`` with a fresh ticket."""
    return (await ticketed(world, host, song, stream))[0]


async def ticketed(
    world: World, host: HostProcess, song: Upload, stream: str = "s"
) -> tuple[Signed[Session], Signed[Ticket]]:
    """As ``again``; the session and the ticket."""
    now_s = await world.now_ms() // 1000
    session = world.session(from_hex(host.device, 20), now_s - now_s % 3_600)
    await host.identify(session.to_json(), stream=stream)
    ticket = world.ticket(song, session, now_s)
    await host.prepare(ticket.to_json(), stream=stream)
    return session, ticket


async def joined(world: World, host: HostProcess, song: Upload, before: Signed[Ticket] | None) -> Signed[Ticket]:
    """``hello`` and ``open``; then the play from before the crash if it had begun, else a new one."""
    await host.hello()
    await host.open(song.cose)
    if before is not None:
        with suppress(GomaaError):
            await host.ask("rejoin", stream="s", ticket=before.to_json())
            return before
    return (await ticketed(world, host, song))[1]


def good(host: HostProcess, song: Upload, grant: dict[str, Any], indexes: range) -> bool:
    """Return whether a grant opens exactly these segments."""
    ephemeral, keys = from_b64(grant["ephemeral"]), {}
    for index, wrapped in grant["keys"]:
        keys[index] = unwrap(host.renderer[0], ephemeral, from_b64(wrapped), segment_aad(song.content, 1, EPOCH, index))
    return keys == {index: segment_key(song.key, 1, index) for index in indexes}


def ledger(home: Path, statement: str) -> list[tuple[Any, ...]]:
    """Read rows of the host's ledger."""
    with sqlite3.connect(home / "data" / "ledger.sqlite") as db:
        return db.execute(statement).fetchall()


async def settled(host: HostProcess, home: Path) -> None:
    """Wait until everything is reported."""
    while ledger(home, "SELECT 1 FROM invocations WHERE state = 'unreported' LIMIT 1"):
        await host.ask("summary")


async def renewed(host: HostProcess, position_ms: int, segment: int) -> Any:
    """A renewal, repeated until the host has the block that it needs."""
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            try:
                return await host.invoke("renew", position_ms, segment, 2)
            except GomaaError as e:
                if e.code != "invocation.state":
                    raise


async def test_a_running_host_loads_an_added_network(home: tuple[World, Path]) -> None:
    """A browser may start the host before the installation is complete."""
    world, files = home
    song = await world.publish()
    (known,) = (files / "config" / "networks").iterdir()
    aside = known.rename(files / "aside.json")
    async with host_process(files) as host:
        await host.hello()
        with pytest.raises(GomaaError) as before:
            await host.open(song.cose)
        aside.rename(known)
        assert (await host.open(song.cose))["content"] == to_hex(song.content)
    assert before.value.code == "host.network.missing"


async def test_one_play_from_keys_to_claim(home: tuple[World, Path]) -> None:
    """Keys, receipts, the posted counts verified against the chain, and tokens at the listener's address."""
    world, files = home
    song = await world.publish()
    to = bytes(19) + b"\x77"
    async with host_process(files) as host:
        session = await begin(world, host, song)
        play = await host.invoke("play", 0, 0, 5)
        seek = await host.invoke("seek", 20_000, 10, 2)
        for step in range(1, 5):
            await world.travel(3)
            renew = await renewed(host, 20_000 + step * 3_000, 10 + step)
        await host.invoke("stop", 32_000)
        await settled(host, files)
        statement, lines = await world.statement()
        await world.vouch(statement.spent, statement.epoch)
        receipt = await host.event("receipt")
        payee = from_hex(receipt["payee"], 20)
        await record_payee(host, world, to_hex(to), receipt["payee"])
        pending = await host.ask("summary", account=to_hex(to), wallet=to_hex(to))

        await world.to_epoch(receipt["epoch"] + 1)
        assert world.closing is not None
        await world.closing.round()
        counts = await host.ask(
            "verify_counts", server=to_hex(world.keys.address), epoch=receipt["epoch"], content=to_hex(song.content)
        )
        await world.travel(40)
        leaf = await host.ask("leaf", server=to_hex(world.keys.address), epoch=receipt["epoch"], payee=receipt["payee"])
        claim = Claim(server=world.keys.address, epoch=receipt["epoch"], payee=payee, to=to, tip=0)
        signed = sign(claim, world.deployment.domain, private_key("listener payee")).to_json()
        paid = await host.ask("claim", claims=[signed])
        after = await host.ask("summary", account=to_hex(to), wallet=to_hex(to))

    assert good(host, song, play["grant"], range(5))
    assert good(host, song, seek["grant"], range(10, 12))
    assert (payee, lines[0]["intervals"]) == (session.message.payee, renew["intervals"])
    assert (counts["plays"], counts["seeks"], counts["verified"]) == (1, 1, True)
    assert (leaf["amount_wei"], leaf["final"], leaf["verified"]) == (receipt["amount_wei"], True, True)
    assert pending["receipts"][0]["state"] == "pending"
    assert paid["amount_wei"] == receipt["amount_wei"] == after["balance_wei"]
    assert (after["receipts"][0]["state"], after["receipts"][0]["transaction"]) == ("claimed", paid["transaction"])


async def test_a_revocation_on_the_chain_stops_the_keys(home: tuple[World, Path]) -> None:
    """During a play: the host sends the event, and releases no further key."""
    world, files = home
    song = await world.publish()
    async with host_process(files) as host:
        await begin(world, host, song)
        await host.invoke("play", 0, 0, 3)
        await Content(world.chain, song.content).revoke(world.owner_key)
        event = await host.event("revoked")
        with pytest.raises(GomaaError) as caught:
            await host.invoke("renew", 1_000, 3, 2)
        with pytest.raises(GomaaError) as reopened:
            await host.open(song.cose, "other")

    assert event["code"] == caught.value.code == reopened.value.code == "content.revoked"


async def test_the_header_is_compared_with_the_chain(home: tuple[World, Path]) -> None:
    """An unregistered content, an altered header and an unregistered site each have their code."""
    world, files = home
    song = await world.publish()
    altered = bytearray(song.cose)
    altered[-80] ^= 1
    async with host_process(files) as host:
        await host.hello()
        with pytest.raises(GomaaError) as caught:
            await host.open(bytes(altered))
        foreign = await host.open(song.cose, origin="https://elsewhere.example")
        with pytest.raises(GomaaError) as unbound:
            await host.identify(None)

    assert caught.value.code in ("sps.header.signature", "sps.header.malformed")
    assert foreign["station"] is None
    assert unbound.value.code == "station.unknown"


async def test_a_play_continues_without_the_chain(home: tuple[World, Path]) -> None:
    """Without the node no other song opens; the play continues within its lease, and is recorded."""
    world, files = home
    song = await world.publish()
    unseen = await world.publish(terms(), "unseen")
    async with host_process(files) as host:
        await begin(world, host, song)
        await host.invoke("play", 0, 0, 2)
        world.anvil.stop()
        renew = await host.invoke("renew", 0, 2, 2)
        with pytest.raises(GomaaError) as caught:
            await host.open(unseen.cose, "other")

    assert caught.value.code == "chain.unreachable"
    assert good(host, song, renew["grant"], range(2, 4))
    assert ledger(files, "SELECT count(*) FROM invocations") == [(2,)]


async def test_two_browsers_share_one_ledger(home: tuple[World, Path]) -> None:
    """Two hosts in one session: sequence numbers are unique, and the limit of plays applies to both."""
    world, files = home
    song = await world.publish(terms(counts={"play": {"limit": 3}}))
    async with host_process(files) as one, host_process(files) as two:
        await begin(world, one, song)
        await begin(world, two, song)
        await asyncio.gather(one.invoke("play", 0, 0, 1), two.invoke("play", 0, 0, 1))
        await asyncio.gather(one.invoke("stop"), two.invoke("stop"))
        await settled(one, files)
        await again(world, one, song)
        await again(world, two, song)
        done = await asyncio.gather(one.invoke("play", 0, 0, 1), two.invoke("play", 0, 0, 1), return_exceptions=True)

    codes = [result.code for result in done if isinstance(result, GomaaError)]
    assert one.device == two.device
    assert codes == ["policy.count.exhausted"], done
    assert ledger(files, "SELECT count(*), max(sequence), count(DISTINCT sequence) FROM invocations") == [(5, 5, 5)]


async def test_a_hold_gives_the_first_seconds_and_its_play_counts_once(home: tuple[World, Path]) -> None:
    """Keys of 4 s and no more before the play; a closed player gives the play back."""
    world, files = home
    song = await world.publish(
        terms(counts={"play": {"limit": 1}}, lease={"window_s": 60, "seconds": 600, "invocations": 100})
    )
    async with host_process(files) as host:
        await begin(world, host, song, "a")
        await host.open(song.cose, "b")
        await again(world, host, song, "b")
        held = await host.ask("invoke", stream="a", action="hold", position_ms=0, segment=0, count=10)
        with pytest.raises(GomaaError) as second:
            await host.ask("invoke", stream="b", action="hold", position_ms=0, segment=0, count=2)
        await host.ask("close", stream="a")
        again_held = await host.ask("invoke", stream="b", action="hold", position_ms=0, segment=0, count=2)
        played = await host.ask("invoke", stream="b", action="play", position_ms=0, segment=0, count=10)
        await settled(host, files)

    assert good(host, song, held["grant"], range(2))
    assert good(host, song, again_held["grant"], range(2))
    assert good(host, song, played["grant"], range(10))
    assert second.value.code == "policy.count.exhausted"
    assert (held["left"], played["left"], played["heard_ms"]) == ({"play": 0}, {"play": 0}, 0)
    actions = [(1, "hold"), (2, "release"), (3, "hold"), (4, "play")]
    assert ledger(files, "SELECT sequence, action FROM invocations WHERE state = 'reported'") == actions
    assert served(world) == (actions, [1, 0])


async def test_a_host_killed_beside_holds_loses_and_doubles_none(home: tuple[World, Path]) -> None:
    """SIGKILL at random moments of hold, play and release: host and server count exactly the plays."""
    world, files = home
    lease = {"window_s": 30, "seconds": 600, "invocations": 1_000}
    song = await world.publish(terms(counts={"play": {"limit": 9_999}}, lease=lease))
    moments, sounded = random.Random(11), 0
    for _ in range(KILLS // 2):
        async with host_process(files) as host:
            await joined(world, host, song, None)
            for action in moments.choice((("hold", "play"), ("hold", "release", "hold", "play"), ("hold",))):
                host.send("invoke", stream="s", action=action, position_ms=0, segment=0, count=2)
            await host.replied(host.number - moments.randrange(0, 5))
            await host.kill()
            keys = [reply for reply in host.replies.values() if reply["ok"] and (reply["result"] or {}).get("grant")]
            sounded += len(keys)
    async with host_process(files) as host:
        await host.hello()
        await settled(host, files)

    rows = ledger(files, "SELECT sequence, action FROM invocations WHERE state = 'reported' ORDER BY sequence")
    plays = sum(action == "play" for _, action in rows)
    assert ledger(files, "SELECT count(*) FROM invocations WHERE state <> 'reported'") == [(0,)]
    assert ledger(files, "SELECT plays, seeks FROM usage") == [(plays, 0)]
    assert sounded <= sum(action != "release" for _, action in rows)
    assert served(world) == (rows, [plays, 0])


async def test_a_killed_host_loses_and_repeats_nothing(home: tuple[World, Path]) -> None:
    """SIGKILL at random moments of many seeks, then the same play or a new one.

    Every released key is in the ledger, and ledger and server agree exactly.
    """
    world, files = home
    lease = {"window_s": 30, "seconds": 600, "invocations": 1_000}
    song = await world.publish(terms(counts={"play": {"limit": 9_999}, "seek": {"limit": 9_999}}, lease=lease))
    moments, answered = random.Random(7), set()
    ticket: Signed[Ticket] | None = None
    for turn in range(KILLS):
        async with host_process(files) as host:
            before = ticket if turn % 2 else None
            ticket = await joined(world, host, song, before)
            if ticket != before:
                host.send("invoke", stream="s", action="play", position_ms=0, segment=0, count=2)
            for n in range(40):
                # Within the lease, and beyond it, where the server grants.
                position_ms = 100_000 if n % 8 == 7 else 1_000 * (n % 10)
                host.send(
                    "invoke", stream="s", action="seek", position_ms=position_ms, segment=position_ms // 2_000, count=1
                )
            # The others are under way when the reply to this one arrives.
            await host.replied(host.number - moments.randrange(0, 41))
            await host.kill()
            got = [
                reply["result"]
                for reply in host.replies.values()
                if reply["ok"] and "sequence" in (reply["result"] or {})
            ]
            answered |= {result["sequence"] for result in got if result["grant"]}
    async with host_process(files) as host:
        await host.hello()
        await settled(host, files)

    rows = ledger(files, "SELECT sequence, action, state FROM invocations ORDER BY sequence")
    counted = [(sequence, action) for sequence, action, state in rows if state == "reported"]
    totals = [sum(1 for _, name in counted if name == action) for action in ("play", "seek")]
    assert [sequence for sequence, _, _ in rows] == list(range(1, len(rows) + 1))
    assert answered <= {sequence for sequence, _ in counted}
    assert ledger(files, "SELECT plays, seeks FROM usage") == [tuple(totals)]
    assert served(world) == (counted, totals)


def served(world: World) -> tuple[list[tuple[int, str]], list[int]]:
    """Counters of the server, in the same form."""
    with sqlite3.connect(world.folder / "server.sqlite3") as db:
        rows = db.execute("SELECT sequence, action FROM invocations WHERE code IS NULL ORDER BY sequence").fetchall()
        ((plays, seeks),) = db.execute("SELECT plays, seeks FROM usages").fetchall()
    return rows, [plays, seeks]


async def test_a_browser_that_quits_ends_its_host(home: tuple[World, Path]) -> None:
    """Closing the pipe ends the process with 0; an incomplete frame with 2 and an error."""
    _, files = home
    async with host_process(files) as host:
        await host.hello()
        code = await host.leave()
    async with host_process(files) as host:
        await host.hello()
        assert host.process.stdin is not None
        host.process.stdin.write(b"\xff\xff\xff\xff")
        broken = await asyncio.wait_for(host.process.wait(), TIMEOUT_S)
        await host.reader

    assert (code, broken) == (0, 2)
    assert host.replies[0]["error"]["code"] == "host.frame.size"


async def test_requests_before_the_end_of_the_pipe_are_completed(home: tuple[World, Path]) -> None:
    """A stop in the browser's last moment is in the ledger and at the server."""
    world, files = home
    song = await world.publish()
    async with host_process(files) as host:
        await begin(world, host, song)
        await host.invoke("play", 0, 0, 1)
        host.send("invoke", stream="s", action="stop", position_ms=0)
        await host.leave()

    assert [action for (action,) in ledger(files, "SELECT action FROM invocations")] == ["play", "stop"]
    # The host gives its last report a second; what that was too short for goes with the next host.
    async with host_process(files) as host:
        await host.hello()
        await settled(host, files)
    assert ledger(files, "SELECT action, state FROM invocations") == [("play", "reported"), ("stop", "reported")]


async def test_malformed_frames_between_requests(home: tuple[World, Path]) -> None:
    """Each is answered with id 0, and the next request works."""
    _, files = home
    async with host_process(files) as host:
        for body in (b"{", b"\xff", b"[]", b"[" * 500_000, b""):
            host.write(body)
        await host.hello()

    assert host.replies[0]["error"]["code"] == "host.frame.malformed"
