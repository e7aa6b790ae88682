"""Revoked or destroyed on the chain: keys are shredded, hosts are told, nothing is granted any more."""

from __future__ import annotations

import asyncio
import logging

from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError
from pywallet.rules.content_check import withdrawal
from security_server.context import Core

log = logging.getLogger("gomaa.server")


class Revocation:
    """Follows the contracts of all contents by subscription, and looks again from time to time."""

    def __init__(self, core: Core) -> None:
        self._core = core
        core.chain.on_revoked(self.shred)

    async def start(self) -> None:
        """Follow every content whose keys are here."""
        for content in await self._core.songs.known():
            self._core.chain.follow(content)

    async def run(self) -> None:
        """Look at every content's flags now and then: an event may be lost with a connection."""
        while True:
            for content in await self._core.songs.known():
                try:
                    facts = await self._core.chain.content(content)
                    code = withdrawal(facts)
                    if code is not None:
                        await self.shred(content, code)
                except GomaaError as error:
                    log.warning("looking at %s: %s", to_hex(content), error)
            await asyncio.sleep(self._core.config.content_age_s)

    async def shred(self, content: bytes, code: str) -> None:
        """Delete the keys for good and tell every host."""
        if await self._core.songs.shred(content, code, await self._core.now_ms()):
            log.info("%s: %s, keys shredded", to_hex(content), code)
            self._core.hub.push({"event": "revoked", "content": to_hex(content)})
