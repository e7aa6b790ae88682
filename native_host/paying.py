"""A listener pays: a statement is held against the ledger, and nothing is signed but what was heard here (docs/settlement.md, rule 9)."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from native_host.grants import most
from native_host.host import Host
from native_host.ledger import SessionRow
from native_host.ledger.paying import PaymentRow
from native_host.server import Server
from native_host.stream import Stream
from pywallet.errors import GomaaError, InputError, Refusal, Unavailable
from pywallet.hexes import from_hex, to_hex
from pywallet.messages import Domain, Signed, Statement, StatementLine, Voucher, require_signer, statement_lines_hash
from pywallet.settlement import gross

MOST_LINES: Final = 10_000


@dataclass(frozen=True)
class Due:
    """What a statement that agrees with the ledger asks for. ``cap``: cumulative gross; ``added``: of it new; wei."""

    server: bytes
    payer: bytes
    cap: int
    until: int
    added: int
    intervals: dict[bytes, int]
    """Ticket to intervals that the voucher will cover."""

    @property
    def voucher(self) -> Voucher:
        """The message that the wallet signs."""
        return Voucher(server=self.server, payer=self.payer, cap=self.cap, until=self.until)


@dataclass(frozen=True)
class Known:
    """What this computer knows when it reads a statement. ``cap``: what is signed for, wei; ``heard``: ticket to full intervals."""

    domain: Domain
    server: bytes
    payer: bytes
    cap: int
    epoch: int
    bps: int
    payments: dict[int, PaymentRow]
    heard: dict[bytes, int]
    debited: dict[bytes, int]


def check(answer: dict[str, Any], known: Known) -> Due | None:
    """What to sign for a statement; None where nothing is new. Raises Refusal ``listener.statement`` with a ``reason``."""
    try:
        signed = Signed.from_json(Statement, answer["statement"])
        lines = [_line(line) for line in answer["lines"][:MOST_LINES]]
        require_signer(signed, known.domain, known.server, "listener.statement")
    except (GomaaError, KeyError, TypeError, ValueError):
        raise Refusal("listener.statement", reason="signature") from None
    said = signed.message
    if (said.server, said.payer) != (known.server, known.payer):
        raise Refusal("listener.statement", reason="parties")
    if abs(said.epoch - known.epoch) > 1:
        raise Refusal("listener.statement", reason="epoch", epoch=said.epoch)
    if said.lines != statement_lines_hash(lines):
        raise Refusal("listener.statement", reason="lines")
    if any(later.number <= earlier.number for earlier, later in itertools.pairwise(lines)):
        raise Refusal("listener.statement", reason="order")
    net, rates, intervals = 0, {known.bps}, {}
    for line in lines:
        payment = _heard(line, known)
        net += (line.intervals - payment.signed) * payment.price
        rates.add(payment.bps)
        intervals[payment.ticket] = line.intervals
    added = said.spent - known.cap
    low, high = (gross(net, rate) for rate in (min(rates), max(rates)))
    # Commission is a floor on the epoch's sum: taken in parts it may differ by one wei.
    if added < 0 or not low - 1 <= added <= high + 1:
        raise Refusal("listener.statement", reason="spent", added_wei=str(added), expected_wei=str(high))
    return Due(known.server, known.payer, said.spent, said.epoch + 1, added, intervals) if net and added else None


def _line(raw: Any) -> StatementLine:
    return StatementLine(
        number=int(raw["number"]),
        content=from_hex(raw["content"], 20),
        session=from_hex(raw["session"], 32),
        intervals=int(raw["intervals"]),
        price=int(raw["price"]),
        reward=int(raw["reward"]),
    )


def _heard(line: StatementLine, known: Known) -> PaymentRow:
    """The ticket of a line, if all that the line says was heard on this computer and debited for it."""
    payment = known.payments.get(line.number)
    if payment is None:
        raise Refusal("listener.statement", reason="ticket", number=line.number)
    said = (line.content, line.session, line.price, line.reward)
    if said != (payment.content, payment.session, payment.price, 0):
        raise Refusal("listener.statement", reason="terms", number=line.number)
    heard = known.heard.get(payment.ticket, 0)
    if not payment.signed <= line.intervals <= heard:
        raise Refusal("listener.statement", reason="intervals", number=line.number, intervals=line.intervals, heard=heard)
    if most(line.intervals, payment.price, payment.bps) > known.debited.get(payment.ticket, 0):
        raise Refusal("site.budget", number=line.number)
    return payment


async def owed(host: Host, stream: Stream) -> Due | None:
    """What this listener should sign for now, checked against ledger and chain. A voucher that was not sent goes first.

    Raises Refusal ``listener.statement``, ``listener.escrow.short``, Unavailable.
    """
    session, server = _who(host, stream)
    await _resend(host, server, session.listener)
    await host.reporter(server, session.id).flush()
    answer = await server.request("statement", session=to_hex(session.id))
    spent, free = await _escrow(stream, server.address, session.listener)
    last = host.ledger.voucher(server.address, session.listener)
    payments = host.ledger.payments(server.address, session.listener)
    heard, debited = {}, {}
    for row in payments.values():
        ticket = host.ledger.ticket(row.ticket)
        if ticket is not None:
            heard[row.ticket] = ticket.meter.intervals(ticket.interval_s)
            debited[row.ticket] = host.ledger.debited(row.ticket)
    epoch = stream.network.deployment.schedule.epoch_of(host.now_ms(stream.network, server) // 1000)
    cap = max(last.cap if last else 0, spent)
    domain, bps = stream.network.domain, stream.facts.bps
    due = check(answer, Known(domain, server.address, session.listener, cap, epoch, bps, payments, heard, debited))
    if due is not None and due.cap > spent + free:
        raise Refusal("listener.escrow.short", cap_wei=str(due.cap), covered_wei=str(spent + free))
    return due


async def pay(host: Host, stream: Stream, signed: Signed[Voucher]) -> None:
    """Send the voucher for what ``owed`` found: written down first. Raises ``voucher.signature``, ``voucher.cap``, the server's refusal."""
    session, server = _who(host, stream)
    due = stream.due
    if due is None or due.voucher != signed.message or due.payer != session.listener:
        raise Refusal("voucher.cap", reason="not what was asked for")
    require_signer(signed, stream.network.domain, session.listener, "voucher.signature")
    with host.ledger.write():
        last = host.ledger.voucher(due.server, due.payer)
        if last is not None and last.cap >= due.cap:
            raise Refusal("voucher.cap", reason="signed before")
        host.ledger.set_voucher(due.server, due.payer, due.cap, due.until, msgspec.json.encode(signed.to_json()).decode())
        for ticket, intervals in due.intervals.items():
            host.ledger.sign_for(ticket, intervals)
    stream.due = None
    await _resend(host, server, session.listener)


async def _resend(host: Host, server: Server, payer: bytes) -> None:
    last = host.ledger.voucher(server.address, payer)
    if last is None or last.sent:
        return
    try:
        await server.request("voucher", voucher=msgspec.json.decode(last.signed))
    except Unavailable:
        raise
    except GomaaError as e:
        # Its time may be over, or the escrow gone: the server states it again.
        if e.code not in ("voucher.signature", "voucher.cap"):
            raise
    with host.ledger.write():
        host.ledger.voucher_sent(server.address, payer)


async def _escrow(stream: Stream, server: bytes, payer: bytes) -> tuple[int, int]:
    """What the chain has debited, and what it holds that is not asked back; wei."""
    settlement = stream.network.settlement
    spent, escrow = await settlement.account(server, payer)
    return spent, max(0, escrow - await settlement.requested(server, payer))


def _who(host: Host, stream: Stream) -> tuple[SessionRow, Server]:
    if stream.session is None or stream.ticket is None or stream.policy.price.payer != "listener":
        raise InputError("host.message.schema", field="stream", reason="nobody pays here")
    return stream.session, host.server(stream.server, stream.server_url, stream.network)
