"""Compares a challenge's stake with the gas cost of its answer (docs/settlement.md, "What it costs")."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from pywallet.errors import GomaaError
from pywallet.settlement.schedule import ANSWER_GAS
from security_server.chain.view import ChainView

GAS: Final = 2 * ANSWER_GAS
"""Gas whose cost a stake has to cover: two answers in transactions of their own."""

WATCH_S: Final = 300.0
"""Seconds between two checks of the price."""

log = logging.getLogger("gomaa.server")


class StakeWatch:
    """Logs an error while answering false challenges costs this server more than their stakes."""

    def __init__(
        self,
        *,
        chain: ChainView,
        gomaa_per_coin: float,
    ) -> None:
        self._chain = chain
        self._gomaa_per_coin = gomaa_per_coin
        self.low = False

    async def run(self) -> None:
        """Check every ``WATCH_S`` seconds until cancelled."""
        while True:
            try:
                await self.check()
            except GomaaError as error:
                log.warning("price of gas: %s", error)
            except Exception:
                log.exception("looking at the price of gas failed")
            await asyncio.sleep(WATCH_S)

    async def check(self) -> bool:
        """Whether the stake is too low now.

        Logged when that begins and when it ends. Raises Unavailable ``chain.unreachable``.
        """
        price, stake = await self._chain.gas_price_now(), self._chain.stake
        cost = int(GAS * price * self._gomaa_per_coin)
        low = cost > stake
        if low and not self.low:
            log.error(
                "the stake is low: two answers to challenges cost %d wei of GoMAA at %d wei per gas, the stake is %d "
                "wei. Whoever "
                "challenges may win more than it loses. Keep coins for answers, and ask the platform for a "
                "deployment with a higher stake",
                *(cost, price, stake),
            )
        elif self.low and not low:
            log.info("the stake of a challenge pays for its answers again: %d wei per gas", price)
        self.low = low
        return low
