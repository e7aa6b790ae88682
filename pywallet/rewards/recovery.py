"""When a session can have been signed whose payee an epoch pays: what bounds the search for earlier rewards.

A session names its payee by the hour in which it is signed, by the host's clock. It serves for a week, for a locked
wallet keeps the last one. A play settles in the epoch in which its payer's voucher arrives, and a payer may be late.
"""

from __future__ import annotations

from typing import Final

from pywallet.settlement import Schedule

HOUR_S: Final = 3_600
HOURS: Final = 24
DAY_S: Final = HOURS * HOUR_S

SESSION_S: Final = 7 * DAY_S
"""The longest that a wallet's session serves."""

PLAY_S: Final = DAY_S
"""A play goes on that began within its session: no ticket serves longer."""

LATE_S: Final = 90 * DAY_S
"""The latest voucher after a play.

No rule of a server bounds it; servers keep what they need for it as long, unless told otherwise.
"""

CLOCKS_S: Final = HOUR_S
"""A host's clock and the chain's may differ by less."""


def days(schedule: Schedule, epoch: int, begin_s: int = 0) -> range:
    """Days since 1970 whose hours may name payees that an epoch pays.

    Args:
        schedule: Of the network.
        epoch: Its number.
        begin_s: Unix seconds before which nothing was earned: the contracts' own beginning.
    """
    first_s = max(0, epoch * schedule.length - SESSION_S - PLAY_S - LATE_S, begin_s - SESSION_S) - CLOCKS_S
    return range(max(0, first_s) // DAY_S, (schedule.ends(epoch) + CLOCKS_S) // DAY_S + 1)
