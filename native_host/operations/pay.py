"""``pay``: the wallet's voucher, written down and sent."""

from __future__ import annotations

from typing import Any

from native_host.context import Services
from native_host.messaging.playback_requests import Pay
from native_host.payments import statement_check
from pywallet.protocol import Signed, Voucher


async def run(services: Services, request: Pay) -> dict[str, Any]:
    """Send what ``owed`` asked for. Raises ``voucher.signature``, ``voucher.cap``, the server's refusal."""
    await statement_check.pay(
        services, services.streams.require(request.stream), Signed.from_json(Voucher, request.voucher)
    )
    return {}
