"""A server's statement against a payer's own books.

The one rule for stations and listeners (docs/protocol.md, Statements).

Pure. A line that does not agree is set aside and the others are signed for.
What keeps a payer from paying twice is one sum: the value of everything it
has agreed to. No voucher's cap ever exceeds it, whatever a server says is
settled or still open.
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
"""Values are in parts of a wei, so that commission adds up without rounding: wei times this."""


def as_value(wei: int) -> int:
    """An amount that was rounded down to whole wei, as a value that covers what was rounded."""
    return wei * SCALE + SCALE - 1 if wei else 0


@dataclass(frozen=True, slots=True)
class KnownTicket:
    """One ticket in the payer's own books.

    ``price``, ``reward``: wei per interval. ``possible``: the most intervals
    that can have been heard. ``agreed``: intervals signed for so far.
    ``settled``: those that the server acknowledged. ``bps``: the highest
    commission at which its agreed intervals are valued.
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
class Shown:
    """A statement as received, nothing of it believed yet.

    ``counts``: settled intervals of each line; ``settled``: cumulative gross settled; ``net``: settled in the
    statement's epoch; wei. All three are None from a server that does not tell them.
    """

    statement: Signed[Statement]
    lines: tuple[StatementLine, ...]
    counts: Mapping[int, int] | None = None
    settled: int | None = None
    net: int | None = None
    waiting: str | None = None
    """The code of why not all that is owed is stated, or None."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the payer knows by itself when it reads a statement.

    ``agreed``: value of everything it agreed to so far, wei times ``SCALE``. ``epoch``: the one now. ``bps``: the
    commission of the statement's epoch; ``high_bps``: the higher one of that epoch and the next, in which a voucher may
    still be used.
    """

    domain: Domain
    server: bytes
    payer: bytes
    agreed: int
    epoch: int
    bps: int
    high_bps: int
    tickets: Mapping[int, KnownTicket]


@dataclass(frozen=True, slots=True)
class Agreed:
    """One line to sign for.

    ``new``: intervals that were not agreed to before; ``pending``: agreed before, not settled.
    """

    number: int
    intervals: int
    settled: int
    new: int
    pending: int
    each: int
    value: int
    """What agreeing adds to the value of everything agreed to, wei times ``SCALE``."""

    @property
    def net(self) -> int:
        """Wei that the line asks for, without commission."""
        return (self.new + self.pending) * self.each


@dataclass(frozen=True, slots=True)
class Wrong:
    """One line that is not signed for, and why."""

    number: int
    reason: str
    detail: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to sign.

    ``cap``: cumulative gross wei; ``agreed``: the value of everything agreed to afterwards; ``settled``: wei.
    """

    lines: tuple[Agreed, ...]
    wrong: tuple[Wrong, ...]
    cap: int
    agreed: int
    settled: int

    @property
    def new(self) -> int:
        """How many lines have something that was not agreed to before."""
        return sum(line.new > 0 for line in self.lines)

    @property
    def intervals(self) -> dict[int, int]:
        """Ticket number to whole intervals agreed to."""
        return {line.number: line.intervals for line in self.lines}

    def require(self, code: str) -> Verdict:
        """Itself, unless there are lines and none of them agrees.

        Raises Refusal ``code`` with the first one's reason.
        """
        if self.wrong and not self.lines:
            first = self.wrong[0]
            raise Refusal(code, reason=first.reason, number=first.number, **first.detail)
        return self


def judge(shown: Shown, known: Known, code: str) -> Verdict:
    """The lines that agree with the payer's books, and the cap that covers them and what was settled.

    Args:
        shown: the statement, its lines, and what the server says was settled.
        known: the payer's own books.
        code: of the refusals.

    Raises:
        Refusal: ``code`` with ``reason``: ``signature``, ``parties``, ``epoch``, ``lines``, ``order``, ``spent``.
    """
    statement = shown.statement.message
    _require_form(shown, known, code)
    older = shown.counts is None or shown.settled is None or shown.net is None
    net = 0 if shown.net is None else shown.net
    good: list[Agreed] = []
    wrong: list[Wrong] = []
    stated = 0
    for line in shown.lines:
        ticket = known.tickets.get(line.number)
        # An older server does not tell what it settled: whatever was agreed to counts as settled.
        count = (ticket.agreed if ticket else 0) if shown.counts is None else shown.counts.get(line.number, 0)
        stated += max(0, line.intervals - count) * (line.price + line.reward)
        found = _look(line, ticket, count, known)
        if isinstance(found, Wrong):
            wrong.append(found)
        else:
            good.append(found)
    settled = statement.spent - gross(stated, known.bps) if older or shown.settled is None else shown.settled
    before = settled - gross(net, known.bps)
    # One wei where an older server's sums are taken in parts.
    bound = known.agreed + (SCALE if older and shown.lines else 0)
    if before < 0 or statement.spent != before + gross(net + stated, known.bps) or settled * SCALE > bound:
        raise Refusal(code, reason="spent", settled=settled, spent=statement.spent, agreed=known.agreed // SCALE)
    good, dropped = _within(good, known, before, net, bound)
    wrong += dropped
    cap = before + gross(net + sum(line.net for line in good), known.bps)
    agreed = known.agreed + sum(line.value for line in good)
    return Verdict(tuple(good), tuple(wrong), cap, max(agreed, cap * SCALE) if older else agreed, settled)


def _require_form(shown: Shown, known: Known, code: str) -> None:
    statement = shown.statement.message
    try:
        require_signer(shown.statement, known.domain, known.server, code)
    except GomaaError:
        raise Refusal(code, reason="signature") from None
    if (statement.server, statement.payer) != (known.server, known.payer):
        raise Refusal(code, reason="parties")
    if abs(statement.epoch - known.epoch) > 1:
        raise Refusal(code, reason="epoch", epoch=statement.epoch)
    if statement.lines != statement_lines_hash(shown.lines):
        raise Refusal(code, reason="lines")
    if any(later.number <= earlier.number for earlier, later in itertools.pairwise(shown.lines)):
        raise Refusal(code, reason="order")


def _look(line: StatementLine, ticket: KnownTicket | None, count: int, known: Known) -> Agreed | Wrong:
    """One line against its ticket."""
    if ticket is None:
        return Wrong(line.number, "ticket")
    for name in ("content", "session", "price", "reward"):
        if getattr(line, name) != getattr(ticket, name):
            return Wrong(line.number, name)
    # Settled beyond what these books remember: they were restored. The sum of everything agreed to decides, not this
    # count.
    agreed = max(ticket.agreed, count)
    if line.intervals < count:
        return Wrong(line.number, "intervals fell", {"intervals": line.intervals, "before": count})
    if line.intervals > ticket.possible:
        return Wrong(line.number, "intervals", {"intervals": line.intervals, "possible": ticket.possible})
    new = max(0, line.intervals - agreed)
    pending = min(line.intervals, agreed) - count
    each = ticket.price + ticket.reward
    value = each * (new * (SCALE + known.high_bps) + pending * max(0, known.high_bps - ticket.bps))
    return Agreed(line.number, line.intervals, count, new, pending, each, value)


def _within(good: list[Agreed], known: Known, before: int, net: int, bound: int) -> tuple[list[Agreed], list[Wrong]]:
    """Leave out lines until what is signed for is within what was agreed to.

    Only what was agreed to before can be asked for twice. Lines that the
    server has acknowledged as settled go first, then those that it may have
    settled without the payer knowing, the latest tickets before the earlier.
    """
    total = sum(line.net for line in good)
    value = bound + sum(line.value for line in good)

    def fits() -> bool:
        return (before + gross(net + total, known.bps)) * SCALE <= value

    def rank(line: Agreed) -> tuple[bool, int]:
        return (line.settled >= known.tickets[line.number].settled, -line.number)

    dropped: dict[int, Wrong] = {}
    for line in sorted((line for line in good if line.pending), key=rank):
        if fits():
            break
        reason = "settled" if line.settled < known.tickets[line.number].settled else "spent"
        dropped[line.number] = Wrong(line.number, reason, {"settled": known.tickets[line.number].settled})
        total -= line.net
        value -= line.value
    return [line for line in good if line.number not in dropped], list(dropped.values())
