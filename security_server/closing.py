"""Epochs end on the chain's clock: close, post, watch until final. Crash-safe: each step looks before it acts."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from sqlalchemy import Connection, select, update

from pywallet.errors import GomaaError
from security_server.core import Core
from security_server.publishing import Publishing
from security_server.tables import epochs

log = logging.getLogger("gomaa.server")


class Closing:
    """Carries every epoch from running to final (or missed)."""

    def __init__(self, core: Core, publishing: Publishing) -> None:
        self._core = core
        self._publishing = publishing
        self._lock = asyncio.Lock()

    async def run(self) -> None:
        """Do rounds for ever; what fails is tried again in the next round."""
        while True:
            try:
                await self.round()
            except GomaaError as error:
                log.warning("closing: %s", error)
            except Exception:
                log.exception("closing failed")
            await asyncio.sleep(self._core.config.close_every_s)

    async def close_last(self) -> dict[str, Any]:
        """Close the last ended epoch, post what is due, and say how that epoch stands."""
        await self.round()
        now_s = await self._core.now_ms() // 1000
        return await self._publishing.epoch(max(0, self._core.schedule.epoch_of(now_s) - 1))

    async def round(self) -> None:
        """One step for every epoch that needs one, oldest first."""
        core = self._core
        async with self._lock:
            now_s = await core.now_ms() // 1000
            running = core.schedule.epoch_of(now_s)
            for epoch in await core.store.run(lambda connection: self._publishing.ended(connection, running)):
                await self._close(epoch)
            for epoch in await core.store.run(lambda connection: _in_state(connection, "posted")):
                if not (await core.chain.epoch(epoch)).final:
                    # The contract takes one pending post at a time.
                    return
                await self._move(epoch, "final")
            for epoch in await core.store.run(lambda connection: _in_state(connection, "closed")):
                if await self._post(epoch, now_s):
                    return

    async def _close(self, epoch: int) -> None:
        """Freeze an ended epoch and store everything that will be posted, in one transaction."""
        core = self._core
        rate = await core.chain.rate(epoch)
        unowned = await core.store.run(lambda connection: self._publishing.unowned(connection, epoch))
        owners = {content: await core.chain.owner_at(content, epoch) for content in unowned}
        await core.store.run(lambda connection: self._publishing.freeze(connection, epoch, rate, owners))
        log.info("epoch %d closed", epoch)

    async def _post(self, epoch: int, now_s: int) -> bool:
        """Post a closed epoch unless the chain has it: then a crash came between the post and its record.

        Returns whether it stands on the chain now; False once its time has gone by.
        """
        core = self._core
        found = await core.chain.epoch(epoch)
        transaction = None
        if not found.ready:
            if now_s > core.schedule.post_until(epoch):
                log.error("epoch %d was not posted in time", epoch)
                await self._move(epoch, "missed")
                return False
            transaction = await core.chain.post(core.keys.signing, epoch, *await self._publishing.post_arguments(epoch))
        elif found.commit != await self._publishing.commitment(epoch):
            log.error("the chain has another commitment for epoch %d", epoch)
            raise GomaaError("chain.mismatch", epoch=epoch)
        core.chain.forget_money()
        await self._move(epoch, "posted", transaction)
        return True

    async def _move(self, epoch: int, state: str, transaction: bytes | None = None) -> None:
        values: dict[str, Any] = {"state": state}
        if transaction is not None:
            values["transaction"] = transaction
        await self._core.store.run(
            lambda connection: connection.execute(update(epochs).where(epochs.c.epoch == epoch).values(**values)) and None
        )
        if state in ("posted", "final"):
            self._core.hub.push({"event": "epoch", "epoch": epoch, "state": state})


def _in_state(connection: Connection, state: str) -> list[int]:
    return list(connection.execute(select(epochs.c.epoch).where(epochs.c.state == state).order_by(epochs.c.epoch)).scalars())
