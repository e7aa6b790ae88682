"""``owed``: the voucher that the listener should sign, checked against the plays of this computer."""

from __future__ import annotations

from messages.browser_host.listening import Owed, OwedResult, VoucherToSign
from native_host.context import Services
from pywallet.encoding.hex import to_hex


async def run(services: Services, request: Owed) -> OwedResult:
    """Fetch the statement, and return the voucher to sign.

    Raises:
        GomaaError: ``listener.statement``, ``listener.escrow.short``, ``server.unreachable``.
    """
    stream = services.streams.require(request.stream)
    owed = await services.payments.owed(stream)
    due = stream.voucher_due = owed.due
    if due is None:
        return OwedResult(None, owed.waiting)
    station = stream.facts.station
    domain = stream.network.domain
    voucher = VoucherToSign(
        server=to_hex(due.server),
        payer=to_hex(due.payer),
        station=to_hex(station.address) if station else None,
        cap_wei=str(due.cap),
        until=due.until,
        added_wei=str(due.added),
        chain_id=domain.chain_id,
        settlement=to_hex(domain.settlement),
    )
    return OwedResult(voucher, owed.waiting)
