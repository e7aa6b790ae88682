"""The security servers that a station deals with, and their URLs."""

from __future__ import annotations

from collections.abc import Mapping

from pywallet.encoding.hex import to_hex
from pywallet.errors import Unavailable
from station.catalogue.songs import Catalogue
from station.chain_interface import ChainView
from station.db.ledger import Store


class ServerDirectory:
    """Security servers by address.

    Args:
        configured: URLs from the settings; they take precedence.
        chain: For URLs in the registry.
        catalogue: For URLs in signed song headers.
        store: For servers that tickets name.
    """

    def __init__(self, configured: Mapping[bytes, str], chain: ChainView, catalogue: Catalogue, store: Store) -> None:
        self._configured = configured
        self._chain = chain
        self._catalogue = catalogue
        self._store = store

    async def url(self, server: bytes) -> str:
        """A server's URL, without a trailing slash: from the settings, the registry or a song's header.

        Args:
            server: Its address, 20 bytes.

        Raises:
            Unavailable: ``server.unreachable``: no URL is known; ``chain.unreachable``.
        """
        url = self._configured.get(server) or await self._chain.server_url(server)
        if not url:
            url = next((song.server_url for song in self._catalogue.songs if song.server == server), None)
        if not url:
            raise Unavailable("server.unreachable", server=to_hex(server), reason="no URL is known")
        return url.rstrip("/")

    def addresses(self) -> set[bytes]:
        """Servers that the settings, the catalogue or the tickets name. Blocks for one query."""
        return {*self._configured, *(song.server for song in self._catalogue.songs), *self._store.servers()}
