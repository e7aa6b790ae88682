"""Deletes the keys of contents that are revoked or destroyed on the chain."""

from __future__ import annotations

import asyncio
import logging

from messages.host_server.events import RevokedEvent
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError
from pywallet.rules.content_check import withdrawal
from security_server.chain.view import ChainView
from security_server.content.contents import ContentStore
from security_server.host_connections import HostConnections

log = logging.getLogger("gomaa.server")


class Revocation:
    """Watches the contracts of all contents by subscription and by polling."""

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
        chain.on_withdrawn(self.delete_keys)

    async def start(self) -> None:
        """Subscribe to every content whose keys are stored."""
        for content in await self._songs.with_keys():
            self._chain.follow(content)

    async def run(self) -> None:
        """Poll every content's flags until cancelled: an event may be lost with a connection."""
        while True:
            for content in await self._songs.with_keys():
                try:
                    facts = await self._chain.content(content)
                    code = withdrawal(facts)
                    if code is not None:
                        await self.delete_keys(content, code)
                except GomaaError as error:
                    log.warning("reading the state of %s: %s", to_hex(content), error)
            await asyncio.sleep(self._every_s)

    async def delete_keys(self, content: bytes, code: str) -> None:
        """Delete a content's keys and notify every host.

        Args:
            content: 20 bytes.
            code: ``content.revoked`` or ``content.destroyed``.
        """
        if await self._songs.delete_keys(content, code, await self._chain.now_ms()):
            log.info("%s: %s, keys deleted", to_hex(content), code)
            await self._hosts.push(RevokedEvent(to_hex(content)))
