"""Usable escrow: what a payer's plays may still cost (docs/settlement.md, rules off chain)."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from pywallet.settlement import gross
from security_server.marks import SETTLED, mark
from security_server.rows import get
from security_server.settlement_state import DEBITED
from security_server.tables import debits, epochs, tickets

_SETTLED = tuple(sorted(DEBITED))


@dataclass(frozen=True)
class Money:
    """What the chain says of one payer with this server, wei. ``bps``: the commission of the current epoch."""

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


def outstanding(connection: Connection, payer: bytes, epoch: int) -> Outstanding:
    """Read what a payer owes. ``epoch`` is the one that is running."""
    unposted = 0
    rows = connection.execute(
        select(debits.c.net, debits.c.bps)
        .outerjoin(epochs, epochs.c.epoch == debits.c.epoch)
        .where(
            debits.c.payer == payer,
            debits.c.epoch >= (mark(connection, SETTLED) or 0),
            debits.c.epoch != epoch,
            (epochs.c.state.is_(None)) | (epochs.c.state.notin_(_SETTLED)),
        )
    )
    for net, bps in rows:
        unposted += gross(net, bps)
    current = get(connection, debits, epoch=epoch, payer=payer)
    net, plays, heard = 0, 0, 0
    due = select(tickets.c.due, tickets.c.price, tickets.c.reward).where(tickets.c.payer == payer, tickets.c.due > 0)
    for intervals, price, reward in connection.execute(due):
        net += intervals * (price + reward)
        plays += 1
        heard += intervals
    return Outstanding(unposted, current["net"] if current else 0, net, plays, heard)


def short(money: Money, owed: Outstanding, more_net: int) -> int:
    """Wei of escrow that are missing before ``more_net`` is covered as well; 0 if it is."""
    return max(0, owed.gross_with(money.bps, more_net) - money.free)
