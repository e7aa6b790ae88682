"""Signed messages as types of fields; ``pywallet.protocol`` decodes and verifies them."""

from __future__ import annotations

from typing import Annotated, Any, Final

from msgspec import Meta

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


def _signed(name: str) -> Meta:
    return Meta(extra={"signed": name}, extra_json_schema={"$ref": f"#/$defs/Signed{name}"})


STRUCTS: Final[dict[str, type[Message]]] = {
    kind.__name__: kind for kind in (Session, Ticket, Invocation, Receipt, Statement, Voucher, Claim, Sweep)
}
"""Struct of each signed message by its EIP-712 name, in the order of docs/protocol.md section 2."""

SignedSession = Annotated[dict[str, Any], _signed("Session")]
SignedTicket = Annotated[dict[str, Any], _signed("Ticket")]
SignedInvocation = Annotated[dict[str, Any], _signed("Invocation")]
SignedReceipt = Annotated[dict[str, Any], _signed("Receipt")]
SignedStatement = Annotated[dict[str, Any], _signed("Statement")]
SignedVoucher = Annotated[dict[str, Any], _signed("Voucher")]
SignedClaim = Annotated[dict[str, Any], _signed("Claim")]
SignedSweep = Annotated[dict[str, Any], _signed("Sweep")]
