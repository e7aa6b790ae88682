"""Operation ``origin``: the plays that make up a receipt's amount, and the signed receipt."""

from __future__ import annotations

import msgspec

from messages.browser_host.earnings import ReceiptBreakdown, ReceiptBreakdownResult, ReceiptPart
from native_host.context import Services
from native_host.payments.receipt_breakdown import Part, Play, parts
from pywallet.encoding.hex import from_hex, to_hex
from pywallet.errors import InputError


async def run(services: Services, request: ReceiptBreakdown) -> ReceiptBreakdownResult:
    """Read a receipt, and divide its amount among its plays, to the wei.

    Raises:
        InputError: ``claim.unknown``.
    """
    server, payee = from_hex(request.server, 20), from_hex(request.payee, 20)
    row = services.ledger.receipt(server, request.epoch, payee)
    if row is None:
        raise InputError("claim.unknown", epoch=request.epoch)
    plays = [Play(*values) for values in services.ledger.plays_of_payee(payee)]
    receipts = (receipt for receipt in services.ledger.receipts_of(payee) if receipt.server == server)
    parts_by_receipt = parts(receipts, plays)
    session = services.ledger.session_of_payee(payee)
    payee_row = services.ledger.payee(from_hex(request.wallet, 20), payee, row.chain_id) if request.wallet else None
    return ReceiptBreakdownResult(
        chain_id=row.chain_id,
        settlement=to_hex(row.settlement),
        receipt=msgspec.json.decode(row.signed_json),
        detail=msgspec.json.decode(row.detail_json),
        station=row.station_domain,
        session=None if session is None else to_hex(session),
        station_address=None if payee_row is None else to_hex(payee_row.station_address),
        parts=[_part(services, part) for part in parts_by_receipt[(server, request.epoch, payee)]],
        transaction=row.claim_transaction,
    )


def _part(services: Services, part: Part) -> ReceiptPart:
    if part.play is None:
        return ReceiptPart(None, "", "", None, None, None, str(part.amount))
    title, artist = services.ledger.title_and_artist(part.play.content)
    return ReceiptPart(
        content=to_hex(part.play.content),
        title=title,
        artist=artist,
        time_s=part.play.time_s,
        seconds=part.play.heard_ms // 1000,
        ticket=to_hex(part.play.ticket),
        amount_wei=str(part.amount),
    )
