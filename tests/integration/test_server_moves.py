"""Moves of a content between two security servers: counters, running plays, both servers' settlement."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from audit.run import audit
from native_host.playback.content_check import check_content
from native_host.remote.network import Network
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError
from pywallet.sps.signed_header import open_header
from security_server.db.tables import (
    content_keys,
    former_plays,
    usages,
)
from station.chain_client import ChainClient
from tests.integration.moves_world import Fan, Pair, code_of, list_server, pair, rows, settle
from tests.integration.server_songs import terms
from tests.integration.server_world import SCHEDULE, World


async def test_a_content_moves_at_an_epochs_end(tmp_path: Path) -> None:
    """Before it the old server serves, after it the new one; plays, limits and both servers' money are whole."""
    async with pair(tmp_path) as both:
        old, new = both.old, both.new
        async with old.host("one") as at_old, new.host("one") as at_new:
            one = Fan(both, old, at_old)
            await one.open()
            await one.play()
            await one.listen(10)
            await one.stop()
            await both.propose()
            first = await both.take()
            assert first == await both.epoch() + 1
            # Before the epoch's end nothing changes.
            early = Fan(both, new, at_new)
            with pytest.raises(GomaaError) as refused:
                await early.open()
            assert refused.value.code == "server.moved"
            assert refused.value.detail == {"server": to_hex(old.keys.address)}
            two = Fan(both, old, at_old, "two")
            await two.open()
            await two.play()
            await two.listen(10)
            unused = Fan(both, old, at_old, "three")
            await unused.open()
            await both.to_epoch(first)
            # A new ticket is opened at the new server only, and an opened one does not begin at the old one any more.
            with pytest.raises(GomaaError) as refused:
                await Fan(both, old, at_old, "four").open()
            assert refused.value.code == "server.moved"
            assert refused.value.detail == {"server": to_hex(new.keys.address)}
            assert await code_of(unused.play()) == "server.moved"
            # The play under way goes on with its keys, and is counted to its end.
            two.at_ms += 2000
            assert at_old.check_keys(await two.listen(5), both.song)
            assert (await two.stop())["refused"] == []
            # The new server goes on counting where the old one stopped.
            again = Fan(both, new, at_new)
            opened = await again.open()
            assert opened["usage"]["plays"] == 1
            assert opened["usage"]["seconds"] == 10
            granted = await again.play()
            assert at_new.check_keys(granted, both.song)
            assert granted["left"]["play"] == 3
            await again.listen(10)
            await again.stop()
            for world in (old, new):
                assert await settle(world) == first
            await close(both, old, new, first)
            seen: list[tuple[bytes, int]] = []
            result = await audit(
                old.chain, old.deployment, on_epoch=lambda one: seen.append((one.totals.server, one.totals.epoch))
            )
            assert result.faults == []
            assert {(old.keys.address, first), (new.keys.address, first)} <= set(seen)


async def close(both: Pair, *worlds: World | int) -> None:
    """Post an epoch at both servers, and let it become final."""
    epoch = int(worlds[-1])  # type: ignore[arg-type]
    await both.to_epoch(epoch + 1)
    for world in (both.old, both.new):
        assert world.closing is not None
        await world.closing.round()
    await both.travel(SCHEDULE.grace + SCHEDULE.window + 1)
    for world in (both.old, both.new):
        assert world.closing is not None
        await world.closing.round()


async def test_limits_are_not_reset_by_a_move(tmp_path: Path) -> None:
    """Plays, seeks, timed counts and devices: what was used up at the old server is used up at the new one."""
    policy = terms(counts={"play": {"limit": 2, "unit": "timed", "after_s": 5}, "seek": {"limit": 1}}, devices=1)
    async with pair(tmp_path, policy) as both:
        old, new = both.old, both.new
        async with old.host("one") as at_old:
            for _ in range(2):
                fan = Fan(both, old, at_old)
                await fan.open()
                await fan.play()
                await fan.listen(10)
                await at_old.report(at_old.invocation(fan.ticket, "seek", 0, await old.now_ms()))
                await fan.stop()
        await both.propose()
        first = await both.take()
        await both.to_epoch(first)
        async with new.host("one") as at_new, new.host("another") as elsewhere:
            fan = Fan(both, new, at_new)
            assert (await fan.open())["usage"]["plays"] == 2
            assert await code_of(fan.play()) == "policy.count.exhausted"
            other = Fan(both, new, elsewhere)
            await other.open()
            assert await code_of(other.play()) in ("policy.device.limit", "policy.count.exhausted")
        assert new.parts is not None
        counted = await rows(new.parts, select(usages.c.plays, usages.c.seeks, usages.c.heard_ms))
        assert [(row.plays, row.seeks) for row in counted] == [(2, 1)]
        assert len(await rows(new.parts, select(former_plays))) == 2


async def test_counters_come_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counters of more listeners than one part holds are all handed over."""
    monkeypatch.setattr("security_server.content.handover.LISTENERS", 2)
    async with pair(tmp_path) as both:
        assert both.old.parts is not None
        assert both.new.parts is not None
        people = [bytes([n]) * 20 for n in range(1, 6)]
        for n, listener in enumerate(people):
            row = {
                "listener": listener,
                "content": both.song.content,
                "plays": n,
                "seeks": 0,
                "heard_ms": 7,
                "first_play_s": 9,
                "actions": "{}",
            }
            await both.old.parts.store.run(
                lambda connection, row=row: connection.execute(usages.insert().values(**row)) and None
            )
        await both.propose()
        await both.take()
        found = await rows(both.new.parts, select(usages.c.listener, usages.c.plays).order_by(usages.c.listener))
        assert [(row.listener, row.plays) for row in found] == list(zip(people, range(5), strict=True))


async def test_the_old_server_deletes_its_keys_afterwards(tmp_path: Path) -> None:
    """A whole epoch after its last one, once no ticket is valid; a content that returns is handed over again."""
    async with pair(tmp_path) as both:
        old, new = both.old, both.new
        async with old.host("one") as at_old:
            fan = Fan(both, old, at_old)
            await fan.open()
            await fan.play()
            await both.propose()
            first = await both.take()
            assert old.parts is not None
            assert new.parts is not None
            moves = old.moves
            assert moves is not None
            for epoch in (first, first + 1):
                await both.to_epoch(epoch)
                await moves.round()
                # The ticket is valid for an hour.
                assert len(await rows(old.parts, select(content_keys))) == 1
            await both.travel(3_600)
            await moves.round()
            assert await rows(old.parts, select(content_keys)) == []
            await old.parts.songs.get(both.song.content)
            assert await code_of(both.handover()) == "server.moved"
            assert await code_of(Fan(both, old, at_old).open()) == "server.moved"
        await both.content.propose_server(old.owner_key, old.keys.address)
        back = int((await old.call("POST", "/v1/moves", {"content": to_hex(both.song.content)}))["from_epoch"])
        await both.to_epoch(back)
        async with old.host("two") as at_old:
            fan = Fan(both, old, at_old)
            assert (await fan.open())["usage"]["plays"] == 1
            assert at_old.check_keys(await fan.play(), both.song)


async def test_a_move_completes_without_the_old_server(tmp_path: Path) -> None:
    """The owner uploads the keys itself; after the acceptance the first copy of the counters counts."""
    async with pair(tmp_path) as both:
        old, new = both.old, both.new
        await both.propose()
        await list_server(old, "http://127.0.0.1:9")
        assert new.parts is not None
        new.parts.chain._cache.forget("entry")
        assert await code_of(both.take()) == "server.unreachable"
        body = both.song.body(old.owner_key, new.keys.exchange_public)
        await new.call("PUT", f"/v1/contents/{to_hex(both.song.content)}", body)
        first = await both.take()
        await both.to_epoch(first)
        async with new.host("one") as at_new:
            fan = Fan(both, new, at_new)
            await fan.open()
            assert at_new.check_keys(await fan.play(), both.song)


async def test_hosts_and_stations_follow_the_chain(tmp_path: Path) -> None:
    """The file's header still names the old server.

    From the epoch's beginning both go to the new one, and to none without a bond.
    """
    async with pair(tmp_path) as both:
        old, new = both.old, both.new
        header = open_header(both.song.cose)
        network, door = Network(old.deployment, lambda content, code: None), ChainClient(old.deployment)
        await network.ready()
        try:

            async def named() -> set[bytes]:
                now_ms = await old.now_ms()
                while network.now_ms() < now_ms or await door.now_ms() < now_ms:
                    await door.rate(0)
                facts = await door.content(both.song.content, old.station)
                assert facts is not None
                network.forget(both.song.content)
                found = await check_content(network, header, "https://radio.example")
                assert found.server_url == (old if found.server == old.keys.address else new).url
                return {facts.server, found.server}

            assert await named() == {old.keys.address}
            await both.propose()
            first = await both.take()
            assert await named() == {old.keys.address}
            await both.to_epoch(first)
            assert await named() == {new.keys.address}
            await new.settlement.retire(new.platform_key, new.keys.address)
            network.forget(both.song.content)
            assert await code_of(check_content(network, header, "https://radio.example")) == "server.unbonded"
        finally:
            await network.close()
            await door.close()
