"""EIP-712 structs of the signed messages."""

from __future__ import annotations

from typing import Final

from pywallet.protocol.structs import (
    Claim,
    Invocation,
    Message,
    Receipt,
    Session,
    Statement,
    Sweep,
    Ticket,
    Voucher,
)

STRUCTS: Final[dict[str, type[Message]]] = {
    kind.__name__: kind for kind in (Session, Ticket, Invocation, Receipt, Statement, Voucher, Claim, Sweep)
}
"""Struct of each signed message by its EIP-712 name, in the order of docs/protocol.md section 2."""
