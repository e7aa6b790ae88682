"""A station's money at all security servers, and how long it lasts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from msgspec import UNSET, UnsetType

from messages.station_account import ServerAccount

DAY_S: Final = 86_400
LOW_DAYS: Final = 5
"""Days of escrow below which the operator is warned."""


@dataclass(frozen=True, slots=True)
class Money:
    """Sums over the servers whose account could be read, wei.

    Attributes:
        escrow: On the chain.
        requested: Of that, claimed by withdrawal requests.
        unposted: Promised by vouchers and not debited yet.
        held: Held for open tickets.
        usable: Left for further tickets.
        spent: Debited so far.
        day_gross: Debits of the epochs of the last day.
        unread: Servers whose account could not be read.
    """

    escrow: int
    requested: int
    unposted: int
    held: int
    usable: int
    spent: int
    day_gross: int
    unread: int

    @property
    def days_left(self) -> int | None:
        """Whole days for which the usable escrow lasts at the last day's rate; None where nothing was spent."""
        return self.usable // self.day_gross if self.day_gross else None

    @property
    def is_low(self) -> bool:
        """True if the escrow lasts less than ``LOW_DAYS``."""
        return self.days_left is not None and self.days_left < LOW_DAYS


def money(accounts: Sequence[ServerAccount], day_gross: int) -> Money:
    """The sums of a station's accounts.

    Args:
        accounts: One for each server.
        day_gross: Debits of the epochs of the last day, wei.
    """
    read = [account for account in accounts if account.escrow_wei is not UNSET]
    return Money(
        escrow=_sum(account.escrow_wei for account in read),
        requested=_sum(account.requested_wei for account in read),
        unposted=_sum(account.unposted_wei for account in read),
        held=_sum(account.held_wei for account in read),
        usable=_sum(account.usable_wei for account in read),
        spent=_sum(account.spent_wei for account in read),
        day_gross=day_gross,
        unread=len(accounts) - len(read),
    )


def _sum(amounts: Iterable[str | UnsetType]) -> int:
    return sum(0 if isinstance(amount, UnsetType) else int(amount) for amount in amounts)
