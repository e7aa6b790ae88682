"""Resynchronisation with a server from messages that both sides signed (docs/protocol.md)."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass

from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError, Refusal
from pywallet.protocol import (
    Domain,
    Statement,
    require_signer,
    settled_lines_hash,
)
from station.chain_interface import ChainView
from station.db.ledger import Store
from station.db.rows import TicketRow
from station.payments.server_client import (
    Acknowledgement,
    ServerBooks,
    Servers,
    ShownTicket,
)

log = logging.getLogger("gomaa.station")


@dataclass(frozen=True, slots=True)
class Life:
    """Terms of a song's tickets.

    Attributes:
        seconds: Validity, s.
        interval_s: Length of a paid interval, s.
        fastest: Highest playback rate, a multiple of real time.
    """

    seconds: int
    interval_s: int
    fastest: int


LifeOf = Callable[[bytes], Life | None]
"""The ticket terms of a content address; None: not in the catalogue."""


def require_acknowledgement(settled: Acknowledgement, domain: Domain, server: bytes, payer: bytes) -> Statement:
    """Check that the server has signed an acknowledgement for this payer.

    Args:
        settled: The acknowledgement.
        domain: EIP-712 domain.
        server: The server's address, 20 bytes.
        payer: The payer's address, 20 bytes.

    Returns:
        Its statement.

    Raises:
        Refusal: ``statement.mismatch``.
    """
    message = settled.statement.message
    try:
        require_signer(settled.statement, domain, server, "statement.mismatch")
    except GomaaError:
        raise Refusal("statement.mismatch", reason="signature") from None
    if (message.server, message.payer, message.lines) != (server, payer, settled_lines_hash(settled.lines)):
        raise Refusal("statement.mismatch", reason="acknowledgement")
    return message


class Resync:
    """Exchanges signed messages with a server, and restores from it only what this station has signed.

    Args:
        key: The station's private key, 32 bytes.
        address: The station's address, 20 bytes.
        chain: For the time and the account.
        servers: HTTP client.
        store: The database.
        life_of: Ticket terms by content address.
    """

    def __init__(
        self, key: bytes, address: bytes, chain: ChainView, servers: Servers, store: Store, life_of: LifeOf
    ) -> None:
        self._key = key
        self._address = address
        self._chain = chain
        self._servers = servers
        self._store = store
        self._life_of = life_of

    async def run(self, server: bytes, url: str) -> bool:
        """One exchange; False when it failed and the statement need not be fetched again."""
        try:
            now_ms = await self._chain.now_ms()
            last = await asyncio.to_thread(self._store.voucher, server)
            aside = [row.number for row in await asyncio.to_thread(self._store.quarantine, server)]
            kept = await asyncio.to_thread(self._store.acknowledgements, server, aside)
            voucher = None if last is None else last.message
            shown = await self._servers.books(url, server, self._address, self._key, now_ms // 1000, voucher, kept)
            await self._learn(server, shown, now_ms)
        except GomaaError as error:
            log.warning("books of %s: %s", to_hex(server), error)
            return False
        return True

    async def _learn(self, server: bytes, shown: ServerBooks, now_ms: int) -> None:
        """Restore tickets that this station signed, and a later state that its own voucher or the chain covers.

        Raises:
            Refusal: ``statement.mismatch``: a message is not signed.
            Unavailable: ``chain.unreachable``.
        """
        message = require_acknowledgement(shown.settled, self._chain.domain, server, self._address)
        counts: dict[int, int] = {}
        for line in shown.settled.lines:
            counts[line.number] = counts.get(line.number, 0) + line.intervals
        present = await asyncio.to_thread(self._store.tickets, [item.ticket.message.number for item in shown.tickets])
        missing = [item for item in shown.tickets if item.ticket.message.number not in present]
        # Deleted tickets were settled: a server that shows one as unpaid again proves nothing.
        pruned_s = await asyncio.to_thread(self._store.pruned_s, server)
        lost = [
            row
            for item in missing
            if (row := self._ticket(server, item, counts)) is not None and row.expiry_s > pruned_s
        ]
        _, highest = await asyncio.to_thread(self._store.agreed, server)
        covered = max(highest, (await self._chain.account(server, self._address)).spent)
        voucher = None
        if shown.voucher is not None and shown.voucher.message.cap > highest:
            signed = shown.voucher
            require_signer(signed, self._chain.domain, self._address, "statement.mismatch")
            if signed.message.server == server and signed.message.payer == self._address:
                voucher = (signed.message.cap, signed.message.until, json.dumps(signed.to_json()))
                covered = max(covered, signed.message.cap)
        # Only a database that is behind this station's own signature, or behind the chain, takes over the server's
        # state.
        behind = covered > highest and message.spent <= covered
        await asyncio.to_thread(self._store.rebuild, lost)
        settled = message.spent if behind else None
        await asyncio.to_thread(
            self._store.learn,
            server,
            now_ms,
            message.epoch,
            shown.last_number,
            settled,
            voucher,
            counts if behind else {},
        )
        if lost or behind:
            log.warning(
                "books of %s: %d tickets and %d wei were known to it only",
                to_hex(server),
                len(lost),
                covered - highest,
            )

    def _ticket(self, server: bytes, shown: ShownTicket, counts: dict[int, int]) -> TicketRow | None:
        """A lost ticket of this station; None where it is not this station's or its song is not in the catalogue."""
        ticket = shown.ticket.message
        life = self._life_of(ticket.content)
        try:
            require_signer(shown.ticket, self._chain.domain, self._address, "ticket.signature")
        except GomaaError:
            return None
        if life is None or (ticket.server, ticket.station) != (server, self._address):
            return None
        settled = counts.get(ticket.number, 0)
        return TicketRow(
            server=server,
            content=ticket.content,
            session=ticket.session,
            # Lost; the earliest time of issue by the catalogue's terms.
            issued_ms=(ticket.expiry - life.seconds) * 1000,
            expiry_s=ticket.expiry,
            interval_s=life.interval_s,
            price=ticket.price,
            reward=ticket.reward,
            bps=ticket.bps,
            max_intervals=life.seconds * life.fastest // life.interval_s + 1,
            vouchered=settled,
            number=ticket.number,
            settled=settled,
        )
