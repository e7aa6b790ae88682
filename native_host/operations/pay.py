"""``pay``: record the wallet's voucher, and send it."""

from __future__ import annotations

from messages.browser_host.listening import Pay
from messages.fields import Empty
from native_host.context import Services
from pywallet.protocol import Signed, Voucher


async def run(services: Services, request: Pay) -> Empty:
    """Send the voucher that ``owed`` returned.

    Raises:
        GomaaError: ``voucher.signature``, ``voucher.cap``, the server's refusal.
    """
    stream = services.streams.require(request.stream)
    await services.payments.pay(stream, Signed.from_json(Voucher, request.voucher))
    return Empty()
