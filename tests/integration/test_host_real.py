"""A real host process, chain and security server: one complete play, and requests around its ends."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from chain.contracts.content import Content
from demo.waiting import TIMEOUT_S
from pywallet.encoding.hex import from_hex, to_hex
from pywallet.errors import GomaaError
from pywallet.protocol import (
    Claim,
    sign,
)
from tests.integration.host_process import host_process
from tests.integration.real_host import again, begin, good, ledger, record_payee, renewed, settled
from tests.integration.server_songs import terms
from tests.integration.server_world import World, private_key


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
            await renewed(host, 20_000 + step * 3_000, 10 + step)
        stop = await host.invoke("stop", 32_000)
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
    assert (payee, lines[0]["intervals"]) == (session.message.payee, stop["intervals"])
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
