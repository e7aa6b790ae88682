"""Site grants, and the debits from their budgets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from messages.browser_host.listening import GrantState
from native_host.ledger.base import Rows

EVERYWHERE: Final = "*"
"""Stands for all sites together."""


@dataclass(frozen=True)
class SiteRow:
    """A site's grant.

    Attributes:
        origin: Origin of the site, or ``EVERYWHERE``.
        state: ``allowed``, ``paused`` or ``revoked``.
        daily_budget_wei: Most that paid contents may cost in a day (UTC).
        first_used_s: First use, Unix seconds.
        last_used_s: Last use, Unix seconds.
    """

    origin: str
    state: GrantState = "allowed"
    daily_budget_wei: int = 0
    first_used_s: int = 0
    last_used_s: int = 0


class SiteStore(Rows):
    """Grants and debits. Changes belong inside ``Ledger.write``."""

    def site(self, origin: str) -> SiteRow | None:
        """The grant of a site; None for a site without one."""
        rows = self._rows(
            "SELECT origin, state, daily_budget_wei, first_used_s, last_used_s FROM sites WHERE origin = ?", origin
        )
        return _row(rows[0]) if rows else None

    def sites(self) -> list[SiteRow]:
        """Every grant, last used first."""
        return [
            _row(row)
            for row in self._rows(
                "SELECT origin, state, daily_budget_wei, first_used_s, last_used_s FROM sites "
                "ORDER BY last_used_s DESC, origin"
            )
        ]

    def set_site(self, row: SiteRow) -> None:
        """Write a grant."""
        self._change(
            "INSERT INTO sites (origin, state, daily_budget_wei, first_used_s, last_used_s) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET state = excluded.state, "
            "daily_budget_wei = excluded.daily_budget_wei, last_used_s = excluded.last_used_s",
            row.origin,
            row.state,
            str(row.daily_budget_wei),
            row.first_used_s,
            row.last_used_s,
        )

    def debited(self, ticket: bytes) -> int:
        """Amount debited for a ticket so far, wei."""
        return sum(int(row[0]) for row in self._rows("SELECT amount_wei FROM debits WHERE ticket = ?", ticket))

    def spent(self, origin: str, day: int) -> int:
        """Amount debited at a site, or at all (``EVERYWHERE``), on a day counted from 1970; wei."""
        where = "day = ?" if origin == EVERYWHERE else "day = ? AND origin = ?"
        values: tuple[object, ...] = (day,) if origin == EVERYWHERE else (day, origin)
        return sum(int(row[0]) for row in self._rows(f"SELECT amount_wei FROM debits WHERE {where}", *values))  # noqa: S608

    def debit(self, ticket: bytes, origin: str, day: int, amount: int) -> None:
        """Debit the cost of an interval from a site's budget, before it is played."""
        self._change(
            "INSERT INTO debits (ticket, origin, day, amount_wei) VALUES (?, ?, ?, ?)", ticket, origin, day, str(amount)
        )


def _row(values: tuple[Any, ...]) -> SiteRow:
    origin, state, budget, first_s, last_s = values
    return SiteRow(origin, state, int(budget), first_s, last_s)
