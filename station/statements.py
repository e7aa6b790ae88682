"""Before the station pays: every line of a server's statement against the station's own ticket log.

``check`` is pure: it reads a statement, the tickets issued, the last cap signed
and the time, and says what is new or what does not agree. ``Bookkeeper`` asks
the servers, writes down, signs and sends.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass

from pywallet.errors import GomaaError, InputError, Refusal
from pywallet.messages import Domain, Signed, StatementLine, Voucher, require_signer, sign, statement_lines_hash
from pywallet.settlement import gross
from station.chainview import ChainView
from station.servers import ServerAnswer, Servers
from station.store import Store, TicketRow, VoucherRow

SLACK_MS = 5000
"""By so much may a server's clock run ahead of the station's (protocol section 2, heard time)."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the station knows by itself when it reads a statement.

    ``cap``: the cumulative gross it has signed for, wei. ``epoch``: the one now.
    ``bps``: the commission in the statement's epoch. ``now_ms``: the chain's time.
    """

    server: bytes
    payer: bytes
    domain: Domain
    cap: int
    epoch: int
    bps: int
    now_ms: int


def check(answer: ServerAnswer, tickets: Mapping[int, TicketRow], known: Expectation) -> dict[int, int]:
    """The intervals per ticket number that signing this statement would pay for.

    Raises:
        Refusal: ``statement.mismatch`` with ``reason`` and, where one line is meant, ``number``.
    """
    statement = answer.statement.message
    try:
        require_signer(answer.statement, known.domain, known.server, "statement.mismatch")
    except GomaaError as error:
        raise Refusal("statement.mismatch", reason="signature") from error
    if statement.server != known.server or statement.payer != known.payer:
        raise Refusal("statement.mismatch", reason="parties")
    if abs(statement.epoch - known.epoch) > 1:
        raise Refusal("statement.mismatch", reason="epoch", epoch=statement.epoch)
    if statement.lines != statement_lines_hash(answer.lines):
        raise Refusal("statement.mismatch", reason="lines")
    numbers = [line.number for line in answer.lines]
    if any(later <= earlier for earlier, later in itertools.pairwise(numbers)):
        raise Refusal("statement.mismatch", reason="order")
    net = 0
    rates = {known.bps}
    for line in answer.lines:
        ticket = tickets.get(line.number)
        new = _check_line(line, ticket, known)
        if new and ticket is not None:
            net += new * (ticket.price + ticket.reward)
            rates.add(ticket.bps)
    added = statement.spent - known.cap
    # Commission is a floor on the payer's sum for the epoch: a sum taken in two parts may differ by one wei.
    low, high = (gross(net, rate) for rate in (min(rates), max(rates)))
    # A voucher that came after its epoch's end is stated again in the next, so one wei may be added without news.
    if not low - 1 <= added <= high + 1 or added < 0 or (added and not answer.lines):
        raise Refusal("statement.mismatch", reason="spent", added=added, expected=high)
    return {line.number: line.intervals for line in answer.lines}


def _check_line(line: StatementLine, ticket: TicketRow | None, known: Expectation) -> int:
    """How many intervals of this line are new."""
    if ticket is None or ticket.server != known.server:
        raise Refusal("statement.mismatch", reason="ticket", number=line.number)
    for name in ("content", "session", "price", "reward"):
        if getattr(line, name) != getattr(ticket, name):
            raise Refusal("statement.mismatch", reason=name, number=line.number)
    if line.intervals < ticket.vouchered:
        raise Refusal("statement.mismatch", reason="intervals fell", number=line.number, intervals=line.intervals, before=ticket.vouchered)
    elapsed_ms = max(0, min(known.now_ms, ticket.expiry_s * 1000) - ticket.issued_ms)
    possible = (elapsed_ms * ticket.fastest + SLACK_MS) // (ticket.interval_s * 1000) + 1
    if line.intervals > possible:
        raise Refusal("statement.mismatch", reason="intervals", number=line.number, intervals=line.intervals, possible=possible)
    return line.intervals - ticket.vouchered


@dataclass(frozen=True, slots=True)
class Outcome:
    """One round with one server. ``new``: lines with something new; ``cap``: what is signed for now, wei."""

    server: bytes
    new: int
    cap: int
    receipts: int


class Bookkeeper:
    """Asks each server what the station owes and signs for what is true."""

    def __init__(self, key: bytes, address: bytes, chain: ChainView, servers: Servers, store: Store) -> None:
        self._key = key
        self._address = address
        self._chain = chain
        self._servers = servers
        self._store = store

    async def round(self, server: bytes, url: str, send: bool = True) -> Outcome:
        """One statement, checked; a voucher if there is something to sign for.

        Args:
            server: whose statement.
            url: where it answers.
            send: False checks only, and signs nothing.

        Raises:
            Refusal: statement.mismatch, after it was written down.
            Unavailable: server.unreachable, chain.unreachable.
        """
        now_ms = await self._chain.now_ms()
        answer = await self._servers.statement(url, server, self._address, self._key, now_ms // 1000)
        known, tickets, last = await self._known(server, answer, now_ms)
        statement = answer.statement.message
        text = json.dumps(answer.statement.to_json())
        try:
            intervals = check(answer, tickets, known)
        except (Refusal, InputError) as error:
            await asyncio.to_thread(
                self._store.refuse, server, now_ms, statement.epoch, statement.spent, len(answer.lines), error.code, error.detail, text
            )
            raise
        new = sum(count > tickets[number].vouchered for number, count in intervals.items())
        settled = last is None or last.sent_ms is not None
        if not send or (not intervals and statement.spent == known.cap and settled):
            return Outcome(server, new, statement.spent, 0)
        until = statement.epoch + 1
        if last is not None and not new and (last.cap, last.until) == (statement.spent, until):
            row, voucher = last.id, Signed.from_json(Voucher, json.loads(last.message))
        else:
            voucher = sign(Voucher(server=server, payer=self._address, cap=statement.spent, until=until), self._chain.domain, self._key)
            kept = json.dumps(voucher.to_json())
            row = await asyncio.to_thread(self._store.agree, server, now_ms, statement.epoch, statement.spent, until, intervals, text, kept)
        receipts = await self._servers.voucher(url, voucher)
        await asyncio.to_thread(self._store.sent, row, now_ms)
        return Outcome(server, new, statement.spent, receipts)

    async def _known(self, server: bytes, answer: ServerAnswer, now_ms: int) -> tuple[Expectation, dict[int, TicketRow], VoucherRow | None]:
        """What the station's own books and the chain say, beside the statement."""
        epoch = self._chain.schedule.epoch_of(now_ms // 1000)
        voucher = await asyncio.to_thread(self._store.voucher, server)
        # With the books lost, what the chain has debited was signed for once.
        cap = voucher.cap if voucher is not None else (await self._chain.account(server, self._address)).spent
        stated = answer.statement.message.epoch
        bps = await self._chain.rate(stated if abs(stated - epoch) <= 1 else epoch)
        tickets = await asyncio.to_thread(self._store.tickets, [line.number for line in answer.lines])
        known = Expectation(server, self._address, self._chain.domain, cap, epoch, bps, now_ms)
        return known, tickets, voucher
