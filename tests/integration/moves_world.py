"""Two listed, bonded security servers on a real chain, and a content that moves between them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from chain.contracts.content import Content
from chain.contracts.registry import Registry
from pywallet.crypto import address_of
from pywallet.crypto import sign as sign_digest
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError
from pywallet.policy import Policy
from security_server.config import Keys
from security_server.content.handover import (
    FIRST,
    request_digest,
)
from security_server.parts import ServerParts
from tests.integration.server_client import HostClient
from tests.integration.server_songs import Upload
from tests.integration.server_world import SCHEDULE, World, make_world

LENGTH = SCHEDULE.length


@dataclass
class Pair:
    """Two listed, bonded servers; the song begins at ``old``."""

    old: World
    new: World

    @property
    def content(self) -> Content:
        """The song's contract."""
        return Content(self.old.chain, self.song.content)

    song: Upload = None  # type: ignore[assignment]

    async def travel(self, seconds: int) -> int:
        """Advance the clock of both servers; return the new time, ms."""
        now_ms = await self.old.travel(seconds)
        while self.new.parts is not None and await self.new.parts.chain.now_ms() < now_ms:
            await self.new.parts.chain.lane()
        return now_ms

    async def to_epoch(self, epoch: int) -> int:
        """Advance to just after an epoch's beginning."""
        return await self.travel(max(1, epoch * LENGTH + 1 - await self.old.now_ms() // 1000))

    async def epoch(self) -> int:
        """The running epoch."""
        return await self.old.now_ms() // 1000 // LENGTH

    async def propose(self) -> None:
        """Propose the new server as the owner."""
        await self.content.propose_server(self.old.owner_key, self.new.keys.address)

    async def take(self) -> int:
        """Accept the content as the new server; return its first epoch."""
        return int((await self.new.call("POST", "/v1/moves", {"content": to_hex(self.song.content)}))["from_epoch"])

    async def handover(self, key: bytes | None = None, after: bytes | None = None, **changes: Any) -> dict[str, Any]:
        """Request a handover as the new server, or with another key."""
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
    """Both servers run, the song is published at the old one, and the registry has both URLs."""
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
    """Return the code of an expected failure."""
    with pytest.raises(GomaaError) as error:
        await awaitable
    return error.value.code


class Fan:
    """One listener at one server, in real time on the chain's clock."""

    def __init__(self, both: Pair, world: World, host: HostClient, listener: str = "fan") -> None:
        self.both, self.world, self.host, self.listener = both, world, host, listener
        self.at_ms = 0

    async def open(self) -> dict[str, Any]:
        """Open a fresh ticket of this server."""
        now_s = await self.world.now_ms() // 1000
        await self.host.hello(now_s * 1000)
        session = self.world.session(address_of(self.host.device_key), now_s, self.listener)
        self.ticket = self.world.ticket(self.both.song, session, now_s)
        return await self.host.open(session, self.ticket)

    async def play(self) -> dict[str, Any]:
        """Begin the play, with keys."""
        return await self.host.grant(self.host.invocation(self.ticket, "play", 0, await self.world.now_ms()))

    async def listen(self, seconds: int) -> dict[str, Any]:
        """Send renewals every five seconds, with keys."""
        result: dict[str, Any] = {}
        for _ in range(0, seconds, 5):
            self.at_ms += 5000
            now_ms = await self.both.travel(5)
            result = await self.host.grant(
                self.host.invocation(self.ticket, "renew", self.at_ms, now_ms), first=self.at_ms // 2000
            )
        return result

    async def stop(self) -> dict[str, Any]:
        """Stop the play."""
        return await self.host.report(self.host.invocation(self.ticket, "stop", self.at_ms, await self.world.now_ms()))


async def settle(world: World) -> int:
    """Pay what the station owes this server; return the statement's epoch."""
    statement, _ = await world.statement()
    await world.vouch(statement.spent, statement.epoch)
    return statement.epoch


async def rows(parts: ServerParts, query: Any) -> list[Any]:
    """Return the rows of a query."""
    return list(await parts.store.run(lambda connection: connection.execute(query).all()))
