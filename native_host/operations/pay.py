"""``pay``: record the wallet's voucher, and send it."""

from __future__ import annotations

from messages.browser_host.listening import Pay, PayResult
from native_host.context import Services
from pywallet.protocol import Signed, Voucher


async def run(services: Services, request: Pay) -> PayResult:
    """Send the voucher that ``owed`` returned.

    Raises:
        GomaaError: ``voucher.signature``, ``voucher.cap``, the server's refusal.
    """
    stream = services.streams.require(request.stream)
    return PayResult(await services.payments.pay(stream, Signed.from_json(Voucher, request.voucher)))
