"""Account of a payer: amounts owed and settled, by epoch (docs/settlement.md, rules off chain)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select

from pywallet.protocol.commission import largest_net, smallest_net
from pywallet.settlement import gross
from security_server.chain.money import Money
from security_server.db.connection import Connection
from security_server.db.queries import get, put
from security_server.db.rows import Selection
from security_server.db.tables import (
    debits,
    epochs,
    payers,
    tickets,
)
from security_server.epochs.settlement_state import DEBITED, State

_OVER: Final = (State.FINAL, State.MISSED)
"""States in which an epoch's debits are final, or will never be taken from the escrow."""

OWING: Final = Selection(
    tickets,
    "payer",
    lambda ticket: ticket["unvouchered_intervals"] > 0,
    tickets.c.unvouchered_intervals > 0,
    lambda ticket: (
        ticket["unvouchered_intervals"] * (ticket["price"] + ticket["reward"]),
        ticket["unvouchered_intervals"],
    ),
)
"""Tickets with intervals that have to be paid and no voucher has settled, by payer; their net and these intervals."""


@dataclass(frozen=True)
class Outstanding:
    """Amounts that a payer owes and the chain has not debited yet.

    Attributes:
        unposted: Gross of vouchered plays in earlier epochs, wei.
        current_net: Net of vouchered plays in the running epoch, wei.
        unvouchered_net: Net of intervals without a voucher, wei.
        plays: Plays with such intervals.
        intervals: Those intervals.
    """

    unposted: int
    current_net: int
    unvouchered_net: int
    plays: int
    intervals: int = 0

    def gross_with(self, bps: int, more_net: int = 0) -> int:
        """Gross of everything outstanding and ``more_net`` (wei); the commission is rounded once, on the sum."""
        return self.unposted + gross(self.current_net + self.unvouchered_net + more_net, bps)

    def is_below_minimum(self, bps: int, least_wei: int, more_net: int = 0) -> bool:
        """True if a voucher for everything outstanding would be below the minimum (``statement.minimum``).

        Credit limits do not apply below it, since the payer could not get a voucher accepted.

        Args:
            bps: Commission of the running epoch, basis points.
            least_wei: The minimum, gross wei.
            more_net: Net wei to add to what is outstanding.
        """
        return gross(self.current_net + self.unvouchered_net + more_net, bps) < least_wei

    def until_settled(self, bps: int, least_wei: int, each_net: int) -> int:
        """Intervals of ``each_net`` wei until a voucher would be accepted; 0: it would be accepted now."""
        missing = smallest_net(least_wei, bps) - self.current_net - self.unvouchered_net
        return max(0, -(-missing // each_net)) if self.is_below_minimum(bps, least_wei) else 0


def outstanding(connection: Connection, payer: bytes, epoch: int) -> Outstanding:
    """Read what a payer owes.

    Args:
        connection: Of a transaction.
        payer: 20 bytes.
        epoch: The running epoch.
    """
    row = get(connection, payers, payer=payer)
    unposted, current = 0, 0
    base_epoch = row["base_epoch"] if row else -1
    rows = connection.remember(
        ("debits", payer, base_epoch), (debits, epochs), lambda: _unfolded(connection, payer, base_epoch)
    )
    for number, debit, bps, state in rows:
        if number == epoch:
            current = debit
        elif state not in DEBITED:
            unposted += gross(debit, bps)
    net, heard, plays = _unvouchered(connection, payer)
    return Outstanding(unposted, current, net, plays, heard)


def is_beyond_credit(
    connection: Connection, payer: bytes, plays: int, now_ms: int, credit_plays: int, credit_s: int
) -> bool:
    """True if a station's credit is used: by many plays without a voucher, one of which has waited for long.

    A station without any voucher so far has credit for ``credit_plays`` alone. How long a play has waited is known to
    the second and to one interval: the time since it was last reported, or that of all its intervals but one.

    Args:
        connection: Of a transaction.
        payer: The station, 20 bytes.
        plays: Its plays with intervals that no voucher has settled.
        now_ms: The chain's time, Unix milliseconds.
        credit_plays: Such plays that it may have for any time.
        credit_s: Seconds for which it may have any number of them.
    """
    if plays < credit_plays or get(connection, payers, payer=payer) is None:
        return plays >= credit_plays

    def longest_ms() -> int:
        query = select(
            func.min(tickets.c.last_received_ms), func.max((tickets.c.unvouchered_intervals - 1) * tickets.c.interval_s)
        ).where(tickets.c.payer == payer, tickets.c.unvouchered_intervals > 0)
        received_ms, heard_s = connection.execute(query).one()
        return 0 if received_ms is None else max(now_ms - received_ms, heard_s * 1000)

    # Asked by each decision of a large station: once a second is enough.
    return connection.remember(("longest wait", payer, now_ms // 1000), (), longest_ms) >= credit_s * 1000


def missing_escrow(money: Money, owed: Outstanding, more_net: int) -> int:
    """Escrow that is missing to cover what is owed and ``more_net``, wei; 0: it is covered."""
    return max(0, owed.gross_with(money.bps, more_net) - money.free)


def affordable(money: Money, unposted: int, current_net: int) -> int:
    """Net that free escrow still covers in the running epoch after commission, wei."""
    return most_net(money.free - unposted, money.bps, current_net)


def most_net(amount: int, bps: int, current_net: int) -> int:
    """Net that can be added to an epoch while the gross of the sum stays within an amount, wei.

    Args:
        amount: Most gross, wei.
        bps: The epoch's commission, basis points.
        current_net: Net that the epoch has already, wei.
    """
    return max(0, largest_net(amount, bps) - current_net)


def _unvouchered(connection: Connection, payer: bytes) -> tuple[int, int, int]:
    """Net (wei) and number of intervals that no voucher has settled, and their plays."""
    if connection.is_kept:
        owing = connection.group(OWING, payer)
        net, heard = owing.sums
        return net, heard, len(owing.rows)
    # One row for each price instead of one for each play.
    query = (
        select(
            tickets.c.price,
            tickets.c.reward,
            func.sum(tickets.c.unvouchered_intervals).label("heard"),
            func.count().label("plays"),
        )
        .where(tickets.c.payer == payer, tickets.c.unvouchered_intervals > 0)
        .group_by(tickets.c.price, tickets.c.reward)
    )
    rows = connection.execute(query).all()
    net = sum(int(row.heard) * (row.price + row.reward) for row in rows)
    return net, sum(int(row.heard) for row in rows), sum(row.plays for row in rows)


def _unfolded(connection: Connection, payer: bytes, base_epoch: int) -> list[tuple[int, int, int, str | None]]:
    """Debits after ``base_epoch`` as (epoch, net, bps, state of the epoch), oldest first."""
    query = (
        select(debits.c.epoch, debits.c.net, debits.c.bps, epochs.c.settlement_state)
        .outerjoin(epochs, epochs.c.epoch == debits.c.epoch)
        .where(debits.c.payer == payer, debits.c.epoch > base_epoch)
        .order_by(debits.c.epoch)
    )
    return [(row.epoch, row.net, row.bps, row.settlement_state) for row in connection.execute(query)]


AccountBase = tuple[int, int]
"""``base_gross`` and ``base_epoch`` of a payer's row."""


class StaleAccount(Exception):
    """The chain's ``spent`` of a payer contradicts the database: it has to be read again before it is used.

    Attributes:
        base: The account's base at that time. Only a value that was read later, for the same base, replaces it.
    """

    def __init__(self, base: AccountBase) -> None:
        super().__init__("the chain's value has to be read again")
        self.base = base


@dataclass(frozen=True)
class Account:
    """Settled amounts of a payer.

    Attributes:
        before: Cumulative gross of all epochs before the running one, wei.
        net: Net of the running epoch, wei.
        unposted: The part of ``before`` that the chain has not debited, wei.
    """

    before: int
    net: int
    unposted: int

    def settled(self, bps: int) -> int:
        """Cumulative gross including the running epoch at commission ``bps``, wei."""
        return self.before + gross(self.net, bps)


def account(
    connection: Connection,
    payer: bytes,
    epoch: int,
    money: Money,
    reread_for: AccountBase | None = None,
    *,
    keep: bool = False,
) -> Account:
    """Read a payer's settled amounts from the rows of its epochs.

    Epochs that are final or missed are summed once into ``payers.base_gross``. Where no earlier epoch waits to be
    debited, the chain's ``spent`` is that base. Where the chain has debited more than the database has settled, the
    database was restored from a backup, and the chain's value is the lower bound.

    Args:
        connection: Of the transaction that states or settles; the base is written in it.
        payer: 20 bytes.
        epoch: The running epoch in this transaction.
        money: The payer's escrow on the chain.
        reread_for: Base of a first ``StaleAccount``, after which ``money`` was read again; None: there was none.
        keep: True if a payer without a row gets one. Only settling does: anyone may ask for a statement.

    Raises:
        StaleAccount: ``money.spent`` contradicts the database and was not read for this base.
    """
    row = get(connection, payers, payer=payer)
    rows = _unfolded(connection, payer, row["base_epoch"] if row else -1)
    # A new row begins with what the chain has debited besides the epochs in the database.
    debited = sum(gross(net, bps) for _, net, bps, state in rows if state in DEBITED and state != State.MISSED)
    base, base_epoch = (row["base_gross"], row["base_epoch"]) if row else (max(0, money.spent - debited), -1)
    while rows and rows[0][0] < epoch and rows[0][3] in _OVER:
        number, net, bps, state = rows.pop(0)
        base, base_epoch = base + (gross(net, bps) if state == State.FINAL else 0), number
    waiting = [(net, bps, state) for number, net, bps, state in rows if number < epoch]
    before = base + sum(gross(net, bps) for net, bps, state in waiting if state != State.MISSED)
    if (not waiting and money.spent != base) or money.spent > before + _running(rows, epoch):
        if reread_for != (base, base_epoch):
            raise StaleAccount((base, base_epoch))
        base += money.spent - before
        before = money.spent
    if (row is None and keep) or (row is not None and (row["base_gross"], row["base_epoch"]) != (base, base_epoch)):
        put(connection, payers, {"payer": payer}, base_gross=base, base_epoch=base_epoch)
    unposted = sum(gross(net, bps) for net, bps, state in waiting if state not in DEBITED)
    return Account(before, next((net for number, net, _, _ in rows if number == epoch), 0), unposted)


def _running(rows: list[tuple[int, int, int, str | None]], epoch: int) -> int:
    return sum(gross(net, bps) for number, net, bps, _ in rows if number >= epoch)
