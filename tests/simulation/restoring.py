"""A lost database: an older copy of it is put in its place, and the operator does what docs/operate-server.md says."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import aiohttp

from pywallet.errors import GomaaError
from pywallet.protocol import Receipt, Signed
from tests.simulation.network import Session

if TYPE_CHECKING:
    from tests.simulation.world import World

EVERY_S: Final = 2.0
"""Seconds between two reads of the log by the operator."""
LAST_WORDS_S: Final = 3.0
"""Seconds until everything that the lost process sent has arrived."""


class Operator:
    """Backs the server's database up, restores it, and imports the epochs that the server asks for.

    Attributes:
        lost: Receipts that the copy does not know, of epochs that were not posted: only fans hold them.
        restored: How many times a copy was put back.
        imported: Epochs taken from the archive.
        broken: What must not happen, in words.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._backup = world.folder / "server.backup"
        self._archive: dict[int, bytes] = {}
        self._session: Session = world.session("operator")
        self.lost: list[Signed[Receipt]] = []
        self.restored = self.imported = 0
        self.broken: list[str] = []

    async def back_up_or_restore(self) -> None:
        """Make a copy, or lose the database and put the copy in its place."""
        world = self._world
        if not self._backup.exists():
            world.server.copy(self._backup)
            world.say("the server's database is backed up")
            return
        world.say("the server's database is lost")
        await world.server.kill()
        await asyncio.sleep(LAST_WORDS_S)
        # Whoever keeps published data has them: an archive, a watcher.
        self._archive |= published(world.server.database)
        await self._forget(world.server.database)
        world.server.restore(self._backup)
        self._backup.unlink()
        self.restored += 1

    async def _forget(self, database: Path) -> None:
        """Set the receipts aside that nobody but fans knows now."""
        world = self._world
        posted = set()
        for epoch, _, commitment in _epochs(database):
            state = await world.settlement.epoch(world.keys.address, epoch)
            if state.ready and state.commit == commitment:
                posted.add(epoch)
        kept = _amounts(self._backup)
        for fan in world.fans:
            # What lies unread at a fan is held by it as much as what was read.
            fan.receive_pushed()
            ours = [key for key in fan.records.seen if key[0] == world.keys.address and key[1] not in posted]
            for key in [key for key in ours if key[3] > kept.get(key[1:3], 0)]:
                self.lost.append(fan.records.seen.pop(key))
                fan.records.aside.add(key)
                left = [fan.records.seen[other] for other in fan.records.seen if other[:3] == key[:3]]
                fan.records.receipts.pop(key[:3], None)
                if left:
                    fan.records.receipts[key[:3]] = max(left, key=lambda one: one.message.amount)

    async def run(self) -> None:
        """Import what the server asks for, as long as the world lasts; meanwhile it must sign nothing."""
        world = self._world
        while True:
            await asyncio.sleep(EVERY_S)
            before = self._state()
            if before is None:
                continue
            await asyncio.sleep(world.network.dice("operator").random() * 6)
            after = self._state()
            if after is not None and before[0] == after[0] and before[1] != after[1]:
                self.broken.append("a receipt was signed while chain and database disagreed")
            for epoch in sorted(after[2] if after else ()):
                if epoch in self._archive:
                    await self._import(epoch)

    def _state(self) -> tuple[Any, list[Any], frozenset[int]] | None:
        """Process, receipts and epochs of a server that disagrees with the chain."""
        server = self._world.server
        if server.app is None or not server.core.agreement.differing:
            return None
        return server.process, _receipts(server.database), server.core.agreement.differing

    async def _import(self, epoch: int) -> None:
        world = self._world
        headers = {"Authorization": f"Bearer {world.keys.admin}"}
        try:
            async with self._session.post(
                f"{world.url}/v1/epochs/import", headers=headers, data=self._archive[epoch]
            ) as answer:
                found = await answer.json()
        except (aiohttp.ClientError, GomaaError) as error:
            world.say(f"epoch {epoch} not imported: {error}")
            return
        if answer.status == 200:
            self.imported += 1
            world.say(f"epoch {epoch} imported")
        else:
            world.say(f"epoch {epoch} not imported: {found['error']['code']}")


def _ask(database: Path, query: str) -> list[Any]:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        return connection.execute(query).fetchall()


def published(database: Path) -> dict[int, bytes]:
    """The bytes of every closed epoch in a server's database."""
    return {epoch: raw for epoch, raw, _ in _epochs(database)}


def _epochs(database: Path) -> list[tuple[int, bytes, bytes]]:
    return [
        (epoch, bytes(raw), bytes(name))
        for epoch, raw, name in _ask(database, "SELECT epoch, data, commitment FROM epochs")
    ]


def _receipts(database: Path) -> list[Any]:
    return _ask(database, "SELECT epoch, payee, source, amount FROM receipts ORDER BY 1, 2, 3")


def _amounts(database: Path) -> dict[tuple[int, bytes], int]:
    amounts: dict[tuple[int, bytes], int] = {}
    for epoch, payee, _, amount in _receipts(database):
        key = (epoch, bytes(payee))
        amounts[key] = max(amounts.get(key, 0), int(amount))
    return amounts
