"""The voucher for a checked statement, which the listener is to sign."""

from __future__ import annotations

from dataclasses import dataclass

from pywallet.protocol import Voucher


@dataclass(frozen=True)
class VoucherDue:
    """A voucher that the listener is to sign.

    Attributes:
        server: Address of the server, 20 bytes.
        payer: Address of the listener key, 20 bytes.
        cap: Cumulative gross amount, wei.
        until: Epoch in which the voucher ends.
        added: Part of ``cap`` that earlier vouchers do not have, wei.
        agreed: Value of everything that is signed for afterwards, not rounded.
        lines: Whole intervals by ticket number.
        bps: Commission at which the lines are valued, basis points.
        sends_lines: True if the voucher is sent with its lines; a server of an older version takes none.
    """

    server: bytes
    payer: bytes
    cap: int
    until: int
    added: int
    agreed: int
    lines: dict[int, int]
    bps: int
    sends_lines: bool = True

    @property
    def voucher(self) -> Voucher:
        """The message that the wallet signs."""
        return Voucher(server=self.server, payer=self.payer, cap=self.cap, until=self.until)


@dataclass(frozen=True)
class Owed:
    """What a listener owes now.

    Attributes:
        due: The voucher to sign; None where nothing new can be signed for.
        waiting: Code of why not everything heard is stated or settled yet, or None.
    """

    due: VoucherDue | None
    waiting: str | None
