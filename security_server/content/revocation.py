"""Revoked or destroyed on the chain: keys are shredded, hosts are told, nothing is granted any more."""

from __future__ import annotations

import asyncio
import logging

from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError
from security_server.api.connections import HostConnections
from security_server.chain_view import ChainView
from security_server.content.contents import ContentStore

log = logging.getLogger("gomaa.server")


class Revocation:
    """Follows the contracts of all contents by subscription, and looks again from time to time."""

    def __init__(
        self,
        *,
        chain: ChainView,
        songs: ContentStore,
        hosts: HostConnections,
        every_s: float,
    ) -> None:
        self._chain = chain
        self._songs = songs
        self._hosts = hosts
        self._every_s = every_s
        chain.on_revoked(self.shred)

    async def start(self) -> None:
        """Follow every content whose keys are here."""
        for content in await self._songs.known():
            self._chain.follow(content)

    async def run(self) -> None:
        """Look at every content's flags now and then: an event may be lost with a connection."""
        while True:
            for content in await self._songs.known():
                try:
                    facts = await self._chain.content(content)
                    if facts.destroyed or facts.revoked:
                        await self.shred(content, "content.destroyed" if facts.destroyed else "content.revoked")
                except GomaaError as error:
                    log.warning("looking at %s: %s", to_hex(content), error)
            await asyncio.sleep(self._every_s)

    async def shred(self, content: bytes, code: str) -> None:
        """Delete the keys for good and tell every host."""
        if await self._songs.shred(content, code, await self._chain.now_ms()):
            log.info("%s: %s, keys shredded", to_hex(content), code)
            self._hosts.push({"event": "revoked", "content": to_hex(content)})
