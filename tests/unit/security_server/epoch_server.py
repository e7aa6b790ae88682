"""A security server's money part over a database on disk and a ``LedgerChain``: started, killed and started again."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select

from messages.server_http import VoucherPost
from pywallet.crypto import address_of, keccak256
from pywallet.crypto import sign as sign_digest
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError
from pywallet.protocol import Domain, Receipt, Signed, Statement, Voucher, sign, statement_digest
from pywallet.settlement import content_leaf, usage_leaf, usage_tag, verify_count, verify_leaf
from security_server.chain.money import Money
from security_server.config import Config, Keys
from security_server.db.queries import get, put
from security_server.db.tables import (
    contents,
    epochs,
    tickets,
    usage_leaves,
)
from security_server.db.writer import Store
from security_server.epochs.chain_agreement import ChainAgreement
from security_server.epochs.importing import EpochImporter
from security_server.epochs.running_epoch import running_epoch
from security_server.host_connections import HostConnections
from security_server.parts import ServerParts
from security_server.playback.conditions import Conditions
from tests.unit.security_server import services
from tests.unit.security_server.ledger_chain import SCHEDULE, LedgerChain
from tests.unit.security_server.server_desk import CONTENT, DEVICE, DOMAIN, LISTENER, OWNER, START_MS, Desk, terms

STATION_KEY: Final = keccak256(b"station")
STATION: Final = address_of(STATION_KEY)
KEYS: Final = replace(Keys.make(keccak256(b"server")), master=keccak256(b"master"))


@dataclass(frozen=True)
class Given:
    """A receipt that somebody holds."""

    epoch: int
    payee: bytes
    amount: int


class EpochServer:
    """Everything between a signed action and a posted epoch, by the product's own classes."""

    def __init__(self, folder: Path, chain: LedgerChain, url: str | None = None) -> None:
        self.folder, self.chain, self.url = folder, chain, url
        money = Money(10**12, 0, 0, 500)
        conditions = Conditions(chain.time_s * 1000, 0, "radio.example", False, False, money)
        self.desk = Desk(None, terms(counts={}), conditions)  # type: ignore[arg-type]
        self.session: bytes | None = None
        self.numbers = 0
        self.receipts: set[Given] = set()
        self.imported: set[int] = set()
        self.running = False
        self.start()

    @property
    def database(self) -> Path:
        """The file."""
        return self.folder / "server.sqlite3"

    def start(self) -> None:
        """Open the database."""
        self.store = Store(self.url or f"sqlite:///{self.database}")
        agreement = ChainAgreement(self.store, self.chain, SCHEDULE)  # type: ignore[arg-type]
        config = Config(Path(), Path())
        domain = Domain(DOMAIN.chain_id, DOMAIN.settlement)
        view: Any = self.chain
        none: Any = None
        hosts = HostConnections()
        self.core = ServerParts(config, KEYS, KEYS.address, domain, SCHEDULE, self.store, view, none, hosts, agreement)
        self.publishing = services.publisher(self.core)
        self.closing = services.closer(self.core, self.publishing)
        self.answering = services.responder(self.core, self.publishing, self.closing)
        self.importing = EpochImporter(self.store, view, KEYS.address, SCHEDULE, agreement)
        self.books = services.billing(self.core)
        self.issued = services.receipts(self.core)
        self.running = True

    def kill(self) -> None:
        """End the process: what is not committed is lost."""
        self.store.close()
        self.running = False

    def restart(self) -> None:
        """Kill and start."""
        if self.running:
            self.kill()
        self.start()

    async def prepare(self) -> None:
        """A session, a content."""

        def work(connection: Any) -> None:
            self.desk.connection = connection
            if self.session is None:
                self.session = self.desk.session()
            put(
                connection,
                contents,
                {"content": CONTENT},
                header_owner=OWNER,
                policy_hash=bytes(32),
                header=b"",
                uploaded_ms=0,
            )

        await self.store.run(work)
        await self.core.agreement.compare()

    async def open(self) -> bytes:
        """A new ticket, playing; the one before stops."""
        self.numbers += 1
        identity = keccak256(b"ticket %d" % self.numbers)

        def work(connection: Any) -> None:
            self._at(connection)
            row = {"id": identity, "station_address": STATION, "payer": STATION}
            before = keccak256(b"ticket %d" % (self.numbers - 1))
            # A restored database may not know it.
            if get(connection, tickets, id=before) is not None:
                self.desk.act(self.session, before, "stop", self._position(before))  # type: ignore[arg-type]
            self.desk.ticket(self.session, self.numbers, **row)  # type: ignore[arg-type]
            self.desk.act(self.session, identity, "play")  # type: ignore[arg-type]

        await self.store.run(work)
        return identity

    def _at(self, connection: Any) -> None:
        now_ms = self.chain.time_s * 1000
        self.desk.connection = connection
        now = replace(self.desk.now, time_ms=now_ms, epoch=SCHEDULE.epoch_of(self.chain.time_s))
        self.desk.now = replace(now, epoch=running_epoch(connection, now.epoch))

    def _position(self, ticket: bytes) -> int:
        row = get(self.desk.connection, tickets, id=ticket)
        assert row is not None
        return int(row["position_ms"]) + max(0, self.desk.now.time_ms - int(row["last_signed_ms"]))

    async def hear(self, ticket: bytes) -> str | None:
        """The song has gone on; the code of a refusal."""

        def work(connection: Any) -> str | None:
            self._at(connection)
            return self.desk.act(self.session, ticket, "renew", self._position(ticket)).code  # type: ignore[arg-type]

        return await self.store.run(work)

    async def refuse(self, ticket: bytes) -> None:
        """A play of a ticket: refused where it is used, or where another one plays."""

        def work(connection: Any) -> None:
            self._at(connection)
            self.desk.act(self.session, ticket, "play")  # type: ignore[arg-type]

        await self.store.run(work)

    async def pay(self) -> int:
        """The station asks for its statement and signs; how many receipts that gave."""
        stated = await self.books.state(STATION)
        statement = Signed.from_json(Statement, stated.statement).message
        until = SCHEDULE.epoch_of(self.chain.time_s) + 10
        message = Voucher(server=KEYS.address, payer=STATION, cap=statement.spent, until=until)
        signed = sign(message, self.core.domain, STATION_KEY)
        proof = to_hex(sign_digest(STATION_KEY, statement_digest(KEYS.address, self.chain.time_s)))
        answer = await self.books.voucher(VoucherPost(signed.to_json(), None, self.chain.time_s, proof))
        await self.collect()
        return int(answer.receipts)

    async def collect(self) -> None:
        """Remember every receipt that was given: nobody gives one back."""
        from security_server.db.tables import receipts

        rows = await self.store.run(
            lambda connection: connection.execute(select(receipts.c.epoch, receipts.c.payee)).all()
        )
        for payee in {bytes(row.payee) for row in rows}:
            for one in await self.issued.read(select(receipts).where(receipts.c.payee == payee)):
                message = one.receipt.message
                self.receipts.add(Given(message.epoch, message.payee, message.amount))

    async def check_epoch(self, epoch: int) -> None:
        """Data, proofs, claims, answers and usages of a posted epoch lead to the chain's commitment, and so does every
        receipt.
        """
        from pywallet.settlement import EpochData, fault, header_of, missing_leaf

        committed = self.chain.true_epoch(epoch).commit
        raw = await self.publishing.data(epoch)
        data = EpochData.decode(raw)
        assert fault(data, committed) is None
        header = header_of(data)
        for given in self.receipts:
            if given.epoch != epoch:
                continue
            assert missing_leaf(Receipt(KEYS.address, epoch, given.payee, given.amount, bytes(32)), data) is None
            leaf = await self.publishing.leaf(epoch, given.payee)
            proof = [(bytes.fromhex(node[2:]), int(total)) for node, total in leaf.proof]
            assert int(leaf.amount) >= given.amount
            assert verify_leaf(header, given.payee, int(leaf.amount), leaf.index, proof)
            shown = await self.publishing.answer(epoch, given.payee, given.amount)
            assert shown.holds()
            assert shown.header == header
        await self._check_counts(epoch, data)

    async def _check_counts(self, epoch: int, data: Any) -> None:
        rows = await self.store.run(
            lambda connection: (
                connection.execute(select(usage_leaves).where(usage_leaves.c.epoch == epoch)).mappings().all()
            )
        )
        assert len(rows) == len(data.usages) or epoch in self.imported
        for row in rows:
            found = await self.publishing.usage(DEVICE, epoch, self.session, row["content"])  # type: ignore[arg-type]
            tag = usage_tag(KEYS.tag_secret(LISTENER, row["content"]), epoch)
            leaf = usage_leaf(tag, row["content"], *(found.leaf.plays, found.leaf.seeks, found.leaf.seconds))
            assert verify_count(data.counts_root, leaf, found.index, [bytes.fromhex(node[2:]) for node in found.proof])
        for content in data.contents:
            count = await self.publishing.counts(epoch, content.content)
            numbers = (count.plays, count.unvalidated, count.seeks, count.seconds)
            proof = [bytes.fromhex(node[2:]) for node in count.proof]
            assert verify_count(data.counts_root, content_leaf(content.content, *numbers), count.index, proof)

    async def states(self) -> dict[int, str]:
        """Epoch to its state at the last look."""
        rows = await self.store.run(
            lambda connection: connection.execute(select(epochs.c.epoch, epochs.c.settlement_state)).all()
        )
        return {row.epoch: row.settlement_state for row in rows}

    async def bytes_of(self) -> dict[int, bytes]:
        """Epoch to its stored bytes."""
        rows = await self.store.run(lambda connection: connection.execute(select(epochs.c.epoch, epochs.c.data)).all())
        return {row.epoch: bytes(row.data) for row in rows}

    def copy(self, target: Path) -> None:
        """A backup."""
        with closing(sqlite3.connect(self.database)) as source, closing(sqlite3.connect(target)) as made:
            source.backup(made)


def begin_s() -> int:
    """When these worlds begin: at an epoch's start."""
    return START_MS // 1000 // SCHEDULE.length * SCHEDULE.length


def run(work: Any) -> Any:
    """Run a coroutine on a loop of its own."""
    return asyncio.run(work)


__all__ = ["EpochServer", "Given", "GomaaError", "begin_s", "run"]
