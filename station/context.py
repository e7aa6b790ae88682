"""Composition of one station: builds the services, gives each what it needs, and runs the background work."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path

from pywallet.encoding.hex import from_hex
from pywallet.errors import InputError
from station.catalogue.songs import Catalogue
from station.chain_interface import ChainView
from station.config import StationConfig
from station.dashboard.licences import Licences
from station.dashboard.views import DashboardViews
from station.db.figures import Figures
from station.db.ledger import Store
from station.db.listener_tickets import ListenerTickets
from station.db.posted import PostedStore
from station.db.retention import Retention
from station.pages.commission import CommissionWatch
from station.payments.directory import ServerDirectory
from station.payments.epoch_reader import EpochReader
from station.payments.resync import Life
from station.payments.server_client import Servers
from station.payments.settlement_rounds import SettlementRounds
from station.payments.statements import Bookkeeper
from station.rewards.book import RewardBook
from station.rewards.loyalty import Loyalty
from station.tickets.content_moves import ContentMoves
from station.tickets.issue import TicketIssuer, life_s

MOVES_S = 60.0
"""Pause between two checks for songs that move to another server, s."""


def read_key(path: Path) -> bytes:
    """The station's private key, 32 bytes, from a text file with hex.

    Raises:
        InputError: ``message.schema``.
    """
    try:
        return from_hex(path.read_text(encoding="ascii").strip(), 32)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("message.schema", field="key_file", reason=type(error).__name__) from error


@dataclass(slots=True)
class Station:
    """The services of one station; used by the application's setup and the commands only."""

    address: bytes
    chain: ChainView
    catalogue: Catalogue
    store: Store
    directory: ServerDirectory
    bookkeeper: Bookkeeper
    issuer: TicketIssuer
    loyalty: Loyalty
    moves: ContentMoves
    commission: CommissionWatch
    rounds: SettlementRounds
    posted: PostedStore
    figures: Figures
    dashboard: DashboardViews
    licences: Licences
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @classmethod
    def of(cls, config: StationConfig, key: bytes, address: bytes, chain: ChainView, servers: Servers) -> Station:
        """Open the database and the catalogue, and build the services.

        Args:
            config: The settings.
            key: The station's private key, 32 bytes.
            address: Its address, 20 bytes.
            chain: The chain; ``stop`` closes it.
            servers: Client of the security servers.

        Raises:
            GomaaError: ``station.database.old``, ``station.database.version``.
            InputError: ``message.schema``.
        """
        store, catalogue = Store(config.database_url), Catalogue(config.catalogue)

        def life_of(content: bytes) -> Life | None:
            song = catalogue.of(content)
            if song is None:
                return None
            policy = song.policy
            return Life(life_s(song.duration_ms, config.ticket_slack_s), policy.price.interval_s, policy.fastest)

        rewards = config.rewards
        book = RewardBook(config.points_file, key, address, rewards.programme, rewards.offers)
        loyalty = Loyalty(rewards, ListenerTickets(store.engine), book)
        directory = ServerDirectory(config.servers, chain, catalogue, store)
        bookkeeper = Bookkeeper(key, address, chain, servers, store, life_of)
        retention = Retention(store, config.keep_days, chain.schedule)
        posted, figures = PostedStore(store.engine), Figures(store)
        licences = Licences(address, chain, catalogue, time.monotonic)
        reader = EpochReader(address, chain, servers, store, posted, directory.url)
        return cls(
            address=address,
            chain=chain,
            catalogue=catalogue,
            store=store,
            directory=directory,
            bookkeeper=bookkeeper,
            issuer=TicketIssuer(config, key, address, chain, servers, catalogue, store, loyalty, directory.url),
            loyalty=loyalty,
            moves=ContentMoves(address, chain, catalogue),
            commission=CommissionWatch(chain, catalogue),
            rounds=SettlementRounds(
                chain, directory, bookkeeper, retention, loyalty, reader, figures, config.statement_seconds
            ),
            posted=posted,
            figures=figures,
            dashboard=DashboardViews(address, chain, catalogue, store, posted, figures, directory, licences),
            licences=licences,
        )

    def start(self) -> None:
        """Start the background work."""
        work = (self.commission.run(), self.rounds.run(), self.moves.run(MOVES_S))
        self._tasks = [asyncio.create_task(task) for task in work]

    async def stop(self) -> None:
        """Cancel the background work; close the chain and the database."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.licences.stop()
        await self.chain.close()
        self.store.close()
