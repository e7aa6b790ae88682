"""Bounds of the search for earlier rewards: the days on which the sessions of an epoch's payees may have been signed.

A session's payee is derived from the hour of its signature by the host's clock. It is valid for a week, since a locked
wallet keeps the last one. A play is settled in the epoch in which its payer's voucher arrives, which may be late.
"""

from __future__ import annotations

from typing import Final

from pywallet.settlement import Schedule

HOUR_S: Final = 3_600
HOURS: Final = 24
DAY_S: Final = HOURS * HOUR_S

SESSION_S: Final = 7 * DAY_S
"""Longest validity of a wallet's session, seconds."""

MAX_PLAY_S: Final = DAY_S
"""Longest time that a play continues after the end of its session, seconds: the longest validity of a ticket."""

MAX_VOUCHER_DELAY_S: Final = 90 * DAY_S
"""Longest delay of a voucher after a play, seconds.

Not enforced by any rule; by default servers keep the data of a play for this time.
"""

MAX_CLOCK_DIFFERENCE_S: Final = HOUR_S
"""Upper bound of the difference between a host's clock and the chain's, seconds."""


def days(schedule: Schedule, epoch: int, begin_s: int = 0) -> range:
    """Days since 1970 on which the session of an epoch's payee may have been signed.

    Args:
        schedule: Of the network.
        epoch: Number of the epoch.
        begin_s: Time of the contracts' deployment, before which nothing was earned, Unix seconds.
    """
    first_s = (
        max(0, epoch * schedule.length - SESSION_S - MAX_PLAY_S - MAX_VOUCHER_DELAY_S, begin_s - SESSION_S)
        - MAX_CLOCK_DIFFERENCE_S
    )
    return range(max(0, first_s) // DAY_S, (schedule.ends(epoch) + MAX_CLOCK_DIFFERENCE_S) // DAY_S + 1)
