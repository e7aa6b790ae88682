"""A listener pays.

A statement is held against the ledger, and nothing is signed but what was heard here (docs/settlement.md, rule 9).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from native_host.context import Services
from native_host.ledger import SessionRow
from native_host.ledger.voucher_store import PaymentRow, VoucherRow
from native_host.payments.resync import resynchronise
from native_host.payments.site_grants import max_cost
from native_host.payments.voucher_due import VoucherDue
from native_host.playback.stream import Stream
from native_host.remote.server import Server
from pywallet.encoding.hex import from_hex, to_hex
from pywallet.errors import GomaaError, InputError, Refusal, Unavailable
from pywallet.protocol import (
    Domain,
    Signed,
    Statement,
    StatementLine,
    Voucher,
    require_signer,
)
from pywallet.rules.statement_check import PayerRecord as KnownBooks
from pywallet.rules.statement_check import (
    ReceivedStatement,
    TicketRecord,
    Verdict,
    as_value,
    check_statement,
)

MOST_LINES: Final = 10_000
CODE: Final = "listener.statement"
_LOST: Final = ("ticket", "spent", "settled")
"""Reasons that a lost ledger has, or a voucher that another computer of this listener signed."""


@dataclass(frozen=True)
class StatementContext:
    """What this computer knows when it reads a statement.

    ``cap``: what is signed for, wei, and ``agreed`` its value, not rounded. ``bps``: the commission now; ``high_bps``:
    the highest one while a voucher counts. ``heard``: ticket to full intervals; ``debited``: ticket to wei set aside.
    """

    domain: Domain
    server: bytes
    payer: bytes
    cap: int
    agreed: int
    epoch: int
    bps: int
    high_bps: int
    payments: dict[int, PaymentRow]
    heard: dict[bytes, int]
    debited: dict[bytes, int]


def examine(answer: dict[str, Any], known: StatementContext) -> tuple[Statement, Verdict]:
    """The lines of a statement that were heard here. Raises Refusal ``listener.statement``, ``site.budget``."""
    try:
        signed = Signed.from_json(Statement, answer["statement"])
        lines = tuple(_line(line) for line in answer["lines"][:MOST_LINES])
        counts, settled, net = None, None, None
        if "settled_wei" in answer:
            counts = {line.number: int(raw["settled"]) for line, raw in zip(lines, answer["lines"], strict=False)}
            settled, net = int(answer["settled_wei"]), int(answer["net_wei"])
        if min((settled or 0, net or 0, *(counts or {}).values())) < 0:
            raise ValueError("a negative amount")
    except (GomaaError, KeyError, TypeError, ValueError):
        raise Refusal(CODE, reason="signature") from None
    tickets = {number: _ticket(payment, known) for number, payment in known.payments.items()}
    parties = (known.domain, known.server, known.payer)
    books = KnownBooks(*parties, known.agreed, known.epoch, known.bps, known.high_bps, tickets)
    verdict = check_statement(ReceivedStatement(signed, lines, counts, settled, net), books, CODE)
    for line in verdict.lines:
        payment = known.payments[line.number]
        set_aside = known.debited.get(payment.ticket, 0)
        if not payment.lost_intervals and max_cost(line.intervals, payment.price_wei, payment.bps) > set_aside:
            raise Refusal("site.budget", number=line.number)
    return signed.message, verdict


def check(answer: dict[str, Any], known: StatementContext) -> VoucherDue | None:
    """What to sign for a statement; None where nothing is new.

    Raises:
        Refusal: ``listener.statement`` with a ``reason`` where none of its lines was heard here; ``site.budget``.
    """
    said, verdict = examine(answer, known)
    return _due(said, verdict.require(CODE), known)


def _due(said: Statement, verdict: Verdict, known: StatementContext) -> VoucherDue | None:
    if not verdict.lines or (not verdict.new and verdict.cap <= known.cap):
        return None
    added = max(0, verdict.cap - known.cap)
    return VoucherDue(
        known.server, known.payer, verdict.cap, said.epoch + 1, added, verdict.agreed, verdict.intervals, known.high_bps
    )


def _line(raw: Any) -> StatementLine:
    return StatementLine(
        number=int(raw["number"]),
        content=from_hex(raw["content"], 20),
        session=from_hex(raw["session"], 32),
        intervals=int(raw["intervals"]),
        price=int(raw["price"]),
        reward=int(raw["reward"]),
    )


def _ticket(payment: PaymentRow, known: StatementContext) -> TicketRecord:
    """A ticket with what was heard of it on this computer; of a play that the ledger lost, what was learnt of it."""
    heard = payment.lost_intervals or known.heard.get(payment.ticket, 0)
    bps = payment.agreed_bps or payment.bps
    return TicketRecord(
        payment.content, payment.session, payment.price_wei, 0, heard, payment.vouchered_intervals, 0, bps
    )


async def owed(services: Services, stream: Stream) -> VoucherDue | None:
    """What this listener should sign for now, checked against ledger and chain. A voucher that was not sent goes first.

    Raises Refusal ``listener.statement``, ``listener.escrow.short``, Unavailable.
    """
    session, server = _who(services, stream)
    await _resend(services, server, session.listener)
    await services.reporters.of(server, session.id).flush()
    due = await _ask(services, stream, session, server, heal=True)
    if due is not None:
        spent, free = await _escrow(stream, server.address, session.listener)
        if due.cap > spent + free:
            raise Refusal("listener.escrow.short", cap_wei=str(due.cap), covered_wei=str(spent + free))
    return due


async def _ask(
    services: Services, stream: Stream, session: SessionRow, server: Server, *, heal: bool
) -> VoucherDue | None:
    """One statement.

    Lines of other computers are left to them: where they take all of the room, they are stated last.
    """
    answer = await server.request("statement", session=to_hex(session.id))
    named = "settled_wei" in answer
    known = await _known(services, stream, session, server, named)
    try:
        said, verdict = examine(answer, known)
        if named and verdict.rejected and not verdict.lines:
            wrong = [one.number for one in verdict.rejected]
            answer = await server.request("statement", session=to_hex(session.id), disputed=wrong)
            said, verdict = examine(answer, known)
        verdict.require(CODE)
    except Refusal as refusal:
        lost = refusal.code == CODE and refusal.detail.get("reason") in _LOST
        if not (heal and named and lost and await resynchronise(services.ledger, stream, session, server)):
            raise
        return await _ask(services, stream, session, server, heal=False)
    last = services.ledger.voucher(server.address, session.listener)
    due = _due(said, verdict, known)
    if due is None and named and verdict.lines and last is not None:
        # Signed for before, and not settled then: the same voucher while it counts, else one for the running epoch.
        if last.until_epoch < said.epoch:
            due = VoucherDue(
                known.server,
                known.payer,
                verdict.cap,
                said.epoch + 1,
                0,
                verdict.agreed,
                verdict.intervals,
                known.high_bps,
            )
        else:
            again = replace(last, sent=False, lines=verdict.intervals)
            with services.ledger.write():
                services.ledger.set_voucher(server.address, session.listener, again)
            await _resend(services, server, session.listener)
    return None if due is None else replace(due, named=named)


async def _known(
    services: Services, stream: Stream, session: SessionRow, server: Server, rates: bool
) -> StatementContext:
    spent, _ = await _escrow(stream, server.address, session.listener)
    last = services.ledger.voucher(server.address, session.listener)
    payments = services.ledger.payments(server.address, session.listener)
    heard, debited = {}, {}
    for row in payments.values():
        ticket = services.ledger.ticket(row.ticket)
        if ticket is not None:
            heard[row.ticket] = ticket.meter.intervals(ticket.interval_s)
            debited[row.ticket] = services.ledger.debited(row.ticket)
    epoch = stream.network.deployment.schedule.epoch_of(services.clock.now_ms(stream.network, server) // 1000)
    cap, agreed = (last.cap_wei, last.agreed_value) if last else (0, 0)
    if spent > cap:
        # With the ledger lost, what the chain has debited was signed for once.
        cap, agreed = spent, max(agreed, as_value(spent))
    bps = high = stream.facts.bps
    if rates:
        # Not as they were when the song was opened: the commission may have risen since.
        bps, following = await asyncio.gather(*(stream.network.registry.rate_at(one) for one in (epoch, epoch + 1)))
        high = max(bps, following)
    return StatementContext(
        stream.network.domain, server.address, session.listener, cap, agreed, epoch, bps, high, payments, heard, debited
    )


async def pay(services: Services, stream: Stream, signed: Signed[Voucher]) -> None:
    """Send the voucher for what ``owed`` found: written down first.

    Raises ``voucher.signature``, ``voucher.cap``, the server's refusal.
    """
    session, server = _who(services, stream)
    due = stream.due
    if due is None or due.voucher != signed.message or due.payer != session.listener:
        raise Refusal("voucher.cap", reason="not what was asked for")
    require_signer(signed, stream.network.domain, session.listener, "voucher.signature")
    payments = services.ledger.payments(server.address, session.listener)
    with services.ledger.write():
        last = services.ledger.voucher(due.server, due.payer)
        if last is not None and last.cap_wei >= due.cap and last.until_epoch >= due.until:
            raise Refusal("voucher.cap", reason="signed before")
        text = msgspec.json.encode(signed.to_json()).decode()
        services.ledger.set_voucher(
            due.server,
            due.payer,
            VoucherRow(due.cap, due.until, text, False, due.agreed, due.lines if due.named else {}),
        )
        for number, intervals in due.lines.items():
            services.ledger.raise_vouchered(payments[number].ticket, intervals, due.bps)
    stream.due = None
    await _resend(services, server, session.listener)


async def _resend(services: Services, server: Server, payer: bytes) -> None:
    last = services.ledger.voucher(server.address, payer)
    if last is None or last.sent:
        return
    fields: dict[str, Any] = {"voucher": msgspec.json.decode(last.signed_json)}
    if last.lines:
        fields["lines"] = list(last.lines.items())
    try:
        await server.request("voucher", **fields)
    except Unavailable:
        raise
    except GomaaError as e:
        # Its time may be over, or escrow and epoch have no room: the server states it again.
        if e.code not in _STATED_AGAIN:
            raise
    with services.ledger.write():
        services.ledger.set_voucher_sent(server.address, payer)


_STATED_AGAIN: Final = frozenset({"voucher.signature", "voucher.cap", "server.epoch.full", "statement.minimum"})


async def _escrow(stream: Stream, server: bytes, payer: bytes) -> tuple[int, int]:
    """What the chain has debited, and what it holds that is not asked back; wei."""
    settlement = stream.network.settlement
    spent, escrow = await settlement.account(server, payer)
    return spent, max(0, escrow - await settlement.requested(server, payer))


def _who(services: Services, stream: Stream) -> tuple[SessionRow, Server]:
    if stream.session is None or stream.ticket is None or stream.policy.price.payer != "listener":
        raise InputError("host.message.schema", field="stream", reason="nobody pays here")
    return stream.session, services.servers.of_stream(stream)
