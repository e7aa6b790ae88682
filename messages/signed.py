"""Signed messages as types of fields; ``pywallet.protocol`` decodes and verifies them."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta


def _signed(name: str) -> Meta:
    return Meta(extra={"signed": name}, extra_json_schema={"$ref": f"#/$defs/Signed{name}"})


SignedSession = Annotated[dict[str, Any], _signed("Session")]
SignedTicket = Annotated[dict[str, Any], _signed("Ticket")]
SignedInvocation = Annotated[dict[str, Any], _signed("Invocation")]
SignedReceipt = Annotated[dict[str, Any], _signed("Receipt")]
SignedStatement = Annotated[dict[str, Any], _signed("Statement")]
SignedVoucher = Annotated[dict[str, Any], _signed("Voucher")]
SignedClaim = Annotated[dict[str, Any], _signed("Claim")]
SignedSweep = Annotated[dict[str, Any], _signed("Sweep")]
