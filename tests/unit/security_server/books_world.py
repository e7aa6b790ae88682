"""A station's bookkeeper and a server's billing on two databases, a chain of a few numbers, and a faulty line."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Integer, LargeBinary, func, select, update

from pywallet.errors import GomaaError
from pywallet.protocol import (
    Ticket,
    digest,
    sign,
)
from pywallet.settlement import gross
from security_server.config import Config, Keys
from security_server.db.tables import (
    debits,
    epochs,
    lines,
    tickets,
)
from security_server.db.writer import Store
from security_server.host_connections import HostConnections
from security_server.parts import ServerParts
from station.db.ledger import Store as StationStore
from station.db.listener_tickets import ListenerTickets
from station.db.retention import Retention
from station.db.rows import TicketRow
from station.payments.resync import Life
from station.payments.statements import Bookkeeper, Outcome
from tests.unit.security_server import services
from tests.unit.security_server.books_chain import (
    DOMAIN,
    OWNER,
    SCHEDULE,
    SERVER,
    SERVER_KEY,
    STATION,
    STATION_KEY,
    Agreeing,
    Books,
    ServerChainView,
    StationChainView,
)
from tests.unit.security_server.books_line import FaultyLine

CONTENTS = (b"\xc1" * 20, b"\xc2" * 20)
INTERVAL_S, LIFE_S = 10, 400
KEYS = Keys(SERVER_KEY, bytes(32), bytes(32), bytes(32), "", SERVER_KEY)


def row_of(table: Any, **given: Any) -> dict[str, Any]:
    """A row with something in every column that must have it."""
    out = dict(given)
    for column in table.columns:
        if column.name not in out and not column.nullable and column.server_default is None:
            kind = column.type
            numeric = isinstance(kind, (BigInteger, Integer)) or type(kind).__name__ == "Wei"
            out[column.name] = bytes(kind.length or 0) if isinstance(kind, LargeBinary) else 0 if numeric else ""
    return out


KEPT_S = 86_400
"""Time for which the station of this world keeps settled tickets, seconds."""


class BooksWorld:
    """Both sides, opened on files of one folder, and what happened really."""

    def __init__(self, folder: Path, **config: Any) -> None:
        self.folder = folder
        self.loop = asyncio.new_event_loop()
        self.chain = Books()
        self.config = Config(folder, folder, **{"least_wei": 0, **config})
        self.door = ServerChainView(self.chain)
        self.line = FaultyLine(self)
        self.heard: dict[int, tuple[Ticket, int, bytes]] = {}
        """By ticket number: the ticket, the intervals that were heard, and its signature."""
        self.caps: list[int] = []
        self.over: set[int] = set()
        """Tickets that ended long ago: nothing is heard under them any more."""
        self.open_server()
        self.open_station()

    # the two processes

    def open_server(self) -> None:
        """Start the server on its file."""
        self.store = Store(f"sqlite:///{self.folder}/server.db")
        self.door.forget_money()
        given = {
            "config": self.config,
            "keys": KEYS,
            "address": SERVER,
            "domain": DOMAIN,
            "schedule": SCHEDULE,
            "store": self.store,
            "chain": self.door,
            "hosts": HostConnections(),
            "agreement": Agreeing(),
        }
        parts = ServerParts(**{spec.name: given.get(spec.name) for spec in fields(ServerParts)})  # type: ignore[arg-type]
        self.server, self.resynchronisation = services.billing(parts), services.resynchronisation(parts)

    def open_station(self) -> None:
        """Start the station on its file."""
        self.station = StationStore(f"sqlite:///{self.folder}/station.db")
        ListenerTickets(self.station.engine)
        self.history = Retention(self.station, 1, SCHEDULE)
        life = Life(LIFE_S, INTERVAL_S, 1)
        self.keeper = Bookkeeper(
            STATION_KEY,
            STATION,
            StationChainView(self.chain),
            self.line,
            self.station,
            lambda content: life,  # type: ignore[arg-type]
        )

    def close(self) -> None:
        """Stop both."""
        self.store.close()
        self.station.close()
        self.loop.close()

    def save(self, side: str) -> None:
        """Back a side's file up."""
        self._stop(side)
        shutil.copy(self.folder / f"{side}.db", self.folder / f"{side}.backup")
        self._start(side)

    def lose(self, side: str) -> None:
        """A side loses its file, or gets its last backup back."""
        self._stop(side)
        for end in ("", "-wal", "-shm"):
            (self.folder / f"{side}.db{end}").unlink(missing_ok=True)
        backup = self.folder / f"{side}.backup"
        if backup.exists():
            shutil.copy(backup, self.folder / f"{side}.db")
        self._start(side)

    def restart(self, side: str) -> None:
        """Stop and start a side."""
        self._stop(side)
        self._start(side)

    def _stop(self, side: str) -> None:
        (self.store if side == "server" else self.station).close()

    def _start(self, side: str) -> None:
        self.open_server() if side == "server" else self.open_station()

    def run(self, work: Any) -> Any:
        """Wait for a coroutine."""
        return self.loop.run_until_complete(work)

    # what happens

    @property
    def epoch(self) -> int:
        """The clock's epoch."""
        return SCHEDULE.epoch_of(self.chain.now_s)

    def issue(self, content: bytes, price: int, reward: int) -> int:
        """The station issues a ticket and the server opens it; returns its number."""
        now_s, session = self.chain.now_s, bytes([len(self.heard) % 250 + 1]) * 32
        row = TicketRow(
            server=SERVER,
            content=content,
            session=session,
            issued_ms=now_s * 1000,
            expiry_s=now_s + LIFE_S,
            interval_s=INTERVAL_S,
            price=price,
            reward=reward,
            bps=self.chain.rate_at(self.epoch),
            max_intervals=LIFE_S // INTERVAL_S + 1,
        )
        number = self.station.issue(row, 10**30, 0, 10**6)
        ticket = Ticket(SERVER, STATION, content, session, number, price, reward, row.bps, row.expiry_s)
        assert number not in self.heard, "a ticket's number was given out twice"
        self.heard[number] = (ticket, 0, sign(ticket, DOMAIN, STATION_KEY).signature)
        self.open_ticket(number)
        return number

    def open_ticket(self, number: int) -> None:
        """The server stores a ticket that a host opens, with the intervals that the host has signed."""
        ticket, intervals, signature = self.heard[number]
        identity = digest(ticket, DOMAIN)
        payee = bytes([number % 200 + 1]) * 20
        row = row_of(
            tickets,
            id=identity,
            session=ticket.session,
            station_address=STATION,
            payer=STATION,
            listener=payee,
            payee=payee,
            content=ticket.content,
            header_owner=OWNER,
            number=number,
            price=ticket.price,
            reward=ticket.reward,
            bps=ticket.bps,
            interval_s=INTERVAL_S,
            expiry_s=ticket.expiry,
            signature=signature,
            opened_ms=(ticket.expiry - LIFE_S) * 1000,
            heard_intervals=intervals,
            unvouchered_intervals=intervals,
            heard_ms=intervals * INTERVAL_S * 1000,
            last_invocation=bytes(32),
        )

        def write(connection: Any) -> None:
            if connection.execute(select(tickets.c.id).where(tickets.c.id == identity)).first() is None:
                connection.execute(tickets.insert().values(**row))

        self.run(self.store.run(write))

    def hear(self, number: int, more: int) -> None:
        """More intervals of a ticket, in as much time."""
        ticket, before, signature = self.heard[number]
        now = min(before + more, LIFE_S // INTERVAL_S)
        self.chain.now_s += (now - before) * INTERVAL_S
        self.heard[number] = (ticket, now, signature)

        def write(connection: Any) -> None:
            due = {
                "heard_intervals": now,
                "unvouchered_intervals": now - tickets.c.vouchered_intervals,
                "heard_ms": now * INTERVAL_S * 1000,
            }
            here = (
                tickets.c.id == digest(ticket, DOMAIN),
                tickets.c.vouchered_intervals <= now,
                tickets.c.heard_intervals <= now,
            )
            connection.execute(update(tickets).where(*here).values(**due))

        self.run(self.store.run(write))

    def settle(self) -> Outcome | None:
        """One round of the station; None where it failed with a code."""
        try:
            outcome: Outcome = self.run(self.keeper.round(SERVER, "http://server"))
        except GomaaError as error:
            assert error.code != "internal", error.detail
            outcome = None  # type: ignore[assignment]
        voucher = self.station.voucher(SERVER)
        if voucher is not None:
            self.caps.append(voucher.cap)
        return outcome

    def age(self) -> None:
        """A day and more passes, and the station deletes what is settled, after a round that left nothing owed."""
        self.chain.now_s += KEPT_S + LIFE_S
        self.over = set(self.heard)
        self.post()
        outcome = self.settle()
        if outcome is not None and outcome.waiting is None:
            while self.run(self.history.step(SERVER, self.chain.now_s * 1000)):
                pass

    def deliver_late(self) -> None:
        """A voucher that was on its way arrives."""
        path, raw = self.line.late.pop(0)
        try:
            self.run(self.line.deliver(path, raw))
        except GomaaError as error:
            assert error.code != "internal", error.detail

    def post(self) -> None:
        """Close, post and finish every epoch that has ended, by the contract's rules."""
        running = self.epoch

        def ended(connection: Any) -> list[Any]:
            closed = connection.execute(select(func.max(epochs.c.epoch))).scalar()
            query = select(debits).where(debits.c.epoch < running, debits.c.epoch > (-1 if closed is None else closed))
            return list(connection.execute(query.order_by(debits.c.epoch)).mappings())

        for row in self.run(self.store.run(ended)):
            epoch = row["epoch"]
            late = running > epoch + 1 or epoch in self.chain.posted
            if not late:
                self._take(row)
            state = "missed" if late and epoch not in self.chain.posted else "final"
            values = row_of(epochs, epoch=epoch, settlement_state=state)
            self.run(
                self.store.run(
                    lambda connection, values=values: connection.execute(epochs.insert().values(**values)) and None
                )
            )
            self.door.forget_money()

    def _take(self, row: Mapping[str, Any]) -> None:
        """Debit one entry by the contract's rules."""
        epoch, amount = row["epoch"], gross(row["net"], self.chain.rate_at(row["epoch"]))
        assert row["bps"] == self.chain.rate_at(epoch)
        assert epoch <= row["until"]
        assert self.chain.spent + amount <= row["cap"], "the voucher does not cover its debit"
        assert amount <= self.chain.escrow
        assert row["net"] <= self.chain.bond
        self.chain.spent += amount
        self.chain.escrow -= amount
        self.chain.posted[epoch] = row["net"]

        def settled(connection: Any) -> list[Any]:
            return list(
                connection.execute(select(lines.c.number, lines.c.settled_intervals).where(lines.c.epoch == epoch))
            )

        for number, intervals in self.run(self.store.run(settled)):
            self.chain.paid[number] = self.chain.paid.get(number, 0) + intervals

    def due(self) -> dict[int, int]:
        """Intervals that the server still states, by ticket number."""
        query = select(tickets.c.number, tickets.c.unvouchered_intervals).where(tickets.c.unvouchered_intervals > 0)
        return dict(self.run(self.store.run(lambda connection: [tuple(row) for row in connection.execute(query)])))

    def worth(self) -> int:
        """Value of everything that was heard, at the highest commission of all.

        No signature may ever exceed it (wei times 10,000).
        """
        rate = max(self.chain.rates.values())
        return sum(count * (ticket.price + ticket.reward) for ticket, count, _ in self.heard.values()) * (10_000 + rate)
