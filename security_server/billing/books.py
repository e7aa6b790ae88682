"""Requests of payers for resynchronisation: both sides show their newest signatures (docs/protocol.md)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from messages.fields import Message
from messages.host_server.billing import Books
from messages.server_http import BooksRequest
from messages.settlement import BooksResult, ListenerTicketEntry, TicketEntry
from pywallet.encoding.hex import from_hex, to_hex
from pywallet.errors import Refusal
from pywallet.protocol import Domain, SettledLine, Signed, Voucher
from security_server.billing.accounts import account
from security_server.billing.epoch_facts import EpochFacts
from security_server.billing.epoch_transactions import EpochTransactions
from security_server.billing.request_signer import require_payer
from security_server.billing.resync import (
    Acknowledgement,
    PayerBooks,
    acknowledge,
    count_acknowledged,
    own_acknowledgement,
    read_payer_books,
    ticket_of,
)
from security_server.billing.session_listener import session_listener
from security_server.billing.settling import keep_highest
from security_server.chain.view import ChainView
from security_server.config import Keys
from security_server.db.connection import Connection
from security_server.db.writer import Store
from security_server.signatures import require_refusing


class Resynchronisation:
    """Restores lost lines from a payer's signed messages, and shows the payer its own.

    Args:
        keys: The server's keys.
        domain: The settlement's EIP-712 domain.
        store: The database.
        chain: The chain.
        transactions: Transactions with the facts of the running epoch.
    """

    def __init__(
        self, *, keys: Keys, domain: Domain, store: Store, chain: ChainView, transactions: EpochTransactions
    ) -> None:
        self._keys = keys
        self._domain = domain
        self._store = store
        self._chain = chain
        self._transactions = transactions
        self._address = keys.address

    async def books(self, request: BooksRequest) -> BooksResult:
        """Resynchronise the payer that signed the request.

        Raises:
            InputError: ``invocation.time``.
            Refusal: ``voucher.signature``, ``server.mismatch``.
        """
        now_s = await self._chain.now_ms() // 1000
        payer = require_payer(self._address, request.payer, request.time_s, request.signature, now_s)
        return await self._resynchronise(payer, request.voucher, request.settled)

    async def listener_books(self, device: bytes, request: Books) -> BooksResult:
        """Resynchronise the listener of a session, for the session's own device.

        Raises:
            Refusal: ``session.device``, ``voucher.signature``, ``server.mismatch``.
        """
        listener = await session_listener(self._store, device, from_hex(request.session, 32))
        return await self._resynchronise(listener, request.voucher, request.settled)

    async def _resynchronise(self, payer: bytes, voucher: Message | None, settled: Sequence[Message]) -> BooksResult:
        """Restore from what the payer shows, and return what the database holds of it.

        Args:
            payer: 20 bytes.
            voucher: The payer's last signed voucher, or None.
            settled: Acknowledgements that this server has signed: {statement, lines}.

        Raises:
            Refusal: ``voucher.signature``, ``server.mismatch`` (an acknowledgement that this server has not signed).
        """
        signed = None if voucher is None else self._verified(payer, voucher)
        lines = [
            line
            for acknowledgement in settled
            for line in own_acknowledgement(acknowledgement, self._domain, self._address, payer)
        ]
        debited = await self._debited(lines)

        def work(connection: Connection, facts: EpochFacts) -> tuple[PayerBooks, Acknowledgement]:
            count_acknowledged(connection, payer, [line for line in lines if line.epoch in debited])
            if signed is not None:
                account(connection, payer, facts.epoch, facts.money, facts.reread_for, keep=facts.money.spent > 0)
                keep_highest(connection, signed)
            books = read_payer_books(connection, payer)
            return books, acknowledge(connection, payer, [ticket["number"] for ticket in books.tickets], facts)

        books, acknowledgement = await self._transactions.run(payer, work, fresh=True)
        return BooksResult(
            voucher=self._highest(payer, books),
            settled=acknowledgement.signed(payer, self._keys, self._domain),
            tickets=[self._ticket(row) for row in books.tickets if row["station_address"] == payer],
            lost=[_listener_ticket(row, books) for row in books.tickets if row["session"] in books.sessions],
            last_number=books.last_number,
        )

    def _verified(self, payer: bytes, voucher: Message) -> Signed[Voucher]:
        signed = Signed.from_json(Voucher, voucher)
        if (signed.message.server, signed.message.payer) != (self._address, payer):
            raise Refusal("voucher.signature", reason="parties")
        require_refusing(signed, self._domain, payer, "voucher.signature")
        return signed

    async def _debited(self, lines: Sequence[SettledLine]) -> set[int]:
        """Epochs of these lines that the chain has debited."""
        epochs = sorted({line.epoch for line in lines})
        states = await asyncio.gather(*(self._chain.epoch(epoch) for epoch in epochs))
        return {epoch for epoch, state in zip(epochs, states, strict=True) if state.ready and not state.void}

    def _highest(self, payer: bytes, books: PayerBooks) -> Message | None:
        if books.voucher is None:
            return None
        cap, until, signature = books.voucher
        return Signed(Voucher(self._address, payer, cap, until), signature).to_json()

    def _ticket(self, row: Mapping[str, Any]) -> TicketEntry:
        ticket = ticket_of(row, self._address).to_json()
        return TicketEntry(ticket=ticket, interval_s=row["interval_s"], opened_ms=row["opened_ms"])


def _listener_ticket(row: Mapping[str, Any], books: PayerBooks) -> ListenerTicketEntry:
    return ListenerTicketEntry(
        number=row["number"],
        content=to_hex(row["content"]),
        intervals=row["heard_intervals"],
        session=books.sessions[row["session"]].to_json(),
    )
