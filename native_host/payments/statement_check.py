"""Comparison of a server's statement with the plays in the ledger (docs/settlement.md, rule 9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from messages.settlement import StatementLineResult, StatementResult
from native_host.ledger.voucher_store import PaymentRow
from native_host.playback.site_grants import max_cost
from native_host.playback.voucher_due import VoucherDue
from pywallet.encoding.hex import from_hex
from pywallet.errors import GomaaError, Refusal
from pywallet.protocol import (
    Domain,
    Signed,
    Statement,
    StatementLine,
)
from pywallet.rules.statement_check import PayerRecord as KnownBooks
from pywallet.rules.statement_check import (
    ReceivedStatement,
    TicketRecord,
    Verdict,
    check_statement,
)

MOST_LINES: Final = 10_000
CODE: Final = "listener.statement"


@dataclass(frozen=True)
class StatementContext:
    """Ledger and chain at the time of a statement.

    Attributes:
        domain: EIP-712 domain of the network.
        server: Address of the server, 20 bytes.
        payer: Address of the listener key, 20 bytes.
        cap: Cumulative amount that is signed for, wei.
        agreed: Value of ``cap``, not rounded.
        epoch: Number of the current epoch.
        bps: Commission now, basis points.
        high_bps: Highest commission while a voucher of now counts, basis points.
        payments: Payments of this listener by ticket number.
        heard: Whole intervals by ticket digest.
        debited: Amount debited from the site's budget by ticket digest, wei.
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


def examine(answer: dict[str, Any], context: StatementContext) -> tuple[Statement, Verdict]:
    """Compare a server's result of ``statement`` with the ledger, line by line.

    Args:
        answer: A ``StatementResult`` as JSON.
        context: Ledger and chain now.

    Returns:
        The statement, and which of its lines are agreed or wrong.

    Raises:
        Refusal: ``listener.statement`` with a ``reason`` where the statement as a whole is wrong; ``site.budget`` where
            a line is above what the site's budget was debited.
    """
    try:
        stated = msgspec.convert(answer, StatementResult)
        signed = Signed.from_json(Statement, stated.statement)
        rows = stated.lines[:MOST_LINES]
        lines = tuple(_line(row) for row in rows)
    except (GomaaError, msgspec.ValidationError):
        raise Refusal(CODE, reason="signature") from None
    counts, settled, net = None, None, None
    if stated.settled_wei is not None:
        counts = {row.number: row.settled for row in rows if row.settled is not None}
        if stated.net_wei is None or len(counts) < len({row.number for row in rows}):
            raise Refusal(CODE, reason="signature")
        settled, net = int(stated.settled_wei), int(stated.net_wei)
    tickets = {number: _ticket(payment, context) for number, payment in context.payments.items()}
    parties = (context.domain, context.server, context.payer)
    books = KnownBooks(*parties, context.agreed, context.epoch, context.bps, context.high_bps, tickets)
    verdict = check_statement(ReceivedStatement(signed, lines, counts, settled, net), books, CODE)
    for line in verdict.lines:
        payment = context.payments[line.number]
        debited = context.debited.get(payment.ticket, 0)
        if not payment.lost_intervals and max_cost(line.intervals, payment.price_wei, payment.bps) > debited:
            raise Refusal("site.budget", number=line.number)
    return signed.message, verdict


def due_of(statement: Statement, verdict: Verdict, context: StatementContext) -> VoucherDue | None:
    """The voucher for a statement's agreed lines; None where earlier vouchers cover them."""
    if not verdict.lines or (not verdict.new and verdict.cap <= context.cap):
        return None
    return voucher_for(statement, verdict, context, added=max(0, verdict.cap - context.cap))


def voucher_for(statement: Statement, verdict: Verdict, context: StatementContext, added: int) -> VoucherDue:
    """The voucher for a statement's agreed lines, which ends with the epoch after the statement's.

    Args:
        statement: The statement.
        verdict: Its agreed lines.
        context: Ledger and chain at the time of the statement.
        added: Part of the amount that earlier vouchers do not have, wei.
    """
    return VoucherDue(
        server=context.server,
        payer=context.payer,
        cap=verdict.cap,
        until=statement.epoch + 1,
        added=added,
        agreed=verdict.agreed,
        lines=verdict.intervals,
        bps=context.high_bps,
    )


def _line(row: StatementLineResult) -> StatementLine:
    return StatementLine(
        number=row.number,
        content=from_hex(row.content, 20),
        session=from_hex(row.session, 32),
        intervals=row.intervals,
        price=int(row.price),
        reward=int(row.reward),
    )


def _ticket(payment: PaymentRow, context: StatementContext) -> TicketRecord:
    """A ticket with the intervals heard on this computer; for a play that the ledger lost, those of the resync."""
    heard = payment.lost_intervals or context.heard.get(payment.ticket, 0)
    bps = payment.agreed_bps or payment.bps
    return TicketRecord(
        payment.content, payment.session, payment.price_wei, 0, heard, payment.vouchered_intervals, 0, bps
    )
