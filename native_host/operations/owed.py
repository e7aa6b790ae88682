"""``owed``: the voucher that the listener should sign, checked against the plays of this computer."""

from __future__ import annotations

from messages.browser_host.listening import Owed, OwedResult
from native_host.context import Services
from pywallet.encoding.hex import to_hex


async def run(services: Services, request: Owed) -> OwedResult | None:
    """Fetch the statement, and return the voucher to sign; None where nothing is new.

    Raises:
        GomaaError: ``listener.statement``, ``listener.escrow.short``, ``server.unreachable``.
    """
    stream = services.streams.require(request.stream)
    due = stream.voucher_due = await services.payments.owed(stream)
    if due is None:
        return None
    station = stream.facts.station
    domain = stream.network.domain
    return OwedResult(
        server=to_hex(due.server),
        payer=to_hex(due.payer),
        station=to_hex(station.address) if station else None,
        cap_wei=str(due.cap),
        until=due.until,
        added_wei=str(due.added),
        chain_id=domain.chain_id,
        settlement=to_hex(domain.settlement),
    )
