"""Watch over songs that move to another security server, and over this station's escrow there (decision 0036)."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError
from station.catalogue.songs import Catalogue, Song
from station.chain_interface import ChainView

log = logging.getLogger("gomaa.station")


@dataclass(frozen=True, slots=True)
class Move:
    """One song's move to another server.

    Attributes:
        song: The song.
        server: Address of the new server, 20 bytes.
        from_epoch: First epoch of the new server; None: proposed, not accepted yet.
        from_s: When that epoch begins, Unix s.
        escrow_wei: This station's escrow there, less requested withdrawals.
    """

    song: Song
    server: bytes
    from_epoch: int | None
    from_s: int | None
    escrow_wei: int

    @property
    def sentence(self) -> str:
        """Message for the operator's log and terminal."""
        when = "is to move" if self.from_epoch is None else f"moves from epoch {self.from_epoch} on"
        money = "" if self.escrow_wei else "; this station has no escrow there: deposit some, or the song does not play"
        return f"{self.song.title!r} {when} to the security server {to_hex(self.server)}{money}"


class ContentMoves:
    """Finds the catalogue's songs that move to another server, and logs a warning when that changes."""

    def __init__(self, address: bytes, chain: ChainView, catalogue: Catalogue) -> None:
        self._address = address
        self._chain = chain
        self._catalogue = catalogue
        self.current: list[Move] | None = None
        """Result of the last refresh; None: not refreshed yet."""
        self._announced: set[tuple[bytes, bytes, bool, bool]] = set()

    async def refresh(self) -> list[Move]:
        """The songs that move or are proposed to move, and those that have moved to a server without escrow.

        Raises:
            Unavailable: ``chain.unreachable``.
        """
        moves: list[Move] = []
        now_s = await self._chain.now_ms() // 1000
        running = self._chain.schedule.epoch_of(now_s)
        for song in await asyncio.to_thread(lambda: self._catalogue.songs):
            servers = await self._chain.servers_of(song.content, running)
            server, epoch = (
                (servers.following, running + 1) if servers.following != servers.now else (servers.proposed, None)
            )
            if server is None and servers.now != song.server:
                # Moved before: listed only while there is no escrow, so that nothing can be played.
                server, epoch = servers.now, running
            if server is None:
                continue
            money = await self._chain.account(server, self._address)
            escrow = max(0, money.escrow - money.requested)
            if epoch == running and escrow:
                continue
            begins_s = None if epoch is None else epoch * self._chain.schedule.length
            moves.append(Move(song, server, epoch, begins_s, escrow))
        self._announce(moves)
        self.current = moves
        return moves

    async def try_refresh(self) -> None:
        """Refresh; an unreachable chain changes nothing."""
        try:
            await self.refresh()
        except GomaaError as error:
            log.debug("moves not read: %s", error)

    async def run(self, interval_s: float) -> None:
        """Refresh until cancelled, with so many seconds between."""
        while True:
            await self.try_refresh()
            await asyncio.sleep(interval_s)

    def _announce(self, moves: list[Move]) -> None:
        # The epoch is not part of the key: a song that has moved and lacks escrow is announced once, not every epoch.
        keys = {
            (move.song.content, move.server, move.from_epoch is not None, move.escrow_wei == 0): move for move in moves
        }
        for key, move in keys.items():
            if key not in self._announced:
                log.warning("%s", move.sentence)
        self._announced = set(keys)
