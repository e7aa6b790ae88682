"""Receipts: verified and stored; a lower one never replaces a higher one."""

from __future__ import annotations

from typing import Any

import msgspec

from native_host.ledger import Ledger, ReceiptRow
from pywallet.encoding.hex import from_hex, to_hex
from pywallet.errors import GomaaError, InputError
from pywallet.protocol import (
    Domain,
    Receipt,
    Signed,
    receipt_detail,
    require_signer,
)


def read(server: bytes, domain: Domain, item: Any) -> tuple[Signed[Receipt], dict[str, Any]]:
    """Verify a receipt and its detail.

    Args:
        server: Address of the server that sent it, 20 bytes.
        domain: EIP-712 domain of its network.
        item: ``{"receipt": signed, "detail": {...}}``.

    Raises:
        InputError: ``message.schema``, also where the detail does not hash to what was signed; ``server.mismatch``
            where another server signed it.
    """
    if not isinstance(item, dict) or not isinstance(item.get("detail"), dict):
        raise InputError("message.schema", field="receipt")
    signed = Signed.from_json(Receipt, item.get("receipt"))
    require_signer(signed, domain, server, "server.mismatch")
    if signed.message.server != server:
        raise InputError("server.mismatch", receipt=to_hex(signed.message.server))
    detail = item["detail"]
    numbers = {name: detail.get(name) for name in ("plays", "seeks", "seconds", "sequence")}
    if not all(type(n) is int and n >= 0 for n in numbers.values()):
        raise InputError("message.schema", field="detail")
    ids = {
        "content": from_hex(detail.get("content"), 20),
        "session": from_hex(detail.get("session"), 32),
        "invocation": from_hex(detail.get("invocation"), 32),
    }
    digest = receipt_detail(
        ids["content"],
        ids["session"],
        numbers["plays"],
        numbers["seeks"],
        numbers["seconds"],
        numbers["sequence"],
        ids["invocation"],
    )
    if digest != signed.message.detail:
        raise InputError("message.schema", field="detail", reason="does not hash to what was signed")
    return signed, detail


def store(ledger: Ledger, server: bytes, domain: Domain, item: Any) -> ReceiptRow | None:
    """Verify and store a receipt; None if one at least as high is held. Raises as ``read``."""
    signed, detail = read(server, domain, item)
    message = signed.message
    content = from_hex(detail["content"], 20)
    row = ReceiptRow(
        server=server,
        epoch=message.epoch,
        payee=message.payee,
        chain_id=domain.chain_id,
        settlement=domain.settlement,
        amount_wei=message.amount,
        signed_json=msgspec.json.encode(signed.to_json()).decode(),
        detail_json=msgspec.json.encode(detail).decode(),
        content=content,
        station_domain=ledger.station_domain_of(from_hex(detail["session"], 32)),
    )
    with ledger.write():
        return row if ledger.add_receipt(row) else None


def store_all(ledger: Ledger, server: bytes, domain: Domain, items: Any) -> int:
    """Store the valid receipts of a list, and skip the others; the number stored."""
    kept = 0
    for item in items if isinstance(items, list) else ():
        try:
            kept += store(ledger, server, domain, item) is not None
        except GomaaError:
            continue
    return kept
