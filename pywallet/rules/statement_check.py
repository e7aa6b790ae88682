"""Check of a server's statement against a payer's own records, the same for stations and listeners.

A line that differs is rejected and the others are vouchered (docs/protocol.md, Statements). A payer never pays twice:
it keeps the value of everything that it has agreed to, and no voucher's cap exceeds that value, whatever a server
states as settled or open.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pywallet.errors import GomaaError, Refusal
from pywallet.protocol import (
    Domain,
    Signed,
    Statement,
    StatementLine,
    require_signer,
    statement_lines_hash,
)
from pywallet.protocol.commission import BASIS_POINTS, gross

SCALE: Final = BASIS_POINTS
"""Factor from wei to values: commission in basis points adds up without rounding."""


def as_value(wei: int) -> int:
    """Value of an amount in wei that was rounded down: the largest that rounds to it."""
    return wei * SCALE + SCALE - 1 if wei else 0


@dataclass(frozen=True, slots=True)
class TicketRecord:
    """One ticket in the payer's own records.

    Attributes:
        content: Address, 20 bytes.
        session: Id of the session, 32 bytes.
        price: Owner's part of an interval, wei.
        reward: Payee's part of an interval, wei.
        possible: Most intervals that can have been heard.
        agreed: Intervals vouchered so far.
        settled: Intervals that the server has acknowledged.
        bps: Highest commission at which the agreed intervals are valued, basis points.
    """

    content: bytes
    session: bytes
    price: int
    reward: int
    possible: int
    agreed: int = 0
    settled: int = 0
    bps: int = 0


@dataclass(frozen=True, slots=True)
class ReceivedStatement:
    """A statement as received, unchecked.

    Attributes:
        statement: The signed statement.
        lines: Its lines.
        counts: Settled intervals by ticket number; None from a server that does not state them.
        settled: Cumulative gross settled, wei; None likewise.
        net: Net settled in the statement's epoch, wei; None likewise.
        waiting: Code of the reason why less than all that is owed is stated, or None.
    """

    statement: Signed[Statement]
    lines: tuple[StatementLine, ...]
    counts: Mapping[int, int] | None = None
    settled: int | None = None
    net: int | None = None
    waiting: str | None = None


@dataclass(frozen=True, slots=True)
class PayerRecord:
    """The payer's own records and the chain's facts, against which a statement is checked.

    Attributes:
        domain: EIP-712 domain of the network.
        server: Address of the security server, 20 bytes.
        payer: Address of the payer, 20 bytes.
        agreed: Value of everything agreed to so far, wei times ``SCALE``.
        epoch: The present epoch.
        bps: Commission of the statement's epoch, basis points.
        high_bps: The higher commission of that epoch and the next, in which a voucher may still be used.
        tickets: Tickets by number.
    """

    domain: Domain
    server: bytes
    payer: bytes
    agreed: int
    epoch: int
    bps: int
    high_bps: int
    tickets: Mapping[int, TicketRecord]


@dataclass(frozen=True, slots=True)
class AcceptedLine:
    """One line that can be vouchered.

    Attributes:
        number: Ticket number.
        intervals: Intervals by the statement.
        settled: Intervals that are settled.
        new: Intervals that were not agreed to before.
        pending: Intervals agreed to before and not settled.
        each: Price and reward of an interval, wei.
        value: Increase of the value of everything agreed to, wei times ``SCALE``.
    """

    number: int
    intervals: int
    settled: int
    new: int
    pending: int
    each: int
    value: int

    @property
    def net(self) -> int:
        """Unsettled amount of the line, wei without commission."""
        return (self.new + self.pending) * self.each


@dataclass(frozen=True, slots=True)
class RejectedLine:
    """One line that is not vouchered: the first field that differs, and its numbers."""

    number: int
    reason: str
    detail: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Result of a check.

    Attributes:
        lines: Lines to voucher.
        rejected: The other lines.
        cap: Cap of the voucher, cumulative gross wei.
        agreed: Value of everything agreed to once it is signed, wei times ``SCALE``.
        settled: Cumulative gross settled, wei.
    """

    lines: tuple[AcceptedLine, ...]
    rejected: tuple[RejectedLine, ...]
    cap: int
    agreed: int
    settled: int

    @property
    def new(self) -> int:
        """Number of lines with intervals that were not agreed to before."""
        return sum(line.new > 0 for line in self.lines)

    @property
    def intervals(self) -> dict[int, int]:
        """Intervals agreed to by ticket number."""
        return {line.number: line.intervals for line in self.lines}

    def require(self, code: str) -> Verdict:
        """Return this verdict unless all lines are rejected.

        Args:
            code: Code of the refusal.

        Raises:
            Refusal: ``code`` with the reason and number of the first rejected line.
        """
        if self.rejected and not self.lines:
            first = self.rejected[0]
            raise Refusal(code, reason=first.reason, number=first.number, **first.detail)
        return self


def check_statement(received: ReceivedStatement, record: PayerRecord, code: str) -> Verdict:
    """Check a statement line by line, and compute the cap of a voucher over the accepted lines and what is settled.

    Args:
        received: The statement, its lines, and what the server states as settled.
        record: The payer's own records.
        code: Code of the refusals.

    Raises:
        Refusal: ``code`` with ``reason``: ``signature``, ``parties``, ``epoch``, ``lines``, ``order``, ``spent``.
    """
    statement = received.statement.message
    _require_form(received, record, code)
    older = received.counts is None or received.settled is None or received.net is None
    net = 0 if received.net is None else received.net
    accepted: list[AcceptedLine] = []
    rejected: list[RejectedLine] = []
    stated = 0
    for line in received.lines:
        ticket = record.tickets.get(line.number)
        # An older server does not state what is settled: all that was agreed to counts as settled.
        count = (ticket.agreed if ticket else 0) if received.counts is None else received.counts.get(line.number, 0)
        stated += max(0, line.intervals - count) * (line.price + line.reward)
        checked = _check_line(line, ticket, count, record)
        if isinstance(checked, RejectedLine):
            rejected.append(checked)
        else:
            accepted.append(checked)
    settled = statement.spent - gross(stated, record.bps) if older or received.settled is None else received.settled
    before = settled - gross(net, record.bps)
    # One wei where an older server's sums are taken in parts.
    bound = record.agreed + (SCALE if older and received.lines else 0)
    if before < 0 or statement.spent != before + gross(net + stated, record.bps) or settled * SCALE > bound:
        raise Refusal(code, reason="spent", settled=settled, spent=statement.spent, agreed=record.agreed // SCALE)
    accepted, dropped = _within_agreed(accepted, record, before, net, bound)
    rejected += dropped
    cap = before + gross(net + sum(line.net for line in accepted), record.bps)
    agreed = record.agreed + sum(line.value for line in accepted)
    return Verdict(tuple(accepted), tuple(rejected), cap, max(agreed, cap * SCALE) if older else agreed, settled)


def _require_form(received: ReceivedStatement, record: PayerRecord, code: str) -> None:
    statement = received.statement.message
    try:
        require_signer(received.statement, record.domain, record.server, code)
    except GomaaError:
        raise Refusal(code, reason="signature") from None
    if (statement.server, statement.payer) != (record.server, record.payer):
        raise Refusal(code, reason="parties")
    if abs(statement.epoch - record.epoch) > 1:
        raise Refusal(code, reason="epoch", epoch=statement.epoch)
    if statement.lines != statement_lines_hash(received.lines):
        raise Refusal(code, reason="lines")
    if any(later.number <= earlier.number for earlier, later in itertools.pairwise(received.lines)):
        raise Refusal(code, reason="order")


def _check_line(
    line: StatementLine, ticket: TicketRecord | None, count: int, record: PayerRecord
) -> AcceptedLine | RejectedLine:
    """Check one line against its ticket."""
    if ticket is None:
        return RejectedLine(line.number, "ticket")
    for name in ("content", "session", "price", "reward"):
        if getattr(line, name) != getattr(ticket, name):
            return RejectedLine(line.number, name)
    # More may be settled than these records have, if they were restored. The value of everything agreed to decides, not
    # this count.
    agreed = max(ticket.agreed, count)
    if line.intervals < count:
        return RejectedLine(line.number, "intervals fell", {"intervals": line.intervals, "before": count})
    if line.intervals > ticket.possible:
        return RejectedLine(line.number, "intervals", {"intervals": line.intervals, "possible": ticket.possible})
    new = max(0, line.intervals - agreed)
    pending = min(line.intervals, agreed) - count
    each = ticket.price + ticket.reward
    value = each * (new * (SCALE + record.high_bps) + pending * max(0, record.high_bps - ticket.bps))
    return AcceptedLine(line.number, line.intervals, count, new, pending, each, value)


def _within_agreed(
    accepted: list[AcceptedLine], record: PayerRecord, before: int, net: int, bound: int
) -> tuple[list[AcceptedLine], list[RejectedLine]]:
    """Reject lines until the sum is within what was agreed to.

    Only what was agreed to before can be stated twice. Lines whose settlement the server has acknowledged are rejected
    first, then those that it may have settled unknown to the payer; of each, later tickets before earlier ones.
    """
    total = sum(line.net for line in accepted)
    value = bound + sum(line.value for line in accepted)

    def fits() -> bool:
        return (before + gross(net + total, record.bps)) * SCALE <= value

    def rank(line: AcceptedLine) -> tuple[bool, int]:
        return (line.settled >= record.tickets[line.number].settled, -line.number)

    dropped: dict[int, RejectedLine] = {}
    for line in sorted((line for line in accepted if line.pending), key=rank):
        if fits():
            break
        reason = "settled" if line.settled < record.tickets[line.number].settled else "spent"
        dropped[line.number] = RejectedLine(line.number, reason, {"settled": record.tickets[line.number].settled})
        total -= line.net
        value -= line.value
    return [line for line in accepted if line.number not in dropped], list(dropped.values())
