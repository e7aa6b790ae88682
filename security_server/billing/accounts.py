"""What a payer owes and what was settled for it, by epoch (docs/settlement.md, rules off chain)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, select

from pywallet.settlement import gross
from security_server.db.queries import get, put
from security_server.db.tables import (
    debits,
    epochs,
    payers,
    tickets,
)
from security_server.epochs.settlement_state import DEBITED, State

_OVER: Final = (State.FINAL, State.MISSED)
"""States in which an epoch's debits stand for good, or will never be taken."""


@dataclass(frozen=True)
class Money:
    """What the chain says of one payer with this server, wei. ``bps``: the commission of the epoch that is written."""

    escrow: int
    requested: int
    spent: int
    bps: int

    @property
    def free(self) -> int:
        """Escrow that no withdrawal request has claimed."""
        return max(0, self.escrow - self.requested)


@dataclass(frozen=True)
class Outstanding:
    """What a payer owes and the chain has not debited yet.

    ``unposted``: gross of closed or running epochs' vouchered plays, without
    the running epoch; ``current_net``: the running epoch's vouchered net;
    ``unvouchered_net``, ``plays`` and ``intervals``: heard, but without a voucher.
    """

    unposted: int
    current_net: int
    unvouchered_net: int
    plays: int
    intervals: int = 0

    def gross_with(self, bps: int, more_net: int = 0) -> int:
        """Gross of everything outstanding and ``more_net``, commission on sums."""
        return self.unposted + gross(self.current_net + self.unvouchered_net + more_net, bps)

    def small_change(self, bps: int, least_wei: int, more_net: int = 0) -> bool:
        """Whether a voucher for what was heard, and for ``more_net``, would be refused as too little
        (``statement.minimum``).

        A limit of what is heard without a voucher does not hold below that: nobody could do anything about it.
        """
        return gross(self.current_net + self.unvouchered_net + more_net, bps) < least_wei

    def until_settled(self, bps: int, least_wei: int, each_net: int) -> int:
        """Intervals of ``each_net`` wei until a voucher would be taken; 0: it would be now."""
        missing = -(-least_wei * 10_000 // (10_000 + bps)) - self.current_net - self.unvouchered_net
        return max(0, -(-missing // each_net)) if self.small_change(bps, least_wei) else 0


def outstanding(connection: Connection, payer: bytes, epoch: int) -> Outstanding:
    """Read what a payer owes. ``epoch`` is the one that is running."""
    row = get(connection, payers, payer=payer)
    unposted, current = 0, 0
    for number, debit, bps, state in _unfolded(connection, payer, row["base_epoch"] if row else -1):
        if number == epoch:
            current = debit
        elif state not in DEBITED:
            unposted += gross(debit, bps)
    net, plays, heard = 0, 0, 0
    due = select(tickets.c.unvouchered_intervals, tickets.c.price, tickets.c.reward).where(
        tickets.c.payer == payer, tickets.c.unvouchered_intervals > 0
    )
    for intervals, price, reward in connection.execute(due):
        net += intervals * (price + reward)
        plays += 1
        heard += intervals
    return Outstanding(unposted, current, net, plays, heard)


def short(money: Money, owed: Outstanding, more_net: int) -> int:
    """Wei of escrow that are missing before ``more_net`` is covered as well; 0 if it is."""
    return max(0, owed.gross_with(money.bps, more_net) - money.free)


def affordable(money: Money, unposted: int, current_net: int) -> int:
    """The net that free escrow still covers in this epoch, commission included."""
    return most_net(money.free - unposted, money.bps, current_net)


def most_net(amount: int, bps: int, current_net: int) -> int:
    """The net that can be added to an epoch's net while the gross of the sum stays within an amount.

    Args:
        amount: wei.
        bps: the epoch's commission, basis points.
        current_net: net that the epoch has already, wei.
    """
    # gross(net) <= amount holds exactly for net < (amount + 1) * 10,000 / (10,000 + bps).
    whole = ((amount + 1) * 10_000 - 1) // (10_000 + bps) if amount >= 0 else 0
    return max(0, whole - current_net)


def _unfolded(connection: Connection, payer: bytes, base_epoch: int) -> list[tuple[int, int, int, str | None]]:
    """Debits after ``base_epoch`` as (epoch, net, bps, state of the epoch), oldest first."""
    query = (
        select(debits.c.epoch, debits.c.net, debits.c.bps, epochs.c.settlement_state)
        .outerjoin(epochs, epochs.c.epoch == debits.c.epoch)
        .where(debits.c.payer == payer, debits.c.epoch > base_epoch)
        .order_by(debits.c.epoch)
    )
    return [(row.epoch, row.net, row.bps, row.settlement_state) for row in connection.execute(query)]


Mark = tuple[int, int]
"""Base and its epoch of a payer's account, as they were when it differed from the chain."""


class Differs(Exception):
    """The chain's figure for a payer is not the books'; it has to be read again before it counts.

    ``mark``: how the books stood. Only a figure that was read after that, while they stood so, replaces theirs.
    """

    def __init__(self, mark: Mark) -> None:
        super().__init__("the chain's figure has to be read again")
        self.mark = mark


@dataclass(frozen=True)
class Account:
    """What was settled for a payer.

    ``before``: cumulative gross of all epochs before the running one, wei; ``net``: of the running one; ``unposted``:
    the part of ``before`` that the chain has not debited.
    """

    before: int
    net: int
    unposted: int

    def settled(self, bps: int) -> int:
        """Cumulative gross, the running epoch at its rate included."""
        return self.before + gross(self.net, bps)


def account(
    connection: Connection, payer: bytes, epoch: int, money: Money, mark: Mark | None = None, *, keep: bool = False
) -> Account:
    """What was settled for a payer, from the rows of its epochs.

    Epochs that are over are added up once (``payers.base``), so a long history costs nothing. Where no earlier epoch
    waits to be debited, the chain's ``spent`` is the books' base; where the chain has debited more than the books know,
    they were restored from a backup, and the chain's figure is the floor.

    Args:
        connection: of the transaction that states or settles; the base is written in it.
        payer: 20 bytes.
        epoch: the one that runs in this transaction.
        money: what the chain says.
        mark: how the books stood before ``money`` was read, after a first ``Differs``.
        keep: whether a payer without a row gets one. Anybody may ask; who has settled nothing leaves no row.

    Raises:
        Differs: ``money.spent`` contradicts the books, and was not read for this state of them.
    """
    row = get(connection, payers, payer=payer)
    rows = _unfolded(connection, payer, row["base_epoch"] if row else -1)
    # An account that is new here begins with what the chain has debited besides the epochs that the books have.
    known = sum(gross(net, bps) for _, net, bps, state in rows if state in DEBITED and state != State.MISSED)
    base, base_epoch = (row["base_gross"], row["base_epoch"]) if row else (max(0, money.spent - known), -1)
    while rows and rows[0][0] < epoch and rows[0][3] in _OVER:
        number, net, bps, state = rows.pop(0)
        base, base_epoch = base + (gross(net, bps) if state == State.FINAL else 0), number
    waiting = [(net, bps, state) for number, net, bps, state in rows if number < epoch]
    before = base + sum(gross(net, bps) for net, bps, state in waiting if state != State.MISSED)
    if (not waiting and money.spent != base) or money.spent > before + _running(rows, epoch):
        if mark != (base, base_epoch):
            raise Differs((base, base_epoch))
        base += money.spent - before
        before = money.spent
    if (row is None and keep) or (row is not None and (row["base_gross"], row["base_epoch"]) != (base, base_epoch)):
        put(connection, payers, {"payer": payer}, base_gross=base, base_epoch=base_epoch)
    unposted = sum(gross(net, bps) for net, bps, state in waiting if state not in DEBITED)
    return Account(before, next((net for number, net, _, _ in rows if number == epoch), 0), unposted)


def _running(rows: list[tuple[int, int, int, str | None]], epoch: int) -> int:
    return sum(gross(net, bps) for number, net, bps, _ in rows if number >= epoch)
