"""A content moves between two real servers on a real chain.

Sealed keys, counters, the play under way, both servers' money.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from audit.run import audit
from chain.contracts.content import Content
from chain.contracts.registry import Registry
from native_host.playback.content_check import check_content
from native_host.remote.network import Network
from pywallet.crypto import address_of
from pywallet.crypto import sign as sign_digest
from pywallet.encoding.hex import from_b64, to_hex
from pywallet.errors import GomaaError
from pywallet.policy import Policy
from pywallet.sps.signed_header import open_header
from security_server.config import Keys
from security_server.content.handover import (
    FIRST,
    Sealed,
    request_digest,
    unseal,
)
from security_server.context import Core
from security_server.db.tables import (
    content_keys,
    former_plays,
    takeovers,
    usages,
)
from station.chain_client import ChainClient
from studio import moving
from tests.integration.server_client import HostClient
from tests.integration.server_songs import Upload, make_song, terms
from tests.integration.server_world import SCHEDULE, World, make_world

LENGTH = SCHEDULE.length


@dataclass
class Pair:
    """Two listed, bonded servers; the song begins at ``old``."""

    old: World
    new: World

    @property
    def content(self) -> Content:
        """The song's door."""
        return Content(self.old.chain, self.song.content)

    song: Upload = None  # type: ignore[assignment]

    async def travel(self, seconds: int) -> int:
        """Time for both."""
        now_ms = await self.old.travel(seconds)
        while self.new.core is not None and await self.new.core.now_ms() < now_ms:
            await self.new.core.chain.lane()
        return now_ms

    async def to_epoch(self, epoch: int) -> int:
        """Just after an epoch's beginning."""
        return await self.travel(max(1, epoch * LENGTH + 1 - await self.old.now_ms() // 1000))

    async def epoch(self) -> int:
        """The running epoch."""
        return await self.old.now_ms() // 1000 // LENGTH

    async def propose(self) -> None:
        """The band names the new server."""
        await self.content.propose_server(self.old.owner_key, self.new.keys.address)

    async def take(self) -> int:
        """The new server takes it over; its first epoch."""
        return int((await self.new.call("POST", "/v1/moves", {"content": to_hex(self.song.content)}))["from_epoch"])

    async def handover(self, key: bytes | None = None, after: bytes | None = None, **changes: Any) -> dict[str, Any]:
        """What the new server would ask the old one, or somebody else with another key."""
        time_s = changes.pop("time_s", await self.old.now_ms() // 1000)
        server = address_of(key or self.new.keys.signing)
        signed = request_digest(self.song.content, self.old.keys.address, server, after or FIRST, time_s)
        body = {"content": to_hex(self.song.content), "server": to_hex(server), "time_s": time_s}
        if after is not None:
            body["after"] = to_hex(after)
        body["signature"] = to_hex(sign_digest(key or self.new.keys.signing, signed))
        return await self.old.call("POST", "/v1/handovers", {**body, **changes})


@contextlib.asynccontextmanager
async def pair(folder: Path, policy: Policy | None = None) -> AsyncIterator[Pair]:
    """Both servers run, the song is published at the old one, and the registry says where both answer."""
    async with make_world(folder) as old:
        (folder / "new").mkdir()
        new = replace(old, keys=Keys.make(old.anvil.keys[5]), folder=folder / "new")
        await new.prepare()
        async with old.server(station_age_s=0.5), new.server(station_age_s=0.5):
            made = Pair(old, new)
            for world in (old, new):
                await list_server(world, world.url)
            made.song = await old.publish(policy)
            await made.to_epoch(await made.epoch() + 1)
            yield made


async def list_server(world: World, url: str, active: bool = True) -> None:
    """The registry's entry of a world's server."""
    registry = Registry(world.chain, world.deployment)
    await registry.add_server(world.platform_key, world.keys.address, url, world.keys.exchange_public, active)


async def code_of(awaitable: Any) -> str:
    """The code of a failure that must come."""
    with pytest.raises(GomaaError) as error:
        await awaitable
    return error.value.code


class Fan:
    """One listener at one server, in real time on the chain's clock."""

    def __init__(self, both: Pair, world: World, host: HostClient, listener: str = "fan") -> None:
        self.both, self.world, self.host, self.listener = both, world, host, listener
        self.at_ms = 0

    async def open(self) -> dict[str, Any]:
        """A fresh ticket of this server."""
        now_s = await self.world.now_ms() // 1000
        await self.host.hello(now_s * 1000)
        session = self.world.session(address_of(self.host.device_key), now_s, self.listener)
        self.ticket = self.world.ticket(self.both.song, session, now_s)
        return await self.host.open(session, self.ticket)

    async def play(self) -> dict[str, Any]:
        """The play begins, with keys."""
        return await self.host.grant(self.host.invocation(self.ticket, "play", 0, await self.world.now_ms()))

    async def listen(self, seconds: int) -> dict[str, Any]:
        """Renewals every five seconds, with keys."""
        result: dict[str, Any] = {}
        for _ in range(0, seconds, 5):
            self.at_ms += 5000
            now_ms = await self.both.travel(5)
            result = await self.host.grant(
                self.host.invocation(self.ticket, "renew", self.at_ms, now_ms), first=self.at_ms // 2000
            )
        return result

    async def stop(self) -> dict[str, Any]:
        """The end."""
        return await self.host.report(self.host.invocation(self.ticket, "stop", self.at_ms, await self.world.now_ms()))


async def settle(world: World) -> int:
    """The station pays what it owes this server; the statement's epoch."""
    statement, _ = await world.statement()
    await world.vouch(statement.spent, statement.epoch)
    return statement.epoch


async def rows(core: Core, query: Any) -> list[Any]:
    """What a query finds."""
    return list(await core.store.run(lambda connection: connection.execute(query).all()))


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
            # Until the epoch's end nothing changes.
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


async def test_keys_go_to_the_proposed_server_only(tmp_path: Path) -> None:
    """Signed by its key, in time, listed, and sealed to the key that the registry has for it."""
    async with pair(tmp_path) as both:
        old, new = both.old, both.new
        assert await code_of(both.handover()) == "server.handover"
        assert await code_of(both.take()) == "server.handover"
        await both.propose()
        stranger = old.anvil.keys[6]
        assert await code_of(both.handover(stranger)) == "server.handover"
        assert await code_of(both.handover(server=to_hex(address_of(stranger)))) == "server.handover"
        assert await code_of(both.handover(old.keys.signing)) == "server.handover"
        assert await code_of(both.handover(signature="0x" + "11" * 65)) == "server.handover"
        assert await code_of(both.handover(time_s=await old.now_ms() // 1000 - 31)) == "invocation.time"
        assert await code_of(both.handover(content="0x" + "12" * 20)) == "server.handover"
        answer = await both.handover()
        sealed = Sealed(from_b64(answer["ephemeral"]), from_b64(answer["sealed"]))
        servers = (both.song.content, old.keys.address, new.keys.address)
        parcel = unseal(new.keys.exchange, sealed, *servers)
        assert (parcel.header, list(parcel.keys.values())) == (both.song.cose, [both.song.key])
        # No counters before the new server has accepted.
        assert parcel.counters == []
        assert both.song.key not in sealed.sealed
        for key, row in (
            (old.keys.exchange, servers),
            (new.keys.exchange, (bytes(20), *servers[1:])),
            (new.keys.exchange, (servers[0], *servers[:0:-1])),
        ):
            with pytest.raises(GomaaError, match=r"message\.schema"):
                unseal(key, sealed, *row)
        await list_server(new, new.url, active=False)
        await both.travel(1)
        assert old.core is not None
        old.core.chain._cache.forget("entry")
        assert await code_of(both.handover()) == "server.handover"
        assert await code_of(both.take()) in ("server.handover", "chain.reverted")
        await list_server(new, new.url)
        old.core.chain._cache.forget("entry")
        await both.content.propose_server(old.owner_key, None)
        assert await code_of(both.handover()) == "server.handover"


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
        assert new.core is not None
        counted = await rows(new.core, select(usages.c.plays, usages.c.seeks, usages.c.heard_ms))
        assert [(row.plays, row.seeks) for row in counted] == [(2, 1)]
        assert len(await rows(new.core, select(former_plays))) == 2


async def test_counters_come_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many listeners there are, all of them are handed over."""
    monkeypatch.setattr("security_server.content.handover.LISTENERS", 2)
    async with pair(tmp_path) as both:
        assert both.old.core is not None
        assert both.new.core is not None
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
            await both.old.core.store.run(
                lambda connection, row=row: connection.execute(usages.insert().values(**row)) and None
            )
        await both.propose()
        await both.take()
        found = await rows(both.new.core, select(usages.c.listener, usages.c.plays).order_by(usages.c.listener))
        assert [(row.listener, row.plays) for row in found] == list(zip(people, range(5), strict=True))


async def test_the_old_servers_keys_are_shredded_afterwards(tmp_path: Path) -> None:
    """A whole epoch after its last one and when no ticket lasts; what comes back is handed over again."""
    async with pair(tmp_path) as both:
        old, new = both.old, both.new
        async with old.host("one") as at_old:
            fan = Fan(both, old, at_old)
            await fan.open()
            await fan.play()
            await both.propose()
            first = await both.take()
            assert old.core is not None
            assert new.core is not None
            moves = old.moves
            assert moves is not None
            for epoch in (first, first + 1):
                await both.to_epoch(epoch)
                await moves.round()
                # The ticket is good for an hour.
                assert len(await rows(old.core, select(content_keys))) == 1
            await both.travel(3_600)
            await moves.round()
            assert await rows(old.core, select(content_keys)) == []
            await old.core.songs.get(both.song.content)
            assert await code_of(both.handover()) == "server.moved"
            assert await code_of(Fan(both, old, at_old).open()) == "server.moved"
        await both.content.propose_server(old.owner_key, old.keys.address)
        back = int((await old.call("POST", "/v1/moves", {"content": to_hex(both.song.content)}))["from_epoch"])
        await both.to_epoch(back)
        async with old.host("two") as at_old:
            fan = Fan(both, old, at_old)
            assert (await fan.open())["usage"]["plays"] == 1
            assert at_old.check_keys(await fan.play(), both.song)


async def test_taking_over_twice_does_it_once(tmp_path: Path) -> None:
    """A request again after a lost answer says the same epoch; what a crash left undone is done then."""
    async with pair(tmp_path) as both:
        new = both.new
        await both.propose()
        first = await both.take()
        assert await both.take() == first
        assert new.core is not None
        assert [row.from_epoch for row in await rows(new.core, select(takeovers))] == [first]
        await new.core.store.run(
            lambda connection: connection.execute(takeovers.update().values(from_epoch=None)) and None
        )
        assert await both.take() == first
        assert [row.from_epoch for row in await rows(new.core, select(takeovers))] == [first]


async def test_a_server_without_a_bond_takes_nothing(tmp_path: Path) -> None:
    """Its receipts would be worth nothing: it does not accept."""
    async with pair(tmp_path) as both:
        await both.new.settlement.retire(both.new.platform_key, both.new.keys.address)
        await both.propose()
        assert await code_of(both.take()) == "server.unbonded"
        assert await both.content.proposed_server() == both.new.keys.address


async def test_an_old_server_that_is_gone_holds_up_nothing(tmp_path: Path) -> None:
    """The band hands the keys over itself; after an acceptance, the first copy of the counters stays good."""
    async with pair(tmp_path) as both:
        old, new = both.old, both.new
        await both.propose()
        await list_server(old, "http://127.0.0.1:9")
        assert new.core is not None
        new.core.chain._cache.forget("entry")
        assert await code_of(both.take()) == "server.unreachable"
        body = both.song.body(old.owner_key, new.keys.exchange_public)
        await new.call("PUT", f"/v1/contents/{to_hex(both.song.content)}", body)
        first = await both.take()
        await both.to_epoch(first)
        async with new.host("one") as at_new:
            fan = Fan(both, new, at_new)
            await fan.open()
            assert at_new.check_keys(await fan.play(), both.song)


async def test_only_a_server_that_may_serve_gets_an_upload(tmp_path: Path) -> None:
    """Not one that nobody proposed, and not a file that names another first server."""
    async with pair(tmp_path) as both:
        old, new = both.old, both.new
        path = f"/v1/contents/{to_hex(both.song.content)}"
        assert (
            await code_of(new.call("PUT", path, both.song.body(old.owner_key, new.keys.exchange_public)))
            == "server.mismatch"
        )
        await both.propose()
        other = make_song(
            both.song.content,
            old.owner_key,
            new.keys.address,
            new.keys.exchange_public,
            old.deployment.chain_id,
            both.song.policy,
        )
        assert (
            await code_of(new.call("PUT", path, other.body(old.owner_key, new.keys.exchange_public)))
            == "server.mismatch"
        )
        await new.call("PUT", path, both.song.body(old.owner_key, new.keys.exchange_public))


async def test_a_withdrawn_content_is_not_taken(tmp_path: Path) -> None:
    """Revoked between proposal and handover, its keys stay where they are shredded."""
    async with pair(tmp_path) as both:
        await both.propose()
        await both.content.revoke(both.old.owner_key)
        assert await code_of(both.take()) in ("content.revoked", "server.handover", "chain.reverted")
        assert both.new.core is not None
        assert await rows(both.new.core, select(content_keys)) == []


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
            assert await code_of(check_content(network, header, "https://radio.example")) == "server.unbonded"
        finally:
            await network.close()
            await door.close()


async def test_a_band_moves_its_song_with_the_studio(tmp_path: Path) -> None:
    """One call proposes and has the new server take over.

    Again is harmless, and each mistake is said before anything is sent.
    """
    async with pair(tmp_path) as both:
        old, new, content = both.old, both.new, both.song.content
        deployment, key = old.deployment, old.owner_key
        assert await code_of(moving.move(deployment, bytes(20), key, new.keys.address)) == "content.unknown"
        assert await code_of(moving.move(deployment, content, key, address_of(old.anvil.keys[6]))) == "server.mismatch"
        await list_server(new, old.url)
        assert await code_of(moving.move(deployment, content, key, new.keys.address)) == "server.mismatch"
        await list_server(new, new.url)
        assert await both.content.proposed_server() is None
        assert await code_of(moving.move(deployment, content, old.station_key, new.keys.address)) == "chain.reverted"
        moved = await moving.move(deployment, content, key, new.keys.address)
        assert (moved.from_epoch, moved.server.url) == (await both.epoch() + 1, new.url)
        again = await moving.move(deployment, content, key, new.keys.address)
        assert (again.from_epoch, again.transaction) == (moved.from_epoch, None)
        assert (await moving.serving(old.chain, deployment, content)).address == old.keys.address
        await both.to_epoch(moved.from_epoch)
        assert (await moving.serving(old.chain, deployment, content)).address == new.keys.address
        await both.content.propose_server(key, old.keys.address)
        await moving.retract(deployment, content, key)
        assert await both.content.proposed_server() is None


async def test_an_operator_may_want_to_be_asked(tmp_path: Path) -> None:
    """With ``accept_moves = false`` a content is taken by the admin's word alone."""
    async with pair(tmp_path) as both:
        new = both.new
        await both.propose()
        async with new.server(accept_moves=False, database=str(tmp_path / "fresh.sqlite3")):
            assert await code_of(both.take()) == "message.denied"
            headers = {"Authorization": f"Bearer {new.keys.admin}"}
            answer = await new.call("POST", "/v1/moves", {"content": to_hex(both.song.content)}, headers=headers)
            assert answer["from_epoch"] == await both.epoch() + 1
