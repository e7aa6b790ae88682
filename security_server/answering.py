"""Challenges answered by themselves: an honest server that runs never loses its bond (docs/settlement.md)."""

from __future__ import annotations

import asyncio
import logging

from pywallet.errors import GomaaError, Refusal
from security_server.closing import Closing
from security_server.core import Core
from security_server.publishing import Publishing

log = logging.getLogger("gomaa.server")


class Answering:
    """Looks for open challenges to this server's receipts and shows the leaves."""

    def __init__(self, core: Core, publishing: Publishing, closing: Closing) -> None:
        self._core = core
        self._publishing = publishing
        self._closing = closing

    async def run(self) -> None:
        """Do rounds for ever; what fails is tried again in the next round."""
        while True:
            try:
                await self.round()
            except GomaaError as error:
                log.warning("answering: %s", error)
            except Exception:
                log.exception("answering failed")
            await asyncio.sleep(self._core.config.close_every_s)

    async def round(self) -> int:
        """Answer every open challenge that can be answered; how many were."""
        core, schedule = self._core, self._core.schedule
        now_s = await core.now_ms() // 1000
        # Older ones can neither be open nor be asked any more.
        oldest = schedule.epoch_of(max(0, now_s - schedule.late - schedule.grace - schedule.answer)) - 1
        done = 0
        for epoch, payee, challenged in await core.chain.challenges(max(0, oldest)):
            done += await self._answer(epoch, payee, challenged)
        return done

    async def _answer(self, epoch: int, payee: bytes, challenged: int) -> bool:
        if not (await self._core.chain.epoch(epoch)).ready:
            # Only what is posted can be shown.
            await self._closing.round()
            if not (await self._core.chain.epoch(epoch)).ready:
                return False
        try:
            shown = await self._publishing.answer(epoch, payee, challenged)
            await self._core.chain.answer(self._core.keys.signing, epoch, challenged, shown)
        except Refusal as refusal:
            log.error("challenged for epoch %d, payee %s, and no leaf answers: %s", epoch, payee.hex(), refusal.code)
            return False
        except GomaaError as error:
            if error.detail.get("reason") == "none":
                # Somebody else was faster.
                return False
            raise
        log.info("answered a challenge for epoch %d", epoch)
        return True
