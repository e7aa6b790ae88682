"""Verification and storage of receipts."""

from __future__ import annotations

from typing import Any

import msgspec

from messages.settlement import ReceiptDetail, ReceiptEntry
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


def read(server: bytes, domain: Domain, item: Any) -> tuple[Signed[Receipt], ReceiptDetail]:
    """Verify a receipt and its detail.

    Args:
        server: Address of the server that sent it, 20 bytes.
        domain: EIP-712 domain of its network.
        item: A ``ReceiptEntry`` as JSON.

    Raises:
        InputError: ``message.schema``, also where the detail does not hash to what was signed; ``server.mismatch``
            where another server signed it.
    """
    try:
        entry = msgspec.convert(item, ReceiptEntry)
    except msgspec.ValidationError:
        raise InputError("message.schema", field="receipt") from None
    signed, detail = Signed.from_json(Receipt, entry.receipt), entry.detail
    require_signer(signed, domain, server, "server.mismatch")
    if signed.message.server != server:
        raise InputError("server.mismatch", receipt=to_hex(signed.message.server))
    digest = receipt_detail(
        from_hex(detail.content, 20),
        from_hex(detail.session, 32),
        detail.plays,
        detail.seeks,
        detail.seconds,
        detail.sequence,
        from_hex(detail.invocation, 32),
    )
    if digest != signed.message.detail:
        raise InputError("message.schema", field="detail", reason="does not hash to what was signed")
    return signed, detail


def store(ledger: Ledger, server: bytes, domain: Domain, item: Any) -> ReceiptRow | None:
    """Verify a receipt and store it; None if the ledger has one at least as high. Raises as ``read``."""
    signed, detail = read(server, domain, item)
    message = signed.message
    row = ReceiptRow(
        server=server,
        epoch=message.epoch,
        payee=message.payee,
        chain_id=domain.chain_id,
        settlement=domain.settlement,
        amount_wei=message.amount,
        signed_json=msgspec.json.encode(signed.to_json()).decode(),
        detail_json=msgspec.json.encode(detail).decode(),
        content=from_hex(detail.content, 20),
        station_domain=ledger.station_domain_of(from_hex(detail.session, 32)),
    )
    with ledger.write():
        return row if ledger.add_receipt(row) else None


def store_all(ledger: Ledger, server: bytes, domain: Domain, items: Any) -> int:
    """Store the valid receipts of a list, skip the others, and return the number stored."""
    stored = 0
    for item in items if isinstance(items, list) else ():
        try:
            stored += store(ledger, server, domain, item) is not None
        except GomaaError:
            continue
    return stored
