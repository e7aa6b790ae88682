"""The chain of ``BooksWorld`` as a few numbers, and the views of it that server and station have."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from chain.contracts.settlement import EpochState, ServerState
from pywallet.crypto import address_of
from pywallet.protocol import (
    Domain,
)
from pywallet.settlement import Schedule
from security_server.chain.money import Money
from station.chain_interface import Account

DOMAIN = Domain(31_337, b"\x5e" * 20)
SCHEDULE = Schedule(length=600, grace=30, window=120, answer=120, late=36_000, delay=700)
SERVER_KEY, STATION_KEY, OWNER = b"\x11" * 32, b"\x22" * 32, b"\x0c" * 20
SERVER, STATION = address_of(SERVER_KEY), address_of(STATION_KEY)
ESCROW_AGE_S = 5
BEGIN_S = 1_800_000_000


@dataclass
class Books:
    """What the chain holds: one account, a bond, the posted epochs, rates and owners by epoch."""

    now_s: int = BEGIN_S
    escrow: int = 10**15
    requested: int = 0
    spent: int = 0
    bond: int = 10**14
    posted: dict[int, int] = field(default_factory=dict)
    rates: dict[int, int] = field(default_factory=lambda: {0: 500})
    sales: dict[tuple[bytes, int], bytes] = field(default_factory=dict)
    paid: dict[int, int] = field(default_factory=dict)
    """Intervals that the posted epochs have paid, by ticket number."""

    def rate_at(self, epoch: int) -> int:
        """The commission that began last before the epoch."""
        return self.rates[max(begin for begin in self.rates if begin <= epoch)]

    def owner(self, content: bytes, epoch: int) -> bytes:
        """Owner of a content in an epoch."""
        sold = [begin for what, begin in self.sales if what == content and begin <= epoch]
        return self.sales[content, max(sold)] if sold else OWNER


class ServerChainView:
    """The server's view of the chain.

    An account is cached for a while, until it is read anew, or a post has changed it.
    """

    def __init__(self, books: Books) -> None:
        self.books = books
        self.kept: Money | None = None
        self.kept_s = 0
        self.owners_asked = 0
        self.during: Any = None
        """Called once while the next facts are read: what happens in between."""

    async def now_ms(self) -> int:
        return self.books.now_s * 1000

    async def money(self, payer: bytes, fresh: bool = False) -> Money:
        if payer != STATION:
            return Money(0, 0, 0, 0)
        if fresh or self.kept is None or self.books.now_s >= self.kept_s + ESCROW_AGE_S:
            self.kept_s = self.books.now_s
            self.kept = Money(self.books.escrow, self.books.requested, self.books.spent, 0)
        if self.during is not None:
            during, self.during = self.during, None
            during()
        return self.kept

    def forget_money(self) -> None:
        self.kept = None

    async def rate(self, epoch: int) -> int:
        return self.books.rate_at(epoch)

    async def owner_at(self, content: bytes, epoch: int) -> bytes:
        self.owners_asked += 1
        return self.books.owner(content, epoch)

    async def lane(self) -> ServerState:
        return ServerState(self.books.bond, None, None)

    async def epoch(self, epoch: int) -> EpochState:
        return EpochState(bytes(32), int(epoch in self.books.posted), 0, 0, 0, False, epoch in self.books.posted)


class Agreeing:
    """Stands for ``ChainAgreement``: chain and database agree."""

    def require(self) -> None:
        """Nothing to refuse."""


class StationChainView:
    """The station's view of the chain."""

    domain = DOMAIN
    schedule = SCHEDULE

    def __init__(self, books: Books) -> None:
        self.books = books

    async def now_ms(self) -> int:
        return self.books.now_s * 1000

    async def account(self, server: bytes, station: bytes) -> Account:
        return Account(self.books.spent, self.books.escrow, self.books.requested)

    async def rate(self, epoch: int) -> int:
        return self.books.rate_at(epoch)
