"""Songs that move to another security server: from when, and whether this station has escrow there (decision 0036)."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError
from station.catalogue.songs import Catalogue, Song
from station.chain_interface import ChainView

log = logging.getLogger("gomaa.station")


@dataclass(frozen=True, slots=True)
class Move:
    """One song's way to another server.

    ``from_epoch``: the first epoch of the new server; None: it is proposed, and not accepted yet. ``escrow_wei``: what
    this station has there, less what it asked back.
    """

    song: Song
    server: bytes
    from_epoch: int | None
    from_s: int | None
    escrow_wei: int

    @property
    def sentence(self) -> str:
        """For the operator's log and terminal."""
        when = "is to move" if self.from_epoch is None else f"moves from epoch {self.from_epoch} on"
        money = "" if self.escrow_wei else "; this station has no escrow there: deposit some, or the song does not play"
        return f"{self.song.title!r} {when} to the security server {to_hex(self.server)}{money}"

    def to_json(self) -> dict[str, Any]:
        """For the operator's view."""
        return {
            "content": to_hex(self.song.content),
            "title": self.song.title,
            "server": to_hex(self.server),
            "from_epoch": self.from_epoch,
            "from_s": self.from_s,
            "escrow_wei": str(self.escrow_wei),
            "escrow_needed": self.escrow_wei == 0,
        }


class Moves:
    """What the chain says of the catalogue's songs, and a warning whenever that changes."""

    def __init__(self, address: bytes, chain: ChainView, catalogue: Catalogue) -> None:
        self._address = address
        self._chain = chain
        self._catalogue = catalogue
        self.known: list[Move] | None = None
        """What the last look found; None: the chain has not answered yet."""
        self._told: set[tuple[bytes, bytes, bool, bool]] = set()

    async def look(self) -> list[Move]:
        """The songs that move or are to move, and those that have moved to where there is no escrow.

        Raises:
            Unavailable: ``chain.unreachable``.
        """
        found = []
        now_s = await self._chain.now_ms() // 1000
        running = self._chain.schedule.epoch_of(now_s)
        for song in await asyncio.to_thread(lambda: self._catalogue.songs):
            servers = await self._chain.servers_of(song.content, running)
            server, epoch = (
                (servers.following, running + 1) if servers.following != servers.now else (servers.proposed, None)
            )
            if server is None and servers.now != song.server:
                # Moved before: worth a word only while nothing can be played.
                server, epoch = servers.now, running
            if server is None:
                continue
            money = await self._chain.account(server, self._address)
            escrow = max(0, money.escrow - money.requested)
            if epoch == running and escrow:
                continue
            begins_s = None if epoch is None else epoch * self._chain.schedule.length
            found.append(Move(song, server, epoch, begins_s, escrow))
        self._tell(found)
        self.known = found
        return found

    async def watch(self) -> None:
        """Look, and leave it at that where the chain does not answer."""
        try:
            await self.look()
        except GomaaError as error:
            log.debug("moves not read: %s", error)

    def _tell(self, moves: list[Move]) -> None:
        # An epoch goes by while a song that has moved still lacks escrow: that is one warning, not one for each epoch.
        keys = {(one.song.content, one.server, one.from_epoch is not None, one.escrow_wei == 0): one for one in moves}
        for key, one in keys.items():
            if key not in self._told:
                log.warning("%s", one.sentence)
        self._told = set(keys)
