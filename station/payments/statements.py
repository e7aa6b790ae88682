"""Before the station pays: every line of a server's statement against the station's own ticket log.

``check`` is pure: it reads a statement, the tickets issued and the books, and says what to sign for
(``pywallet.rules.statement_check``). ``Bookkeeper`` asks the servers, writes down, signs and sends, and where books
differ goes on from what both sides have signed (``station.payments.resync``).
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pywallet.encoding.hex import to_hex
from pywallet.errors import InputError, Refusal
from pywallet.protocol import (
    Domain,
    Signed,
    Voucher,
    sign,
)
from pywallet.rules.limits import CLOCK_SLACK_MS
from pywallet.rules.statement_check import (
    PayerRecord,
    TicketRecord,
    Verdict,
    as_value,
    check_statement,
)
from station.chain_interface import ChainView
from station.db.ledger import Store
from station.db.rows import TicketRow, VoucherRow
from station.payments.resync import LifeOf, Resync, require_acknowledgement
from station.payments.server_client import Acknowledgement, ServerAnswer, Servers

log = logging.getLogger("gomaa.station")

LINE_CODE: Final = "statement.line"
"""Code of a line that is set aside."""
_LOST: Final = ("ticket", "settled", "spent")
"""Reasons that lost or restored books have, here or at the server."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the station knows by itself when it reads a statement.

    ``cap``: the cumulative gross that it has agreed to, wei, where ``agreed``
    (the same, times 10,000, not rounded) is not given. ``epoch``: the one now.
    ``bps``: the commission in the statement's epoch; ``high_bps``: the highest
    one while a voucher of it counts, if it is another. ``now_ms``: the chain's time.
    """

    server: bytes
    payer: bytes
    domain: Domain
    cap: int
    epoch: int
    bps: int
    now_ms: int
    agreed: int | None = None
    high_bps: int | None = None

    @property
    def rate(self) -> int:
        """The commission at which lines are valued."""
        return self.bps if self.high_bps is None else self.high_bps


def check(answer: ServerAnswer, tickets: Mapping[int, TicketRow], known: Expectation) -> Verdict:
    """The lines of a statement to sign for, those to set aside, and the cap that covers the first.

    Raises:
        Refusal: ``statement.mismatch`` with ``reason`` and, where none of the lines agrees, ``number`` of the first.
    """
    return examine(answer, tickets, known).require("statement.mismatch")


def examine(answer: ServerAnswer, tickets: Mapping[int, TicketRow], known: Expectation) -> Verdict:
    """Like ``check``, but a statement without a line that agrees is no refusal."""
    rows = {number: _known(row, known.now_ms) for number, row in tickets.items() if row.server == known.server}
    agreed = as_value(known.cap) if known.agreed is None else known.agreed
    books = PayerRecord(known.domain, known.server, known.payer, agreed, known.epoch, known.bps, known.rate, rows)
    return check_statement(answer, books, "statement.mismatch")


def _known(ticket: TicketRow, now_ms: int) -> TicketRecord:
    elapsed_ms = max(0, min(now_ms, ticket.expiry_s * 1000) - ticket.issued_ms)
    possible = (elapsed_ms * ticket.fastest + CLOCK_SLACK_MS) // (ticket.interval_s * 1000) + 1
    facts = (ticket.content, ticket.session, ticket.price, ticket.reward, possible)
    return TicketRecord(*facts, ticket.vouchered, ticket.settled, ticket.agreed_bps)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One round with one server.

    ``new``: lines with something new; ``cap``: what is signed for now, wei; ``aside``: lines that are not signed for;
    ``waiting``: the code of why not all that was signed for is settled, or None.
    """

    server: bytes
    new: int
    cap: int
    receipts: int
    aside: int = 0
    waiting: str | None = None


class Bookkeeper:
    """Asks each server what the station owes and signs for what is true."""

    def __init__(
        self,
        key: bytes,
        address: bytes,
        chain: ChainView,
        servers: Servers,
        store: Store,
        life_of: LifeOf | None = None,
    ) -> None:
        self._key = key
        self._address = address
        self._chain = chain
        self._servers = servers
        self._store = store
        self._resync = Resync(key, address, chain, servers, store, life_of or (lambda content: None))

    async def round(self, server: bytes, url: str, send: bool = True) -> Outcome:
        """One statement, checked line by line; a voucher if there is something to sign for.

        Args:
            server: whose statement.
            url: where it answers.
            send: False checks only, and signs nothing.

        Raises:
            Refusal: statement.mismatch, after it was written down.
            Unavailable: server.unreachable, chain.unreachable.
        """
        try:
            return await self._round(server, url, send, heal=send)
        except Refusal as error:
            lost = send and error.code == "statement.mismatch" and error.detail.get("reason") in _LOST
            if not lost or not await self._resync.run(server, url):
                raise
        return await self._round(server, url, send, heal=False)

    async def _round(self, server: bytes, url: str, send: bool, heal: bool) -> Outcome:
        now_ms = await self._chain.now_ms()
        disputed = [row.number for row in await asyncio.to_thread(self._store.quarantine, server)]
        answer = await self._servers.statement(url, server, self._address, self._key, now_ms // 1000, disputed)
        known, tickets, last = await self._known(server, answer, now_ms)
        statement = answer.statement.message
        text = json.dumps(answer.statement.to_json())
        try:
            verdict = examine(answer, tickets, known)
            if (
                heal
                and any(wrong.reason in _LOST for wrong in verdict.rejected)
                and await self._resync.run(server, url)
            ):
                return await self._round(server, url, send, heal=False)
            await asyncio.to_thread(
                self._store.set_aside, server, now_ms, LINE_CODE, verdict.rejected, verdict.intervals
            )
            verdict.require("statement.mismatch")
        except (Refusal, InputError) as error:
            await asyncio.to_thread(
                self._store.refuse,
                server,
                now_ms,
                statement.epoch,
                statement.spent,
                len(answer.lines),
                error.code,
                error.detail,
                text,
            )
            raise
        if verdict.rejected:
            log.warning("%d lines of %s are not signed for", len(verdict.rejected), to_hex(server))
        aside = len(verdict.rejected)
        if not send:
            return Outcome(server, verdict.new, verdict.cap, 0, aside)
        if not verdict.lines:
            return await self._again(server, url, last, statement.epoch, now_ms, answer)
        until = statement.epoch + 1
        if last is not None and not verdict.new and (last.cap, last.until) == (verdict.cap, until):
            row, voucher = last.id, Signed.from_json(Voucher, json.loads(last.message))
        else:
            voucher = sign(
                Voucher(server=server, payer=self._address, cap=verdict.cap, until=until), self._chain.domain, self._key
            )
            kept = json.dumps(voucher.to_json())
            row = await asyncio.to_thread(
                self._store.agree, server, now_ms, statement.epoch, verdict.cap, until, verdict, known.rate, text, kept
            )
        lines = None if answer.counts is None else verdict.intervals
        receipts, waiting = await self._send(server, url, row, voucher, lines, now_ms)
        return Outcome(server, verdict.new, verdict.cap, receipts, aside, waiting)

    async def _again(
        self, server: bytes, url: str, last: VoucherRow | None, epoch: int, now_ms: int, answer: ServerAnswer
    ) -> Outcome:
        """Nothing to sign: a voucher whose answer never came is sent again while it counts, for its acknowledgement."""
        cap = answer.statement.message.spent if last is None else last.cap
        if last is None or last.sent_ms is not None or last.until < epoch:
            return Outcome(server, 0, cap, 0, waiting=answer.waiting)
        voucher = Signed.from_json(Voucher, json.loads(last.message))
        lines = None if answer.counts is None else last.lines
        receipts, waiting = await self._send(server, url, last.id, voucher, lines, now_ms)
        return Outcome(server, 0, cap, receipts, 0, waiting)

    async def _send(
        self, server: bytes, url: str, row: int, voucher: Signed[Voucher], lines: Mapping[int, int] | None, now_ms: int
    ) -> tuple[int, str | None]:
        taken = await self._servers.voucher(url, voucher, self._key, now_ms // 1000, lines)
        await asyncio.to_thread(self._store.sent, row, now_ms)
        if taken.settled is not None and lines is not None:
            await self._acknowledge(server, taken.settled, lines, now_ms)
        return taken.receipts, taken.waiting

    async def _acknowledge(
        self, server: bytes, settled: Acknowledgement, lines: Mapping[int, int], now_ms: int
    ) -> None:
        """Keep what the server has signed as settled, if it is its own signature and about these lines."""
        require_acknowledgement(settled, self._chain.domain, server, self._address)
        counts = dict.fromkeys(lines, 0)
        for line in settled.lines:
            if line.number in counts:
                counts[line.number] += line.intervals
        keep_ms = self._chain.schedule.late * 1000
        tickets = await asyncio.to_thread(self._store.tickets, counts)
        counts = {
            number: min(count, tickets[number].vouchered) for number, count in counts.items() if number in tickets
        }
        await asyncio.to_thread(self._store.acknowledge, server, now_ms, settled.text, counts, keep_ms)

    async def _known(
        self, server: bytes, answer: ServerAnswer, now_ms: int
    ) -> tuple[Expectation, dict[int, TicketRow], VoucherRow | None]:
        """What the station's own books and the chain say, beside the statement."""
        epoch = self._chain.schedule.epoch_of(now_ms // 1000)
        voucher = await asyncio.to_thread(self._store.voucher, server)
        agreed, highest = await asyncio.to_thread(self._store.agreed, server)
        # With the books lost, what the chain has debited was signed for once.
        spent = (await self._chain.account(server, self._address)).spent
        if spent > highest:
            agreed = max(agreed, as_value(spent))
        stated = answer.statement.message.epoch
        stated = stated if abs(stated - epoch) <= 1 else epoch
        bps, following = await self._chain.rate(stated), await self._chain.rate(stated + 1)
        tickets = await asyncio.to_thread(self._store.tickets, [line.number for line in answer.lines])
        known = Expectation(
            server, self._address, self._chain.domain, highest, epoch, bps, now_ms, agreed, max(bps, following)
        )
        return known, tickets, voucher
