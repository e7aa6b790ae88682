"""Rows of the station's tables as the program uses them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pywallet.policy import FASTEST

FIRST_HOLD = 2
"""Intervals that a ticket holds before its first voucher, and the fewest that it holds afterwards."""

UNPLAYED_S = 60
"""Seconds beyond ``FIRST_HOLD`` intervals after which an unvouchered ticket holds nothing."""


@dataclass(frozen=True, slots=True)
class TicketRow:
    """One ticket as issued.

    Attributes:
        server: Address of the security server, 20 bytes.
        content: Address of the content, 20 bytes.
        session: Digest of the session, 32 bytes.
        issued_ms: Time of issue, Unix ms.
        expiry_s: End of validity, Unix s.
        interval_s: Length of a paid interval, s.
        price: Wei per interval to the owner.
        reward: Wei per interval to the listener.
        bps: Commission at issue, basis points.
        max_intervals: Intervals that it can cost at most.
        vouchered: Intervals covered by vouchers.
        number: The ticket's number; 0 before it has one.
        settled: Intervals that the server acknowledged as settled.
        agreed_bps: Highest commission at which the vouchered intervals are valued, basis points.
    """

    server: bytes
    content: bytes
    session: bytes
    issued_ms: int
    expiry_s: int
    interval_s: int
    price: int
    reward: int
    bps: int
    max_intervals: int
    vouchered: int = 0
    number: int = 0
    settled: int = 0
    agreed_bps: int = 0

    @property
    def fastest(self) -> int:
        """Highest playback rate that ``max_intervals`` allows for, as a multiple of real time."""
        real_time = max(0, self.expiry_s - self.issued_ms // 1000) // self.interval_s + 1
        return FASTEST if self.max_intervals > real_time else 1

    @property
    def outstanding(self) -> int:
        """Wei, before commission, that this ticket can still cost."""
        return max(0, self.max_intervals - self.vouchered) * (self.price + self.reward)

    def held(self, now_ms: int) -> int:
        """Wei, before commission, of the escrow that this ticket holds now.

        An unplayed ticket holds ``FIRST_HOLD`` intervals for a short time only; a played one twice what was vouchered,
        so that a large hold needs as much playback. That the escrow covers each interval is the server's check, made
        before the interval is played.

        Args:
            now_ms: The chain's time, Unix ms.
        """
        most = FIRST_HOLD + 2 * self.vouchered
        if not self.vouchered and now_ms >= self.issued_ms + (FIRST_HOLD * self.interval_s + UNPLAYED_S) * 1000:
            most = 0
        return min(max(0, self.max_intervals - self.vouchered), most) * (self.price + self.reward)


@dataclass(frozen=True, slots=True)
class VoucherRow:
    """A signed voucher.

    Attributes:
        id: Running number.
        server: Address of the server that is paid, 20 bytes.
        cap: Cumulative gross, wei.
        until: Last epoch in which it counts.
        message: The signed voucher as JSON.
        sent_ms: When the server took it, Unix ms; None before.
        lines: Ticket number to whole intervals.
    """

    id: int
    server: bytes
    cap: int
    until: int
    message: str
    sent_ms: int | None
    lines: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class StatementRow:
    """A statement received.

    Attributes:
        id: Running number.
        server: Address of the server that signed it, 20 bytes.
        received_ms: When it was received, Unix ms.
        epoch: The statement's epoch.
        spent: Cumulative gross: the cap agreed to, or the refused claim; wei.
        line_count: Number of lines.
        code: Error code of the refusal; None: agreed.
        reason: Detail of the refusal as JSON; None: agreed.
    """

    id: int
    server: bytes
    received_ms: int
    epoch: int
    spent: int
    line_count: int
    code: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class QuarantineRow:
    """A statement line that is not signed for.

    Attributes:
        number: Ticket number.
        since_ms: When it was set aside, Unix ms.
        code: Error code.
        reason: Why, as JSON.
    """

    number: int
    since_ms: int
    code: str
    reason: str


def ticket_row(row: Any) -> TicketRow:
    """A row of the table ``tickets`` as a ticket."""
    return TicketRow(
        server=bytes(row.server),
        content=bytes(row.content),
        session=bytes(row.session_digest),
        issued_ms=row.issued_ms,
        expiry_s=row.expiry_s,
        interval_s=row.interval_s,
        price=int(row.price_wei),
        reward=int(row.reward_wei),
        bps=row.commission_bps,
        max_intervals=row.max_intervals,
        vouchered=row.vouchered_intervals,
        number=row.number,
        settled=row.settled_intervals,
        agreed_bps=row.agreed_commission_bps,
    )
