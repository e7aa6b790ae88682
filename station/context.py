"""One running station: its books, its view of the chain, its desk, and the work it does in the background."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from pywallet.encoding.hex import from_hex, to_hex
from pywallet.errors import GomaaError, InputError, Unavailable
from station.catalogue.songs import Catalogue
from station.chain_interface import ChainView
from station.config import StationConfig
from station.db.ledger import Store
from station.db.retention import History
from station.payments.resync import Life
from station.payments.server_client import Servers
from station.payments.statements import Bookkeeper
from station.rewards.book import RewardBook
from station.rewards.loyalty import Loyalty
from station.tickets.content_moves import Moves
from station.tickets.issue import TicketDesk, life_s
from station.tickets.listeners import Listening

log = logging.getLogger("gomaa.station")

REFRESH_SECONDS = 2.0
"""How often the shelf and the commission are looked at."""

MOVES_SECONDS = 60.0
"""How often the chain is asked where the songs are served next."""


def read_key(path: Path) -> bytes:
    """The station's private key: 32 bytes as hex in a text file. Raises InputError(message.schema)."""
    try:
        return from_hex(path.read_text(encoding="ascii").strip(), 32)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("message.schema", field="key_file", reason=type(error).__name__) from error


@dataclass(slots=True)
class Station:
    """Everything the routes use. Made when the app starts, closed when it stops."""

    config: StationConfig
    address: bytes
    chain: ChainView
    servers: Servers
    catalogue: Catalogue
    store: Store
    bookkeeper: Bookkeeper
    desk: TicketDesk
    loyalty: Loyalty
    history: History
    moves: Moves
    bps: int | None = None
    """The commission when the chain was last read; for the page only."""
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @classmethod
    def of(cls, config: StationConfig, key: bytes, address: bytes, chain: ChainView, servers: Servers) -> Station:
        """Open the books and the shelf."""
        catalogue, store = Catalogue(config.catalogue), Store(config.database_url)
        station: Station

        def life_of(content: bytes) -> Life | None:
            song = catalogue.of(content)
            if song is None:
                return None
            return Life(
                life_s(song.duration_ms, config.ticket_slack_s), song.policy.price.interval_s, song.policy.fastest
            )

        bookkeeper = Bookkeeper(key, address, chain, servers, store, life_of)

        async def url_of(server: bytes) -> str:
            return await station.url(server)

        given = config.rewards
        book = RewardBook(config.points_file, key, address, given.programme, given.offers)
        loyalty = Loyalty(given, Listening(store.engine), book)
        desk = TicketDesk(config, key, address, chain, servers, catalogue, store, loyalty, url_of)
        history = History(store, config.keep_days, chain.schedule)
        moves = Moves(address, chain, catalogue)
        station = cls(config, address, chain, servers, catalogue, store, bookkeeper, desk, loyalty, history, moves)
        return station

    def start(self) -> None:
        """Begin the background work."""
        self._tasks = [asyncio.create_task(work) for work in (self._watch(), self._settle(), self._follow())]

    async def stop(self) -> None:
        """End it and give everything back."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.chain.close()
        self.store.close()

    async def url(self, server: bytes) -> str:
        """Where a server answers: the operator's word, the registry's, or a signed header's.

        Raises:
            Unavailable: ``server.unreachable`` when nobody knows, ``chain.unreachable``.
        """
        known = self.config.servers.get(server) or await self.chain.server_url(server)
        if not known:
            known = next((song.server_url for song in self.catalogue.songs if song.server == server), None)
        if not known:
            raise Unavailable("server.unreachable", server=to_hex(server), reason="no URL is known")
        return known.rstrip("/")

    def known_servers(self) -> set[bytes]:
        """Servers that the operator, the shelf or the ticket log name."""
        return {*self.config.servers, *(song.server for song in self.catalogue.songs), *self.store.servers()}

    async def settle_once(self) -> None:
        """One round of statements. A server or a chain that doesn't answer is asked again next time.

        Servers without a ticket in these books are asked too: books that were lost do not name whom the station owes.
        """
        for server in sorted(await asyncio.to_thread(self.known_servers)):
            try:
                outcome = await self.bookkeeper.round(server, await self.url(server))
                if outcome.waiting is not None:
                    log.info("%s: not all is settled yet: %s", to_hex(server), outcome.waiting)
                else:
                    await self.history.step(server, await self.chain.now_ms())
            except GomaaError as error:
                log.warning("statement of %s: %s", to_hex(server), error)
        try:
            await self.loyalty.feed(await self.chain.now_ms())
        except GomaaError as error:
            log.debug("points not given yet: %s", error)

    async def _settle(self) -> None:
        while True:
            await self.settle_once()
            await asyncio.sleep(self.config.statement_seconds)

    async def _follow(self) -> None:
        while True:
            await self.moves.watch()
            await asyncio.sleep(MOVES_SECONDS)

    async def _watch(self) -> None:
        while True:
            await asyncio.to_thread(self.catalogue.refresh)
            try:
                self.bps = await self.chain.rate(self.chain.schedule.epoch_of(await self.chain.now_ms() // 1000))
            except GomaaError as error:
                log.debug("commission not read: %s", error)
            await asyncio.sleep(REFRESH_SECONDS)

    def midnight_ms(self) -> int:
        """When today began here."""
        return int(datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0).timestamp() * 1000)
