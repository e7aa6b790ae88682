"""The voucher that a checked statement asks the listener to sign."""

from __future__ import annotations

from dataclasses import dataclass

from pywallet.protocol import Voucher


@dataclass(frozen=True)
class VoucherDue:
    """What a statement that agrees with the ledger asks for. ``cap``: cumulative gross; ``added``: of it new; wei.

    ``agreed``: the value of everything signed for afterwards. ``lines``: ticket number to whole intervals. ``bps``: the
    commission at which they are valued.
    """

    server: bytes
    payer: bytes
    cap: int
    until: int
    added: int
    agreed: int
    lines: dict[int, int]
    bps: int
    named: bool = True
    """Whether the server is told which lines the voucher is for; one of an older version is not."""

    @property
    def voucher(self) -> Voucher:
        """The message that the wallet signs."""
        return Voucher(server=self.server, payer=self.payer, cap=self.cap, until=self.until)
